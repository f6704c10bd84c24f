import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../engine.ts'
import {
  canonical,
  guardLines,
  guardMetric,
  insideNetworks,
  type KernelRoute,
  kernelRoute,
  plainRoute,
  policyTables,
  routeLines,
  tunnelRoutes,
  withTables,
} from './tunnel-routes.ts'

const target = { interface: 'vco3', slot: 3, source: '10.1.0.254' }
const none = new Map<string, number>()
const lines = (present: readonly KernelRoute[], wanted: readonly KernelRoute[], known = none) =>
  routeLines(present, wanted, target, known, withTables(known, wanted), ['10.1.0.0/16'])

test('routes that nobody has asked for are added, kept and removed as wanted', () => {
  const plain = (...networks: string[]) => canonical(networks.map((network) => plainRoute(network, 3)))
  for (const { name, present, wanted, want } of [
    { name: 'none to none', present: [], wanted: [], want: [] },
    {
      name: 'up',
      present: [],
      wanted: plain('10.2.0.5/24', '10.2.0.9/24'),
      want: ['route replace 10.2.0.0/24 dev vco3 metric 103 src 10.1.0.254'],
    },
    { name: 'as they are', present: plain('10.2.0.0/24'), wanted: plain('10.2.0.0/24'), want: [] },
    {
      name: 'another network: the new route comes before the old one goes',
      present: plain('10.2.0.0/24'),
      wanted: plain('0.0.0.0/0'),
      want: [
        'route replace 0.0.0.0/0 dev vco3 metric 103 src 10.1.0.254',
        'route del 10.2.0.0/24 dev vco3 metric 103',
      ],
    },
    {
      name: 'down',
      present: plain('10.2.0.0/24'),
      wanted: [],
      want: ['route del 10.2.0.0/24 dev vco3 metric 103'],
    },
  ]) {
    assert.deepEqual(lines(present, wanted), want, name)
  }
})

test('active comes before standby, whatever the slots; one that waits comes after both', () => {
  const route = { destination: '10.2.0.0/24' }
  const metric = (level: number, slot: number, waiting = false) =>
    kernelRoute({ ...route, metric: level }, slot, { waiting }).metric
  const inOrder = [metric(100, 3), metric(100, 9), metric(200, 1), metric(100, 3, true), metric(200, 1, true)]
  assert.deepEqual(
    inOrder,
    inOrder.toSorted((a, b) => a - b),
  )
  assert(metric(10_000, 99_999, true) < 2 ** 32)
})

test('a policy route has a table with a rule; what is for the VPC passes it by', () => {
  const policy = kernelRoute(
    { destination: '10.2.0.9/24', source: '10.1.0.7/24', priority: 10, metric: 100 },
    3,
  )
  assert.deepEqual(lines([], [policy]), [
    'route replace throw 10.1.0.0/16 table 1000000',
    'route replace 10.2.0.0/24 dev vco3 metric 10000003 table 1000000 src 10.1.0.254',
    'rule add pref 1338 from 10.1.0.0/24 lookup 1000000',
  ])
  const known = new Map([['10 10.1.0.0/24', 1_000_000]])
  assert.deepEqual(lines([], [policy], known), [
    'route replace 10.2.0.0/24 dev vco3 metric 10000003 table 1000000 src 10.1.0.254',
  ])
  assert.deepEqual(lines([policy], [], known), [
    'route del 10.2.0.0/24 dev vco3 metric 10000003 table 1000000',
  ])
  const other = kernelRoute(
    { destination: '10.2.0.0/24', source: '10.1.0.0/24', priority: 9, metric: 100 },
    3,
  )
  assert.deepEqual(lines([policy], [other], known), [
    'route replace throw 10.1.0.0/16 table 1000001',
    'route replace 10.2.0.0/24 dev vco3 metric 10000003 table 1000001 src 10.1.0.254',
    'rule add pref 1305 from 10.1.0.0/24 lookup 1000001',
    'route del 10.2.0.0/24 dev vco3 metric 10000003 table 1000000',
  ])
})

