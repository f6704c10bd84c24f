import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Proof } from '../../../test/support/causes.ts'
import { proofsAt } from '../../../test/support/proofs.ts'
import { VirtualClock } from '../../clock.ts'
import { insideFailure } from '../../reconcile/inside-failure.ts'
import { Secret } from '../../secret.ts'
import { EngineError, type Tunnel } from '../engine.ts'
import { type ReasonCode, reasons } from '../reason.ts'
import { type Profile, profiles } from './durations.ts'
import { gateway, tunnel } from './testdata/ends.ts'
import { placeOf } from './words.ts'
import { World } from './world.ts'

const minute = 60_000
const hour = 60 * minute
const peer = tunnel.remoteAddress
const began = 1_800_000_000_000

async function start(wanted: Tunnel = tunnel, profile: Profile = profiles.instant, seed = 1) {
  const clock = new VirtualClock(began, 0)
  // Nobody steps while work of the engine is waited for.
  const durations = { ...profile.durations, gateway: 0, tunnel: 0, removal: 0 }
  const world = new World({ clock, seed, profile: { ...profile, durations } })
  const engine = world.engine()
  await engine.gateways.apply(gateway)
  await engine.tunnels.apply(wanted)
  clock.advance(0)
  const report = async (id = wanted.id) => (await engine.tunnels.observe(id))!
  return { clock, world, engine, report, step: (milliseconds: number) => clock.advance(milliseconds) }
}

const v2: Tunnel = { ...tunnel, ike: { ...tunnel.ike, version: 'ikev2' } }

const withBgp: Tunnel = {
  ...v2,
  insideAddress: '169.254.10.1/30',
  bgp: {
    localAsn: 45_104,
    peerAsn: 65_001,
    localIp: '169.254.10.1',
    peerIp: '169.254.10.2',
    authKey: new Secret('md5'),
    advertised: ['10.1.0.0/24'],
    preference: 100,
  },
}

test('a day of re-keys in one step: SAs are new, and it was never down', async () => {
  const { world, report, step } = await start({ ...v2, ipsec: { ...v2.ipsec, lifetime: 3_600 } })
  const before = await report()
  step(24 * hour)
  const after = await report()
  assert.notEqual(after.childSas[0]?.spiIn, before.childSas[0]?.spiIn)
  const events = world.events().map(({ event }) => event)
  assert.equal(events.filter((event) => event === 'down').length, 0)
  assert.ok(events.filter((event) => event === 'CHILD_SA re-keyed').length >= 24)
  assert.ok(events.includes('IKE_SA re-keyed'))
  step(30 * 24 * hour)
  // One that outlived the IKE_SA it was made under went like the others.
  const { childSas, ikeSas } = await report()
  assert.deepEqual(
    childSas.map(({ ikeUniqueId }) => ikeUniqueId),
    ikeSas.map(({ uniqueId }) => uniqueId),
  )
  assert.ok((childSas[0]?.expiresIn ?? 0) > 0)
})

test('the sooner of both lifetimes counts', async () => {
  const { world, step } = await start(v2)
  world.setPeer(peer, { lifetime: 600 })
  world.renegotiate(peer)
  step(hour)
  const rekeys = world.events().filter(({ event }) => event === 'CHILD_SA re-keyed')
  assert.equal(rekeys.length, 6)
})

test('a silent peer is found dead by DPD, and the tunnel comes back with it; without DPD nobody notices', async () => {
  const { world, report, step } = await start(v2, profiles['like-the-cloud'])
  step(hour)
  world.setNetwork(peer, { silent: true })
  step(29_000)
  assert.equal((await report()).failure, undefined)
  step(2_000)
  assert.equal((await report()).failure?.code, 'DPD_TIMEOUT')
  step(minute)
  assert.equal((await report()).failure?.code, 'PEER_SILENT')
  world.setNetwork(peer, {})
  step(minute)
  assert.equal((await report()).failure, undefined)

  const deaf = await start({ ...v2, dpd: false }, profiles['like-the-cloud'])
  deaf.step(minute)
  deaf.world.setNetwork(peer, { silent: true })
  deaf.step(hour)
  assert.equal((await deaf.report()).childSas.length, 1)
})

