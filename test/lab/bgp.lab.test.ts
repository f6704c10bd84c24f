/**
 * BGP and health checks through real tunnels: strongSwan and BIRD on both ends.
 *
 *     host 10.1.0.10 ── gateway, AS 65001 ══ line 1 ══╗
 *                            169.254.10.1   169.254.10.2
 *                                       ══ line 2 ══╝ router of the site, AS 65002, LAN 10.2.0.1
 *                            169.254.11.1   169.254.11.2
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { isSameMoment } from '../../src/engine/bird/observe.ts'
import type { BgpReport, Tunnel, TunnelProbe, TunnelReport } from '../../src/engine/engine.ts'
import { Secret } from '../../src/secret.ts'
import { birdMissing, Router, type RouterSettings } from './support/bird.ts'
import { command } from './support/command.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import { Site } from './support/site.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? birdMissing() ?? false

const everything = ['0.0.0.0/0']

/** The two lines of the site; the first is the better one. */
const lines = [
  { outside: '198.51.100.2', inside: '169.254.10.2/30' },
  { outside: '198.51.100.3', inside: '169.254.11.2/30' },
] as const

const tunnelOf = (base: Tunnel, line: 1 | 2, more: Partial<Tunnel> = {}): Tunnel => ({
  ...base,
  id: `vco-${line}`,
  connectionId: 'vco',
  slot: line,
  remoteAddress: lines[line - 1]!.outside,
  ike: { ...base.ike, version: 'ikev2', remoteId: lines[line - 1]!.outside },
  localSubnets: everything,
  remoteSubnets: everything,
  routes: [],
  insideAddress: `169.254.${9 + line}.1/30`,
  bgp: {
    localAsn: 65_001,
    peerAsn: 65_002,
    localIp: `169.254.${9 + line}.1`,
    peerIp: `169.254.${9 + line}.2`,
    advertised: ['10.1.0.0/16'],
    preference: line === 1 ? 200 : 100,
  },
  ...more,
})

const routerSettings = (...which: (1 | 2)[]): RouterSettings => ({
  id: '169.254.10.2',
  sessions: which.map((line) => ({
    local: `169.254.${9 + line}.2`,
    localAsn: 65_002,
    peer: `169.254.${9 + line}.1`,
    peerAsn: 65_001,
  })),
  networks: ['10.2.0.0/24'],
})

const report = async (lab: GatewayLab, id = 'vco-1'): Promise<TunnelReport> => {
  const seen = await lab.engine.tunnels.observe(id)
  assert(seen, `no report of ${id}`)
  return seen
}

const when = (
  lab: GatewayLab,
  what: string,
  is: (bgp: BgpReport, all: TunnelReport) => boolean,
  id = 'vco-1',
) =>
  until(
    what,
    async () => {
      const seen = await report(lab, id)
      return seen.bgp && is(seen.bgp, seen) && seen.bgp
    },
    { timeoutMs: 20_000 },
  )

const established = (lab: GatewayLab, id = 'vco-1') =>
  when(lab, `BGP of ${id}`, ({ state, learned }) => state === 'established' && learned.length > 0, id)

/** Routes that BGP has put into the namespace of the gateway. */
const bgpRoutes = async (lab: GatewayLab) =>
  (await command('ip', '-n', lab.names.gateway(lab.gateway.slot), 'route', 'show', 'proto', 'bird')).trim()

const reaches = (lab: GatewayLab, from = '10.1.0.10') =>
  until('a ping to the LAN', () => lab.reaches(from, '10.2.0.1'), {
    timeoutMs: 20_000,
  })

/** Milliseconds from `act` until nothing of BGP is left, in the report and in the kernel. */
async function timeToFall(lab: GatewayLab, act: () => Promise<unknown>): Promise<number> {
  await act()
  const begun = performance.now()
  await when(
    lab,
    'the session is down',
    ({ state, learned }) => state !== 'established' && learned.length === 0,
  )
  await until('no routes', async () => (await bgpRoutes(lab)) === '')
  return performance.now() - begun
}

