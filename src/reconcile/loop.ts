/**
 * Makes what is stored real, one key at a time: read what is wanted, look at what is, plan, act, write down what was seen.
 *
 *     actions ──"this key changed"──▶ queue ──▶ one key ──▶ engine.apply / remove
 *     engine ───"look here soon"────▶ observe ──▶ stored report ──▶ DescribeVpnConnection
 *     every 30 s ──▶ everything once more
 *
 * Nothing here depends on a message arriving: a lost one costs time until the next round, no more.
 */
import type { Database } from '../db/open.ts'
import { type Engine, EngineError, type TunnelReport } from '../engine/engine.ts'
import type { ChangeKey } from '../resources/context.ts'
import type { CustomerGateway } from '../resources/customer-gateway/store.ts'
import {
  connectionsOfGateway,
  removeConnection,
  type VpnConnection,
} from '../resources/vpn-connection/store.ts'
import { removeGateway, type VpnGateway } from '../resources/vpn-gateway/store.ts'
import type { Sealer } from '../seal.ts'
import { desiredGateway, desiredTunnel } from './desired.ts'
import { createObservations, type StoredReport } from './observations.ts'
import { type Plan, planGateway, planTunnel } from './plan.ts'

export interface ReconcileOptions {
  readonly db: Database
  readonly engine: Engine
  readonly sealer: Sealer
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly log: (entry: ReconcileLog) => void
  /** Milliseconds between two rounds over everything. */
  readonly resyncInterval?: number
  /** Told of every report of a tunnel once it is stored; must not throw. */
  readonly stored?: (report: StoredReport) => void
}

export interface ReconcileLog {
  readonly level: 'info' | 'warn'
  readonly key: ChangeKey
  readonly message: string
}

