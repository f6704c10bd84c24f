/** All SQL of connections and their tunnels. */
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from '../../db/open.ts'
import type { NewRow, Row, RowChange, Schema } from '../../db/schema.ts'
import type { ShownIn } from '../../db/watch.ts'
import { addToCount, countQuery, type Scope } from '../counts.ts'
import { type ListSource, type Page, type Paging, queried } from '../paging.ts'
import { removeRoutesThrough } from '../route-entry/store.ts'
import type { TagFilter } from '../tag/model.ts'
import { carries, removeTags } from '../tag/store.ts'
import type { Source, Trx } from '../write.ts'

export type VpnConnection = Row<'vpn_connection'>
export type VpnTunnel = Row<'vpn_tunnel'>

/** The place a tunnel's key is sealed for. */
export const pskContext = (tunnelId: string) => `vpn_connection/${tunnelId}/psk`

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

/** One tunnel, or both in their order. */
export async function tunnelsOf(source: Source, connectionId: string): Promise<VpnTunnel[]> {
  return source
    .selectFrom('vpn_tunnel')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .orderBy('position')
    .execute()
}

/** A tunnel as its siblings on the gateway are compared with it: with the subnets of its connection. */
export type SiblingTunnel = VpnTunnel & Pick<VpnConnection, 'local_subnet' | 'remote_subnet' | 'bgp_enable'>

export async function tunnelsOfGateway(source: Source, gatewayId: string): Promise<SiblingTunnel[]> {
  return source
    .selectFrom('vpn_connection as c')
    .innerJoin('vpn_tunnel as t', 't.connection_id', 'c.id')
    .selectAll('t')
    .select(['c.local_subnet', 'c.remote_subnet', 'c.bgp_enable'])
    .where('c.vpn_gateway_id', '=', gatewayId)
    .orderBy('c.seq')
    .orderBy('t.position')
    .execute()
}