describe('BGP through one tunnel', { skip }, () => {
  let lab: GatewayLab
  let site: Site
  let router: Router
  let tunnel: Tunnel

  before(async () => {
    lab = await GatewayLab.create()
    site = await Site.create(lab.lab, 'site', ['10.2.0.1/24'], [lines[0]])
    router = await Router.start(site.netns, routerSettings(1))
    await lab.applyGateway()
    tunnel = tunnelOf(lab.tunnel, 1)
    await site.lines[0]!.peer.load(agreeing(tunnel))
  })
  beforeEach(() => lab.engine.tunnels.apply(tunnel))
  after(async () => {
    await router.close()
    await lab.close()
  })

  test('the session comes up with the tunnel, networks both ways, and the learned ones are reached', async () => {
    const begun = performance.now()
    const { learned } = await established(lab)
    console.log(`tunnel applied -> BGP established: ${(performance.now() - begun).toFixed(0)} ms`)
    assert.deepEqual(learned, [{ prefix: '10.2.0.0/24', asPath: '65002', communities: '', best: true }])
    await when(lab, 'announced', ({ advertised }) => advertised.join() === '10.1.0.0/16')
    assert.deepEqual(await router.learned(), ['10.1.0.0/16'])
    await reaches(lab)
    assert.match(await bgpRoutes(lab), /^10\.2\.0\.0\/24 via 169\.254\.10\.2 dev vco1 src 10\.1\.0\.254/)
  })

  test('the BGP daemon of the peer is killed: session and routes are gone within a second, and come back', async () => {
    await established(lab)
    const took = await timeToFall(lab, () => router.kill())
    console.log(`peer's BGP daemon killed -> session and routes gone: ${took.toFixed(0)} ms`)
    assert(took < 1_000)
    await router.restart()
    await established(lab)
    await reaches(lab)
  })

  test('a wrong ASN, a missing key, another key: refused, with what is known of it; put right it comes up', async () => {
    await lab.engine.tunnels.apply({ ...tunnel, generation: 2, bgp: { ...tunnel.bgp!, peerAsn: 65_009 } })
    const wrong = await when(lab, 'refused', ({ lastError }) => lastError === 'Bad peer AS: 65002')
    assert.notEqual(wrong.state, 'established')
    const key = (text: string) => ({ ...tunnel, bgp: { ...tunnel.bgp!, authKey: new Secret(text) } })
    await lab.engine.tunnels.apply({ ...key('key-of-the-lab'), generation: 3 })
    await until('nothing learned', async () => (await bgpRoutes(lab)) === '')
    const [session] = routerSettings(1).sessions
    await router.configure({ ...routerSettings(1), sessions: [{ ...session!, password: 'another-key' }] })
    const silent = await when(lab, 'no answer', ({ lastError }) => lastError === 'no answer from the peer')
    assert.deepEqual(silent.learned, [])
    await router.configure({ ...routerSettings(1), sessions: [{ ...session!, password: 'key-of-the-lab' }] })
    await established(lab)
    assert.doesNotMatch(JSON.stringify([await report(lab), lab.logged]), /key-of-the-lab|another-key/)
    await lab.engine.tunnels.apply({ ...tunnel, generation: 4 })
    await when(lab, 'no session', ({ state }) => state !== 'established')
    await router.configure(routerSettings(1))
    await established(lab)
  })

  test('a peer that falls silent: the hold timer ends the session', async () => {
    await established(lab)
    const undo = await lab.lab.drop(site.netns, 'meta l4proto tcp')
    await when(
      lab,
      'down',
      ({ state, lastError }) => state !== 'established' && lastError === 'Hold timer expired',
    )
    await until('no routes', async () => (await bgpRoutes(lab)) === '')
    await undo()
    await established(lab)
  })

  test('the tunnel is closed: session and routes are gone within a second, and come back with it', async () => {
    await established(lab)
    const took = await timeToFall(lab, () => site.lines[0]!.peer.terminate())
    console.log(`tunnel closed by the peer -> session and routes gone: ${took.toFixed(0)} ms`)
    assert(took < 1_000)
    await established(lab)
    await reaches(lab)
  })

  test('the IKE daemon is killed: session and routes are gone within a second, and come back with it', async () => {
    await established(lab)
    const mode = lab.engine.describe().kernelMode
    const netns = lab.names.engine(
      1,
      mode === 'U' ? { peer: lines[0].outside, fromSecond: false } : undefined,
    )
    const [pid] = (await command('ip', 'netns', 'pids', netns)).split('\n')
    const took = await timeToFall(lab, async () => process.kill(Number(pid), 'SIGKILL'))
    console.log(`IKE daemon killed -> session and routes gone: ${took.toFixed(0)} ms`)
    assert(took < 1_000)
    await established(lab)
    await reaches(lab)
  })

  test('the engine restarts: the session stays, and no packet is lost', async () => {
    const before = await established(lab)
    await reaches(lab)
    const pings = lab.ping('10.1.0.10', '10.2.0.1', { count: 60, interval: 0.05 })
    await lab.restart()
    // At once: it is never said to be down.
    assert(isSameMoment((await report(lab)).bgp!.since, before.since))
    await lab.engine.gateways.apply(lab.gateway)
    await lab.engine.tunnels.apply(tunnel)
    assert.deepEqual(await pings, { sent: 60, received: 60 })
    const now = await established(lab)
    assert(isSameMoment(now.since, before.since))
    assert.deepEqual(now.learned, before.learned)
  })

  test('a tunnel that waits for traffic is asked for by BGP', async () => {
    await lab.engine.tunnels.remove(tunnel.id)
    await until('no routes', async () => (await bgpRoutes(lab)) === '')
    await lab.engine.tunnels.apply({ ...tunnel, effectImmediately: false })
    await established(lab)
    await reaches(lab)
  })

  test('a tunnel that is removed takes its session and its routes along; the gateway leaves no process', async () => {
    await established(lab)
    await lab.engine.tunnels.remove(tunnel.id)
    await until('no routes', async () => (await bgpRoutes(lab)) === '')
    await until(
      'no BGP daemon',
      async () => (await command('ip', 'netns', 'pids', lab.names.gateway(1))) === '',
    )
  })
})

