/**
 * The world of the simulated engine: gateways and tunnels that have been made, the devices behind customer gateways,
 * and the networks between them. It outlives engines, as daemons outlive a process.
 *
 *     engine.apply ──▶ tunnel ◀── peer: settings, reboots, closes
 *                        ▲  ▲──── network: silence, loss, latency
 *                        └─────── daemon of the gateway: runs or not
 */
import { isIPv4 } from 'node:net'
import { type Clock, seededRandom } from '../../clock.ts'
import {
  type Engine,
  EngineError,
  type Gateway,
  type GatewayId,
  type Tunnel,
  type TunnelId,
  type TunnelLogLine,
  type TunnelReport,
} from '../engine.ts'
import type { ReasonCode } from '../reason.ts'
import { endCertificateOf } from './certificate.ts'
import { Pace, type Profile } from './durations.ts'
import { networkOf } from './networks.ts'
import { type PeerChange, type PeerSettings, peerOf } from './peer.ts'
import { type Network, openNetwork, SimulatedTunnel, type Surroundings } from './tunnel.ts'
import type { Place } from './words.ts'

export interface WorldEvent {
  /** From 1. */
  readonly number: number
  /** Epoch milliseconds. */
  readonly at: number
  /** `tunnel-1` is the first that was made in this world: the same name in every run, whatever its id is. */
  readonly tunnel: string
  readonly event: string
  readonly detail?: Readonly<Record<string, unknown>>
}

/** What becomes of one piece of work of the engine. */
export interface TaskFault {
  /** `stuck`: never done, until the fault goes. `slow`: takes `delay` milliseconds more. `failed`: refused with `message`. */
  readonly kind: 'stuck' | 'slow' | 'failed'
  readonly delay?: number
  readonly message?: string
}

/** Somebody who wants things to go wrong. */
export interface Interference {
  tunnel?(tunnel: Tunnel, place: Place): ReasonCode | undefined
  task?(what: 'gateway' | 'tunnel' | 'removal', id: string): TaskFault | undefined
}

export interface WorldOptions {
  readonly clock: Clock
  readonly seed: number
  readonly profile: Profile
}

const eventsKept = 100_000

interface Held {
  readonly simulated: SimulatedTunnel
  readonly name: string
}

/** Work that has been asked for and waits for its time. */
interface Waiting {
  readonly reject: (error: Error) => void
  readonly retry: () => void
}

export class World {
  readonly clock: Clock
  readonly pace: Pace
  readonly seed: number
  interference: Interference = {}
  readonly #gateways = new Map<GatewayId, Gateway>()
  readonly #tunnels = new Map<TunnelId, Held>()
  /** By address, or by id of a connection or a tunnel. */
  readonly #peers = new Map<string, PeerChange>()
  /** By address; `*` for all. */
  readonly #networks = new Map<string, Partial<Network>>()
  /** By key of a peer that starts anew: when it is back. */
  readonly #reboots = new Map<string, number>()
  /** Addresses of our own whose daemon is gone. */
  readonly #lost = new Set<string>()
  readonly #names = new Map<TunnelId, string>()
  readonly #events: WorldEvent[] = []
  readonly #hints = new Set<(id: TunnelId) => void>()
  readonly #logs = new Set<(line: TunnelLogLine) => void>()
  readonly #waiting = new Set<Waiting>()
  #eventNumber = 0

  constructor({ clock, seed, profile }: WorldOptions) {
    this.clock = clock
    this.seed = seed
    this.pace = new Pace(profile)
  }

  // --- What there is -----------------------------------------------------------------------------------------

  /** Events after that number, oldest first; the last 100,000 are kept. */
  events(after = 0): readonly WorldEvent[] {
    const first = this.#events[0]?.number ?? 1
    return this.#events.slice(Math.max(0, after + 1 - first))
  }

  /** Work that waits for its time or is stuck. */
  get waiting(): number {
    return this.#waiting.size
  }

