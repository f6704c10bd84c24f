import type { Source } from '../write.ts'

/** The groups that an account's resources are in, in all regions, by name. */
export async function listGroups(source: Source, accountId: string): Promise<readonly string[]> {
  const of = (table: 'vpn_gateway' | 'customer_gateway' | 'vpn_connection') =>
    source
      .selectFrom(table)
      .select('resource_group_id')
      .where('account_id', '=', accountId)
      .where('resource_group_id', '!=', '')
  const rows = await of('vpn_gateway').union(of('customer_gateway')).union(of('vpn_connection')).execute()
  return rows.map((row) => row.resource_group_id).sort()
}
