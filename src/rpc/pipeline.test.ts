import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  credentials,
  echoSpec,
  rootKey,
  signV1,
  signV3,
  stsKey,
  type ToyRequest,
  toyOptions,
  toyTable,
  userKey,
} from '../../test/support/toy-api.ts'
import { parseXml } from '../../test/support/xml.ts'
import { action } from './action.ts'
import type { AuditEvent } from './audit.ts'
import { createApiMetrics } from './metrics.ts'
import { createPipeline, type PipelineOptions, type Reply } from './pipeline.ts'
import type { RequestLog } from './request-log.ts'
import { createThrottle } from './throttle.ts'

const echo = { EchoId: 'echo-1' }

function start(more: Partial<PipelineOptions> = {}) {
  const logged: RequestLog[] = []
  const pipeline = createPipeline(toyOptions(logged, more))
  const call = ({ method, url, headers, body }: ToyRequest): Reply =>
    pipeline.handle(method, url, headers, body, '192.0.2.7') as Reply
  const later = ({ method, url, headers, body }: ToyRequest) => pipeline.handle(method, url, headers, body)
  return { call, later, logged }
}

const parsed = (reply: Reply): Record<string, unknown> => JSON.parse(reply.body) as Record<string, unknown>
const codeOf = (reply: Reply): unknown => parsed(reply)['Code']
const inputOf = (reply: Reply): unknown => {
  assert.equal(reply.status, 200, reply.body)
  return JSON.parse(parsed(reply)['Input'] as string)
}

/** The request with one more or another parameter that is not signed. */
const withQuery = (request: ToyRequest, more: string): ToyRequest => ({
  ...request,
  url: `${request.url}&${more}`,
})
const withForm = (request: ToyRequest, form: string): ToyRequest => ({
  ...request,
  headers: [...request.headers, 'Content-Type', 'application/x-www-form-urlencoded'],
  body: Buffer.from(form),
})

describe('order of the checks: each request breaks one rule more than the next', () => {
  const user = { key: userKey }
  const steps: [title: string, request: ToyRequest, status: number, code: string][] = [
    [
      'path',
      { ...signV1('DescribeEcho'), url: '/api?Action=', method: 'PUT' },
      404,
      'InvalidAction.NotFound',
    ],
    ['method', { ...signV1('DescribeEcho'), method: 'PUT', url: '/?a=%' }, 405, 'UnsupportedHTTPMethod'],
    ['parse', { ...signV1('DescribeEcho'), url: '/?a=%zz' }, 400, 'InvalidParameter'],
    ['action given', signV1('', {}, { common: { Version: undefined } }), 400, 'MissingAction'],
    ['version given', signV1('NoSuch', {}, { common: { Version: undefined } }), 400, 'MissingVersion'],
    ['version known', signV1('NoSuch', {}, { common: { Version: '2014-05-26' } }), 400, 'InvalidVersion'],
    [
      'action known',
      signV1('NoSuch', {}, { common: { AccessKeyId: undefined } }),
      404,
      'InvalidAction.NotFound',
    ],
    [
      'common parameters',
      signV1('FutureEcho', {}, { common: { Timestamp: undefined } }),
      400,
      'MissingTimestamp',
    ],
    [
      'key known',
      signV1('FutureEcho', {}, { common: { AccessKeyId: 'Nobody', Timestamp: 'x' } }),
      404,
      'InvalidAccessKeyId.NotFound',
    ],
    [
      'key active',
      signV1('FutureEcho', {}, { common: { AccessKeyId: 'OffKey', Timestamp: 'x' } }),
      400,
      'InvalidAccessKeyId.Inactive',
    ],
    [
      'token',
      signV1('FutureEcho', {}, { common: { SecurityToken: 'made-up', Timestamp: 'x' } }),
      400,
      'InvalidSecurityToken.Malformed',
    ],
    [
      'time format',
      signV1('FutureEcho', {}, { common: { Timestamp: 'now', Signature: 'x' } }),
      400,
      'InvalidTimeStamp.Format',
    ],
    [
      'freshness',
      signV1('FutureEcho', {}, { time: Date.now() - 16 * 60_000, common: { Signature: 'x' } }),
      400,
      'InvalidTimeStamp.Expired',
    ],
    [
      'signature method',
      signV1('FutureEcho', {}, { common: { SignatureMethod: 'HMAC-SHA256', Signature: 'x' } }),
      400,
      'InvalidSignatureMethod',
    ],
    [
      'signature version',
      signV1('FutureEcho', {}, { common: { SignatureVersion: '2.0', Signature: 'x' } }),
      400,
      'InvalidSignatureVersion',
    ],
    [
      'signature',
      signV1('FutureEcho', {}, { common: { Signature: 'x', Format: 'YAML' } }),
      400,
      'SignatureDoesNotMatch',
    ],
    ['format', signV1('FutureEcho', {}, { common: { Format: 'YAML' } }), 400, 'InvalidParameter.Format'],
    ['built', signV1('FutureEcho', { RegionId: 'mars' }, user), 400, 'UnsupportedOperation'],
    ['required', signV1('DescribeEcho', { RegionId: 'mars', Size: 'x' }, user), 400, 'MissingEchoId'],
    [
      'region',
      signV1('DescribeEcho', { RegionId: 'mars', Size: 'x', EchoId: 'echo-2' }, user),
      404,
      'InvalidRegionId.NotFound',
    ],
    ['permission', signV1('DescribeEcho', { Size: 'x', EchoId: 'echo-2' }, user), 403, 'Forbbiden.SubUser'],
    ['values', signV1('DescribeEcho', { Size: 'x', EchoId: 'echo-1' }, user), 400, 'IllegalParam.Size'],
  ]
  for (const [title, request, status, code] of steps) {
    it(title, () => {
      const { call, logged } = start()
      const reply = call(request)
      assert.equal(codeOf(reply), code, reply.body)
      assert.equal(reply.status, status)
      assert.equal(logged[0]!.code, code)
      assert.equal(logged[0]!.requestId, parsed(reply)['RequestId'])
    })
  }
  it('and the last one passes', () => {
    assert.equal(start().call(signV1('DescribeEcho', echo, user)).status, 200)
  })
})

