/** All SQL of diagnoses. */
import type { Scope } from '../counts.ts'
import type { Source } from '../write.ts'
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
