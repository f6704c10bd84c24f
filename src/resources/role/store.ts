/** Roles of an account: rights that users can take on for a while, by AssumeRole. */
import type { Database } from '../../db/open.ts'
import type { Row } from '../../db/schema.ts'
import type { PolicyStatement } from '../../rpc/authorize.ts'
import { AccessKeyError, assertIdentifier } from '../access-key/model.ts'
import { trustOfAccount } from '../ram.ts'
import type { Source, Trx } from '../write.ts'
import { parseTrust } from './model.ts'

export interface Role {
  readonly accountId: string
  readonly name: string
  readonly description: string
  /** What it may do beside the policies that are attached to it. */
  readonly statements: readonly PolicyStatement[]
  /** The document that says who may take it on. */
  readonly trust: string
  /** Longest session in seconds. */
  readonly maxSession: number
  /** Both: epoch milliseconds. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** As operators make one; trusted is the whole account unless said. */
export type NewRole = Pick<Role, 'accountId' | 'name' | 'statements' | 'maxSession'> & {
  readonly trust?: string
}

/** @throws AccessKeyError when the account does not exist, the name cannot be one, or is taken; for a wrong trust policy. */
export async function createRole(db: Database, role: NewRole, now: number): Promise<void> {
  assertIdentifier('role', role.name)
  if (!Number.isInteger(role.maxSession) || role.maxSession < 3_600 || role.maxSession > 43_200) {
    throw new AccessKeyError('a session of a role ends after 3600 to 43200 seconds')
  }
  const trust = role.trust ?? trustOfAccount(role.accountId)
  parseTrust(trust)
  await db.transaction(async (trx) => {
    const account = await trx
      .selectFrom('account')
      .select('id')
      .where('id', '=', role.accountId)
      .executeTakeFirst()
    if (!account) throw new AccessKeyError(`account ${role.accountId} does not exist`)
    if (await findRole(trx, role.accountId, role.name))
      throw new AccessKeyError(`role ${role.name} exists already`)
    await insertRole(trx, { ...role, trust, description: '', createdAt: now, updatedAt: now })
  })
}

export async function insertRole(trx: Trx, role: Role): Promise<void> {
  await trx.insertInto('ram_role').values(toRow(role)).execute()
}

export async function findRole(source: Source, accountId: string, name: string): Promise<Role | undefined> {
  const row = await source
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

/** In order of their names. */
export async function rolesOf(source: Source, accountId: string): Promise<Role[]> {
  const rows = await source.selectFrom('ram_role').selectAll().where('account_id', '=', accountId).execute()
  return rows.map(toRole).sort((a, b) => (a.name < b.name ? -1 : 1))
}

export async function changeRole(trx: Trx, role: Role): Promise<void> {
  await trx
    .updateTable('ram_role')
    .set(toRow(role))
    .where('account_id', '=', role.accountId)
    .where('name', '=', role.name)
    .execute()
}

const toRow = (role: Role): Row<'ram_role'> => ({
  account_id: role.accountId,
  name: role.name,
  description: role.description,
  statements: JSON.stringify(role.statements),
  trust: role.trust,
  max_session: role.maxSession,
  created_at: role.createdAt,
  updated_at: role.updatedAt,
})

const toRole = (row: Row<'ram_role'>): Role => ({
  accountId: row.account_id,
  name: row.name,
  description: row.description,
  statements: JSON.parse(row.statements),
  trust: row.trust,
  maxSession: row.max_session,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** The role's sessions end with it, within a second. @throws AccessKeyError when there is no such role. */
export async function deleteRole(db: Database, accountId: string, name: string): Promise<void> {
  const was = await db.transaction((trx) => removeRole(trx, accountId, name))
  if (!was) throw new AccessKeyError(`role ${name} does not exist`)
}

/** With its sessions and what is attached to it. @returns whether it was there */
export async function removeRole(trx: Trx, accountId: string, name: string): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('ram_role')
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .executeTakeFirst()
  await trx
    .deleteFrom('access_key')
    .where('account_id', '=', accountId)
    .where('role_name', '=', name)
    .execute()
  await trx
    .deleteFrom('ram_attachment')
    .where('account_id', '=', accountId)
    .where('entity_kind', '=', 'role')
    .where('entity_name', '=', name)
    .execute()
  return numDeletedRows > 0n
}
