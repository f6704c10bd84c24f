/**
 * The words that we say to charon about tunnels. Every negotiation is begun and ended without waiting
 * (`timeout=-1`): how it went is seen in the SAs, and waiting commands can lock up each other in the daemon.
 */
import { EngineError, type Tunnel, type TunnelId } from '../engine.ts'
import type { Log } from '../linux/process.ts'
import { seeTunnel } from './held-tunnel.ts'
import { renderPrivateKey, renderShared } from './render.ts'
import { listOf, textOf, type ViciMessage, type ViciSection } from './vici/message.ts'
import { ViciError, type ViciSession } from './vici/session.ts'

/** Three thousand SAs take 2.3 s. */
const listLimitMs = 10_000

export class CharonCommands {
  readonly #daemon: string
  readonly #session: () => ViciSession | undefined
  readonly #log: Log

  /** @param daemon its name, for errors; @param session the conversation now, if there is one */
  constructor(daemon: string, session: () => ViciSession | undefined, log: Log) {
    this.#daemon = daemon
    this.#session = session
    this.#log = log
  }

  /** Names of the connections that are loaded. */
  async connections(): Promise<readonly string[]> {
    return listOf(await this.#request('get-conns'), 'conns')
  }

  /**
   * Loads what we prove ourselves with: the private key of our certificate, or the pre-shared key.
   *
   * @throws EngineError when the daemon refuses it: trying again does not help then
   */
  async loadKey({ id, ike }: Tunnel): Promise<void> {
    if (ike.certificate) await this.#must('load-key', id, renderPrivateKey(ike.certificate.ownKey))
    else await this.#must('load-shared', id, renderShared({ id, ike }))
  }

  /** Whether private keys are loaded, of which every certificate of ours has one. */
  async hasPrivateKeys(): Promise<boolean> {
    return listOf(await this.#request('get-keys'), 'keys').length > 0
  }

  /** Takes away every key and every certificate. Connections stay, and cannot be negotiated without theirs. */
  async clearCredentials(): Promise<void> {
    await this.#request('clear-creds')
  }

  /** Harmless to running SAs, which keep the settings they were made with. @throws EngineError as `loadKey` */
  async loadConnection(id: TunnelId, connection: ViciSection): Promise<void> {
    await this.#must('load-conn', id, connection)
  }

  /** Takes a connection and its pre-shared key away, and its SAs with it. */
  async unload(id: TunnelId): Promise<void> {
    await this.#request('unload-conn', { name: id })
    const events = (await this.listSas(id)) ?? []
    for (const ikeSa of seeTunnel(events, id, Date.now()).ikeSas) await this.terminate(ikeSa.uniqueId, true)
    await this.#request('unload-shared', { id })
  }

  /** An answer of `no` means that there is nothing to begin. */
  async initiate(id: TunnelId, child: string): Promise<void> {
    const answer = await this.#request('initiate', { ike: id, child, timeout: '-1' })
    if (textOf(answer, 'success') === 'yes') return
    this.#log('debug', 'initiate refused', { tunnel: id, child, answer: textOf(answer, 'errmsg') })
  }

  /** New keys for one CHILD_SA; the old ones carry traffic until the new ones do. */
  async rekey(childSa: string): Promise<void> {
    await this.#request('rekey', { 'child-id': childSa })
  }

  /** @param force without the peer's consent, which a dead one never gives */
  async terminate(ikeSa: string, force: boolean): Promise<void> {
    await this.#request('terminate', { 'ike-id': ikeSa, force: force ? 'yes' : 'no', timeout: '-1' })
  }

  /**
   * The `list-sa` events of one tunnel, or of all.
   * `undefined` when the daemon is away or does not answer: then nothing is known.
   */
  async listSas(id?: TunnelId): Promise<readonly ViciMessage[] | undefined> {
    const session = this.#session()
    if (!session) return undefined
    try {
      const filter = id === undefined ? {} : { ike: id }
      return await session.stream('list-sas', 'list-sa', filter, { timeoutMs: listLimitMs })
    } catch (error) {
      if (this.#session() === session) {
        this.#log('warn', 'an IKE daemon does not list its SAs', { daemon: this.#daemon, error: `${error}` })
      }
      return undefined
    }
  }

  async #must(command: string, id: TunnelId, message: ViciSection): Promise<void> {
    const answer = await this.#request(command, message)
    if (textOf(answer, 'success') === 'yes') return
    throw new EngineError(`tunnel ${id}: the IKE daemon refused ${command}: ${textOf(answer, 'errmsg')}`, {
      retry: false,
    })
  }

  async #request(command: string, message?: ViciSection): Promise<ViciMessage> {
    const session = this.#session()
    if (!session) throw new EngineError(`${this.#daemon}: the IKE daemon does not run`, { retry: true })
    try {
      return await session.request(command, message)
    } catch (cause) {
      if (!(cause instanceof ViciError)) throw cause
      throw new EngineError(`${this.#daemon}: ${cause.message}`, { retry: true, cause })
    }
  }
}
