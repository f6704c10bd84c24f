import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gateway } from '../engine.ts'
import {
  gatewayLines,
  gatewayRules,
  hardwareAddress,
  publishLines,
  routerLines,
  ruleLines,
  staleAddressLines,
} from './gateway-network.ts'

const gateway: Gateway = {
  id: 'vpn-1',
  slot: 1,
  address: '198.51.100.1',
  vpcId: 'vpc-1',
  insideAddress: '10.1.0.254/24',
  vpcCidr: '10.1.2.3/8',
}

/** What `ip rule` shows when the rules of a gateway are in place. */
const inPlace = (address: string) => [
  { priority: 100, src: '203.0.113.9', dst: address, iif: 'wan0' },
  { priority: 110, src: 'all', dst: address, iif: 'wan0' },
  { priority: 120, src: 'all', iif: 'wan0' },
  { priority: 130, src: address, iif: 'vpc0' },
  { priority: 140, src: address },
  { priority: 200, src: 'all' },
  { priority: 32766, src: 'all' },
  { priority: 32767, src: 'all' },
]

test('only the table of the WAN leads to the WAN', () => {
  const toWan = gatewayLines(gateway, { bridge: 'br0' }).filter((line) => /^route .* dev wan0/.test(line))
  assert.deepEqual(toWan, ['route replace default dev wan0 src 198.51.100.1 table 100'])
  const viaRouter = gatewayLines(gateway, { bridge: 'br0', gateway: '198.51.100.254' })
  assert(
    viaRouter.includes('route replace default via 198.51.100.254 onlink dev wan0 src 198.51.100.1 table 100'),
  )
})

test('the networks of the VPC are routed inside', () => {
  assert(
    gatewayLines(gateway, { bridge: 'br0' }).includes('route replace 10.0.0.0/8 dev vpc0 src 10.1.0.254'),
  )
})

test('in a new namespace the local rule moves behind ours, and is never missing', () => {
  const fresh = [{ priority: 0 }, { priority: 32766 }, { priority: 32767 }]
  const lines = ruleLines(fresh, gateway)
  assert.equal(lines.length, gatewayRules(gateway).length + 1)
  assert.equal(lines.at(-1), 'rule del pref 0')
  assert(lines.indexOf('rule add pref 200 lookup local') < lines.indexOf('rule del pref 0'))
})

test('rules in place are left alone', () => {
  assert.deepEqual(ruleLines(inPlace(gateway.address), gateway), [])
})

test('rules of an earlier outside address are replaced; those of peers belong to their daemons', () => {
  assert.deepEqual(ruleLines(inPlace('198.51.100.77'), gateway), [
    'rule del pref 110 to 198.51.100.77',
    'rule del pref 130 from 198.51.100.77',
    'rule del pref 140 from 198.51.100.77',
    'rule add pref 110 iif wan0 to 198.51.100.1 lookup local',
    'rule add pref 130 iif vpc0 from 198.51.100.1 prohibit',
    'rule add pref 140 from 198.51.100.1 lookup 100',
  ])
})

test('a second outside address is put beside the first, which is left alone', () => {
  const both = { ...gateway, secondAddress: '198.51.100.7' }
  const lines = gatewayLines(both, { bridge: 'br0' })
  assert(lines.includes('addr replace 198.51.100.1/32 dev wan0'))
  assert(lines.includes('addr replace 198.51.100.7/32 dev wan0'))
  assert.deepEqual(ruleLines(inPlace(gateway.address), both), [
    'rule add pref 110 iif wan0 to 198.51.100.7 lookup local',
    'rule add pref 130 iif vpc0 from 198.51.100.7 prohibit',
    'rule add pref 140 from 198.51.100.7 lookup 100',
  ])
  const seen = [{ ifname: 'wan0', addr_info: [{ local: '198.51.100.7', prefixlen: 32 }] }]
  assert.deepEqual(staleAddressLines(seen, both), [])
  assert.deepEqual(staleAddressLines(seen, gateway), ['addr del 198.51.100.7/32 dev wan0'])
})

test('addresses that are not wanted any more go; those of other interfaces stay', () => {
  const seen = [
    { ifname: 'lo', addr_info: [{ local: '127.0.0.1', prefixlen: 8 }] },
    { ifname: 'wan0', addr_info: [{ local: '198.51.100.77', prefixlen: 32 }] },
    {
      ifname: 'vpc0',
      addr_info: [
        { local: '10.1.0.254', prefixlen: 24 },
        { local: '10.1.0.254', prefixlen: 16 },
      ],
    },
    { ifname: 'vco1', addr_info: [{ local: '169.254.10.1', prefixlen: 30 }] },
  ]
  assert.deepEqual(staleAddressLines(seen, gateway), [
    'addr del 198.51.100.77/32 dev wan0',
    'addr del 10.1.0.254/16 dev vpc0',
  ])
})

test('published networks are routed to the gateway inside the VPC, and to it alone', () => {
  assert.deepEqual(publishLines([], gateway, ['10.2.0.5/24', '10.2.0.0/24']), [
    'route replace 10.2.0.0/24 via 10.1.0.254 dev br0 onlink metric 101',
  ])
  const seen = [
    { dst: '10.1.0.0/24', dev: 'br0', protocol: 'kernel' },
    { dst: '10.2.0.0/24', dev: 'br0', gateway: '10.1.0.254', metric: 101 },
    { dst: '10.9.0.7', dev: 'br0', gateway: '10.1.0.254', metric: 101 },
    { dst: '10.9.0.0/24', dev: 'br0', gateway: '10.1.0.250', metric: 102 },
  ]
  assert.deepEqual(publishLines(seen, gateway, ['10.2.0.0/24']), [
    'route del 10.9.0.7/32 via 10.1.0.254 dev br0 metric 101',
  ])
  assert.deepEqual(publishLines(seen, gateway, ['10.2.0.0/24'], { keepOthers: true }), [])
})

test('the router of a vSwitch has its third address from the end, where there is room', () => {
  assert.deepEqual(routerLines(gateway), ['addr replace 10.1.0.253/24 dev br0'])
  assert.deepEqual(routerLines({ ...gateway, insideAddress: '10.1.0.20/29' }), [
    'addr replace 10.1.0.21/29 dev br0',
  ])
  for (const insideAddress of ['10.1.0.253/24', '10.1.0.1/30']) {
    assert.deepEqual(routerLines({ ...gateway, insideAddress }), [], insideAddress)
  }
})

test('a link has the same hardware address each time, and each link its own', () => {
  const [wan, again, vpc] = ['wan0', 'wan0', 'vpc0'].map((link) => hardwareAddress(gateway, link))
  assert.match(wan!, /^02(:[0-9a-f]{2}){5}$/)
  assert.equal(wan, again)
  assert.notEqual(wan, vpc)
})
