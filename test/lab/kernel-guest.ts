/**
 * The engine where the kernel carries ESP. Runs inside the machine that `scripts/lab-kernel.ts` emulates:
 * `node kernel-guest.ts <mode>...`. Everything is slow there, so the times are long.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isSameMoment } from '../../src/engine/bird/observe.ts'
import type { Tunnel, TunnelReport } from '../../src/engine/engine.ts'
import { createNames } from '../../src/engine/linux/names.ts'
import type { KernelMode } from '../../src/engine/strongswan/kernel-mode.ts'
import { Secret } from '../../src/secret.ts'
import { OpensslCa } from '../support/openssl.ts'
import { createAuthority } from './support/authority.ts'
import { Router } from './support/bird.ts'
import { BoxEngine } from './support/box-engine.ts'
import { command } from './support/command.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import type { Peer } from './support/peer.ts'
import { Site } from './support/site.ts'
import { until } from './support/until.ts'

const patience = { timeoutMs: 120_000 }

const timers = {
  retryDelays: [2_000],
  watchdogEvery: 30_000,
  watchdogLimit: 30_000,
  dpd: { delay: 20, timeout: 60 },
  retransmit: { timeout: 8, base: 1, tries: 4 },
}

/** A peer whose kernel carries ESP too: without a NAT in between it is plain ESP, not ESP in UDP. */
const kernelPeer = {
  load:
    'random nonce aes sha1 sha2 hmac md5 gmp curve25519 pem pkcs1 pkcs8 x509 pubkey constraints openssl kdf ' +
    'kernel-netlink socket-default vici updown',
  retransmit_timeout: '8',
}

const isUp = (report: TunnelReport | undefined): report is TunnelReport =>
  report !== undefined && report.failure === undefined

