/**
 * Every cause that is known to keep two ends apart, with our simulated end as the one that begins and as the one that
 * is called: the codes are those that two real daemons have given, and the evidence is that of their recorded logs.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  allCauses,
  type Cause,
  changeOf,
  type EndChange,
  type Kind,
  kinds,
} from '../../../test/support/causes.ts'
import { proofsAt } from '../../../test/support/proofs.ts'
import { VirtualClock } from '../../clock.ts'
import { Secret } from '../../secret.ts'
import type { AuthenticationAlgorithm, DhGroup, EncryptionAlgorithm, Tunnel } from '../engine.ts'
import { offered } from '../offered.ts'
import { parseRecording, replay } from '../strongswan/testdata/recording.ts'
import { profiles } from './durations.ts'
import { childrenOf, negotiateChild, negotiateIke } from './negotiate.ts'
import { ourSettings, type PeerChange, peerOf } from './peer.ts'
import { gateway, tunnel } from './testdata/ends.ts'
import { World } from './world.ts'

type End = 'a' | 'b'
const minute = 60_000
const start = 1_800_000_000_000
const proofs = proofsAt(start)

/** Settings that are ours at an end of the recordings. */
function tunnelAt(end: End, kind: Kind, change: EndChange): Tunnel {
  const [local, remote] = end === 'a' ? ['198.51.100.1', '198.51.100.2'] : ['198.51.100.2', '198.51.100.1']
  const [localNet, remoteNet] = end === 'a' ? ['10.1.0.0/24', '10.2.0.0/24'] : ['10.2.0.0/24', '10.1.0.0/24']
  const version = change.version === undefined ? kind : change.version === 2 ? 'ikev2' : 'main'
  const aggressive = change.aggressive ?? kind === 'aggressive'
  const ike = parse(change.proposals?.[0] ?? 'aes128-sha1-modp1024')
  const esp = parse(change.espProposals?.[0] ?? 'aes128-sha1-modp1024')
  return {
    ...tunnel,
    localAddress: local!,
    remoteAddress: remote!,
    ike: {
      ...tunnel.ike,
      version: version === 'ikev2' ? 'ikev2' : 'ikev1',
      mode: aggressive ? 'aggressive' : 'main',
      encryption: ike.encryption,
      authentication: ike.authentication,
      dhGroup: ike.group,
      localId: change.localId ?? local!,
      remoteId: change.remoteId ?? remote!,
      psk: new Secret(change.psk ?? 'a key'),
      ...(change.proof && { certificate: proofs[end][change.proof] }),
    },
    ipsec: {
      ...tunnel.ipsec,
      encryption: esp.encryption,
      authentication: esp.authentication,
      pfs: esp.group,
    },
    localSubnets: change.localSubnets ?? [localNet!],
    remoteSubnets: change.remoteSubnets ?? [remoteNet!],
    effectImmediately: end === 'a',
  }
}

const groups: Readonly<Record<string, DhGroup>> = { modp1024: 'group2', modp2048: 'group14' }

function parse(proposal: string) {
  const [encryption = '', authentication = '', group = ''] = proposal.split('-')
  return {
    encryption: encryption.replace('aes128', 'aes') as EncryptionAlgorithm,
    authentication: authentication as AuthenticationAlgorithm,
    group: groups[group]!,
  }
}

/** The other end, whose settings are those of a tunnel of its own. */
const peerAt = (end: End, kind: Kind, change: EndChange): PeerChange => {
  const own = tunnelAt(end, kind, change)
  const { certificate } = ourSettings(own)
  return {
    version: own.ike.version === 'ikev2' ? 2 : 1,
    aggressive: own.ike.version === 'ikev1' && own.ike.mode === 'aggressive',
    local: own.localAddress,
    remote: own.remoteAddress,
    localId: own.ike.localId,
    remoteId: own.ike.remoteId,
    psk: own.ike.psk.reveal(),
    proposals: change.proposals ?? ['aes128-sha1-modp1024'],
    espProposals: change.espProposals ?? ['aes128-sha1-modp1024'],
    ahProposals: change.ahProposals ?? [],
    mode: change.mode ?? 'tunnel',
    localSubnets: own.localSubnets,
    remoteSubnets: own.remoteSubnets,
    certificate: certificate && { ...certificate, send: sending(change) },
  }
}

