import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consistencyItem, type Level, quotaItem, reachItem, routeItem, type TunnelSettings } from './items.ts'

for (const [used, quantity, level] of [
  [0, 10, 'normal'],
  [8, 10, 'normal'],
  [9, 10, 'warning'],
  [10, 10, 'warning'],
] as const) {
  test(`${used} of a quota of ${quantity}: ${level}`, () => {
    const item = quotaItem('VpnRouteQuota', 'vpn_route', used, quantity)
    assert.deepEqual([item.level, item.description], [level, { quotaName: 'vpn_route', quantity, used }])
  })
}

const routes: readonly [name: string, own: string, other: string, level: Level][] = [
  ['the network of a vSwitch', '10.0.1.0/24', '10.0.1.0/24', 'error'],
  ['one that contains it', '10.0.0.0/16', '10.0.1.0/24', 'error'],
  ['one inside it', '10.0.1.128/25', '10.0.1.0/24', 'warning'],
  ['one apart', '172.16.0.0/24', '10.0.1.0/24', 'normal'],
  ['the network of all', '0.0.0.0/0', '10.0.1.0/24', 'normal'],
  ['one beside a default route', '172.16.0.0/24', '0.0.0.0/0', 'normal'],
]
for (const [name, own, destination, level] of routes) {
  test(`a route to ${name}: ${level}`, () => {
    const item = routeItem([own, own], [{ destination, nextHop: 'vsw-1' }])
    assert.equal(item.level, level)
    assert.equal((item.description['conflicts'] as unknown[]).length, level === 'normal' ? 0 : 1)
  })
}

const settings: TunnelSettings = {
  tunnelId: 'vco-1',
  ike: 'ikev2 aes-sha1-group2',
  ipsec: 'aes-sha1, PFS group2',
  generation: 3,
  observedGeneration: 3,
  pendingReconnect: false,
  childrenWanted: 2,
  childrenInstalled: 2,
}
for (const [name, change, level, lacks] of [
  ['runs as it is wanted', {}, 'normal', 0],
  ['is not loaded yet', { observedGeneration: 2 }, 'error', 0],
  ['was never reported', { observedGeneration: null }, 'error', 0],
  ['waits for traffic', { pendingReconnect: true }, 'warning', 0],
  ['lacks a CHILD_SA', { childrenInstalled: 1 }, 'normal', 1],
] as const) {
  test(`a tunnel that ${name}: ${level}`, () => {
    const item = consistencyItem([{ ...settings, ...change }])
    assert.equal(item.level, level)
    assert.equal((item.description['vcoLackConf'] as unknown[]).length, lacks)
  })
}

const echo = (received: number) => ({
  source: '198.51.100.1',
  destination: '203.0.113.9',
  sent: 5,
  received,
  ...(received > 0 && { rtt: 1.5 }),
})
for (const [name, echos, answering, level, lossRate] of [
  ['every echo is answered', [echo(5)], false, 'normal', '0%'],
  ['some are lost', [echo(4)], false, 'warning', '20%'],
  ['all are lost', [echo(0)], false, 'error', '100%'],
  ['all are lost and IKE is answered', [echo(0)], true, 'warning', '100%'],
  ['one of two peers is away', [echo(5), echo(0)], false, 'warning', '50%'],
  ['nothing could be sent', [], false, 'warning', ''],
] as const) {
  test(`reach when ${name}: ${level}`, () => {
    const item = reachItem('VcoUserInternetIpConnectivity', echos, answering)
    assert.deepEqual([item.level, item.description['lossRate']], [level, lossRate])
  })
}
