/**
 * SQLite as Node 24 brings it (`node:sqlite`), for Kysely and for prepared reads.
 *
 * Two connections to one file in WAL mode: one writes, one reads. A read therefore never waits for a write, and never
 * sees what is not committed. `synchronous=FULL` syncs the log at each commit, so what has been acknowledged survives
 * a killed process and a lost supply (https://www.sqlite.org/pragma.html#pragma_synchronous).
 *
 * Write transactions run one after the other. Those that wait are put into one SQLite transaction, each in a savepoint
 * of its own, and share one sync; each is acknowledged after it. So a sync costs a burst of writes once.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { type ChangeListener, type ShownIn, SqliteWatch } from './watch.ts'

/** How long a statement waits for another process that writes, in milliseconds. */
const busyTimeout = 5_000
const busyPause = 2
const sqliteBusy = 5 // primary result code SQLITE_BUSY

/** What each connection keeps of the file, in KiB. More gains nothing: the rest is in the system's page cache. */
const pageCache = 4_096

/** Transactions that may share one sync; bounds how long the first of them waits. */
const batchLimit = 64

const statementLimit = 500

export interface SqliteStore {
  readonly dialect: Dialect
  /** A read that is prepared once. */
  prepare(sql: string): {
    first(parameters: readonly SQLInputValue[]): unknown
    all(parameters: readonly SQLInputValue[]): unknown[]
  }
  /** Starts a write transaction when it may be: at once, for the driver lets them wait. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  /** See `Database.watch`; reads as SQL. */
  watch(reads: readonly string[], shownIn: ShownIn, listener: ChangeListener): () => void
  /** Waits for the writes under way. */
  close(): Promise<void>
}

/** Creates the file, and its folder, where there is none. @throws when it cannot be opened. */
export function openSqlite(file: string): SqliteStore {
  const memory = file === ':memory:'
  // Two connections cannot share a memory database without seeing each other's uncommitted rows, so this is a file
  // without a name: it goes with the process.
  const folder = memory ? mkdtempSync(join(tmpdir(), 'suidao-')) : undefined
  const path = folder ? join(folder, 'db') : file
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite would create it readable for everybody; its log files take over this mode.
    closeSync(openSync(path, 'a', 0o600))
    const writer = new Connection(new DatabaseSync(path, { timeout: busyTimeout }))
    writer.db.exec('pragma journal_mode = wal')
    writer.db.exec(`pragma synchronous = ${memory ? 'off' : 'full'}`)
    const reader = new Connection(new DatabaseSync(path, { timeout: busyTimeout, readOnly: true }))
    for (const { db } of [writer, reader]) {
      db.exec(`pragma cache_size = -${pageCache}`)
      // Opens all files now: in memory mode they lose their names below.
      db.prepare('select count(*) from sqlite_schema').get()
    }
    // From here on waiting for another writer is ours, so that it holds up nothing else.
    writer.db.exec('pragma busy_timeout = 0')
    const changes = new SqliteWatch(writer.db)
    const snapshot = new Snapshot(reader.db, changes)
    const queue = new WriteQueue(writer.db, snapshot, changes)
    let open = true
    return {
      dialect: {
        createDriver: () => new SqliteDriver(reader, writer, snapshot, queue),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createAdapter: () => new SqliteAdapter(),
        createIntrospector: (db) => new SqliteIntrospector(db),
      },
      prepare: (sql) => prepareRead(reader.db, snapshot, sql),
      watch(reads, shownIn, listener) {
        changes.add(reads, shownIn, listener)
        return () => snapshot.look()
      },
      inTurn: (run) => run(),
      async close() {
        if (!open) return
        open = false
        await queue.close()
        snapshot.end()
        reader.db.close()
        writer.db.close()
      },
    }
  } finally {
    if (folder) rmSync(folder, { recursive: true })
  }
}

function prepareRead(db: DatabaseSync, snapshot: Snapshot, sql: string): ReturnType<SqliteStore['prepare']> {
  const { statement, toRow } = prepareArrays(db, sql)
  return {
    first(parameters) {
      snapshot.begin()
      const values = statement.get(...parameters) as unknown as Values | undefined
      return values && toRow!(values)
    },
    all(parameters) {
      snapshot.begin()
      return (statement.all(...parameters) as unknown as Values[]).map((values) => toRow!(values))
    },
  }
}

