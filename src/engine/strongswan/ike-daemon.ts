/**
 * The tunnels of one charon: loads what is wanted, negotiates when it is time, routes to what is up, and tells why
 * something is not.
 *
 * Everything that changes something runs in one queue, one job after the other; `observe` and `list` read past it.
 * `#look` alone decides what to do about what the daemon has. Events only say where to look.
 */
import { rm } from 'node:fs/promises'
import { EngineError, type Failure, type Tunnel, type TunnelId, type TunnelReport } from '../engine.ts'
import { addressInside } from '../linux/address.ts'
import {
  addLoopbackAddresses,
  applyEngineNetwork,
  type EngineNetwork,
  removeEngineNetwork,
} from '../linux/engine-network.ts'
import { tunnelInterface } from '../linux/names.ts'
import { namespaceInode, runIn } from '../linux/namespace.ts'
import {
  dropTunName,
  ensureVtiInterface,
  ensureXfrmInterface,
  findTun,
  moveTun,
  removeDecoy,
  removeInterface,
  setTunnelRoutes,
} from '../linux/tunnel-interface.ts'
import { deleteXfrmStates, listXfrmStates, statesOfCarrier, type XfrmState } from '../linux/xfrm-state.ts'
import type { CharonProcess } from './charon.ts'
import type { CharonConf } from './charon-conf.ts'
import { collisionOf } from './collision.ts'
import { createFailureLog, parseLogEvent } from './failure-log.ts'
import {
  type HeldTunnel,
  holdTunnel,
  isPending,
  isRouted,
  isSameSight,
  isUp,
  reportTunnel,
  seeTunnel,
  situationOf,
  waitsForTraffic,
  wantedRoutes,
} from './held-tunnel.ts'
import type { InitiationWindow } from './initiation-window.ts'
import { decide, duplicates, fallen, noAttempts } from './keep-up.ts'
import type { KernelMode } from './kernel-mode.ts'
import { natTraversalRemark, peersWithoutNatTraversal, renderNatDrop } from './nat-drop.ts'
import { isEstablished } from './observe.ts'
import { readTunnelRecords, removeTunnelRecord, writeDaemonRecord, writeTunnelRecord } from './record.ts'
import { type Carrier, definitionHash, renderConnection, renderShared } from './render.ts'
import { CharonSupervisor, type Log } from './supervisor.ts'
import { NamedTimers, type Timers } from './timers.ts'
import { listOf, sectionOf, sectionsOf, textOf, type ViciMessage, type ViciSection } from './vici/message.ts'
import { ViciError } from './vici/session.ts'

/** Where a daemon stands. */
export interface DaemonPlace {
  /** Names its namespace and its run folder. */
  readonly name: string
  readonly runDir: string
  readonly gatewayId: string
  readonly mode: KernelMode
  readonly network: EngineNetwork
  /** Source address of what the gateway itself sends into tunnels. */
  readonly source: string
}

export interface DaemonSurroundings {
  readonly timers: Timers
  readonly window: InitiationWindow
  readonly log: Log
  readonly hint: (id: TunnelId) => void
  /** Runs the heavy jobs of all daemons, a few at a time. */
  readonly bounded: <T>(job: () => Promise<T>) => Promise<T>
  /** 0 up to 1. */
  readonly random: () => number
}

/** xfrm interfaces and marks are numbered from 1; slots may begin at 0. */
const carrierNumber = (tunnel: Tunnel) => tunnel.slot + 1

/** Three thousand SAs take 2.3 s. */
const listLimitMs = 10_000

/** Metrics of tunnel routes begin here; anything better can be put above them. */
const metricBase = 100

export class IkeDaemon {
  readonly #place: DaemonPlace
  readonly #around: DaemonSurroundings
  readonly #supervisor: CharonSupervisor
  readonly #held = new Map<TunnelId, HeldTunnel>()
  readonly #timers = new NamedTimers()
  readonly #toLook = new Set<TunnelId>()
  #nextLook: Promise<void> | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #jobs = 0
  /** When the network was last found or made whole; epoch milliseconds. */
  #networkAt = 0
  #isAggressive = false
  /** Names that the TUN is known to have. */
  #tunNames = new Set<string>()
  #leftovers: readonly XfrmState[] = []
  #down: Failure | undefined
  #failures = createFailureLog()
  #isClosed = false

