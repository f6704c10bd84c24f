import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gateway, TunnelRoute } from './engine.ts'
import { chooseRoute, type RoutedTunnel, type Usability } from './route-choice.ts'

const gateway: Gateway = {
  id: 'vpn-1',
  slot: 1,
  address: '198.51.100.1',
  vpcId: 'vpc-1',
  insideAddress: '10.1.0.254/24',
  vpcCidr: '10.1.0.0/16',
}
const tunnel = (slot: number, routes: readonly TunnelRoute[], usability: Usability = 'up'): RoutedTunnel => ({
  tunnel: { id: `vco-${slot}`, slot, remoteSubnets: ['0.0.0.0/0'], routes },
  usability,
})
const to = (destination: string, metric = 100): TunnelRoute => ({ destination, metric })
const from = (source: string, destination: string, priority = 10, metric = 100): TunnelRoute => ({
  source,
  destination,
  priority,
  metric,
})
const packet = { source: '10.1.0.10', destination: '10.2.0.1' }

test('the order in which routes are used', () => {
  for (const { name, tunnels, want } of [
    {
      name: 'the longer destination',
      tunnels: [tunnel(1, [to('10.2.0.0/16')]), tunnel(2, [to('10.2.0.0/24')])],
      want: 'vco-2',
    },
    {
      name: 'a policy route before a longer destination',
      tunnels: [tunnel(1, [from('0.0.0.0/0', '10.0.0.0/8')]), tunnel(2, [to('10.2.0.1/32')])],
      want: 'vco-1',
    },
    {
      name: 'the lower priority before the longer match',
      tunnels: [
        tunnel(1, [from('10.1.0.10/32', '10.2.0.1/32', 20)]),
        tunnel(2, [from('10.0.0.0/8', '10.0.0.0/8', 5)]),
      ],
      want: 'vco-2',
    },
    {
      name: 'the longer source before the longer destination',
      tunnels: [
        tunnel(1, [from('10.1.0.0/16', '10.2.0.1/32')]),
        tunnel(2, [from('10.1.0.0/24', '10.2.0.0/16')]),
      ],
      want: 'vco-2',
    },
    {
      name: 'the longer destination of one source',
      tunnels: [
        tunnel(1, [from('10.1.0.0/24', '10.2.0.0/16')]),
        tunnel(2, [from('10.1.0.0/24', '10.2.0.0/24')]),
      ],
      want: 'vco-2',
    },
    {
      name: 'a source that does not fit',
      tunnels: [tunnel(1, [from('10.1.9.0/24', '10.2.0.0/24')]), tunnel(2, [to('10.2.0.0/16')])],
      want: 'vco-2',
    },
    {
      name: 'active before standby',
      tunnels: [tunnel(1, [to('10.2.0.0/24', 200)]), tunnel(2, [to('10.2.0.0/24', 100)])],
      want: 'vco-2',
    },
    {
      name: 'standby while the active one is down',
      tunnels: [tunnel(1, [to('10.2.0.0/24', 200)]), tunnel(2, [to('10.2.0.0/24', 100)], 'down')],
      want: 'vco-1',
    },
    {
      name: 'standby that is up before the active one that waits',
      tunnels: [tunnel(1, [to('10.2.0.0/24', 200)]), tunnel(2, [to('10.2.0.0/24', 100)], 'waiting')],
      want: 'vco-1',
    },
    {
      name: 'the lower slot of two alike',
      tunnels: [tunnel(2, [to('10.2.0.0/24')]), tunnel(1, [to('10.2.0.0/24')])],
      want: 'vco-1',
    },
    {
      name: 'a tunnel without routes of its own: its subnets',
      tunnels: [{ ...tunnel(3, []), tunnel: { id: 'vco-3', slot: 3, remoteSubnets: ['10.2.0.0/24'] } }],
      want: 'vco-3',
    },
  ]) {
    const choice = chooseRoute(packet, gateway, tunnels)
    assert.equal(choice.chosen?.tunnelId, want, name)
    assert.equal(choice.to, 'tunnel', name)
  }
})

test('what is for the VPC stays there, unless a route is closer than the VPC', () => {
  const wide = [tunnel(1, [from('0.0.0.0/0', '10.0.0.0/8'), to('0.0.0.0/0')])]
  const inside = { source: '10.2.0.1', destination: '10.1.0.10' }
  assert.equal(chooseRoute(inside, gateway, wide).to, 'vpc')
  assert.equal(chooseRoute(inside, gateway, [tunnel(1, [from('0.0.0.0/0', '10.1.0.0/16')])]).to, 'vpc')
  assert.equal(chooseRoute(inside, gateway, [tunnel(1, [from('0.0.0.0/0', '10.1.0.0/24')])]).to, 'tunnel')
})

test('a choice says why, and what would have come first', () => {
  const tunnels = [
    tunnel(1, [from('10.1.0.0/24', '10.2.0.0/24', 5)], 'down'),
    tunnel(2, [to('10.2.0.0/24', 100)], 'down'),
    tunnel(3, [to('10.2.0.0/24', 200)]),
  ]
  const choice = chooseRoute(packet, gateway, tunnels)
  assert.equal(
    choice.reason,
    'the destination route to 10.2.0.0/24 is the first that fits, and its tunnel vco-3 is up',
  )
  assert.deepEqual(
    choice.passedOver.map(({ tunnelId }) => tunnelId),
    ['vco-1', 'vco-2'],
  )
  const none = chooseRoute(packet, gateway, tunnels.slice(0, 2))
  assert.equal(none.to, 'nowhere')
  assert.equal(none.reason, 'every tunnel with a route to 10.2.0.1 is down')
  assert.equal(chooseRoute(packet, gateway, []).reason, 'no route fits 10.1.0.10 to 10.2.0.1')
})
