import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Secret } from '../../secret.ts'
import type { Tunnel } from '../engine.ts'
import { plainRoute } from '../linux/tunnel-routes.ts'
import {
  type HeldTunnel,
  holdTunnel,
  isPending,
  isRouted,
  isUp,
  reportTunnel,
  seeTunnel,
  waitsForTraffic,
  wantedRoutes,
} from './held-tunnel.ts'
import type { ViciMessage } from './vici/message.ts'

const tunnel: Tunnel = {
  id: 'vco-1',
  connectionId: 'vco-1',
  gatewayId: 'vpn-1',
  slot: 1,
  generation: 7,
  localAddress: '198.51.100.1',
  remoteAddress: '198.51.100.2',
  ike: {
    version: 'ikev1',
    mode: 'main',
    encryption: 'aes',
    authentication: 'sha1',
    dhGroup: 'group2',
    lifetime: 86_400,
    localId: '198.51.100.1',
    remoteId: '198.51.100.2',
    psk: new Secret('key'),
  },
  ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
  localSubnets: ['10.1.0.0/24'],
  remoteSubnets: ['10.3.0.0/24', '10.2.0.9/24'],
  dpd: true,
  natTraversal: true,
  effectImmediately: true,
}

const sas = (state: string, children: Record<string, string>, more: object = {}): ViciMessage =>
  ({
    'vco-1': {
      uniqueid: '1',
      version: '1',
      state,
      ...more,
      'child-sas': Object.fromEntries(
        Object.entries(children).map(([name, childState], index) => [
          `${name}-${index}`,
          {
            name,
            uniqueid: `${index}`,
            state: childState,
            'local-ts': ['10.1.0.0/24'],
            'remote-ts': [name === 'vco-1-1' ? '10.2.0.0/24' : '10.3.0.0/24'],
          },
        ]),
      ),
    },
  }) as unknown as ViciMessage

const held = (events: readonly ViciMessage[], change: Partial<HeldTunnel> = {}): HeldTunnel => ({
  ...holdTunnel(tunnel, true, 1),
  seen: seeTunnel(events, 'vco-1', 2),
  ...change,
})
const waiting = { tunnel: { ...tunnel, effectImmediately: false } }

describe('what is seen', () => {
  for (const { name, event, installed, negotiating } of [
    {
      name: 'established',
      event: sas('ESTABLISHED', { 'vco-1-1': 'INSTALLED' }),
      installed: ['vco-1-1'],
      negotiating: false,
    },
    {
      name: 'a child being re-keyed carries traffic',
      event: sas('ESTABLISHED', { 'vco-1-2': 'REKEYING' }),
      installed: ['vco-1-2'],
      negotiating: false,
    },
    {
      name: 'a deleted child does not',
      event: sas('ESTABLISHED', { 'vco-1-1': 'DELETED' }),
      installed: [],
      negotiating: false,
    },
    { name: 'connecting', event: sas('CONNECTING', {}), installed: [], negotiating: true },
    {
      name: 'quick mode under way',
      event: sas('ESTABLISHED', {}, { 'tasks-active': ['QUICK_MODE'] }),
      installed: [],
      negotiating: true,
    },
    {
      name: 'dead peer detection is no negotiation',
      event: sas('ESTABLISHED', {}, { 'tasks-queued': ['ISAKMP_DPD'] }),
      installed: [],
      negotiating: false,
    },
    {
      name: 'SAs of others do not count',
      event: { other: sas('CONNECTING', {})['vco-1']! } as ViciMessage,
      installed: [],
      negotiating: false,
    },
  ]) {
    test(name, () => {
      const seen = seeTunnel([event], 'vco-1', 5)
      assert.deepEqual([...seen.installed], installed)
      assert.equal(seen.negotiating, negotiating)
      assert.equal(seen.at, 5)
    })
  }
})

