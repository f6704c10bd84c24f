/**
 * The suite that every engine passes: what `engine.ts` promises, tried out.
 *
 * It checks the state of the world as reports tell it, never which calls were made. What differs between engines is
 * in the harness: where a peer comes from, and how time passes.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Secret } from '../secret.ts'
import {
  type BgpReport,
  type Engine,
  EngineError,
  type Gateway,
  type Tunnel,
  type TunnelBgp,
  type TunnelLogLine,
  type TunnelProbe,
  type TunnelReport,
} from './engine.ts'
import { type ReasonCode, reasons } from './reason.ts'

/** An engine with a peer for the tunnels of the suite. A new one for each test. */
export interface ConformanceHarness {
  readonly engine: Engine
  readonly gateway: Gateway
  /** A complete tunnel of that gateway. Nobody answers yet at its remote address. */
  readonly tunnel: Tunnel
  /** Brings up or changes the peer so that it would agree with exactly this tunnel. It waits to be asked. */
  preparePeer(tunnel: Tunnel): Promise<void>
  /** Closes the tunnels from the peer's side, in order, so that our side is told. */
  closeAtPeer(): Promise<void>
  /**
   * A BGP router behind the peer that would agree with exactly the session of this tunnel and announces these networks
   * (CIDR). Absent: it is gone.
   */
  prepareRouter(tunnel: Tunnel, networks?: readonly string[]): Promise<void>
  /** The first host of the first remote subnet answers pings, or does not. It does at first. */
  answerPings(answers: boolean): Promise<void>
  /** Closes the engine and makes a new one over what it left behind. */
  restart(): Promise<Engine>
  /** Lets time pass, real or not, until the probe gives something. Throws, naming what was awaited, after a while. */
  until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T>
  close(): Promise<void>
}

const pskText = 'conformance key, not to be seen'
const mismatches: readonly ReasonCode[] = ['PSK_MISMATCH', 'PEER_REJECTED_AUTH']

