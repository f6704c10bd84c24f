import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineNetwork } from './engine-network.ts'
import { daemonRuleLines, hostTableLines, renderSteering } from './host-network.ts'

const ofPeer: EngineNetwork = {
  netns: 'sden1-c6336402',
  gatewayNetns: undefined,
  host: { interface: 'eth0' },
  link: 'ec6336402',
  addresses: ['198.51.100.1'],
  outside: ['198.51.100.1', '198.51.100.7'],
  peer: '198.51.100.2',
}

test('of what comes from outside only IKE and ESP go to the daemon, and only what is for its addresses', () => {
  const taken = (network: EngineNetwork) =>
    renderSteering(network, 'eth0', '02:00:5e:00:00:02')
      .split('\n')
      .filter((line) => line.includes('fwd to'))
      .map((line) => line.trim())
  const end = 'ether daddr set 02:00:5e:00:00:02 fwd to'
  assert.deepEqual(taken(ofPeer), [
    `ip saddr 198.51.100.2 ip daddr { 198.51.100.1 } udp dport { 500, 4500 } ${end} "ec6336402"`,
    `ip saddr 198.51.100.2 ip daddr { 198.51.100.1 } ip protocol esp ${end} "ec6336402"`,
  ])
  const ofHost = { ...ofPeer, netns: 'sden1', link: 'eng0', addresses: ofPeer.outside, peer: undefined }
  assert.deepEqual(taken(ofHost), [
    `ip daddr { 198.51.100.1, 198.51.100.7 } udp dport { 500, 4500 } ${end} "eng0"`,
    `ip daddr { 198.51.100.1, 198.51.100.7 } ip protocol esp ${end} "eng0"`,
  ])
})

test('what was said before is replaced in one step', () => {
  const lines = renderSteering(ofPeer, 'eth0', '02:00:5e:00:00:02').split('\n')
  assert.deepEqual(lines.slice(0, 3), [
    'add table netdev sden1-c6336402',
    'delete table netdev sden1-c6336402',
    'table netdev sden1-c6336402 {',
  ])
})

test('a daemon sends by a table of its own, and its rule is there once', () => {
  assert.deepEqual(daemonRuleLines([], 'ec6336402'), ['rule add pref 140 iif ec6336402 lookup 999999'])
  assert.deepEqual(daemonRuleLines([{ priority: 140, iif: 'ec6336402' }], 'ec6336402'), [])
  assert.deepEqual(
    hostTableLines(
      'eth0',
      [
        { local: '198.51.100.1', prefixlen: 24 },
        { local: '198.51.100.7', prefixlen: 32 },
      ],
      '198.51.100.254',
    ),
    [
      'route replace 198.51.100.0/24 dev eth0 table 999999',
      'route replace default via 198.51.100.254 onlink dev eth0 table 999999',
    ],
  )
  assert.deepEqual(hostTableLines('eth0', [], undefined), ['route replace default dev eth0 table 999999'])
})
