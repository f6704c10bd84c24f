/**
 * Two real daemons fail to agree in every way we know of; what each of them logs must give the right reason.
 * `RECORD=1` writes the logs to `src/engine/strongswan/testdata/`, where the unit test reads them; `CASES=cert` runs
 * the causes alone whose names begin so.
 *
 * The causes, and what end A (it initiates) and end B see of them, stand in `test/support/causes.ts`.
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Tunnel } from '../../src/engine/engine.ts'
import type { ReasonCode } from '../../src/engine/reason.ts'
import { parseLogEvent } from '../../src/engine/strongswan/failure-log.ts'
import { carriesTraffic, isEstablished } from '../../src/engine/strongswan/observe.ts'
import { type Recorded, renderRecording, replay } from '../../src/engine/strongswan/testdata/recording.ts'
import { ViciSession } from '../../src/engine/strongswan/vici/session.ts'
import { Secret } from '../../src/secret.ts'
import {
  allCauses,
  changeOf,
  type EndChange,
  type Happening,
  kinds,
  type Proof,
  tableOfCauses,
} from '../support/causes.ts'
import { type Issued, OpensslCa } from '../support/openssl.ts'
import { Lab } from './support/lab.ts'
import type { Peer, PeerSettings } from './support/peer.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false
const record = process.env['RECORD'] === '1'
const wanted = process.env['CASES'] ?? ''
const directory = new URL('../../src/engine/strongswan/testdata/', import.meta.url)

interface Ends {
  readonly a: Peer
  readonly b: Peer
  readonly up: () => Promise<unknown>
}

type Proofs = Readonly<Record<Proof, Partial<PeerSettings>>>

/** What both ends can prove themselves with, each by a CA of its own side, and the certificate of a third CA. */
async function certified(): Promise<{ readonly a: Proofs; readonly b: Proofs; readonly other: string }> {
  const rsa = (name: string) => OpensslCa.create(name, 'rsa')
  const [ofA, ofB, other, namesakeOfA, namesakeOfB, elliptic] = await Promise.all([
    ...[rsa('side A'), rsa('side B'), rsa('somebody'), rsa('side A'), rsa('side B')],
    OpensslCa.create('elliptic', 'p256'),
  ] as const)
  const proofs = async (
    address: string,
    own: OpensslCa,
    theirs: OpensslCa,
    namesake: OpensslCa,
  ): Promise<Proofs> => {
    const names = `IP:${address}`
    const end = async (issued: Promise<Issued>, remoteCa: string) => {
      const { certificate, key } = await issued
      return { certificate: { own: certificate, ownKey: key, remoteCa } }
    }
    const [ca, expired] = [theirs.certificate, await theirs.renew(-1)]
    await theirs.renew()
    return {
      agreeing: await end(own.issue({ names }), ca),
      'of-another-ca': await end(other.issue({ names }), ca),
      expired: await end(own.issue({ names, days: -1 }), ca),
      'of-another-name': await end(own.issue({ names: 'IP:198.51.100.9' }), ca),
      'not-shown': { ...(await end(own.issue({ names }), ca)), connection: { send_cert: 'never' } },
      'shown-unasked': { ...(await end(own.issue({ names }), ca)), connection: { send_cert: 'always' } },
      'trusting-a-namesake': await end(own.issue({ names }), namesake.certificate),
      'trusting-an-expired-ca': await end(own.issue({ names }), expired),
      elliptic: await end(elliptic.issue({ names }), elliptic.certificate),
      'elliptic-to-rsa': await end(elliptic.issue({ names }), ca),
      'rsa-to-elliptic': await end(own.issue({ names }), elliptic.certificate),
    }
  }
  const found = {
    a: await proofs('198.51.100.1', ofA, ofB, namesakeOfB),
    b: await proofs('198.51.100.2', ofB, ofA, namesakeOfA),
    other: other.certificate,
  }
  await Promise.all([ofA, ofB, other, namesakeOfA, namesakeOfB, elliptic].map((ca) => ca.close()))
  return found
}
const proofs = skip ? undefined : await certified()