/** @param skip why this engine cannot be tried here */
export function conformance(
  name: string,
  createHarness: () => Promise<ConformanceHarness>,
  { skip }: { skip?: string } = {},
): void {
  describe(`an engine: ${name}`, { skip: skip ?? false }, () => {
    let harness: ConformanceHarness
    let tunnel: Tunnel
    beforeEach(async () => {
      harness = await createHarness()
      tunnel = withIke(harness.tunnel, { psk: new Secret(pskText) })
      await harness.engine.gateways.apply(harness.gateway)
    })
    afterEach(() => harness.close())

    const report = async (id = tunnel.id): Promise<TunnelReport> => {
      const seen = await harness.engine.tunnels.observe(id)
      assert(seen, `no report of ${id}`)
      return seen
    }
    const whenUp = (id = tunnel.id, engine = harness.engine) =>
      harness.until(`${id} up`, async () => {
        const seen = await engine.tunnels.observe(id)
        return seen && isUp(seen) && seen
      })
    const bringUp = async (wanted = tunnel) => {
      await harness.preparePeer(wanted)
      await harness.engine.tunnels.apply(wanted)
      return whenUp(wanted.id)
    }
    const whenFailed = (codes: readonly ReasonCode[]) =>
      harness.until(`${tunnel.id} fails with ${codes.join(' or ')}`, async () => {
        const seen = await harness.engine.tunnels.observe(tunnel.id)
        return seen?.failure && codes.includes(seen.failure.code) && seen
      })

    test('what happens to a tunnel is told in lines, without its key', async (t) => {
      const { tunnels } = harness.engine
      if (!tunnels.onLog) return t.skip('this engine tells no lines')
      const lines: TunnelLogLine[] = []
      tunnels.onLog((line) => lines.push(line))
      await bringUp()
      await tunnels.apply(withIke({ ...tunnel, generation: 2 }, { psk: new Secret(`${pskText}, other`) }))
      await whenFailed(mismatches)
      await harness.until('lines of the failure', async () =>
        lines.some(({ text }) => /fail|mismatch/i.test(text)),
      )
      assert(lines.some(({ text }) => text.includes('is up')))
      assert(lines.every(({ tunnelId, at }) => tunnelId === tunnel.id && at > 0))
      assert.doesNotMatch(inspect(lines, { depth: null, maxArrayLength: null }), new RegExp(pskText))
    })

    test('a gateway is applied, listed and removed; each may be repeated', async () => {
      const { gateways } = harness.engine
      await gateways.apply(harness.gateway)
      assert.deepEqual(await gateways.list(), [harness.gateway.id])
      await gateways.remove(harness.gateway.id)
      await gateways.remove(harness.gateway.id)
      await gateways.remove('vpn-unknown')
      assert.deepEqual(await gateways.list(), [])
    })

    test('a tunnel comes up, and the report says with what', async () => {
      const seen = await bringUp()
      assert.equal(seen.id, tunnel.id)
      assert.equal(seen.generation, tunnel.generation)
      assert.equal(seen.pendingReconnect, false)
      assert.equal(seen.phase2Failed, false)
      assert.equal(seen.failure, undefined)
      assert.equal(seen.childrenWanted, 1)
      assert.equal(seen.ikeSas.length, 1)
      const [ikeSa] = seen.ikeSas
      assert.equal(ikeSa?.version, tunnel.ike.version)
      assert.equal(ikeSa?.proposal, 'aes128-sha1-modp1024')
      assert.equal(ikeSa?.localId, tunnel.ike.localId)
      assert.equal(ikeSa?.remoteId, tunnel.ike.remoteId)
      assert(ikeSa?.remoteEndpoint?.startsWith(`${tunnel.remoteAddress}:`), ikeSa?.remoteEndpoint)
      const [childSa] = seen.childSas
      assert.equal(childSa?.ikeUniqueId, ikeSa?.uniqueId)
      assert.deepEqual(childSa?.localSelectors, tunnel.localSubnets)
      assert.deepEqual(childSa?.remoteSelectors, tunnel.remoteSubnets)
      assert.match(childSa?.spiIn ?? '', /^[0-9a-f]{1,8}$/)
      assert.match(childSa?.spiOut ?? '', /^[0-9a-f]{1,8}$/)
      const { heardAt, ikeSas, at } = await harness.until('the peer was heard', async () => {
        const seen = await report()
        return seen?.heardAt !== undefined && seen
      })
      assert(heardAt! <= at && heardAt! > at - 60_000, `${heardAt} of ${at}`)
      assert.equal(ikeSas[0]?.heardAt, heardAt)
      assert(Math.abs(seen.at - Date.now()) < 60_000 || harness.engine.describe().name === 'simulated')
    })

    for (const version of ['ikev1', 'ikev2'] as const) {
      test(`several subnets in ${version}: every pair is there`, async () => {
        const wanted = {
          ...withIke(tunnel, { version }),
          localSubnets: [...tunnel.localSubnets, '10.77.1.0/24'],
          remoteSubnets: [...tunnel.remoteSubnets, '10.77.2.0/24'],
        }
        const seen = await bringUp(wanted)
        const pairs = seen.childSas.flatMap((child) =>
          child.localSelectors.flatMap((local) =>
            child.remoteSelectors.map((remote) => `${local} ${remote}`),
          ),
        )
        const expected = wanted.localSubnets.flatMap((local) =>
          wanted.remoteSubnets.map((remote) => `${local} ${remote}`),
        )
        assert.deepEqual(pairs.toSorted(), expected.toSorted())
        assert.equal(seen.childrenWanted, version === 'ikev1' ? 4 : 1)
      })
    }

    test('applying the same again changes nothing at the SAs, and the new generation is reported', async () => {
      const before = await bringUp()
      await harness.engine.tunnels.apply(tunnel)
      await harness.engine.tunnels.apply({ ...tunnel, generation: tunnel.generation + 1 })
      const after = await whenUp()
      assert.deepEqual(identities(after), identities(before))
      assert.equal(after.generation, tunnel.generation + 1)
      assert.equal(after.pendingReconnect, false)
    })

    test('changed settings with effect at once: negotiated again with the new ones', async () => {
      const before = await bringUp()
      const changed = {
        ...tunnel,
        generation: tunnel.generation + 1,
        ipsec: { ...tunnel.ipsec, encryption: 'aes256' as const },
      }
      await harness.preparePeer(changed)
      await harness.engine.tunnels.apply(changed)
      const after = await harness.until('up with the new algorithm', async () => {
        const seen = await report()
        return isUp(seen) && seen.childSas.some((child) => child.proposal?.startsWith('aes256-')) && seen
      })
      assert.notDeepEqual(identities(after), identities(before))
      assert.equal(after.generation, changed.generation)
    })

    test('changed settings that take effect with traffic: the old SA stays, and the report says so', async () => {
      const before = await bringUp()
      const changed = {
        ...tunnel,
        generation: tunnel.generation + 1,
        effectImmediately: false,
        ipsec: { ...tunnel.ipsec, encryption: 'aes256' as const },
      }
      await harness.preparePeer(changed)
      await harness.engine.tunnels.apply(changed)
      const after = await report()
      assert.equal(after.generation, changed.generation)
      assert.equal(after.pendingReconnect, true)
      assert.deepEqual(identities(after), identities(before))
    })

    test('without effect at once nothing is negotiated before traffic comes, and that is not a failure', async () => {
      const waiting = { ...tunnel, effectImmediately: false }
      await harness.preparePeer(waiting)
      await harness.engine.tunnels.apply(waiting)
      const seen = await report()
      assert.deepEqual([seen.ikeSas, seen.childSas], [[], []])
      assert.equal(seen.failure?.code, 'WAITING_FOR_TRAFFIC')
      assert.equal(reasons[seen.failure.code].severity, 'Normal')
    })

    test('a wrong key has its reason with evidence; with the right one the tunnel comes up and the reason goes', async () => {
      await harness.preparePeer(withIke(tunnel, { psk: new Secret('another key') }))
      await harness.engine.tunnels.apply(tunnel)
      const failed = await whenFailed(mismatches)
      assert.equal(isUp(failed), false)
      assert(failed.failure!.evidence.length > 0)
      assert(failed.failure!.since <= failed.at)

      await harness.preparePeer(tunnel)
      assert.equal((await whenUp()).failure, undefined)
    })

    test('the key is nowhere in what the engine says', async () => {
      await harness.preparePeer(withIke(tunnel, { psk: new Secret('another key') }))
      await harness.engine.tunnels.apply(tunnel)
      const failed = await whenFailed(mismatches)
      for (const text of [
        inspect(failed, { depth: null }),
        JSON.stringify(await harness.engine.tunnels.list()),
      ]) {
        assert.doesNotMatch(text, /not to be seen|another key/)
      }
    })

    test('different subnets leave the IKE_SA up and say that phase 2 failed', async () => {
      await harness.preparePeer({ ...tunnel, localSubnets: ['10.99.0.0/24'] })
      await harness.engine.tunnels.apply(tunnel)
      const failed = await harness.until('phase 2 to fail', async () => {
        const seen = await report()
        return seen.phase2Failed && seen
      })
      assert.equal(failed.failure?.code, 'SUBNET_MISMATCH')
      assert(failed.ikeSas.some((ikeSa) => ikeSa.state === 'established'))
      assert.deepEqual(
        failed.childSas.filter((child) => child.state === 'installed'),
        [],
      )
    })

    test('hints come when a tunnel comes up and when the peer closes it', async () => {
      const hinted: string[] = []
      harness.engine.tunnels.onHint((id) => hinted.push(id))
      await bringUp()
      await harness.until('a hint that it is up', async () => hinted.includes(tunnel.id))
      hinted.length = 0
      await harness.closeAtPeer()
      await harness.until('a hint that it was closed', async () => hinted.includes(tunnel.id))
    })

    test('a tunnel that the peer closes comes back by itself', async () => {
      const before = await bringUp()
      await harness.closeAtPeer()
      await harness.until('new SAs', async () => {
        const seen = await report()
        const old = identities(before)
        return isUp(seen) && !identities(seen).some((id) => old.includes(id))
      })
    })

    test('new keys on demand: re-keyed under the IKE_SA that there is, or negotiated from the start', async () => {
      const before = await bringUp()
      // In IKEv1 the old ones stay until they expire, and carry nothing.
      const carrying = (seen: TunnelReport) =>
        identities({ ...seen, childSas: seen.childSas.filter(({ state }) => state === 'installed') })
      const anew = async (change: Partial<Tunnel>, old: TunnelReport) => {
        await harness.engine.tunnels.apply({ ...tunnel, ...change })
        return harness.until('new keys', async () => {
          const seen = await report()
          return isUp(seen) && !carrying(seen).some((id) => identities(old).includes(id)) && seen
        })
      }
      const rekeyed = await anew({ generation: 2, rekeys: 1 }, before)
      const ikeOf = (seen: TunnelReport) => seen.ikeSas.map(({ uniqueId }) => uniqueId)
      assert.deepEqual(ikeOf(rekeyed), ikeOf(before))
      const restarted = await anew({ generation: 3, rekeys: 1, restarts: 1 }, rekeyed)
      assert.notDeepEqual(ikeOf(restarted), ikeOf(before))
      await harness.engine.tunnels.apply({ ...tunnel, generation: 4, rekeys: 1, restarts: 1 })
      assert.deepEqual(identities(await whenUp()), identities(restarted))
    })

    test('a stopped tunnel is down with that reason, for the next engine too, until it is started', async () => {
      await bringUp()
      const stopped = { ...tunnel, generation: 2, stoppedAt: 1_700_000_000_000 }
      const isDown = (seen: TunnelReport | undefined) => {
        assert.deepEqual([seen?.ikeSas, seen?.childSas], [[], []])
        assert.deepEqual(seen?.failure, {
          code: 'STOPPED_BY_OPERATOR',
          since: stopped.stoppedAt,
          evidence: [],
        })
        assert.equal(seen?.generation, 2)
      }
      await harness.engine.tunnels.apply(stopped)
      isDown(await report())
      const next = await harness.restart()
      isDown(await next.tunnels.observe(tunnel.id))
      await next.gateways.apply(harness.gateway)
      await next.tunnels.apply(stopped)
      isDown(await next.tunnels.observe(tunnel.id))
      await next.tunnels.apply({ ...tunnel, generation: 3 })
      const after = await whenUp(tunnel.id, next)
      assert.equal(after.generation, 3)
    })

    test('a removed tunnel is gone; removing it again or one that never was is fine', async () => {
      await bringUp()
      const { tunnels } = harness.engine
      await tunnels.remove(tunnel.id)
      assert.equal(await tunnels.observe(tunnel.id), undefined)
      assert.deepEqual(await tunnels.list(), [])
      await tunnels.remove(tunnel.id)
      await tunnels.remove('vco-unknown')
      assert.equal(await tunnels.observe('vco-unknown'), undefined)
    })

    test('a tunnel can be removed while it is being negotiated in vain', async () => {
      await harness.engine.tunnels.apply(tunnel)
      await harness.engine.tunnels.remove(tunnel.id)
      assert.deepEqual(await harness.engine.tunnels.list(), [])
    })

    test('closing leaves the tunnels running; the next engine finds them, wanted or not, and drops nothing', async () => {
      const before = await bringUp()
      const next = await harness.restart()
      const listed = await next.tunnels.list()
      assert.deepEqual(
        listed.map(({ id }) => id),
        [tunnel.id],
      )
      assert.deepEqual(identities(await whenUp(tunnel.id, next)), identities(before))
      await next.gateways.apply(harness.gateway)
      await next.tunnels.apply(tunnel)
      assert.deepEqual(identities(await whenUp(tunnel.id, next)), identities(before))
    })

    test('an orphan can be removed by the engine that finds it', async () => {
      await bringUp()
      const next = await harness.restart()
      await next.tunnels.remove(tunnel.id)
      assert.deepEqual(await next.tunnels.list(), [])
      await next.gateways.remove(harness.gateway.id)
      assert.deepEqual(await next.gateways.list(), [])
    })

    const withBgp = (change: Partial<TunnelBgp> = {}): Tunnel => ({
      ...withIke(tunnel, { version: 'ikev2' }),
      localSubnets: ['0.0.0.0/0'],
      remoteSubnets: ['0.0.0.0/0'],
      routes: [],
      insideAddress: '169.254.77.1/30',
      bgp: {
        localAsn: 65_001,
        peerAsn: 65_002,
        localIp: '169.254.77.1',
        peerIp: '169.254.77.2',
        advertised: [networkOf(harness.gateway.insideAddress)],
        preference: 100,
        ...change,
      },
    })
    const whenBgp = (what: string, is: (bgp: BgpReport) => boolean) =>
      harness.until(what, async () => {
        const { bgp } = await report()
        return bgp && is(bgp) && bgp
      })
    test('BGP comes up in the tunnel; what is learned goes with the session, and comes back with it', async () => {
      const wanted = withBgp()
      await harness.prepareRouter(wanted, [learned])
      await bringUp(wanted)
      const up = await whenBgp(
        'BGP established',
        ({ state, learned }) => state === 'established' && learned.length > 0,
      )
      assert.deepEqual(up.learned, [{ prefix: learned, asPath: '65002', communities: '', best: true }])
      assert.equal(up.lastError, undefined)
      await whenBgp('announced', ({ advertised }) => advertised.join() === wanted.bgp?.advertised.join())
      await harness.prepareRouter(wanted)
      const down = await whenBgp('BGP down', ({ state }) => state !== 'established')
      assert.deepEqual([down.learned, down.advertised], [[], []])
      assert(down.since >= up.since)
      assert.equal(isUp(await report()), true)
      await harness.prepareRouter(wanted, [learned])
      await whenBgp('BGP back', ({ state, learned }) => state === 'established' && learned.length > 0)
    })

    test('a peer with another AS number than expected is refused, and the tunnel stays', async () => {
      await harness.prepareRouter(withBgp(), [learned])
      await bringUp(withBgp({ peerAsn: 65_009 }))
      const refused = await whenBgp('a refusal', ({ lastError }) => lastError !== undefined)
      assert.match(refused.lastError ?? '', /Bad peer AS/)
      assert.notEqual(refused.state, 'established')
      assert.equal(isUp(await report()), true)
    })

    test('BGP is added to a running tunnel and taken away without a new negotiation', async () => {
      const { bgp: _, ...plain } = withBgp()
      await harness.prepareRouter(withBgp(), [learned])
      const before = await bringUp(plain)
      assert.equal(before.bgp, undefined)
      await harness.engine.tunnels.apply({ ...withBgp(), generation: 2 })
      await whenBgp('BGP established', ({ state }) => state === 'established')
      await harness.engine.tunnels.apply({ ...plain, generation: 3 })
      await harness.until('no session in the report', async () => (await report()).bgp === undefined)
      assert.deepEqual(identities(await report()), identities(before))
    })

    test('a BGP session and a verdict outlive the engine', async () => {
      const wanted = { ...withBgp(), probe: probeOf(harness) }
      await harness.prepareRouter(wanted, [learned])
      await bringUp(wanted)
      const up = await whenBgp('BGP established', ({ state }) => state === 'established')
      await harness.until('a verdict', async () => (await report()).probe?.succeeding === true)
      const next = await harness.restart()
      await next.gateways.apply(harness.gateway)
      await next.tunnels.apply(wanted)
      const after = await whenBgp('BGP still there', ({ state }) => state === 'established')
      assert.equal(after.since, up.since)
      assert.equal((await report()).probe?.succeeding, true)
    })

    test('a health check has a verdict after so many probes in a row, and the tunnel stays', async () => {
      const wanted = { ...tunnel, probe: probeOf(harness) }
      const verdict = (succeeding: boolean) =>
        harness.until(`verdict ${succeeding}`, async () => {
          const { probe } = await report()
          return probe?.succeeding === succeeding && probe
        })
      await bringUp(wanted)
      const good = await verdict(true)
      assert(good.received >= wanted.probe.retry && good.sent >= good.received && good.rtt !== undefined)
      await harness.answerPings(false)
      const bad = await verdict(false)
      assert(bad.since! >= good.since!)
      assert.equal(isUp(await report()), true)
      await harness.answerPings(true)
      await verdict(true)
      await harness.engine.tunnels.apply({ ...tunnel, generation: 2 })
      assert.equal((await report()).probe, undefined)
    })

    test('what cannot be is refused with a reason that retrying does not mend, and harms no other tunnel', async () => {
      const before = await bringUp()
      for (const [what, bad] of [
        ['an address that is none', { remoteAddress: 'peer.example' }],
        ['a subnet that is none', { remoteSubnets: ['10.2.0.0/33'] }],
        ['an address that is not the gateway’s', { localAddress: '192.0.2.77' }],
      ] as const) {
        await assert.rejects(
          harness.engine.tunnels.apply({ ...tunnel, id: 'vco-bad', slot: tunnel.slot + 1, ...bad }),
          (error: unknown) => {
            assert(error instanceof EngineError, `${what}: ${error}`)
            assert.equal(error.retry, false, what)
            return true
          },
        )
      }
      assert.equal(await harness.engine.tunnels.observe('vco-bad'), undefined)
      assert.deepEqual(identities(await report()), identities(before))
    })

    test('a tunnel of a gateway that is not there yet can be tried again later', async () => {
      await assert.rejects(
        harness.engine.tunnels.apply({ ...tunnel, gatewayId: 'vpn-later' }),
        (error: unknown) => error instanceof EngineError && error.retry,
      )
    })
  })
}

/** A network that nobody has. */
const learned = '10.78.0.0/24'

/** `10.1.0.254/24` -> `10.1.0.0/24` */
const networkOf = (address: string) => address.replace(/\d+\/24$/, '0/24')

/** Often, so that nobody waits. */
const probeOf = ({ gateway, tunnel }: ConformanceHarness): TunnelProbe => ({
  source: gateway.insideAddress.split('/')[0]!,
  destination: tunnel.remoteSubnets[0]!.replace(/\d+\/24$/, '1'),
  interval: 0.2,
  retry: 3,
  revokeRoutes: false,
})

const withIke = (tunnel: Tunnel, change: Partial<Tunnel['ike']>): Tunnel => ({
  ...tunnel,
  ike: { ...tunnel.ike, ...change },
})

/** All children carry traffic. */
const isUp = (report: TunnelReport): boolean =>
  report.failure === undefined &&
  report.childSas.filter((child) => child.state === 'installed' || child.state === 'rekeying').length >=
    report.childrenWanted

/** What changes when something is negotiated anew: the inbound SPIs. */
const identities = (report: TunnelReport): readonly string[] =>
  report.childSas.map((child) => child.spiIn ?? '').toSorted()
