import type { Row, RowChange } from '../../db/schema.ts'
import { addToCount, type Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'

export type CustomerGateway = Row<'customer_gateway'>

export async function findCustomerGateway(
  source: Source,
  scope: Scope,
  id: string,
): Promise<CustomerGateway | undefined> {
  return source
    .selectFrom('customer_gateway')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', '=', id)
    .executeTakeFirst()
}

export async function isAddressTaken(source: Source, scope: Scope, ipAddress: string): Promise<boolean> {
  const row = await source
    .selectFrom('customer_gateway')
    .select('id')
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('ip_address', '=', ipAddress)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertCustomerGateway(trx: Trx, gateway: CustomerGateway): Promise<void> {
  await trx.insertInto('customer_gateway').values(gateway).execute()
  await addToCount(trx, 'customer_gateway', { accountId: gateway.account_id, region: gateway.region }, [], 1)
}

export async function changeCustomerGateway(
  trx: Trx,
  id: string,
  change: RowChange<'customer_gateway'>,
): Promise<void> {
  await trx
    .updateTable('customer_gateway')
    .set((eb) => ({ ...change, version: eb('version', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

export async function removeCustomerGateway(trx: Trx, gateway: CustomerGateway): Promise<void> {
  await trx.deleteFrom('customer_gateway').where('id', '=', gateway.id).execute()
  const scope = { accountId: gateway.account_id, region: gateway.region }
  await addToCount(trx, 'customer_gateway', scope, [], -1)
}