test('when the peer was heard: DPD asks after ten seconds of silence, and what is not heard stands still', async () => {
  const { clock, world, report, step } = await start(v2, profiles['like-the-cloud'])
  const heard = async () => {
    const { heardAt, ikeSas } = await report()
    const up = ikeSas.find(({ state }) => state === 'established')
    assert.equal(up?.heardAt, up && heardAt)
    return { ago: clock.now() - heardAt!, dpd: up?.dpdAnsweredAt === heardAt }
  }
  const { ike, child } = profiles['like-the-cloud'].durations
  step(ike + child + 9_000)
  assert.deepEqual(await heard(), { ago: 9_000, dpd: false })
  step(51_500)
  assert.deepEqual(await heard(), { ago: 500, dpd: true })
  // Its packets are a sign as well, and while they come nobody asks.
  world.send(peer, 3)
  assert.deepEqual(await heard(), { ago: 0, dpd: false })
  world.setPeer(peer, { packetRate: 10 })
  step(25_000)
  assert.deepEqual(await heard(), { ago: 0, dpd: false })
  step(50)
  world.setNetwork(peer, { silent: true })
  step(20_000)
  assert.deepEqual(await heard(), { ago: 20_050, dpd: false })
  assert.equal((await report()).childSas[0]?.packetsIn, 253)
  // It is known when the tunnel has fallen, too.
  step(40_000)
  assert.equal((await report()).failure?.code, 'DPD_TIMEOUT')
  assert.deepEqual(await heard(), { ago: 60_050, dpd: false })
  world.setNetwork(peer, {})
  step(minute)
  assert.ok((await heard()).ago <= 100)
})

test('of another peer nothing is known before something is negotiated with it', async () => {
  const { engine, report, step } = await start(v2, profiles['like-the-cloud'])
  step(minute)
  assert.ok((await report()).heardAt)
  const other = { ...v2, generation: 2, effectImmediately: false, remoteAddress: '198.51.100.77' }
  await engine.tunnels.apply(other)
  step(minute)
  const pending = await report()
  assert.deepEqual([pending.pendingReconnect, pending.heardAt], [true, undefined])
  await engine.tunnels.apply({ ...other, effectImmediately: true })
  step(minute)
  assert.ok((await report()).heardAt)
})

test('nobody asks without DPD: only what the peer sends by itself is heard', async () => {
  const { clock, world, report, step } = await start({ ...v2, dpd: false }, profiles['like-the-cloud'])
  const ago = async () => clock.now() - (await report()).heardAt!
  step(minute)
  const first = await ago()
  step(hour - first)
  assert.equal(await ago(), hour)
  assert.equal((await report()).ikeSas[0]?.dpdAnsweredAt, undefined)
  world.setPeer(peer, { dpd: true })
  step(minute)
  assert.ok((await ago()) < 10_000)
  assert.equal((await report()).ikeSas[0]?.dpdAnsweredAt, undefined)
})

test('a peer that reboots is found dead, and comes back with new SAs', async () => {
  const { world, report, step } = await start(tunnel, profiles['like-the-cloud'])
  step(hour)
  const before = await report()
  world.peerReboots(peer, 20_000)
  step(31_000)
  assert.equal((await report()).failure?.code, 'DPD_TIMEOUT')
  step(10_000)
  const after = await report()
  assert.equal(after.failure, undefined)
  assert.notEqual(after.childSas[0]?.spiIn, before.childSas[0]?.spiIn)
})

test('packets are counted, lost by the seed, and wake a tunnel that waits for them', async () => {
  const { world, report, step } = await start({ ...tunnel, effectImmediately: false })
  assert.equal((await report()).failure?.code, 'WAITING_FOR_TRAFFIC')
  assert.equal(world.send(peer, 1), 0)
  step(0)
  world.setNetwork(peer, { loss: 0.5 })
  const back = world.send(peer, 100)
  assert.ok(back > 30 && back < 70, `${back} of 100 came back`)
  const [child] = (await report()).childSas
  assert.deepEqual([child?.packetsOut, child?.packetsIn], [100, back])
  world.setPeer(peer, { packetRate: 10 })
  step(minute)
  assert.equal((await report()).childSas[0]?.packetsOut, 700)
})