describe('what a signature covers', () => {
  it('an altered, added or removed parameter is refused, in query and body', () => {
    const { call } = start()
    const request = signV1('DescribeEcho', { ...echo, Name: 'one' })
    for (const altered of [
      { ...request, url: request.url.replace('Name=one', 'Name=two') },
      { ...request, url: request.url.replace('&Name=one', '') },
      withQuery(request, 'Size=7'),
      withForm(request, 'Size=7'),
      { ...request, method: 'POST' },
    ]) {
      assert.equal(codeOf(call(altered)), 'SignatureDoesNotMatch')
    }
    assert.equal(call(request).status, 200)
  })

  it('no common parameter can be overridden from the other half: a captured request is not replayed', () => {
    const { call } = start()
    const request = signV1('DescribeEcho', echo)
    assert.equal(call(request).status, 200)
    assert.equal(codeOf(call(request)), 'SignatureNonceUsed')
    for (const form of [
      'SignatureNonce=fresh',
      'Action=BusyEcho',
      'Timestamp=x',
      'AccessKeyId=UserKey',
      'Version=1',
    ]) {
      assert.equal(codeOf(call(withForm(request, form))), 'InvalidParameter', form)
    }
    const inBody = signV1('DescribeEcho', echo, { method: 'POST', inBody: ['SignatureNonce'] })
    assert.equal(codeOf(call(withQuery(inBody, 'SignatureNonce=fresh'))), 'InvalidParameter')
  })

  it('of a name in query and body, the value that was signed counts', () => {
    const { call } = start()
    const query = signV1('DescribeEcho', { ...echo, Name: 'signed' }, { method: 'POST' })
    assert.deepEqual(inputOf(call(withForm(query, 'Name=other'))), {
      RegionId: 'cn-hangzhou',
      ...echo,
      Name: 'signed',
      Size: 10,
    })
    const body = signV1('DescribeEcho', { ...echo, Name: 'signed' }, { method: 'POST', inBody: ['Name'] })
    assert.deepEqual(inputOf(call(withQuery(body, 'Name=other'))), {
      RegionId: 'cn-hangzhou',
      ...echo,
      Name: 'signed',
      Size: 10,
    })
  })

  it('ACS3: the action, query and body are covered, also by a hash that was swapped', () => {
    const { call } = start()
    const form = { contentType: 'application/x-www-form-urlencoded', body: 'Name=one' }
    const request = signV3('DescribeEcho', echo, form)
    const swap = (from: string, to: string): ToyRequest => ({
      ...request,
      headers: request.headers.map((value) => (value === from ? to : value)),
    })
    assert.equal(codeOf(call({ ...request, body: Buffer.from('Name=two') })), 'SignatureDoesNotMatch')
    assert.equal(codeOf(call(withQuery(request, 'Size=7'))), 'SignatureDoesNotMatch')
    assert.equal(codeOf(call(swap('DescribeEcho', 'BusyEcho'))), 'SignatureDoesNotMatch')
    assert.equal(codeOf(call(swap('api.example.test', 'other.test'))), 'SignatureDoesNotMatch')
    assert.deepEqual(inputOf(call(request)), { RegionId: 'cn-hangzhou', ...echo, Name: 'one', Size: 10 })
    assert.equal(codeOf(call(request)), 'SignatureNonceUsed')
  })

  it('ACS3: a header that carries meaning must be signed', () => {
    const { call } = start()
    for (const header of [
      'x-acs-action',
      'x-acs-version',
      'x-acs-date',
      'x-acs-signature-nonce',
      'x-acs-content-sha256',
    ]) {
      const reply = call(signV3('DescribeEcho', echo, { unsigned: [header] }))
      assert.equal(codeOf(reply), 'IncompleteSignature', header)
      assert.match(String(parsed(reply)['Message']), new RegExp(header))
    }
  })

  it('ACS3: missing headers have the names of the parameters, a torn Authorization its own code', () => {
    const { call } = start()
    const without = (...names: string[]): ToyRequest => {
      const request = signV3('DescribeEcho', echo)
      const headers: string[] = []
      for (let at = 0; at < request.headers.length; at += 2) {
        if (!names.includes(request.headers[at]!))
          headers.push(request.headers[at]!, request.headers[at + 1]!)
      }
      return { ...request, headers }
    }
    assert.equal(codeOf(call(without('x-acs-action'))), 'MissingAction')
    assert.equal(codeOf(call(without('x-acs-version'))), 'MissingVersion')
    assert.equal(codeOf(call(without('x-acs-date'))), 'MissingTimestamp')
    assert.equal(codeOf(call(without('x-acs-signature-nonce'))), 'MissingSignatureNonce')
    assert.equal(codeOf(call(without('x-acs-content-sha256'))), 'SignatureDoesNotMatch')
    for (const torn of [
      'ACS3-HMAC-SHA256',
      'ACS3-HMAC-SHA256 ',
      'ACS3-HMAC-SHA256 Credential=RootKey',
      'ACS3-x Credential=,SignedHeaders=a,Signature=b',
    ]) {
      const request = without('Authorization')
      assert.equal(
        codeOf(call({ ...request, headers: [...request.headers, 'Authorization', torn] })),
        'IncompleteSignature',
      )
    }
  })

  it('ACS3: members of a JSON body are parameters, and V1 does not take one', () => {
    const { call } = start()
    const body = JSON.stringify({
      ...echo,
      Size: 7,
      Tags: [{ Key: 'a', Value: 'b' }],
      Settings: { Psk: 'k' },
      Name: null,
    })
    const json = { contentType: 'application/json; charset=utf-8', body }
    assert.deepEqual(inputOf(call(signV3('DescribeEcho', {}, json))), {
      RegionId: 'cn-hangzhou',
      ...echo,
      Size: 7,
      Settings: { Psk: 'k', Lifetime: 86400 },
      Tags: [{ Key: 'a', Value: 'b' }],
    })
    for (const bad of ['[]', '{', 'null', '"x"', '{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{}}}}}}}}}']) {
      const reply = call(signV3('DescribeEcho', echo, { ...json, body: bad }))
      assert.equal(codeOf(reply), 'InvalidParameter', bad)
    }
    const v1 = signV1('DescribeEcho', echo, { method: 'POST' })
    const headers = [...v1.headers, 'Content-Type', 'application/json']
    assert.equal(codeOf(call({ ...v1, headers, body: Buffer.from(body) })), 'UnsupportedMediaType')
    const multipart = { contentType: 'multipart/form-data; boundary=x', body: '--x--' }
    assert.equal(call(signV3('DescribeEcho', echo, multipart)).status, 415)
  })
})