describe('BGP through two tunnels', { skip }, () => {
  let lab: GatewayLab
  let site: Site
  let router: Router

  before(async () => {
    lab = await GatewayLab.create()
    site = await Site.create(lab.lab, 'site', ['10.2.0.1/24'], lines)
    router = await Router.start(site.netns, routerSettings(1, 2))
    await lab.applyGateway()
    for (const line of [1, 2] as const) {
      const tunnel = tunnelOf(lab.tunnel, line)
      await site.lines[line - 1]!.peer.load(agreeing(tunnel))
      await lab.engine.tunnels.apply(tunnel)
    }
    await established(lab, 'vco-1')
    await established(lab, 'vco-2')
  })
  after(async () => {
    await router.close()
    await lab.close()
  })

  const uses = async (line: 1 | 2) => {
    const there = await bgpRoutes(lab)
    const back = await command('ip', '-n', site.netns, 'route', 'show', 'proto', 'bird')
    return there.includes(`dev vco${line}`) && back.includes(`dev line${line}`)
  }

  test('the better one is used both ways', async () => {
    await until('both ways through the first', () => uses(1))
    const best = async (id: string) => (await report(lab, id)).bgp?.learned.map(({ best }) => best)
    assert.deepEqual([await best('vco-1'), await best('vco-2')], [[true], [false]])
    await reaches(lab)
  })

  for (const [what, withinSeconds, cut] of [
    [
      // Both ends hold the session for 3 s, the shortest that BGP has (RFC 4271, 4.2), since the last word; then routes
      // have to move. Who wants it sooner has the health check: failover.lab.test.ts.
      'the master falls silent',
      3.3,
      () => lab.lab.drop(site.lines[0]!.peer.netns, 'udp dport { 500, 4500 }'),
    ],
    [
      // The peer's BGP daemon is not told, and its session stands until the hold timer ends: the slave's announcement
      // has to win over it.
      'the master is closed by the peer',
      1,
      async () => {
        const undo = await lab.lab.drop(site.lines[0]!.peer.netns, 'udp dport 500')
        await site.lines[0]!.peer.terminate()
        return undo
      },
    ],
  ] as const) {
    test(`${what}: traffic is back within ${withinSeconds} s through the slave, and goes back without a hand`, async () => {
      await until('through the first', () => uses(1), { timeoutMs: 20_000 })
      await reaches(lab)
      // One every 20 ms; the lost ones tell how long there was no way.
      const interval = 0.02
      const away = lab.ping('10.1.0.10', '10.2.0.1', { count: 250, interval })
      const begun = performance.now()
      await pause(300)
      const undo = await cut()
      await until('through the second', () => uses(2), { timeoutMs: 20_000 })
      const took = performance.now() - begun - 300
      const { sent, received } = await away
      const lost = sent - received
      console.log(`${what}: routes moved after ${took.toFixed(0)} ms, ${lost} of ${sent} packets lost`)
      assert(lost * interval <= withinSeconds, `${lost} packets lost`)

      const home = lab.ping('10.1.0.10', '10.2.0.1', { count: 400, interval })
      await undo()
      await until('through the first again', () => uses(1), { timeoutMs: 20_000 })
      const back = await home
      console.log(`${what}: way back, ${back.sent - back.received} of ${back.sent} packets lost`)
      assert(back.sent - back.received < 10)
    })
  }
})

