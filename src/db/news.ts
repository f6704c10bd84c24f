/**
 * Word between the nodes of a deployment: what was changed through one is taken up by the one that runs the gateways, and
 * what that one sees is told to the consoles of all. By LISTEN and NOTIFY of PostgreSQL (its manual, "NOTIFY").
 *
 * Word may be lost, when a connection breaks or a node dies between its commit and its word. Nothing rests on it: the
 * rounds over everything find the same, later.
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseConfig } from './open.ts'

export interface Piece {
  /** Keys of what has changed, as actions and reconcile name them. */
  readonly keys: readonly string[]
  readonly accountId: string
  readonly region: string
  /** By a call, so that there is work for the node with the gateways; else something was seen. */
  readonly wanted: boolean
}

export interface News {
  /** To all other nodes. Never fails: what cannot be told is not. */
  tell(piece: Piece): void
  close(): Promise<void>
}

export interface NewsReader {
  heard(piece: Piece): void
  /** Word may have been lost: the connection was away and is back. */
  missed(): void
}

const channel = 'suidao_news'

/** A message of NOTIFY holds less than 8,000 bytes; keys are ASCII of at most 64 characters, the rest is far below 1,000. */
const keysAtOnce = 100

/** Milliseconds before a lost connection is tried again. */
const retryAfter = 1_000

/** @returns `undefined` where there is one node alone (SQLite) */
export async function openNews(database: DatabaseConfig, reader: NewsReader): Promise<News | undefined> {
  if (database.kind === 'sqlite') return undefined
  const { url } = database
  const { default: pg } = await import('pg')
  const self = randomUUID()
  let client: InstanceType<typeof pg.Client> | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, application_name: 'suidao news', keepAlive: true })
    // A break is told by `end` too; without a listener it would end the process.
    next.on('error', () => {})
    next.on('notification', ({ payload }) => {
      const { from, ...piece } = JSON.parse(payload!) as Piece & { from: string }
      if (from !== self) reader.heard(piece)
    })
    await next.connect()
    await next.query(`listen ${channel}`)
    if (closed) return next.end()
    next.on('end', () => {
      client = undefined
      again()
    })
    client = next
  }
  function again(): void {
    if (closed) return
    retry = setTimeout(() => {
      connect().then(() => reader.missed(), again)
    }, retryAfter)
  }

  await connect()
  return {
    tell({ keys, ...owner }) {
      for (let at = 0; at < keys.length; at += keysAtOnce) {
        const message = JSON.stringify({ from: self, keys: keys.slice(at, at + keysAtOnce), ...owner })
        client?.query('select pg_notify($1, $2)', [channel, message]).catch(() => {})
      }
    },
    async close() {
      closed = true
      clearTimeout(retry)
      await client?.end()
    },
  }
}
