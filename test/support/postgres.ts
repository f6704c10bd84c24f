/** Databases for tests: SQLite always, PostgreSQL where its server is installed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { type Database, type DatabaseConfig, openDatabase } from '../../src/db/open.ts'

const run = promisify(execFile)

const superuser = 'suidao'

export interface PostgresServer {
  /** A new, empty database of this server. */
  createDatabase(): Promise<DatabaseConfig & { kind: 'postgres' }>
  stop(): Promise<void>
}

/** Folder with Debian's newest server, or `undefined` when none is installed. */
export function findPostgres(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root) : []
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')))
}

/**
 * Starts a server of its own on a private UNIX socket, without TCP, in a temporary folder. It dies with this process.
 *
 * @param settings of postgresql.conf, beside those that make a test server quick.
 */
export async function startPostgres(
  bin: string,
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'suidao-pg-'))
  const data = join(folder, 'data')
  const as = await serverUser()
  if (as) chownSync(folder, as.uid, as.gid)
  const identity = as ? [`--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups'] : []
  const launch = (command: string, args: readonly string[]) =>
    ['setpriv', [...identity, '--pdeathsig', 'INT', join(bin, command), ...args]] as const

  const options = { listen_addresses: '', unix_socket_directories: folder, fsync: 'off', ...settings }
  const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ChildProcess
  try {
    await run(
      ...launch('initdb', ['-D', data, '-N', '-A', 'trust', '-U', superuser, '-E', 'UTF8', '--locale=C']),
    )
    server = spawn(...launch('postgres', ['-D', data, ...flags]), { stdio: ['ignore', 'ignore', 'pipe'] })
    await untilReady(server)
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }

  // A schema each, in one database: a new database would take a tenth of a second.
  const url = (schema: string) => {
    const place = new URLSearchParams({ host: folder, options: `-c search_path=${schema}` })
    return `postgres://${superuser}@localhost/postgres?${place}`
  }
  let databases = 0
  return {
    async createDatabase() {
      const schema = `test_${++databases}`
      const client = new pg.Client(url(schema))
      await client.connect()
      await client.query(`create schema ${schema}`)
      await client.end()
      return { kind: 'postgres', url: url(schema) }
    },
    async stop() {
      const exited = new Promise((resolve) => server.once('exit', resolve))
      // Fast shutdown: open sessions are ended.
      if (server.exitCode === null && server.kill('SIGINT')) await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The server refuses to run as root. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const { stdout } = await run('getent', ['passwd', 'postgres', 'nobody']).catch((error) => error)
  const [, , uid, gid] = String(stdout).split('\n')[0]!.split(':')
  if (!uid || !gid) throw new Error('neither user postgres nor nobody exists to run the database server as')
  return { uid: Number(uid), gid: Number(gid) }
}

function untilReady(server: ChildProcess): Promise<void> {
  const said: string[] = []
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`the database server has stopped:\n${said.join('\n')}`)))
    createInterface({ input: server.stderr! }).on('line', (line) => {
      said.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
  })
}

/** Gives a new, empty, migrated database, closed when the tests of its kind are done. */
type Open = () => Promise<Database>
/** Gives room for a database that the test opens itself, once or several times. */
type Place = () => Promise<DatabaseConfig>

/** Declares the same tests for each kind of database. */
export function eachDatabase(tests: (kind: DatabaseConfig['kind'], open: Open, place: Place) => void): void {
  describe('on SQLite', () => {
    let folder: string
    let files = 0
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'suidao-db-'))
    })
    const open = opening(async () => ({ kind: 'sqlite', file: ':memory:' }))
    tests('sqlite', open, async () => ({ kind: 'sqlite', file: join(folder, `${++files}.db`) }))
    after(() => rmSync(folder, { recursive: true }))
  })
  onPostgres((open, place) => tests('postgres', open, place))
}

/** Declares tests for PostgreSQL alone; where it is not installed they are skipped, with the reason. */
export function onPostgres(tests: (open: Open, place: Place) => void): void {
  const bin = findPostgres()
  describe('on PostgreSQL', { skip: bin ? false : 'no PostgreSQL server under /usr/lib/postgresql' }, () => {
    let server: PostgresServer
    before(async () => {
      server = await startPostgres(bin!)
    })
    const place = () => server.createDatabase()
    const open = opening(place)
    tests(open, place)
    after(() => server.stop())
  })
}

function opening(place: Place): Open {
  const opened: Database[] = []
  after(async () => {
    for (const db of opened) await db.close()
  })
  return async () => {
    const db = await openDatabase(await place())
    opened.push(db)
    return db
  }
}
