/**
 * Every captured and derived request of `test/vectors/wire-vectors.json`, through the signature check and through the
 * whole pipeline, with the vector's own time as the clock.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Action, action } from '../../src/rpc/action.ts'
import { headerMap, parseTimestamp } from '../../src/rpc/authenticate.ts'
import type { Credential } from '../../src/rpc/authorize.ts'
import { HmacKey } from '../../src/rpc/hmac.ts'
import { mergePairs, noPairs, parsePairs, unflatten } from '../../src/rpc/params.ts'
import { createPipeline, type PipelineOptions, type Reply } from '../../src/rpc/pipeline.ts'
import type { RequestLog } from '../../src/rpc/request-log.ts'
import { mismatchV1, stringToSignV1, verifyV1 } from '../../src/rpc/signature-v1.ts'
import {
  canonicalRequestV3,
  mismatchV3,
  parseAuthorization,
  stringToSignV3,
  verifyV3,
} from '../../src/rpc/signature-v3.ts'
import { defineAction } from '../../src/rpc/spec.ts'

interface WireRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

interface Vector {
  readonly id: string
  readonly scheme: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityToken?: string
  readonly serverTime: string
  readonly request: WireRequest
  readonly expect: {
    readonly action: string
    readonly version: string
    readonly format?: string
    readonly params: Readonly<Record<string, string>>
    readonly tree: unknown
    readonly stringToSign: string
    readonly canonicalRequest?: string
    readonly signature: string
    readonly httpStatus: number
    readonly code?: string
    readonly codeAnyOf?: readonly string[]
    readonly message?: string
    readonly messagePrefix?: string
    readonly serverStringToSign?: string
    readonly serverCanonicalRequest?: string
  }
}

interface Sequence {
  readonly id: string
  /** Ids of vectors, sent one after another. */
  readonly steps: readonly string[]
  readonly expect: readonly ('accepted' | { httpStatus: number; code: string; message: string })[]
}

const file = JSON.parse(readFileSync(new URL('./wire-vectors.json', import.meta.url), 'utf8')) as Readonly<
  Record<'vectors' | 'equivalent' | 'negative' | 'unsigned', readonly Vector[]>
> & {
  readonly sequences: readonly Sequence[]
}

/** Parameters every request may carry; `params` of a vector leaves them out. */
const common = new Set([
  'Action',
  'Version',
  'Format',
  'AccessKeyId',
  'Signature',
  'SignatureMethod',
  'SignatureVersion',
  'SignatureNonce',
  'SignatureType',
  'Timestamp',
  'SecurityToken',
  'BearerToken',
])

const flatHeaders = (request: WireRequest): string[] => request.headers.flat()
const header = (request: WireRequest, name: string): string =>
  request.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''

function partsOf(request: WireRequest) {
  const mark = request.url.indexOf('?')
  const query = mark < 0 ? noPairs : parsePairs(request.url, mark + 1)
  const isJson = header(request, 'content-type').startsWith('application/json')
  const form = isJson ? noPairs : parsePairs(Buffer.from(request.body).toString('latin1'))
  return { query, params: mergePairs(query, form, 'body'), body: Buffer.from(request.body) }
}

function credentialOf(vector: Vector): Credential {
  return {
    accessKeyId: vector.accessKeyId,
    accountId: '1234567890123456',
    userName: null,
    statements: [],
    active: true,
    keyV1: new HmacKey('sha1', `${vector.accessKeySecret}&`),
    keyV3: new HmacKey('sha256', vector.accessKeySecret),
    ...(vector.securityToken ? { securityToken: { value: vector.securityToken, expiresAt: Infinity } } : {}),
  }
}

/** Actions the vectors name, without parameters: what they were called with is checked beside. */
function echo(name: string): Action {
  const spec = defineAction({
    name,
    summary: name,
    kind: 'read',
    resources: ['*'],
    params: {},
    result: { Done: { type: 'boolean' } },
    errors: [],
    source: 'test',
  })
  return action(spec, () => ({ Done: true }))
}

const names = new Set(
  [...file.vectors, ...file.equivalent, ...file.unsigned].map(({ expect }) => expect.action),
)
names.add('DeleteVpnConnection')
const table = new Map([...names].map((name) => [name, echo(name)]))

function start(vector: Vector, known: Credential, logged: RequestLog[] = []) {
  const options: PipelineOptions = {
    table,
    findCredential: (accessKeyId) => (accessKeyId === known.accessKeyId ? known : undefined),
    regions: new Set(['cn-hangzhou', 'cn-shanghai']),
    defaultRegion: 'cn-hangzhou',
    now: () => parseTimestamp(vector.serverTime),
    log: (entry) => logged.push(entry),
  }
  const pipeline = createPipeline(options)
  return (request: WireRequest) =>
    pipeline.handle(
      request.method,
      request.url,
      flatHeaders(request),
      Buffer.from(request.body),
      '192.0.2.1',
    ) as Reply
}

