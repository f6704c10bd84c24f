import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type EngineNetwork,
  engineLines,
  gatewaySideLines,
  peerRuleLines,
  staleLoopbackLines,
} from './engine-network.ts'

const ofPeer: EngineNetwork = {
  netns: 'sden1-c6336402',
  gatewayNetns: 'sdgw1',
  link: 'ec6336402',
  addresses: ['198.51.100.1'],
  outside: ['198.51.100.1'],
  peer: '198.51.100.2',
}
const ofGateway: EngineNetwork = { ...ofPeer, netns: 'sden1', link: 'eng0', peer: undefined }

test('what a peer sends finds the daemon of that peer', () => {
  assert.deepEqual(peerRuleLines([], ofPeer), [
    'rule add pref 100 iif wan0 from 198.51.100.2 to 198.51.100.1 lookup 3325256706',
  ])
  assert.equal(
    gatewaySideLines(ofPeer).at(-1),
    'route replace 198.51.100.1/32 dev ec6336402 scope link table 3325256706',
  )
})

test('a daemon of the whole gateway gets what all peers send', () => {
  assert.deepEqual(peerRuleLines([], ofGateway), [
    'rule add pref 100 iif wan0 from all to 198.51.100.1 lookup 101',
  ])
})

test('a rule in place is left alone, one to an earlier address replaced, one of another peer not touched', () => {
  const rule = (src: string, dst: string) => ({ priority: 100, src, dst })
  const other = rule('198.51.100.3', '198.51.100.9')
  assert.deepEqual(peerRuleLines([other, rule('198.51.100.2', '198.51.100.1')], ofPeer), [])
  assert.deepEqual(peerRuleLines([other, rule('198.51.100.2', '198.51.100.9')], ofPeer), [
    'rule del pref 100 iif wan0 from 198.51.100.2 to 198.51.100.9 lookup 3325256706',
    'rule add pref 100 iif wan0 from 198.51.100.2 to 198.51.100.1 lookup 3325256706',
  ])
})

test('two daemons may speak with the same peer, each from an address of its own', () => {
  const outside = ['198.51.100.1', '198.51.100.7']
  const first = { ...ofPeer, outside }
  const second = { ...first, netns: 'sden1_c6336402', link: 'fc6336402', addresses: ['198.51.100.7'] }
  const rules = [{ priority: 100, src: '198.51.100.2', dst: '198.51.100.1' }]
  assert.deepEqual(peerRuleLines(rules, first), [])
  assert.deepEqual(peerRuleLines(rules, second), [
    'rule add pref 100 iif wan0 from 198.51.100.2 to 198.51.100.7 lookup 3325256706',
  ])
  assert.equal(
    gatewaySideLines(second).at(-1),
    'route replace 198.51.100.7/32 dev fc6336402 scope link table 3325256706',
  )
})

test('a daemon of the whole gateway has all of its outside addresses and none from earlier', () => {
  const both = ['198.51.100.1', '198.51.100.7']
  const network = { ...ofGateway, addresses: both, outside: both }
  const lines = engineLines(network)
  for (const address of both) assert(lines.includes(`addr replace ${address}/32 dev lo`), address)
  assert.equal(lines.at(-1), 'route replace default via 169.254.255.254 dev up0 onlink src 198.51.100.1')
  assert.deepEqual(peerRuleLines([{ priority: 100, dst: '198.51.100.1' }], network), [
    'rule add pref 100 iif wan0 from all to 198.51.100.7 lookup 101',
  ])
  const seen = [{ addr_info: ['127.0.0.1', '198.51.100.1', '198.51.100.9'].map((local) => ({ local })) }]
  assert.deepEqual(staleLoopbackLines(seen, network), ['addr del 198.51.100.9/32 dev lo'])
  assert.deepEqual(staleLoopbackLines(seen, ofPeer), [])
})