describe('temporary keys', () => {
  it('pass with their token, under both schemes', () => {
    const { call } = start()
    assert.equal(call(signV1('DescribeEcho', echo, { key: stsKey })).status, 200)
    assert.equal(call(signV3('DescribeEcho', echo, { key: stsKey })).status, 200)
  })

  it('are refused without it, with another one, or after its end', () => {
    const now = Date.now()
    const expired = {
      ...credentials.get(stsKey.id)!,
      securityToken: { value: stsKey.token!, expiresAt: now },
    }
    const bare = { id: stsKey.id, secret: stsKey.secret }
    for (const sign of [signV1, signV3]) {
      const { call } = start()
      assert.equal(codeOf(call(sign('DescribeEcho', echo, { key: bare }))), 'MissingSecurityToken')
      const other = { key: { ...stsKey, token: 'Token+/=2' } }
      assert.equal(
        codeOf(call(sign('DescribeEcho', echo, other))),
        'InvalidSecurityToken.MismatchWithAccessKey',
      )
      const late = start({ now: () => now, findCredential: () => expired })
      assert.equal(
        codeOf(late.call(sign('DescribeEcho', echo, { key: stsKey, time: now }))),
        'InvalidSecurityToken.Expired',
      )
      const foreign = { key: { ...rootKey, token: 'anything' } }
      assert.equal(codeOf(call(sign('DescribeEcho', echo, foreign))), 'InvalidSecurityToken.Malformed')
    }
  })
})

