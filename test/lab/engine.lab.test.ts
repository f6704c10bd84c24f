/**
 * The engine against a real peer: what comes up, what fails and why, seen as the initiator and as the responder.
 * Packets are counted through every tunnel that is up. At the end a table of what was seen.
 *
 *     host 10.1.0.10 ── gateway 198.51.100.1 ── bridge ── peer 198.51.100.2 ── 10.2.0.1
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Tunnel, TunnelReport } from '../../src/engine/engine.ts'
import type { ReasonCode } from '../../src/engine/reason.ts'
import type { LogLine } from '../../src/engine/strongswan/failure-log.ts'
import { carriesTraffic } from '../../src/engine/strongswan/observe.ts'
import type { ViciSession } from '../../src/engine/strongswan/vici/session.ts'
import { Secret } from '../../src/secret.ts'
import { agreeing, GatewayLab, type Status, statusOf } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer, PeerSettings } from './support/peer.ts'
import { until } from './support/until.ts'

const kinds = ['main', 'aggressive', 'ikev2'] as const
type Kind = (typeof kinds)[number]
const roles = ['initiator', 'responder'] as const
type Role = (typeof roles)[number]

const v1: readonly Kind[] = ['main', 'aggressive']

/** Reason by kind and by the role of the engine; a role that is absent is not tried. */
type Expected = { readonly [R in Role]?: { readonly [K in Kind]?: ReasonCode } }

const every = (code: ReasonCode, over: readonly Kind[] = kinds) =>
  Object.fromEntries(over.map((kind) => [kind, code])) as { readonly [K in Kind]?: ReasonCode }

const failures: readonly {
  readonly name: string
  readonly peer: (kind: Kind) => Partial<PeerSettings>
  readonly status: Status
  readonly expected: Expected
}[] = [
  {
    name: 'wrong PSK',
    peer: () => ({ psk: 'another key' }),
    status: 'ike_sa_not_established',
    expected: {
      initiator: { main: 'PSK_MISMATCH', aggressive: 'PSK_MISMATCH', ikev2: 'PEER_REJECTED_AUTH' },
      responder: { main: 'PSK_MISMATCH', aggressive: 'PEER_REJECTED_AUTH', ikev2: 'PSK_MISMATCH' },
    },
  },
  {
    name: 'phase-1 encryption',
    peer: () => ({ proposals: ['aes256-sha1-modp1024'] }),
    status: 'ike_sa_not_established',
    expected: {
      initiator: every('IKE_PROPOSAL_OR_UNKNOWN_PEER'),
      responder: every('IKE_ENCRYPTION_MISMATCH'),
    },
  },
  {
    name: 'phase-1 DH group',
    peer: () => ({ proposals: ['aes128-sha1-modp2048'] }),
    status: 'ike_sa_not_established',
    expected: {
      initiator: every('IKE_PROPOSAL_OR_UNKNOWN_PEER', ['main', 'ikev2']),
      responder: every('IKE_DH_GROUP_MISMATCH', ['main', 'ikev2']),
    },
  },
  {
    name: 'IKE version',
    peer: (kind) => ({ version: kind === 'ikev2' ? 1 : 2, aggressive: false }),
    status: 'ike_sa_not_established',
    expected: {
      initiator: every('IKE_PROPOSAL_OR_UNKNOWN_PEER', ['main', 'ikev2']),
      responder: every('IKE_VERSION_MISMATCH', ['main', 'ikev2']),
    },
  },
  {
    name: 'negotiation mode',
    peer: (kind) => ({ aggressive: kind === 'main' }),
    status: 'ike_sa_not_established',
    expected: {
      initiator: every('PEER_REJECTED_AUTH', v1),
      responder: every('MODE_MISMATCH', v1),
    },
  },
  {
    name: 'identity of the peer',
    peer: () => ({ localId: 'fqdn:other.example' }),
    status: 'ike_sa_not_established',
    expected: {
      initiator: { main: 'ID_MISMATCH', aggressive: 'ID_MISMATCH', ikev2: 'PEER_REJECTED_AUTH' },
      responder: { ikev2: 'ID_MISMATCH', aggressive: 'ID_MISMATCH' },
    },
  },
  {
    name: 'phase-2 encryption',
    peer: () => ({ espProposals: ['aes256-sha1-modp1024'] }),
    status: 'ipsec_sa_not_established',
    expected: { initiator: every('ESP_PROPOSAL_MISMATCH'), responder: every('ESP_ENCRYPTION_MISMATCH') },
  },
  {
    name: 'phase-2 authentication',
    peer: () => ({ espProposals: ['aes128-sha256-modp1024'] }),
    status: 'ipsec_sa_not_established',
    expected: { responder: every('ESP_AUTHENTICATION_MISMATCH', ['main', 'ikev2']) },
  },
  {
    name: 'PFS',
    peer: () => ({ espProposals: ['aes128-sha1-modp2048'] }),
    status: 'ipsec_sa_not_established',
    expected: { initiator: every('ESP_PROPOSAL_MISMATCH', v1), responder: every('PFS_MISMATCH', v1) },
  },
  {
    name: 'subnets',
    peer: () => ({ localSubnets: ['10.99.0.0/24'] }),
    status: 'ipsec_sa_not_established',
    expected: { initiator: every('SUBNET_MISMATCH'), responder: every('SUBNET_MISMATCH') },
  },
]

