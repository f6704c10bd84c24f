/**
 * All wiring, top to bottom: store, keys, actions, API, and on a gateway node the engine and the reconcile loop.
 * Nothing else knows everybody.
 */
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { createAuthority } from './certificates/authority.ts'
import { type Clock, realClock, type Timer } from './clock.ts'
import type { Config } from './config.ts'
import { createChangeFeed } from './console/changes.ts'
import { createConsole, type Lab } from './console/site.ts'
import { claimGateways } from './db/claim.ts'
import { openNews } from './db/news.ts'
import { type Database, type DatabaseConfig, openDatabase } from './db/open.ts'
import type { DaemonHealth, Engine } from './engine/engine.ts'
import { createLogbook, type Logbook } from './logbook/logbook.ts'
import { http } from './node-http.ts'
import { ReconcileLoop } from './reconcile/loop.ts'
import { createCredentialSource } from './resources/access-key/store.ts'
import { recordOf } from './resources/audit-event/model.ts'
import { openAuditTrail } from './resources/audit-event/store.ts'
import type { ChangeKey, ResourceContext } from './resources/context.ts'
import { createHistoryRecorder } from './resources/history/recorder.ts'
import { createActionTable } from './resources/index.ts'
import { createPaging } from './resources/paging.ts'
import { regionIds } from './resources/region/model.ts'
import { configureWebhook } from './resources/webhook/store.ts'
import { createWrite } from './resources/write.ts'
import type { Gate } from './rpc/gate.ts'
import { createApiMetrics } from './rpc/metrics.ts'
import { createRequestLogger, type LogDestination, type RequestLog } from './rpc/request-log.ts'
import { type ApiServer, createApiServer, type Limits } from './rpc/server.ts'
import { createThrottle } from './rpc/throttle.ts'
import { checkMasterKey, createSealer, loadMasterKey, type Sealer } from './seal.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { loadCertificate } from './tls.ts'

export interface App {
  readonly db: Database
  readonly sealer: Sealer
  readonly engine: Engine | undefined
  /** One request without a connection. */
  readonly handle: ApiServer['handle']
  /** Pieces of work that reconcile has before it or under way. */
  readonly busy: () => number
  /** Resolves when what reports have brought is told and written: webhooks that are due, the history of tunnels. */
  readonly settled: () => Promise<void>
  /** Makes reconcile look at these again, after rows were changed past all actions. */
  readonly changed: (keys: readonly ChangeKey[]) => void
  /** Answers where the API is reached, and on which port the metrics are. */
  listen(): Promise<{
    readonly host: string
    readonly port: number
    readonly endpoint: string
    /** Of the listener over TLS, and the file of the CA that was made for it. */
    readonly tlsEndpoint?: string
    readonly caFile?: string
    readonly metricsPort?: number
  }>
  /** Resolves with a sentence when this node may not go on: it has to be closed, and may be started again. */
  readonly ended: Promise<string>
  /** Stops answering and closes the store. Tunnels go on running. */
  close(): Promise<void>
}

/** What a test, a benchmark or another front end puts in place of the real thing. */
export interface Overrides {
  readonly engine?: Engine
  readonly clock?: Clock
  readonly log?: LogDestination
  readonly limits?: Partial<Limits>
  readonly gate?: Gate
  /** What the console of an emulator controls it by. */
  readonly lab?: Lab
  /** Told of every answer, as the log is. */
  readonly answered?: (entry: RequestLog) => void
  /** Milliseconds between two rounds of reconcile over everything. */
  readonly resyncInterval?: number
  /** Gateways and tunnels that reconcile works on at the same time. */
  readonly parallel?: number
}

/** Rounds that may fail to come before a stored report is called stale. */
const staleRounds = 3
const defaultResync = 30_000
/** Milliseconds. */
const renewInterval = 60_000
const auditFileBytes = 8 * 1024 * 1024
/** Milliseconds between two looks for logs that are too old or of nobody. */
const tidyInterval = 86_400_000

export type CreateEngine = (config: Config, log: (entry: object) => void) => Promise<Engine>

/**
 * @param createEngine makes the engine of a gateway node; not called on a node that only answers the API
 * @throws when the store cannot be opened, the master key does not fit it, or the engine cannot start
 */
