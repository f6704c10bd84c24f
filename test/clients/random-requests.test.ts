/**
 * Ten thousand requests made up from the specs, right and wrong ones, each asked four times: in JSON and XML, signed in both
 * ways. All four must say the same, keep the contract, and be no fault of the server.
 *
 * The store is rolled back after every write, so that the second time finds what the first one found.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { realClock } from '../../src/clock.ts'
import { type ActionSpec, type ParamFields, type ParamSpec, vpcProduct } from '../../src/rpc/spec.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { checkAnswer, loadSpecs, membersOfXml, visibleInXml } from '../support/contract.ts'
import { seedConnection, seedEnds } from '../support/seed.ts'
import { signV1, signV3, type ToyRequest } from '../support/toy-api.ts'
import { parseXml } from '../support/xml.ts'

const runs = 10_000
const seed = 20261126
const ids = { region: 'cn-hangzhou', vpnGatewayId: 'vpn-bp1seed', customerGatewayId: 'cgw-bp1seed' }
const connectionId = 'vco-bp1seed'
const specs = [...new Set((await loadSpecs()).values())]
const now = Date.now()

let app: TestApp

before(async () => {
  app = await startTestApp({ settings: { ROLES: 'api' }, clock: { ...realClock, now: () => now } })
  await seedEnds(app, ids, { ipAddress: '8.211.0.146', asn: 65535 })
  await seedConnection(app, ids, connectionId, '123456')
  forgetWrites(app)
})
after(() => app.close())

function forgetWrites({ app: { db } }: TestApp): void {
  const transaction = db.transaction.bind(db)
  const undone = new Error('undone')
  db.transaction = async <T>(run: Parameters<typeof db.transaction<T>>[0]): Promise<T> => {
    let result: { value: T } | undefined
    const kept = await transaction(async (trx) => {
      result = { value: await run(trx) }
      throw undone
    }).catch((error) => {
      if (error !== undone) throw error
    })
    return (result ?? { value: kept as T }).value
  }
}

// --- Requests ------------------------------------------------------------------------------------------------

type Params = Record<string, string>

const known: Readonly<Record<string, string>> = {
  RegionId: ids.region,
  VpcId: 'vpc-seed',
  VSwitchId: 'vsw-seed',
  VpnGatewayId: ids.vpnGatewayId,
  CustomerGatewayId: ids.customerGatewayId,
  VpnConnectionId: connectionId,
  NextHop: connectionId,
  InstanceId: ids.vpnGatewayId,
  ResourceId: ids.vpnGatewayId,
  LocalSubnet: '10.0.0.0/24',
  RemoteSubnet: '192.168.0.0/24',
  RouteDest: '192.168.9.0/24',
  RouteSource: '10.0.0.0/24',
  IpAddress: '198.51.100.77',
  CidrBlock: '10.0.5.0/24',
  RoleArn: 'acs:ram::1:role/x',
  PolicyDocument: '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
  PolicyName: 'AdministratorAccess',
}

const wrong = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '1e9',
    '1.5',
    '99999999999999999999',
    'true',
    'null',
    '[]',
    '{}',
    '{"a":1}',
  ),
  fc.constantFrom(
    '*',
    '%',
    "' or 1=1 --",
    '<x>&amp;',
    '\u0000',
    '\ud7ff\u{1f30d}',
    'a'.repeat(5000),
    '169.254.1.1/30',
  ),
  fc.string({ maxLength: 40, unit: 'binary' }).filter((text) => text.isWellFormed()),
)

/** A value that the spec allows, or as good as. */
function right(name: string, spec: ParamSpec, care: number): fc.Arbitrary<string> {
  switch (spec.type) {
    case 'string': {
      const other = spec.enum
        ? fc.constantFrom(...spec.enum)
        : matching(simple(spec.pattern) ? spec.pattern! : /^[a-z][a-z0-9-]{1,20}$/)
      if (known[name] === undefined) return other
      return fc.oneof({ weight: 9, arbitrary: fc.constant(known[name]) }, { weight: 1, arbitrary: other })
    }
    case 'integer':
      if (spec.enum) return fc.constantFrom(...spec.enum.map(String))
      return fc.integer({ min: spec.min ?? 0, max: spec.max ?? 100_000 }).map(String)
    case 'boolean':
      return fc.constantFrom('true', 'false', 'True', 'False')
    case 'json':
      return members(spec.fields, 0.7, care).map((given) => JSON.stringify(given))
    default:
      throw new Error(`${spec.type} is flattened`)
  }
}

const samples = new Map<string, fc.Arbitrary<string>>()

/** Making strings up is slow; twenty of a pattern are enough. */
function matching(pattern: RegExp): fc.Arbitrary<string> {
  const key = pattern.source
  const made =
    samples.get(key) ?? fc.constantFrom(...fc.sample(fc.stringMatching(pattern), { numRuns: 20, seed }))
  samples.set(key, made)
  return made
}