interface Row {
  readonly scenario: string
  readonly kind: string
  readonly role: string
  readonly status: string
  readonly reason: string
  /** Milliseconds from the daemon's own line to the report that names it. */
  readonly 'after line'?: number | undefined
  readonly packets?: string | undefined
}

const host = '10.1.0.10'
const inside = '10.2.0.1'

describe('the strongSwan engine against a real peer', { skip: Lab.missing() ?? false }, () => {
  const table: Row[] = []
  let lab: GatewayLab
  let peer: Peer
  let slot = 0

  before(async () => {
    lab = await GatewayLab.create()
    await lab.applyGateway()
    peer = await lab.lab.peer('peer', '198.51.100.2/24', ['10.2.0.1/24', '10.4.0.1/24', '10.99.0.1/24'])
  })
  after(async () => {
    console.table(table)
    await lab.close()
  })

  afterEach(async () => {
    for (const { id } of await lab.engine.tunnels.list()) await lab.engine.tunnels.remove(id)
    await peer.dropSas()
  })

  /** A tunnel of its own for each scenario; as responder it waits for traffic, and the peer begins. */
  const tunnelOf = (kind: Kind, role: Role, change: Partial<Tunnel> = {}): Tunnel => {
    slot += 1
    return {
      ...lab.tunnel,
      id: `vco-${slot}`,
      connectionId: `vco-${slot}`,
      slot,
      effectImmediately: role === 'initiator',
      ...change,
      ike: {
        ...lab.tunnel.ike,
        version: kind === 'ikev2' ? 'ikev2' : 'ikev1',
        mode: kind === 'aggressive' ? 'aggressive' : 'main',
        ...change.ike,
      },
    }
  }
  const observe = async (tunnel: Tunnel): Promise<TunnelReport> => {
    const report = await lab.engine.tunnels.observe(tunnel.id)
    assert(report)
    return report
  }
  const whenUp = (tunnel: Tunnel) =>
    until(`${tunnel.id} up`, async () => {
      const report = await observe(tunnel)
      return statusOf(report) === 'ipsec_sa_established' && report.failure === undefined && report
    })
  const begin = async (tunnel: Tunnel, role: Role) => {
    await lab.engine.tunnels.apply(tunnel)
    if (role === 'responder') await peer.initiate()
  }
  const whenRouted = (tunnel: Tunnel, to = inside) =>
    until(`a route of ${tunnel.id}`, () => lab.reaches(host, to))
  const tell = (
    scenario: string,
    kind: string,
    role: string,
    report: TunnelReport,
    more: Partial<Row> = {},
  ) =>
    table.push({
      scenario,
      kind,
      role,
      status: statusOf(report),
      reason: report.failure?.code ?? '',
      'after line': more['after line'],
      packets: more.packets,
    })
  /** Both ways; nothing may be lost. */
  const pingBothWays = async (other = peer, from = host, to = inside) => {
    const there = await lab.ping(from, to, { count: 10, interval: 0.05 })
    const back = await lab.lab.ping(other.netns, to, from, { count: 10, interval: 0.05 })
    assert.deepEqual([there.received, back.received], [10, 10])
    return `${there.received}/${there.sent} ${back.received}/${back.sent}`
  }

  for (const kind of kinds) {
    for (const role of roles) {
      test(`success, ${kind}, ${role}`, async () => {
        const tunnel = tunnelOf(kind, role)
        await peer.load(agreeing(tunnel))
        await begin(tunnel, role)
        const report = await whenUp(tunnel)
        assert.equal(report.ikeSas[0]?.initiator, role === 'initiator')
        assert.equal(report.childSas[0]?.proposal, kind === 'ikev2' ? 'aes128-sha1' : 'aes128-sha1-modp1024')
        await whenRouted(tunnel)
        const before = (await observe(tunnel)).childSas[0]
        const packets = await pingBothWays()
        const { packetsIn = 0, packetsOut = 0 } = (await observe(tunnel)).childSas[0] ?? {}
        assert.deepEqual([packetsIn - before!.packetsIn, packetsOut - before!.packetsOut], [20, 20])
        tell('success', kind, role, report, { packets })
      })
    }
  }

  for (const { name, peer: change, status, expected } of failures) {
    for (const role of roles) {
      for (const kind of kinds) {
        const code = expected[role]?.[kind]
        if (!code) continue
        test(`${name}: ${code}, ${kind}, ${role}`, async () => {
          const tunnel = tunnelOf(kind, role)
          await peer.load({ ...agreeing(tunnel), ...change(kind) })
          // The daemon has to run before it can be listened to.
          await lab.engine.tunnels.apply({ ...tunnel, effectImmediately: false })
          const daemon = await lab.daemon(tunnel.remoteAddress)
          let shownAt = 0
          lab.engine.tunnels.onHint(async (id) => {
            if (id !== tunnel.id || shownAt > 0) return
            const report = await lab.engine.tunnels.observe(id)
            if (report?.failure?.code === code) shownAt = Date.now()
          })
          await begin(tunnel, role)
          const report = await until(`${code} and ${status}`, async () => {
            const seen = await observe(tunnel)
            return seen.failure?.code === code && statusOf(seen) === status && shownAt > 0 && seen
          }).catch(async (error) => {
            const seen = await observe(tunnel)
            throw new Error(
              `${error.message}; seen ${statusOf(seen)} ${JSON.stringify(seen.failure)}\n${textOf(daemon.lines)}`,
            )
          })
          const late = shownAt - (await lineOf(daemon.lines, report.failure!.evidence[0]!))
          daemon.session.close()
          tell(name, kind, role, report, { 'after line': late })
          assert(late <= 1_000, `shown ${late} ms after the daemon's line`)
          assert.equal(await lab.reaches(host, inside), false)

          // Mended at the peer it comes up without any help from us.
          await peer.dropSas()
          await peer.load(agreeing(tunnel))
          if (role === 'responder') await peer.initiate()
          const mended = await whenUp(tunnel)
          assert.equal(mended.failure, undefined)
        })
      }
    }
  }

  for (const kind of kinds) {
    test(`silent peer, ${kind}`, async () => {
      const tunnel = tunnelOf(kind, 'initiator')
      await peer.load(agreeing(tunnel))
      const undo = await lab.lab.drop(peer.netns, 'meta l4proto udp')
      await begin(tunnel, 'initiator')
      const report = await until('PEER_SILENT', async () => {
        const seen = await observe(tunnel)
        return seen.failure?.code === 'PEER_SILENT' && seen
      })
      assert.equal(statusOf(report), 'ike_sa_not_established')
      tell('silent peer', kind, 'initiator', report)
      await undo()
      await whenUp(tunnel)
    })
  }

  for (const kind of kinds) {
    test(`dead peer is noticed by DPD and the tunnel comes back with it, ${kind}`, async () => {
      const tunnel = tunnelOf(kind, 'initiator')
      await peer.load(agreeing(tunnel))
      await begin(tunnel, 'initiator')
      const up = await whenUp(tunnel)
      const undo = await lab.lab.drop(peer.netns, 'meta l4proto udp')
      const cutAt = Date.now()
      const heard = new Set<number | undefined>()
      // What has come before takes a moment to be told, and in IKEv1 to count.
      const settledAt = cutAt + 1_000
      const report = await until('DPD_TIMEOUT', async () => {
        const seen = await observe(tunnel)
        if (seen.at > settledAt) heard.add(seen.heardAt)
        return seen.failure?.code === 'DPD_TIMEOUT' && seen
      })
      assert.equal(statusOf(report), 'ike_sa_not_established')
      assert.deepEqual([...heard], [report.heardAt])
      assert(
        report.heardAt! < settledAt && report.heardAt! > up.at - 3_000,
        `${report.heardAt}, cut ${cutAt}`,
      )
      tell('dead peer (DPD)', kind, 'initiator', report)
      await undo()
      const back = await whenUp(tunnel)
      await until('it is heard again', async () => (await observe(tunnel)).heardAt! > settledAt)
      await whenRouted(tunnel)
      tell('and back', kind, 'initiator', back, { packets: await pingBothWays() })
    })
  }

  for (const kind of ['main', 'ikev2'] as const) {
    for (const role of roles) {
      test(`peer reboots, ${kind}, ${role === 'responder' ? 'it calls again' : 'we notice'}`, async () => {
        const tunnel = tunnelOf(kind, 'initiator')
        await peer.load(agreeing(tunnel))
        await begin(tunnel, 'initiator')
        const before = await whenUp(tunnel)
        await peer.kill()
        await peer.restart()
        if (role === 'responder') await peer.initiate()
        const report = await until('nothing but new SAs', async () => {
          const seen = await observe(tunnel)
          const isOld = seen.ikeSas.some((ikeSa) => ikeSa.uniqueId === before.ikeSas[0]?.uniqueId)
          return (
            !isOld && seen.ikeSas.length === 1 && seen.childSas.filter(carriesTraffic).length === 1 && seen
          )
        })
        // The route goes while there is no SA and may come back a moment after the new one is there.
        const packets = await until('a round without loss', () => pingBothWays().catch(() => undefined))
        tell('peer reboots', kind, role, report, { packets })
      })
    }
  }

  for (const kind of kinds) {
    test(`peer closes the tunnel: the reason is shown, and it comes back, ${kind}`, async () => {
      const tunnel = tunnelOf(kind, 'initiator')
      await peer.load(agreeing(tunnel))
      await begin(tunnel, 'initiator')
      await whenUp(tunnel)
      const seen: (string | undefined)[] = []
      lab.engine.tunnels.onHint(async (id) => {
        if (id === tunnel.id) seen.push((await lab.engine.tunnels.observe(id))?.failure?.code)
      })
      await peer.terminate()
      await until('PEER_CLOSED', () => seen.includes('PEER_CLOSED'))
      const report = await whenUp(tunnel)
      tell('peer closes', kind, 'initiator', report, { packets: `${await whenRouted(tunnel)}` })
    })
  }

  for (const kind of ['main', 'ikev2'] as const) {
    // IKEv1 has no word for "the new SA is in place at both ends" (RFC 2409, 5.5), so that one packet may meet the gap.
    const mayLose = kind === 'ikev2' ? 0 : 1
    test(`re-keys lose ${mayLose === 0 ? 'no packet' : 'at most one packet'}, ${kind}`, async () => {
      const tunnel = tunnelOf(kind, 'initiator')
      await peer.load(agreeing(tunnel))
      await begin(tunnel, 'initiator')
      const before = await whenUp(tunnel)
      await whenRouted(tunnel)
      const daemon = await lab.daemon(tunnel.remoteAddress)
      const flaps: string[] = []
      lab.engine.tunnels.onHint(async (id) => {
        if (id !== tunnel.id) return
        const report = await lab.engine.tunnels.observe(id)
        if (report && statusOf(report) !== 'ipsec_sa_established') flaps.push(statusOf(report))
      })
      const pinging = lab.ping(host, inside, { count: 100, interval: 0.03 })
      await rekey(daemon.session, { child: tunnel.id }, daemon.lines)
      await rekey(peer.commands, { child: 'child-1' }, daemon.lines)
      await rekey(daemon.session, { ike: tunnel.id }, daemon.lines)
      const { sent, received } = await pinging
      const report = await whenUp(tunnel)
      assert.notEqual(report.childSas.findLast(carriesTraffic)?.spiIn, before.childSas[0]?.spiIn)
      assert.ok(sent - received <= mayLose, `${received} of ${sent}`)
      assert.deepEqual(flaps, [])
      daemon.session.close()
      tell('3 re-keys', kind, 'both', report, { packets: `${received}/${sent}` })
    })
  }

  test('a PFS mismatch in IKEv2 shows at the first re-key, ikev2', async () => {
    const tunnel = tunnelOf('ikev2', 'initiator', { ipsec: { ...lab.tunnel.ipsec, lifetime: 4 } })
    await peer.load({ ...agreeing(tunnel), espProposals: ['aes128-sha1-modp2048'] })
    await begin(tunnel, 'initiator')
    await whenUp(tunnel)
    const report = await until('PFS_MISMATCH', async () => {
      const seen = await observe(tunnel)
      return seen.failure?.code === 'PFS_MISMATCH' && seen
    })
    // It is up for as long as DPD takes to ask.
    assert(report.ikeSas[0]?.dpdAnsweredAt, JSON.stringify(report.ikeSas))
    tell('PFS at re-key', 'ikev2', 'initiator', report)
  })

  for (const kind of ['main', 'ikev2'] as const) {
    for (const role of roles) {
      test(`several subnets: every pair carries packets, ${kind}, ${role}`, async () => {
        const tunnel = tunnelOf(kind, role, {
          localSubnets: ['10.1.0.0/24', '10.3.0.0/24'],
          remoteSubnets: ['10.2.0.0/24', '10.4.0.0/24'],
        })
        await peer.load(agreeing(tunnel))
        await begin(tunnel, role)
        const report = await whenUp(tunnel)
        const installed = report.childSas.filter(carriesTraffic)
        assert.equal(installed.length, kind === 'main' ? 4 : 1)
        assert.equal(report.childrenWanted, installed.length)
        await lab.ownAddress('10.3.0.10/24')
        const pairs = ['10.1.0.10', '10.3.0.10'].flatMap((from) =>
          ['10.2.0.1', '10.4.0.1'].map((to) => [from, to] as const),
        )
        for (const [from, to] of pairs) {
          await until(`${from} reaches ${to}`, () => lab.reaches(from, to))
          assert.deepEqual(await lab.ping(from, to, { count: 3, interval: 0.05 }), { sent: 3, received: 3 })
        }
        tell('4 pairs of subnets', kind, role, report, { packets: `${pairs.length} x 3/3` })
      })
    }
  }

  for (const role of roles) {
    test(`a peer that takes a part of the subnets is up, with a warning, ikev2, ${role}`, async () => {
      const tunnel = tunnelOf('ikev2', role, { remoteSubnets: ['10.2.0.0/24', '10.4.0.0/24'] })
      await peer.load({ ...agreeing(tunnel), localSubnets: ['10.2.0.0/24'] })
      await begin(tunnel, role)
      const report = await until('SUBNETS_NARROWED', async () => {
        const seen = await observe(tunnel)
        return seen.failure?.code === 'SUBNETS_NARROWED' && seen
      })
      assert.equal(statusOf(report), 'ipsec_sa_established')
      assert.deepEqual(report.failure?.evidence, [
        'asked for: 10.1.0.0/24 === 10.2.0.0/24,10.4.0.0/24',
        'agreed: 10.1.0.0/24 === 10.2.0.0/24',
      ])
      await whenRouted(tunnel)
      tell('subnets narrowed', 'ikev2', role, report, { packets: await pingBothWays() })
    })
  }

  for (const kind of kinds) {
    test(`the first packet brings up a tunnel that waits for traffic, ${kind}`, async () => {
      const tunnel = tunnelOf(kind, 'responder')
      await peer.load(agreeing(tunnel))
      await lab.engine.tunnels.apply(tunnel)
      const waiting = await observe(tunnel)
      assert.equal(waiting.failure?.code, 'WAITING_FOR_TRAFFIC')
      tell('waits for traffic', kind, '', waiting)
      // Nothing but traffic wakes it: the counters have been read once before the first packet.
      assert.deepEqual((await lab.engine.tunnels.observe(tunnel.id))?.ikeSas, [])
      await whenRouted(tunnel)
      const report = await whenUp(tunnel)
      tell('after a packet', kind, 'initiator', report, { packets: await pingBothWays() })
    })

    test(`changed settings wait for traffic when told so, ${kind}`, async () => {
      const tunnel = tunnelOf(kind, 'initiator')
      await peer.load(agreeing(tunnel))
      await begin(tunnel, 'initiator')
      await whenUp(tunnel)
      const changed: Tunnel = {
        ...tunnel,
        generation: 2,
        effectImmediately: false,
        ike: { ...tunnel.ike, psk: new Secret('a new key') },
        ipsec: { ...tunnel.ipsec, encryption: 'aes256' },
      }
      await peer.load(agreeing(changed))
      await lab.engine.tunnels.apply(changed)
      const pending = await observe(changed)
      assert.equal(pending.pendingReconnect, true)
      assert.equal(statusOf(pending), 'ipsec_sa_established')
      await until('new algorithm with traffic', async () => {
        await lab.reaches(host, inside)
        const report = await observe(changed)
        return (
          report.childSas.some((child) => carriesTraffic(child) && child.proposal?.startsWith('aes256')) &&
          report
        )
      })
      const report = await whenUp(changed)
      assert.equal(report.pendingReconnect, false)
      tell('change at traffic', kind, 'initiator', report, { packets: await pingBothWays() })
    })
  }

  for (const kind of kinds) {
    test(`a peer behind NAT calls and is known by its name, ${kind}`, async () => {
      const { peer: branch } = await lab.lab.peerBehindNat(`n${kind[0]}`, '198.51.100.7/24', ['10.7.0.1/24'])
      const tunnel = tunnelOf(kind, 'responder', {
        remoteAddress: '198.51.100.7',
        remoteSubnets: ['10.7.0.0/24'],
        ike: { ...lab.tunnel.ike, remoteId: 'branch.example' },
      })
      await lab.engine.tunnels.apply(tunnel)
      await branch.load({ ...agreeing(tunnel), local: '192.168.77.2', localId: 'fqdn:branch.example' })
      await branch.initiate()
      const report = await whenUp(tunnel)
      assert.equal(report.ikeSas[0]?.natBetween, true)
      assert.equal(report.ikeSas[0]?.remoteId, 'branch.example')
      assert.match(report.ikeSas[0]?.remoteEndpoint ?? '', /^198\.51\.100\.7:/)
      await whenRouted(tunnel, '10.7.0.1')
      tell('peer behind NAT', kind, 'responder', report, {
        packets: await pingBothWays(branch, host, '10.7.0.1'),
      })
      await lab.lab.end(branch)
    })
  }
})

/** Asks for a re-key and waits until the engine's daemon has seen it done. */
async function rekey(
  session: ViciSession,
  what: Record<string, string>,
  lines: readonly LogLine[],
): Promise<void> {
  // IKEv2 tells of the inbound half first, and of the outbound one when the old CHILD_SA goes: then it is done.
  const pattern =
    'ike' in what ? /^IKE_SA .* (established|rekeyed) between/ : /^(outbound )?CHILD_SA .* established with/
  const done = () => lines.filter((line) => pattern.test(line.text)).length
  const before = done()
  await session.request('rekey', what)
  await until(`a re-key of ${JSON.stringify(what)}`, () => done() > before)
}

const textOf = (lines: readonly LogLine[]) =>
  lines.map((line) => `${line.at} ${line.ikeUniqueId} ${line.text}`).join('\n')

/** When the daemon first said this. Our session may hear it a moment after the engine's own. */
async function lineOf(lines: readonly LogLine[], text: string): Promise<number> {
  const line = await until(`the daemon says "${text}"`, () => lines.find((each) => each.text === text)).catch(
    (error) => {
      throw new Error(`${error.message}:\n${textOf(lines)}`)
    },
  )
  return line.at
}
