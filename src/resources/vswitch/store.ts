import type { Row, RowChange } from '../../db/schema.ts'
import { addToCount, type Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'

export type VSwitch = Row<'vswitch'>

export async function findVSwitch(source: Source, scope: Scope, id: string): Promise<VSwitch | undefined> {
  return source
    .selectFrom('vswitch')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** All vSwitches of a VPC, oldest first. */
export async function vSwitchesOf(source: Source, vpcId: string): Promise<VSwitch[]> {
  return source.selectFrom('vswitch').selectAll().where('vpc_id', '=', vpcId).orderBy('seq').execute()
}

export async function insertVSwitch(trx: Trx, vSwitch: VSwitch): Promise<void> {
  await trx.insertInto('vswitch').values(vSwitch).execute()
  await addToCount(trx, 'vswitch', { accountId: vSwitch.account_id, region: vSwitch.region }, [], 1)
}

export async function changeVSwitch(trx: Trx, id: string, change: RowChange<'vswitch'>): Promise<void> {
  await trx
    .updateTable('vswitch')
    .set((eb) => ({ ...change, version: eb('version', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

export async function removeVSwitch(trx: Trx, vSwitch: VSwitch): Promise<void> {
  await trx.deleteFrom('vswitch').where('id', '=', vSwitch.id).execute()
  await addToCount(trx, 'vswitch', { accountId: vSwitch.account_id, region: vSwitch.region }, [], -1)
}

export async function isUsedByGateway(source: Source, vSwitchId: string): Promise<boolean> {
  const row = await source
    .selectFrom('vpn_gateway')
    .select('id')
    .where((eb) => eb.or([eb('vswitch_id', '=', vSwitchId), eb('second_vswitch_id', '=', vSwitchId)]))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