  get tunnels(): readonly {
    readonly name: string
    readonly tunnel: Tunnel
    readonly report: TunnelReport
  }[] {
    return [...this.#tunnels.values()].map(({ name, simulated }) => ({
      name,
      tunnel: simulated.tunnel,
      report: simulated.report(),
    }))
  }

  get gateways(): readonly Gateway[] {
    return [...this.#gateways.values()]
  }

  // --- Peers -------------------------------------------------------------------------------------------------

  /** What is set for a peer, by its address or for one tunnel by its id. */
  peerChange(key: string): PeerChange {
    return this.#peers.get(key) ?? {}
  }

  peerChanges(): ReadonlyMap<string, PeerChange> {
    return this.#peers
  }

  peerSettings(tunnel: Tunnel): PeerSettings {
    return peerOf(
      tunnel,
      keysOf(tunnel).map((key) => this.peerChange(key)),
    )
  }

  /**
   * The peer has these settings from now on; what is not named it mirrors. Tunnels that are down are tried at once.
   *
   * @param key its address, or the id of a tunnel
   * @param renegotiate SAs go as well, so that the settings are tried on tunnels that are up
   */
  setPeer(key: string, change: PeerChange, renegotiate = false): void {
    if (Object.keys(change).length === 0) this.#peers.delete(key)
    else this.#peers.set(key, change)
    for (const { simulated } of this.#of(key)) {
      if (renegotiate && phaseSettings(change)) simulated.renegotiate()
      else simulated.worldChanged()
    }
  }

  peerCloses(key: string, what: 'tunnel' | 'child' = 'tunnel'): void {
    for (const { simulated } of this.#of(key)) simulated.peerCloses(what)
  }

  peerInitiates(key: string): void {
    for (const { simulated } of this.#of(key)) simulated.peerInitiates()
  }

  /** It starts anew, and says nothing for that many milliseconds. */
  peerReboots(key: string, milliseconds: number): void {
    for (const { simulated } of this.#of(key)) simulated.peerForgets()
    this.setNetwork(key, { ...this.#networks.get(key), silent: true })
    this.#reboots.set(key, this.clock.now() + milliseconds)
    this.clock.after(milliseconds, () => {
      this.#reboots.delete(key)
      const { silent: _, ...rest } = this.#networks.get(key) ?? {}
      this.setNetwork(key, rest)
    })
  }

  /** Peers that start anew, and when they are back, in epoch milliseconds. */
  reboots(): ReadonlyMap<string, number> {
    return this.#reboots
  }

  // --- Network -----------------------------------------------------------------------------------------------

  networkTo(key: string): Network {
    return { ...openNetwork, ...this.#networks.get('*'), ...this.#networks.get(key) }
  }

  networks(): ReadonlyMap<string, Partial<Network>> {
    return this.#networks
  }

  /** @param key address of a peer, id of a tunnel, or `*` for all */
  setNetwork(key: string, network: Partial<Network>): void {
    if (Object.keys(network).length === 0) this.#networks.delete(key)
    else this.#networks.set(key, network)
    for (const { simulated } of this.#of(key)) simulated.networkChanged()
  }

  /** The daemon that holds one of our addresses is gone, or there again. */
  setDaemon(address: string, runs: boolean): void {
    if (runs) this.#lost.delete(address)
    else this.#lost.add(address)
    for (const { simulated } of this.#tunnels.values()) {
      if (simulated.tunnel.localAddress === address) simulated.daemonChanged()
    }
  }

  lostAddresses(): ReadonlySet<string> {
    return this.#lost
  }

  // --- Tunnels -----------------------------------------------------------------------------------------------

  /** Tunnels by id of theirs or of the connection, by address of the peer, by name, or `*`. */
  find(key: string): readonly Tunnel[] {
    return this.#of(key).map(({ simulated }) => simulated.tunnel)
  }

  /** Hosts behind our end send packets through a tunnel. @returns how many came back */
  send(key: string, packets: number, bytes?: number): number {
    return this.#of(key).reduce((back, { simulated }) => back + simulated.send(packets, bytes), 0)
  }

  /** SAs are negotiated anew. */
  renegotiate(key: string): void {
    for (const { simulated } of this.#of(key)) simulated.renegotiate()
  }

  /** A fault has come or gone: work that is stuck is tried again, tunnels that are down too. */
  faultsChanged(): void {
    for (const { retry } of [...this.#waiting]) retry()
    for (const { simulated } of this.#tunnels.values()) simulated.worldChanged()
  }

  /** Something else has happened that belongs into the sequence. */
  note(event: string, detail?: Readonly<Record<string, unknown>>): void {
    this.#note('-', event, detail)
  }

  /** Ends everything: work that waits is refused, no timer runs any more. */
  end(): void {
    for (const { reject } of [...this.#waiting]) {
      reject(new EngineError('the simulated world has ended', { retry: true }))
    }
    for (const { simulated } of this.#tunnels.values()) simulated.end()
    this.#tunnels.clear()
  }

  // --- The engine over it ------------------------------------------------------------------------------------

  /** A new engine; closing it leaves the world as it is. */
  engine(): Engine {
    let closed = false
    const hints: ((id: TunnelId) => void)[] = []
    const logs: ((line: TunnelLogLine) => void)[] = []
    const queues = new Map<string, Promise<unknown>>()
    /** Changes of one thing come one after the other. */
    const inTurn = (id: string, work: () => Promise<void>): Promise<void> => {
      if (closed) return Promise.reject(new EngineError('the engine is closed', { retry: true }))
      const done = (queues.get(id) ?? Promise.resolve()).then(work)
      const settled = done
        .catch(() => {})
        .finally(() => {
          if (queues.get(id) === settled) queues.delete(id)
        })
      queues.set(id, settled)
      return done
    }
    return {
      gateways: {
        apply: (gateway) => inTurn(gateway.id, () => this.#applyGateway(gateway)),
        remove: (id) => inTurn(id, () => this.#removeGateway(id)),
        list: async () => [...this.#gateways.keys()],
      },
      tunnels: {
        apply: (tunnel) => inTurn(tunnel.id, () => this.#applyTunnel(tunnel)),
        remove: (id) => inTurn(id, () => this.#removeTunnel(id)),
        observe: async (id) => this.#tunnels.get(id)?.simulated.report(),
        list: async () => [...this.#tunnels.values()].map(({ simulated }) => simulated.report()),
        onHint: (hint) => {
          hints.push(hint)
          this.#hints.add(hint)
        },
        onLog: (listener) => {
          logs.push(listener)
          this.#logs.add(listener)
        },
      },
      describe: () => ({ name: 'simulated' }),
      close: async () => {
        closed = true
        for (const hint of hints) this.#hints.delete(hint)
        for (const log of logs) this.#logs.delete(log)
      },
    }
  }

  async #applyGateway(gateway: Gateway): Promise<void> {
    const other = this.gateways.find(({ id, slot }) => id !== gateway.id && slot === gateway.slot)
    if (other) {
      throw new EngineError(`gateway ${gateway.id}: slot ${gateway.slot} is that of ${other.id}`, {
        retry: false,
      })
    }
    const before = this.#gateways.get(gateway.id)
    if (before && JSON.stringify(before) === JSON.stringify(gateway)) return
    await this.#takesTime('gateway', gateway.id)
    this.#gateways.set(gateway.id, gateway)
  }

  async #removeGateway(id: GatewayId): Promise<void> {
    if (!this.#gateways.has(id)) return
    const tunnels = [...this.#tunnels.values()].filter(({ simulated }) => simulated.tunnel.gatewayId === id)
    if (tunnels.length > 0) {
      throw new EngineError(`gateway ${id}: still has ${tunnels.length} tunnels`, { retry: true })
    }
    await this.#takesTime('removal', id)
    this.#gateways.delete(id)
  }

  async #applyTunnel(tunnel: Tunnel): Promise<void> {
    const gateway = this.#gateways.get(tunnel.gatewayId)
    if (!gateway) {
      throw new EngineError(`tunnel ${tunnel.id}: gateway ${tunnel.gatewayId} is not applied`, {
        retry: true,
      })
    }
    const refusal = refusalOf(tunnel, gateway)
    if (refusal) throw new EngineError(`tunnel ${tunnel.id}: ${refusal}`, { retry: false })
    const held = this.#tunnels.get(tunnel.id)
    if (held?.simulated.tunnel.generation !== tunnel.generation) await this.#takesTime('tunnel', tunnel.id)
    if (held) {
      held.simulated.apply(tunnel)
      this.#hint(tunnel.id)
      return
    }
    const name = this.#nameOf(tunnel.id)
    // A stream of its own for each tunnel: what one draws does not depend on what others do.
    const random = seededRandom(this.seed * 7_919 + Number(name.slice('tunnel-'.length)))
    const simulated = new SimulatedTunnel(tunnel, this.#around(random))
    this.#tunnels.set(tunnel.id, { simulated, name })
  }

  async #removeTunnel(id: TunnelId): Promise<void> {
    const held = this.#tunnels.get(id)
    if (!held) return
    await this.#takesTime('removal', id)
    held.simulated.end()
    this.#tunnels.delete(id)
  }

  #nameOf(id: TunnelId): string {
    const name = this.#names.get(id) ?? `tunnel-${this.#names.size + 1}`
    this.#names.set(id, name)
    return name
  }

  #around(random: () => number): Surroundings {
    return {
      clock: this.clock,
      random,
      pace: this.pace,
      peer: (tunnel) => this.peerSettings(tunnel),
      network: (tunnel) => ({
        ...openNetwork,
        ...this.#networks.get('*'),
        ...Object.assign({}, ...keysOf(tunnel).map((key) => this.#networks.get(key))),
      }),
      otherCas: (tunnel) =>
        [...this.#tunnels.values()].flatMap(({ simulated: { tunnel: other } }) =>
          other.id !== tunnel.id && other.localAddress === tunnel.localAddress && other.ike.certificate
            ? endCertificateOf(other.ike.certificate).remoteCa
            : [],
        ),
      daemonRuns: (tunnel) => !this.#lost.has(tunnel.localAddress),
      interfere: (tunnel, place) => this.interference.tunnel?.(tunnel, place),
      event: (tunnel, event, detail) => {
        this.#note(this.#nameOf(tunnel.id), event, detail)
        this.#hint(tunnel.id)
      },
      log: (tunnel, text) => {
        for (const log of this.#logs) log({ tunnelId: tunnel.id, at: this.clock.now(), text })
      },
    }
  }

  #note(tunnel: string, event: string, detail?: Readonly<Record<string, unknown>>): void {
    this.#eventNumber += 1
    this.#events.push({
      number: this.#eventNumber,
      at: this.clock.now(),
      tunnel,
      event,
      ...(detail && { detail }),
    })
    if (this.#events.length > eventsKept) this.#events.splice(0, eventsKept / 10)
  }

  #hint(id: TunnelId): void {
    for (const hint of this.#hints) hint(id)
  }

  #of(key: string): readonly Held[] {
    return [...this.#tunnels.values()].filter(
      ({ name, simulated: { tunnel } }) => key === '*' || key === name || keysOf(tunnel).includes(key),
    )
  }

  /** The duration of the profile, and what faults make of it. */
  #takesTime(what: 'gateway' | 'tunnel' | 'removal', id: string): Promise<void> {
    const duration = this.pace.next(what)
    return new Promise<void>((resolve, reject) => {
      const end = (outcome: () => void) => {
        this.#waiting.delete(waiting)
        timer?.cancel()
        outcome()
      }
      let timer: ReturnType<Clock['after']> | undefined
      let isStuck = false
      const begin = () => {
        const fault = this.interference.task?.(what, id)
        isStuck = fault?.kind === 'stuck'
        if (isStuck) return
        if (fault?.kind === 'failed') {
          end(() => reject(new EngineError(fault.message ?? 'the task has failed', { retry: true })))
          return
        }
        const whole = duration + (fault?.kind === 'slow' ? (fault.delay ?? 0) : 0)
        if (whole === 0) end(resolve)
        else timer = this.clock.after(whole, () => end(resolve))
      }
      const waiting: Waiting = {
        reject: (error) => end(() => reject(error)),
        retry: () => isStuck && begin(),
      }
      this.#waiting.add(waiting)
      begin()
    })
  }
}

/** What a tunnel is known by; what is set for a later one of these stands above what is set for an earlier one. */
const keysOf = ({ remoteAddress, connectionId, id }: Tunnel) => [remoteAddress, connectionId, id]

/** Something in it has to be negotiated. */
const phaseSettings = (change: PeerChange) =>
  Object.keys(change).some((name) => !['bgp', 'echo', 'packetRate', 'dpd'].includes(name))

/** Why a tunnel cannot be. */
function refusalOf(tunnel: Tunnel, gateway: Gateway): string | undefined {
  const { localAddress, remoteAddress, localSubnets, remoteSubnets, ike } = tunnel
  for (const address of [localAddress, remoteAddress]) {
    if (!isIPv4(address)) return `address "${address}" is not an IPv4 address`
  }
  if (localAddress !== gateway.address && localAddress !== gateway.secondAddress) {
    return `local address ${localAddress} is not that of its gateway, ${gateway.address}`
  }
  for (const subnets of [localSubnets, remoteSubnets]) {
    if (subnets.length === 0) return 'a subnet list is empty'
    const bad = subnets.find((subnet) => networkOf(subnet) === undefined)
    if (bad !== undefined) return `subnet "${bad}" is not an IPv4 network`
  }
  if (ike.certificate) {
    if (ike.certificate.remoteCa === '') return 'the certificate of the remote CA is empty'
    if (ike.version === 'ikev1' && ike.mode === 'aggressive') {
      return 'certificates and IKEv1 aggressive mode do not go together'
    }
    try {
      endCertificateOf(ike.certificate)
    } catch (error) {
      return `a certificate cannot be read: ${(error as Error).message}`
    }
  }
  for (const identity of [ike.localId, ike.remoteId]) {
    if (!/^[\x21-\x7e]{1,255}$/.test(identity)) {
      return `identity "${identity}" is not 1 to 255 visible ASCII characters`
    }
  }
  return undefined
}