test('tables and routes are known again from what the kernel shows', () => {
  const tables = policyTables([
    { priority: 100, src: '198.51.100.2', table: '3325256706' },
    { priority: 1338, src: '10.1.0.0', srclen: 24, table: '1000000' },
    { priority: 1362, src: 'all', table: '1000001' },
    { priority: 1330, src: '10.1.0.7', table: '1000002' },
    { priority: 32766, src: 'all', table: 'main' },
  ])
  assert.deepEqual(
    [...tables],
    [
      ['10 10.1.0.0/24', 1_000_000],
      ['10 0.0.0.0/0', 1_000_001],
      ['10 10.1.0.7/32', 1_000_002],
    ],
  )
  const seen = [
    { dst: '169.254.10.0/30', protocol: 'kernel' },
    { dst: '10.7.0.0/24', metric: 32, protocol: 'bird' },
    { dst: '10.2.0.0/24', metric: 10_000_003 },
    { dst: '10.2.0.0/24', metric: 10_000_004 },
    { dst: 'default', metric: 103 },
    { dst: '10.3.0.1', metric: 20_000_003, table: '1000001' },
    { dst: '10.1.0.254', metric: 0, table: 'local', protocol: 'kernel' },
  ]
  assert.deepEqual(
    tunnelRoutes(seen, 3, tables),
    canonical([
      { destination: '10.2.0.0/24', metric: 10_000_003 },
      { destination: '0.0.0.0/0', metric: 103 },
      { destination: '10.3.0.1/32', metric: 20_000_003, policy: { source: '0.0.0.0/0', priority: 10 } },
    ]),
  )
})

test('what is no route is refused, and trying again does not help', () => {
  for (const bad of [
    { destination: 'office', metric: 100 },
    { destination: '10.2.0.0/24', metric: 0 },
    { destination: '10.2.0.0/24', metric: 10_001 },
    { destination: '10.2.0.0/24', source: '10.1.0.0/24', priority: 0, metric: 100 },
    { destination: '10.2.0.0/24', source: '10.1.0.0/24', priority: 101, metric: 100 },
    { destination: '10.2.0.0/24', source: '10.1.0.0/40', metric: 100 },
  ]) {
    assert.throws(
      () => kernelRoute(bad, 1),
      (error: unknown) => error instanceof EngineError && !error.retry,
      JSON.stringify(bad),
    )
  }
})

test('the inside of a gateway is its VPC, and its vSwitch where that lies outside', () => {
  const gateway = { id: 'vpn-1', slot: 1, address: '198.51.100.1', vpcId: 'vpc-1', vpcCidr: '10.0.0.0/8' }
  assert.deepEqual(insideNetworks({ ...gateway, insideAddress: '10.1.0.254/24' }), ['10.0.0.0/8'])
  assert.deepEqual(insideNetworks({ ...gateway, insideAddress: '172.16.0.4/24' }), [
    '10.0.0.0/8',
    '172.16.0.0/24',
  ])
})

test('what is guarded for a tunnel is behind every route, and one tunnel does not unguard another', () => {
  assert.deepEqual(guardLines([], ['10.2.0.0/24'], 3), [
    'route replace unreachable 10.2.0.0/24 metric 4000000003',
  ])
  assert.deepEqual(guardLines(['10.2.0.0/24'], ['10.2.0.0/24'], 3), [])
  assert.deepEqual(guardLines(['10.2.0.0/24'], ['10.3.0.0/24'], 3), [
    'route replace unreachable 10.3.0.0/24 metric 4000000003',
    'route del unreachable 10.2.0.0/24 metric 4000000003',
  ])
  const highest = kernelRoute({ destination: '10.2.0.0/24', metric: 10_000 }, 99_999, {
    waiting: true,
  }).metric
  assert(highest < guardMetric)
})
