/** The on-premises end of a tunnel: a second strongSwan, driven by the test. */
import { type ObservedSas, observeSas } from '../../../src/engine/strongswan/observe.ts'
import type { ViciMessage, ViciSection } from '../../../src/engine/strongswan/vici/message.ts'
import { ViciSession } from '../../../src/engine/strongswan/vici/session.ts'
import { Charon } from './charon.ts'
import { until } from './until.ts'

/** What the peer has configured. Written out on its own, so that it shares no mistake with our renderer. */
export interface PeerSettings {
  readonly version: 1 | 2
  readonly aggressive?: boolean
  readonly local: string
  readonly remote: string
  readonly localId?: string
  readonly remoteId?: string
  readonly psk: string
  /** Instead of the pre-shared key. All PEM; `own` absent: it has a key and no certificate to show. */
  readonly certificate?: { readonly own?: string; readonly ownKey: string; readonly remoteCa: string }
  readonly proposals?: readonly string[]
  readonly espProposals?: readonly string[]
  /** Instead of ESP. */
  readonly ahProposals?: readonly string[]
  readonly mode?: 'transport'
  /** Name of the connection; a peer of several tunnels has several. */
  readonly name?: string
  readonly localSubnets: readonly string[]
  readonly remoteSubnets: readonly string[]
  /** Further settings of the connection and of each of its children, in the daemon's words. */
  readonly connection?: ViciSection
  readonly child?: ViciSection
}

const connectionName = 'peer'

export class Peer {
  readonly netns: string
  readonly #charon: Charon
  #commands: ViciSession | undefined
  #events: ViciSession | undefined
  readonly #settings = new Map<string, PeerSettings>()
  /** Everything its daemon has logged since it was started first, newest last. */
  readonly log: ViciMessage[] = []

  private constructor(netns: string, charon: Charon) {
    this.netns = netns
    this.#charon = charon
  }

  static async start(netns: string, settings?: Readonly<Record<string, string>>): Promise<Peer> {
    const peer = new Peer(netns, await Charon.start(netns, settings))
    await peer.#connect()
    return peer
  }

  get charon(): Charon {
    return this.#charon
  }

  get commands(): ViciSession {
    if (!this.#commands) throw new Error('the peer does not run')
    return this.#commands
  }

  /** Configures the peer, or changes what is configured. Running SAs keep their settings. */
  async load(settings: PeerSettings): Promise<void> {
    const {
      name = connectionName,
      version,
      local,
      remote,
      localId = local,
      remoteId = remote,
      certificate,
    } = settings
    this.#settings.set(name, settings)
    // A daemon trusts what it has trusted once, until it is told to forget everything.
    if (this.#settings.size === 1) await this.#expect('clear-creds', {})
    if (certificate) await this.#expect('load-key', { type: 'any', data: certificate.ownKey })
    else {
      await this.#expect('load-shared', {
        id: name,
        type: 'IKE',
        data: settings.psk,
        owners: [localId, remoteId],
      })
    }
    const auth = certificate ? 'pubkey' : 'psk'
    const pairs =
      version === 2
        ? [{ local_ts: settings.localSubnets, remote_ts: settings.remoteSubnets }]
        : settings.localSubnets.flatMap((from) =>
            settings.remoteSubnets.map((to) => ({ local_ts: [from], remote_ts: [to] })),
          )
    await this.#expect('load-conn', {
      [name]: {
        version: `${version}`,
        aggressive: settings.aggressive ? 'yes' : 'no',
        local_addrs: [local],
        remote_addrs: [remote],
        proposals: settings.proposals ?? ['aes128-sha1-modp1024'],
        mobike: 'no',
        local: { auth, id: localId, ...(certificate?.own && { certs: [certificate.own] }) },
        remote: { auth, id: remoteId, ...(certificate && { cacerts: [certificate.remoteCa] }) },
        ...settings.connection,
        children: Object.fromEntries(
          pairs.map((selectors, index) => [
            `child-${index + 1}`,
            {
              ...selectors,
              ...(settings.ahProposals
                ? { ah_proposals: settings.ahProposals }
                : { esp_proposals: settings.espProposals ?? ['aes128-sha1-modp1024'] }),
              ...(settings.mode && { mode: settings.mode }),
              ...settings.child,
            },
          ]),
        ),
      },
    })
    this.#children = pairs.length
  }

  #children = 0

  /** Starts to negotiate every child and returns at once. */
  async initiate(): Promise<void> {
    for (let child = 1; child <= this.#children; child++) {
      await this.#expect('initiate', { ike: connectionName, child: `child-${child}`, timeout: '-1' })
    }
  }

  /** Closes whatever is up, telling the other end. */
  async terminate(name = connectionName): Promise<void> {
    await this.commands.request('terminate', { ike: name, timeout: '5000' })
  }

  /** Drops every SA, half-open ones too, without telling the other end. */
  async dropSas(): Promise<void> {
    await until(`no SA at ${this.netns}`, async () => {
      const { ikeSas } = await this.sas()
      for (const { uniqueId } of ikeSas) {
        await this.commands.request('terminate', { 'ike-id': uniqueId, force: 'yes', timeout: '-1' })
      }
      return ikeSas.length === 0
    })
  }

  async sas(): Promise<ObservedSas> {
    const all = observeSas(await this.commands.stream('list-sas', 'list-sa'))
    return {
      ikeSas: [...all.values()].flatMap(({ ikeSas }) => ikeSas),
      childSas: [...all.values()].flatMap(({ childSas }) => childSas),
    }
  }

  /** Dies without a word. */
  async kill(): Promise<void> {
    this.#disconnect()
    await this.#charon.kill()
  }

  /** Comes back after `kill`, with what was configured. */
  async restart(): Promise<void> {
    await this.#charon.restart()
    await this.#connect()
    for (const settings of this.#settings.values()) await this.load(settings)
  }

  async close(): Promise<void> {
    this.#disconnect()
    await this.#charon.close()
  }

  async #connect(): Promise<void> {
    this.#commands = await ViciSession.connect(this.#charon.socket)
    this.#events = await ViciSession.connect(this.#charon.socket)
    await this.#events.subscribe(['log'], (_, message) => this.log.push(message))
  }

  #disconnect(): void {
    this.#commands?.close()
    this.#events?.close()
    this.#commands = undefined
    this.#events = undefined
  }

  async #expect(command: string, message: ViciSection): Promise<void> {
    const answer = await this.commands.request(command, message)
    if (answer['success'] !== 'yes') throw new Error(`peer: ${command}: ${String(answer['errmsg'])}`)
  }

  /** Waits for a line of its log that matches. */
  logged(pattern: RegExp, timeoutMs = 10_000): Promise<ViciMessage> {
    return until(
      `${pattern} in the log of ${this.netns}`,
      () => this.log.find((line) => pattern.test(String(line['msg']))),
      { timeoutMs },
    )
  }
}
