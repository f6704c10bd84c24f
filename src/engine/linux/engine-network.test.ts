import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EngineNetwork, gatewaySideLines, peerRuleLines } from './engine-network.ts'

const ofPeer: EngineNetwork = {
  netns: 'sden1-c6336402',
  gatewayNetns: 'sdgw1',
  address: '198.51.100.1',
  peer: '198.51.100.2',
}
const ofGateway: EngineNetwork = { ...ofPeer, netns: 'sden1', peer: undefined }

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