/** Keys worked on at the same time; each waits mostly for a daemon or for the kernel. */
const parallel = 8

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
  readonly #timers = new Map<ChangeKey, NodeJS.Timeout>()
  /** Gateways this process has handed to the engine -> generation. */
  readonly #gateways = new Map<string, number>()
  /** Tunnels this process has handed to the engine. */
  readonly #tunnels = new Set<string>()
  /** Tunnels being observed; `true` when another look is wanted after it. */
  readonly #observing = new Map<string, boolean>()
  readonly #observers = new Set<Promise<void>>()
  #resync: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: ReconcileOptions) {
    this.#options = options
    this.#observations = createObservations(options.db, options.stored)
    options.engine.tunnels.onHint((id) => this.#observeSoon(id))
  }

  /** Takes up everything stored and everything the engine has. */
  async start(): Promise<void> {
    await this.#everything()
    const interval = this.#options.resyncInterval ?? 30_000
    const again = async () => {
      try {
        await this.#everything()
      } catch (cause) {
        this.#log('warn', 'gateway:*', `the round over everything failed: ${messageOf(cause)}`)
      }
      if (!this.#stopped) this.#resync = setTimeout(again, interval).unref()
    }
    this.#resync = setTimeout(again, interval).unref()
  }

  /** Word from an action after its commit. */
  changed(keys: readonly ChangeKey[]): void {
    for (const key of keys) this.#enqueue(key)
  }

  /** Waits for what is under way; tunnels stay as they are. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#resync)
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#waiting.clear()
    await Promise.all([...this.#running.values(), ...this.#observers])
  }

  async #everything(): Promise<void> {
    const { db, engine } = this.#options
    const [gateways, connections] = await Promise.all([
      db.kysely.selectFrom('vpn_gateway').select('id').orderBy('seq').execute(),
      db.kysely.selectFrom('vpn_connection').select('id').orderBy('seq').execute(),
    ])
    const keys = new Set<ChangeKey>()
    for (const { id } of gateways) keys.add(`gateway:${id}`)
    for (const { id } of connections) keys.add(`connection:${id}`)
    for (const { id } of await engine.tunnels.list()) keys.add(`connection:${id}`)
    for (const id of await engine.gateways.list()) keys.add(`gateway:${id}`)
    for (const key of keys) this.#enqueue(key)
  }

  #enqueue(key: ChangeKey): void {
    if (this.#stopped) return
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
    this.#waiting.add(key)
    this.#work()
  }

  #enqueueAfter(key: ChangeKey, delay: number): void {
    if (this.#stopped || this.#waiting.has(key)) return
    clearTimeout(this.#timers.get(key))
    this.#timers.set(key, setTimeout(() => this.#enqueue(key), delay).unref())
  }

  #work(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= parallel) return
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
      await (key.startsWith('gateway:') ? this.#gateway(key, id) : this.#connection(key, id))
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

  async #gateway(key: ChangeKey, id: string): Promise<void> {
    const { db, engine, now } = this.#options
    const row = await db.kysely.selectFrom('vpn_gateway').selectAll().where('id', '=', id).executeTakeFirst()
    const connections = row ? await connectionsOfGateway(db.kysely, id) : []
    const inEngine = (await engine.gateways.list()).includes(id)
    const plan = planGateway(row, inEngine, this.#gateways.get(id), connections.length)
    this.#say(key, plan)
    switch (plan.step) {
      case 'apply': {
        const vpc = await db.kysely
          .selectFrom('vpc')
          .select('cidr')
          .where('id', '=', row!.vpc_id)
          .executeTakeFirst()
        if (!vpc) throw new Error(`its VPC ${row!.vpc_id} does not exist`)
        await engine.gateways.apply(desiredGateway(row!, vpc))
        this.#gateways.set(id, row!.generation)
        await this.#observations.gateway(id, row!.generation, undefined, now())
        this.changed(connections.map((connection) => `connection:${connection.id}` as const))
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
        this.changed(connections.map((connection) => `connection:${connection.id}` as const))
        return
      case 'none':
        return
    }
  }

  async #forgetGateway(row: VpnGateway): Promise<void> {
    this.#gateways.delete(row.id)
    await this.#options.db.transaction((trx) => removeGateway(trx, row))
  }

  async #connection(key: ChangeKey, id: string): Promise<void> {
    const { db, engine, sealer, now } = this.#options
    const row = await db.kysely
      .selectFrom('vpn_connection')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    const report = await engine.tunnels.observe(id)
    const ready = row !== undefined && this.#gateways.has(row.vpn_gateway_id)
    const plan = planTunnel(row, report?.generation, this.#tunnels.has(id), ready)
    this.#say(key, plan)
    switch (plan.step) {
      case 'apply':
        try {
          const { gateway, peer } = await this.#ends(row!)
          await engine.tunnels.apply(desiredTunnel(row!, gateway, peer, sealer))
          this.#tunnels.add(id)
        } catch (cause) {
          // The attempt is over: the gateway must not stay "updating" for as long as the cause lasts.
          const failure = { code: 'LOCAL_KERNEL' as const, since: now(), evidence: [messageOf(cause)] }
          await this.#observations.tunnel(
            id,
            id,
            report ? { ...report, failure } : { ...nothingSeen, failure, at: now() },
            row!.generation,
          )
          throw cause
        }
        return this.#observe(id)
      case 'remove':
        await engine.tunnels.remove(id)
        this.#tunnels.delete(id)
        if (row) await this.#forgetConnection(row)
        return
      case 'forget':
        return this.#forgetConnection(row!)
      case 'wait':
        return
      case 'none':
        if (report) await this.#observations.tunnel(id, id, report, report.generation)
        return
    }
  }

  async #ends(row: VpnConnection): Promise<{ gateway: VpnGateway; peer: CustomerGateway }> {
    const { db } = this.#options
    const [gateway, peer] = await Promise.all([
      db.kysely.selectFrom('vpn_gateway').selectAll().where('id', '=', row.vpn_gateway_id).executeTakeFirst(),
      db.kysely
        .selectFrom('customer_gateway')
        .selectAll()
        .where('id', '=', row.customer_gateway_id)
        .executeTakeFirst(),
    ])
    if (!gateway || !peer) throw new Error('its VPN gateway or customer gateway does not exist')
    return { gateway, peer }
  }

  async #forgetConnection(row: VpnConnection): Promise<void> {
    this.#tunnels.delete(row.id)
    await this.#options.db.transaction((trx) => removeConnection(trx, row))
    // A gateway that waits for its last connection to go can go on.
    this.changed([`gateway:${row.vpn_gateway_id}`])
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
      .catch((cause) => this.#log('warn', `connection:${id}`, `could not be observed: ${messageOf(cause)}`))
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
    if (report) await this.#observations.tunnel(id, id, report, report.generation)
  }

  #say(key: ChangeKey, { step, reason }: Plan): void {
    if (step !== 'none') this.#log('info', key, `${step}: ${reason}`)
  }

  #log(level: ReconcileLog['level'], key: ChangeKey, message: string): void {
    this.#options.log({ level, key, message })
  }
}

const nothingSeen: Omit<TunnelReport, 'id' | 'generation' | 'at'> = {
  pendingReconnect: false,
  ikeSas: [],
  childSas: [],
  childrenWanted: 0,
  phase2Failed: false,
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