describe('signatures of the vectors', () => {
  for (const vector of [...file.vectors, ...file.equivalent]) {
    it(`${vector.id} verifies, and its texts come out byte for byte`, () => {
      const { request, expect } = vector
      const { query, params, body } = partsOf(request)
      const credential = credentialOf(vector)
      const business = new Map([...params.map].filter(([name]) => !common.has(name)))
      assert.deepEqual(Object.fromEntries(business), expect.params)
      assert.equal(JSON.stringify(sorted(unflatten(business))), JSON.stringify(sorted(expect.tree)))
      if (vector.scheme.startsWith('V1')) {
        assert.equal(stringToSignV1(request.method, params), expect.stringToSign)
        assert.ok(verifyV1(request.method, params, credential.keyV1, expect.signature))
        assert.equal(params.map.get('Signature'), expect.signature)
      } else {
        const { signedHeaders, signature } = parseAuthorization(header(request, 'authorization'))
        const signed = {
          method: request.method,
          query,
          headers: headerMap(flatHeaders(request)),
          signedHeaders,
        }
        const canonical = canonicalRequestV3(signed)
        if (expect.canonicalRequest) assert.equal(canonical, expect.canonicalRequest)
        assert.equal(stringToSignV3(canonical), expect.stringToSign)
        assert.equal(signature, expect.signature)
        assert.ok(verifyV3(signed, body, credential.keyV3, signature))
      }
    })
  }
})

/** The same value with the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  )
}

describe('the pipeline accepts', () => {
  for (const vector of [...file.vectors, ...file.equivalent]) {
    it(vector.id, () => {
      const reply = start(vector, credentialOf(vector))(vector.request)
      if (vector.expect.version !== '2016-04-28') {
        // Samples of another product: the version is refused before anything else is looked at.
        assert.equal(codeOf(reply), 'InvalidVersion')
        return
      }
      assert.equal(reply.status, 200, reply.body)
      if (vector.expect.format?.toLowerCase() === 'xml') {
        assert.ok(
          reply.body.startsWith(`<?xml version='1.0' encoding='UTF-8'?><${vector.expect.action}Response>`),
        )
        assert.deepEqual(reply.headers.slice(0, 2), ['Content-Type', 'text/xml;charset=utf-8'])
      } else {
        assert.equal((JSON.parse(reply.body) as { Done: boolean }).Done, true)
        assert.deepEqual(reply.headers.slice(0, 2), ['Content-Type', 'application/json;charset=utf-8'])
      }
    })
  }
})

interface ErrorBody {
  readonly Code: string
  readonly Message: string
  readonly RequestId: string
}

/** The code of an error reply in either format. */
function codeOf(reply: Reply): string {
  const xml = /<Code>(.*)<\/Code>/.exec(reply.body)
  return xml ? xml[1]! : (JSON.parse(reply.body) as ErrorBody).Code
}

describe('the pipeline refuses', () => {
  for (const vector of file.negative) {
    it(vector.id, () => {
      const logged: RequestLog[] = []
      const known = vector.id.endsWith('unknown-accesskey')
        ? { ...credentialOf(vector), accessKeyId: 'AnotherAccessKeyId' }
        : credentialOf(vector)
      const reply = start(vector, known, logged)(vector.request)
      const { expect } = vector
      const body = JSON.parse(reply.body) as ErrorBody
      assert.equal(reply.status, expect.httpStatus, reply.body)
      if (expect.code) assert.equal(body.Code, expect.code)
      if (expect.codeAnyOf) assert.ok(expect.codeAnyOf.includes(body.Code), body.Code)
      if (expect.message) assert.equal(body.Message, expect.message)
      if (expect.messagePrefix) assert.ok(body.Message.startsWith(expect.messagePrefix), body.Message)
      if (expect.serverCanonicalRequest) assert.equal(body.Message, mismatchV3(expect.serverCanonicalRequest))
      else if (expect.serverStringToSign) assert.equal(body.Message, mismatchV1(expect.serverStringToSign))
      if (expect.serverStringToSign) assert.ok(body.Message.includes(expect.serverStringToSign))
      assert.equal(logged.length, 1)
      assert.equal(logged[0]!.code, body.Code)
      assert.equal(logged[0]!.requestId, body.RequestId)
      assert.ok(!JSON.stringify(logged).includes('calculation'), 'the explanation must not be logged')
    })
  }
  for (const vector of file.unsigned) {
    it(vector.id, () => {
      const reply = start(vector, credentialOf(vector))(vector.request)
      assert.equal(reply.status, 400)
      assert.equal(
        codeOf(reply),
        vector.id.endsWith('bearer') ? 'InvalidSignatureType' : 'MissingAccessKeyId',
      )
    })
  }
})

describe('a nonce is used once', () => {
  for (const sequence of file.sequences) {
    it(sequence.id, () => {
      const first = file.vectors.find(({ id }) => id === sequence.steps[0])!
      const call = start(first, credentialOf(first))
      const replies = sequence.steps.map((step) => call(file.vectors.find(({ id }) => id === step)!.request))
      for (const [at, expected] of sequence.expect.entries()) {
        const reply = replies[at]!
        if (expected === 'accepted') {
          assert.equal(reply.status, 200)
        } else {
          const body = JSON.parse(reply.body) as ErrorBody
          assert.deepEqual({ httpStatus: reply.status, code: body.Code, message: body.Message }, expected)
        }
      }
    })
  }

  it('a request with a bad signature leaves its nonce unused', () => {
    const tampered = file.negative.find(({ id }) => id === 'neg-v1-tampered-param')!
    const genuine = file.vectors.find(({ id }) => id === 'popcore-get-DescribeVpnConnection')!
    const call = start(genuine, credentialOf(genuine))
    assert.equal(codeOf(call(tampered.request)), 'SignatureDoesNotMatch')
    assert.equal(call(genuine.request).status, 200)
  })
})