/** The daemons of the lab send theirs when they are asked; ours always does. */
const sending = ({ proof }: EndChange) =>
  proof === 'not-shown' ? 'never' : proof === 'shown-unasked' ? 'always' : 'ifasked'

/** Another tunnel of the same gateway, which waits for traffic and brings one more CA. */
const trustingOther = (own: Tunnel): Tunnel => ({
  ...own,
  id: 'vco-2',
  connectionId: 'vco-2',
  slot: 2,
  remoteAddress: '198.51.100.77',
  ike: { ...own.ike, certificate: { ...own.ike.certificate!, remoteCa: proofs.other } },
  effectImmediately: false,
})

/**
 * Our end always shows its certificate, and has ESP in tunnel mode alone: what becomes of one that is otherwise is
 * computed from the settings of both.
 */
function playSettings(cause: Cause, kind: Kind, end: End) {
  const changes = { a: cause.a ?? {}, b: changeOf(cause.b, kind) }
  const [a, b] = (['a', 'b'] as const).map((each) =>
    peerOf(tunnelAt(each, kind, changes[each]), [peerAt(each, kind, changes[each])]),
  )
  const ike = negotiateIke(a!, b!, { port4500: true, now: start })
  const { failed } = ike.failed ? ike : negotiateChild(a!, b!, childrenOf(a!)[0]!, false)
  const { code, lines } = failed![end === 'a' ? 'initiator' : 'responder']!
  const [line, ...context] = lines
  const asked = offered(code, tunnelAt(end, kind, changes[end]))
  const evidence = [line, asked, ...context.slice(-4)].filter((text) => text !== undefined)
  return { report: { failure: { code, evidence }, phase2Failed: !ike.failed }, complaints: [] }
}

function canBeOurs(cause: Cause, kind: Kind, end: End): boolean {
  const { proof, ahProposals, mode } = (end === 'a' ? cause.a : changeOf(cause.b, kind)) ?? {}
  return proof !== 'not-shown' && !ahProposals && !mode
}