describe('time', () => {
  const now = Date.UTC(2026, 10, 22, 12, 0, 0)
  for (const [offset, ok] of [
    [-15 * 60, true],
    [15 * 60, true],
    [-15 * 60 - 1, false],
    [15 * 60 + 1, false],
  ] as const) {
    it(`a timestamp ${offset} s from the clock is ${ok ? 'fresh' : 'expired'}`, () => {
      const { call } = start({ now: () => now })
      const reply = call(signV1('DescribeEcho', echo, { time: now + offset * 1000 }))
      assert.equal(ok ? reply.status : codeOf(reply), ok ? 200 : 'InvalidTimeStamp.Expired')
    })
  }
  for (const text of [
    '2026-11-22T12:00:00.000Z',
    '2026-11-22T12:00:00',
    '2026-11-22 12:00:00Z',
    '2026-13-22T12:00:00Z',
    '2026-11-31T12:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T12:00:60Z',
    '+12026-11-22T12:00:0Z',
  ]) {
    it(`${text} is no timestamp`, () => {
      const { call } = start({ now: () => now })
      assert.equal(
        codeOf(call(signV1('DescribeEcho', echo, { common: { Timestamp: text } }))),
        'InvalidTimeStamp.Format',
      )
    })
  }
})

describe('permission', () => {
  const ask = (params: Record<string, string>) => {
    const reply = start().call(signV1('DescribeEcho', params, { key: userKey }))
    return reply.status === 200 ? 'allowed' : codeOf(reply)
  }
  it('names the resource by the parameter that reaches the action', () => {
    assert.equal(ask({ EchoId: 'echo-1' }), 'allowed')
    assert.equal(ask({ EchoId: 'echo-2' }), 'Forbbiden.SubUser')
    assert.equal(ask({ Id: 'echo-1' }), 'allowed')
    assert.equal(ask({ Id: 'echo-2' }), 'Forbbiden.SubUser')
  })
  it('an explicit Deny wins, for a user and for the account itself', () => {
    assert.equal(ask({ EchoId: 'echo-xfiles' }), 'allowed')
    assert.equal(ask({ EchoId: 'echo-xsecret' }), 'Forbidden')
    const root = {
      ...credentials.get(rootKey.id)!,
      statements: [{ Effect: 'Deny', Action: ['vpc:describeecho'], Resource: ['*'] }],
    } as const
    const reply = start({ findCredential: () => root }).call(signV1('DescribeEcho', echo))
    assert.equal(codeOf(reply), 'Forbidden')
    assert.equal(reply.status, 403)
  })
})

describe('regions', () => {
  it('an absent or empty RegionId is the default region, for the check and for the action', () => {
    const { call } = start()
    for (const params of [echo, { ...echo, RegionId: '' }]) {
      const reply = call(signV1('DescribeEcho', { ...params, 'X-Suidao': 'TRUE' }))
      assert.deepEqual((parsed(reply)['X-Suidao'] as { region: string }).region, 'cn-hangzhou')
    }
    assert.deepEqual(inputOf(call(signV1('DescribeEcho', { ...echo, RegionId: 'eu-central-1' }))), {
      RegionId: 'eu-central-1',
      ...echo,
      Size: 10,
    })
  })
})

