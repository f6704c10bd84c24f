/**
 * The engine over strongSwan: gateways as network namespaces, tunnels in charons behind them.
 *
 * One charon serves a whole gateway where the kernel carries ESP (X, V). In userspace (U) one charon serves one peer
 * of a gateway, for it can tell its tunnels apart by their selectors only.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import {
  type DaemonHealth,
  type Engine,
  type EngineDescription,
  EngineError,
  type Gateway,
  type GatewayId,
  type Tunnel,
  type TunnelId,
  type TunnelLogLine,
  type TunnelReport,
} from '../engine.ts'
import type { GatewayService, GatewayServiceFactory } from '../gateway-service.ts'
import { hostOf } from '../linux/address.ts'
import { run } from '../linux/command.ts'
import type { Wan } from '../linux/gateway-network.ts'
import type { HostWan } from '../linux/host-network.ts'
import { NamedTimers } from '../linux/named-timers.ts'
import { createNames, engineLink, fileName, type Names } from '../linux/names.ts'
import { endProcessesIn, listNamespaces, removeNamespace } from '../linux/namespace.ts'
import { createNetworks, type Networks } from '../linux/networks.ts'
import { outsideAddresses } from '../linux/outside-addresses.ts'
import { type Log, replaceFile } from '../linux/process.ts'
import { tunnelTraffic } from '../linux/tunnel-interface.ts'
import { GatewayRoutes, insideNetworks } from '../linux/tunnel-routes.ts'
import { findCharon } from './charon.ts'
import { type DaemonPlace, IkeDaemon } from './ike-daemon.ts'
import { InitiationWindow } from './initiation-window.ts'
import { chooseKernelMode, type KernelMode, probeKernel } from './kernel-mode.ts'
import { readDaemonRecord, readJson } from './record.ts'
import { defaultTimers, type Timers } from './timers.ts'

export interface StrongswanConfig {
  /** Absolute; run folders and records of daemons. Not under /run. */
  readonly dataDir: string
  /** First letters of the names of all namespaces and interfaces. */
  readonly prefix: string
  /** A bridge, for gateways in namespaces of their own; an interface, for one that is the host itself. */
  readonly wan: Wan | HostWan
  /** Absent: the best that works here. */
  readonly kernelMode?: KernelMode
  readonly timers?: Partial<Timers>
  /** What else runs in the namespaces of gateways. */
  readonly services?: readonly GatewayServiceFactory[]
  readonly log: Log
}

/** Heavy jobs at once: each is a chain of short processes. */
const parallelJobs = 8
/** Negotiations of ours under way at once. */
const parallelInitiations = 32
const initiationHoldMs = 1_000

/**
 * Starts the engine and takes over what an earlier one has left running.
 *
 * @throws EngineError when this machine cannot carry ESP as asked, or charon or the outside network is missing
 */
export async function createStrongswanEngine(config: StrongswanConfig): Promise<Engine> {
  const names = createNames(config.prefix)
  await mkdir(enginesDir(config.dataDir), { recursive: true, mode: 0o700 })
  await mkdir(gatewaysDir(config.dataDir), { recursive: true, mode: 0o700 })
  const networks = createNetworks(names, config.wan)
  const [modes, version] = await Promise.all([probeKernel(config.prefix), charonVersion(), networks.check()])
  const mode = chooseKernelMode(modes, config.kernelMode)
  const engine = new StrongswanEngine(config, names, networks, mode, version)
  await engine.adopt()
  return engine
}

const enginesDir = (dataDir: string) => `${dataDir}/engines`
const gatewaysDir = (dataDir: string) => `${dataDir}/gateways`
const gatewayFile = (dataDir: string, id: GatewayId) => `${gatewaysDir(dataDir)}/${fileName(id)}.json`

/** E.g. `5.9.8`. */
async function charonVersion(): Promise<string> {
  const text = await run(await findCharon(), ['--version'])
  return /strongSwan (\S+)/.exec(text)?.[1] ?? text.trim()
}

