/** The server as a process: configuration -> app -> run until a signal -> close. */
import type { WriteStream } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type App, createApp } from './app.ts'
import type { Terminal } from './cli/terminal.ts'
import { type Config, type LogLevel, showListen } from './config.ts'
import type { Database } from './db/open.ts'
import { createBgpService } from './engine/bird/service.ts'
import type { Engine, EngineDescription } from './engine/engine.ts'
import { hasLink, ipBatch, namespaceInode } from './engine/linux/namespace.ts'
import type { Log } from './engine/linux/process.ts'
import { createProbeService } from './engine/probe/service.ts'
import { createStrongswanEngine } from './engine/strongswan/engine.ts'
import { firstAccount, newAccessKeyId, newSecret } from './resources/access-key/model.ts'
import { createAccessKey, createAccount, listAccounts } from './resources/access-key/store.ts'
import { regionIds } from './resources/region/model.ts'
import type { Sealer } from './seal.ts'
import type { Secret } from './secret.ts'

/** A close that takes longer is left to the system: tunnels and store do not depend on it. Milliseconds. */
const closeLimit = 10_000

/**
 * Runs the server until SIGINT, SIGTERM or SIGHUP. Prints what it serves and where, in lines `name value`.
 *
 * @returns the exit code: 0 after a signal, 1 when it could not start or may not go on
 */
export async function runServer(config: Config, output: Terminal): Promise<number> {
  const stopped = signalled()
  for (const warning of config.warnings) output.complain(`warning: ${warning}`)
  if (config.roles.has('gateway') && process.getuid?.() !== 0) {
    output.complain(
      'cannot start: tunnels need root. A node that only answers the API needs none: SUIDAO_ROLES=api',
    )
    return 1
  }
  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
    const log = config.logFile === undefined ? process.stderr : await openLog(config.logFile, output)
    // Whoever read our output may go away; the tunnels' API does not end with that.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
    const app = await createApp(config, createEngine, { log })
    try {
      const firstKey = await createFirstKey(app.db, app.sealer, config.dataDir)
      const served = await app.listen()
      for (const line of describe(config, served, app.engine?.describe())) output.print(line)
      if (firstKey) printFirstKey(firstKey, output)
      const ending = await Promise.race([stopped, app.ended])
      if (ending !== undefined) output.complain(`stopped: ${ending}`)
      return ending === undefined ? 0 : 1
    } finally {
      await within(closeLimit, app.close())
    }
  } catch (error) {
    output.complain(`cannot start: ${explain(error, config)}`)
    return 1
  }
}

/** @throws when the file cannot be opened. Lines that cannot be written later (a full disk) are lost, and that is said. */
async function openLog(file: string, output: Terminal): Promise<WriteStream> {
  const handle = await open(file, 'a').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`the log file ${file} cannot be opened (${error.code})`)
  })
  const stream = handle.createWriteStream()
  return stream.on('error', (error) => output.complain(`the log file ${file} ends here: ${error.message}`))
}

function signalled(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve(undefined))
  })
}