test('every reason can be had by its name, with its phase showing in the SAs and evidence beside it', async () => {
  for (const code of (Object.keys(reasons) as ReasonCode[]).filter((one) => placeOf(one) === 'negotiation')) {
    for (const wanted of [tunnel, v2]) {
      const { world, report, step } = await start(wanted)
      world.interference = { tunnel: (_, place) => (place === placeOf(code) ? code : undefined) }
      world.renegotiate(peer)
      step(0)
      const seen = await report()
      assert.equal(seen.failure?.code, code)
      const isQuiet = reasons[code].severity === 'Normal'
      if (!isQuiet) assert.ok(seen.failure!.evidence.length > 0, code)
      if (code === 'SUBNETS_NARROWED') assert.equal(seen.childSas.length, 1)
      else assert.deepEqual(seen.childSas, [], code)
      const isPhase2 = reasons[code].phase === 2 && code !== 'SUBNETS_NARROWED'
      assert.equal(seen.phase2Failed, isPhase2, code)
      assert.equal(seen.ikeSas.length, isPhase2 || code === 'SUBNETS_NARROWED' ? 1 : 0, code)
      world.interference = {}
      world.renegotiate(peer)
      step(0)
      assert.equal((await report()).failure, undefined, code)
    }
  }
})

test('a reason of BGP or of the health check fails those alone, with the tunnel up', async () => {
  const inside = {
    ...withBgp,
    probe: { destination: '10.2.0.1', source: '10.1.0.1', interval: 3, retry: 3, revokeRoutes: false },
  }
  for (const code of (Object.keys(reasons) as ReasonCode[]).filter((one) => placeOf(one) !== 'negotiation')) {
    const { world, report, step } = await start(inside)
    step(minute)
    assert.equal(insideFailure(await report()), undefined)
    world.interference = { tunnel: (_, place) => (place === placeOf(code) ? code : undefined) }
    world.faultsChanged()
    step(minute)
    const seen = await report()
    assert.equal(seen.childSas.length, 1)
    assert.equal(seen.failure, undefined)
    assert.equal(insideFailure(seen)?.code, code)
    world.interference = {}
    world.faultsChanged()
    step(minute)
    assert.equal(insideFailure(await report()), undefined)
  }
})

test('a daemon that is gone takes its tunnels along, and they come back with it', async () => {
  const { world, report, step } = await start()
  world.setDaemon(gateway.address, false)
  assert.equal((await report()).failure?.code, 'CHARON_DOWN')
  assert.deepEqual((await report()).ikeSas, [])
  world.setDaemon(gateway.address, true)
  step(0)
  assert.equal((await report()).failure, undefined)
})

test('a NAT in between needs NAT traversal', async () => {
  const { world, report, step } = await start({ ...tunnel, natTraversal: false })
  world.setPeer(peer, { nat: true }, true)
  step(0)
  assert.equal((await report()).failure?.code, 'NAT_T_DISABLED')
  const other = await start()
  other.world.setPeer(peer, { nat: true }, true)
  other.step(0)
  assert.equal((await other.report()).ikeSas[0]?.natBetween, true)
})

const proofs = proofsAt(began)
const certified = (wanted: Tunnel, proof: Proof = 'agreeing'): Tunnel => ({
  ...wanted,
  ike: { ...wanted.ike, certificate: proofs.a[proof] },
})

test('a certificate: the mirror has one that agrees, and one that is set differs by what is named', async () => {
  for (const wanted of [certified(v2), certified(tunnel), certified(v2, 'elliptic')]) {
    const { world, report, step } = await start(wanted)
    assert.equal((await report()).failure, undefined)
    for (const [certificate, code] of [
      [{ issuer: { name: 'O=Lab, CN=unknown' } }, 'CERT_UNKNOWN_CA'],
      [{ issuer: { keyId: 'of another key' } }, 'CERT_UNKNOWN_CA'],
      [{ notAfter: began - 1 }, 'CERT_EXPIRED'],
      [{ notBefore: began + hour }, 'CERT_EXPIRED'],
      [{ names: ['branch.example'] }, 'CERT_NAME_MISMATCH'],
      [{ send: 'never' }, 'CERT_MISSING'],
      [{ remoteCa: { name: 'O=Lab, CN=another' } }, 'PEER_REJECTED_CERTIFICATE'],
      [{ remoteCa: { notAfter: began - 1 } }, 'PEER_REJECTED_CERTIFICATE'],
      [null, 'PEER_REJECTED_CERTIFICATE'],
    ] as const) {
      world.setPeer(peer, { certificate, psk: 'not looked at' }, true)
      step(0)
      const { failure } = await report()
      assert.equal(failure?.code, code, JSON.stringify(certificate))
      assert.ok(failure.evidence.length > 1)
      world.setPeer(peer, {}, true)
      step(0)
      assert.equal((await report()).failure, undefined)
    }
  }
})

