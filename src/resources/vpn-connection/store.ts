/** All SQL of connections. */
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from '../../db/open.ts'
import type { NewRow, Row, RowChange, Schema } from '../../db/schema.ts'
import { addToCount, readCount, type Scope } from '../counts.ts'
import type { Page, Paging } from '../paging.ts'
import type { TagFilter } from '../tag/model.ts'
import { carries, removeTags } from '../tag/store.ts'
import type { Source, Trx } from '../write.ts'

export type VpnConnection = Row<'vpn_connection'>

/** The place a connection's key is sealed for. */
export const pskContext = (connectionId: string) => `vpn_connection/${connectionId}/psk`

export async function findConnection(
  source: Source,
  scope: Scope,
  id: string,
): Promise<VpnConnection | undefined> {
  return source
    .selectFrom('vpn_connection')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', '=', id)
    .executeTakeFirst()
}

export async function connectionsOfGateway(source: Source, gatewayId: string): Promise<VpnConnection[]> {
  return source
    .selectFrom('vpn_connection')
    .selectAll()
    .where('vpn_gateway_id', '=', gatewayId)
    .orderBy('seq')
    .execute()
}

export async function isCustomerGatewayUsed(
  source: Source,
  scope: Scope,
  customerGatewayId: string,
): Promise<boolean> {
  const row = await source
    .selectFrom('vpn_connection')
    .select('id')
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('customer_gateway_id', '=', customerGatewayId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertConnection(trx: Trx, connection: NewRow<'vpn_connection'>): Promise<void> {
  await trx.insertInto('vpn_connection').values(connection).execute()
  await addToCount(trx, 'vpn_connection', scopeOfRow(connection), owners(connection), 1)
}

/** A change that the engine has to make real raises `generation` too. */
export async function changeConnection(
  trx: Trx,
  id: string,
  change: RowChange<'vpn_connection'>,
  forEngine: boolean,
): Promise<void> {
  await trx
    .updateTable('vpn_connection')
    .set((eb) => ({
      ...change,
      version: eb('version', '+', 1),
      ...(forEngine ? { generation: eb('generation', '+', 1) } : {}),
    }))
    .where('id', '=', id)
    .execute()
}

/** Removes the row with everything that belongs to it; for reconcile, once the engine has let go of the tunnel. */
export async function removeConnection(trx: Trx, connection: VpnConnection): Promise<void> {
  const scope = scopeOfRow(connection)
  await trx.deleteFrom('vpn_connection').where('id', '=', connection.id).execute()
  await trx.deleteFrom('tunnel_observation').where('tunnel_id', '=', connection.id).execute()
  await removeTags(trx, scope, 'vpnconnection', connection.id, 'all')
  await addToCount(trx, 'vpn_connection', scope, owners(connection), -1)
}

const scopeOfRow = (row: { account_id: string; region: string }): Scope => ({
  accountId: row.account_id,
  region: row.region,
})
const owners = (row: { vpn_gateway_id: string; customer_gateway_id: string }) => [
  row.vpn_gateway_id,
  row.customer_gateway_id,
]

// --- The read that answers DescribeVpnConnection(s) ---------------------------------------------------------------

/** Tags of a connection as JSON text `[["key","value"],…]`, in order of their keys. */
function tagsAsJson(kind: Database['kind']): RawBuilder<string> {
  const of = sql`tag.account_id = c.account_id and tag.region = c.region
    and tag.resource_type = 'vpnconnection' and tag.resource_id = c.id`
  return kind === 'sqlite'
    ? sql`(select json_group_array(json_array(key, value)) from (select key, value from tag where ${of} order by key))`
    : sql`(select coalesce(json_agg(json_build_array(key, value) order by key)::text, '[]') from tag where ${of})`
}

/** A connection with what belongs to its answer: gateway, customer gateway, last report, tags. */
function joined(q: Kysely<Schema>) {
  return q
    .selectFrom('vpn_connection as c')
    .innerJoin('vpn_gateway as g', 'g.id', 'c.vpn_gateway_id')
    .innerJoin('customer_gateway as p', 'p.id', 'c.customer_gateway_id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 'c.id')
}

function withColumns(query: ReturnType<typeof joined>, kind: Database['kind']) {
  return query
    .selectAll('c')
    .select([
      'g.internet_ip',
      'g.network_type',
      'g.bandwidth',
      'p.asn as peer_asn',
      'p.auth_key_sealed',
      'o.observed_generation',
      'o.ike_established',
      'o.child_installed',
      'o.phase2_failed',
      'o.bgp_established',
      'o.probe_succeeding',
      'o.reason_code',
      'o.reason_since',
      'o.reported_at',
      tagsAsJson(kind).as('tags'),
    ])
}

export type DescribedConnection = Awaited<
  ReturnType<ReturnType<typeof withColumns>['executeTakeFirstOrThrow']>
>

export type FindDescribed = (
  accountId: string,
  region: string,
  id: string,
) => DescribedConnection | undefined | Promise<DescribedConnection | undefined>

/** The read behind DescribeVpnConnection, compiled once; synchronous on SQLite. */
export function prepareFindDescribed(db: Database): FindDescribed {
  return db.prepared((q, accountId: string, region: string, id: string) =>
    withColumns(joined(q), db.kind)
      .where('c.id', '=', id)
      .where('c.account_id', '=', accountId)
      .where('c.region', '=', region),
  )
}

export type Evidence = Pick<Row<'tunnel_observation'>, 'facts' | 'reason_evidence'>

/** What only the extra object shows: long, and seldom asked for. */
export function prepareFindEvidence(
  db: Database,
): (tunnelId: string) => Evidence | undefined | Promise<Evidence | undefined> {
  return db.prepared((q, tunnelId: string) =>
    q.selectFrom('tunnel_observation').select(['facts', 'reason_evidence']).where('tunnel_id', '=', tunnelId),
  )
}

export interface ConnectionFilter {
  readonly vpnGatewayId?: string
  readonly customerGatewayId?: string
  readonly vpnConnectionId?: string
  readonly resourceGroupId?: string
  readonly tags: readonly TagFilter[]
}

export async function listDescribed(
  db: Database,
  paging: Paging,
  scope: Scope,
  filter: ConnectionFilter,
  page: Page,
): Promise<{ total: number; rows: DescribedConnection[] }> {
  const { vpnGatewayId, customerGatewayId, vpnConnectionId, resourceGroupId, tags } = filter
  let filtered = joined(db.kysely)
    .where('c.account_id', '=', scope.accountId)
    .where('c.region', '=', scope.region)
  if (vpnGatewayId !== undefined) filtered = filtered.where('c.vpn_gateway_id', '=', vpnGatewayId)
  if (customerGatewayId !== undefined)
    filtered = filtered.where('c.customer_gateway_id', '=', customerGatewayId)
  if (vpnConnectionId !== undefined) filtered = filtered.where('c.id', '=', vpnConnectionId)
  if (resourceGroupId !== undefined) filtered = filtered.where('c.resource_group_id', '=', resourceGroupId)
  if (tags.length > 0) filtered = filtered.where((eb) => carries(eb, scope, 'vpnconnection', 'c.id', tags))

  // The kept counts know all connections and those of one owner; any other filter is counted, over few rows.
  const owner = [vpnGatewayId, customerGatewayId].filter((id) => id !== undefined)
  const counted = owner.length < 2 && !vpnConnectionId && !resourceGroupId && tags.length === 0
  const total = counted
    ? await readCount(db.kysely, 'vpn_connection', scope, owner[0])
    : (await filtered.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n
  const rows = await paging.page<DescribedConnection>(
    `vpn_connection ${JSON.stringify([scope, filter])}`,
    page,
    'c.seq',
    filtered,
    (query) => withColumns(query as ReturnType<typeof joined>, db.kind),
  )
  return { total: Number(total), rows }
}