describe('replies', () => {
  it('carry the request id in body, header and log', () => {
    const { call, logged } = start()
    for (const request of [signV1('DescribeEcho', echo), signV1('BusyEcho'), signV1('NoSuch')]) {
      const reply = call(request)
      const id = parsed(reply)['RequestId']
      assert.match(String(id), /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/)
      assert.equal(reply.headers[reply.headers.indexOf('x-acs-request-id') + 1], id)
      assert.equal(logged.at(-1)!.requestId, id)
    }
    assert.equal(new Set(logged.map(({ requestId }) => requestId)).size, 3)
  })

  it('the extra object comes only when asked for, by parameter or header, in both formats', () => {
    const { call } = start()
    assert.ok(!('X-Suidao' in parsed(call(signV1('DescribeEcho', echo)))))
    const extra = { region: 'cn-hangzhou', 'odd key': [1, null, 'a<b'] }
    assert.deepEqual(parsed(call(signV1('DescribeEcho', { ...echo, 'X-Suidao': 'true' })))['X-Suidao'], extra)
    const request = signV3('DescribeEcho', echo)
    const withHeader = { ...request, headers: [...request.headers, 'X-SUIDAO', 'true'] }
    assert.deepEqual(parsed(call(withHeader))['X-Suidao'], extra)
    const xml = call(signV1('DescribeEcho', { ...echo, 'X-Suidao': 'true', Format: 'XML' }))
    assert.ok(
      xml.body.endsWith(
        '<X-Suidao><region>cn-hangzhou</region><odd_key><Item>1</Item><Item/><Item>a&lt;b</Item></odd_key></X-Suidao></DescribeEchoResponse>',
      ),
      xml.body,
    )
  })

  it('the format is the Format parameter; under ACS3 the Accept header where that is absent', () => {
    const { call } = start()
    const isXml = (request: ToyRequest): boolean => {
      const reply = call(request)
      const xml = reply.body.startsWith("<?xml version='1.0' encoding='UTF-8'?><DescribeEchoResponse>")
      assert.equal(reply.headers[1], xml ? 'text/xml;charset=utf-8' : 'application/json;charset=utf-8')
      assert.equal(reply.status, 200)
      return xml
    }
    for (const format of ['JSON', 'json', '', 'None'])
      assert.ok(!isXml(signV1('DescribeEcho', { ...echo, Format: format })))
    for (const format of ['XML', 'xml', 'Xml'])
      assert.ok(isXml(signV1('DescribeEcho', { ...echo, Format: format })))
    assert.ok(
      isXml(signV3('DescribeEcho', { ...echo, Format: 'XML' }, { headers: { accept: 'application/json' } })),
    )
    assert.ok(isXml(signV3('DescribeEcho', echo, { headers: { accept: 'application/xml' } })))
    assert.ok(isXml(signV3('DescribeEcho', echo, { headers: { accept: 'text/xml, application/json' } })))
    for (const accept of ['*/*', 'application/json', 'text/html', 'application/json, text/xml']) {
      assert.ok(!isXml(signV3('DescribeEcho', echo, { headers: { accept } })), accept)
    }
  })

  it('errors come in the format asked for, as soon as it can be read', () => {
    const reply = start().call(signV1('DescribeEcho', { Format: 'XML', EchoId: '<&>' }))
    const root = parseXml(reply.body)
    assert.equal(root.name, 'Error')
    const member = (name: string) => root.children.find((child) => child.name === name)?.text
    assert.equal(member('Code'), 'IllegalParam.EchoId')
    assert.equal(member('HostId'), 'api.example.test')
    assert.equal(
      member('Message'),
      'The specified "EchoId" (<&>) is invalid. It is not in the expected form.',
    )
  })

  it('an error names a page about its code when one is configured', () => {
    const reply = start({ recommendUrl: 'https://docs.example/errors' }).call(signV1('BusyEcho'))
    assert.deepEqual(Object.keys(parsed(reply)), ['RequestId', 'Message', 'Recommend', 'HostId', 'Code'])
    assert.equal(parsed(reply)['Recommend'], 'https://docs.example/errors#VpnGateway.Configuring')
  })

  it('a fault of ours is an InternalError without detail, and the log has its cause', () => {
    for (const name of ['FailEcho', 'MistypedEcho']) {
      const { call, logged } = start()
      const reply = call(signV1(name))
      assert.equal(reply.status, 500)
      assert.equal(codeOf(reply), 'InternalError')
      assert.ok(!reply.body.includes('secret') && !reply.body.includes('Done'))
      assert.ok(logged[0]!.cause instanceof Error)
    }
    const failing = start({
      findCredential: () => {
        throw new Error('no database')
      },
    })
    assert.equal(codeOf(failing.call(signV1('DescribeEcho', echo))), 'InternalError')
  })

  it('a full nonce memory throttles and says when to come back', () => {
    const { call } = start({ nonces: { use: () => 'full' } })
    const reply = call(signV1('DescribeEcho', echo))
    assert.equal(codeOf(reply), 'Throttling')
    assert.equal(reply.headers[reply.headers.indexOf('x-acs-retry-after') + 1], '60000')
  })
})

