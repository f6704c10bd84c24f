/**
 * Random faults, one after the other and two at a time, while everything is compared with the ground truth all the time:
 * what the API answers with the SAs, the BGP session and echos through the tunnel, and the routes of the gateways with all
 * of them. At the end everything has to come back without a hand.
 *
 * Three gateways: a pair of tunnels, a single tunnel, and a routed one with BGP and a health check.
 *
 * Not among the tests of every day, for it takes as long as it is told:
 *
 *     LAB_FAULT_SECONDS   how long; `npm run lab:faults` takes 5 minutes
 *     LAB_FAULT_SEED      the seed of a run to be repeated, as it was printed
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { tunnelInterface } from '../../src/engine/linux/names.ts'
import { carriesTraffic, isEstablished, observeSas } from '../../src/engine/strongswan/observe.ts'
import { ViciSession } from '../../src/engine/strongswan/vici/session.ts'
import { birdMissing, Router } from './support/bird.ts'
import { command } from './support/command.ts'
import { Lab } from './support/lab.ts'
import type { Peer, PeerSettings } from './support/peer.ts'
import { connectionTo, Product, peerOf, routedTo, type Site } from './support/product.ts'
import { Site as CustomerSite } from './support/site.ts'
import { until } from './support/until.ts'

const seconds = Number(process.env['LAB_FAULT_SECONDS'] ?? 40)
const seed = Number(process.env['LAB_FAULT_SEED'] ?? Date.now() % 1_000_000)
/** Milliseconds in which an answer, and a route, has to follow the daemon. */
const limit = 1_000
/** The health check sends an echo a second and wants two alike; an echo is given up after a second. */
const verdict = 3_000
const psk = 'a-key-for-the-lab'

/** Mulberry32: small, and the same everywhere. */
function createRandom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

interface Target {
  readonly name: string
  readonly peer: Peer
  readonly settings: PeerSettings
  readonly connectionId: string
  readonly tunnelId: string
  readonly interface: string
  readonly slot: number
  /** Puts the peer's interface in place again, after its daemon was started again. */
  readonly plug?: () => Promise<void>
}

interface Told {
  readonly status: string
  readonly bgp: string | undefined
  readonly health: string | undefined
}

/** One thing that is held against the truth. */
interface Subject {
  readonly name: string
  truth: string
  /** Since when the truth is what it is, or Suidao is back. */
  since: number
  worst: number
}