const within = (milliseconds: number, work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

async function createEngine(config: Config, log: (entry: object) => void): Promise<Engine> {
  const { dataDir, prefix, kernelMode, wan, host } = config
  const common: { dataDir: string; log: Log } = {
    dataDir,
    log(level, message, fields) {
      if (levels.indexOf(level) >= levels.indexOf(config.logLevel)) log({ level, message, ...fields })
    },
  }
  const madeBridge = await makeOwnBridge(config)
  if (madeBridge) log({ level: 'info', message: `made the WAN bridge ${wan.bridge}` })
  try {
    return await createStrongswanEngine({
      dataDir,
      prefix,
      wan: host ?? wan,
      ...(kernelMode === 'auto' ? {} : { kernelMode }),
      services: [
        createBgpService({
          ...common,
          limits: { holdTime: config.bgpHoldTime, importLimit: config.quotas.networksPerBgpSession },
        }),
        createProbeService(common),
      ],
      log: common.log,
    })
  } catch (error) {
    if (madeBridge) await removeOwnBridge(config)
    throw error
  }
}

/** @returns whether it was not there. In a namespace that does not exist nothing is made: the engine says so. */
async function makeOwnBridge({ wan, host }: Config): Promise<boolean> {
  if (host || !wan.ownBridge || !(await wanExists(wan)) || (await hasLink(wan.netns, wan.bridge)))
    return false
  await ipBatch(wan.netns, [`link add ${wan.bridge} type bridge`, `link set ${wan.bridge} up`])
  return true
}

const wanExists = async ({ netns }: Config['wan']) =>
  netns === undefined || (await namespaceInode(netns)) !== undefined

/** Removes the bridge that a start has made. Answers the names of what was removed. */
export async function removeOwnBridge({ wan, host }: Config): Promise<string[]> {
  if (host || !wan.ownBridge || !(await wanExists(wan)) || !(await hasLink(wan.netns, wan.bridge))) return []
  await ipBatch(wan.netns, [`link del ${wan.bridge}`])
  return [wan.bridge]
}

function describe(
  config: Config,
  { endpoint, tlsEndpoint, caFile, metricsPort }: Awaited<ReturnType<App['listen']>>,
  engine: EngineDescription | undefined,
): string[] {
  const mode = engine?.kernelMode === undefined ? '' : `, kernel mode ${engine.kernelMode}`
  const regions = config.regions?.length ?? regionIds.size
  return [
    `endpoint  http://${endpoint}`,
    ...(tlsEndpoint ? [`tls       https://${tlsEndpoint}`] : []),
    ...(caFile ? [`ca        ${caFile}`] : []),
    `regions   ${regions}, default ${config.defaultRegion}`,
    `engine    ${engine ? `${engine.name} ${engine.daemonVersion ?? ''}${mode}` : 'none (this node only answers the API)'}`,
    `store     ${config.database.kind === 'sqlite' ? config.database.file : 'PostgreSQL'}`,
    ...(config.metricsListen && metricsPort
      ? [`metrics   http://${showListen({ ...config.metricsListen, port: metricsPort })}/metrics`]
      : []),
  ]
}

// --- The first access key ------------------------------------------------------------------------------------

interface FirstKey {
  readonly id: string
  readonly secret: Secret
  readonly file: string
}

/**
 * An empty store gets an account with one root key. The key's file is on the disk before the key is valid; of
 * several nodes that start at once on one store, the one that makes the account makes the key.
 */
async function createFirstKey(db: Database, sealer: Sealer, dataDir: string): Promise<FirstKey | undefined> {
  const now = Date.now()
  if ((await listAccounts(db)).length > 0 || !(await createAccount(db, firstAccount, now))) return undefined
  const id = newAccessKeyId()
  const secret = newSecret()
  const file = join(dataDir, 'root-access-key.json')
  const content = { AccountId: firstAccount.id, AccessKeyId: id, AccessKeySecret: secret.reveal() }
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true })
  await createAccessKey(db, sealer, { accountId: firstAccount.id, known: { id, secret } }, now)
  return { id, secret, file }
}

/** On a terminal the secret is shown, this one time; into a log it never goes. */
function printFirstKey({ id, secret, file }: FirstKey, output: Terminal): void {
  output.print(`account   ${firstAccount.id}, new`)
  output.print(`key       ${id}`)
  if (output.isInteractive) output.print(`secret    ${secret.reveal()}`)
  output.print(`          in ${file}; keep it elsewhere and remove that file`)
}

// --- Why it did not start ------------------------------------------------------------------------------------

function explain(error: unknown, config: Config): string {
  if (!(error instanceof Error)) return String(error)
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  const isTls = config.tls !== undefined && port === config.tls.listen.port && port !== config.listen.port
  const listen = showListen(isTls ? config.tls!.listen : config.listen)
  const setting = isTls ? 'tls.listen, SUIDAO_TLS_LISTEN' : 'listen, SUIDAO_LISTEN'
  if (code === 'EADDRINUSE') return `${listen} is in use by another process (${setting})`
  if (code === 'EACCES' && error.message.includes('listen')) return `${listen} may not be used by this user`
  if (code === 'EADDRNOTAVAIL') return `${listen} is not an address of this machine (${setting})`
  return error.message
}