/** How a happening is brought about between two daemons, and which settings it needs. */
interface Provocation {
  readonly a?: Partial<PeerSettings>
  readonly b?: Partial<PeerSettings>
  readonly act: (ends: Ends) => Promise<void>
}

const upThen = (act: (ends: Ends) => Promise<unknown>) => ({
  async act(ends: Ends): Promise<void> {
    await ends.a.initiate()
    await ends.up()
    await act(ends)
  },
})

/** The daemon of an end trusts one more CA, as it would for another connection. */
const trusting = (which: 'a' | 'b') => ({
  async act(ends: Ends): Promise<void> {
    await ends[which].commands.request('load-cert', { type: 'X509', flag: 'CA', data: proofs!.other })
    await ends.a.initiate()
    await ends[which].logged(/constraint check failed/)
  },
})

const provocations: Readonly<Record<Happening, Provocation>> = {
  'it-comes-up': upThen(async () => {}),
  'b-has-no-key': {
    async act({ a, b }) {
      await b.commands.request('unload-shared', { id: 'peer' })
      await a.initiate()
    },
  },
  'a-has-no-key': {
    async act({ a }) {
      await a.commands.request('unload-shared', { id: 'peer' })
      await a.initiate()
    },
  },
  'the-child-is-rekeyed-by-a': {
    a: { child: { rekey_time: '0s', life_time: '3s' } },
    b: { child: { rekey_time: '0s' } },
    ...upThen(async ({ a }) => {
      await a.commands.request('rekey', { child: 'child-1' })
      await a.logged(/CHILD_SA rekeying failed/)
      await until('no child', async () => !(await a.sas()).childSas.some(carriesTraffic))
    }),
  },
  'b-is-silent': {
    async act({ a, b }) {
      const undo = await lab!.drop(b.netns, 'meta l4proto udp')
      await a.initiate()
      await a.logged(/giving up/)
      await undo()
    },
  },
  'port-4500-is-closed': {
    async act({ a, b }) {
      const undo = await lab!.drop(b.netns, 'udp dport 4500')
      await a.initiate()
      await a.logged(/giving up/)
      await undo()
    },
  },
  'there-is-no-route': {
    async act({ a }) {
      await a.initiate()
      await a.logged(/giving up/)
    },
  },
  'a-cannot-install-keys': {
    async act({ a, b }) {
      // In userspace ESP the daemon needs an address inside its local selector.
      await lab!.in(a.netns, 'ip', 'addr', 'del', '10.1.0.1/24', 'dev', 'lo')
      await a.initiate()
      await a.logged(/unable to install/)
      await b.logged(/NO_PROPOSAL_CHOSEN|DELETE for ESP/)
      await lab!.in(a.netns, 'ip', 'addr', 'add', '10.1.0.1/24', 'dev', 'lo')
    },
  },
  'b-closes-the-tunnel': upThen(({ b }) => b.terminate()),
  'b-closes-the-child': upThen(({ b }) =>
    b.commands.request('terminate', { child: 'child-1', timeout: '-1' }),
  ),
  'b-dies': {
    a: { connection: { dpd_delay: '1s', dpd_timeout: '2s' } },
    ...upThen(async ({ a, b }) => {
      const undo = await lab!.drop(b.netns, 'meta l4proto udp')
      await a.logged(/DPD check timed out|giving up/)
      await undo()
    }),
  },
  'both-rekey-the-child': upThen(async ({ a, b }) => {
    await a.commands.request('rekey', { child: 'child-1' })
    await until('two CHILD_SAs established', () => count(b, /CHILD_SA .* established/) >= 2)
    await b.commands.request('rekey', { child: 'child-1' })
    await until('three CHILD_SAs established', () => count(a, /CHILD_SA .* established/) >= 3)
  }),
  'a-trusts-one-more-ca': trusting('a'),
  'b-trusts-one-more-ca': trusting('b'),
  'a-rekeys-ike': upThen(async ({ a, b }) => {
    await a.commands.request('rekey', { ike: 'peer' })
    await until('a second IKE_SA', () => count(b, /IKE_SA .* (established|rekeyed)/) >= 2)
  }),
}