describe('health checks', { skip }, () => {
  let lab: GatewayLab
  let site: Site
  let tunnel: Tunnel
  const probe: TunnelProbe = {
    source: '10.1.0.254',
    destination: '10.2.0.1',
    interval: 0.2,
    retry: 3,
    revokeRoutes: true,
  }

  before(async () => {
    lab = await GatewayLab.create()
    site = await Site.create(lab.lab, 'site', ['10.2.0.1/24', '10.2.0.2/24'], [lines[0]])
    await command('ip', '-n', site.netns, 'route', 'add', '10.1.0.0/16', 'dev', 'line1')
    await lab.applyGateway()
    const { bgp, ...plain } = tunnelOf(lab.tunnel, 1)
    tunnel = { ...plain, routes: [{ destination: '10.2.0.0/24', metric: 100 }] }
    await site.lines[0]!.peer.load(agreeing(tunnel))
  })
  after(() => lab.close())
  beforeEach(async () => {
    await lab.engine.tunnels.apply({ ...tunnel, probe })
  })
  afterEach(() => lab.engine.tunnels.remove(tunnel.id))

  const verdict = (wanted: boolean | undefined) =>
    until(`verdict ${wanted}`, async () => {
      const { probe: seen } = await report(lab)
      return seen?.succeeding === wanted && seen
    })
  const routes = async () =>
    (await command('ip', '-n', lab.names.gateway(1), 'route', 'show', '10.2.0.0/24')).trim()
  const cutLan = async () => {
    await command('ip', '-n', site.netns, 'addr', 'del', '10.2.0.1/24', 'dev', 'lo')
    return () => command('ip', '-n', site.netns, 'addr', 'add', '10.2.0.1/24', 'dev', 'lo')
  }
  const upNow = async () => (await report(lab)).childSas.length > 0

  test('it succeeds, with round trip and loss; with the own address as source', async () => {
    const { rtt, sent, received } = await verdict(true)
    assert(rtt !== undefined && rtt < 500)
    assert(sent >= 3 && received >= 3)
  })

  test('it fails: the routes go, the tunnel and the probes stay; it succeeds: they are back', async () => {
    await verdict(true)
    assert.match(await routes(), /dev vco1/)
    const mend = await cutLan()
    const failed = await verdict(false)
    assert(failed.received < failed.sent)
    await until('no route', async () => (await routes()) === '')
    assert(await upNow())
    await mend()
    await verdict(true)
    await until('the route is back', async () => /dev vco1/.test(await routes()))
  })

  test('what a failed check has taken away stays away over a restart of the engine', async () => {
    await verdict(true)
    const mend = await cutLan()
    await verdict(false)
    await until('no route', async () => (await routes()) === '')
    await lab.restart()
    await lab.engine.gateways.apply(lab.gateway)
    await lab.engine.tunnels.apply({ ...tunnel, probe })
    assert.equal((await report(lab)).probe?.succeeding, false)
    await until('no route', async () => (await routes()) === '')
    await mend()
    await verdict(true)
    await until('the route is back', async () => /dev vco1/.test(await routes()))
  })

  test('with `reserve_route` the routes stay', async () => {
    await lab.engine.tunnels.apply({ ...tunnel, probe: { ...probe, revokeRoutes: false } })
    await verdict(true)
    const mend = await cutLan()
    await verdict(false)
    assert.match(await routes(), /dev vco1/)
    await mend()
    await verdict(true)
  })

  test('the address of a living host as source: the probes come through, and so does everything of the host', async () => {
    await lab.engine.tunnels.apply({ ...tunnel, probe: { ...probe, source: '10.1.0.10' } })
    await verdict(true)
    const own = await lab.ping('10.1.0.10', '10.2.0.1', { count: 10, interval: 0.05 })
    assert.deepEqual(own, { sent: 10, received: 10 })
    const there = await lab.lab.ping(site.netns, '10.2.0.1', '10.1.0.10', { count: 10, interval: 0.05 })
    assert.deepEqual(there, { sent: 10, received: 10 })
    await lab.engine.tunnels.apply(tunnel)
    const addresses = async () => command('ip', '-n', lab.names.gateway(1), 'addr', 'show', 'dev', 'lo')
    await until('the address is let go', async () => !(await addresses()).includes('10.1.0.10'))
    assert.equal((await report(lab)).probe, undefined)
  })

  test('fping is killed: nothing is known until it has counted again', async () => {
    await verdict(true)
    const fping = async () => (await command('ip', 'netns', 'pids', lab.names.gateway(1))).split('\n')[0]
    process.kill(Number(await fping()), 'SIGKILL')
    await verdict(undefined)
    assert.match(await routes(), /dev vco1/)
    await verdict(true)
  })

  test('the tunnel falls: the check fails, and it succeeds again when the tunnel is back', async () => {
    await verdict(true)
    const undo = await lab.lab.drop(site.lines[0]!.peer.netns, 'udp dport { 500, 4500 }')
    await verdict(false)
    await undo()
    await verdict(true)
    await until('up', upNow)
  })
})
