/** A small API for the tests of the wire protocol: a few actions, a few keys, and clients that sign. */
import { createHmac, hash, randomUUID } from 'node:crypto'
import { type ActionTable, action } from '../../src/rpc/action.ts'
import type { Credential } from '../../src/rpc/authorize.ts'
import { apiError } from '../../src/rpc/errors.ts'
import { HmacKey } from '../../src/rpc/hmac.ts'
import type { PipelineOptions } from '../../src/rpc/pipeline.ts'
import type { RequestLog } from '../../src/rpc/request-log.ts'
import { defineAction } from '../../src/rpc/spec.ts'

export const echoSpec = defineAction({
  name: 'DescribeEcho',
  aliases: ['describeEcho'],
  summary: 'Answers with what reached it.',
  kind: 'read',
  resources: ['echo/{EchoId}'],
  params: {
    RegionId: { type: 'string', required: true },
    EchoId: { type: 'string', required: true, pattern: /^echo-\w+$/, aliases: ['Id'] },
    Name: { type: 'string', maxLength: 100, illegal: 'InvalidName' },
    Size: { type: 'integer', min: 1, max: 50, default: 10 },
    Enabled: { type: 'boolean' },
    Mode: { type: 'string', enum: ['main', 'aggressive'], anyCase: true },
    Key: { type: 'string', secret: true, maxLength: 8 },
    Settings: {
      type: 'json',
      fields: {
        Psk: { type: 'string', secret: true, maxLength: 16 },
        Lifetime: { type: 'integer', default: 86400 },
        Enable: { type: 'boolean' },
        LocalId: { type: 'string', aliases: ['LocalIdIPsec'] },
      },
    },
    Tags: {
      type: 'list',
      maxItems: 20,
      aliases: ['Tag'],
      item: {
        type: 'struct',
        fields: { Key: { type: 'string', required: true }, Value: { type: 'string' } },
      },
    },
    Ids: { type: 'list', item: { type: 'string' } },
  },
  result: { EchoId: { type: 'string' }, Input: { type: 'string' }, Size: { type: 'number' } },
  errors: [],
  source: 'test',
})

const plain = (name: string) =>
  defineAction({
    name,
    summary: name,
    kind: 'write',
    resources: ['*'],
    params: {},
    result: { Done: { type: 'boolean' } },
    errors: [],
    source: 'test',
  })

/** `hold` is what SlowEcho waits for. */
export function toyTable(hold: () => Promise<void> = () => Promise.resolve()): ActionTable {
  return new Map(
    [
      action(echoSpec, (input, { wantsExtra, region }) => ({
        EchoId: input.EchoId,
        Input: JSON.stringify(input),
        Size: input.Size,
        ...(wantsExtra ? { 'X-Suidao': { region, 'odd key': [1, null, 'a<b'] } } : {}),
      })),
      action(plain('SlowEcho'), async () => {
        await hold()
        return { Done: true }
      }),
      action(plain('FailEcho'), () => {
        throw new Error('the secret of the house', { cause: new Error('the deeper secret') })
      }),
      action(plain('BusyEcho'), () => {
        throw apiError('VpnGateway.Configuring')
      }),
      action(plain('MistypedEcho'), () => ({ Done: 'perhaps' as unknown as boolean })),
      { spec: plain('FutureEcho'), notYet: 'test' },
    ].map((entry) => [entry.spec.name, entry]),
  )
}

export interface ToyKey {
  readonly id: string
  readonly secret: string
  readonly token?: string
}

export const rootKey: ToyKey = { id: 'RootKey', secret: 'RootSecret' }
export const userKey: ToyKey = { id: 'UserKey', secret: 'UserSecret' }
export const stsKey: ToyKey = { id: 'STS.Key', secret: 'StsSecret', token: 'Token+/=1' }

const credential = ({ id, secret, token }: ToyKey, more: Partial<Credential> = {}): Credential => ({
  accessKeyId: id,
  accountId: '1000',
  userName: null,
  statements: [],
  active: true,
  keyV1: new HmacKey('sha1', `${secret}&`),
  keyV3: new HmacKey('sha256', secret),
  ...(token ? { securityToken: { value: token, expiresAt: Number.POSITIVE_INFINITY } } : {}),
  ...more,
})

export const credentials = new Map<string, Credential>(
  [
    credential(rootKey),
    credential(stsKey),
    credential(userKey, {
      userName: 'alice',
      statements: [
        {
          Effect: 'Allow',
          Action: ['vpc:Describe*'],
          Resource: ['acs:vpc:*:1000:echo/echo-1', 'acs:vpc:*:*:echo/echo-x*'],
        },
        { Effect: 'Deny', Action: ['*'], Resource: ['acs:vpc:*:*:echo/echo-xsecret'] },
      ],
    }),
    credential({ id: 'OffKey', secret: 'x' }, { active: false }),
  ].map((one) => [one.accessKeyId, one]),
)

