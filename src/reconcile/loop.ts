/**
 * Makes what is stored real, one key at a time: read what is wanted, look at what is, plan, act, write down what was seen.
 *
 *     actions ──"this key changed"──▶ queue ──▶ one key ──▶ engine.apply / remove
 *     engine ───"look here soon"────▶ observe ──▶ stored report ──▶ DescribeVpnConnection
 *     every 30 s ──▶ everything once more
 *
 * Nothing here depends on a message arriving: a lost one costs time until the next round, no more.
 */

import type { Authority } from '../certificates/authority.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Database } from '../db/open.ts'
import { type Engine, EngineError, type Tunnel, type TunnelReport } from '../engine/engine.ts'
import type { ChangeKey } from '../resources/context.ts'
import type { CustomerGateway } from '../resources/customer-gateway/store.ts'
import { unfinishedDiagnoses } from '../resources/diagnosis/store.ts'
import { networkOf } from '../resources/ipv4.ts'
import { publishedNetworks, routesThrough } from '../resources/route-entry/store.ts'
import {
  removeConnection,
  tunnelsOf,
  tunnelsOfGateway,
  type VpnConnection,
  type VpnTunnel,
} from '../resources/vpn-connection/store.ts'
import { removeGateway, type VpnGateway } from '../resources/vpn-gateway/store.ts'
import type { Sealer } from '../seal.ts'
import { desiredGateway, desiredTunnel } from './desired.ts'
import { finishDiagnosisOf } from './diagnosis.ts'
import { createObservations, hasChanged, type StoredReport } from './observations.ts'
import { type Plan, planGateway, planTunnel } from './plan.ts'

export interface ReconcileOptions {
  readonly db: Database
  readonly engine: Engine
  readonly sealer: Sealer
  readonly authority: Authority
  readonly clock: Clock
  readonly log: (entry: ReconcileLog) => void
  /** Milliseconds between two rounds over everything. */
  readonly resyncInterval?: number
  /** Told of every report of a tunnel once it is stored; must not throw. */
  readonly stored?: (report: StoredReport) => void
  /** Keys worked on at the same time; each waits mostly for a daemon or for the kernel. */
  readonly parallel?: number
  /** Told whenever what a caller reads of this connection or gateway is no longer what it was; must not throw. */
  readonly changed?: (key: `gateway:${string}` | `connection:${string}`, owner: Owner) => void
}

type Owner = StoredReport['owner']

export interface ReconcileLog {
  readonly level: 'info' | 'warn'
  readonly key: ChangeKey
  readonly message: string
}

const defaultParallel = 8

/** Milliseconds before the next attempt, by the number of failures in a row. */
const backOff = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]

/** A failure that trying again will not mend is tried again this late all the same, in milliseconds. */
const hopelessRetry = 60_000

export class ReconcileLoop {
  readonly #options: ReconcileOptions
  readonly #observations
  /** Keys that wait for their turn, oldest first. */
  readonly #waiting = new Set<ChangeKey>()
  readonly #running = new Map<ChangeKey, Promise<void>>()
  readonly #failures = new Map<ChangeKey, number>()
  readonly #timers = new Map<ChangeKey, Timer>()
  /** Gateways this process has handed to the engine -> generation. */
  readonly #gateways = new Map<string, number>()
  /** Tunnels this process has handed to the engine. */
  readonly #tunnels = new Set<string>()
  /** Tunnels being observed; `true` when another look is wanted after it. */
  readonly #observing = new Map<string, boolean>()
  readonly #observers = new Set<Promise<void>>()
  #resync: Timer | undefined
  #stopped = false