describe('random faults', { skip: Lab.missing() ?? birdMissing() ?? false }, () => {
  let product: Product
  let pair: Site
  let single: Site
  let routed: Site
  let customer: Router
  const targets: Target[] = []
  const random = createRandom(seed)
  let serverUp = true
  const history: string[] = []
  const violations: string[] = []

  const chosen = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const for_ = (least: number, most: number) => pause(least + random() * (most - least))

  /** Folder of the daemon that has the tunnel. */
  function daemonOf(tunnelId: string): string | undefined {
    const engines = join(product.server.dataDir, 'engines')
    const name = readdirSync(engines).find((one) =>
      existsSync(join(engines, one, 'tunnels', `${tunnelId}.json`)),
    )
    return name && join(engines, name)
  }

  async function truthOf({ tunnelId }: Target): Promise<string> {
    const folder = daemonOf(tunnelId)
    const session = folder && (await ViciSession.connect(join(folder, 'vici.sock')).catch(() => undefined))
    if (!session) return 'ike_sa_not_established'
    try {
      const sas = observeSas(await session.stream('list-sas', 'list-sa', { ike: tunnelId })).get(tunnelId)
      if (sas?.childSas.some(carriesTraffic)) return 'ipsec_sa_established'
      return sas?.ikeSas.some(isEstablished) ? 'ike_sa_established' : 'ike_sa_not_established'
    } catch {
      return 'ike_sa_not_established'
    } finally {
      session.close()
    }
  }

  /** The API tells a phase 2 that is under way from one that has failed; SAs alone do not. */
  const asTruth = (status: string) => (status === 'ipsec_sa_not_established' ? 'ike_sa_established' : status)

  async function answered(target: Target): Promise<Told | undefined> {
    try {
      const answer = await product.ask('DescribeVpnConnection', { VpnConnectionId: target.connectionId })
      const tunnels = answer.TunnelOptionsSpecification?.TunnelOptions ?? [answer]
      const own = tunnels.find(
        (one: { TunnelId?: string }) => (one.TunnelId ?? target.tunnelId) === target.tunnelId,
      )
      return {
        status: asTruth(own.Status),
        bgp: answer.VpnBgpConfig?.EnableBgp === 'true' ? answer.VpnBgpConfig.Status : undefined,
        health: answer.VcoHealthCheck?.Enable === 'true' ? answer.VcoHealthCheck.Status : undefined,
      }
    } catch (error) {
      // It was killed meanwhile.
      if (!serverUp) return undefined
      throw error
    }
  }

  /** What our own BGP daemon says of the session of the routed tunnel. */
  async function bgpTruth(): Promise<string> {
    const { slot } = targets[routedIndex]!
    const socket = join(product.server.dataDir, 'bgp', `gw${await gatewaySlot(routed)}`, 'bird.ctl')
    const said = await command('/usr/sbin/birdc', '-s', socket, 'show', 'protocols', `vco_${slot}`).catch(
      String,
    )
    return /\bEstablished\b/.test(said) ? 'success' : 'false'
  }

  /** An echo from a host of the VPC the same way as the health check's, as long as there is a route. */
  async function echoTruth(): Promise<string> {
    const { received } = await product.lab.ping(routed.host, '10.0.1.10', '172.16.0.1', { count: 1 })
    return received === 1 ? 'success' : 'failed'
  }

  async function way(site: Site): Promise<string> {
    const slot = await gatewaySlot(site)
    const args = ['route', 'get', '172.16.0.1', 'from', '10.0.1.10', 'iif', 'vpc0']
    const text = await command('ip', '-n', product.names.gateway(slot), ...args).catch(String)
    return /\bdev (\S+)/.exec(text)?.[1] ?? 'none'
  }

  const slots = new Map<string, number>()
  async function gatewaySlot({ VpnGatewayId }: Site): Promise<number> {
    const known = slots.get(VpnGatewayId)
    if (known !== undefined) return known
    const file = join(product.server.dataDir, 'gateways', `${VpnGatewayId}.json`)
    const { slot } = JSON.parse(readFileSync(file, 'utf8'))
    slots.set(VpnGatewayId, slot)
    return slot
  }

  const routedIndex = 3
  const subjects = new Map<string, Subject>()
  function hold(
    name: string,
    truthBefore: string,
    told: string | undefined,
    truthAfter: string,
    started: number,
    most = limit,
  ) {
    const subject = subjects.get(name) ?? { name, truth: truthBefore, since: started, worst: 0 }
    subjects.set(name, subject)
    if (truthAfter !== subject.truth || truthBefore !== truthAfter) {
      subject.truth = truthAfter
      subject.since = performance.now()
      return
    }
    if (told === undefined || told === truthAfter) return
    // What was read may be as old as the reading took.
    const late = started - subject.since
    subject.worst = Math.max(subject.worst, late)
    if (late > most) {
      violations.push(
        `${name}: ${told} instead of ${truthAfter} for ${Math.round(late)} ms, after ${history.at(-1)}`,
      )
    }
  }
  const startAnew = () => {
    for (const subject of subjects.values()) subject.since = performance.now()
  }

  const startAnewOf = (name: string) => {
    const subject = subjects.get(name)
    if (subject) subject.since = performance.now()
  }

  /** Compares everything once. */
  async function compare(): Promise<void> {
    const started = performance.now()
    const before = await Promise.all(targets.map(truthOf))
    const told = await Promise.all(targets.map((target) => (serverUp ? answered(target) : undefined)))
    const bgpBefore = await bgpTruth()
    const ways = await Promise.all([pair, single, routed].map((site) => way(site)))
    const bgpAfter = await bgpTruth()
    const after = await Promise.all(targets.map(truthOf))
    for (const [index, target] of targets.entries()) {
      hold(target.name, before[index]!, told[index]?.status, after[index]!, started)
    }
    hold('BGP session', bgpBefore, told[routedIndex]?.bgp, bgpAfter, started)
    const firstUp = (truth: readonly string[], of: readonly number[]) =>
      of
        .map((index) => (truth[index] === 'ipsec_sa_established' ? targets[index]!.interface : undefined))
        .find(Boolean) ?? 'none'
    const learned = (bgp: string) => (bgp === 'success' ? targets[routedIndex]!.interface : 'none')
    const routes = [
      { name: 'route of the pair', before: firstUp(before, [0, 1]), after: firstUp(after, [0, 1]) },
      { name: 'route of the single tunnel', before: firstUp(before, [2]), after: firstUp(after, [2]) },
      { name: 'route learned by BGP', before: learned(bgpBefore), after: learned(bgpAfter) },
    ]
    for (const [index, route] of routes.entries()) {
      hold(route.name, route.before, serverUp ? ways[index] : undefined, route.after, started)
    }
  }

  /** The health check beside it, since an echo that is lost takes its time. */
  async function compareHealth(): Promise<void> {
    const started = performance.now()
    const before = await echoTruth()
    // Without the session there is no route for the host's echo, and the health check has a way of its own.
    const comparable = serverUp && (await bgpTruth()) === 'success'
    const told = comparable ? await answered(targets[routedIndex]!) : undefined
    const after = await echoTruth()
    if (!comparable) startAnewOf('health check')
    hold('health check', before, told?.health, after, started, limit + verdict)
  }

  const change = (target: Target, Psk: string) =>
    until(
      'the key is changed',
      async () => {
        const { connectionId: VpnConnectionId, tunnelId: TunnelId } = target
        try {
          if (TunnelId === VpnConnectionId) {
            await product.ask('ModifyVpnConnectionAttribute', {
              VpnConnectionId,
              IkeConfig: JSON.stringify({ Psk }),
            })
          } else {
            await product.ask('ModifyTunnelAttribute', {
              VpnConnectionId,
              TunnelId,
              'TunnelOptionsSpecification.TunnelIkeConfig.Psk': Psk,
            })
          }
          return true
        } catch (error) {
          if ((error as { code?: string }).code === 'VpnGateway.Configuring') return false
          throw error
        }
      },
      { timeoutMs: 30_000 },
    )

  const faults: Record<string, (target: Target) => Promise<void>> = {
    'peer killed': async ({ peer, plug }) => {
      await peer.kill()
      await for_(500, 5_000)
      // What stands for its interface must not have the name when it makes a new one.
      if (plug) await command('ip', '-n', peer.netns, 'link', 'del', 'ipsec0')
      await peer.restart()
      await plug?.()
    },
    'packets dropped': async ({ peer }) => {
      const undo = await product.lab.drop(peer.netns, 'udp dport { 500, 4500 }')
      await for_(500, 6_000)
      await undo()
    },
    'link of the peer down': async ({ peer }) => {
      await command('ip', '-n', peer.netns, 'link', 'set', 'wan0', 'down')
      await for_(500, 3_000)
      await command('ip', '-n', peer.netns, 'link', 'set', 'wan0', 'up')
    },
    'key changed at the peer': async ({ peer, settings }) => {
      await peer.load({ ...settings, psk: 'another-key' })
      await peer.terminate()
      await for_(500, 3_000)
      await peer.load(settings)
    },
    'key changed by the API': async (target) => {
      await change(target, 'another-key')
      await for_(500, 3_000)
      await change(target, psk)
    },
    'closed by the peer': ({ peer }) => peer.terminate(),
    'our daemon killed': async ({ tunnelId }) => {
      const folder = daemonOf(tunnelId)
      const record = folder && JSON.parse(readFileSync(join(folder, 'daemon.json'), 'utf8'))
      if (record?.process) process.kill(record.process.pid, 'SIGKILL')
    },
  }

  const bgpFaults: Record<string, () => Promise<void>> = {
    'BGP daemon of the peer killed': async () => {
      await customer.kill()
      await for_(500, 4_000)
      await customer.restart()
    },
    'our BGP daemon killed': async () => {
      const folder = join(product.server.dataDir, 'bgp', `gw${await gatewaySlot(routed)}`)
      const pid = (await command('pgrep', '-f', join(folder, 'bird.conf'))).trim().split('\n')[0]
      if (pid) process.kill(Number(pid), 'SIGKILL')
    },
  }

  async function killServer(): Promise<void> {
    serverUp = false
    await product.server.stop('SIGKILL')
    await for_(100, 2_000)
    await product.server.start()
    startAnew()
    serverUp = true
  }

  before(async () => {
    product = await Product.create()
    pair = await product.site('h1', { dual: true })
    single = await product.site('h2')
    const addresses = ['198.51.100.2', '198.51.100.3', '198.51.100.4']
    const ends = [pair.InternetIp, pair.secondIp, single.InternetIp]
    const peers: Peer[] = []
    const customers: string[] = []
    const settings: PeerSettings[] = []
    for (const [index, address] of addresses.entries()) {
      const peer = await product.peer(`p${index + 1}`, address)
      settings.push(peerOf(address, ends[index]!, psk))
      await peer.load(settings[index]!)
      peers.push(peer)
      customers.push(await product.customerGateway(address))
    }
    const { IkeConfig, IpsecConfig, CustomerGatewayId: _, ...common } = connectionTo(pair, customers[0]!, psk)
    const created = await product.ask('CreateVpnConnection', {
      ...common,
      ...Object.fromEntries(
        [1, 2].flatMap((number) => {
          const path = `TunnelOptionsSpecification.${number}`
          const flat = (group: string, json: string) =>
            Object.entries(JSON.parse(json)).map(([key, value]) => [`${path}.${group}.${key}`, value])
          return [
            [`${path}.CustomerGatewayId`, customers[number - 1]],
            [`${path}.Role`, number === 1 ? 'master' : 'slave'],
            ...flat('TunnelIkeConfig', IkeConfig),
            ...flat('TunnelIpsecConfig', IpsecConfig),
          ]
        }),
      ),
    })
    const both = await product.up(created.VpnConnectionId)
    const alone = await product.ask('CreateVpnConnection', connectionTo(single, customers[2]!, psk))
    await product.up(alone.VpnConnectionId)
    routed = await product.site('h3')
    const outside = '198.51.100.5'
    const line = { outside, inside: '169.254.10.2/30' }
    const office = await CustomerSite.create(product.lab, 'office', ['172.16.0.1/32'], [line])
    const everything = { localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }
    const { peer: router, plug } = office.lines[0]!
    settings.push(peerOf(outside, routed.InternetIp, psk, everything))
    peers.push(router)
    await router.load(settings.at(-1)!)
    customer = await Router.start(office.netns, {
      id: '169.254.10.2',
      sessions: [
        { local: '169.254.10.2', localAsn: 65_002, peer: '169.254.10.1', peerAsn: 45_104, holdTime: 9 },
      ],
      networks: ['172.16.0.0/24'],
    })
    const { CustomerGatewayId } = await product.ask('CreateCustomerGateway', {
      IpAddress: outside,
      Asn: '65002',
    })
    const withBgp = await product.ask('CreateVpnConnection', routedTo(routed, CustomerGatewayId, psk))
    await product.up(withBgp.VpnConnectionId)
    await product.connection(
      withBgp.VpnConnectionId,
      'BGP and the health check',
      ({ VpnBgpConfig, VcoHealthCheck }) =>
        VpnBgpConfig.Status === 'success' && VcoHealthCheck.Status === 'success',
      30_000,
    )
    const ids = [
      ...both.TunnelOptionsSpecification.TunnelOptions.map((one: { TunnelId: string }) => one.TunnelId),
      alone.VpnConnectionId,
      withBgp.VpnConnectionId,
    ]
    for (const [index, tunnelId] of ids.entries()) {
      const folder = daemonOf(tunnelId)!
      const { tunnel } = JSON.parse(readFileSync(join(folder, 'tunnels', `${tunnelId}.json`), 'utf8'))
      targets.push({
        name: ['master', 'slave', 'single tunnel', 'routed tunnel'][index]!,
        peer: peers[index]!,
        settings: settings[index]!,
        connectionId: index < 2 ? created.VpnConnectionId : tunnelId,
        tunnelId,
        interface: tunnelInterface(tunnel.slot),
        slot: tunnel.slot,
        ...(index === routedIndex && { plug }),
      })
    }
  })
  after(async () => {
    await customer?.close()
    await product?.close()
  })

  test(`status and routes follow the daemons within ${limit} ms, and everything comes back`, async (t) => {
    let going = true
    let looks = 0
    const watching = Promise.all(
      [compare, compareHealth].map(async (look) => {
        while (going) {
          await look()
          looks++
        }
      }),
    )
    // What goes wrong in it fails the test at its end.
    watching.catch(() => {})
    const end = performance.now() + seconds * 1_000
    while (performance.now() < end) {
      const kind = random()
      if (kind < 0.15) {
        history.push('Suidao killed')
        await killServer()
      } else if (kind < 0.3) {
        const fault = chosen(Object.keys(bgpFaults))
        history.push(fault)
        await bgpFaults[fault]!()
      } else {
        const first = chosen(targets)
        const second = random() < 0.3 ? targets.find((target) => target !== first) : undefined
        await Promise.all(
          [first, second].map(async (target) => {
            if (!target) return
            const fault = chosen(Object.keys(faults))
            history.push(`${fault} (${target.name})`)
            await faults[fault]!(target)
          }),
        )
      }
      await for_(200, 2_500)
    }
    // A peer that came back without its SAs is found out by DPD: 10 s, and 31 s of messages that nobody answers.
    const recovery = { timeoutMs: 120_000 }
    for (const site of [pair, single, routed]) {
      await until(
        'packets to pass again',
        async () => {
          const { sent, received } = await product.lab.ping(site.host, '10.0.1.10', '172.16.0.1')
          return sent === received
        },
        recovery,
      )
    }
    const told = async () => {
      const states = await Promise.all(targets.map(answered))
      return states.map((one, index) => ({ name: targets[index]!.name, ...one }))
    }
    const isWell = ({ status, bgp, health }: Partial<Told>) =>
      status === 'ipsec_sa_established' && bgp !== 'false' && health !== 'failed'
    await until('everything to be well', async () => (await told()).every(isWell), recovery).catch(
      async (cause) => {
        const unwell = (await told()).filter((one) => !isWell(one))
        const details = await Promise.all(
          targets
            .filter(({ name }) => unwell.some((one) => one.name === name))
            .map(async ({ connectionId }) => (await product.describe(connectionId))['X-Suidao']),
        )
        throw new Error(
          `LAB_FAULT_SEED=${seed}: ${JSON.stringify({ unwell, details, history }, undefined, 1)}`,
          { cause },
        )
      },
    )
    going = false
    await watching
    t.diagnostic(`seed ${seed}: ${history.length} faults in ${seconds} s, ${looks} looks`)
    for (const { name, worst } of subjects.values()) {
      t.diagnostic(`${name}: told otherwise for at most ${Math.round(worst)} ms`)
    }
    assert.deepEqual([...new Set(violations)].slice(0, 20), [], `LAB_FAULT_SEED=${seed}`)
  })
})
