/** All SQL of diagnoses. */
import type { Database } from '../../db/open.ts'
import type { NewRow, Row } from '../../db/schema.ts'
import type { Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'
import type { DiagnosisItem, OtherRoute, TunnelSettings } from './items.ts'
import type { DiagnosedTunnel } from './model.ts'

export interface TunnelFilter {
  readonly tunnelIds: readonly string[]
  readonly connectionIds: readonly string[]
  readonly vpnGatewayId?: string
}

/** Tunnels that are named by themselves or by their connection, of one gateway where that is given; in order of creation. */
export async function listDiagnosed(
  source: Source,
  scope: Scope,
  { tunnelIds, connectionIds, vpnGatewayId }: TunnelFilter,
): Promise<DiagnosedTunnel[]> {
  let query = source
    .selectFrom('vpn_tunnel as t')
    .innerJoin('vpn_connection as c', 'c.id', 't.connection_id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select([
      't.connection_id',
      't.id as tunnel_id',
      'c.dual',
      't.ike_version',
      't.ike_mode',
      't.local_id',
      't.remote_id',
      'c.local_subnet',
      'c.remote_subnet',
      'o.observed_generation',
      'o.ike_established',
      'o.child_installed',
      'o.phase2_failed',
      'o.reason_code',
      'o.reason_since',
      'o.reason_evidence',
      'o.reported_at',
    ])
    .where('c.account_id', '=', scope.accountId)
    .where('c.region', '=', scope.region)
    .orderBy('c.seq')
    .orderBy('t.position')
  if (vpnGatewayId !== undefined) query = query.where('c.vpn_gateway_id', '=', vpnGatewayId)
  if (tunnelIds.length > 0 || connectionIds.length > 0) {
    query = query.where((eb) =>
      eb.or([
        ...(tunnelIds.length > 0 ? [eb('t.id', 'in', tunnelIds)] : []),
        ...(connectionIds.length > 0 ? [eb('c.id', 'in', connectionIds)] : []),
      ]),
    )
  }
  return query.execute()
}

// --- Diagnoses of gateways -------------------------------------------------------------------------------------

export type Diagnosis = Row<'vpn_diagnosis'>

/** Milliseconds for which a diagnosis can be read. */
const keptFor = 30 * 86_400_000

export async function insertDiagnosis(trx: Trx, row: NewRow<'vpn_diagnosis'>): Promise<void> {
  await trx
    .deleteFrom('vpn_diagnosis')
    .where('began_at', '<', row.began_at - keptFor)
    .execute()
  await trx.insertInto('vpn_diagnosis').values(row).execute()
}

/** By its id, or the last one of a gateway. */
export async function findDiagnosis(
  source: Source,
  scope: Scope,
  { id, vpnGatewayId }: { readonly id?: string; readonly vpnGatewayId?: string },
): Promise<Diagnosis | undefined> {
  let query = source
    .selectFrom('vpn_diagnosis')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
  if (id !== undefined) query = query.where('id', '=', id)
  if (vpnGatewayId !== undefined) query = query.where('vpn_gateway_id', '=', vpnGatewayId)
  return query.orderBy('seq', 'desc').limit(1).executeTakeFirst()
}

export async function unfinishedDiagnoses(source: Source): Promise<string[]> {
  const rows = await source
    .selectFrom('vpn_diagnosis')
    .select('id')
    .where('finished_at', 'is', null)
    .execute()
  return rows.map(({ id }) => id)
}

export async function finishDiagnosis(
  db: Database,
  id: string,
  items: readonly DiagnosisItem[],
  now: number,
): Promise<void> {
  await db.transaction(async (trx) => {
    await trx
      .updateTable('vpn_diagnosis')
      .set({ items: JSON.stringify(items), finished_at: now })
      .where('id', '=', id)
      .execute()
  })
}

/** Settings of the tunnels of a connection, and what was reported of them. */
export async function readSettings(source: Source, connectionId: string): Promise<TunnelSettings[]> {
  const rows = await source
    .selectFrom('vpn_tunnel as t')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .selectAll('t')
    .select(['o.observed_generation', 'o.facts', 'o.child_installed'])
    .where('t.connection_id', '=', connectionId)
    .orderBy('t.position')
    .execute()
  return rows.map((row) => {
    const {
      ikeSas = [],
      childSas = [],
      childrenWanted = 0,
      pendingReconnect = false,
    } = JSON.parse(row.facts ?? '{}')
    return {
      tunnelId: row.id,
      ike: `${row.ike_version} ${row.ike_enc_alg}-${row.ike_auth_alg}-${row.ike_pfs}`,
      ipsec: `${row.ipsec_enc_alg}-${row.ipsec_auth_alg}, PFS ${row.ipsec_pfs}`,
      generation: row.generation,
      observedGeneration: row.observed_generation,
      pendingReconnect,
      runningIke: ikeSas[0]?.proposal,
      runningIpsec: childSas[0]?.proposal,
      childrenWanted,
      childrenInstalled: row.child_installed ?? 0,
    }
  })
}

/** Destinations that lead to a connection, and everything else that the gateway and its VPC route. */
export async function readRoutes(
  source: Source,
  connection: Pick<Row<'vpn_connection'>, 'id' | 'vpn_gateway_id' | 'remote_subnet'>,
): Promise<{ own: string[]; others: OtherRoute[]; counts: Readonly<Record<'dbr' | 'pbr', number>> }> {
  const entries = await source
    .selectFrom('route_entry')
    .select(['kind', 'route_dest', 'route_source', 'next_hop'])
    .where('owner_id', '=', connection.vpn_gateway_id)
    .execute()
  const vSwitches = await source
    .selectFrom('vswitch as s')
    .innerJoin('vpn_gateway as g', 'g.vpc_id', 's.vpc_id')
    .select(['s.id', 's.cidr'])
    .where('g.id', '=', connection.vpn_gateway_id)
    .execute()
  const own = entries.filter(({ next_hop }) => next_hop === connection.id)
  const sources = new Set(own.map(({ route_source }) => route_source))
  const count = (kind: 'dbr' | 'pbr') => entries.filter((entry) => entry.kind === kind).length
  return {
    own:
      own.length > 0
        ? own.map(({ route_dest }) => route_dest)
        : connection.remote_subnet.split(',').map((network) => network.trim()),
    others: [
      ...vSwitches.map(({ id, cidr }) => ({ destination: cidr, nextHop: id })),
      // Policy routes of other sources carry other packets.
      ...entries
        .filter(({ next_hop, route_source }) => next_hop !== connection.id && sources.has(route_source))
        .map(({ route_dest, next_hop }) => ({ destination: route_dest, nextHop: next_hop })),
    ],
    counts: { dbr: count('dbr'), pbr: count('pbr') },
  }
}
