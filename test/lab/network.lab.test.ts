/**
 * The network of a gateway with two outside addresses: tunnels for everything to one peer and to two, addresses inside
 * them, routes and policy routes, and what the VPC sends to the gateway.
 *
 *     host 10.1.0.10 ── gateway 198.51.100.1 and .7 ── bridge ┬─ peer 198.51.100.2 ── 10.2.0.1, 10.3.0.1
 *                                                             └─ other 198.51.100.3 ── 10.4.0.1
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { EngineError, type Gateway, type Tunnel, type TunnelRoute } from '../../src/engine/engine.ts'
import { chooseRoute, type RoutedTunnel } from '../../src/engine/route-choice.ts'
import { carriesTraffic } from '../../src/engine/strongswan/observe.ts'
import { command } from './support/command.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer, PeerSettings } from './support/peer.ts'
import { until } from './support/until.ts'

const everything = { localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }

describe('the network of a gateway with two outside addresses', { skip: Lab.missing() ?? false }, () => {
  let lab: GatewayLab
  let peer: Peer
  let other: Peer
  let gateway: Gateway

  before(async () => {
    lab = await GatewayLab.create({ retryDelays: [100] })
    peer = await lab.lab.peer('peer', '198.51.100.2/24', [
      ...['10.2.0.1/24', '10.3.0.1/24', '169.254.10.2/32', '169.254.11.2/32'],
    ])
    other = await lab.lab.peer('other', '198.51.100.3/24', ['10.4.0.1/24', '169.254.12.2/32'])
    await lab.applyGateway()
    gateway = { ...lab.gateway, secondAddress: '198.51.100.7' }
  })
  after(() => lab.close())

  const tunnelOf = (slot: number, change: Partial<Tunnel>): Tunnel => {
    const { localAddress = '198.51.100.1', remoteAddress = '198.51.100.2' } = change
    return {
      ...lab.tunnel,
      id: `vco-${slot}`,
      slot,
      ...everything,
      ...change,
      ike: { ...lab.tunnel.ike, version: 'ikev2', localId: localAddress, remoteId: remoteAddress },
    }
  }
  /** A peer that takes part of everything only: with all of it in its policies its own negotiations would go there too. */
  const narrowing = (tunnel: Tunnel, networks: readonly string[]): PeerSettings => ({
    ...agreeing(tunnel),
    name: tunnel.id,
    localSubnets: networks,
    remoteSubnets: ['10.1.0.0/16', '169.254.0.0/16'],
  })
  const carries = (id: string) =>
    until(`${id} to carry traffic`, async () => {
      const report = await lab.engine.tunnels.observe(id)
      return report?.childSas.some(carriesTraffic) && report
    })
  const spis = async (id: string) => (await carries(id)).childSas.map((child) => child.spiIn)
  const netns = () => lab.names.gateway(1)
  const ping = (to: string, count = 3, interval = 0.02) => lab.ping('10.1.0.10', to, { count, interval })
  const all = (count = 3) => ({ sent: count, received: count })
  const shown = async (...args: string[]) => (await command('ip', '-n', netns(), ...args)).trim()
  /** Interface by which the gateway would send a packet of the VPC, or `nothing`. */
  const wayOf = async (source: string, destination: string) => {
    const text = await shown('route', 'get', destination, 'from', source, 'iif', 'vpc0').catch(String)
    return /\bdev (\S+)/.exec(text)?.[1] ?? 'nothing'
  }

  const first = () =>
    tunnelOf(1, { routes: [{ destination: '10.2.0.0/24', metric: 100 }], insideAddress: '169.254.10.1/30' })
  const second = () =>
    tunnelOf(2, {
      localAddress: '198.51.100.7',
      routes: [{ destination: '10.3.0.0/24', metric: 100 }],
      insideAddress: '169.254.11.1/30',
    })
  const third = () =>
    tunnelOf(3, {
      remoteAddress: '198.51.100.3',
      routes: [{ destination: '10.4.0.0/24', metric: 100 }],
      insideAddress: '169.254.12.1/30',
    })

  test('a second outside address comes under traffic: no packet is lost, nothing is negotiated', async () => {
    await peer.load(narrowing(first(), ['10.2.0.0/24', '169.254.10.0/30']))
    await lab.engine.tunnels.apply(first())
    const before = await spis('vco-1')
    const pings = ping('10.2.0.1', 100, 0.01)
    await lab.engine.gateways.apply(gateway)
    await lab.engine.tunnels.apply(first())
    assert.deepEqual(await pings, all(100))
    assert.deepEqual(await spis('vco-1'), before)
    assert.deepEqual(await lab.lab.ping(peer.netns, '198.51.100.2', '198.51.100.7'), all())
  })

  test('two tunnels for everything to one peer, from an address each, and one to another peer', async () => {
    await peer.load(narrowing(second(), ['10.3.0.0/24', '169.254.11.0/30']))
    await other.load(narrowing(third(), ['10.4.0.0/24', '169.254.12.0/30']))
    await lab.engine.tunnels.apply(second())
    await lab.engine.tunnels.apply(third())
    for (const [id, to] of [
      ['vco-1', '10.2.0.1'],
      ['vco-2', '10.3.0.1'],
      ['vco-3', '10.4.0.1'],
    ] as const) {
      await carries(id)
      assert.deepEqual(await ping(to), all(), `${id} to ${to}`)
    }
    const report = await carries('vco-2')
    assert.equal(report.ikeSas[0]?.localId, '198.51.100.7')
  })

  test('a second tunnel for everything between the same two addresses is refused in userspace', async () => {
    if (lab.engine.describe().kernelMode !== 'U') return
    await assert.rejects(lab.engine.tunnels.apply(tunnelOf(4, {})), (error: unknown) => {
      assert(error instanceof EngineError)
      assert.match(error.message, /vco-4 and tunnel vco-1: .*userspace/)
      return !error.retry
    })
    assert.deepEqual(await ping('10.2.0.1'), all())
  })

  test('each interface has its inside address, and packets go from there to the peer', async () => {
    for (const number of [10, 11, 12]) {
      const [from, to] = [`169.254.${number}.1`, `169.254.${number}.2`]
      assert.deepEqual(await lab.lab.ping(netns(), from, to), all(), from)
    }
  })

  test('an inside address is changed without a new negotiation', async () => {
    const before = await spis('vco-3')
    await lab.engine.tunnels.apply({ ...third(), insideAddress: '169.254.12.1/29' })
    assert.match(await shown('-br', '-4', 'addr', 'show', 'vco3'), /169\.254\.12\.1\/29\s*$/)
    await lab.engine.tunnels.apply(third())
    assert.match(await shown('-br', '-4', 'addr', 'show', 'vco3'), /169\.254\.12\.1\/30\s*$/)
    assert.deepEqual(await spis('vco-3'), before)
  })

  test('another engine takes over both daemons of one peer: no packet is lost', async () => {
    const before = [await spis('vco-1'), await spis('vco-2')]
    const pings = Promise.all([ping('10.2.0.1', 100), ping('10.3.0.1', 100)])
    await lab.restart()
    await lab.engine.gateways.apply(gateway)
    for (const tunnel of [first(), second(), third()]) await lab.engine.tunnels.apply(tunnel)
    assert.deepEqual(await pings, [all(100), all(100)])
    assert.deepEqual([await spis('vco-1'), await spis('vco-2')], before)
  })

  test('a daemon that is killed comes back with inside address and routes, and the others do not notice', async () => {
    const { kernelMode } = lab.engine.describe()
    const line = { peer: '198.51.100.2', fromSecond: true }
    const daemon = lab.names.engine(1, kernelMode === 'U' ? line : undefined)
    const [pid] = (await command('ip', 'netns', 'pids', daemon)).split('\n').filter(Boolean)
    const [old, kept] = [await spis('vco-2'), kernelMode === 'U' ? await spis('vco-1') : undefined]
    const pings = ping('10.2.0.1', 100)
    process.kill(Number(pid), 'SIGKILL')
    await until('other SAs', async () => !(await spis('vco-2')).some((spi) => old.includes(spi)))
    await until('packets', async () => (await ping('10.3.0.1', 1)).received === 1)
    assert.deepEqual(await lab.lab.ping(netns(), '169.254.11.1', '169.254.11.2'), all())
    if (kept) {
      assert.deepEqual(await pings, all(100))
      assert.deepEqual(await spis('vco-1'), kept)
    }
  })

  test('an outside address with tunnels cannot be taken away', async () => {
    await assert.rejects(lab.engine.gateways.apply(lab.gateway), /addresses cannot change/)
    assert.deepEqual(await ping('10.3.0.1'), all())
  })

  test('routes are changed under traffic: no packet is lost, nothing is negotiated', async () => {
    const before = await spis('vco-1')
    const pings = ping('10.2.0.1', 200, 0.01)
    const policy = { destination: '10.2.0.0/24', source: '10.1.0.0/24', priority: 10, metric: 100 }
    for (const routes of [
      [policy],
      [{ destination: '10.2.0.0/25', metric: 200 }, policy],
      [{ ...policy, priority: 7 }],
      [{ destination: '10.0.0.0/8', metric: 100 }],
      undefined,
      first().routes,
    ]) {
      await lab.engine.tunnels.apply({ ...first(), routes })
      assert.equal(await wayOf('10.1.0.10', '10.2.0.1'), 'vco1', JSON.stringify(routes))
    }
    assert.deepEqual(await pings, all(200))
    assert.deepEqual(await spis('vco-1'), before)
    assert.doesNotMatch(await shown('rule'), /lookup 10000\d\d/)
  })

  test('without a tunnel there is no route and no rule; they come back with it', async () => {
    const policy = { destination: '10.2.0.0/24', source: '10.1.0.0/24', priority: 10, metric: 100 }
    await lab.engine.tunnels.apply({
      ...first(),
      routes: [policy, { destination: '10.9.0.0/24', metric: 100 }],
    })
    assert.equal(await wayOf('10.1.0.10', '10.2.0.1'), 'vco1')
    assert.equal(await wayOf('10.4.0.10', '10.2.0.1'), 'nothing', 'the source is not that of the policy')
    // Of the two tunnels to this peer the one from the first address alone.
    const undo = await lab.lab.drop(peer.netns, 'ip saddr 198.51.100.1')
    await peer.terminate('vco-1')
    await until('no route', async () => (await wayOf('10.1.0.10', '10.2.0.1')) === 'nothing')
    // The rules go after the routes that they lead to.
    await until('no rule', async () => !/lookup 10000\d\d/.test(await shown('rule')))
    assert.doesNotMatch(await shown('route'), /10\.9\.0\.0/)
    await undo()
    await carries('vco-1')
    await until('the routes', async () => (await wayOf('10.1.0.10', '10.2.0.1')) === 'vco1')
    assert.match(await shown('route'), /10\.9\.0\.0/)
  })

  test('the kernel sends packets where the choice says, for many packets and routes', async () => {
    const random = generator(7)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
    const networks = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.0.0/24', '10.1.0.8/29', '10.1.0.10/32']
    const destinations = [
      ...['10.0.0.0/8', '10.2.0.0/15', '10.2.0.0/16', '10.2.0.0/24', '10.2.0.0/28', '10.2.0.1/32'],
      ...['10.1.0.0/16', '10.1.7.0/24', '172.16.0.0/12', '0.0.0.0/1', '10.3.0.0/24'],
    ]
    const addresses = [
      ...['10.2.0.1', '10.2.0.9', '10.2.0.77', '10.2.9.1', '10.3.0.1', '10.3.9.1', '10.1.7.7', '10.1.0.33'],
      ...['172.16.5.5', '8.8.8.8', '192.0.2.1', '10.200.0.1'],
    ]
    const sources = ['10.1.0.10', '10.1.0.11', '10.1.0.200', '10.1.9.9', '10.77.0.1', '172.31.0.1']
    const makeRoutes = (): TunnelRoute[] =>
      Array.from({ length: 12 }, () => ({
        destination: pick(destinations),
        metric: pick([100, 200]),
        ...(random() < 0.6 && { source: pick(networks), priority: pick([1, 10, 10, 100]) }),
      }))
    let compared = 0
    const seen = new Map<string, number>()
    for (let round = 0; round < 3; round += 1) {
      // The peers narrowed the selectors; what is routed is for the routes to say.
      const tunnels = [first(), second(), third()].map((tunnel) => ({ ...tunnel, routes: makeRoutes() }))
      for (const tunnel of tunnels) {
        await lab.engine.tunnels.apply(tunnel)
        await carries(tunnel.id)
      }
      const undo = round === 2 ? await lab.lab.drop(other.netns, 'udp dport 500-4500') : undefined
      if (undo) {
        await other.terminate('vco-3')
        await until(
          'vco-3 down',
          async () => !/dev vco3 .*metric \d{8}/.test(await shown('route', 'show', 'table', 'all')),
        )
      }
      const routed: RoutedTunnel[] = tunnels.map((tunnel) => ({
        tunnel,
        usability: undo && tunnel.id === 'vco-3' ? 'down' : 'up',
      }))
      for (let packet = 0; packet < 150; packet += 1) {
        const [source, destination] = [pick(sources), pick(addresses)]
        const choice = chooseRoute({ source, destination }, gateway, routed)
        const wanted = { tunnel: `vco${choice.chosen?.tunnelId.slice(4)}`, vpc: 'vpc0', nowhere: 'nothing' }[
          choice.to
        ]
        const context = JSON.stringify({ source, destination, choice, rules: await shown('rule') })
        assert.equal(await wayOf(source, destination), wanted, context)
        seen.set(wanted, (seen.get(wanted) ?? 0) + 1)
        compared += 1
      }
      await undo?.()
      await carries('vco-3')
    }
    console.log(`packets compared: ${compared}, by way: ${JSON.stringify(Object.fromEntries(seen))}`)
    for (const way of ['vco1', 'vco2', 'vco3', 'vpc0', 'nothing'])
      assert(seen.has(way), `none went by ${way}`)
    for (const tunnel of [first(), second(), third()]) await lab.engine.tunnels.apply(tunnel)
    assert.doesNotMatch(await shown('rule'), /lookup 10000\d\d/)
  })

  test('a host that knows its default route only reaches what is published, and nothing else', async () => {
    const vpc = lab.names.vpc(gateway.vpcId)
    const host = await lab.lab.namespace('plain')
    await command(
      'ip',
      ...'link add eth0 netns'.split(' '),
      host,
      ...'type veth peer name plain netns'.split(' '),
      vpc,
    )
    await command('ip', '-n', vpc, 'link', 'set', 'dev', 'plain', 'master', 'br0', 'up')
    await command('ip', '-n', host, 'addr', 'add', '10.1.0.11/24', 'dev', 'eth0')
    await command('ip', '-n', host, 'link', 'set', 'eth0', 'up')
    await command('ip', '-n', host, 'route', 'add', 'default', 'via', '10.1.0.253')
    const fromHost = (to: string) => lab.lab.ping(host, '10.1.0.11', to)
    assert.equal((await fromHost('10.2.0.1')).received, 0)
    await lab.engine.gateways.apply({ ...gateway, published: ['10.2.0.0/24'] })
    assert.deepEqual(await fromHost('10.2.0.1'), all())
    assert.equal((await fromHost('10.3.0.1')).received, 0)
    await lab.engine.gateways.apply({ ...gateway, published: ['10.3.0.0/24'] })
    assert.deepEqual(await fromHost('10.3.0.1'), all())
    assert.equal((await fromHost('10.2.0.1')).received, 0)
    await lab.engine.gateways.apply(gateway)
    assert.equal((await fromHost('10.3.0.1')).received, 0)
    assert.deepEqual(
      await ping('10.2.0.1'),
      all(),
      'a host that sends to the gateway itself needs no publishing',
    )
  })

  test('after removal nothing is left of a second outside address', async () => {
    for (const id of ['vco-1', 'vco-2', 'vco-3']) await lab.engine.tunnels.remove(id)
    assert.doesNotMatch(await shown('rule'), /^100:/m)
    assert.doesNotMatch(await shown('-br', 'link'), /vco|eng0|[ef]c633/)
    await lab.engine.gateways.apply(lab.gateway)
    assert.doesNotMatch(await shown('rule'), /198\.51\.100\.7/)
    assert.doesNotMatch(await shown('-br', 'addr'), /198\.51\.100\.7/)
  })
})

/** Numbers from 0 to 1, the same for the same seed (a linear congruential generator, Numerical Recipes). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}
