/**
 * One node at a time runs the gateways of a deployment.
 *
 * Two that did would each make every tunnel, and take each other's daemons for orphans. The claim is held by something
 * that ends with the process, however it ends: a UNIX socket with an abstract name (unix(7)) for the data folder, and
 * on PostgreSQL a session's advisory lock for all hosts.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import type { DatabaseConfig } from './open.ts'

/** Advisory lock of the node that runs gateways; the number is arbitrary and must never change. */
const gatewayLock = 5_017_201_605

export interface Claim {
  /** Resolves with a sentence when the claim has been lost: another node may have it from now on. */
  readonly lost: Promise<string>
  release(): Promise<void>
}

/** @throws when another process has the claim */
export async function claimGateways(database: DatabaseConfig, dataDir: string): Promise<Claim> {
  const local = await claimFolder(dataDir)
  try {
    const shared = database.kind === 'postgres' ? await claimDatabase(database.url) : undefined
    return {
      lost: shared?.lost ?? new Promise(() => {}),
      async release() {
        await shared?.release()
        local.close()
      },
    }
  } catch (cause) {
    local.close()
    throw cause
  }
}

/** Claims the gateways of this machine alone: for what needs no store. @throws when another process has the claim */
export function claimFolder(dataDir: string): Promise<Server> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const digest = createHash('sha256').update(realpathSync(dataDir)).digest('hex')
  const socket = createServer((connection) => connection.destroy())
  return new Promise((resolve, reject) => {
    socket.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new Error(`another process runs the gateways of ${dataDir}`)
          : new Error(`the gateways of ${dataDir} cannot be claimed: ${cause.message}`, { cause }),
      ),
    )
    socket.listen(`\0suidao-gateways-${digest}`, () => resolve(socket.unref()))
  })
}

async function claimDatabase(url: string): Promise<Claim> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: url,
    application_name: 'suidao gateways',
    keepAlive: true,
  })
  const { promise: lost, resolve: lose } = Promise.withResolvers<string>()
  let released = false
  client.on('error', () => {})
  client.on('end', () => {
    if (!released) lose('the connection to PostgreSQL that held the claim on the gateways has ended')
  })
  await client.connect()
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
    gatewayLock,
  ])
  const release = async () => {
    released = true
    await client.end()
  }
  if (!rows[0]?.taken) {
    await release()
    throw new Error(
      'another node runs the gateways of this PostgreSQL database; give this one the role api alone',
    )
  }
  return { lost, release }
}