export function toyOptions(logged: RequestLog[] = [], more: Partial<PipelineOptions> = {}): PipelineOptions {
  return {
    table: toyTable(),
    findCredential: (id) => credentials.get(id),
    regions: new Set(['cn-hangzhou', 'eu-central-1']),
    defaultRegion: 'cn-hangzhou',
    now: Date.now,
    log: (entry) => logged.push(entry),
    ...more,
  }
}

/** RFC 3986 encoding, as the vendor signs it. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

const joined = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')

export const timeText = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`

const byBytes = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

export interface ToyRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  readonly body: Buffer
}

export interface SignV1Options {
  readonly key?: ToyKey
  readonly method?: string
  readonly time?: number
  /** Names that go into a form body instead of the query. */
  readonly inBody?: readonly string[]
  readonly common?: Readonly<Record<string, string | undefined>>
}

/** All parameters of a V1 call, signed; `undefined` in `common` leaves one out, `Signature` there replaces the right one. */
export function signedPairs(
  name: string,
  params: Readonly<Record<string, string>>,
  { key = rootKey, method = 'GET', time = Date.now(), common = {} }: SignV1Options = {},
): [string, string][] {
  const all: Record<string, string | undefined> = {
    Action: name,
    Version: '2016-04-28',
    AccessKeyId: key.id,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: randomUUID(),
    Timestamp: timeText(time),
    ...(key.token ? { SecurityToken: key.token } : {}),
    ...params,
    ...common,
    Signature: undefined,
  }
  const pairs = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const text = `${method}&%2F&${encode(joined(pairs.toSorted(byBytes)))}`
  const signature = createHmac('sha1', `${key.secret}&`).update(text).digest('base64')
  return [...pairs, ['Signature', common['Signature'] ?? signature]]
}

/** A signed V1 request. */
export function signV1(
  name: string,
  params: Readonly<Record<string, string>> = {},
  options: SignV1Options = {},
): ToyRequest {
  const { method = 'GET', inBody = [] } = options
  const pairs = signedPairs(name, params, options)
  const body = Buffer.from(joined(pairs.filter(([key]) => inBody.includes(key))))
  return {
    method,
    url: `/?${joined(pairs.filter(([key]) => !inBody.includes(key)))}`,
    headers: [
      ...['Host', 'api.example.test'],
      ...(body.length > 0 ? ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8'] : []),
    ],
    body,
  }
}

export interface SignV3Options {
  readonly key?: ToyKey
  readonly method?: string
  readonly time?: number
  readonly body?: string
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Leaves these out of SignedHeaders. */
  readonly unsigned?: readonly string[]
}

/** A signed ACS3 request; `params` are the query. */
export function signV3(
  name: string,
  params: Readonly<Record<string, string>> = {},
  options: SignV3Options = {},
): ToyRequest {
  const { key = rootKey, method = 'POST', time = Date.now(), body = '', contentType, unsigned = [] } = options
  const headers: Record<string, string> = {
    host: 'api.example.test',
    'x-acs-action': name,
    'x-acs-version': '2016-04-28',
    'x-acs-date': timeText(time),
    'x-acs-signature-nonce': randomUUID(),
    'x-acs-content-sha256': hash('sha256', body, 'hex'),
    ...(contentType ? { 'content-type': contentType } : {}),
    ...(key.token ? { 'x-acs-security-token': key.token, 'x-acs-accesskey-id': key.id } : {}),
    ...options.headers,
  }
  const signed = Object.keys(headers)
    .filter((header) => !unsigned.includes(header))
    .sort()
  const query = joined(Object.entries(params).toSorted(byBytes))
  const canonical = [
    method,
    '/',
    query,
    ...signed.map((header) => `${header}:${headers[header]}`),
    '',
    signed.join(';'),
    headers['x-acs-content-sha256'],
  ].join('\n')
  const text = `ACS3-HMAC-SHA256\n${hash('sha256', canonical, 'hex')}`
  const signature = createHmac('sha256', key.secret).update(text).digest('hex')
  return {
    method,
    url: query === '' ? '/' : `/?${query}`,
    headers: [
      ...Object.entries(headers).flat(),
      'Authorization',
      `ACS3-HMAC-SHA256 Credential=${key.id},SignedHeaders=${signed.join(';')},Signature=${signature}`,
    ],
    body: Buffer.from(body),
  }
}