  constructor(options: ReconcileOptions) {
    this.#options = options
    this.#observations = createObservations(options.db, (report) => {
      options.stored?.(report)
      if (hasChanged(report)) options.changed?.(`connection:${report.after.connection_id}`, report.owner)
    })
    options.engine.tunnels.onHint((id) => this.#observeSoon(id))
  }

  /** Takes up everything stored and everything the engine has. */
  async start(): Promise<void> {
    await this.#everything()
    const { clock, resyncInterval: interval = 30_000 } = this.#options
    const again = async () => {
      await this.lookAtAll()
      if (!this.#stopped) this.#resync = clock.after(interval, again)
    }
    this.#resync = clock.after(interval, again)
  }

  /** A round over everything now: word of changes may have been lost. */
  async lookAtAll(): Promise<void> {
    try {
      await this.#everything()
    } catch (cause) {
      this.#log('warn', 'gateway:*', `the round over everything failed: ${messageOf(cause)}`)
    }
  }

  /** Word from an action after its commit. */
  changed(keys: readonly ChangeKey[]): void {
    for (const key of keys) this.#enqueue(key)
  }

  /** Keys that could be worked on or are, and looks under way; those that wait for their next attempt do not count. */
  get busy(): number {
    const free = [...this.#waiting].filter((key) => !this.#running.has(key))
    return free.length + this.#running.size + this.#observers.size
  }

  /** Waits for what is under way; tunnels stay as they are. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#resync?.cancel()
    for (const timer of this.#timers.values()) timer.cancel()
    this.#waiting.clear()
    await Promise.all([...this.#running.values(), ...this.#observers])
  }

  async #everything(): Promise<void> {
    const { db, engine } = this.#options
    const [gateways, tunnels] = await Promise.all([
      db.kysely.selectFrom('vpn_gateway').select('id').orderBy('seq').execute(),
      db.kysely.selectFrom('vpn_tunnel').select('id').orderBy('slot').execute(),
    ])
    const keys = new Set<ChangeKey>()
    for (const { id } of gateways) keys.add(`gateway:${id}`)
    for (const { id } of tunnels) keys.add(`tunnel:${id}`)
    for (const { id } of await engine.tunnels.list()) keys.add(`tunnel:${id}`)
    for (const id of await engine.gateways.list()) keys.add(`gateway:${id}`)
    for (const id of await unfinishedDiagnoses(db.kysely)) keys.add(`diagnosis:${id}`)
    for (const key of keys) this.#enqueue(key)
  }

  #enqueue(key: ChangeKey): void {
    if (this.#stopped) return
    this.#timers.get(key)?.cancel()
    this.#timers.delete(key)
    this.#waiting.add(key)
    this.#work()
  }

  #enqueueAfter(key: ChangeKey, delay: number): void {
    if (this.#stopped || this.#waiting.has(key)) return
    this.#timers.get(key)?.cancel()
    this.#timers.set(
      key,
      this.#options.clock.after(delay, () => this.#enqueue(key)),
    )
  }

  #work(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= (this.#options.parallel ?? defaultParallel)) return
      if (this.#running.has(key)) continue
      this.#waiting.delete(key)
      const done = this.#one(key).finally(() => {
        this.#running.delete(key)
        this.#work()
      })
      this.#running.set(key, done)
    }
  }

  async #one(key: ChangeKey): Promise<void> {
    const id = key.slice(key.indexOf(':') + 1)
    try {
      if (key.startsWith('gateway:')) await this.#gateway(key, id)
      else if (key.startsWith('tunnel:')) await this.#tunnel(key, id)
      else await this.#diagnosis(id)
      this.#failures.delete(key)
    } catch (cause) {
      const failures = this.#failures.get(key) ?? 0
      this.#failures.set(key, failures + 1)
      const hopeless = cause instanceof EngineError && !cause.retry
      const delay = hopeless ? hopelessRetry : backOff[Math.min(failures, backOff.length - 1)]!
      this.#log('warn', key, `${messageOf(cause)}; next attempt in ${delay} ms`)
      this.#enqueueAfter(key, delay)
    }
  }

  #diagnosis(id: string): Promise<void> {
    const { db, engine, clock } = this.#options
    return finishDiagnosisOf(db, engine, id, () => clock.now())
  }

  async #gateway(key: ChangeKey, id: string): Promise<void> {
    const { db, engine, clock } = this.#options
    const row = await db.kysely.selectFrom('vpn_gateway').selectAll().where('id', '=', id).executeTakeFirst()
    const tunnels = row ? await tunnelsOfGateway(db.kysely, id) : []
    const inEngine = (await engine.gateways.list()).includes(id)
    const plan = planGateway(row, inEngine, this.#gateways.get(id), tunnels.length)
    this.#say(key, plan)
    switch (plan.step) {
      case 'apply': {
        const published = await publishedNetworks(db.kysely, id)
        await engine.gateways.apply(desiredGateway(row!, await this.#insideCidr(row!), published))
        this.#gateways.set(id, row!.generation)
        await this.#observations.gateway(id, row!.generation, undefined, clock.now())
        this.#options.changed?.(`gateway:${id}`, row!)
        this.changed(tunnels.map((tunnel) => `tunnel:${tunnel.id}` as const))
        return
      }
      case 'remove':
        await engine.gateways.remove(id)
        this.#gateways.delete(id)
        if (row) await this.#forgetGateway(row)
        return
      case 'forget':
        return this.#forgetGateway(row!)
      case 'wait':
        this.changed(tunnels.map((tunnel) => `tunnel:${tunnel.id}` as const))
        return
      case 'none':
        return
    }
  }

  /** What lies behind the gateway: its VPC; behind an attachment the network of its inside address. */
  async #insideCidr(row: VpnGateway): Promise<string> {
    if (row.kind === 'attachment') return networkOf(row.inside_address)
    const vpc = await this.#options.db.kysely
      .selectFrom('vpc')
      .select('cidr')
      .where('id', '=', row.vpc_id)
      .executeTakeFirst()
    if (!vpc) throw new Error(`its VPC ${row.vpc_id} does not exist`)
    return vpc.cidr
  }

  async #forgetGateway(row: VpnGateway): Promise<void> {
    this.#gateways.delete(row.id)
    await this.#options.db.transaction((trx) => removeGateway(trx, row))
    this.#options.changed?.(`gateway:${row.id}`, row)
  }

  async #tunnel(key: ChangeKey, id: string): Promise<void> {
    const { db, engine, sealer, clock, authority } = this.#options
    const wanted = await this.#wantedTunnel(id)
    const report = await engine.tunnels.observe(id)
    const ready = wanted !== undefined && this.#gateways.has(wanted.connection.vpn_gateway_id)
    const remoteCa = wanted?.tunnel.remote_ca_certificate
    const plan = planTunnel(
      wanted && { generation: wanted.tunnel.generation, deleted_at: wanted.connection.deleted_at },
      report?.generation,
      this.#tunnels.has(id),
      ready,
      Boolean(remoteCa) && (await authority.isDue(id)),
    )
    this.#say(key, plan)
    switch (plan.step) {
      case 'apply':
        try {
          const { connection, tunnel } = wanted!
          const { gateway, peer } = await this.#ends(connection, tunnel)
          const routes = await routesThrough(db.kysely, connection.id)
          const inside = await this.#insideCidr(gateway)
          const plain = desiredTunnel(connection, tunnel, gateway, peer, routes, inside, sealer)
          await engine.tunnels.apply(remoteCa ? await this.#certified(plain, remoteCa) : plain)
          this.#tunnels.add(id)
        } catch (cause) {
          // The attempt is over: the gateway must not stay "updating" for as long as the cause lasts.
          const failure = { code: 'LOCAL_KERNEL' as const, since: clock.now(), evidence: [messageOf(cause)] }
          await this.#observations.tunnel(
            id,
            report ? { ...report, failure } : { ...nothingSeen, failure, at: clock.now() },
            wanted!.tunnel.generation,
          )
          throw cause
        }
        return this.#observe(id)
      case 'remove':
        await engine.tunnels.remove(id)
        this.#tunnels.delete(id)
        if (wanted) await this.#forgetTunnel(wanted)
        return
      case 'forget':
        return this.#forgetTunnel(wanted!)
      case 'wait':
        return
      case 'none':
        if (report) await this.#observations.tunnel(id, report, report.generation)
        return
    }
  }

  /** The tunnel with a certificate of its own, issued now where there is none that fits. */
  async #certified(tunnel: Tunnel, remoteCa: string): Promise<Tunnel> {
    const { id, ike } = tunnel
    const certificate = await this.#options.authority.certificateFor({ id, identity: ike.localId }, remoteCa)
    return { ...tunnel, ike: { ...ike, certificate } }
  }

  async #wantedTunnel(id: string): Promise<WantedTunnel | undefined> {
    const { kysely } = this.#options.db
    const tunnel = await kysely.selectFrom('vpn_tunnel').selectAll().where('id', '=', id).executeTakeFirst()
    if (!tunnel) return undefined
    const connection = await kysely
      .selectFrom('vpn_connection')
      .selectAll()
      .where('id', '=', tunnel.connection_id)
      .executeTakeFirst()
    return connection && { connection, tunnel }
  }

  async #ends(
    connection: VpnConnection,
    tunnel: VpnTunnel,
  ): Promise<{ gateway: VpnGateway; peer: CustomerGateway }> {
    const { kysely } = this.#options.db
    const [gateway, peer] = await Promise.all([
      kysely
        .selectFrom('vpn_gateway')
        .selectAll()
        .where('id', '=', connection.vpn_gateway_id)
        .executeTakeFirst(),
      kysely
        .selectFrom('customer_gateway')
        .selectAll()
        .where('id', '=', tunnel.customer_gateway_id)
        .executeTakeFirst(),
    ])
    if (!gateway || !peer) throw new Error('its VPN gateway or customer gateway does not exist')
    return { gateway, peer }
  }

  /** The connection goes with the last of its tunnels that the engine lets go of. */
  async #forgetTunnel({ connection, tunnel }: WantedTunnel): Promise<void> {
    const { db, engine } = this.#options
    this.#tunnels.delete(tunnel.id)
    for (const sibling of await tunnelsOf(db.kysely, connection.id)) {
      if (sibling.id !== tunnel.id && (await engine.tunnels.observe(sibling.id))) return
    }
    await db.transaction((trx) => removeConnection(trx, connection))
    this.#options.changed?.(`connection:${connection.id}`, connection)
    // A gateway that waits for its last connection to go can go on.
    this.changed([`gateway:${connection.vpn_gateway_id}`])
  }

  /** Reads one tunnel from the engine and stores what it says; beside the queue, so that it never waits for an apply. */
  #observeSoon(id: string): void {
    if (this.#stopped) return
    if (this.#observing.has(id)) {
      this.#observing.set(id, true)
      return
    }
    this.#observing.set(id, false)
    const done = this.#observe(id)
      .catch((cause) => this.#log('warn', `tunnel:${id}`, `could not be observed: ${messageOf(cause)}`))
      .finally(() => {
        this.#observers.delete(done)
        const again = this.#observing.get(id)
        this.#observing.delete(id)
        if (again) this.#observeSoon(id)
      })
    this.#observers.add(done)
  }

  async #observe(id: string): Promise<void> {
    const report = await this.#options.engine.tunnels.observe(id)
    if (report) await this.#observations.tunnel(id, report, report.generation)
  }

  #say(key: ChangeKey, { step, reason }: Plan): void {
    if (step !== 'none') this.#log('info', key, `${step}: ${reason}`)
  }

  #log(level: ReconcileLog['level'], key: ChangeKey, message: string): void {
    this.#options.log({ level, key, message })
  }
}

interface WantedTunnel {
  readonly connection: VpnConnection
  readonly tunnel: VpnTunnel
}

const nothingSeen: Omit<TunnelReport, 'id' | 'generation' | 'at'> = {
  pendingReconnect: false,
  ikeSas: [],
  childSas: [],
  childrenWanted: 0,
  phase2Failed: false,
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