describe('promises', () => {
  it('there are none where key and action answer at once', () => {
    assert.ok(!(start().later(signV1('DescribeEcho', echo)) instanceof Promise))
  })

  it('keys and actions may answer later, and may fail later', async () => {
    const slowKeys = start({ findCredential: async (id) => credentials.get(id) })
    assert.equal((await slowKeys.later(signV1('SlowEcho'))).status, 200)
    assert.equal(
      codeOf(await slowKeys.later(signV1('SlowEcho', {}, { key: { id: 'x', secret: 'x' } }))),
      'InvalidAccessKeyId.NotFound',
    )
    const failing = start({ table: toyTable(() => Promise.reject(new Error('late'))) })
    const reply = await failing.later(signV1('SlowEcho'))
    assert.equal(codeOf(reply), 'InternalError')
    assert.equal((failing.logged[0]!.cause as Error).message, 'late')
    const noStore = start({ findCredential: () => Promise.reject(new Error('no database')) })
    assert.equal(codeOf(await noStore.later(signV1('SlowEcho'))), 'InternalError')
  })
})

describe('log and metrics', () => {
  it('hold what happened, and nothing a caller wrote into parameters', () => {
    const metrics = createApiMetrics()
    const { call, logged } = start({ metrics })
    call(signV1('DescribeEcho', { ...echo, Key: 'TopSecret' }))
    call(signV1('DescribeEcho', { ...echo, Settings: '{"Psk":"TopSecret of the tunnel"}' }))
    call(withQuery(signV1('DescribeEcho', echo), 'Key=TopSecret'))
    assert.deepEqual(
      logged.map(({ action, accessKeyId, status, code, remoteAddress }) => [
        action,
        accessKeyId,
        status,
        code,
        remoteAddress,
      ]),
      [
        ['DescribeEcho', 'RootKey', 400, 'IllegalParam.Key', '192.0.2.7'],
        ['DescribeEcho', 'RootKey', 400, 'IllegalParam.Psk', '192.0.2.7'],
        ['DescribeEcho', 'RootKey', 400, 'SignatureDoesNotMatch', '192.0.2.7'],
      ],
    )
    assert.ok(!JSON.stringify(logged).includes('TopSecret'))
    const text = metrics.renderMetrics()
    assert.match(text, /^suidao_api_requests_total\{action="DescribeEcho",code="IllegalParam.Key"\} 1$/m)
    assert.match(text, /^suidao_api_request_duration_seconds_count 3$/m)
  })

  it('an action nobody knows makes no series of its own', () => {
    const metrics = createApiMetrics()
    const { call } = start({ metrics })
    call(signV1('Made"Up', {}))
    assert.match(metrics.renderMetrics(), /\{action="unknown",code="InvalidAction.NotFound"\} 1/)
  })
})

it('two actions of one name stop the start', () => {
  const table = new Map(
    [...toyTable()].flatMap(
      ([name, entry]) =>
        [
          [name, entry],
          [`${name}2`, entry],
        ] as const,
    ),
  )
  assert.throws(() => createPipeline(toyOptions([], { table })), /Two actions are called DescribeEcho/)
})

