/**
 * How many rows a list has, kept in the transaction that adds or removes one: `count(*)` over a large table is where
 * a `TotalCount` would otherwise spend its time.
 */
import type { Source, Trx } from './write.ts'

export type CountedKind = 'vpc' | 'vswitch' | 'vpn_gateway' | 'customer_gateway' | 'vpn_connection'

export interface Scope {
  readonly accountId: string
  readonly region: string
}

/** `within` is the id of the owner a list may be narrowed to (a gateway); empty for all of the account and region. */
export async function addToCount(
  trx: Trx,
  kind: CountedKind,
  scope: Scope,
  within: readonly string[],
  by: 1 | -1,
): Promise<void> {
  for (const owner of ['', ...within]) {
    await trx
      .insertInto('resource_count')
      .values({ account_id: scope.accountId, region: scope.region, kind, scope: owner, count: by })
      .onConflict((conflict) =>
        conflict
          .columns(['account_id', 'region', 'kind', 'scope'])
          .doUpdateSet((eb) => ({ count: eb('resource_count.count', '+', by) })),
      )
      .execute()
  }
}

/** An owner is gone, and with it the numbers of what it owned. */
export async function removeCounts(trx: Trx, scope: Scope, owner: string): Promise<void> {
  await trx
    .deleteFrom('resource_count')
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('kind', '=', 'vpn_connection')
    .where('scope', '=', owner)
    .execute()
}

export const countQuery = (
  source: Source,
  kind: CountedKind,
  accountId: string,
  region: string,
  within: string,
) =>
  source
    .selectFrom('resource_count')
    .select('count')
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('kind', '=', kind)
    .where('scope', '=', within)

export async function readCount(
  source: Source,
  kind: CountedKind,
  { accountId, region }: Scope,
  within = '',
): Promise<number> {
  return (await countQuery(source, kind, accountId, region, within).executeTakeFirst())?.count ?? 0
}