async function play(cause: Cause, kind: Kind, end: End) {
  const clock = new VirtualClock(start, 0)
  const world = new World({ clock, seed: 1, profile: profiles['like-the-cloud'] })
  const engine = world.engine()
  const isA = end === 'a'
  let own = tunnelAt(end, kind, isA ? (cause.a ?? {}) : changeOf(cause.b, kind))
  let peer = peerAt(isA ? 'b' : 'a', kind, isA ? changeOf(cause.b, kind) : (cause.a ?? {}))
  /** What A does in the recordings happens at our end or at the other one. */
  const atA = (here: () => void, there: () => void) => (isA ? here() : there())
  const network = (change: object) => world.setNetwork(own.remoteAddress, change)
  const noKey = () => {
    own = { ...own, ike: { ...own.ike, psk: new Secret('') } }
  }
  const noKeyThere = () => {
    peer = { ...peer, psk: null }
  }
  let later = () => {}
  let oneMoreCa: 'here' | 'there' | undefined
  switch (cause.happening) {
    case undefined:
    case 'it-comes-up':
    case 'both-rekey-the-child':
    case 'a-rekeys-ike':
      break
    case 'b-has-no-key':
      atA(noKeyThere, noKey)
      break
    case 'a-has-no-key':
      atA(noKey, noKeyThere)
      break
    case 'the-child-is-rekeyed-by-a':
      atA(
        () => {
          own = { ...own, ipsec: { ...own.ipsec, lifetime: 3 } }
        },
        () => {
          peer = { ...peer, lifetime: 3 }
        },
      )
      break
    case 'b-is-silent':
      network({ silent: true })
      break
    case 'there-is-no-route':
      network({ route: false })
      break
    case 'port-4500-is-closed':
      network({ port4500: false })
      break
    case 'a-cannot-install-keys':
      atA(
        () => {
          world.interference = { tunnel: () => 'LOCAL_KERNEL' }
        },
        () => {
          peer = { ...peer, broken: true }
        },
      )
      break
    case 'b-closes-the-tunnel':
      if (isA) later = () => world.peerCloses(own.remoteAddress)
      break
    case 'b-closes-the-child':
      if (isA) later = () => world.peerCloses(own.remoteAddress, 'child')
      break
    case 'a-trusts-one-more-ca':
      oneMoreCa = isA ? 'here' : 'there'
      break
    case 'b-trusts-one-more-ca':
      oneMoreCa = isA ? 'there' : 'here'
      break
    case 'b-dies':
      if (isA) later = () => network({ silent: true })
      break
  }
  world.pace.change({ ...world.pace.profile, retryDelays: [10 * minute], durations: quick })
  await engine.gateways.apply({ ...gateway, address: own.localAddress })
  if (oneMoreCa === 'here') await engine.tunnels.apply(trustingOther(own))
  if (oneMoreCa === 'there') {
    const other = ourSettings(trustingOther(own)).certificate!.remoteCa
    peer = { ...peer, certificate: { ...peer.certificate, otherCas: [other] } }
  }
  world.setPeer(own.remoteAddress, peer)
  await engine.tunnels.apply(own)
  clock.advance(0)
  if (!isA) world.peerInitiates(own.remoteAddress)
  clock.advance(500)
  later()
  clock.advance(cause.name.startsWith('rekey') ? 48 * 60 * minute : 2 * minute)
  const report = (await engine.tunnels.observe(own.id))!
  const complaints = world.events().filter(({ event }) => event === 'fails')
  world.end()
  return { report, complaints }
}

const quick = { ...profiles['like-the-cloud'].durations, gateway: 0, tunnel: 0, removal: 0, dpd: 5_000 }

/** What differs from run to run, and what only the lab's pretended NAT brings, is taken out. */
const comparable = (evidence: readonly string[]) =>
  evidence
    .filter((line) => line !== 'remote host is behind NAT')
    .map((line) =>
      line
        .replace(/after \d+ retransmits/, 'after N retransmits')
        .replace(/SPI [0-9a-f]+/, 'SPI x')
        .replace(/\(valid from .*\)/, '(valid from ... to ...)')
        .replace(/IKE_SA .*$/, 'IKE_SA')
        // The recordings were read with a group that their end did not have.
        .replace(/PFS group\d+$/, 'PFS group')
        // The peer of a recording may offer more than one tunnel of ours can.
        .replace(/^(configured proposals: [^,]*), .*$/, '$1'),
    )

for (const cause of allCauses) {
  for (const kind of cause.kinds ?? kinds) {
    for (const [end, index] of [
      ['a', 0],
      ['b', 1],
    ] as const) {
      const expected = cause.sees[kind]![index]
      test(`${cause.name}, ${kind}, as end ${end}: ${expected ?? 'no complaint'}`, async () => {
        const { report, complaints } = canBeOurs(cause, kind, end)
          ? await play(cause, kind, end)
          : playSettings(cause, kind, end)
        const quiet = ['CONNECTING', 'WAITING_FOR_TRAFFIC']
        const code = report.failure?.code
        assert.equal(code === undefined || quiet.includes(code) ? undefined : code, expected)
        if (expected === undefined) {
          assert.deepEqual(complaints, [])
          return
        }
        const file = new URL(`../strongswan/testdata/${cause.name}-${kind}-${end}.txt`, import.meta.url)
        const { header, recorded } = parseRecording(readFileSync(file, 'utf8'))
        const real = replay(recorded, JSON.parse(header[1]!.slice('tunnel: '.length)))
        assert.deepEqual(comparable(report.failure!.evidence), comparable(real.shown.at(-1)!.evidence))
        assert.equal(report.phase2Failed, real.phase2Failed)
      })
    }
  }
}