const count = (peer: Peer, pattern: RegExp) =>
  peer.log.filter((line) => pattern.test(String(line['msg']))).length

const settings: PeerSettings = {
  version: 1,
  local: '198.51.100.1',
  remote: '198.51.100.2',
  psk: 'a key',
  localSubnets: ['10.1.0.0/24'],
  remoteSubnets: ['10.2.0.0/24'],
}
const mirrored: PeerSettings = {
  ...settings,
  local: settings.remote,
  remote: settings.local,
  localSubnets: settings.remoteSubnets,
  remoteSubnets: settings.localSubnets,
}

/** The tunnel as the failure log of one end knows it; only what reasons depend on. */
function tunnelOf(end: PeerSettings): Tunnel {
  return {
    id: 'peer',
    connectionId: 'peer',
    gatewayId: 'gateway',
    slot: 1,
    generation: 1,
    localAddress: end.local,
    remoteAddress: end.remote,
    ike: {
      version: end.version === 1 ? 'ikev1' : 'ikev2',
      mode: end.aggressive ? 'aggressive' : 'main',
      encryption: 'aes',
      authentication: 'sha1',
      dhGroup: 'group2',
      lifetime: 86_400,
      localId: end.localId ?? end.local,
      remoteId: end.remoteId ?? end.remote,
      psk: new Secret(end.psk),
      ...(end.certificate && {
        certificate: {
          remoteCa: end.certificate.remoteCa,
          own: end.certificate.own ?? '',
          ownKey: new Secret(end.certificate.ownKey),
        },
      }),
    },
    ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
    localSubnets: end.localSubnets,
    remoteSubnets: end.remoteSubnets,
    dpd: true,
    natTraversal: true,
    effectImmediately: true,
  }
}

/** Writes down what a daemon logs and, after every event, what it has. */
class Recorder {
  readonly #peer: Peer
  readonly #session: ViciSession
  readonly #began = Date.now()
  #recorded: Recorded[] = []
  #reading: Promise<unknown> = Promise.resolve()

  private constructor(peer: Peer, session: ViciSession) {
    this.#peer = peer
    this.#session = session
  }

  static async start(peer: Peer): Promise<Recorder> {
    const recorder = new Recorder(peer, await ViciSession.connect(peer.charon.socket))
    const events = ['log', 'ike-updown', 'child-updown', 'child-rekey', 'ike-rekey']
    await recorder.#session.subscribe(events, (event, message) => {
      const at = Date.now() - recorder.#began
      if (event === 'log') recorder.#recorded.push({ kind: 'line', ...parseLogEvent(message, at) })
      else recorder.#reading = recorder.#reading.then(() => recorder.#readSas())
    })
    return recorder
  }

  async #readSas(): Promise<void> {
    const { ikeSas, childSas } = await this.#peer.sas()
    this.#recorded.push({
      kind: 'sas',
      at: Date.now() - this.#began,
      up: childSas.some(carriesTraffic),
      newestIke: ikeSas.filter(isEstablished).at(-1)?.uniqueId,
    })
  }

  /** What was recorded so far, once nothing more comes for a while. */
  async end(): Promise<readonly Recorded[]> {
    for (let before = -1; before !== this.#recorded.length; ) {
      before = this.#recorded.length
      await pause(300)
      await this.#reading
    }
    this.#session.close()
    return this.#recorded
  }
}

const lab = skip ? undefined : await Lab.create()
after(() => lab?.close())

