/**
 * Rows of one account, taken and put back. Accounts share tables, and nothing of another account is touched.
 *
 * What engines have reported is not kept: reconcile sees for itself what has become of rows that are put back.
 */
import type { Transaction } from 'kysely'
import type { Database } from '../db/open.ts'
import { type Schema, tables } from '../db/schema.ts'
import type { ChangeKey } from '../resources/context.ts'

type TableName = keyof Schema
type StoredRow = Readonly<Record<string, string | number | null>>
export type Snapshot = ReadonlyMap<TableName, readonly StoredRow[]>

/** Who may call is no resource. */
const left: readonly TableName[] = [
  'account',
  'access_key',
  'ram_user',
  'ram_policy',
  'ram_attachment',
  'ram_role',
  'console_session',
]
const observed: readonly TableName[] = ['gateway_observation', 'tunnel_observation']

const names = (Object.keys(tables) as TableName[]).filter((name) => !left.includes(name))
const columnsOf = (name: TableName) => Object.keys(tables[name])
const owned = names.filter((name) => columnsOf(name).includes('account_id'))
/** The column that says whose part a row is, in tables that name no account. */
const linkOf = (name: TableName): string | undefined =>
  columnsOf(name).find((column) => column.endsWith('_id'))
/** Tables whose rows belong to a row of an account. The others are of the whole deployment. */
const parts = names.filter((name) => !owned.includes(name) && linkOf(name) !== undefined)

/** All rows of an account, those of parts included. */
async function rowsOf(db: Transaction<Schema>, accountId: string): Promise<Map<TableName, StoredRow[]>> {
  const found = new Map<TableName, StoredRow[]>()
  const ids = new Set<string>()
  const add = (name: TableName, rows: StoredRow[]) => {
    found.set(name, rows)
    for (const row of rows) if (typeof row['id'] === 'string') ids.add(row['id'])
  }
  for (const name of owned) {
    const rows = await db
      .selectFrom(name)
      .selectAll()
      .where('account_id' as never, '=', accountId as never)
      .execute()
    add(name, rows as unknown as StoredRow[])
  }
  for (const name of parts) {
    const rows = (await db.selectFrom(name).selectAll().execute()) as unknown as StoredRow[]
    add(
      name,
      rows.filter((row) => ids.has(String(row[linkOf(name)!]))),
    )
  }
  return found
}

async function remove(db: Transaction<Schema>, accountId: string): Promise<Map<TableName, StoredRow[]>> {
  const found = await rowsOf(db, accountId)
  for (const [name, rows] of found) {
    if (owned.includes(name)) {
      await db
        .deleteFrom(name)
        .where('account_id' as never, '=', accountId as never)
        .execute()
      continue
    }
    const link = linkOf(name)!
    for (const row of rows) {
      await db
        .deleteFrom(name)
        .where(link as never, '=', row[link] as never)
        .execute()
    }
  }
  return found
}

export const takeSnapshot = (db: Database, accountId: string): Promise<Snapshot> =>
  db.transaction((trx) => rowsOf(trx, accountId))

/**
 * Puts the rows of a snapshot in the place of those that an account has now; an empty one takes all away.
 *
 * @returns what reconcile has to look at
 * @throws when an address or a number of the snapshot belongs to another account by now
 */
export async function putBack(
  db: Database,
  accountId: string,
  snapshot: Snapshot,
): Promise<readonly ChangeKey[]> {
  const before = await db.transaction(async (trx) => {
    const removed = await remove(trx, accountId)
    await assertFree(trx, snapshot)
    for (const [name, rows] of snapshot) {
      if (observed.includes(name)) continue
      for (const row of rows) {
        await trx
          .insertInto(name)
          .values(row as never)
          .execute()
      }
    }
    return removed
  })
  return [...keysOf(before), ...keysOf(snapshot)]
}

/** Addresses and slots are of the whole deployment. */
async function assertFree(trx: Transaction<Schema>, snapshot: Snapshot): Promise<void> {
  for (const row of snapshot.get('vpn_gateway') ?? []) {
    const taken = await trx
      .selectFrom('vpn_gateway')
      .select('id')
      .where((is) =>
        is.or([
          is('internet_ip', '=', String(row['internet_ip'])),
          is('slot', '=', Number(row['slot'])),
          is('id', '=', String(row['id'])),
        ]),
      )
      .executeTakeFirst()
    if (taken) throw new Error(`the address of ${row['id']} belongs to another account by now`)
  }
}

function* keysOf(rows: Snapshot): Generator<ChangeKey> {
  for (const { id } of rows.get('vpn_gateway') ?? []) yield `gateway:${id}`
  for (const { id } of rows.get('vpn_tunnel') ?? []) yield `tunnel:${id}`
}