describe('what is routed to a tunnel', () => {
  const second = sas('ESTABLISHED', { 'vco-1-2': 'INSTALLED' })
  for (const { name, given, want } of [
    { name: 'down: nothing', given: held([]), want: [] },
    { name: 'the networks of the children that carry traffic', given: held([second]), want: ['10.3.0.0/24'] },
    {
      name: 'all while it waits for traffic, which has to be seen',
      given: held([], waiting),
      want: ['10.2.0.0/24', '10.3.0.0/24'],
    },
    {
      name: 'nothing once traffic has asked and it is negotiated',
      given: held([], { ...waiting, woken: true }),
      want: [],
    },
  ]) {
    test(name, () => {
      const routes = want.map((subnet) => plainRoute(subnet, given.tunnel.slot))
      assert.deepEqual(wantedRoutes(given), routes)
      assert.equal(isRouted({ ...given, routed: routes }), true)
      assert.equal(isRouted({ ...given, routed: [...routes, plainRoute('10.9.0.0/24', 1)] }), false)
      assert.equal(isRouted(given), false, 'what is not known is not so')
    })
  }

  const routes = [
    { destination: '10.2.0.0/25', metric: 100 },
    { destination: '10.3.0.0/25', metric: 200 },
    { destination: '10.3.0.0/24', source: '10.1.0.0/24', priority: 5, metric: 100 },
    { destination: '10.0.0.0/8', metric: 100 },
  ]
  const destinations = (given: HeldTunnel) =>
    wantedRoutes({ ...given, tunnel: { ...given.tunnel, routes } }).map(({ destination }) => destination)

  test('of the routes it was given those that lead to what is up, also from further away', () => {
    assert.deepEqual(destinations(held([second])), ['10.0.0.0/8', '10.3.0.0/24', '10.3.0.0/25'])
  })

  test('none of them while it is down or they are revoked; all while it waits, behind those that are up', () => {
    assert.deepEqual(destinations(held([])), [])
    assert.deepEqual(destinations(held([second], { revoked: true })), [])
    assert.equal(destinations(held([], waiting)).length, 4)
    const up = { ...held([second]), tunnel: { ...held([]).tunnel, routes } }
    const best = Math.min(
      ...wantedRoutes(held([], { ...waiting, tunnel: { ...up.tunnel, effectImmediately: false } })).map(
        ({ metric }) => metric,
      ),
    )
    assert(wantedRoutes(up).every(({ metric }) => metric < best))
  })
})

test('waiting and pending are told apart', () => {
  assert.equal(waitsForTraffic(held([], waiting)), true)
  assert.equal(waitsForTraffic(held([])), false)
  assert.equal(waitsForTraffic(held([sas('ESTABLISHED', { 'vco-1-1': 'INSTALLED' })], waiting)), false)
  assert.equal(isPending(held([], { stale: new Set(['1']) })), true)
  assert.equal(isPending(held([], { stale: new Set(['1']), closing: new Set(['1']) })), false)
})

describe('the report', () => {
  const both = sas('ESTABLISHED', { 'vco-1-1': 'INSTALLED', 'vco-1-2': 'INSTALLED' })
  const failure = { code: 'PEER_SILENT', since: 3, evidence: ['no answer'] } as const

  test('up has no failure, whatever the log said before', () => {
    const report = reportTunnel(held([both], { loadedGeneration: 7 }), failure, false)
    assert.equal(isUp(held([both])), true)
    assert.equal(report.failure, undefined)
    assert.deepEqual([report.id, report.generation, report.childrenWanted], ['vco-1', 7, 2])
  })

  test('partly up has the failure', () => {
    const partly = held([sas('ESTABLISHED', { 'vco-1-1': 'INSTALLED' })])
    assert.equal(reportTunnel(partly, failure, true).failure, failure)
  })

  test('without a cause it is negotiating or waits, which are no failures', () => {
    assert.equal(reportTunnel(held([]), undefined, false).failure?.code, 'CONNECTING')
    assert.equal(reportTunnel(held([], waiting), undefined, false).failure?.code, 'WAITING_FOR_TRAFFIC')
  })

  test('remarks are there only when there are any', () => {
    assert.deepEqual(reportTunnel(held([]), failure, false, ['a remark']).remarks, ['a remark'])
    assert.equal('remarks' in reportTunnel(held([]), failure, false), false)
  })

  test('nothing loaded is generation 0', () => {
    assert.equal(reportTunnel(held([]), undefined, false).generation, 0)
  })
})