class StrongswanEngine implements Engine {
  readonly #config: StrongswanConfig
  readonly #names: Names
  readonly #networks: Networks
  readonly #mode: KernelMode
  readonly #version: string
  readonly #times: Timers
  readonly #gateways = new Map<GatewayId, Gateway>()
  readonly #daemons = new Map<string, IkeDaemon>()
  readonly #routes = new Map<GatewayId, GatewayRoutes>()
  readonly #hints: ((id: TunnelId) => void)[] = []
  readonly #listeners: ((line: TunnelLogLine) => void)[] = []
  readonly #services: readonly GatewayService[]
  /** Networks learned by BGP, by gateway. */
  readonly #learned = new Map<GatewayId, readonly string[]>()
  /** Gateways whose services are still to be told that something has changed. */
  readonly #toTell = new Set<GatewayId>()
  #isAdopting = false
  readonly #window = new InitiationWindow(parallelInitiations, initiationHoldMs)
  readonly #bounded = bounded(parallelJobs)
  readonly #timers = new NamedTimers()
  /** Gateways share the WAN bridge and their VPCs: one after the other. */
  #gatewayQueue: Promise<unknown> = Promise.resolve()
  /** Changes of one tunnel come one after the other, also when it goes from one daemon to another. */
  readonly #tunnelQueues = new Map<TunnelId, Promise<unknown>>()

  readonly gateways = {
    apply: (gateway: Gateway) => this.#inGatewayQueue(() => this.#applyGateway(gateway)),
    remove: (id: GatewayId) => this.#inGatewayQueue(() => this.#removeGateway(id)),
    list: () => this.#listGateways(),
  }

  readonly tunnels = {
    apply: (tunnel: Tunnel) => this.#inTunnelQueue(tunnel.id, () => this.#applyTunnel(tunnel)),
    remove: (id: TunnelId) => this.#inTunnelQueue(id, () => this.#removeTunnel(id)),
    observe: (id: TunnelId) => this.#observe(id),
    list: () => this.#listTunnels(),
    onHint: (hint: (id: TunnelId) => void) => {
      this.#hints.push(hint)
    },
    echo: (id: TunnelId, inside?: { readonly source?: string; readonly destination: string }) =>
      this.#echo(id, inside),
    onLog: (listener: (line: TunnelLogLine) => void) => {
      this.#listeners.push(listener)
    },
  }