it('a call above its rate is held back until the minute ends', () => {
  let now = Date.parse('2026-11-01T12:00:30Z')
  const rated = { ...echoSpec, rateLimit: 2 }
  const table = new Map([[rated.name, action(rated, ({ EchoId }) => ({ EchoId }))]])
  const { call: ask } = start({ table, now: () => now, throttle: createThrottle() })
  const call = (time = now, key = rootKey) =>
    ask(signV1('DescribeEcho', { RegionId: 'cn-hangzhou', EchoId: 'echo-1' }, { time, key }))
  assert.equal(call().status, 200)
  assert.equal(call().status, 200)
  now += 10_000
  const third = call()
  assert.equal(third.status, 400)
  assert.equal(JSON.parse(third.body).Code, 'Throttling.User')
  assert.equal(third.headers[third.headers.indexOf('x-acs-retry-after') + 1], '20000')
  now += 20_000
  assert.equal(call().status, 200)
})

it('what changes something and what is not permitted is audited, without secrets', () => {
  const events: AuditEvent[] = []
  const written = { ...echoSpec, kind: 'write' as const }
  const table = new Map([
    [written.name, action(written, ({ EchoId }) => ({ EchoId, Name: 'not an id' }))],
    ['DescribeOther', action({ ...echoSpec, name: 'DescribeOther', aliases: [] }, () => ({}))],
    ['DescribeKeys', action({ ...echoSpec, name: 'DescribeKeys', aliases: [], audited: true }, () => ({}))],
  ])
  const { call: ask } = start({ table, audit: (event) => events.push(event) })
  const params = {
    RegionId: 'cn-hangzhou',
    EchoId: 'echo-1',
    Key: 'hush',
    Settings: '{"Psk":"hush too","Lifetime":1}',
    'Tags.1.Key': 'a',
    Unknown: 'hush three',
  }
  const done = ask(signV1('DescribeEcho', params))
  ask(signV1('DescribeEcho', { ...params, Size: '1000' }))
  ask(signV1('DescribeEcho', { ...params, EchoId: 'echo-2' }, { key: userKey }))
  ask(signV1('DescribeOther', params))
  ask(signV1('DescribeOther', { ...params, EchoId: 'echo-2' }, { key: userKey }))
  ask(signV1('DescribeKeys', params))
  ask(signV1('DescribeEcho', params, { common: { Signature: 'wrong' } }))
  assert.deepEqual(
    events.map((event) => [event.action.name, event.principal.userName, event.code]),
    [
      ['DescribeEcho', null, 'OK'],
      ['DescribeEcho', null, 'IllegalParam.Size'],
      ['DescribeEcho', 'alice', 'Forbbiden.SubUser'],
      ['DescribeOther', 'alice', 'Forbbiden.SubUser'],
      ['DescribeKeys', null, 'OK'],
    ],
  )
  const [first] = events
  assert.equal(first!.requestId, JSON.parse(done.body).RequestId)
  assert.deepEqual(first!.resources, ['acs:vpc:cn-hangzhou:1000:echo/echo-1'])
  assert.deepEqual(first!.parameters, {
    RegionId: 'cn-hangzhou',
    EchoId: 'echo-1',
    Size: 10,
    Key: '******',
    Settings: { Psk: '******', Lifetime: 1 },
    Tags: [{ Key: 'a' }],
  })
  assert.deepEqual(first!.results, { EchoId: 'echo-1' })
  assert.ok(!JSON.stringify(events.map(({ action: _, ...rest }) => rest)).includes('hush'))
})

it('actions of other products are told apart by version', () => {
  const sts = { code: 'sts', version: '2015-04-01' }
  const other = { ...echoSpec, product: sts, result: { Size: echoSpec.result.Size } }
  const table = new Map([
    ['one', action(echoSpec, ({ EchoId }) => ({ EchoId }))],
    ['two', action(other, () => ({ Size: 2 }))],
  ])
  const { call: ask } = start({ table })
  const call = (Version: string, key = rootKey) => {
    const reply = ask(signV1('DescribeEcho', { RegionId: 'cn-hangzhou', EchoId: 'echo-1', Version }, { key }))
    const { RequestId, HostId, Message, ...members } = JSON.parse(reply.body)
    return members
  }
  assert.deepEqual(call('2016-04-28'), { EchoId: 'echo-1' })
  assert.deepEqual(call('2015-04-01'), { Size: 2 })
  assert.deepEqual(call('2015-04-02'), { Code: 'InvalidVersion' })
  assert.deepEqual(call('2015-04-01', userKey), { Code: 'Forbbiden.SubUser' })
})
