/** All SQL of attachments: connections that are on no VPN gateway. */
import type { Scope } from '../counts.ts'
import type { Source } from '../write.ts'

/** Oldest first. @param id only this one */
export async function attachmentsOf(source: Source, scope: Scope, id?: string) {
  let query = source
    .selectFrom('vpn_connection as c')
    .innerJoin('vpn_gateway as g', 'g.id', 'c.vpn_gateway_id')
    .select(['c.id', 'c.name', 'g.bandwidth'])
    .where('c.account_id', '=', scope.accountId)
    .where('c.region', '=', scope.region)
    .where('g.kind', '=', 'attachment')
  if (id !== undefined) query = query.where('c.id', '=', id)
  return query.orderBy('c.seq').execute()
}
