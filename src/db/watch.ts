/**
 * Changes to rows, told by key. Whatever statement of this process changes a row of a watched table, a temporary trigger of
 * the writing connection notes the keys of what shows the row, and with the commit they are told. A trigger of that kind
 * exists for this connection alone and leaves no trace in the file; so what other processes commit is seen by
 * `pragma data_version` of the writing connection, which changes with every commit but its own
 * (https://www.sqlite.org/pragma.html#pragma_data_version).
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Schema } from './schema.ts'

/** Tables, each with a query of the keys of whatever shows a row of it: `key` of it, and `changed` stands for the row. */
export type ShownIn = { readonly [T in keyof Schema]?: string }

export interface ChangeListener {
  forget(key: string): void
  /** Anything may have changed. */
  forgetAll(): void
}

/** Keys noted in one transaction; when there are more, everything is told to have changed. */
const mostKeys = 10_000

interface Watcher {
  readonly listener: ChangeListener
  readonly keys: Set<string>
}

export class SqliteWatch {
  readonly #writer: DatabaseSync
  readonly #watchers: Watcher[] = []
  readonly #readVersion: StatementSync
  #version: unknown

  constructor(writer: DatabaseSync) {
    this.#writer = writer
    this.#readVersion = writer.prepare('pragma data_version')
    // Nothing temporary is worth a file.
    writer.exec('pragma temp_store = memory')
    // Otherwise the rows that `insert or replace` removes would go unnoticed.
    writer.exec('pragma recursive_triggers = on')
    writer.function('suidao_note_change', (watcher, key) => {
      const { keys } = this.#watchers[Number(watcher)]!
      if (keys.size <= mostKeys) keys.add(String(key))
      return null
    })
  }

  /** @throws when one of `reads` touches a table that `shownIn` does not name. */
  add(reads: readonly string[], shownIn: ShownIn, listener: ChangeListener): void {
    for (const read of reads) {
      for (const table of this.#tablesOf(read)) {
        if (!(table in shownIn)) throw new Error(`a read of ${table}, which is not watched: ${read}`)
      }
    }
    const number = this.#watchers.push({ listener, keys: new Set() }) - 1
    for (const [table, query] of Object.entries(shownIn)) {
      const note = (row: 'old' | 'new') =>
        `select suidao_note_change(${number}, key) from (${query.replace(/\bchanged\./g, `${row}.`)});`
      for (const [event, notes] of [
        ['insert', note('new')],
        ['update', note('old') + note('new')],
        ['delete', note('old')],
      ]) {
        this.#writer.exec(
          `create temp trigger watch_${number}_${table}_${event} after ${event} on main.${table} begin ${notes} end`,
        )
      }
    }
  }

  /** By what the compiled statement opens. */
  #tablesOf(read: string): ReadonlySet<string> {
    const opened = this.#writer
      .prepare(`explain ${read}`)
      .all()
      .filter(({ opcode }) => opcode === 'OpenRead')
    const tableAt = this.#writer.prepare('select tbl_name from sqlite_schema where rootpage = ?')
    return new Set(opened.map(({ p2 }) => String(tableAt.get(p2!)!['tbl_name'])))
  }

  /** Tells of other processes. Before a read, so that what it finds is not older than what it is taken for. */
  look(): void {
    if (this.#watchers.length === 0) return
    let version: unknown
    try {
      version = this.#readVersion.get()!['data_version']
    } catch {
      // Another process has the file for itself for a moment.
    }
    if (version !== undefined && version === this.#version) return
    this.#version = version
    for (const { listener } of this.#watchers) listener.forgetAll()
  }

  /** Tells of this process, when a transaction has ended. */
  publish(): void {
    for (const { listener, keys } of this.#watchers) {
      if (keys.size > mostKeys) listener.forgetAll()
      else for (const key of keys) listener.forget(key)
      keys.clear()
    }
  }
}