test('certificates end by the clock, and that shows when a tunnel is negotiated anew', async () => {
  const { world, report, step } = await start(certified(v2))
  world.setPeer(peer, { certificate: { notAfter: began + 2 * hour } })
  step(3 * hour)
  assert.equal((await report()).failure, undefined)
  world.renegotiate(peer)
  step(0)
  assert.equal((await report()).failure?.code, 'CERT_EXPIRED')
  world.setPeer(peer, {}, true)
  step(0)
  assert.equal((await report()).failure, undefined)
  step(20 * 24 * hour)
  world.renegotiate(peer)
  step(0)
  // Nobody has renewed ours here. The peer looks at it first.
  assert.equal((await report()).failure?.code, 'PEER_REJECTED_CERTIFICATE')
  world.peerInitiates(peer)
  step(0)
  // The mirror's is from the same period as the CA that is configured here.
  assert.equal((await report()).failure?.code, 'CERT_EXPIRED')
  world.setPeer(peer, { certificate: { notAfter: began + 100 * 24 * hour } }, true)
  step(0)
  world.peerInitiates(peer)
  step(0)
  assert.equal((await report()).failure?.code, 'CERT_CA_EXPIRED')
})

test('one end with a certificate and one with a key do not agree, and the end that is called says so', async () => {
  const { world, report, step } = await start(v2)
  world.setPeer(peer, { certificate: {} }, true)
  step(0)
  assert.equal((await report()).failure?.code, 'PEER_REJECTED_AUTH')
  world.peerInitiates(peer)
  step(0)
  assert.equal((await report()).failure?.code, 'AUTH_METHOD_MISMATCH')
})

test('a tunnel with a certificate that cannot be is refused', async () => {
  const aggressive = { ...tunnel, ike: { ...tunnel.ike, mode: 'aggressive' as const } }
  await assert.rejects(start(certified(aggressive)), /aggressive mode do not go together/)
  for (const [remoteCa, message] of [
    ['', /of the remote CA is empty/],
    ['no certificate', /cannot be read/],
  ] as const) {
    const certificate = { ...proofs.a.agreeing, remoteCa }
    await assert.rejects(start({ ...v2, ike: { ...v2.ike, certificate } }), message)
  }
})

test('BGP comes up over a tunnel that is up, and learns what the peer announces', async () => {
  const { world, report, step } = await start(withBgp)
  assert.equal((await report()).bgp?.state, 'established')
  world.setPeer(peer, { bgp: { announced: ['172.16.0.0/16', '192.168.0.0/16'] } })
  const { bgp } = await report()
  assert.deepEqual(
    bgp?.learned.map(({ prefix, asPath }) => `${prefix} ${asPath}`),
    ['172.16.0.0/16 65001', '192.168.0.0/16 65001'],
  )
  assert.deepEqual(bgp?.advertised, ['10.1.0.0/24'])
  for (const [change, error] of [
    [{ asn: 65_002 }, 'Bad peer AS: 65002'],
    [{ remoteAsn: 1 }, 'Received: Bad peer AS'],
    [{ authKey: 'another' }, 'Socket: Connection timed out'],
    [{ localIp: '169.254.10.9' }, 'Socket: Connection timed out'],
    [{ enabled: false }, 'Socket: Connection refused'],
  ] as const) {
    world.setPeer(peer, { bgp: change })
    step(10_000)
    const seen = (await report()).bgp
    assert.deepEqual([seen?.state, seen?.lastError, seen?.learned], ['active', error, []])
    assert.equal((await report()).failure, undefined, 'the tunnel itself stays up')
  }
  world.setPeer(peer, {})
  step(10_000)
  assert.equal((await report()).bgp?.state, 'established')
})

