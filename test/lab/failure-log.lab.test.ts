/**
 * Two real daemons fail to agree in every way we know of; what each of them logs must give the right reason.
 * `RECORD=1` writes the logs to `src/engine/strongswan/testdata/`, where the unit test reads them.
 *
 * Each case names what end A sees (it initiates) and what end B sees. `undefined`: that end has nothing to complain of.
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Tunnel } from '../../src/engine/engine.ts'
import type { ReasonCode } from '../../src/engine/reason.ts'
import { parseLogEvent } from '../../src/engine/strongswan/failure-log.ts'
import { carriesTraffic, isEstablished } from '../../src/engine/strongswan/observe.ts'
import { type Recorded, renderRecording, replay } from '../../src/engine/strongswan/testdata/recording.ts'
import { ViciSession } from '../../src/engine/strongswan/vici/session.ts'
import { Secret } from '../../src/secret.ts'
import { Lab } from './support/lab.ts'
import type { Peer, PeerSettings } from './support/peer.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false
const record = process.env['RECORD'] === '1'
const directory = new URL('../../src/engine/strongswan/testdata/', import.meta.url)

const kinds = ['main', 'aggressive', 'ikev2'] as const
type Kind = (typeof kinds)[number]
type Expected = ReasonCode | undefined
type Change = Partial<PeerSettings> | ((kind: Kind) => Partial<PeerSettings>)

interface Case {
  readonly name: string
  readonly kinds?: readonly Kind[]
  readonly a?: Change
  readonly b?: Change
  /** What happens; A initiates unless told otherwise. */
  readonly act?: (ends: Ends) => Promise<void>
  readonly sees: { readonly [K in Kind]?: readonly [a: Expected, b: Expected] }
}

interface Ends {
  readonly a: Peer
  readonly b: Peer
  readonly up: () => Promise<unknown>
}

const everyKind = (a: Expected, b: Expected): Case['sees'] => ({
  main: [a, b],
  aggressive: [a, b],
  ikev2: [a, b],
})

const upThen =
  (act: (ends: Ends) => Promise<unknown>) =>
  async (ends: Ends): Promise<void> => {
    await ends.a.initiate()
    await ends.up()
    await act(ends)
  }