  constructor(place: DaemonPlace, around: DaemonSurroundings) {
    this.#place = place
    this.#around = around
    const netns = place.network.netns
    this.#supervisor = new CharonSupervisor(
      { name: place.name, netns },
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

  has(id: TunnelId): boolean {
    return this.#held.has(id)
  }

  get tunnelIds(): readonly TunnelId[] {
    return [...this.#held.keys()]
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
  adopt(recorded: CharonProcess | undefined): Promise<void> {
    return this.#enqueue(async () => {
      for (const record of await readTunnelRecords(this.#place.runDir)) {
        const held = holdTunnel(record.tunnel, false, Date.now())
        held.loadedHash = record.loadedHash
        held.stale = new Set(record.stale)
        held.loadedGeneration = record.tunnel.generation
        this.#held.set(record.tunnel.id, held)
        this.#failures.watch(record.tunnel)
      }
      if (!recorded || !(await this.#supervisor.adopt(recorded))) {
        for (const held of this.#held.values()) held.loadedHash = undefined
        return this.#markDown('the IKE daemon of this gateway was not running when the engine started')
      }
      this.#networkAt = Date.now()
      this.#isAggressive = this.#wantsAggressive()
      const loaded = new Set(listOf(await this.#request('get-conns'), 'conns'))
      for (const [id, held] of this.#held) if (!loaded.has(id)) held.loadedHash = undefined
      for (const id of loaded) if (!this.#held.has(id)) await this.#unload(id)
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
    const events = await this.#listSas({ ike: id })
    const held = this.#held.get(id)
    if (!held) return undefined
    if (events) this.#noteSeen(held, events)
    // Who is told that a tunnel is up may send through it.
    if (held.seen.installed.size > 0 && !isRouted(held)) await this.#lookSoon(id)
    return this.#report(held)
  }

  async list(): Promise<TunnelReport[]> {
    const events = await this.#listSas({})
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
      this.#around.log('info', 'traffic asks for a tunnel', { tunnel: id })
      held.woken = true
      if (isPending(held)) this.#soon(() => this.#reconnect(held))
      this.#lookSoon(id)
    }
  }

  /** The namespace of the gateway was made anew, or the gateway has another address. */
  networkChanged(): void {
    this.#networkAt = 0
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
    const { timers, log } = this.#around
    const carrier = this.#carrier(tunnel)
    const hash = definitionHash(tunnel, carrier, timers.dpd)
    this.#refuseCollision(tunnel)

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
    if (previous && previous.slot !== tunnel.slot) await this.#dropInterface(previous)
    if (!isSame) await this.#ensureInterface(tunnel)
    if (!isSame || isTrapChanged) await this.#load(tunnel)
    held.tunnel = tunnel
    held.keyKnown = true
    held.loadedGeneration = tunnel.generation
    if (!isSame) {
      for (const twin of this.#twins(tunnel)) {
        if (twin.loadedHash !== undefined) await this.#loadConnection(twin.tunnel)
      }
      this.#failures.watch(tunnel)
      const seen = await this.#see(held)
      held.stale = new Set(seen.ikeSas.map((ikeSa) => ikeSa.uniqueId))
      held.loadedHash = hash
      held.attempts = noAttempts
      held.woken = false
      held.sentBefore = undefined
      held.quietSince = Date.now()
      log('info', previous ? 'changed a tunnel' : 'loaded a tunnel', {
        tunnel: tunnel.id,
        generation: tunnel.generation,
        daemon: this.#place.name,
      })
    }
    await this.#applyNatDrop()
    await this.#writeTunnel(held)
    if (tunnel.effectImmediately && held.stale.size > 0) await this.#reconnect(held)
    await this.#look([tunnel.id])
    this.#around.hint(tunnel.id)
  }

  async #remove(id: TunnelId): Promise<void> {
    const held = this.#held.get(id)
    if (!held) return
    const { runDir, network, name } = this.#place
    for (const timer of ['keep-up', 'reap', 'force']) this.#timers.clear(`${timer} ${id}`)
    this.#around.window.release(id)
    if (this.#supervisor.commands) await this.#unload(id)
    await this.#dropInterface(held.tunnel)
    this.#held.delete(id)
    this.#failures.forget(id)
    await removeTunnelRecord(runDir, id)
    if (this.#held.size > 0) await this.#applyNatDrop()
    else {
      this.#timers.clearAll()
      await this.#supervisor.stop()
      await removeEngineNetwork(network)
      this.#networkAt = 0
      await rm(runDir, { recursive: true, force: true })
    }
    this.#around.log('info', 'removed a tunnel', { tunnel: id, daemon: name })
  }

  /** Terminates what runs with old settings. The new negotiation follows when it has gone: see `#follow`. */
  async #reconnect(held: HeldTunnel): Promise<void> {
    const { id } = held.tunnel
    const { ikeSas } = await this.#see(held)
    held.closing = new Set(ikeSas.map((ikeSa) => ikeSa.uniqueId))
    held.replacing = held.closing.size > 0
    held.attempts = noAttempts
    if (!held.replacing) return
    for (const ikeSa of ikeSas) await this.#terminate(ikeSa.uniqueId, ikeSa.state === 'connecting')
    this.#timers.set(`force ${id}`, this.#around.timers.forceAfter, () =>
      this.#soon(async () => {
        for (const uniqueId of held.closing) await this.#terminate(uniqueId, true)
        await this.#look([id])
      }),
    )
  }

  /** Reads what the daemon has of these tunnels and acts on it. */
  async #look(ids: readonly TunnelId[]): Promise<void> {
    const known = ids.filter((id) => this.#held.has(id))
    const [first] = known
    if (first === undefined) return
    const events = await this.#listSas(known.length === 1 ? { ike: first } : {})
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
      this.#around.log('info', 'a tunnel is up', { tunnel: id })
    } else if (held.seen.installed.size === 0 && held.upSince !== undefined) {
      if (!held.replacing) {
        held.attempts = fallen(held.attempts, now - held.upSince, now, random(), timers.retryDelays)
        held.woken = false
        held.sentBefore = undefined
      }
      held.upSince = undefined
      held.quietSince = now
      this.#around.log('info', 'a tunnel is down', { tunnel: id, cause: this.#failures.failure(id)?.code })
    }

    // Without its key a tunnel cannot be loaded into a new daemon until it is applied again.
    if (held.loadedHash === undefined) return this.#route(held)
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
      for (const child of decision.children) await this.#initiate(id, child)
    }
    // Several ways to fail raise no event: a peer that stays silent, a refused CHILD_SA, an initiate that does nothing.
    if (decision.do === 'wait') this.#lookAt(id, decision.until)
    else if (!isUp(held) && (held.attempts.running || held.closing.size > 0 || held.seen.negotiating)) {
      this.#lookAt(id, now + timers.attemptLookEvery)
    } else this.#timers.clear(`keep-up ${id}`)
    await this.#route(held)
    await this.#clearLeftovers(held)
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
          this.#around.log('info', 'terminates a doubled IKE_SA', { tunnel: id, ikeSa: uniqueId })
          await this.#terminate(uniqueId, false)
        }
      }),
    )
  }

