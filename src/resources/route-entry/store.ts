/** All SQL of routes, whatever their kind. */
import type { Database } from '../../db/open.ts'
import type { Row, RowChange } from '../../db/schema.ts'
import type { Page } from '../paging.ts'
import type { VpnConnection } from '../vpn-connection/store.ts'
import type { Source, Trx } from '../write.ts'
import { type RouteKey, sameRoute } from './model.ts'

export type RouteEntry = Row<'route_entry'>
export type RouteKind = RouteEntry['kind']

export async function routesOfOwner(
  source: Source,
  ownerId: string,
  ...kinds: readonly RouteKind[]
): Promise<RouteEntry[]> {
  return source
    .selectFrom('route_entry')
    .selectAll()
    .where('owner_id', '=', ownerId)
    .where('kind', 'in', kinds)
    .orderBy('seq')
    .execute()
}

export async function routesThrough(source: Source, connectionId: string): Promise<RouteEntry[]> {
  return source
    .selectFrom('route_entry')
    .selectAll()
    .where('next_hop', '=', connectionId)
    .orderBy('seq')
    .execute()
}

/** The networks that the VPC sends to a gateway. */
export async function publishedNetworks(source: Source, gatewayId: string): Promise<string[]> {
  const rows = await source
    .selectFrom('route_entry')
    .select('route_dest')
    .distinct()
    .where('owner_id', '=', gatewayId)
    .where('published', '=', 1)
    .orderBy('route_dest')
    .execute()
  return rows.map((row) => row.route_dest)
}

export async function insertRoute(db: Database, trx: Trx, entry: Omit<RouteEntry, 'seq'>): Promise<void> {
  await trx
    .insertInto('route_entry')
    .values({ ...entry, seq: await db.nextSeq(trx) })
    .execute()
}

export async function changeRoute(trx: Trx, seq: number, change: RowChange<'route_entry'>): Promise<void> {
  await trx.updateTable('route_entry').set(change).where('seq', '=', seq).execute()
}

export async function removeRoute(trx: Trx, seq: number): Promise<void> {
  await trx.deleteFrom('route_entry').where('seq', '=', seq).execute()
}

/** The connection is gone, and with it every route to it. */
export async function removeRoutesThrough(trx: Trx, connectionId: string): Promise<void> {
  await trx.deleteFrom('route_entry').where('next_hop', '=', connectionId).execute()
}

/**
 * Makes the derived routes of a connection the wanted ones. Routes that a caller made
 * stay, and stand for a derived one that would be the same.
 */
export async function deriveRoutes(
  db: Database,
  trx: Trx,
  connection: Pick<VpnConnection, 'id' | 'vpn_gateway_id'>,
  kind: 'pbr' | 'vco',
  wanted: readonly RouteKey[],
  now: number,
): Promise<void> {
  const present = (await routesThrough(trx, connection.id)).filter((entry) => entry.kind === kind)
  for (const entry of present) {
    if (entry.derived === 1 && !wanted.some((one) => sameRoute(one, entry))) await removeRoute(trx, entry.seq)
  }
  for (const route of wanted) {
    if (present.some((entry) => sameRoute(route, entry))) continue
    await insertRoute(db, trx, {
      ...route,
      kind,
      owner_id: kind === 'vco' ? connection.id : connection.vpn_gateway_id,
      weight: 100,
      published: Number(kind === 'vco'),
      derived: 1,
      description: '',
      created_at: now,
    })
  }
}

/** One page of routes that are at hand whole: there are a few dozens of them at most. */
export const pageOf = <T>(rows: readonly T[], { PageNumber, PageSize }: Page): readonly T[] =>
  rows.slice((PageNumber - 1) * PageSize, PageNumber * PageSize)
