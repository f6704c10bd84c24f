/**
 * A host that is itself the gateway (`network: host`): a namespace plays a fresh machine with an outside and a LAN, and
 * the engine runs in it as a service would, with the powers that the unit file leaves it.
 *
 *     LAN host 10.1.0.10 ── 10.1.0.1 box 198.51.100.1 ── bridge ┬─ peer 198.51.100.2 ── 10.2.0.1
 *                                                               └─ other 198.51.100.3 ── 10.3.0.1
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Gateway, Tunnel, TunnelReport } from '../../src/engine/engine.ts'
import { createNames } from '../../src/engine/linux/names.ts'
import { carriesTraffic } from '../../src/engine/strongswan/observe.ts'
import { teardown } from '../../src/engine/strongswan/teardown.ts'
import { Secret } from '../../src/secret.ts'
import { birdMissing, Router } from './support/bird.ts'
import { BoxEngine, powers } from './support/box-engine.ts'
import { command } from './support/command.ts'
import { agreeing } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { Site } from './support/site.ts'
import { until } from './support/until.ts'

const psk = 'a key for the lab'

describe('a host that is the gateway', { skip: Lab.missing() ?? false }, () => {
  const prefix = `h${process.pid.toString(36).slice(-4)}`
  let lab: Lab
  let dataDir: string
  let box: string
  let host: string
  let peer: Peer
  let other: Peer
  let engine: BoxEngine
  let fresh: string

  before(async () => {
    lab = await Lab.create()
    dataDir = await mkdtemp(join(tmpdir(), 'host-lab-'))
    peer = await lab.peer('peer', '198.51.100.2/24', ['10.2.0.1/24'])
    other = await lab.peer('other', '198.51.100.3/24', ['10.3.0.1/24'])
    box = await lab.host('box', '198.51.100.1/24')
    host = await lab.namespace('lan')
    await command(
      'ip',
      ...'link add lan0 netns'.split(' '),
      box,
      ...'type veth peer name eth0 netns'.split(' '),
      host,
    )
    await command('ip', '-n', box, 'addr', 'add', '10.1.0.1/24', 'dev', 'lan0')
    await command('ip', '-n', box, 'link', 'set', 'lan0', 'up')
    await command('ip', '-n', box, 'route', 'add', 'default', 'via', '198.51.100.3')
    await command('ip', '-n', host, 'addr', 'add', '10.1.0.10/24', 'dev', 'eth0')
    await command('ip', '-n', host, 'link', 'set', 'eth0', 'up')
    await command('ip', '-n', host, 'route', 'add', 'default', 'via', '10.1.0.1')
    // As systemd leaves it.
    for (const setting of ['all', 'default', 'wan0', 'lan0']) {
      await lab.in(box, 'sysctl', '-qw', `net.ipv4.conf.${setting}.rp_filter=2`)
    }
    fresh = await shape()
    engine = await start()
  })
  after(async () => {
    await engine?.kill()
    await teardown({ dataDir, prefix })
    await lab.close()
    await rm(dataDir, { recursive: true })
  })

  const start = async (): Promise<BoxEngine> => {
    const timers = {
      retryDelays: [200],
      dpd: { delay: 1, timeout: 3 },
      retransmit: { timeout: 0.5, base: 1, tries: 4 },
    }
    return BoxEngine.start(box, { dataDir, prefix, wan: { interface: 'wan0' }, timers })
  }
  /** Everything that the box's network is made of. */
  const shape = async () => {
    const parts = [
      await command('ip', '-n', box, '-br', 'link'),
      await command('ip', '-n', box, '-br', '-4', 'addr'),
      await command('ip', '-n', box, '-4', 'rule'),
      await command('ip', '-n', box, '-4', 'route', 'show', 'table', 'all'),
      await lab.in(box, 'nft', 'list', 'ruleset'),
    ]
    return parts.join('\n')
  }
  const gateway: Gateway = {
    id: 'vpn-1',
    slot: 1,
    address: '198.51.100.1',
    vpcId: 'vpc-1',
    insideAddress: '10.1.0.254/24',
    vpcCidr: '10.1.0.0/16',
  }
  const tunnelOf = (slot: number, remoteAddress: string, network: string): Tunnel => ({
    id: `vco-${slot}`,
    connectionId: `vco-${slot}`,
    gatewayId: 'vpn-1',
    slot,
    generation: 1,
    localAddress: '198.51.100.1',
    remoteAddress,
    ike: {
      version: 'ikev2',
      mode: 'main',
      encryption: 'aes',
      authentication: 'sha1',
      dhGroup: 'group2',
      lifetime: 86_400,
      localId: '198.51.100.1',
      remoteId: remoteAddress,
      psk: new Secret(psk),
    },
    ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
    localSubnets: ['10.1.0.0/24'],
    remoteSubnets: [network],
    dpd: true,
    natTraversal: true,
    effectImmediately: true,
    routes: [{ destination: network, source: '10.1.0.0/24', priority: 10, metric: 100 }],
  })
  const first = tunnelOf(1, '198.51.100.2', '10.2.0.0/24')
  const second = tunnelOf(2, '198.51.100.3', '10.3.0.0/24')
  const apply = (tunnel: Tunnel) => engine.ask('applyTunnel', { tunnel, psk })
  const carries = (id: string) =>
    until(`${id} to carry traffic`, async () => {
      const report = await engine.ask<TunnelReport | undefined>('observe', id)
      return report?.childSas.some(carriesTraffic) && report
    })
  const ping = (to: string, count = 3) => lab.ping(host, '10.1.0.10', to, { count, interval: 0.02 })
  const all = (count = 3) => ({ sent: count, received: count })
  const wayOf = async (destination: string) => {
    const args = ['route', 'get', destination, 'from', '10.1.0.10', 'iif', 'lan0']
    const text = await command('ip', '-n', box, ...args).catch(String)
    return /\bdev (\S+)/.exec(text)?.[1] ?? 'refused'
  }

  test('both tunnels come up with the powers of the unit file, and the LAN reaches both ends', async () => {
    assert(powers.length > 0 && !powers.includes('cap_sys_module'), `${powers}`)
    await peer.load(agreeing(first))
    await other.load(agreeing(second))
    await engine.ask('applyGateway', gateway)
    for (const tunnel of [first, second]) {
      await apply(tunnel)
      await carries(tunnel.id)
    }
    for (const to of ['10.2.0.1', '10.3.0.1']) {
      // The route comes a moment after the SA.
      await until(`${to} answers`, () => lab.reaches(host, '10.1.0.10', to))
      assert.deepEqual(await ping(to), all())
    }
  })

  test('the peer may begin as well', async () => {
    await peer.terminate()
    await peer.initiate()
    await carries('vco-1')
    await until('packets', async () => (await ping('10.2.0.1', 1)).received === 1)
  })

  test('everything else of the outside address stays with the host', async () => {
    assert.deepEqual(await lab.ping(peer.netns, '198.51.100.2', '198.51.100.1'), all())
    const server = spawn('nsenter', [
      ...[`--net=/run/netns/${box}`, process.execPath, '-e'],
      'require("net").createServer((s) => s.end("the host")).listen(2222, () => console.log("listens"))',
    ])
    try {
      await once(server.stdout, 'data')
      const client = 'require("net").connect(2222, "198.51.100.1").on("data", (d) => console.log(String(d)))'
      assert.match(await lab.in(peer.netns, process.execPath, '-e', client), /the host/)
    } finally {
      server.kill('SIGKILL')
    }
  })

  test('a second gateway is refused: there is one host', async () => {
    await assert.rejects(engine.ask('applyGateway', { ...gateway, id: 'vpn-2', slot: 2 }), /host itself/)
  })

  test('the engine is killed and comes back: no packet is lost, nothing is negotiated', async () => {
    const before = (await carries('vco-1')).childSas.map((child) => child.spiIn)
    const pings = ping('10.2.0.1', 100)
    await engine.kill()
    engine = await start()
    await engine.ask('applyGateway', gateway)
    await apply(first)
    await apply(second)
    assert.deepEqual(await pings, all(100))
    assert.deepEqual(
      (await carries('vco-1')).childSas.map((child) => child.spiIn),
      before,
    )
  })

  test('what is for a tunnel that is down is refused and does not leave by the default route', async () => {
    const undo = await lab.drop(peer.netns, 'ip daddr 198.51.100.2')
    await peer.terminate()
    await until('no way', async () => (await wayOf('10.2.0.1')) === 'refused')
    assert.equal(await wayOf('192.0.2.1'), 'wan0', 'the host has a default route')
    assert.deepEqual(await ping('10.3.0.1'), all())
    await undo()
    await carries('vco-1')
    await until('the way', async () => (await wayOf('10.2.0.1')) === 'vco1')
    assert.deepEqual(await ping('10.2.0.1'), all())
  })

  test('a daemon that is killed comes back', async () => {
    const names = createNames(prefix)
    const modeU = (await command('ip', 'netns', 'list')).includes(`${prefix}en1-`)
    const daemon = names.engine(1, modeU ? { peer: '198.51.100.2', fromSecond: false } : undefined)
    const [old] = (await carries('vco-1')).childSas
    process.kill(Number((await command('ip', 'netns', 'pids', daemon)).trim()), 'SIGKILL')
    await until('other SAs', async () =>
      (await carries('vco-1')).childSas.every((child) => child.spiIn !== old?.spiIn),
    )
    await until('packets', async () => (await ping('10.2.0.1', 1)).received === 1)
  })

  test('BGP and a health check run on the host itself', { skip: birdMissing() ?? false }, async () => {
    const everything = ['0.0.0.0/0']
    const third: Tunnel = {
      ...tunnelOf(3, '198.51.100.4', '0.0.0.0/0'),
      localSubnets: everything,
      remoteSubnets: everything,
      routes: [],
      insideAddress: '169.254.12.1/30',
      bgp: {
        localAsn: 65_001,
        peerAsn: 65_002,
        localIp: '169.254.12.1',
        peerIp: '169.254.12.2',
        advertised: ['10.1.0.0/16'],
        preference: 200,
      },
      probe: {
        source: '10.1.0.20',
        destination: '10.4.0.1',
        interval: 1,
        retry: 2,
        revokeRoutes: false,
      },
    }
    const site = await Site.create(
      lab,
      'site',
      ['10.4.0.1/24'],
      [{ outside: '198.51.100.4', inside: '169.254.12.2/30' }],
    )
    const session = { local: '169.254.12.2', localAsn: 65_002, peer: '169.254.12.1', peerAsn: 65_001 }
    const router = await Router.start(site.netns, {
      id: '169.254.12.2',
      sessions: [session],
      networks: ['10.4.0.0/24'],
    })
    try {
      await site.lines[0]!.peer.load(agreeing(third))
      await apply(third)
      const report = await until(
        'BGP and the health check',
        async () => {
          const seen = await engine.ask<TunnelReport>('observe', 'vco-3')
          return seen.bgp?.state === 'established' && seen.probe?.succeeding && seen
        },
        { timeoutMs: 20_000 },
      )
      assert.deepEqual(
        report.bgp?.learned.map(({ prefix }) => prefix),
        ['10.4.0.0/24'],
      )
      assert.equal(await wayOf('10.4.0.1'), 'vco3')
      assert.deepEqual(await ping('10.4.0.1'), all())
      await engine.ask('removeTunnel', 'vco-3')
      await until('no way', async () => (await wayOf('10.4.0.1')) === 'wan0')
    } finally {
      await router.close()
    }
  })

  test('a removed gateway leaves the host as it was', async () => {
    for (const id of ['vco-1', 'vco-2']) await engine.ask('removeTunnel', id)
    await engine.ask('removeGateway', 'vpn-1')
    assert.equal(await shape(), fresh)
  })

  test('so does the removal of everything, whatever ran', async () => {
    await engine.ask('applyGateway', gateway)
    await apply(first)
    await carries('vco-1')
    await engine.ask('close')
    await engine.ask('teardown')
    assert.equal(await shape(), fresh)
  })

  test('a host that would drop what comes out of tunnels is told so', async () => {
    await engine.kill()
    await lab.in(box, 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1')
    await assert.rejects(start(), /ended/)
    await lab.in(box, 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=2')
  })
})
