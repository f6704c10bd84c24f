/** Roles of an account: rights that its RAM users can take on for a while, by AssumeRole. */
import type { Database } from '../../db/open.ts'
import type { PolicyStatement } from '../../rpc/authorize.ts'
import { AccessKeyError, assertIdentifier } from '../access-key/model.ts'

export interface Role {
  readonly accountId: string
  readonly name: string
  readonly statements: readonly PolicyStatement[]
  /** Longest session in seconds. */
  readonly maxSession: number
}

/** @throws AccessKeyError when the account does not exist, the name cannot be one, or is taken. */
export async function createRole(db: Database, role: Role, now: number): Promise<void> {
  assertIdentifier('role', role.name)
  if (!Number.isInteger(role.maxSession) || role.maxSession < 3_600 || role.maxSession > 43_200) {
    throw new AccessKeyError('a session of a role ends after 3600 to 43200 seconds')
  }
  await db.transaction(async (trx) => {
    const account = await trx
      .selectFrom('account')
      .select('id')
      .where('id', '=', role.accountId)
      .executeTakeFirst()
    if (!account) throw new AccessKeyError(`account ${role.accountId} does not exist`)
    const taken = await trx
      .selectFrom('ram_role')
      .select('name')
      .where('account_id', '=', role.accountId)
      .where('name', '=', role.name)
      .executeTakeFirst()
    if (taken) throw new AccessKeyError(`role ${role.name} exists already`)
    await trx
      .insertInto('ram_role')
      .values({
        account_id: role.accountId,
        name: role.name,
        statements: JSON.stringify(role.statements),
        max_session: role.maxSession,
        created_at: now,
      })
      .execute()
  })
}

export async function findRole(db: Database, accountId: string, name: string): Promise<Role | undefined> {
  const row = await db.kysely
    .selectFrom('ram_role')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && toRole(row)
}

/** By account and name. */
export async function listRoles(db: Database): Promise<readonly Role[]> {
  const rows = await db.kysely
    .selectFrom('ram_role')
    .selectAll()
    .orderBy('account_id')
    .orderBy('name')
    .execute()
  return rows.map(toRole)
}

const toRole = (row: {
  account_id: string
  name: string
  statements: string
  max_session: number
}): Role => ({
  accountId: row.account_id,
  name: row.name,
  statements: JSON.parse(row.statements),
  maxSession: row.max_session,
})

/** The role's sessions end with it, within a second. @throws AccessKeyError when there is no such role. */
export async function deleteRole(db: Database, accountId: string, name: string): Promise<void> {
  await db.transaction(async (trx) => {
    const { numDeletedRows } = await trx
      .deleteFrom('ram_role')
      .where('account_id', '=', accountId)
      .where('name', '=', name)
      .executeTakeFirst()
    if (numDeletedRows === 0n) throw new AccessKeyError(`role ${name} does not exist`)
    await trx
      .deleteFrom('access_key')
      .where('account_id', '=', accountId)
      .where('role_name', '=', name)
      .execute()
  })
}