  constructor(config: StrongswanConfig, names: Names, networks: Networks, mode: KernelMode, version: string) {
    this.#config = config
    this.#names = names
    this.#networks = networks
    this.#mode = mode
    this.#version = version
    this.#times = { ...defaultTimers, ...config.timers }
    this.#services = (config.services ?? []).map((create) =>
      create({
        hint: (id) => this.#hint(id),
        learned: (id, networks) => this.#learn(id, networks),
        revokeRoutes: (id, revoked) => this.#daemonOf(id)?.revokeRoutes(id, revoked),
      }),
    )
    this.#watchTraffic()
  }

  describe(): EngineDescription {
    return { name: 'strongswan', kernelMode: this.#mode, daemonVersion: this.#version }
  }

  daemons(): readonly DaemonHealth[] {
    return [
      ...[...this.#daemons.values()].map((daemon) => daemon.health),
      ...this.#services.flatMap((service) => service.daemons?.() ?? []),
    ]
  }

  async close(): Promise<void> {
    this.#timers.clearAll()
    await this.#gatewayQueue
    await Promise.all(this.#tunnelQueues.values())
    await Promise.all([...this.#daemons.values()].map((daemon) => daemon.close()))
    await Promise.all(this.#services.map((service) => service.close()))
  }

  /** What an earlier engine has left: its gateways from their records, its daemons from theirs. */
  async adopt(): Promise<void> {
    const { dataDir, log } = this.#config
    for (const file of await readdir(gatewaysDir(dataDir))) {
      const gateway = await readJson<Gateway>(`${gatewaysDir(dataDir)}/${file}`)
      if (gateway && file.endsWith('.json')) this.#gateways.set(gateway.id, gateway)
    }
    const left = await readdir(enginesDir(dataDir))
    this.#isAdopting = true
    await Promise.all(
      left.map(async (name) => {
        const record = await readDaemonRecord(`${enginesDir(dataDir)}/${name}`)
        const gateway = record && this.#gateways.get(record.gatewayId)
        if (!record || !gateway || this.#names.kindOf(name) !== 'engine') {
          log('warn', 'a run folder that belongs to no gateway is left alone', { folder: name })
          return
        }
        if (record.mode !== this.#mode) {
          log('warn', 'a daemon of another kernel mode is left alone', { daemon: name, mode: record.mode })
          return
        }
        const { peer, address = gateway.address } = record
        if (!outsideAddresses(gateway).includes(address)) {
          log('warn', 'a daemon of another outside address is left alone', { daemon: name, address })
          return
        }
        const daemon = this.#daemon(this.#place(gateway, peer, address))
        await this.#bounded(() => daemon.adopt(record.process))
      }),
    )
    this.#isAdopting = false
    for (const id of this.#gateways.keys()) this.#tellServices(id)
    // They are told behind this turn.
    await setImmediate()
    await Promise.all(this.#services.map((service) => service.settled?.()))
  }

  // --- Gateways ------------------------------------------------------------------------------------------------

  async #applyGateway(gateway: Gateway): Promise<void> {
    const { dataDir, log } = this.#config
    for (const other of this.#gateways.values()) {
      if (other.id !== gateway.id && this.#networks.host) {
        throw new EngineError(
          `gateway ${gateway.id}: the host itself is the gateway, and it is ${other.id} already`,
          { retry: false },
        )
      }
      if (other.id !== gateway.id && other.slot === gateway.slot) {
        throw new EngineError(`gateway ${gateway.id}: slot ${gateway.slot} is that of ${other.id}`, {
          retry: false,
        })
      }
    }
    const before = this.#gateways.get(gateway.id)
    if (before && before.slot !== gateway.slot) {
      throw new EngineError(`gateway ${gateway.id}: has slot ${before.slot}, which cannot change`, {
        retry: false,
      })
    }
    const isElsewhere = before?.address !== gateway.address || before.insideAddress !== gateway.insideAddress
    const hasOtherSecond = before?.secondAddress !== gateway.secondAddress
    const inUse = this.#daemonsOf(gateway.id).flatMap((daemon) => daemon.localAddresses)
    const losesSecond = hasOtherSecond && inUse.some((address) => address === before?.secondAddress)
    if (before && (losesSecond || (isElsewhere && inUse.length > 0))) {
      throw new EngineError(`gateway ${gateway.id}: its addresses cannot change while they have tunnels`, {
        retry: false,
      })
    }
    // Written before anything is made, so that a half-made gateway can be found and removed.
    await replaceFile(gatewayFile(dataDir, gateway.id), JSON.stringify(gateway))
    this.#gateways.set(gateway.id, gateway)
    const { isNew } = await this.#networks.apply(gateway, before)
    const hasOtherVpc = before?.vpcCidr !== gateway.vpcCidr
    if (isNew || isElsewhere || hasOtherSecond || hasOtherVpc) {
      this.#routes.delete(gateway.id)
      for (const daemon of this.#daemonsOf(gateway.id)) {
        const { peer, addresses } = daemon.place.network
        daemon.networkChanged(this.#place(gateway, peer, addresses[0]))
      }
      log('info', 'made the network of a gateway', {
        gateway: gateway.id,
        netns: this.#networks.netnsOf(gateway),
      })
    }
    await this.#publish(gateway)
    this.#tellServices(gateway.id)
  }

  /** What the route table of the VPC sends to the gateway: what it was told, and what it has learned. */
  #publish(gateway: Gateway): Promise<void> {
    const { id, published = [], publishLearned = false } = gateway
    const learned = publishLearned ? this.#learned.get(id) : []
    // After a start nobody has said yet what is learned: what stands there stays until then.
    const keepOthers = learned === undefined
    return this.#networks.publish(gateway, [...published, ...(learned ?? [])], { keepOthers })
  }

  #learn(id: GatewayId, networks: readonly string[]): void {
    this.#learned.set(id, networks)
    const job = this.#inGatewayQueue(async () => {
      const gateway = this.#gateways.get(id)
      if (gateway) await this.#publish(gateway)
    })
    job.catch((error: unknown) => {
      this.#config.log('warn', 'cannot publish what a gateway has learned', {
        gateway: id,
        error: `${error}`,
      })
    })
  }

  async #removeGateway(id: GatewayId): Promise<void> {
    const { dataDir, log } = this.#config
    const gateway = this.#gateways.get(id)
    // A namespace of a gateway that nobody knows is listed under its own name.
    if (!gateway && this.#names.kindOf(id) !== 'gateway') return
    const tunnels = this.#tunnelsOf(id)
    if (tunnels.length > 0) {
      throw new EngineError(`gateway ${id}: still has tunnels: ${tunnels.join(', ')}`, { retry: true })
    }
    const netns = gateway ? this.#names.gateway(gateway.slot) : id
    // Daemons of tunnels that nobody knows any more: their records are lost.
    for (const engine of await listNamespaces()) {
      if (this.#names.kindOf(engine) !== 'engine' || this.#names.gatewayOf(engine) !== netns) continue
      await endProcessesIn(engine)
      await removeNamespace(engine)
      await rm(`${enginesDir(dataDir)}/${engine}`, { recursive: true, force: true })
    }
    await Promise.all(this.#services.map((service) => service.remove(id)))
    await this.#networks.remove(netns, gateway)
    await rm(gatewayFile(dataDir, id), { force: true })
    this.#gateways.delete(id)
    this.#learned.delete(id)
    this.#routes.delete(id)
    log('info', 'removed the network of a gateway', { gateway: id })
  }

  /** Gateways that we know, and under the names of their namespaces those that nobody knows. */
  async #listGateways(): Promise<readonly GatewayId[]> {
    const known = new Set([...this.#gateways.values()].map((gateway) => this.#names.gateway(gateway.slot)))
    const orphans = (await listNamespaces()).filter(
      (name) => this.#names.kindOf(name) === 'gateway' && !known.has(name),
    )
    return [...this.#gateways.keys(), ...orphans]
  }

  // --- Tunnels -------------------------------------------------------------------------------------------------

  async #applyTunnel(tunnel: Tunnel): Promise<void> {
    const gateway = this.#gateways.get(tunnel.gatewayId)
    if (!gateway) {
      throw new EngineError(`tunnel ${tunnel.id}: gateway ${tunnel.gatewayId} is not applied`, {
        retry: true,
      })
    }
    const outside = outsideAddresses(gateway)
    if (!outside.includes(tunnel.localAddress)) {
      throw new EngineError(
        `tunnel ${tunnel.id}: local address ${tunnel.localAddress} is not that of its gateway, ${outside.join(' or ')}`,
        { retry: false },
      )
    }
    const peer = this.#mode === 'U' ? tunnel.remoteAddress : undefined
    const place = this.#place(gateway, peer, tunnel.localAddress)
    // Another peer, another outside address or another gateway: it lives elsewhere from now on.
    const before = this.#daemonOf(tunnel.id)
    if (before && before.place.name !== place.name) await this.#removeTunnel(tunnel.id)
    await this.#daemon(place).apply(tunnel)
  }

  async #removeTunnel(id: TunnelId): Promise<void> {
    const daemon = this.#daemonOf(id)
    if (!daemon) return
    await daemon.remove(id)
    if (daemon.isIdle) this.#daemons.delete(daemon.place.name)
  }

  async #observe(id: TunnelId): Promise<TunnelReport | undefined> {
    const report = await this.#daemonOf(id)?.observe(id)
    return report && this.#withServices(report)
  }

  async #echo(id: TunnelId, inside?: { readonly source?: string; readonly destination: string }) {
    const daemon = this.#daemonOf(id)
    const gateway = daemon && this.#gateways.get(daemon.place.gatewayId)
    if (!gateway) return undefined
    if (!inside) return daemon.echo(id)
    return daemon.echo(id, { ...inside, source: inside.source ?? hostOf(gateway.insideAddress) })
  }

  async #listTunnels(): Promise<readonly TunnelReport[]> {
    const reports = await Promise.all([...this.#daemons.values()].map((daemon) => daemon.list()))
    return reports.flat().map((report) => this.#withServices(report))
  }

  #withServices(report: TunnelReport): TunnelReport {
    return Object.assign({}, report, ...this.#services.map((service) => service.report(report.id)))
  }

  // --- Daemons -------------------------------------------------------------------------------------------------

  /** @param peer absent: the daemon serves the whole gateway, and the address does not matter */
  #place(gateway: Gateway, peer: string | undefined, address: string | undefined): DaemonPlace {
    const outside = outsideAddresses(gateway)
    const local = address ?? gateway.address
    const line = peer === undefined ? undefined : { peer, fromSecond: local !== gateway.address }
    const name = this.#names.engine(gateway.slot, line)
    const gatewayNetns = this.#networks.netnsOf(gateway)
    const routes = this.#routes.get(gateway.id) ?? new GatewayRoutes(gatewayNetns, insideNetworks(gateway))
    this.#routes.set(gateway.id, routes)
    return {
      name,
      runDir: `${enginesDir(this.#config.dataDir)}/${name}`,
      gatewayId: gateway.id,
      mode: this.#mode,
      source: hostOf(gateway.insideAddress),
      routes,
      network: {
        netns: name,
        gatewayNetns,
        host: this.#networks.host,
        link: engineLink(line),
        addresses: peer === undefined ? outside : [local],
        outside,
        peer,
      },
    }
  }

  #daemon(place: DaemonPlace): IkeDaemon {
    const found = this.#daemons.get(place.name)
    if (found) return found
    const daemon = new IkeDaemon(place, {
      timers: this.#times,
      window: this.#window,
      log: this.#config.log,
      hint: (id) => this.#hint(id),
      tell: (line) => {
        for (const listener of this.#listeners) listener(line)
      },
      changed: () => this.#tellServices(place.gatewayId),
      bounded: this.#bounded,
      random: Math.random,
    })
    this.#daemons.set(place.name, daemon)
    return daemon
  }

  #hint(id: TunnelId): void {
    for (const hint of this.#hints) hint(id)
  }

  /** Once for all changes of the same moment. */
  #tellServices(id: GatewayId): void {
    // A part of what an earlier engine has left would look like the whole.
    if (this.#isAdopting || this.#toTell.has(id)) return
    this.#toTell.add(id)
    queueMicrotask(() => {
      this.#toTell.delete(id)
      const gateway = this.#gateways.get(id)
      if (!gateway) return
      const tunnels = this.#daemonsOf(id).flatMap((daemon) => daemon.served)
      const netns = this.#networks.netnsOf(gateway)
      for (const service of this.#services) service.update({ gateway, netns, tunnels })
    })
  }

  #daemonOf(id: TunnelId): IkeDaemon | undefined {
    return [...this.#daemons.values()].find((daemon) => daemon.has(id))
  }

  #tunnelsOf(gatewayId: GatewayId): TunnelId[] {
    return this.#daemonsOf(gatewayId).flatMap((daemon) => daemon.tunnelIds)
  }

  #daemonsOf(gatewayId: GatewayId): IkeDaemon[] {
    return [...this.#daemons.values()].filter((daemon) => daemon.place.gatewayId === gatewayId)
  }

  #watchTraffic(): void {
    this.#timers.set('traffic', this.#times.trafficEvery, async () => {
      try {
        await this.#noteTraffic()
      } catch (error) {
        this.#config.log('warn', 'cannot count the traffic of tunnels', { error: `${error}` })
      }
      this.#watchTraffic()
    })
  }

  async #noteTraffic(): Promise<void> {
    const waiting = [...this.#daemons.values()].filter((daemon) => daemon.watchesTraffic)
    for (const netns of new Set(waiting.map((daemon) => daemon.place.network.gatewayNetns))) {
      const sent = await tunnelTraffic(netns)
      for (const daemon of waiting) {
        if (daemon.place.network.gatewayNetns === netns) daemon.noteTraffic(sent)
      }
    }
  }

  #inGatewayQueue<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#gatewayQueue.then(job)
    this.#gatewayQueue = done.catch(() => {})
    return done
  }

  #inTunnelQueue(id: TunnelId, job: () => Promise<void>): Promise<void> {
    const done = (this.#tunnelQueues.get(id) ?? Promise.resolve()).then(job)
    const settled = done
      .catch(() => {})
      .then(() => {
        if (this.#tunnelQueues.get(id) === settled) this.#tunnelQueues.delete(id)
      })
    this.#tunnelQueues.set(id, settled)
    return done
  }
}

/** Runs at most `limit` jobs at once, the others in the order in which they came. */
function bounded(limit: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (job) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await job()
    } finally {
      // The place goes to the next one, or is free.
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