export async function createApp(
  config: Config,
  createEngine: CreateEngine,
  overrides: Overrides = {},
): Promise<App> {
  const clock = overrides.clock ?? realClock
  const now = () => clock.now()
  const resyncInterval = overrides.resyncInterval ?? defaultResync
  const destination = overrides.log ?? process.stderr
  const requestLog = createRequestLogger(destination)
  const log = (entry: object) => {
    const line = JSON.stringify({ time: new Date(now()).toISOString(), ...entry })
    destination.write(Buffer.from(`${line}\n`))
  }

  const sealer = createSealer(loadMasterKey(config.masterKeyFile, config.masterKey))
  const database: DatabaseConfig =
    config.database.kind === 'sqlite'
      ? config.database
      : { kind: 'postgres', url: config.database.url.reveal() }
  const db = await openDatabase(database, now())
  const closers: (() => Promise<void>)[] = [() => db.close()]
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one()
    requestLog.flush()
  }

  try {
    await checkMasterKey(db, sealer)
    const audit = await openAuditTrail(
      join(config.dataDir, 'audit'),
      { files: config.auditFiles, fileBytes: auditFileBytes },
      log,
    )
    closers.push(() => audit.close())
    const logbook = config.roles.has('gateway')
      ? createLogbook({
          dir: join(config.dataDir, 'logs'),
          failed: (cause) =>
            log({ level: 'warn', message: `the log of a tunnel cannot be written: ${cause}` }),
        })
      : undefined
    if (logbook) closers.push(() => logbook.close())
    let loop: ReconcileLoop | undefined
    let engine: Engine | undefined
    const changes = createChangeFeed(db)
    const news = await openNews(database, {
      heard({ keys, wanted, ...owner }) {
        if (wanted) loop?.changed(keys as readonly ChangeKey[])
        changes.publish(keys, owner)
      },
      missed: () => loop?.lookAtAll(),
    })
    if (news) closers.push(() => news.close())
    const context: ResourceContext = {
      db,
      sealer,
      write: createWrite(db, sealer, (keys, { principal: { accountId }, region }) => {
        loop?.changed(keys)
        changes.publish(keys, { accountId, region })
        news?.tell({ keys, accountId, region, wanted: true })
      }),
      paging: createPaging(),
      audit,
      logs: logbook,
      quotas: config.quotas,
      addressPool: config.addressPool,
      staleAfter: staleRounds * resyncInterval,
    }
    const regions = config.regions ? new Set(config.regions) : regionIds
    const endpoint = formatHost(config.listen.host)
    const metrics = createApiMetrics()
    const findCredential = createCredentialSource(db, sealer, now)
    const startedAt = now()
    const api: ApiServer = createApiServer({
      table: createActionTable(context, regions, endpoint),
      findCredential,
      regions,
      defaultRegion: config.defaultRegion,
      now,
      clientNow: Date.now,
      gate: overrides.gate,
      log(entry) {
        requestLog.log(entry)
        overrides.answered?.(entry)
      },
      metrics,
      audit: (event) => audit.append(recordOf(event)),
      throttle: config.throttling ? createThrottle() : undefined,
      limits: overrides.limits,
      site: createConsole({
        db,
        findCredential,
        now,
        changes,
        lab: overrides.lab,
        folder: join(dirname(import.meta.dirname), 'console/dist'),
        describeServer: () => ({
          Version: packageJson.version,
          StartedAt: startedAt,
          Engine: engine?.describe() ?? null,
          Daemons: countDaemons(engine?.daemons?.() ?? []),
          Lab: overrides.lab !== undefined,
          Time: now(),
          Regions: [...regions],
          DefaultRegion: config.defaultRegion,
          Quotas: config.quotas,
        }),
      }),
    })

    let telemetry: Telemetry | undefined
    let settled = async () => {}
    let ended: Promise<string> = new Promise(() => {})
    if (logbook) {
      const claim = await claimGateways(database, config.dataDir)
      closers.push(() => claim.release())
      ended = claim.lost
      engine = overrides.engine ?? (await createEngine(config, log))
      closers.push(() => engine!.close())
      engine.tunnels.onLog?.(({ tunnelId, at, text }) => logbook.append(tunnelId, { at, text }))
      closers.push(keepTidy(logbook, db, clock, log))
      await configureWebhook(db, sealer, config.webhook, now())
      const outside = createTelemetry({
        db,
        sealer,
        logbook,
        log,
        clock,
        measures: config.metricsListen !== undefined,
      })
      closers.push(() => outside.stop())
      telemetry = outside
      const history = createHistoryRecorder(db, now, log)
      closers.push(() => history.flush())
      settled = async () => {
        await outside.settled()
        await history.flush()
      }
      loop = new ReconcileLoop({
        db,
        engine,
        sealer,
        authority: createAuthority(db, sealer, now),
        clock,
        log,
        resyncInterval,
        parallel: overrides.parallel,
        stored(report) {
          outside.stored(report)
          history.stored(report)
        },
        changed(key, { account_id: accountId, region }) {
          changes.publish([key], { accountId, region })
          news?.tell({ keys: [key], accountId, region, wanted: false })
        },
      })
      closers.push(() => loop!.stop())
      await loop.start()
    }

    return {
      db,
      sealer,
      engine,
      busy: () => loop?.busy ?? 0,
      settled: () => settled(),
      changed: (keys) => loop?.changed(keys),
      ended,
      handle: api.handle,
      async listen() {
        let metricsPort: number | undefined
        if (config.metricsListen) {
          const served = await serveMetrics(
            config.metricsListen,
            async () =>
              metrics.renderMetrics() + ((await telemetry?.renderMetrics(engine?.daemons?.() ?? [])) ?? ''),
          )
          closers.push(served.close)
          metricsPort = served.port
        }
        const { port } = await api.listen(config.listen.host, config.listen.port)
        closers.push(() => api.close())
        const tls = config.tls && (await serveTls(api, config.tls, clock, log, closers))
        return { host: config.listen.host, port, endpoint: `${endpoint}:${port}`, ...tls, metricsPort }
      },
      close,
    }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** At once and every day; answers what stops it. */
function keepTidy(logbook: Logbook, db: Database, clock: Clock, log: (entry: object) => void) {
  const isKept = async (id: string) =>
    (await db.kysely.selectFrom('vpn_tunnel').select('id').where('id', '=', id).executeTakeFirst()) !==
    undefined
  let running: Promise<void>
  let timer: Timer
  const tidy = () => {
    running = logbook
      .tidy(clock.now(), isKept)
      .catch((cause) => log({ level: 'warn', message: `cannot tidy the logs of tunnels: ${cause}` }))
    timer = clock.after(tidyInterval, tidy)
  }
  tidy()
  return async () => {
    timer.cancel()
    await running
  }
}

/** Listens, and looks each minute whether there is a newer certificate: it ends, and the operator renews it. */
async function serveTls(
  api: ApiServer,
  { listen, certificate }: NonNullable<Config['tls']>,
  clock: Clock,
  log: (entry: object) => void,
  closers: (() => Promise<void>)[],
) {
  let shown = loadCertificate(certificate, clock.now())
  const { port } = await api.listen(listen.host, listen.port, shown)
  let complaint = ''
  let timer = clock.after(renewInterval, look)
  function look() {
    try {
      const found = loadCertificate(certificate, clock.now())
      if (found.certificate !== shown.certificate) {
        api.renewTls(found)
        log({ level: 'info', message: 'the listener over TLS shows a new certificate' })
      }
      shown = found
      complaint = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== complaint)
        log({ level: 'error', message: `the certificate stays the old one: ${message}` })
      complaint = message
    }
    timer = clock.after(renewInterval, look)
  }
  closers.push(async () => timer.cancel())
  return { tlsEndpoint: `${formatHost(listen.host)}:${port}`, caFile: shown.caFile }
}

const formatHost = (host: string) => (host.includes(':') ? `[${host}]` : host)

async function serveMetrics(
  listen: { host: string; port: number },
  render: () => Promise<string>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = http().createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    try {
      const text = await render()
      response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text)
    } catch {
      // The store cannot be read just now; what it is about stands in no answer.
      response.writeHead(503).end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** How many daemons there should be on this node, and how many run and answer. */
const countDaemons = (daemons: readonly DaemonHealth[]) => ({
  Wanted: daemons.length,
  Up: daemons.filter(({ up }) => up).length,
})