test('every way to fail gives its reason at both ends', { skip }, async (t) => {
  const daemon = { retransmit_timeout: '0.3', retransmit_base: '1', retransmit_tries: '3' }
  const a = await lab!.peer('a', '198.51.100.1/24', ['10.1.0.1/24'], daemon)
  const b = await lab!.peer('b', '198.51.100.2/24', ['10.2.0.1/24'], daemon)
  const version = String((await a.commands.request('version'))['version'])
  if (record) await mkdir(directory, { recursive: true })
  const up = () =>
    until('both ends up', async () =>
      [await a.sas(), await b.sas()].every(({ childSas }) => childSas.some(carriesTraffic)),
    )

  const seen = new Map<string, readonly [ReasonCode | undefined, ReasonCode | undefined]>()
  for (const each of allCauses.filter(({ name }) => name.startsWith(wanted))) {
    const provocation = each.happening && provocations[each.happening]
    for (const kind of each.kinds ?? kinds) {
      await t.test(`${each.name}, ${kind}`, async () => {
        const ofKind = { version: kind === 'ikev2' ? 2 : 1, aggressive: kind === 'aggressive' } as const
        const proofOf = (end: 'a' | 'b', { proof }: EndChange) => proof && proofs![end][proof]
        const [changeA, changeB] = [each.a ?? {}, changeOf(each.b, kind)]
        const atA = { ...settings, ...ofKind, ...changeA, ...proofOf('a', changeA), ...provocation?.a }
        const atB = { ...mirrored, ...ofKind, ...changeB, ...proofOf('b', changeB), ...provocation?.b }
        await b.load(atB)
        await a.load(atA)
        a.log.length = 0
        b.log.length = 0
        const recorders = [await Recorder.start(a), await Recorder.start(b)]
        const [expectedA, expectedB] = each.sees[kind]!
        try {
          if (provocation) await provocation.act({ a, b, up })
          else {
            await a.initiate()
            // Whichever end complains last: wait for the words of both below.
            await until('the expected reasons', async () => {
              const seen = [a, b].map((peer, index) => {
                const lines = peer.log.map((line) => ({ kind: 'line' as const, ...parseLogEvent(line, 0) }))
                return replay(lines, tunnelOf(index === 0 ? atA : atB)).shown.at(-1)?.code
              })
              return seen[0] === expectedA && seen[1] === expectedB
            }).catch(() => {})
          }
        } finally {
          const [linesA, linesB] = await Promise.all(recorders.map((recorder) => recorder.end()))
          await Promise.all([a.dropSas(), b.dropSas()])
          const ends = [
            ['a', atA, linesA!, expectedA],
            ['b', atB, linesB!, expectedB],
          ] as const
          for (const [end, peer, recorded, expected] of record ? ends : []) {
            const header = [
              `strongSwan ${version}: ${each.name}, ${kind}, as end ${end} saw it (test/lab/failure-log.lab.test.ts)`,
              `tunnel: ${JSON.stringify(tunnelOf(peer))}`,
              `expected: ${expected ?? 'none'}`,
            ]
            await writeFile(
              new URL(`${each.name}-${kind}-${end}.txt`, directory),
              renderRecording(header, recorded),
            )
          }
          const codes = ends.map(([, peer, recorded]) => replay(recorded, tunnelOf(peer)).shown.at(-1)?.code)
          seen.set(`${each.name} ${kind}`, [codes[0], codes[1]])
          for (const [end, peer, recorded, expected] of ends) {
            const { shown } = replay(recorded, tunnelOf(peer))
            const told = recorded.map((entry) => (entry.kind === 'line' ? entry.text : JSON.stringify(entry)))
            assert.equal(
              shown.at(-1)?.code,
              expected,
              `end ${end} shows the wrong reason:\n${told.join('\n')}`,
            )
          }
        }
      })
    }
  }
  if (wanted !== '') return
  const table = tableOfCauses((cause, kind) => seen.get(`${cause.name} ${kind}`) ?? [undefined, undefined])
  console.log(table)
  const kept = await readFile(new URL('../../docs/reasons.md', import.meta.url), 'utf8')
  assert(kept.includes(table), 'docs/reasons.md keeps another table: npm run coverage')
})