  /** Routes to what is up, as far as the routes are not so already. */
  async #route(held: HeldTunnel): Promise<void> {
    if (isRouted(held)) return
    const networks = wantedRoutes(held)
    const routes = {
      interface: tunnelInterface(held.tunnel.slot),
      networks,
      metric: metricBase + held.tunnel.slot,
      source: this.#place.source,
    }
    const present = held.routed
    held.routed = undefined
    await setTunnelRoutes(this.#place.network.gatewayNetns, routes, present)
    held.routed = networks
    this.#around.hint(held.tunnel.id)
  }

  // --- The daemon's life ---------------------------------------------------------------------------------------

  /** The daemon runs in a whole network. What somebody has broken is found when the last check was long ago. */
  async #ensureUp(): Promise<void> {
    const { network, mode } = this.#place
    if (Date.now() - this.#networkAt > this.#around.timers.networkEvery) {
      await applyEngineNetwork(network)
      this.#networkAt = Date.now()
      for (const held of this.#held.values()) {
        held.routed = undefined
        if (mode !== 'U' && held.loadedHash !== undefined) await this.#ensureInterface(held.tunnel)
      }
      // Only a new daemon makes a new TUN.
      const isWithoutTun = mode === 'U' && !(await findTun(network.gatewayNetns, this.#interfaces()))
      if (isWithoutTun && this.#supervisor.commands) await this.#supervisor.start()
    }
    if (!this.#supervisor.commands) await this.#supervisor.start()
  }

  #conf(): CharonConf {
    const { mode, runDir } = this.#place
    return { mode, runDir, aggressive: this.#isAggressive, retransmit: this.#around.timers.retransmit }
  }

  async #prepare(): Promise<void> {
    const { network, mode } = this.#place
    this.#isAggressive = this.#wantsAggressive()
    if (this.#networkAt === 0 || (await namespaceInode(network.netns)) === undefined) {
      await applyEngineNetwork(network)
      this.#networkAt = Date.now()
    }
    if (mode === 'U') await removeDecoy(network.netns)
    else this.#leftovers = await listXfrmStates(network.netns)
  }

  /** What a dead daemon has left in the kernel carries traffic until there is something in its place. */
  async #clearLeftovers({ tunnel, seen }: HeldTunnel): Promise<void> {
    if (seen.installed.size === 0) return
    const ours = new Set(statesOfCarrier(this.#leftovers, carrierNumber(tunnel)))
    if (ours.size === 0) return
    await deleteXfrmStates(this.#place.network.netns, [...ours])
    this.#leftovers = this.#leftovers.filter((state) => !ours.has(state))
  }

  async #remember(process: CharonProcess | undefined): Promise<void> {
    const { runDir, gatewayId, mode, network } = this.#place
    await writeDaemonRecord(runDir, { gatewayId, mode, peer: network.peer, process })
  }

  /** A new daemon holds nothing: everything whose key is known is loaded into it. */
  async #loadAll(): Promise<void> {
    const { mode } = this.#place
    this.#down = undefined
    // The numbers of a new daemon's SAs start again.
    this.#failures = createFailureLog()
    if (mode === 'U') await this.#nameTun(this.#interfaces())
    for (const held of this.#held.values()) {
      const wasLoaded = held.loadedHash !== undefined
      held.loadedHash = undefined
      held.loadedGeneration = undefined
      held.stale.clear()
      held.closing.clear()
      held.replacing = false
      held.routed = undefined
      held.sentBefore = undefined
      held.attempts = noAttempts
      // What was up is negotiated again without being asked: it fell by our fault.
      held.woken ||= held.upSince !== undefined
      held.upSince = undefined
      this.#failures.watch(held.tunnel)
      if (wasLoaded && held.keyKnown) await this.#reload(held)
    }
    this.#planLook()
    for (const id of this.#held.keys()) this.#lookSoon(id)
  }

  /** One tunnel that cannot be loaded does not keep the others down. */
  async #reload(held: HeldTunnel): Promise<void> {
    const { tunnel } = held
    try {
      await this.#ensureInterface(tunnel)
      await this.#load(tunnel)
      held.loadedHash = definitionHash(tunnel, this.#carrier(tunnel), this.#around.timers.dpd)
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
    this.#planLook()
    await this.#look([...this.#held.keys()])
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
      for (const id of this.#failures.line(parseLogEvent(message, Date.now()))) {
        this.#around.hint(id)
        this.#lookSoon(id)
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

  // --- Words to the daemon -------------------------------------------------------------------------------------

  /** `success=no` of a command that must work is an error with the daemon's message. */
  async #request(command: string, message?: ViciSection): Promise<ViciMessage> {
    const session = this.#supervisor.commands
    if (!session) throw new EngineError(`${this.#place.name}: the IKE daemon does not run`, { retry: true })
    try {
      return await session.request(command, message)
    } catch (cause) {
      if (!(cause instanceof ViciError)) throw cause
      throw new EngineError(`${this.#place.name}: ${cause.message}`, { retry: true, cause })
    }
  }

  async #must(command: string, what: string, message: ViciSection): Promise<void> {
    const answer = await this.#request(command, message)
    if (textOf(answer, 'success') === 'yes') return
    throw new EngineError(`${what}: the IKE daemon refused ${command}: ${textOf(answer, 'errmsg')}`, {
      retry: false,
    })
  }

  async #load(tunnel: Tunnel): Promise<void> {
    const what = `tunnel ${tunnel.id}`
    if (isAggressive(tunnel) && !this.#isAggressive) {
      this.#isAggressive = true
      await this.#supervisor.reloadSettings()
    }
    await this.#must('load-shared', what, renderShared(tunnel))
    await this.#loadConnection(tunnel)
  }

  /** Harmless to running SAs, which keep the settings they were made with. */
  async #loadConnection(tunnel: Tunnel): Promise<void> {
    const rendered = renderConnection(
      tunnel,
      this.#carrier(tunnel),
      this.#around.timers.dpd,
      this.#twin(tunnel),
    )
    await this.#must('load-conn', `tunnel ${tunnel.id}`, rendered)
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

  async #unload(id: TunnelId): Promise<void> {
    await this.#request('unload-conn', { name: id })
    const events = (await this.#listSas({ ike: id })) ?? []
    for (const ikeSa of seeTunnel(events, id, Date.now()).ikeSas) await this.#terminate(ikeSa.uniqueId, true)
    await this.#request('unload-shared', { id })
  }

  /** Negotiation goes on by itself; an answer of `no` means that there is nothing to begin. */
  async #initiate(id: TunnelId, child: string): Promise<void> {
    const answer = await this.#request('initiate', { ike: id, child, timeout: '-1' })
    if (textOf(answer, 'success') === 'yes') return
    this.#around.log('debug', 'initiate refused', { tunnel: id, child, answer: textOf(answer, 'errmsg') })
  }

  async #terminate(uniqueId: string, force: boolean): Promise<void> {
    await this.#request('terminate', { 'ike-id': uniqueId, force: force ? 'yes' : 'no', timeout: '-1' })
  }

  /** `undefined` when the daemon is away or does not answer: then nothing is known, and nothing is done. */
  async #listSas(filter: ViciSection): Promise<readonly ViciMessage[] | undefined> {
    const session = this.#supervisor.commands
    if (!session) return undefined
    try {
      return await session.stream('list-sas', 'list-sa', filter, { timeoutMs: listLimitMs })
    } catch (error) {
      if (this.#supervisor.commands === session) {
        this.#around.log('warn', 'an IKE daemon does not list its SAs', {
          daemon: this.#place.name,
          error: `${error}`,
        })
      }
      return undefined
    }
  }

  async #see(held: HeldTunnel) {
    const { id } = held.tunnel
    const events = await this.#listSas({ ike: id })
    if (!events) {
      throw new EngineError(`tunnel ${id}: the IKE daemon does not answer`, { retry: true })
    }
    this.#noteSeen(held, events)
    return held.seen
  }

  #noteSeen(held: HeldTunnel, events: readonly ViciMessage[]): void {
    const { id } = held.tunnel
    held.seen = seeTunnel(events, id, Date.now())
    const newestIke = held.seen.ikeSas
      .filter(isEstablished)
      .map((ikeSa) => Number(ikeSa.uniqueId))
      .toSorted((a, b) => b - a)[0]
    this.#failures.observed(id, { up: isUp(held), newestIke: newestIke?.toString() }, held.seen.at)
  }

  // --- Interfaces and the like ---------------------------------------------------------------------------------

  #carrier(tunnel: Tunnel): Carrier {
    const startAction = tunnel.effectImmediately ? 'none' : 'trap'
    switch (this.#place.mode) {
      case 'X':
        return { mode: 'X', ifId: carrierNumber(tunnel), startAction }
      case 'V':
        return { mode: 'V', mark: carrierNumber(tunnel), startAction }
      case 'U':
        return { mode: 'U' }
    }
  }

  #interfaces(also?: Tunnel): string[] {
    const tunnels = [...this.#held.values()].map((held) => held.tunnel)
    return [...new Set([...tunnels, ...(also ? [also] : [])].map((tunnel) => tunnelInterface(tunnel.slot)))]
  }

  async #ensureInterface(tunnel: Tunnel): Promise<void> {
    const { network, mode } = this.#place
    const name = tunnelInterface(tunnel.slot)
    if (mode === 'X') {
      await ensureXfrmInterface(network.netns, network.gatewayNetns, name, carrierNumber(tunnel))
    } else if (mode === 'V') {
      const ends = { local: tunnel.localAddress, remote: tunnel.remoteAddress, key: carrierNumber(tunnel) }
      await ensureVtiInterface(network.netns, network.gatewayNetns, name, ends)
    } else {
      if (!this.#tunNames.has(name)) await this.#nameTun(this.#interfaces(tunnel))
      const subnets = tunnel.localSubnets.filter((subnet) => !subnet.endsWith('/0'))
      await addLoopbackAddresses(network.netns, subnets.map(addressInside))
    }
  }

  async #nameTun(names: readonly string[]): Promise<void> {
    const { netns, gatewayNetns } = this.#place.network
    await moveTun(netns, gatewayNetns, names)
    this.#tunNames = new Set(names)
  }

  /** Takes away what one tunnel has in the gateway's namespace; an interface shared with others stays. */
  async #dropInterface(tunnel: Tunnel): Promise<void> {
    const { network, mode, source } = this.#place
    const name = tunnelInterface(tunnel.slot)
    await setTunnelRoutes(network.gatewayNetns, {
      interface: name,
      networks: [],
      metric: metricBase + tunnel.slot,
      source,
    })
    if (mode !== 'U') return removeInterface(network.gatewayNetns, name)
    this.#tunNames.delete(name)
    const { renamed } = await dropTunName(network.gatewayNetns, name)
    if (!renamed) return
    for (const held of this.#held.values()) {
      held.routed = undefined
      this.#lookSoon(held.tunnel.id)
    }
  }

  /** @throws EngineError for what one daemon cannot keep apart */
  #refuseCollision(tunnel: Tunnel): void {
    for (const { tunnel: other, keyKnown } of this.#held.values()) {
      if (other.id === tunnel.id || other.remoteAddress !== tunnel.remoteAddress) continue
      const collision = collisionOf(tunnel, other, { userspace: this.#place.mode === 'U', keyKnown })
      if (collision === undefined) continue
      throw new EngineError(
        `tunnel ${tunnel.id} and tunnel ${other.id} to the same peer ${tunnel.remoteAddress}: ${collision}`,
        { retry: false },
      )
    }
  }

  async #applyNatDrop(): Promise<void> {
    if (this.#place.mode === 'U') return
    const peers = peersWithoutNatTraversal([...this.#held.values()].map((held) => held.tunnel))
    await runIn(this.#place.network.netns, 'nft', ['-f', '-'], renderNatDrop(peers))
  }

  #wantsAggressive(): boolean {
    return [...this.#held.values()].some((held) => isAggressive(held.tunnel))
  }

  #watchesTraffic(held: HeldTunnel): boolean {
    if (held.tunnel.effectImmediately) return false
    // A trap in the kernel tells of the first packet by itself.
    return isPending(held) || (this.#place.mode === 'U' && waitsForTraffic(held))
  }

  async #writeTunnel(held: HeldTunnel): Promise<void> {
    if (held.loadedHash === undefined) return
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

/** A re-keyed IKE_SA goes on with the settings of the one before. */
function inheritStale(held: HeldTunnel, section: ViciMessage | undefined): void {
  const uniqueId = (which: string) => textOf(sectionOf(section, which), 'uniqueid')
  const [old, next] = [uniqueId('old'), uniqueId('new')]
  if (old !== undefined && next !== undefined && held.stale.has(old)) held.stale.add(next)
}
