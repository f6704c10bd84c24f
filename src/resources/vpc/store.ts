import type { Row, RowChange } from '../../db/schema.ts'
import { addToCount, type Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'

export type Vpc = Row<'vpc'>

export async function findVpc(source: Source, scope: Scope, id: string): Promise<Vpc | undefined> {
  return source
    .selectFrom('vpc')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', '=', id)
    .executeTakeFirst()
}

export async function insertVpc(trx: Trx, vpc: Vpc): Promise<void> {
  await trx.insertInto('vpc').values(vpc).execute()
  await addToCount(trx, 'vpc', { accountId: vpc.account_id, region: vpc.region }, [], 1)
}

export async function changeVpc(trx: Trx, id: string, change: RowChange<'vpc'>): Promise<void> {
  await trx
    .updateTable('vpc')
    .set((eb) => ({ ...change, version: eb('version', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

export async function removeVpc(trx: Trx, vpc: Vpc): Promise<void> {
  await trx.deleteFrom('vpc').where('id', '=', vpc.id).execute()
  await addToCount(trx, 'vpc', { accountId: vpc.account_id, region: vpc.region }, [], -1)
}

/** Ids of the vSwitches of each VPC, oldest first. */
export async function vSwitchIdsOf(
  source: Source,
  vpcIds: readonly string[],
): Promise<Map<string, string[]>> {
  const ids = new Map<string, string[]>(vpcIds.map((id) => [id, []]))
  if (vpcIds.length === 0) return ids
  const rows = await source
    .selectFrom('vswitch')
    .select(['id', 'vpc_id'])
    .where('vpc_id', 'in', vpcIds)
    .orderBy('seq')
    .execute()
  for (const row of rows) ids.get(row.vpc_id)?.push(row.id)
  return ids
}
