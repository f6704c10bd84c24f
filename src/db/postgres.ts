/**
 * PostgreSQL through `pg`, for Kysely and for prepared reads.
 *
 * Write transactions of all nodes run one after the other, as on SQLite: each takes one advisory lock with its first
 * message and holds it until it has committed. What a transaction has read is therefore still so when it writes, at
 * READ COMMITTED and with no retries, whatever rows it touches. The alternative, SERIALIZABLE with retries, was left:
 * every creation changes a count and the creation order, so concurrent ones would nearly always collide and start over.
 * A single statement outside a transaction (an observation) takes no lock and runs beside them.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import pg from 'pg'

/** Advisory lock of whoever writes; the number is arbitrary and must never change. */
const writerLock = 5_017_201_604

/** Milliseconds a connection may wait for a lock, or hold one without working: a node that stops must not stop all. */
const lockTimeout = 30_000

const connectTimeout = 10_000

export interface PostgresStore {
  readonly dialect: Dialect
  /** A read, by a statement that each connection prepares once. */
  prepare(sql: string): {
    first(parameters: readonly unknown[]): Promise<unknown>
    all(parameters: readonly unknown[]): Promise<unknown[]>
  }
  /** Other nodes write too, and asking would cost as much as reading. */
  watch(): undefined
  /** Starts a write transaction when it may be: after the one before, so that those that wait hold no connection. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Connects lazily: the first query fails when the server cannot be reached. */
export function openPostgres(url: string): PostgresStore {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'suidao',
    connectionTimeoutMillis: connectTimeout,
    lock_timeout: lockTimeout,
    idle_in_transaction_session_timeout: lockTimeout,
    keepAlive: true,
    types: { getTypeParser },
  })
  // A connection that breaks is dropped by the pool, and its query, or the next one, is told. Without listeners the
  // break would end the process: the pool's is for connections that nobody has, the client's for those in a transaction.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  let statements = 0
  let open = true
  let last: Promise<unknown> = Promise.resolve()
  return {
    dialect: {
      createDriver: () => new WriterLockDriver({ pool }),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
    prepare(text) {
      const name = `suidao-${++statements}`
      const all = async (values: readonly unknown[]): Promise<unknown[]> =>
        (await pool.query({ name, text, values: [...values] })).rows
      return { all, first: async (values) => (await all(values))[0] }
    },
    watch: () => undefined,
    inTurn(run) {
      const result = last.then(run, run)
      last = result
      return result
    },
    async close() {
      if (!open) return
      open = false
      await pool.end()
    },
  }
}

class WriterLockDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw(`begin; select pg_advisory_xact_lock(${writerLock})`))
    } catch (cause) {
      // The lock was not to be had; the connection goes back to the pool and must not be inside a transaction.
      await this.rollbackTransaction(connection)
      throw cause
    }
  }
}

/** `bigint` columns and counts are numbers here, as on SQLite; no value of ours passes 2^53. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === pg.types.builtins.INT8) return Number
  return pg.types.getTypeParser(oid, format as 'text')
}