const cases: readonly Case[] = [
  { name: 'success', act: upThen(async () => {}), sees: everyKind(undefined, undefined) },
  {
    name: 'wrong-psk',
    b: { psk: 'another key' },
    sees: {
      main: ['PSK_MISMATCH', 'PSK_MISMATCH'],
      aggressive: ['PSK_MISMATCH', 'PEER_REJECTED_AUTH'],
      ikev2: ['PEER_REJECTED_AUTH', 'PSK_MISMATCH'],
    },
  },
  {
    name: 'no-key-at-b',
    act: async ({ a, b }) => {
      await b.commands.request('unload-shared', { id: 'peer' })
      await a.initiate()
    },
    sees: {
      main: ['PEER_HAS_NO_PSK', 'PSK_MISSING'],
      aggressive: ['PEER_HAS_NO_PSK', 'PSK_MISSING'],
      ikev2: ['PEER_REJECTED_AUTH', 'PSK_MISSING'],
    },
  },
  {
    name: 'no-key-at-a',
    act: async ({ a }) => {
      await a.commands.request('unload-shared', { id: 'peer' })
      await a.initiate()
    },
    sees: {
      main: ['PSK_MISSING', undefined],
      aggressive: ['PSK_MISSING', 'PEER_REJECTED_AUTH'],
      ikev2: ['PSK_MISSING', undefined],
    },
  },
  {
    name: 'ike-encryption',
    b: { proposals: ['aes256-sha1-modp1024'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_ENCRYPTION_MISMATCH'),
  },
  {
    name: 'ike-authentication',
    b: { proposals: ['aes128-sha256-modp1024', 'aes128-md5-modp1024'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_AUTHENTICATION_MISMATCH'),
  },
  {
    name: 'ike-dh-group',
    b: { proposals: ['aes128-sha1-modp2048'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_DH_GROUP_MISMATCH'),
  },
  {
    name: 'ike-everything',
    b: { proposals: ['3des-md5-modp2048'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_PROPOSAL_MISMATCH'),
  },
  {
    name: 'ike-version',
    b: (kind) => ({ version: kind === 'ikev2' ? 1 : 2, aggressive: false }),
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_VERSION_MISMATCH'),
  },
  {
    name: 'ike-mode',
    kinds: ['main', 'aggressive'],
    b: (kind) => ({ aggressive: kind === 'main' }),
    sees: {
      main: ['PEER_REJECTED_AUTH', 'MODE_MISMATCH'],
      aggressive: ['PEER_REJECTED_AUTH', 'MODE_MISMATCH'],
    },
  },
  {
    name: 'b-has-another-identity',
    b: { localId: 'fqdn:b.example' },
    sees: {
      main: ['ID_MISMATCH', 'PEER_CLOSED'],
      aggressive: ['ID_MISMATCH', 'PEER_REJECTED_AUTH'],
      ikev2: ['PEER_REJECTED_AUTH', 'ID_MISMATCH'],
    },
  },
  {
    name: 'b-expects-another-identity',
    b: { remoteId: 'fqdn:a.example' },
    sees: everyKind('PEER_REJECTED_AUTH', 'ID_MISMATCH'),
  },
  {
    name: 'esp-encryption',
    b: { espProposals: ['aes256-sha1-modp1024'] },
    sees: everyKind('ESP_PROPOSAL_MISMATCH', 'ESP_ENCRYPTION_MISMATCH'),
  },
  {
    name: 'esp-authentication',
    b: { espProposals: ['aes128-sha512-modp1024'] },
    sees: everyKind('ESP_PROPOSAL_MISMATCH', 'ESP_AUTHENTICATION_MISMATCH'),
  },
  {
    name: 'pfs',
    kinds: ['main', 'aggressive'],
    b: { espProposals: ['aes128-sha1-modp2048'] },
    sees: {
      main: ['ESP_PROPOSAL_MISMATCH', 'PFS_MISMATCH'],
      aggressive: ['ESP_PROPOSAL_MISMATCH', 'PFS_MISMATCH'],
    },
  },
  {
    // The group of the first CHILD_SA is that of the IKE_SA: the difference shows when the CHILD_SA is replaced.
    name: 'pfs-at-rekey',
    kinds: ['ikev2'],
    a: { child: { rekey_time: '0s', life_time: '3s' } },
    b: { espProposals: ['aes128-sha1-modp2048'], child: { rekey_time: '0s' } },
    act: upThen(async ({ a }) => {
      await a.commands.request('rekey', { child: 'child-1' })
      await a.logged(/CHILD_SA rekeying failed/)
      await until('no child', async () => !(await a.sas()).childSas.some(carriesTraffic))
    }),
    sees: { ikev2: ['PFS_MISMATCH', 'PFS_MISMATCH'] },
  },
  {
    name: 'subnets',
    b: { remoteSubnets: ['10.99.0.0/24'] },
    sees: everyKind('SUBNET_MISMATCH', 'SUBNET_MISMATCH'),
  },
  {
    name: 'silence',
    act: async ({ a, b }) => {
      const undo = await lab!.drop(b.netns, 'meta l4proto udp')
      await a.initiate()
      await a.logged(/giving up/)
      await undo()
    },
    sees: everyKind('PEER_SILENT', undefined),
  },
  {
    name: 'port-4500-closed',
    act: async ({ a, b }) => {
      const undo = await lab!.drop(b.netns, 'udp dport 4500')
      await a.initiate()
      await a.logged(/giving up/)
      await undo()
    },
    sees: {
      main: ['AUTH_SILENT', undefined],
      aggressive: ['CHILD_TIMEOUT', 'IKE_TIMEOUT'],
      ikev2: ['IKE_TIMEOUT', undefined],
    },
  },
  {
    name: 'no-route',
    a: { remote: '203.0.113.5' },
    act: async ({ a }) => {
      await a.initiate()
      await a.logged(/giving up/)
    },
    sees: everyKind('NO_ROUTE', undefined),
  },
  {
    name: 'keys-not-installed',
    act: async ({ a, b }) => {
      // In userspace ESP the daemon needs an address inside its local selector.
      await lab!.in(a.netns, 'ip', 'addr', 'del', '10.1.0.1/24', 'dev', 'lo')
      await a.initiate()
      await a.logged(/unable to install/)
      await b.logged(/NO_PROPOSAL_CHOSEN|DELETE for ESP/)
      await lab!.in(a.netns, 'ip', 'addr', 'add', '10.1.0.1/24', 'dev', 'lo')
    },
    sees: {
      main: ['LOCAL_KERNEL', 'ESP_PROPOSAL_MISMATCH'],
      aggressive: ['LOCAL_KERNEL', 'ESP_PROPOSAL_MISMATCH'],
      ikev2: ['LOCAL_KERNEL', 'PEER_CLOSED'],
    },
  },
  {
    name: 'b-closes',
    act: upThen(({ b }) => b.terminate()),
    sees: everyKind('PEER_CLOSED', undefined),
  },
  {
    name: 'b-closes-the-child',
    act: upThen(({ b }) => b.commands.request('terminate', { child: 'child-1', timeout: '-1' })),
    sees: everyKind('PEER_CLOSED', undefined),
  },
  {
    name: 'b-dies',
    a: { connection: { dpd_delay: '1s', dpd_timeout: '2s' } },
    act: upThen(async ({ a, b }) => {
      const undo = await lab!.drop(b.netns, 'meta l4proto udp')
      await a.logged(/DPD check timed out|giving up/)
      await undo()
    }),
    sees: everyKind('DPD_TIMEOUT', undefined),
  },
  {
    name: 'rekey-of-the-child',
    act: upThen(async ({ a, b }) => {
      await a.commands.request('rekey', { child: 'child-1' })
      await until('two CHILD_SAs established', () => count(b, /CHILD_SA .* established/) >= 2)
      await b.commands.request('rekey', { child: 'child-1' })
      await until('three CHILD_SAs established', () => count(a, /CHILD_SA .* established/) >= 3)
    }),
    sees: everyKind(undefined, undefined),
  },
  {
    name: 'rekey-of-ike',
    act: upThen(async ({ a, b }) => {
      await a.commands.request('rekey', { ike: 'peer' })
      await until('a second IKE_SA', () => count(b, /IKE_SA .* (established|rekeyed)/) >= 2)
    }),
    sees: everyKind(undefined, undefined),
  },
]

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

  for (const each of cases) {
    for (const kind of each.kinds ?? kinds) {
      await t.test(`${each.name}, ${kind}`, async () => {
        const ofKind = { version: kind === 'ikev2' ? 2 : 1, aggressive: kind === 'aggressive' } as const
        const changed = (change: Change | undefined) =>
          typeof change === 'function' ? change(kind) : (change ?? {})
        const atA = { ...settings, ...ofKind, ...changed(each.a) }
        const atB = { ...mirrored, ...ofKind, ...changed(each.b) }
        await b.load(atB)
        await a.load(atA)
        a.log.length = 0
        b.log.length = 0
        const recorders = [await Recorder.start(a), await Recorder.start(b)]
        const [expectedA, expectedB] = each.sees[kind]!
        try {
          if (each.act) await each.act({ a, b, up })
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
          for (const [end, peer, recorded, expected] of [
            ['a', atA, linesA!, expectedA],
            ['b', atB, linesB!, expectedB],
          ] as const) {
            if (record) {
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
})
