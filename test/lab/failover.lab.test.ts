/**
 * Two tunnels of one connection: the master is cut in several ways, traffic goes on over the slave, and comes back.
 * Packets are sent every 10 ms all the while and those that are lost are counted. At the end a table of what was seen.
 *
 *     host 10.1.0.10 ── gateway ┬ 198.51.100.1 ── master ── peer 198.51.100.2 ┬─ 10.2.0.1
 *                               └ 198.51.100.7 ── slave ─── peer 198.51.100.3 ┘
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import type { Tunnel, TunnelProbe } from '../../src/engine/engine.ts'
import { carriesTraffic } from '../../src/engine/strongswan/observe.ts'
import { command } from './support/command.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { until } from './support/until.ts'

const everyMs = 10
/**
 * After this much silence a tunnel is given up in this lab: IKEv1 by its DPD timeout of 3 s; IKEv2 1 s after the last
 * packet by five messages of 0.5 s each. The daemon looks at its clock every second.
 */
const silenceMs = 4_500
/** What may be lost on the way through the daemon and us when the peer says that it closes. */
const closeMs = 200
/** What is promised where a health check is set to notice it. */
const checkMs = 3_000

/** The shortest that the API takes. */
const check: TunnelProbe = {
  source: '10.1.0.254',
  destination: '10.2.0.1',
  interval: 1,
  retry: 1,
  revokeRoutes: true,
}

const seen: { kind: string; cut: string; lost: number; back: number }[] = []

