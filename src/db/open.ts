/** The store: one database of either kind behind one interface. */
import { type Compilable, Kysely, type Transaction } from 'kysely'
import { type DatabaseKind, migrate } from './migrations.ts'
import type { Schema } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import type { ChangeListener, ShownIn } from './watch.ts'

export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }

/** What a column can hold and a prepared read can be given. */
export type ColumnValue = string | number | null

/** What `prepared` gives. */
export type PreparedRead = (...values: never) => unknown

export interface Database {
  readonly kind: DatabaseKind
  /** For reads, and for writes of one statement that depend on nothing read before. */
  readonly kysely: Kysely<Schema>

  /**
   * Runs `work` as one write transaction: all of it or nothing, durable when the promise resolves.
   *
   * Write transactions run strictly one after the other, across all processes on this database: what `work` reads
   * stays true until it has written. It should await nothing but the database, since every other writer waits for it;
   * inside it use `trx` alone. A statement that fails ends the transaction: on PostgreSQL nothing can follow it.
   *
   * @throws what `work` throws, after rolling back.
   */
  transaction<T>(work: (trx: Transaction<Schema>) => Promise<T>): Promise<T>

  /**
   * A read that is compiled once. The parameters of `build` after the first are the values given at each call:
   *
   *     const find = db.prepared((q, id: string) => q.selectFrom('vpc').selectAll().where('id', '=', id))
   *     const row = find('vpc-1')
   *
   * They may stand wherever Kysely takes a value, and nothing may be computed from them. Answers the first row;
   * on SQLite at once, on PostgreSQL as a promise. Sees what has been committed.
   */
  prepared<Values extends readonly ColumnValue[], R>(
    build: (q: Kysely<Schema>, ...values: Values) => Compilable<R>,
  ): (...values: Values) => R | undefined | Promise<R | undefined>

  /** The same, for all rows. */
  preparedAll<Values extends readonly ColumnValue[], R>(
    build: (q: Kysely<Schema>, ...values: Values) => Compilable<R>,
  ): (...values: Values) => R[] | Promise<R[]>

  /**
   * Has what was made of prepared reads forgotten as soon as a row in it changes: with the commit, before the writer hears
   * of it. What was made of a read must be handed to whoever keeps it without a pause.
   *
   * @returns to be called each time before what is kept is used: looks whether another process has written meanwhile.
   *   `undefined` where that cannot be told at once (PostgreSQL).
   * @throws when one of `reads` touches a table that `shownIn` does not name.
   */
  watch(reads: readonly PreparedRead[], shownIn: ShownIn, listener: ChangeListener): (() => void) | undefined

  /** The next number in the order of creation; what takes the larger number is visible later. */
  nextSeq(trx: Transaction<Schema>): Promise<number>

  /** Waits for the transactions under way and refuses later ones. Doing it again is fine. */
  close(): Promise<void>
}

/**
 * Opens and migrates.
 *
 * @param now epoch milliseconds, noted beside migrations that run.
 * @throws when the database cannot be opened or was migrated by a newer version of this program; the message names it.
 */
export async function openDatabase(config: DatabaseConfig, now = Date.now()): Promise<Database> {
  const name = nameOf(config)
  try {
    return await open(config, now)
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException
    throw new Error(`cannot open ${name}: ${message || code}`, { cause })
  }
}

/** Without the password that the address of a server may hold. */
function nameOf(config: DatabaseConfig): string {
  if (config.kind === 'sqlite') return `the database file ${config.file}`
  // The parser's own error would show the address.
  if (!URL.canParse(config.url)) throw new Error('the address of the PostgreSQL database is not a URL')
  const { host, pathname, searchParams } = new URL(config.url)
  return `the PostgreSQL database ${pathname.slice(1)} at ${searchParams.get('host') ?? host}`
}

async function open(config: DatabaseConfig, now: number): Promise<Database> {
  // The driver of PostgreSQL is loaded where there is one.
  const store =
    config.kind === 'sqlite'
      ? openSqlite(config.file)
      : (await import('./postgres.ts')).openPostgres(config.url)
  const kysely = new Kysely<Schema>({ dialect: store.dialect })
  const running = new Set<Promise<unknown>>()
  const sqlOf = new WeakMap<PreparedRead, string>()
  let closed = false
  const transaction: Database['transaction'] = async (work) => {
    if (closed) throw new Error('the database is closed')
    const done = store.inTurn(() => kysely.transaction().execute(work))
    running.add(done)
    try {
      return await done
    } finally {
      running.delete(done)
    }
  }
  function compileRead<Values extends readonly ColumnValue[], R>(
    build: (q: Kysely<Schema>, ...values: Values) => Compilable<R>,
    rows: 'first' | 'all',
  ): PreparedRead {
    const markers: readonly object[] = Array.from({ length: build.length - 1 }, () => ({}))
    const { sql, parameters } = build(kysely, ...(markers as never)).compile()
    const place = parameters.map((parameter) => markers.indexOf(parameter as object))
    const fixed = parameters as readonly ColumnValue[]
    const inPlace = place.length === markers.length && place.every((index, at) => index === at)
    const statement = store.prepare(sql)
    const read = (...values: ColumnValue[]) =>
      statement[rows](inPlace ? values : place.map((index, at) => (index < 0 ? fixed[at]! : values[index]!)))
    sqlOf.set(read, sql)
    return read
  }
  try {
    await transaction((trx) => migrate(trx, config.kind, now))
  } catch (cause) {
    await store.close()
    throw cause
  }
  return {
    kind: config.kind,
    kysely,
    transaction,
    prepared: (build) => compileRead(build, 'first') as never,
    preparedAll: (build) => compileRead(build, 'all') as never,
    watch: (reads, shownIn, listener) =>
      store.watch(
        reads.map((read) => sqlOf.get(read)!),
        shownIn,
        listener,
      ),
    async nextSeq(trx) {
      const row = await trx
        .updateTable('creation')
        .set((eb) => ({ last_seq: eb('last_seq', '+', 1) }))
        .returning('last_seq')
        .executeTakeFirstOrThrow()
      return row.last_seq
    },
    async close() {
      closed = true
      await Promise.allSettled(running)
      await store.close()
    },
  }
}