test('BGP asks for a tunnel that waits for traffic, and no more than 50 networks are taken from a peer', async () => {
  const { world, report, step } = await start({ ...withBgp, effectImmediately: false })
  assert.equal((await report()).bgp?.state, 'established')
  const many = Array.from({ length: 51 }, (_, index) => `172.16.${index}.0/24`)
  world.setPeer(peer, { bgp: { announced: many } })
  const { bgp } = await report()
  assert.equal(bgp?.learned.length, 50)
  assert.equal(bgp?.lastError, 'the peer announces more than 50 networks; the others are not taken')
  world.setNetwork(peer, { silent: true })
  step(minute)
  assert.equal((await report()).bgp?.lastError, 'the tunnel carries no packets')
})

test('without any packet the hold timer ends BGP, and the end of the tunnel ends it at once', async () => {
  const { world, report, step } = await start({ ...withBgp, dpd: false }, profiles['like-the-cloud'])
  step(minute)
  world.setNetwork(peer, { silent: true })
  step(29_000)
  assert.equal((await report()).bgp?.state, 'established')
  step(2_000)
  assert.deepEqual(
    [(await report()).bgp?.state, (await report()).bgp?.lastError],
    ['active', 'Hold timer expired'],
  )
  world.setNetwork(peer, {})
  step(minute)
  assert.equal((await report()).bgp?.state, 'established')
  world.peerCloses(peer)
  assert.equal((await report()).bgp?.state, 'idle')
})

test('the health check changes its verdict after so many probes in a row', async () => {
  const probe = { source: '10.1.0.1', destination: '10.2.0.1', interval: 3, retry: 3, revokeRoutes: false }
  const { world, report, step } = await start({ ...v2, probe })
  assert.equal((await report()).probe?.succeeding, undefined)
  step(9_000)
  assert.deepEqual([(await report()).probe?.succeeding, (await report()).probe?.received], [true, 3])
  assert.ok((await report()).probe!.rtt! > 10)
  world.setPeer(peer, { echo: false })
  step(6_000)
  assert.equal((await report()).probe?.succeeding, true)
  step(3_000)
  assert.equal((await report()).probe?.succeeding, false)
})

test('work that is stuck ends when the fault goes, slow work later, failed work with its message', async () => {
  const clock = new VirtualClock(0, 0)
  const world = new World({ clock, seed: 1, profile: profiles.instant })
  const engine = world.engine()
  let done = false
  world.interference = { task: () => ({ kind: 'stuck' }) }
  const stuck = engine.gateways.apply(gateway).then(() => {
    done = true
  })
  clock.advance(hour)
  await Promise.resolve()
  assert.deepEqual([done, world.waiting], [false, 1])
  world.interference = {}
  world.faultsChanged()
  await stuck

  world.interference = { task: () => ({ kind: 'slow', delay: 5_000 }) }
  const slow = engine.tunnels.apply(tunnel)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(world.waiting, 1)
  clock.advance(5_000)
  await slow

  world.interference = { task: () => ({ kind: 'failed', message: 'no room' }) }
  await assert.rejects(engine.tunnels.remove(tunnel.id), (error: unknown) => {
    return error instanceof EngineError && error.message === 'no room'
  })
})

test('durations of a profile may be a list, used up one by one', async () => {
  const { clock, world, engine } = await start()
  world.pace.change({ ...profiles.instant, durations: { ...profiles.instant.durations, tunnel: [0, 1_000] } })
  await engine.tunnels.apply({ ...tunnel, generation: 2 })
  const second = engine.tunnels.apply({ ...tunnel, generation: 3 })
  await new Promise((resolve) => setImmediate(resolve))
  clock.advance(999)
  assert.equal((await engine.tunnels.observe(tunnel.id))?.generation, 2)
  clock.advance(1)
  await second
  assert.equal((await engine.tunnels.observe(tunnel.id))?.generation, 3)
})

test('the same seed gives the same events, byte by byte; another seed others', async () => {
  const story = async (seed: number) => {
    const { world, step } = await start(withBgp, profiles['like-the-cloud'], seed)
    step(hour)
    world.setNetwork(peer, { loss: 0.3 })
    world.peerCloses(peer)
    step(12 * hour)
    world.setPeer(peer, { psk: 'another' }, true)
    step(hour)
    return world
      .events()
      .map((event) => JSON.stringify(event))
      .join('\n')
  }
  const first = await story(42)
  assert.equal(await story(42), first)
  assert.notEqual(await story(43), first)
})
