/**
 * The tunnels of one charon: loads what is wanted, negotiates when it is time, routes to what is up, and tells why
 * something is not.
 *
 * Everything that changes something runs in one queue, one job after the other; `observe` and `list` read past it.
 * `#look` alone decides what to do about what the daemon has. Events only say where to look.
 */
import { rm } from 'node:fs/promises'
import {
  type DaemonHealth,
  type EchoReport,
  EngineError,
  type Failure,
  type Tunnel,
  type TunnelId,
  type TunnelLogLine,
  type TunnelReport,
} from '../engine.ts'
import type { ServedTunnel } from '../gateway-service.ts'
import { sendEchos } from '../linux/echo.ts'
import { NamedTimers } from '../linux/named-timers.ts'
import { tunnelInterface } from '../linux/names.ts'
import type { DaemonProcess, Log } from '../linux/process.ts'
import { kernelRoute } from '../linux/tunnel-routes.ts'
import { CharonCommands } from './charon-commands.ts'
import type { CharonConf } from './charon-conf.ts'
import { collisionOf } from './collision.ts'
import { DataPath, type DataPlace, isOtherInterface } from './data-path.ts'
import { createFailureLog, parseLogEvent } from './failure-log.ts'
import {
  type HeldTunnel,
  holdTunnel,
  isPending,
  isRouted,
  isSameSight,
  isStopped,
  isUp,
  reportTunnel,
  seeTunnel,
  situationOf,
  waitsForTraffic,
  wantedRoutes,
} from './held-tunnel.ts'
import type { InitiationWindow } from './initiation-window.ts'
import { decide, duplicates, fallen, noAttempts } from './keep-up.ts'
import { createLiveness } from './liveness.ts'
import { natTraversalRemark } from './nat-drop.ts'
import { isEstablished } from './observe.ts'
import { readTunnelRecords, removeTunnelRecord, writeDaemonRecord, writeTunnelRecord } from './record.ts'
import { definitionHash, renderConnection } from './render.ts'
import { CharonSupervisor } from './supervisor.ts'
import type { Timers } from './timers.ts'
import { createTunnelLog, renderLine } from './tunnel-log.ts'
import { sectionOf, sectionsOf, textOf, type ViciMessage } from './vici/message.ts'

/** Where a daemon stands. */
export interface DaemonPlace extends DataPlace {
  /** Names its namespace and its run folder. */
  readonly name: string
  readonly runDir: string
  readonly gatewayId: string
}

export interface DaemonSurroundings {
  readonly timers: Timers
  readonly window: InitiationWindow
  readonly log: Log
  readonly hint: (id: TunnelId) => void
  readonly tell: (line: TunnelLogLine) => void
  /** A tunnel has come, gone, changed, risen or fallen, or its interface was made or lost. */
  readonly changed: () => void
  /** Runs the heavy jobs of all daemons, a few at a time. */
  readonly bounded: <T>(job: () => Promise<T>) => Promise<T>
  /** 0 up to 1. */
  readonly random: () => number
}

export class IkeDaemon {
  #place: DaemonPlace
  readonly #around: DaemonSurroundings
  readonly #supervisor: CharonSupervisor
  readonly #commands: CharonCommands
  readonly #path: DataPath
  readonly #held = new Map<TunnelId, HeldTunnel>()
  readonly #timers = new NamedTimers()
  readonly #toLook = new Set<TunnelId>()
  #nextLook: Promise<void> | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #jobs = 0
  #isAggressive = false
  /** It holds keys or certificates that no tunnel has any more. */
  #hasLeftovers = false
  #down: Failure | undefined
  #failures = createFailureLog()
  #log = createTunnelLog()
  #liveness = createLiveness(Date.now())
  #isClosed = false