type Values = readonly unknown[]

interface Prepared {
  readonly statement: StatementSync
  /** Of the rows of a statement that has some. */
  readonly toRow: ((values: Values) => unknown) | undefined
}

/** Rows come as arrays: making objects of them here takes a fraction of what `node:sqlite` needs for it. */
function prepareArrays(db: DatabaseSync, sql: string): Prepared {
  // A connection learns what another one has changed of the tables by running a statement, not by preparing one.
  db.prepare('select 1 from sqlite_schema limit 1').get()
  const statement = db.prepare(sql)
  const columns = statement.columns().map((column) => column.name)
  if (columns.length === 0) return { statement, toRow: undefined }
  statement.setReturnArrays(true)
  // Code for one object literal: all rows have one shape from the start, whatever the number of columns.
  const members = columns.map((name, at) => `${JSON.stringify(name)}: values[${at}]`)
  const toRow = new Function('values', `return { ${members.join(', ')} }`) as (values: Values) => unknown
  return { statement, toRow }
}

/**
 * What the reading connection sees, held for the rest of this turn of the event loop: beginning and ending a read
 * transaction costs as much as a short read, and a busy server does many reads in a turn. It ends with a commit of this
 * process, so that whoever was told of a write finds it.
 */
class Snapshot {
  readonly #begin: StatementSync
  readonly #end: StatementSync
  readonly #changes: SqliteWatch
  #looked = false
  #held = false

  constructor(db: DatabaseSync, changes: SqliteWatch) {
    this.#begin = db.prepare('begin')
    this.#end = db.prepare('commit')
    this.#changes = changes
  }

