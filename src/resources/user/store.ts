/** The RAM users of an account. */
import type { Row, RowChange } from '../../db/schema.ts'
import type { Source, Trx } from '../write.ts'

export type User = Row<'ram_user'>

/** In order of their names, by their characters and not by what a database takes for the alphabet. */
export async function listUserRows(source: Source, accountId: string): Promise<User[]> {
  const rows = await source.selectFrom('ram_user').selectAll().where('account_id', '=', accountId).execute()
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1))
}

export const findUser = (source: Source, accountId: string, name: string): Promise<User | undefined> =>
  source
    .selectFrom('ram_user')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .executeTakeFirst()

const nobody = { display_name: '', email: '', mobile_phone: '', comments: '' }

/** One that exists is left as it is. */
export async function ensureUser(trx: Trx, accountId: string, name: string, now: number): Promise<void> {
  await trx
    .insertInto('ram_user')
    .values({ account_id: accountId, name, ...nobody, created_at: now, updated_at: now })
    .onConflict((conflict) => conflict.columns(['account_id', 'name']).doNothing())
    .execute()
}

export async function insertUser(trx: Trx, user: User): Promise<void> {
  await trx.insertInto('ram_user').values(user).execute()
}

export async function changeUser(trx: Trx, user: User, change: RowChange<'ram_user'>): Promise<void> {
  await trx
    .updateTable('ram_user')
    .set(change)
    .where('account_id', '=', user.account_id)
    .where('name', '=', user.name)
    .execute()
}

export async function removeUser(trx: Trx, user: User): Promise<void> {
  await trx
    .deleteFrom('ram_user')
    .where('account_id', '=', user.account_id)
    .where('name', '=', user.name)
    .execute()
}