/** Whether strings can be made up from the pattern: not where it looks around. */
const simple = (pattern: RegExp | undefined) => pattern !== undefined && !/\(\?/.test(pattern.source)

/** Each member is there or not; `care` is how likely each is as it should be. */
function members(fields: ParamFields, often: number, care: number): fc.Arbitrary<Params> {
  const chance = fc.double({ min: 0, max: 1, noNaN: true })
  const pairs = Object.entries(fields).map(([name, spec]) =>
    fc.tuple(chance, chance).chain(([there, good]) => {
      if (there > (spec.required ? care : often)) return fc.constant<Params>({})
      return given(name, spec, good <= care, care)
    }),
  )
  return fc.tuple(...pairs).map((all) => Object.assign({}, ...all))
}

function given(name: string, spec: ParamSpec, good: boolean, care: number): fc.Arbitrary<Params> {
  const below = (prefix: string) => (inner: Params) =>
    Object.fromEntries(Object.entries(inner).map(([member, value]) => [`${prefix}.${member}`, value]))
  if (!good) return wrong.map((value) => ({ [name]: value }))
  if (spec.type === 'struct') return members(spec.fields, 0.5, care).map(below(name))
  if (spec.type === 'list') {
    const { item } = spec
    const one =
      item.type === 'struct'
        ? members(item.fields, 0.6, care)
        : right(name, item, care).map((value) => ({ '': value }))
    return fc.array(one, { maxLength: 3 }).map((items) =>
      Object.assign(
        {},
        ...items.map((inner, index) => {
          const prefix = `${name}.${index + 1}`
          return '' in inner ? { [prefix]: inner['']! } : below(prefix)(inner)
        }),
      ),
    )
  }
  return right(name, spec, care).map((value) => ({ [name]: value }))
}

const requests = fc
  .tuple(fc.constantFrom(...specs), fc.constantFrom(1, 0.95, 0.8))
  .chain(([spec, care]) => fc.record({ spec: fc.constant(spec), params: members(spec.params, 0.25, care) }))

// --- Four ways of asking -------------------------------------------------------------------------------------

interface Said {
  readonly faults: readonly string[]
  readonly status: number
  readonly members: unknown
}

async function say(spec: ActionSpec, request: ToyRequest): Promise<Said> {
  const reply = await app.app.handle(request.method, request.url, request.headers, request.body, '127.0.0.1')
  const header = (name: string) => reply.headers[reply.headers.indexOf(name) + 1] ?? ''
  const contentType = header('Content-Type')
  const faults = checkAnswer({
    spec,
    status: reply.status,
    contentType,
    body: reply.body,
    requestId: header('x-acs-request-id'),
    extra: false,
  })
  const answered = contentType.startsWith('text/xml')
    ? membersOfXml(reply.status === 200 ? spec.result : {}, parseXml(reply.body).children)
    : JSON.parse(reply.body)
  const { RequestId: _, ...rest } = visibleInXml(answered) as Record<string, unknown>
  return { faults, status: reply.status, members: forget(spec, rest) }
}

/** What is made up anew each time, and what is said of the calls before. */
function forget(spec: ActionSpec, answered: Record<string, unknown>): unknown {
  if (spec.name === 'LookupEvents' && 'Events' in answered) return { ...answered, Events: [], NextToken: '' }
  const text = JSON.stringify(answered, (_, value) =>
    // XML has no way to write these.
    typeof value === 'string' ? value.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd') : value,
  )
  return JSON.parse(
    text
      .replace(/\b([a-z]{2,4})-bp1[a-z0-9]{18}\b/g, '$1-new')
      .replace(/"AccessKey":\{[^}]*\}/, '"AccessKey":"new"'),
  )
}

test(`${runs} requests say the same in JSON and XML and under both signatures`, {
  timeout: 170_000,
}, async () => {
  const outcomes = new Map<string, number>()
  /** What is wrong -> the first request that shows it. */
  const faults = new Map<string, string>()
  const blame = (spec: ActionSpec, fault: string, params: Params) => {
    const said = `${spec.name}: ${fault}`
    if (!faults.has(said)) faults.set(said, JSON.stringify(params).slice(0, 2000))
  }
  for (const { spec, params } of fc.sample(requests, { numRuns: runs, seed })) {
    const { version } = spec.product ?? vpcProduct
    const common = { key: app.root, time: now }
    const v1 = (Format: string) =>
      signV1(spec.name, params, { ...common, common: { Version: version, Format } })
    const v3 = (accept: string) =>
      signV3(spec.name, params, { ...common, headers: { 'x-acs-version': version, accept } })
    const first = await say(spec, v1('JSON'))
    const others = [
      await say(spec, v1('XML')),
      await say(spec, v3('application/json')),
      await say(spec, v3('application/xml')),
    ]
    for (const fault of first.faults) blame(spec, fault, params)
    for (const other of others) {
      if (isDeepStrictEqual(other, first)) continue
      blame(spec, `${JSON.stringify(first)} and ${JSON.stringify(other)}`, params)
    }
    const outcome = first.status === 200 ? 'OK' : (first.members as { Code: string }).Code
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(faults), {})
  // Requests that nobody understands would keep every promise.
  const counted = JSON.stringify(Object.fromEntries(outcomes))
  assert.ok((outcomes.get('OK') ?? 0) > runs / 20, counted)
  assert.ok(outcomes.size > 40, counted)
})