  /** Has listeners told of what other processes have committed, up to this turn. */
  look(): void {
    if (this.#looked) return
    this.#looked = true
    setImmediate(() => this.end())
    this.#changes.look()
  }

  begin(): void {
    if (this.#held) return
    this.look()
    this.#begin.run()
    this.#held = true
  }

  end(): void {
    this.#looked = false
    if (!this.#held) return
    this.#held = false
    this.#end.run()
  }
}

/** A connection and the statements compiled on it. */
class Connection {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, Prepared>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  run<R>(query: CompiledQuery): QueryResult<R> {
    const { statement, toRow } = this.#statement(query.sql)
    const parameters = query.parameters as readonly SQLInputValue[]
    if (toRow) {
      const rows = (statement.all(...parameters) as unknown as Values[]).map(toRow) as R[]
      return { rows, numAffectedRows: BigInt(rows.length) }
    }
    return { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) }
  }

  #statement(sql: string): Prepared {
    let prepared = this.#statements.get(sql)
    if (!prepared) {
      prepared = prepareArrays(this.db, sql)
      if (this.#statements.size >= statementLimit) this.#statements.clear()
      this.#statements.set(sql, prepared)
    }
    return prepared
  }
}

const givenUp = 'the database gave up the write transaction (disk full or failing?)'

interface Released {
  resolve(): void
  reject(cause: unknown): void
}

/**
 * The turn to write. `begin` waits for it; `commit` and `rollback` pass it on, and `commit` then waits for the sync.
 *
 *   begin A .. release A | begin B .. release B | COMMIT (one sync) | A and B are told
 */
class WriteQueue {
  readonly #db: DatabaseSync
  readonly #snapshot: Snapshot
  readonly #changes: SqliteWatch
  readonly #waiting: (() => void)[] = []
  /** Done inside the open SQLite transaction, not durable yet. */
  #released: Released[] = []
  #busy = false
  #savepoint = false
  #closed = false
  #whenIdle: (() => void) | undefined

  constructor(db: DatabaseSync, snapshot: Snapshot, changes: SqliteWatch) {
    this.#db = db
    this.#snapshot = snapshot
    this.#changes = changes
  }

  async begin(): Promise<void> {
    if (this.#closed) throw new Error('the database is closed')
    if (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy = true
    try {
      this.#savepoint = this.#db.isTransaction
      if (this.#savepoint) this.#db.exec('savepoint turn')
      else await this.#beginImmediate()
    } catch (cause) {
      this.#pass()
      throw cause
    }
  }

  async #beginImmediate(): Promise<void> {
    const giveUp = performance.now() + busyTimeout
    for (;;) {
      try {
        return this.#db.exec('begin immediate')
      } catch (cause) {
        const busy = ((cause as { errcode?: number }).errcode ?? 0) % 256 === sqliteBusy
        if (!busy) throw cause
        if (performance.now() > giveUp) {
          throw new Error(`another process has been writing to the database for ${busyTimeout} ms`, { cause })
        }
      }
      await setTimeout(busyPause)
    }
  }

  /** Throws at once when the turn is still to be rolled back; rejects when it could not be made durable. */
  commit(): Promise<void> {
    this.assertOpen()
    if (this.#savepoint) this.#db.exec('release turn')
    const durable = new Promise<void>((resolve, reject) => this.#released.push({ resolve, reject }))
    this.#pass()
    return durable
  }

  rollback(): void {
    if (!this.#db.isTransaction) {
      this.#settle(new Error(givenUp))
    } else if (this.#savepoint) {
      this.#db.exec('rollback to turn')
      this.#db.exec('release turn')
    } else {
      this.#db.exec('rollback')
    }
    this.#pass()
  }

  /** SQLite gives up a whole transaction by itself when the disk is full or fails; what follows would commit alone. */
  assertOpen(): void {
    if (!this.#db.isTransaction) throw new Error(givenUp)
  }

  #pass(): void {
    const next = this.#released.length < batchLimit ? this.#waiting.shift() : undefined
    if (next) {
      next()
      return
    }
    if (this.#released.length > 0) {
      try {
        this.#snapshot.end()
        this.#db.exec('commit')
        this.#changes.publish()
        this.#settle()
      } catch (cause) {
        if (this.#db.isTransaction) this.#db.exec('rollback')
        this.#settle(cause)
      }
    }
    const first = this.#waiting.shift()
    if (first) {
      first()
      return
    }
    this.#busy = false
    this.#whenIdle?.()
  }

  /** Lets everything that waits have its turn; what comes later is refused. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#busy) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }

  #settle(cause?: unknown): void {
    const released = this.#released
    this.#released = []
    for (const { resolve, reject } of released) {
      if (cause === undefined) resolve()
      else reject(cause)
    }
  }
}

/** Reads outside a transaction go to the reader at once; everything else takes its turn to write. */
class SqliteConnection implements DatabaseConnection {
  readonly #reader: Connection
  readonly #writer: Connection
  readonly #snapshot: Snapshot
  readonly #queue: WriteQueue
  #inTransaction = false

  constructor(reader: Connection, writer: Connection, snapshot: Snapshot, queue: WriteQueue) {
    this.#reader = reader
    this.#writer = writer
    this.#snapshot = snapshot
    this.#queue = queue
  }

  async begin(): Promise<void> {
    await this.#queue.begin()
    this.#inTransaction = true
  }

  commit(): Promise<void> {
    const durable = this.#queue.commit()
    this.#inTransaction = false
    return durable
  }

  /** Kysely calls this after a failed commit too; the turn is over then. */
  rollback(): void {
    if (!this.#inTransaction) return
    this.#inTransaction = false
    this.#queue.rollback()
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#inTransaction) {
      this.#queue.assertOpen()
      return this.#writer.run(query)
    }
    if (SelectQueryNode.is(query.query)) {
      this.#snapshot.begin()
      return this.#reader.run(query)
    }
    await this.begin()
    let result: QueryResult<R>
    try {
      result = this.#writer.run(query)
    } catch (cause) {
      this.rollback()
      throw cause
    }
    await this.commit()
    return result
  }

  // biome-ignore lint/correctness/useYield: there is nothing to stream from a file in this process
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('SQLite reads are not streamed: page by key')
  }
}

class SqliteDriver implements Driver {
  readonly #reader: Connection
  readonly #writer: Connection
  readonly #snapshot: Snapshot
  readonly #queue: WriteQueue

  constructor(reader: Connection, writer: Connection, snapshot: Snapshot, queue: WriteQueue) {
    this.#reader = reader
    this.#writer = writer
    this.#snapshot = snapshot
    this.#queue = queue
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SqliteConnection> {
    return new SqliteConnection(this.#reader, this.#writer, this.#snapshot, this.#queue)
  }

  beginTransaction(connection: SqliteConnection): Promise<void> {
    return connection.begin()
  }

  commitTransaction(connection: SqliteConnection): Promise<void> {
    return connection.commit()
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    connection.rollback()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}