describe('master and slave', { skip: Lab.missing() ?? false }, () => {
  let lab: GatewayLab
  let peers: readonly [Peer, Peer]

  before(async () => {
    lab = await GatewayLab.create({ retryDelays: [2_000] })
    peers = [
      await lab.lab.peer('master', '198.51.100.2/24', ['10.2.0.1/24']),
      await lab.lab.peer('slave', '198.51.100.3/24', ['10.2.0.1/24']),
    ]
    await lab.applyGateway()
    await lab.engine.gateways.apply({ ...lab.gateway, secondAddress: '198.51.100.7' })
  })
  after(async () => {
    console.log('negotiation  the master is   packets lost until the slave carries  and on the way back')
    for (const { kind, cut, lost, back } of seen) {
      console.log(
        `${kind.padEnd(12)} ${cut.padEnd(15)} ${`${lost} (${lost * everyMs} ms)`.padEnd(37)} ${back}`,
      )
    }
    await lab.close()
  })

  const pair = (version: 'ikev1' | 'ikev2', more: Partial<Tunnel> = {}): readonly [Tunnel, Tunnel] => {
    const make = (slot: number, localAddress: string, remoteAddress: string): Tunnel => ({
      ...lab.tunnel,
      id: `vco-${slot}`,
      slot,
      localAddress,
      remoteAddress,
      ike: { ...lab.tunnel.ike, version, localId: localAddress, remoteId: remoteAddress },
      routes: [
        { destination: '10.2.0.0/24', source: '10.1.0.0/24', priority: 10, metric: slot === 1 ? 100 : 200 },
      ],
      ...more,
    })
    return [make(1, '198.51.100.1', '198.51.100.2'), make(2, '198.51.100.7', '198.51.100.3')]
  }
  const carries = (id: string) =>
    until(
      `${id} to carry traffic`,
      async () => (await lab.engine.tunnels.observe(id))?.childSas.some(carriesTraffic),
      { timeoutMs: 20_000 },
    )
  const succeeds = (id: string) =>
    until(
      `the check of ${id} to succeed`,
      async () => (await lab.engine.tunnels.observe(id))?.probe?.succeeding,
    )
  const way = async () => {
    const args = ['route', 'get', '10.2.0.1', 'from', '10.1.0.10', 'iif', 'vpc0']
    const text = await command('ip', '-n', lab.names.gateway(1), ...args).catch(String)
    return /\bdev (\S+)/.exec(text)?.[1]
  }
  const goesBy = (name: string) =>
    until(`packets to go by ${name}`, async () => (await way()) === name, { timeoutMs: 20_000 })
  /** Packets lost while something happens: one is sent every 10 ms, whether the one before was answered or not. */
  const lostDuring = async (happens: () => Promise<unknown>): Promise<number> => {
    const args = ['-q', '-n', '-i', `${everyMs / 1_000}`, '-I', '10.1.0.10', '10.2.0.1']
    const ping = spawn('ip', ['netns', 'exec', lab.host, 'ping', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    ping.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const ended = once(ping, 'close')
    try {
      await once(ping.stdout, 'data')
      await happens()
    } finally {
      // It prints what it has counted; one that is on its way at this moment counts as lost.
      ping.kill('SIGINT')
    }
    await ended
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(output) ?? []
    assert(sent && received, output)
    return Number(sent) - Number(received)
  }

  const cuts: readonly {
    readonly cut: string
    readonly kinds: readonly ('ikev1' | 'ikev2')[]
    /** Milliseconds. */
    readonly bound: number
    readonly settings?: Partial<Tunnel>
    /** Cuts, and returns what mends it. */
    readonly make: (peer: Peer) => Promise<() => Promise<unknown>>
  }[] = [
    {
      cut: 'closed',
      kinds: ['ikev1', 'ikev2'],
      bound: closeMs,
      make: async (peer) => {
        await peer.terminate()
        // It comes back by itself, and not before its packets went over the slave for a while.
        return () => Promise.resolve()
      },
    },
    {
      cut: 'killed',
      kinds: ['ikev2'],
      bound: silenceMs,
      make: async (peer) => {
        await peer.kill()
        return () => peer.restart()
      },
    },
    {
      cut: 'silent',
      kinds: ['ikev1', 'ikev2'],
      bound: silenceMs,
      make: (peer) => lab.lab.drop(peer.netns, 'ip daddr 198.51.100.2'),
    },
    {
      // Nothing but the check notices it.
      cut: 'silent, checked',
      kinds: ['ikev2'],
      bound: checkMs,
      settings: { dpd: false, probe: check },
      make: (peer) => lab.lab.drop(peer.netns, 'ip daddr 198.51.100.2'),
    },
  ]

  for (const { cut, kinds, bound, settings, make } of cuts) {
    for (const kind of kinds) {
      test(`${kind}, the master is ${cut}`, async () => {
        const tunnels = pair(kind, settings)
        for (const [index, tunnel] of tunnels.entries()) {
          await peers[index]?.load(agreeing(tunnel))
          await lab.engine.tunnels.apply(tunnel)
          await carries(tunnel.id)
          if (tunnel.probe) await succeeds(tunnel.id)
        }
        await goesBy('vco1')
        let mend: () => Promise<unknown> = () => Promise.resolve()
        const began = Date.now()
        let ended = began
        const lost = await lostDuring(async () => {
          mend = await make(peers[0])
          ended = Date.now()
          await goesBy('vco2')
        })
        if (settings?.dpd === false) {
          // Packets through the tunnel alone have told that the peer was there.
          const { heardAt, ikeSas } = (await lab.engine.tunnels.observe('vco-1'))!
          assert(
            heardAt && heardAt > began - 3_000 && heardAt <= ended,
            `${heardAt} from ${began} to ${ended}`,
          )
          assert.equal(ikeSas[0]?.dpdAnsweredAt, undefined)
        }
        assert(lost * everyMs <= bound, `${lost} packets lost`)
        const back = await lostDuring(async () => {
          await mend()
          await goesBy('vco1')
        })
        seen.push({ kind, cut, lost, back })
        assert(back * everyMs <= closeMs, `${back} packets lost on the way back`)
        for (const tunnel of tunnels) await lab.engine.tunnels.remove(tunnel.id)
      })
    }
  }
})
