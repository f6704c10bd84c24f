/** Policies of an account, and whom they are attached to: users and roles. */
import type { Row } from '../../db/schema.ts'
import type { Source, Trx } from '../write.ts'
import { documentOf, type PolicyType, systemPolicies } from './model.ts'

type PolicyRow = Row<'ram_policy'>
export type Attachment = Row<'ram_attachment'>
export type EntityKind = Attachment['entity_kind']

export interface Policy {
  readonly type: PolicyType
  readonly name: string
  readonly description: string
  readonly document: string
  readonly version: number
  /** Epoch milliseconds; of one that is there from the start: 0. */
  readonly createdAt: number
  readonly updatedAt: number
}

const custom = (row: PolicyRow): Policy => ({
  type: 'Custom',
  name: row.name,
  description: row.description,
  document: row.document,
  version: row.version,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const system: readonly Policy[] = systemPolicies.map(({ name, description, statements }) => ({
  type: 'System',
  name,
  description,
  document: documentOf(statements),
  version: 1,
  createdAt: 0,
  updatedAt: 0,
}))

/** In order of their names; those of the system first where both have the name. */
export async function listPolicyRows(source: Source, accountId: string): Promise<Policy[]> {
  const rows = await source.selectFrom('ram_policy').selectAll().where('account_id', '=', accountId).execute()
  return [...system, ...rows.map(custom)].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

export async function findPolicy(
  source: Source,
  accountId: string,
  type: PolicyType,
  name: string,
): Promise<Policy | undefined> {
  if (type === 'System') return system.find((policy) => policy.name === name)
  const row = await source
    .selectFrom('ram_policy')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && custom(row)
}

export async function insertPolicy(trx: Trx, row: PolicyRow): Promise<void> {
  await trx.insertInto('ram_policy').values(row).execute()
}

/** The version after this one. */
export async function replaceDocument(
  trx: Trx,
  accountId: string,
  policy: Policy,
  document: string,
  now: number,
): Promise<void> {
  await trx
    .updateTable('ram_policy')
    .set({ document, version: policy.version + 1, updated_at: now })
    .where('account_id', '=', accountId)
    .where('name', '=', policy.name)
    .execute()
}

/** The policy and what attaches it to anybody. */
export async function removePolicy(trx: Trx, accountId: string, name: string): Promise<void> {
  await trx.deleteFrom('ram_policy').where('account_id', '=', accountId).where('name', '=', name).execute()
  await trx
    .deleteFrom('ram_attachment')
    .where('account_id', '=', accountId)
    .where('policy_type', '=', 'Custom')
    .where('policy_name', '=', name)
    .execute()
}

// --- Attachments -------------------------------------------------------------------------------------------------

export const attachmentsOf = (
  source: Source,
  accountId: string,
  kind: EntityKind,
  name: string,
): Promise<Attachment[]> =>
  source
    .selectFrom('ram_attachment')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('entity_kind', '=', kind)
    .where('entity_name', '=', name)
    .orderBy('policy_name')
    .orderBy('policy_type')
    .execute()

/** What a user or a role has, in order of the names. */
export async function policiesAttachedTo(
  source: Source,
  accountId: string,
  kind: EntityKind,
  name: string,
): Promise<readonly { readonly policy: Policy; readonly attachedAt: number }[]> {
  const attachments = await attachmentsOf(source, accountId, kind, name)
  const found = await Promise.all(
    attachments.map(async ({ policy_type, policy_name, attached_at }) => ({
      policy: await findPolicy(source, accountId, policy_type, policy_name),
      attachedAt: attached_at,
    })),
  )
  return found.flatMap(({ policy, attachedAt }) => (policy ? [{ policy, attachedAt }] : []))
}

/** Of one policy, or of all. */
export function attachmentsOfPolicies(
  source: Source,
  accountId: string,
  policy?: Pick<Policy, 'type' | 'name'>,
): Promise<Attachment[]> {
  let query = source.selectFrom('ram_attachment').selectAll().where('account_id', '=', accountId)
  if (policy) query = query.where('policy_type', '=', policy.type).where('policy_name', '=', policy.name)
  return query.orderBy('entity_name').execute()
}

/** @returns whether it is new */
export async function attach(trx: Trx, attachment: Attachment): Promise<boolean> {
  const inserted = await trx
    .insertInto('ram_attachment')
    .values(attachment)
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'entity_kind', 'entity_name', 'policy_type', 'policy_name'])
        .doNothing(),
    )
    .executeTakeFirst()
  return Number(inserted.numInsertedOrUpdatedRows) > 0
}

/** @returns whether it was there */
export async function detach(trx: Trx, attachment: Omit<Attachment, 'attached_at'>): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('ram_attachment')
    .where('account_id', '=', attachment.account_id)
    .where('entity_kind', '=', attachment.entity_kind)
    .where('entity_name', '=', attachment.entity_name)
    .where('policy_type', '=', attachment.policy_type)
    .where('policy_name', '=', attachment.policy_name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
