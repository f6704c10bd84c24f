import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkBesideRoutes,
  checkDestination,
  checkNewWeight,
  checkSource,
  derivedPriority,
  derivedRoutes,
} from './model.ts'
import type { RouteEntry } from './store.ts'

const code = (expected: string) => (error: unknown) => (error as { code: string }).code === expected

test('a destination is a network, not everything, and does not touch the shared addresses', () => {
  for (const good of ['10.0.0.0/8', '192.168.1.1/32', '100.128.0.0/16', '96.0.0.0/6']) checkDestination(good)
  for (const bad of [
    '0.0.0.0/0',
    '10.0.0.1/8',
    '10.0.0.0',
    '',
    '100.64.0.0/10',
    '100.64.1.0/24',
    '64.0.0.0/2',
  ]) {
    assert.throws(() => checkDestination(bad), code('IllegalParam.RouteDest'), bad)
  }
})

test('a source is any network', () => {
  checkSource('0.0.0.0/0')
  checkSource('10.0.0.0/24')
  assert.throws(() => checkSource('10.0.0.1/24'), code('IllegalParam.RouteSource'))
})

const route = (next_hop: string, weight: number, more: Partial<RouteEntry> = {}) =>
  ({
    seq: 1,
    route_source: '',
    route_dest: '10.9.0.0/16',
    next_hop,
    weight,
    priority: 0,
    ...more,
  }) as RouteEntry

test('a match has one active and one standby route, through different connections', () => {
  const active = route('vco-1', 100)
  checkBesideRoutes([active], route('vco-2', 0))
  checkBesideRoutes([active], route('vco-1', 100, { route_dest: '10.9.1.0/24' }))
  checkBesideRoutes([active], route('vco-2', 100, { route_source: '10.1.0.0/16' }))
  checkBesideRoutes([route('vco-1', 100, { priority: 10 })], route('vco-2', 100, { priority: 20 }))
  assert.throws(() => checkBesideRoutes([active], route('vco-1', 0)), code('VpnRouteEntry.AlreadyExists'))
  assert.throws(() => checkBesideRoutes([active], route('vco-2', 100)), code('VpnRouteEntry.Conflict'))
  assert.throws(
    () => checkBesideRoutes([route('vco-1', 0)], route('vco-2', 0)),
    code('VpnRouteEntry.Conflict'),
  )
})

test('the active route keeps its weight while there is a standby one', () => {
  const active = route('vco-1', 100)
  const standby = route('vco-2', 0, { seq: 2 })
  checkNewWeight([active], active, 0)
  assert.throws(() => checkNewWeight([active, standby], active, 0), code('VpnRouteEntry.BackupRoute'))
  assert.throws(() => checkNewWeight([active, standby], standby, 100), code('VpnRouteEntry.Conflict'))
})

test('AutoConfigRoute derives a policy route for each pair of networks', () => {
  const connection = { id: 'vco-1', auto_config_route: 1, local_subnet: '10.1.0.0/24', remote_subnet: '' }
  const routes = (change: object) =>
    derivedRoutes({ ...connection, ...change }, 'pbr').map((one) => [one.route_source, one.route_dest])
  assert.deepEqual(
    routes({ local_subnet: '10.1.0.0/24,10.2.0.0/24', remote_subnet: '172.16.0.0/24, 172.17.0.0/24' }),
    [
      ['10.1.0.0/24', '172.16.0.0/24'],
      ['10.1.0.0/24', '172.17.0.0/24'],
      ['10.2.0.0/24', '172.16.0.0/24'],
      ['10.2.0.0/24', '172.17.0.0/24'],
    ],
  )
  assert.deepEqual(routes({ remote_subnet: '0.0.0.0/0' }), [])
  assert.deepEqual(routes({ local_subnet: '0.0.0.0/0', remote_subnet: '0.0.0.0/0' }), [])
  assert.deepEqual(routes({ remote_subnet: '172.16.0.0/24', auto_config_route: 0 }), [])
  const [one] = derivedRoutes({ ...connection, remote_subnet: '172.16.0.0/24' }, 'pbr')
  assert.deepEqual([one!.next_hop, one!.priority], ['vco-1', derivedPriority])
})

test('AutoConfigRoute of an attachment derives a destination route for each remote network', () => {
  const connection = { id: 'vco-1', auto_config_route: 1, local_subnet: '10.1.0.0/24,10.2.0.0/24' }
  const routes = derivedRoutes({ ...connection, remote_subnet: '172.16.0.0/24,172.17.0.0/24' }, 'vco')
  assert.deepEqual(
    routes.map((one) => [one.route_source, one.route_dest, one.priority]),
    [
      ['', '172.16.0.0/24', 0],
      ['', '172.17.0.0/24', 0],
    ],
  )
})