  constructor(place: DaemonPlace, around: DaemonSurroundings) {
    this.#place = place
    this.#around = around
    this.#path = new DataPath(place)
    this.#commands = new CharonCommands(place.name, () => this.#supervisor.commands, around.log)
    this.#supervisor = new CharonSupervisor(
      { name: place.name, netns: place.network.netns },
      {
        conf: () => this.#conf(),
        prepare: () => this.#prepare(),
        remember: (process) => this.#remember(process),
        started: () => this.#loadAll(),
        resumed: () => this.#resumed(),
        event: (name, message) => this.#onEvent(name, message),
        lost: (cause) => this.#lost(cause),
        enqueue: (job) => this.#enqueue(() => around.bounded(job)),
      },
      around.timers,
      around.log,
    )
  }

  get place(): DaemonPlace {
    return this.#place
  }

  /** Holds nothing, runs nothing, has nothing to do. */
  get isIdle(): boolean {
    return this.#held.size === 0 && !this.#supervisor.hasProcess && this.#jobs === 0
  }

  get health(): DaemonHealth {
    const { commands, starts } = this.#supervisor
    return { name: this.#place.name, kind: 'ike', up: commands !== undefined, starts }
  }

  has(id: TunnelId): boolean {
    return this.#held.has(id)
  }

  get tunnelIds(): readonly TunnelId[] {
    return [...this.#held.keys()]
  }

  /** Outside addresses that its tunnels use. */
  get localAddresses(): readonly string[] {
    return this.#tunnels().map((tunnel) => tunnel.localAddress)
  }

  /** The tunnels as the services of the gateway see them. */
  get served(): readonly ServedTunnel[] {
    return [...this.#held.values()].map(({ tunnel, upSince }) => {
      const made = this.#path.made(tunnel)
      return {
        tunnel,
        interface: tunnelInterface(tunnel.slot),
        made,
        up: upSince !== undefined && made > 0,
      }
    })
  }

  /** Takes the routes of a tunnel away although it is up, or gives them back. */
  revokeRoutes(id: TunnelId, revoked: boolean): void {
    const held = this.#held.get(id)
    if (!held || held.revoked === revoked) return
    held.revoked = revoked
    this.#lookSoon(id)
  }

  /** Some tunnel waits for traffic that only the counters of its interface can tell. */
  get watchesTraffic(): boolean {
    return [...this.#held.values()].some((held) => this.#watchesTraffic(held))
  }

  /**
   * Takes over what an earlier process of ours has left: its tunnels, and its charon when that is still the very one.
   * Nothing is changed at tunnels that are known. Those that the daemon has and no record knows go: their apply was
   * not acknowledged.
   */
  adopt(recorded: DaemonProcess | undefined): Promise<void> {
    return this.#enqueue(async () => {
      for (const record of await readTunnelRecords(this.#place.runDir)) {
        const held = holdTunnel(record.tunnel, false, Date.now())
        held.loadedHash = record.loadedHash
        held.stale = new Set(record.stale)
        held.loadedGeneration = record.tunnel.generation
        this.#held.set(record.tunnel.id, held)
        if (!isStopped(held)) this.#failures.watch(record.tunnel)
      }
      if (!recorded || !(await this.#supervisor.adopt(recorded))) {
        for (const held of this.#held.values()) held.loadedHash = undefined
        return this.#markDown('the IKE daemon of this gateway was not running when the engine started')
      }
      this.#path.trust()
      this.#isAggressive = this.#wantsAggressive()
      const loaded = new Set(await this.#commands.connections())
      for (const [id, held] of this.#held) if (!loaded.has(id)) held.loadedHash = undefined
      for (const id of loaded) if (!this.#held.has(id)) await this.#commands.unload(id)
      // Whose they are cannot be told, and what an earlier process of ours had to clear away, it may not have.
      this.#hasLeftovers = await this.#commands.hasPrivateKeys()
      await this.#resumed()
    })
  }

  apply(tunnel: Tunnel): Promise<void> {
    return this.#enqueue(() => this.#around.bounded(() => this.#apply(tunnel)))
  }

  remove(id: TunnelId): Promise<void> {
    return this.#enqueue(() => this.#around.bounded(() => this.#remove(id)))
  }

  /** Reads the daemon now. While it is away the last report stands for a moment, then the tunnel is down. */
  async observe(id: TunnelId): Promise<TunnelReport | undefined> {
    const events = await this.#commands.listSas(id)
    const held = this.#held.get(id)
    if (!held) return undefined
    if (events) this.#noteSeen(held, events)
    // Who is told that a tunnel is up may send through it.
    if (held.seen.installed.size > 0 && !isRouted(held)) await this.#lookSoon(id)
    return this.#report(held)
  }

  /** Over the outside, or through the tunnel. @param inside addresses at both ends */
  async echo(
    id: TunnelId,
    inside?: { readonly source: string; readonly destination: string },
  ): Promise<EchoReport | undefined> {
    const tunnel = this.#held.get(id)?.tunnel
    if (!tunnel) return undefined
    const { netns, gatewayNetns } = this.#place.network
    return inside
      ? sendEchos({ netns: gatewayNetns, interface: tunnelInterface(tunnel.slot), ...inside })
      : sendEchos({ netns, source: tunnel.localAddress, destination: tunnel.remoteAddress })
  }

  async list(): Promise<TunnelReport[]> {
    const events = await this.#commands.listSas()
    return [...this.#held.values()].map((held) => {
      if (events) this.#noteSeen(held, events)
      return this.#report(held)
    })
  }

  /** @param sent packets sent into each interface of the gateway so far, by every name of the interface */
  noteTraffic(sent: ReadonlyMap<string, number>): void {
    for (const [id, held] of this.#held) {
      if (!this.#watchesTraffic(held)) continue
      const now = sent.get(tunnelInterface(held.tunnel.slot)) ?? 0
      const before = held.sentBefore ?? now
      held.sentBefore = now
      if (now <= before) continue
      this.#note(id, 'traffic asks for a tunnel')
      held.woken = true
      if (isPending(held)) this.#soon(() => this.#reconnect(held))
      this.#lookSoon(id)
    }
  }

  /** The namespace of the gateway was made anew, or the gateway has other addresses. */
  networkChanged(place: DaemonPlace): void {
    this.#place = place
    this.#path.distrust(place)
  }

  /** Ends our side only: charon and the tunnels go on. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timers.clearAll()
    await this.#queue
    this.#supervisor.close()
    this.#timers.clearAll()
  }

  // --- Jobs of the queue ---------------------------------------------------------------------------------------

  async #apply(tunnel: Tunnel): Promise<void> {
    const { timers } = this.#around
    const carrier = this.#path.carrier(tunnel)
    const hash = definitionHash(tunnel, carrier, timers.dpd)
    this.#refuseCollision(tunnel)
    for (const route of tunnel.routes ?? []) kernelRoute(route, tunnel.slot)

    const before = this.#held.get(tunnel.id)
    const previous = before?.tunnel
    const held = before ?? holdTunnel(tunnel, true, Date.now())
    this.#held.set(tunnel.id, held)
    try {
      await this.#ensureUp()
    } catch (error) {
      this.#markDown(error instanceof Error ? error.message : `${error}`)
      throw error
    }

    const isSame = held.loadedHash === hash && previous?.slot === tunnel.slot
    const isTrapChanged = carrier.mode !== 'U' && previous?.effectImmediately !== tunnel.effectImmediately
    if (previous && isOtherInterface(previous, tunnel, carrier.mode)) await this.#drop(previous)
    if (tunnel.stoppedAt !== undefined) return this.#standStill(held, tunnel)
    const all = [...this.#tunnels().filter(({ id }) => id !== tunnel.id), tunnel]
    if (!isSame) await this.#path.ensure(tunnel, all)
    if (previous && previous.insideAddress !== tunnel.insideAddress) await this.#path.address(tunnel, all)
    await this.#path.guard(tunnel)
    const isRecertified = previous !== undefined && !hasSameCertificates(previous, tunnel)
    this.#hasLeftovers ||= isRecertified
    if (!isSame || isTrapChanged || isRecertified) await this.#load(tunnel)
    held.tunnel = tunnel
    held.keyKnown = true
    held.loadedGeneration = tunnel.generation
    if (!isSame) {
      for (const twin of this.#twins(tunnel)) {
        if (twin.loadedHash !== undefined) await this.#loadConnection(twin.tunnel)
      }
      this.#failures.watch(tunnel)
      const seen = await this.#see(held)
      const isOtherPeer = previous !== undefined && previous.remoteAddress !== tunnel.remoteAddress
      held.staleIsOther = isOtherPeer || (held.staleIsOther && held.stale.size > 0)
      if (isOtherPeer) held.heardAt = undefined
      held.stale = new Set(seen.ikeSas.map((ikeSa) => ikeSa.uniqueId))
      held.loadedHash = hash
      held.attempts = noAttempts
      held.woken = false
      held.sentBefore = undefined
      held.quietSince = Date.now()
      this.#note(tunnel.id, previous ? 'changed a tunnel' : 'loaded a tunnel', {
        generation: tunnel.generation,
        daemon: this.#place.name,
      })
    }
    await this.#clearLeftovers()
    await this.#path.limitNatTraversal(this.#tunnels())
    await this.#writeTunnel(held)
    const isAsked = (of: 'restarts' | 'rekeys') =>
      previous !== undefined && (previous[of] ?? 0) !== (tunnel[of] ?? 0)
    if (isAsked('restarts') || isAsked('rekeys')) {
      this.#note(tunnel.id, 'an operator has a tunnel negotiated anew')
      held.attempts = noAttempts
      held.woken = true
    }
    if (isAsked('restarts') || (tunnel.effectImmediately && held.stale.size > 0)) await this.#reconnect(held)
    else if (isAsked('rekeys')) await this.#rekey(held)
    await this.#look([tunnel.id])
    this.#around.changed()
    this.#around.hint(tunnel.id)
  }

  /** Takes the tunnel down and out of the daemon, which then knows nothing that a peer could negotiate. */
  async #standStill(held: HeldTunnel, tunnel: Tunnel): Promise<void> {
    const { id } = tunnel
    const isRunning = held.loadedHash !== undefined
    const isOtherPeer = held.tunnel.remoteAddress !== tunnel.remoteAddress
    if (isRunning) {
      this.#rest(id)
      await this.#commands.unload(id)
    }
    held.tunnel = tunnel
    held.keyKnown = true
    held.loadedGeneration = tunnel.generation
    held.loadedHash = undefined
    held.stale.clear()
    held.closing.clear()
    held.replacing = false
    held.woken = false
    held.attempts = noAttempts
    this.#failures.forget(id)
    if (isRunning) {
      this.#hasLeftovers ||= tunnel.ike.certificate !== undefined
      await this.#clearLeftovers()
      this.#note(id, 'an operator stops a tunnel')
    }
    await this.#writeTunnel(held)
    await this.#look([id])
    if (isOtherPeer) held.heardAt = undefined
    this.#around.changed()
    this.#around.hint(id)
  }

  /** Nothing is begun for it any more. */
  #rest(id: TunnelId): void {
    for (const timer of ['keep-up', 'reap', 'force']) this.#timers.clear(`${timer} ${id}`)
    this.#around.window.release(id)
  }

  async #remove(id: TunnelId): Promise<void> {
    const held = this.#held.get(id)
    if (!held) return
    const { runDir, name } = this.#place
    this.#rest(id)
    if (this.#supervisor.commands) await this.#commands.unload(id)
    await this.#drop(held.tunnel)
    this.#note(id, 'removed a tunnel', { daemon: name })
    this.#held.delete(id)
    this.#around.changed()
    this.#failures.forget(id)
    await removeTunnelRecord(runDir, id)
    this.#hasLeftovers ||= held.tunnel.ike.certificate !== undefined
    if (this.#held.size > 0) {
      if (this.#supervisor.commands) await this.#clearLeftovers()
      await this.#path.limitNatTraversal(this.#tunnels())
    } else {
      this.#timers.clearAll()
      await this.#supervisor.stop()
      await this.#path.remove()
      await rm(runDir, { recursive: true, force: true })
    }
  }

  /** Terminates what runs with old settings. The new negotiation follows when it has gone: see `#follow`. */
  async #reconnect(held: HeldTunnel): Promise<void> {
    const { id } = held.tunnel
    const { ikeSas } = await this.#see(held)
    held.closing = new Set(ikeSas.map((ikeSa) => ikeSa.uniqueId))
    held.replacing = held.closing.size > 0
    held.attempts = noAttempts
    if (!held.replacing) return
    for (const ikeSa of ikeSas) await this.#commands.terminate(ikeSa.uniqueId, ikeSa.state === 'connecting')
    this.#timers.set(`force ${id}`, this.#around.timers.forceAfter, () =>
      this.#soon(async () => {
        for (const uniqueId of held.closing) await this.#commands.terminate(uniqueId, true)
        await this.#look([id])
      }),
    )
  }

  /** New keys for what carries traffic. A re-key that is under way is one already. */
  async #rekey(held: HeldTunnel): Promise<void> {
    const { childSas } = await this.#see(held)
    for (const { uniqueId, state } of childSas)
      if (state === 'installed') await this.#commands.rekey(uniqueId)
  }

  /** Reads what the daemon has of these tunnels and acts on it. */
  async #look(ids: readonly TunnelId[]): Promise<void> {
    const known = ids.filter((id) => this.#held.has(id))
    const [first] = known
    if (first === undefined) return
    const events = await this.#commands.listSas(known.length === 1 ? first : undefined)
    if (!events) return
    for (const id of known) {
      const held = this.#held.get(id)
      if (held) await this.#follow(held, events)
    }
  }

  async #follow(held: HeldTunnel, events: readonly ViciMessage[]): Promise<void> {
    const { timers, window, random } = this.#around
    const { id } = held.tunnel
    const before = held.seen
    this.#noteSeen(held, events)
    const now = held.seen.at
    await this.#forgetGone(held)
    // Not every change has an event, and events can be lost.
    if (!isSameSight(before, held.seen)) this.#around.hint(id)

    if (held.seen.installed.size > 0 && held.upSince === undefined) {
      held.upSince = now
      this.#around.changed()
      this.#note(id, 'a tunnel is up')
    } else if (held.seen.installed.size === 0 && held.upSince !== undefined) {
      if (!held.replacing) {
        held.attempts = fallen(held.attempts, now - held.upSince, now, random(), timers.retryDelays)
        held.woken = false
        held.sentBefore = undefined
      }
      held.upSince = undefined
      this.#around.changed()
      held.quietSince = now
      this.#note(id, 'a tunnel is down', { cause: this.#failures.failure(id)?.code })
    }

    // Before anything else: what would go into a tunnel that has fallen is lost until its routes are gone.
    await this.#route(held)
    // Without its key a tunnel cannot be loaded into a new daemon until it is applied again.
    if (held.loadedHash === undefined) return
    const { decision, attempts } = decide(situationOf(held), held.attempts, now, random(), timers.retryDelays)
    if (held.attempts.running && !attempts.running) {
      window.release(id)
      // Traffic has to ask again: one packet does not keep a tunnel trying for ever.
      held.woken = false
      held.sentBefore = undefined
    }
    if (decision.do !== 'initiate') held.attempts = attempts
    else if (window.take(id, () => this.#lookSoon(id))) {
      held.attempts = attempts
      held.replacing = false
      for (const child of decision.children) {
        this.#tell(id, 'ENGINE', `initiates ${child}`, now)
        await this.#commands.initiate(id, child)
      }
    }
    // Several ways to fail raise no event: a peer that stays silent, a refused CHILD_SA, an initiate that does nothing.
    if (decision.do === 'wait') this.#lookAt(id, decision.until)
    else if (!isUp(held) && (held.attempts.running || held.closing.size > 0 || held.seen.negotiating)) {
      this.#lookAt(id, now + timers.attemptLookEvery)
    } else this.#timers.clear(`keep-up ${id}`)
    await this.#route(held)
    if (held.seen.installed.size > 0) await this.#path.clearLeftovers(held.tunnel)
    this.#watchDuplicates(held)
  }

  #lookAt(id: TunnelId, time: number): void {
    this.#timers.set(`keep-up ${id}`, time - Date.now(), () => this.#lookSoon(id))
  }

  /** Marks of IKE_SAs that are not there any more. */
  async #forgetGone(held: HeldTunnel): Promise<void> {
    const { id } = held.tunnel
    const { ikeSas } = held.seen
    const there = new Set(ikeSas.map((ikeSa) => ikeSa.uniqueId))
    held.closing = new Set([...held.closing].filter((uniqueId) => there.has(uniqueId)))
    if (held.closing.size === 0) this.#timers.clear(`force ${id}`)
    const before = held.stale
    // In IKEv1 a re-key is a new IKE_SA beside the old one, and it goes on with the settings of the old one.
    const isRekeying = ikeSas.some((ikeSa) => ikeSa.state === 'rekeying' && before.has(ikeSa.uniqueId))
    held.stale = isRekeying ? there : new Set([...before].filter((uniqueId) => there.has(uniqueId)))
    const isChanged =
      held.stale.size !== before.size || [...held.stale].some((uniqueId) => !before.has(uniqueId))
    if (isChanged) await this.#writeTunnel(held)
  }

  #watchDuplicates(held: HeldTunnel): void {
    const { id } = held.tunnel
    const timer = `reap ${id}`
    const isDoubled = duplicates(held.seen.ikeSas, held.seen.childSas).length > 0
    if (!isDoubled) this.#timers.clear(timer)
    if (!isDoubled || this.#timers.has(timer)) return
    this.#timers.set(timer, this.#around.timers.reapAfter, () =>
      this.#soon(async () => {
        const seen = await this.#see(held)
        for (const uniqueId of duplicates(seen.ikeSas, seen.childSas)) {
          this.#note(id, 'terminates a doubled IKE_SA', { ikeSa: uniqueId })
          await this.#commands.terminate(uniqueId, false)
        }
      }),
    )
  }

  /** Routes to what is up, as far as the routes are not so already. */
  async #route(held: HeldTunnel): Promise<void> {
    if (isRouted(held)) return
    const wanted = wantedRoutes(held)
    const present = held.routed
    held.routed = undefined
    await this.#path.route(held.tunnel, wanted, present)
    held.routed = wanted
    this.#around.hint(held.tunnel.id)
  }

  // --- The daemon's life ---------------------------------------------------------------------------------------

  /** The daemon runs in a whole network. What somebody has broken is found when the last check was long ago. */
  async #ensureUp(): Promise<void> {
    if (!this.#path.isTrusted(this.#around.timers.networkEvery)) {
      const loaded = [...this.#held.values()].filter((held) => held.loadedHash !== undefined)
      for (const held of loaded) held.routed = undefined
      const state = await this.#path.mend(loaded.map((held) => held.tunnel))
      if (state === 'dead' && this.#supervisor.commands) await this.#supervisor.start()
    }
    if (!this.#supervisor.commands) await this.#supervisor.start()
  }

  #conf(): CharonConf {
    const { mode, runDir } = this.#place
    return { mode, runDir, aggressive: this.#isAggressive, retransmit: this.#around.timers.retransmit }
  }

  async #prepare(): Promise<void> {
    this.#isAggressive = this.#wantsAggressive()
    await this.#path.prepare()
  }

  async #remember(process: DaemonProcess | undefined): Promise<void> {
    const { runDir, gatewayId, mode, network } = this.#place
    const { peer, addresses } = network
    const address = peer === undefined ? undefined : addresses[0]
    await writeDaemonRecord(runDir, { gatewayId, mode, peer, address, process })
  }

  /** A new daemon holds nothing: everything whose key is known is loaded into it. */
  async #loadAll(): Promise<void> {
    this.#down = undefined
    this.#hasLeftovers = false
    // The numbers of a new daemon's SAs start again.
    this.#failures = createFailureLog()
    this.#log = createTunnelLog()
    this.#liveness = createLiveness(Date.now())
    await this.#path.started(this.#tunnels())
    for (const held of this.#held.values()) {
      const wasLoaded = held.loadedHash !== undefined
      held.loadedHash = undefined
      if (!isStopped(held)) held.loadedGeneration = undefined
      held.stale.clear()
      held.closing.clear()
      held.replacing = false
      held.routed = undefined
      held.sentBefore = undefined
      held.attempts = noAttempts
      // What was up is negotiated again without being asked: it fell by our fault.
      held.woken ||= held.upSince !== undefined
      held.upSince = undefined
      if (!isStopped(held)) this.#failures.watch(held.tunnel)
      if (wasLoaded && held.keyKnown) await this.#reload(held)
    }
    this.#around.changed()
    this.#planLook()
    for (const id of this.#held.keys()) this.#lookSoon(id)
  }

  /** One tunnel that cannot be loaded does not keep the others down. */
  async #reload(held: HeldTunnel): Promise<void> {
    const { tunnel } = held
    try {
      await this.#path.ensure(tunnel, this.#tunnels())
      await this.#load(tunnel)
      held.loadedHash = definitionHash(tunnel, this.#path.carrier(tunnel), this.#around.timers.dpd)
      held.loadedGeneration = tunnel.generation
      await this.#writeTunnel(held)
    } catch (error) {
      if (!this.#supervisor.commands) throw error
      this.#around.log('error', 'cannot load a tunnel again', { tunnel: tunnel.id, error: `${error}` })
    }
  }

  /** The daemon holds what it held before. */
  async #resumed(): Promise<void> {
    this.#down = undefined
    // What the daemon logged in the meantime is not known.
    this.#liveness = createLiveness(Date.now())
    for (const held of this.#held.values()) held.heardAt = undefined
    this.#path.resumed()
    this.#planLook()
    await this.#look([...this.#held.keys()])
    this.#around.changed()
    for (const id of this.#held.keys()) this.#around.hint(id)
  }

  #planLook(): void {
    this.#timers.set('look', this.#around.timers.lookEvery, () => {
      if (!this.#supervisor.commands) return
      this.#soon(() => this.#look([...this.#held.keys()]))
      this.#planLook()
    })
  }

  #lost(cause: string): void {
    this.#timers.clearAll()
    this.#path.lost()
    this.#around.changed()
    this.#markDown(cause)
    for (const id of this.#held.keys()) this.#around.hint(id)
    // The report changes once more without any event, when the last one has stood long enough.
    this.#timers.set('freeze', this.#around.timers.freeze, () => {
      for (const id of this.#held.keys()) this.#around.hint(id)
    })
  }

  #markDown(cause: string): void {
    this.#down = { code: 'CHARON_DOWN', since: this.#down?.since ?? Date.now(), evidence: [cause] }
  }

  #onEvent(name: string, message: ViciMessage): void {
    if (name === 'log') {
      const line = parseLogEvent(message, Date.now())
      this.#liveness.line(line)
      for (const id of this.#failures.line(line)) {
        this.#around.hint(id)
        this.#lookSoon(id)
      }
      for (const kept of this.#log.line(line)) {
        for (const id of this.#failures.tunnelsOf(kept)) this.#tell(id, kept.group, kept.text, kept.at)
      }
      return
    }
    const ids = sectionsOf(message).map(([id]) => id)
    for (const id of ids) {
      const held = this.#held.get(id)
      if (!held) continue
      if (name === 'ike-rekey') inheritStale(held, sectionOf(message, id))
      if (name === 'child-rekey') this.#failures.rekeyed(id)
      this.#around.hint(id)
      this.#lookSoon(id)
    }
  }

  /** What we do ourselves stands in the log of the process and in that of the tunnel. */
  #note(
    id: TunnelId,
    message: string,
    fields: Readonly<Record<string, string | number | undefined>> = {},
  ): void {
    this.#around.log('info', message, { tunnel: id, ...fields })
    const facts = Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [` ${name}=${value}`],
    )
    this.#tell(id, 'ENGINE', `${message}${facts.join('')}`, Date.now())
  }

  #tell(id: TunnelId, group: string, text: string, at: number): void {
    const tunnel = this.#held.get(id)?.tunnel
    const keys = [tunnel?.ike.psk, tunnel?.ike.certificate?.ownKey, tunnel?.bgp?.authKey]
    this.#around.tell({ tunnelId: id, at, text: `[${group}] ${renderLine(text, keys)}` })
  }

  #report(held: HeldTunnel): TunnelReport {
    const { id, natTraversal } = held.tunnel
    const isUserspace = this.#place.mode === 'U'
    const remarks = isUserspace && !natTraversal ? [natTraversalRemark] : []
    const down = this.#down
    if (!down) return reportTunnel(held, this.#failures.failure(id), this.#failures.phase2Failed(id), remarks)
    // In userspace the SAs have died with the daemon. Those in the kernel live on, and nobody can be asked.
    const isFrozen = !isUserspace || Date.now() - down.since < this.#around.timers.freeze
    const seen = isFrozen ? held.seen : seeTunnel([], id, Date.now())
    return reportTunnel({ ...held, seen }, down, false, remarks)
  }

  // --- What the daemon holds -----------------------------------------------------------------------------------

  async #load(tunnel: Tunnel): Promise<void> {
    if (isAggressive(tunnel) && !this.#isAggressive) {
      this.#isAggressive = true
      await this.#supervisor.reloadSettings()
    }
    await this.#commands.loadKey(tunnel)
    await this.#loadConnection(tunnel)
  }

  /**
   * A certificate that was loaded once stays trusted, and the daemon can only be told to forget all of them, with all
   * keys: so this waits until every key is known, and loads them again at once. SAs are not touched. In the moment
   * between, a negotiation of another tunnel can fail; it is tried again.
   */
  async #clearLeftovers(): Promise<void> {
    const loaded = [...this.#held.values()].filter((held) => held.loadedHash !== undefined)
    if (!this.#hasLeftovers || loaded.some((held) => !held.keyKnown)) return
    await this.#commands.clearCredentials()
    for (const { tunnel } of loaded) {
      await this.#commands.loadKey(tunnel)
      if (tunnel.ike.certificate) await this.#loadConnection(tunnel)
    }
    this.#hasLeftovers = false
  }

  async #loadConnection(tunnel: Tunnel): Promise<void> {
    const carrier = this.#path.carrier(tunnel)
    const connection = renderConnection(tunnel, carrier, this.#around.timers.dpd, this.#twin(tunnel))
    await this.#commands.loadConnection(tunnel.id, connection)
  }

  /** Other tunnels between the same two identities. */
  #twins({ id, ike }: Tunnel): HeldTunnel[] {
    return [...this.#held.values()].filter(
      ({ tunnel: other }) =>
        other.id !== id && other.ike.localId === ike.localId && other.ike.remoteId === ike.remoteId,
    )
  }

  /** A number that none of its twins has; `undefined` for a tunnel without any. It keeps the one it has. */
  #twin(tunnel: Tunnel): number | undefined {
    const held = this.#held.get(tunnel.id)
    const taken = new Set(this.#twins(tunnel).map((twin) => twin.twin ?? 0))
    if (!held || taken.size === 0) return undefined
    for (held.twin ??= 0; taken.has(held.twin); ) held.twin += 1
    return held.twin
  }

  async #see(held: HeldTunnel) {
    const { id } = held.tunnel
    const events = await this.#commands.listSas(id)
    if (!events) {
      throw new EngineError(`tunnel ${id}: the IKE daemon does not answer`, { retry: true })
    }
    this.#noteSeen(held, events)
    return held.seen
  }

  #noteSeen(held: HeldTunnel, events: readonly ViciMessage[]): void {
    const { id } = held.tunnel
    const before = held.seen.ikeSas
    const seen = seeTunnel(events, id, Date.now())
    held.seen = { ...seen, ikeSas: this.#liveness.seen(id, seen.ikeSas, seen.at) }
    const uniqueIds = [...before, ...seen.ikeSas]
      .map(({ uniqueId }) => uniqueId)
      .filter((uniqueId) => !held.staleIsOther || !held.stale.has(uniqueId))
    const heardAt = this.#liveness.heardAt(id, uniqueIds, seen.at)
    if (heardAt !== undefined) held.heardAt = Math.max(heardAt, held.heardAt ?? heardAt)
    const newestIke = held.seen.ikeSas
      .filter(isEstablished)
      .map((ikeSa) => Number(ikeSa.uniqueId))
      .toSorted((a, b) => b - a)[0]
    this.#failures.observed(id, { up: isUp(held), newestIke: newestIke?.toString() }, held.seen.at)
  }

  #tunnels(): Tunnel[] {
    return [...this.#held.values()].map((held) => held.tunnel)
  }

  async #drop(tunnel: Tunnel): Promise<void> {
    const rest = this.#tunnels().filter(({ id }) => id !== tunnel.id)
    const { others } = await this.#path.drop(tunnel, rest)
    if (!others) return
    for (const held of this.#held.values()) {
      held.routed = undefined
      this.#lookSoon(held.tunnel.id)
    }
  }

  /** @throws EngineError for what one daemon cannot keep apart */
  #refuseCollision(tunnel: Tunnel): void {
    for (const { tunnel: other, keyKnown } of this.#held.values()) {
      if (other.id === tunnel.id) continue
      const collision = collisionOf(tunnel, other, { userspace: this.#place.mode === 'U', keyKnown })
      if (collision === undefined) continue
      throw new EngineError(`tunnel ${tunnel.id} and tunnel ${other.id}: ${collision}`, { retry: false })
    }
  }

  #wantsAggressive(): boolean {
    return this.#tunnels().some(isAggressive)
  }

  #watchesTraffic(held: HeldTunnel): boolean {
    if (held.tunnel.effectImmediately) return false
    // A trap in the kernel tells of the first packet by itself.
    return isPending(held) || (this.#place.mode === 'U' && waitsForTraffic(held))
  }

  async #writeTunnel(held: HeldTunnel): Promise<void> {
    if (held.loadedHash === undefined && !isStopped(held)) return
    await writeTunnelRecord(this.#place.runDir, {
      tunnel: held.tunnel,
      loadedHash: held.loadedHash,
      stale: [...held.stale],
    })
  }

  // --- The queue -----------------------------------------------------------------------------------------------

  #enqueue<T>(job: () => Promise<T>): Promise<T> {
    this.#jobs += 1
    const done = this.#queue.then(job)
    this.#queue = done.then(
      () => (this.#jobs -= 1),
      () => (this.#jobs -= 1),
    )
    return done
  }

  /** A job whose failure nobody hears of: what it could not do is done at the next look. */
  async #soon(job: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return
    try {
      await this.#enqueue(job)
    } catch (error) {
      this.#around.log('warn', 'an IKE daemon could not be looked after', {
        daemon: this.#place.name,
        error: error instanceof Error ? error.message : `${error}`,
      })
    }
  }

  /** Looks at a tunnel once, however often it is asked for before it is its turn. Resolves when it was looked at. */
  #lookSoon(id: TunnelId): Promise<void> {
    this.#toLook.add(id)
    this.#nextLook ??= this.#soon(async () => {
      this.#nextLook = undefined
      const ids = [...this.#toLook]
      this.#toLook.clear()
      await this.#look(ids)
    })
    return this.#nextLook
  }
}

const isAggressive = ({ ike }: Tunnel) => ike.version === 'ikev1' && ike.mode === 'aggressive'

const hasSameCertificates = ({ ike: { certificate: a } }: Tunnel, { ike: { certificate: b } }: Tunnel) =>
  a?.own === b?.own && a?.remoteCa === b?.remoteCa

/** A re-keyed IKE_SA goes on with the settings of the one before. */
function inheritStale(held: HeldTunnel, section: ViciMessage | undefined): void {
  const uniqueId = (which: string) => textOf(sectionOf(section, which), 'uniqueid')
  const [old, next] = [uniqueId('old'), uniqueId('new')]
  if (old !== undefined && next !== undefined && held.stale.has(old)) held.stale.add(next)
}