for (const mode of process.argv.slice(2) as KernelMode[]) {
  describe(`kernel mode ${mode}`, () => {
    let lab: GatewayLab
    let peer: Peer
    let other: Peer

    before(async () => {
      lab = await GatewayLab.create(timers, mode, { holdTime: 60 })
      peer = await lab.lab.peer('peer', '198.51.100.2/24', ['10.2.0.1/24'], kernelPeer)
      other = await lab.lab.peer('other', '198.51.100.3/24', ['10.3.0.1/24'], kernelPeer)
      await lab.applyGateway()
    })
    after(() => lab.close())

    const whenUp = (id = 'vco-1') =>
      until(
        `${id} up`,
        async () => {
          const report = await lab.engine.tunnels.observe(id)
          return isUp(report) && report
        },
        patience,
      )
    const installed = async (id: string) =>
      (await lab.engine.tunnels.observe(id))?.childSas.filter((child) => child.state === 'installed') ?? []
    const ping = (to = '10.2.0.1', count = 5) => lab.lab.ping(lab.host, '10.1.0.10', to, { count })
    const all = (count = 5) => ({ sent: count, received: count })
    const withIke = (change: Partial<Tunnel['ike']>, more: Partial<Tunnel> = {}): Tunnel => ({
      ...lab.tunnel,
      ...more,
      ike: { ...lab.tunnel.ike, ...change },
    })
    const bringUp = async (tunnel: Tunnel) => {
      await peer.load(agreeing(tunnel))
      await lab.engine.tunnels.apply(tunnel)
      return whenUp(tunnel.id)
    }

    test('the engine says which mode it runs in', () => {
      assert.equal(lab.engine.describe().kernelMode, mode)
    })

    for (const version of ['ikev1', 'ikev2'] as const) {
      test(`${version}: up, plain ESP, every packet counted by the SA`, async () => {
        const report = await bringUp(withIke({ version }))
        assert.equal(report.ikeSas[0]?.version, version)
        assert.equal(report.ikeSas[0]?.remoteEndpoint, '198.51.100.2:500')
        assert.deepEqual(await ping(), all())
        const counted = (await lab.engine.tunnels.observe('vco-1'))?.childSas[0]
        assert(counted && counted.packetsIn >= 5 && counted.packetsOut >= 5, JSON.stringify(counted))
        const heard = await until(
          'the peer to be heard by its packets',
          async () => {
            await ping()
            const seen = await lab.engine.tunnels.observe('vco-1')
            return seen && seen.heardAt! > report.at && seen
          },
          patience,
        )
        assert.equal(heard.ikeSas[0]?.dpdAnsweredAt, undefined)
        await lab.engine.tunnels.remove('vco-1')
      })
    }

    test('a wrong key has its reason; with the right one the tunnel comes up', async () => {
      const tunnel = withIke({ version: 'ikev2' })
      await peer.load({ ...agreeing(tunnel), psk: 'another key' })
      await lab.engine.tunnels.apply(tunnel)
      const failed = await until(
        'a reason',
        async () => {
          const report = await lab.engine.tunnels.observe('vco-1')
          return report?.failure?.code !== 'CONNECTING' && report
        },
        patience,
      )
      assert.equal(failed.failure?.code, 'PEER_REJECTED_AUTH')
      await peer.load(agreeing(tunnel))
      await whenUp()
      assert.deepEqual(await ping(), all())
      await lab.engine.tunnels.remove('vco-1')
    })

    test('two tunnels for everything in one daemon, each with its own interface', async () => {
      const everything = { localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }
      const first = withIke({ version: 'ikev2' }, everything)
      const second = withIke(
        { version: 'ikev2', remoteId: '198.51.100.3', psk: new Secret('the other key') },
        { ...everything, id: 'vco-2', slot: 2, remoteAddress: '198.51.100.3' },
      )
      // A peer with 0.0.0.0/0 in its policies would catch its own negotiation with them, so the peers narrow it.
      await peer.load({ ...agreeing(first), localSubnets: ['10.2.0.0/24'], remoteSubnets: ['10.1.0.0/16'] })
      await other.load({ ...agreeing(second), localSubnets: ['10.3.0.0/24'], remoteSubnets: ['10.1.0.0/16'] })
      await lab.engine.tunnels.apply(first)
      await lab.engine.tunnels.apply(second)
      for (const { id } of [first, second]) {
        await until(`${id} to carry traffic`, async () => (await installed(id)).length === 1, patience)
      }
      // Both are the way to everywhere; which is taken is for routes to say.
      const gateway = lab.names.gateway(1)
      for (const [network, name] of [
        ['10.2.0.0/24', 'vco1'],
        ['10.3.0.0/24', 'vco2'],
      ] as const) {
        await command('ip', '-n', gateway, 'route', 'add', network, 'dev', name)
      }
      assert.deepEqual(await ping('10.2.0.1'), all())
      assert.deepEqual(await ping('10.3.0.1'), all())
      const sent = async (id: string) => (await installed(id))[0]?.packetsOut
      assert.deepEqual([await sent('vco-1'), await sent('vco-2')], [5, 5])
      await lab.engine.tunnels.remove('vco-2')
      assert.deepEqual(await ping('10.2.0.1'), all())
      await lab.engine.tunnels.remove('vco-1')
    })

    test('without effect at once the first packet starts the negotiation', async () => {
      const tunnel = { ...withIke({ version: 'ikev2' }), effectImmediately: false }
      await peer.load(agreeing(tunnel))
      await lab.engine.tunnels.apply(tunnel)
      const waiting = await lab.engine.tunnels.observe('vco-1')
      assert.equal(waiting?.failure?.code, 'WAITING_FOR_TRAFFIC')
      assert.deepEqual(waiting.ikeSas, [])
      await ping('10.2.0.1', 1)
      await whenUp()
      assert.deepEqual(await ping(), all())
      await lab.engine.tunnels.remove('vco-1')
    })

    test('without NAT traversal port 4500 is closed to the peer, and plain ESP goes on', async () => {
      const tunnel = { ...withIke({ version: 'ikev2' }), natTraversal: false }
      await bringUp(tunnel)
      assert.deepEqual(await ping(), all())
      const rules = await command('ip', 'netns', 'exec', lab.names.engine(1), 'nft', 'list', 'ruleset')
      assert.match(rules, /198\.51\.100\.2/)
      await lab.engine.tunnels.remove('vco-1')
    })

    test('certificates: with one that the CA has issued it comes up, with one of another CA it has its reason', async () => {
      const [ours, branch, other] = [
        createAuthority('p256'),
        await OpensslCa.create('branch', 'p256'),
        await OpensslCa.create('other', 'p256'),
      ]
      const own = ours.issue(lab.gateway.address)
      const tunnel = withIke({ version: 'ikev2', certificate: { ...own, remoteCa: branch.certificate } })
      const certified = async (ca: OpensslCa) => {
        const { certificate, key } = await ca.issue({ names: `IP:${tunnel.remoteAddress}` })
        return {
          ...agreeing(tunnel),
          certificate: { own: certificate, ownKey: key, remoteCa: ours.certificate },
          connection: { send_cert: 'always' },
        }
      }
      await peer.load(await certified(other))
      await lab.engine.tunnels.apply(tunnel)
      await until(
        'CERT_UNKNOWN_CA',
        async () => (await lab.engine.tunnels.observe('vco-1'))?.failure?.code === 'CERT_UNKNOWN_CA',
        patience,
      )
      await peer.load(await certified(branch))
      await whenUp()
      assert.deepEqual(await ping(), all())
      await lab.engine.tunnels.remove('vco-1')
      await Promise.all([branch, other].map((ca) => ca.close()))
    })

    test('BGP and a health check through one tunnel: networks both ways, probes, and what fails with them', async () => {
      const line = { outside: '198.51.100.4', inside: '169.254.20.2/30' }
      const site = await Site.create(lab.lab, 'site', ['10.9.0.1/24', '10.8.0.1/24'], [line])
      await command('ip', '-n', site.netns, 'route', 'add', '10.1.0.0/16', 'dev', 'line1')
      const router = await Router.start(site.netns, {
        id: '169.254.20.2',
        sessions: [{ local: '169.254.20.2', localAsn: 65_002, peer: '169.254.20.1', peerAsn: 65_001 }],
        networks: ['10.9.0.0/24'],
      })
      const tunnel: Tunnel = {
        ...withIke({ version: 'ikev2', remoteId: line.outside }),
        remoteAddress: line.outside,
        localSubnets: ['0.0.0.0/0'],
        remoteSubnets: ['0.0.0.0/0'],
        insideAddress: '169.254.20.1/30',
        routes: [{ destination: '10.8.0.0/24', metric: 100 }],
        bgp: {
          ...{ localAsn: 65_001, peerAsn: 65_002, localIp: '169.254.20.1', peerIp: '169.254.20.2' },
          ...{ advertised: ['10.1.0.0/16'], preference: 200 },
        },
        // The address of a host that lives: its own pings have to go on to it.
        probe: { source: '10.1.0.10', destination: '10.8.0.1', interval: 2, retry: 2, revokeRoutes: true },
      }
      const when = (what: string, is: (report: TunnelReport) => boolean | undefined) =>
        until(
          what,
          async () => {
            const report = await lab.engine.tunnels.observe('vco-1')
            return report && is(report) && report
          },
          patience,
        )
      const established = () =>
        when('BGP', ({ bgp }) => bgp?.state === 'established' && bgp.learned.length === 1)
      const routes = (network: string) => command('ip', '-n', lab.names.gateway(1), 'route', 'show', network)
      try {
        await site.lines[0]!.peer.load(agreeing(tunnel))
        await lab.engine.tunnels.apply(tunnel)
        const { bgp } = await established()
        assert.deepEqual(
          bgp?.learned.map(({ prefix }) => prefix),
          ['10.9.0.0/24'],
        )
        await until(
          'our network at the peer',
          async () => (await router.learned()).join() === '10.1.0.0/16',
          patience,
        )
        assert.match(await routes('10.9.0.0/24'), /via 169\.254\.20\.2 dev vco1 proto bird/)
        await when('the check succeeds', ({ probe }) => probe?.succeeding)
        assert.deepEqual(await ping('10.9.0.1'), all())
        assert.deepEqual(await ping('10.8.0.1'), all())

        const engine = await lab.restart()
        await engine.gateways.apply(lab.gateway)
        await engine.tunnels.apply(tunnel)
        const { bgp: after } = await established()
        assert(isSameMoment(after!.since, bgp!.since), 'the session outlives the engine')

        // The host behind is gone: its route goes, and that of BGP stays.
        await command('ip', '-n', site.netns, 'addr', 'del', '10.8.0.1/24', 'dev', 'lo')
        await when('the check fails', ({ probe }) => probe?.succeeding === false)
        await until('no route', async () => (await routes('10.8.0.0/24')) === '', patience)
        assert.match(await routes('10.9.0.0/24'), /dev vco1/)
        await command('ip', '-n', site.netns, 'addr', 'add', '10.8.0.1/24', 'dev', 'lo')
        await when('the check succeeds again', ({ probe }) => probe?.succeeding)
        await until('the route', async () => (await routes('10.8.0.0/24')).includes('dev vco1'), patience)

        // The tunnel closes: the session and its routes go with it, and come back with it.
        await site.lines[0]!.peer.terminate()
        await when('the session is down', ({ bgp: now }) => now?.state !== 'established')
        await until('no route of BGP', async () => (await routes('10.9.0.0/24')) === '', patience)
        await established()
        assert.deepEqual(await ping('10.9.0.1'), all())
      } finally {
        await router.close()
        await lab.engine.tunnels.remove('vco-1')
      }
    })

    test('the engine ends and another takes over: no packet is lost, nothing is negotiated', async () => {
      const tunnel = withIke({ version: 'ikev1' })
      const before = await bringUp(tunnel)
      const pings = ping('10.2.0.1', 50)
      const engine = await lab.restart()
      await engine.gateways.apply(lab.gateway)
      await engine.tunnels.apply(tunnel)
      assert.deepEqual(await pings, all(50))
      assert.deepEqual(
        (await whenUp()).childSas.map((child) => child.spiIn),
        before.childSas.map((child) => child.spiIn),
      )
    })

    test('a daemon that is killed comes back, and leaves no SA of the old one in the kernel', async () => {
      const netns = lab.names.engine(1)
      const [old] = (await whenUp()).childSas
      const pid = Number((await command('ip', 'netns', 'pids', netns)).trim())
      process.kill(pid, 'SIGKILL')
      await until(
        'a new SA',
        async () => {
          const report = await lab.engine.tunnels.observe('vco-1')
          return isUp(report) && report.childSas.every((child) => child.spiIn !== old?.spiIn)
        },
        patience,
      )
      assert.deepEqual(await ping(), all())
      await until(
        'the old SA to go',
        async () => !(await command('ip', '-n', netns, 'xfrm', 'state')).includes(`0x${old?.spiIn}`),
        patience,
      )
      assert.deepEqual(await ping(), all())
    })

    test('a second outside address for a running daemon: two tunnels for everything to one peer', async () => {
      const address = (text: string) => command('ip', '-n', peer.netns, 'addr', 'add', text, 'dev', 'lo')
      for (const text of ['10.4.0.1/24', '169.254.10.2/32', '169.254.11.2/32']) await address(text)
      const make = (slot: number, localAddress: string, network: string, inside: string): Tunnel => ({
        ...withIke({ version: 'ikev2', localId: localAddress }),
        id: `vco-${slot}`,
        slot,
        localAddress,
        localSubnets: ['0.0.0.0/0'],
        remoteSubnets: ['0.0.0.0/0'],
        insideAddress: `${inside}1/30`,
        routes: [{ destination: network, source: '10.1.0.0/24', priority: 10, metric: 100 }],
      })
      const tunnels = [
        make(1, '198.51.100.1', '10.2.0.0/24', '169.254.10.'),
        make(2, '198.51.100.7', '10.4.0.0/24', '169.254.11.'),
      ]
      const [first, second] = tunnels as [Tunnel, Tunnel]
      for (const [tunnel, networks] of [
        [first, ['10.2.0.0/24', '169.254.10.0/30']],
        [second, ['10.4.0.0/24', '169.254.11.0/30']],
      ] as const) {
        await peer.load({
          ...agreeing(tunnel),
          name: tunnel.id,
          localSubnets: networks,
          remoteSubnets: ['10.1.0.0/16', '169.254.0.0/16'],
        })
      }
      await lab.engine.tunnels.apply(first)
      await until('the first', async () => (await installed('vco-1')).length === 1, patience)
      const before = (await installed('vco-1')).map((child) => child.spiIn)
      await lab.engine.gateways.apply({ ...lab.gateway, secondAddress: '198.51.100.7' })
      await lab.engine.tunnels.apply(second)
      await until('the second', async () => (await installed('vco-2')).length === 1, patience)
      assert.deepEqual(await ping('10.2.0.1'), all())
      assert.deepEqual(await ping('10.4.0.1'), all())
      for (const inside of ['169.254.10.', '169.254.11.']) {
        assert.deepEqual(
          await lab.lab.ping(lab.names.gateway(1), `${inside}1`, `${inside}2`, { count: 5 }),
          all(),
        )
      }
      assert.deepEqual(
        (await installed('vco-1')).map((child) => child.spiIn),
        before,
      )
      await lab.engine.tunnels.remove('vco-2')
      await lab.engine.gateways.apply(lab.gateway)
      assert.deepEqual(await ping('10.2.0.1'), all())
      await lab.engine.tunnels.apply({ ...first, generation: 2 })
      const loopback = await command('ip', '-n', lab.names.engine(1), '-br', '-4', 'addr', 'show', 'lo')
      assert.match(loopback, /198\.51\.100\.1\b/)
      assert.doesNotMatch(loopback, /198\.51\.100\.7/)
    })

    test('a machine that is itself the gateway', async () => {
      const box = await lab.lab.host('box', '198.51.100.9/24')
      const lan = await lab.lab.namespace('lan')
      await command(
        'ip',
        ...['link', 'add', 'lan0', 'netns', box, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', lan],
      )
      for (const [netns, link, address] of [
        [box, 'lan0', '10.1.0.1/24'],
        [lan, 'eth0', '10.1.0.10/24'],
      ] as const) {
        await command('ip', '-n', netns, 'addr', 'add', address, 'dev', link)
        await command('ip', '-n', netns, 'link', 'set', link, 'up')
      }
      await command('ip', '-n', lan, 'route', 'add', 'default', 'via', '10.1.0.1')
      const tunnel: Tunnel = {
        ...withIke({ version: 'ikev2', localId: '198.51.100.9', remoteId: '198.51.100.3' }),
        localAddress: '198.51.100.9',
        remoteAddress: '198.51.100.3',
        remoteSubnets: ['10.3.0.0/24'],
        routes: [{ destination: '10.3.0.0/24', metric: 100 }],
      }
      await other.load({ ...agreeing(tunnel), name: 'box' })
      const dataDir = await mkdtemp(join(tmpdir(), 'box-'))
      const config = { dataDir, prefix: `b${mode.toLowerCase()}`, kernelMode: mode, timers }
      const engine = await BoxEngine.start(box, { ...config, wan: { interface: 'wan0' } })
      try {
        await engine.ask('applyGateway', { ...lab.gateway, address: '198.51.100.9' })
        await engine.ask('applyTunnel', { tunnel, psk: tunnel.ike.psk.reveal() })
        await until(
          'it is up',
          async () => isUp(await engine.ask<TunnelReport | undefined>('observe', 'vco-1')),
          patience,
        )
        assert.deepEqual(await lab.lab.ping(lan, '10.1.0.10', '10.3.0.1', { count: 5 }), all())
        const states = await command('ip', '-n', createNames(config.prefix).engine(1), 'xfrm', 'state')
        assert.doesNotMatch(states, /espinudp/, 'plain ESP')
      } finally {
        await engine.ask('close')
        await engine.ask('teardown')
        await engine.kill()
        await rm(dataDir, { recursive: true })
      }
      assert.doesNotMatch(await command('ip', '-n', box, '-br', 'link'), /vco|eng0/)
    })

    test('after removal nothing is left', async () => {
      await lab.engine.tunnels.remove('vco-1')
      const links = await command('ip', '-n', lab.names.gateway(1), '-br', 'link')
      assert.doesNotMatch(links, /vco|eng0/)
      assert.deepEqual(await lab.engine.tunnels.list(), [])
    })
  })
}