/** Tunnels of a gateway with what was last seen of them. */
export async function observedTunnelsOfGateway(source: Source, gatewayId: string) {
  return source
    .selectFrom('vpn_connection as c')
    .innerJoin('vpn_tunnel as t', 't.connection_id', 'c.id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select(['t.connection_id', 't.id', 't.role', 't.slot', 'c.dual', 'c.effect_immediately'])
    .select('t.stopped_at')
    .select(['o.observed_generation', 'o.ike_established', 'o.child_installed', 'o.phase2_failed'])
    .select(['o.reported_at', 'o.facts'])
    .where('c.vpn_gateway_id', '=', gatewayId)
    .orderBy('c.seq')
    .orderBy('t.position')
    .execute()
}

export async function isCustomerGatewayUsed(source: Source, customerGatewayId: string): Promise<boolean> {
  const row = await source
    .selectFrom('vpn_tunnel')
    .select('id')
    .where('customer_gateway_id', '=', customerGatewayId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Tunnels in which BGP is on and whose peer is this customer gateway. */
export async function bgpTunnelsOfPeer(source: Source, customerGatewayId: string): Promise<string[]> {
  const rows = await source
    .selectFrom('vpn_tunnel as t')
    .innerJoin('vpn_connection as c', 'c.id', 't.connection_id')
    .select('t.id')
    .where('t.customer_gateway_id', '=', customerGatewayId)
    .where('c.bgp_enable', '=', 1)
    .where('c.deleted_at', 'is', null)
    .execute()
  return rows.map(({ id }) => id)
}

export async function insertConnection(
  trx: Trx,
  connection: NewRow<'vpn_connection'>,
  tunnels: readonly NewRow<'vpn_tunnel'>[],
): Promise<void> {
  await trx.insertInto('vpn_connection').values(connection).execute()
  await trx.insertInto('vpn_tunnel').values(tunnels).execute()
  await addToCount(trx, 'vpn_connection', scopeOfRow(connection), [connection.vpn_gateway_id], 1)
}

export async function changeConnection(
  trx: Trx,
  id: string,
  change: RowChange<'vpn_connection'>,
): Promise<void> {
  await trx
    .updateTable('vpn_connection')
    .set((eb) => ({ ...change, version: eb('version', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

/** A change that the engine has to make real raises `generation` too. */
export async function changeTunnel(
  trx: Trx,
  id: string,
  change: RowChange<'vpn_tunnel'>,
  forEngine: boolean,
): Promise<void> {
  await trx
    .updateTable('vpn_tunnel')
    .set((eb) => ({ ...change, ...(forEngine ? { generation: eb('generation', '+', 1) } : {}) }))
    .where('id', '=', id)
    .execute()
}

/** Removes the rows with everything that belongs to them; for reconcile, once the engine has let go of the tunnels. */
export async function removeConnection(trx: Trx, connection: VpnConnection): Promise<void> {
  const scope = scopeOfRow(connection)
  const { numDeletedRows } = await trx
    .deleteFrom('vpn_connection')
    .where('id', '=', connection.id)
    .executeTakeFirst()
  // Both tunnels may be let go of at the same moment.
  if (numDeletedRows === 0n) return
  const ids = trx.selectFrom('vpn_tunnel').select('id').where('connection_id', '=', connection.id)
  await trx.deleteFrom('tunnel_certificate').where('tunnel_id', 'in', ids).execute()
  await trx.deleteFrom('vpn_tunnel').where('connection_id', '=', connection.id).execute()
  await trx.deleteFrom('tunnel_observation').where('connection_id', '=', connection.id).execute()
  await removeRoutesThrough(trx, connection.id)
  await removeTags(trx, scope, 'vpnconnection', connection.id, 'all')
  await addToCount(trx, 'vpn_connection', scope, [connection.vpn_gateway_id], -1)
}

const scopeOfRow = (row: { account_id: string; region: string }): Scope => ({
  accountId: row.account_id,
  region: row.region,
})

// --- The read that answers DescribeVpnConnection(s) ---------------------------------------------------------------

/** Tags of a connection as JSON text `[["key","value"],…]`, in order of their keys. */
function tagsAsJson(kind: Database['kind']): RawBuilder<string> {
  const of = sql`tag.account_id = c.account_id and tag.region = c.region
    and tag.resource_type = 'vpnconnection' and tag.resource_id = c.id`
  return kind === 'sqlite'
    ? sql`(select json_group_array(json_array(key, value)) from (select key, value from tag where ${of} order by key))`
    : sql`(select coalesce(json_agg(json_build_array(key, value) order by key)::text, '[]') from tag where ${of})`
}

/** What an answer shows of one tunnel: its settings, its customer gateway, its last report. */
const tunnelColumns = [
  't.id as tunnel_id',
  't.position',
  't.role',
  't.customer_gateway_id',
  't.enable_dpd',
  't.enable_nat_traversal',
  't.ike_version',
  't.ike_mode',
  't.ike_enc_alg',
  't.ike_auth_alg',
  't.ike_pfs',
  't.ike_lifetime',
  't.local_id',
  't.remote_id',
  't.psk_sealed',
  't.ipsec_enc_alg',
  't.ipsec_auth_alg',
  't.ipsec_pfs',
  't.ipsec_lifetime',
  't.bgp_local_asn',
  't.bgp_tunnel_cidr',
  't.bgp_local_ip',
  't.remote_ca_certificate',
  't.generation',
  't.stopped_at',
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
] as const

/** A connection with its first tunnel and what belongs to its answer: gateway, customer gateway, last report, tags. */
function joined(q: Kysely<Schema>) {
  return q
    .selectFrom('vpn_connection as c')
    .innerJoin('vpn_gateway as g', 'g.id', 'c.vpn_gateway_id')
    .innerJoin('vpn_tunnel as t', (on) => on.onRef('t.connection_id', '=', 'c.id').on('t.position', '=', 1))
    .innerJoin('customer_gateway as p', 'p.id', 't.customer_gateway_id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
}

/** Shown for the tunnels of a pair alone. */
const zoneOf = (column: 'g.vswitch_id' | 'g.second_vswitch_id') =>
  sql<string | null>`case when g.second_vswitch_id is not null
    then (select zone from vswitch where vswitch.id = ${sql.ref(column)}) end`

function withColumns(query: ReturnType<typeof joined>, kind: Database['kind']) {
  return query
    .selectAll('c')
    .select([
      ...([
        'g.kind as owner_kind',
        'g.internet_ip',
        'g.second_internet_ip',
        'g.network_type',
        'g.bandwidth',
      ] as const),
      zoneOf('g.vswitch_id').as('zone'),
      zoneOf('g.second_vswitch_id').as('second_zone'),
      ...tunnelColumns,
      tagsAsJson(kind).as('tags'),
    ])
}

export type DescribedConnection = Awaited<
  ReturnType<ReturnType<typeof withColumns>['executeTakeFirstOrThrow']>
>

/** The second tunnel of a connection that has two. */
function secondTunnels(q: Kysely<Schema>) {
  return q
    .selectFrom('vpn_tunnel as t')
    .innerJoin('customer_gateway as p', 'p.id', 't.customer_gateway_id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select(['t.connection_id', ...tunnelColumns])
    .where('t.position', '=', 2)
}

export type DescribedTunnel = Omit<
  Awaited<ReturnType<ReturnType<typeof secondTunnels>['executeTakeFirstOrThrow']>>,
  'connection_id'
>

/** Now on SQLite, later on PostgreSQL. */
type Eventually<T> = T | Promise<T>

export type FindDescribed = (
  accountId: string,
  region: string,
  id: string,
) => Eventually<DescribedConnection | undefined>

/** The read behind DescribeVpnConnection, compiled once; synchronous on SQLite. */
export function prepareFindDescribed(db: Database): FindDescribed {
  return db.prepared((q, accountId: string, region: string, id: string) =>
    withColumns(joined(q), db.kind)
      .where('c.id', '=', id)
      .where('c.account_id', '=', accountId)
      .where('c.region', '=', region),
  )
}

/** Compiled once; synchronous on SQLite. */
export function prepareFindSecondTunnel(
  db: Database,
): (connectionId: string) => Eventually<DescribedTunnel | undefined> {
  return db.prepared((q, connectionId: string) =>
    secondTunnels(q).where('t.connection_id', '=', connectionId),
  )
}

/** The connections whose description shows a row. */
export const connectionsShowing: ShownIn = {
  vpn_connection: 'select changed.id as key',
  vpn_tunnel: 'select changed.connection_id as key',
  tunnel_observation: 'select changed.connection_id as key',
  tag: `select changed.resource_id as key where changed.resource_type = 'vpnconnection'`,
  vpn_gateway: 'select id as key from vpn_connection where vpn_gateway_id = changed.id',
  customer_gateway: 'select connection_id as key from vpn_tunnel where customer_gateway_id = changed.id',
  vswitch: `select c.id as key from vpn_gateway as g join vpn_connection as c on c.vpn_gateway_id = g.id
    where g.vswitch_id = changed.id or g.second_vswitch_id = changed.id`,
}

/** What a tunnel proves itself with, without its key. */
export type OwnCertificate = Pick<Row<'tunnel_certificate'>, 'certificate' | 'identity' | 'not_after'>

export const findOwnCertificate = (
  { kysely }: Pick<Database, 'kysely'>,
  tunnelId: string,
): Promise<OwnCertificate | undefined> =>
  kysely
    .selectFrom('tunnel_certificate')
    .select(['certificate', 'identity', 'not_after'])
    .where('tunnel_id', '=', tunnelId)
    .executeTakeFirst()

const evidenceColumns = ['facts', 'reason_evidence', 'rate_in', 'rate_out'] as const

export type Evidence = Pick<Row<'tunnel_observation'>, (typeof evidenceColumns)[number]>

/** What only the extra object shows: long, and seldom asked for. */
export function prepareFindEvidence(db: Database): (tunnelId: string) => Eventually<Evidence | undefined> {
  return db.prepared((q, tunnelId: string) =>
    q.selectFrom('tunnel_observation').select(evidenceColumns).where('tunnel_id', '=', tunnelId),
  )
}

export type Rates = Pick<Row<'tunnel_observation'>, 'rate_in' | 'rate_out'>

/** What passes through the tunnels of these connections, by tunnel. */
export async function readRates(
  source: Source,
  connectionIds: readonly string[],
): Promise<ReadonlyMap<string, Rates>> {
  if (connectionIds.length === 0) return new Map()
  const rows = await source
    .selectFrom('tunnel_observation')
    .select(['tunnel_id', 'rate_in', 'rate_out'])
    .where('connection_id', 'in', connectionIds)
    .execute()
  return new Map(rows.map((row) => [row.tunnel_id, row]))
}

export interface ConnectionFilter {
  readonly vpnGatewayId?: string
  readonly customerGatewayId?: string
  readonly vpnConnectionId?: string
  readonly resourceGroupId?: string
  readonly tags: readonly TagFilter[]
}

export type ListConnections = (
  paging: Paging,
  scope: Scope,
  filter: ConnectionFilter,
  page: Page,
) => Promise<{ total: number; ids: string[] }>

/** Ids of the connections of a page. All of a region, and all of a gateway, are read by statements that are compiled once. */
export function prepareListConnections(db: Database): ListConnections {
  const all = (q: Source, accountId: string, region: string) =>
    q.selectFrom('vpn_connection').where('account_id', '=', accountId).where('region', '=', region)
  const ofGateway = (q: Source, accountId: string, region: string, gatewayId: string) =>
    all(q, accountId, region).where('vpn_gateway_id', '=', gatewayId)

  const countRows = db.prepared((q, accountId: string, region: string, within: string) =>
    countQuery(q, 'vpn_connection', accountId, region, within),
  )
  const rowsOfAll = db.preparedAll((q, accountId: string, region: string, after: number, limit: number) =>
    all(q, accountId, region).select(['seq', 'id']).where('seq', '>', after).orderBy('seq').limit(limit),
  )
  const atOfAll = db.prepared((q, accountId: string, region: string, after: number, offset: number) =>
    all(q, accountId, region).select('seq').where('seq', '>', after).orderBy('seq').limit(1).offset(offset),
  )
  const rowsOfGateway = db.preparedAll(
    (q, accountId: string, region: string, gatewayId: string, after: number, limit: number) =>
      ofGateway(q, accountId, region, gatewayId)
        .select(['seq', 'id'])
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(limit),
  )
  const atOfGateway = db.prepared(
    (q, accountId: string, region: string, gatewayId: string, after: number, offset: number) =>
      ofGateway(q, accountId, region, gatewayId)
        .select('seq')
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(1)
        .offset(offset),
  )

  function compiled({ accountId, region }: Scope, gatewayId: string | undefined): ListSource<Listed> {
    return gatewayId === undefined
      ? {
          rows: (after, limit) => rowsOfAll(accountId, region, after, limit),
          at: (after, offset) => atOfAll(accountId, region, after, offset),
        }
      : {
          rows: (after, limit) => rowsOfGateway(accountId, region, gatewayId, after, limit),
          at: (after, offset) => atOfGateway(accountId, region, gatewayId, after, offset),
        }
  }

  function filtered(scope: Scope, filter: ConnectionFilter) {
    const { vpnGatewayId, customerGatewayId, vpnConnectionId, resourceGroupId, tags } = filter
    let query = all(db.kysely, scope.accountId, scope.region)
    if (vpnGatewayId !== undefined) query = query.where('vpn_gateway_id', '=', vpnGatewayId)
    if (customerGatewayId !== undefined) {
      query = query.where('id', 'in', (eb) =>
        eb
          .selectFrom('vpn_tunnel')
          .select('connection_id')
          .where('vpn_tunnel.customer_gateway_id', '=', customerGatewayId),
      )
    }
    if (vpnConnectionId !== undefined) query = query.where('id', '=', vpnConnectionId)
    if (resourceGroupId !== undefined) query = query.where('resource_group_id', '=', resourceGroupId)
    if (tags.length > 0)
      query = query.where((eb) => carries(eb, scope, 'vpnconnection', 'vpn_connection.id', tags))
    return query
  }

  return async (paging, scope, filter, page) => {
    const { vpnGatewayId, customerGatewayId, vpnConnectionId, resourceGroupId, tags } = filter
    const list = `vpn_connection ${JSON.stringify([scope, filter])}`
    // The kept counts know all connections and those of one gateway; any other filter is counted, over few rows.
    if (!customerGatewayId && !vpnConnectionId && !resourceGroupId && tags.length === 0) {
      const counted = await countRows(scope.accountId, scope.region, vpnGatewayId ?? '')
      const rows = await paging.page(list, page, compiled(scope, vpnGatewayId))
      return { total: counted?.count ?? 0, ids: rows.map(({ id }) => id) }
    }
    const query = filtered(scope, filter)
    const counted = await query.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
    const rows = await paging.page(
      list,
      page,
      queried<Listed>('vpn_connection.seq', query, (q) =>
        q.select(['vpn_connection.seq', 'vpn_connection.id']),
      ),
    )
    return { total: Number(counted.n), ids: rows.map(({ id }) => id) }
  }
}

type Listed = Pick<VpnConnection, 'seq' | 'id'>
