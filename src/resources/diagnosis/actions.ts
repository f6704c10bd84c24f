import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { newId } from '../ids.ts'
import { parseIpv4 } from '../ipv4.ts'
import { scopeOf } from '../scope.ts'
import { isoSeconds } from '../time.ts'
import { connectionsOfGateway, findConnection } from '../vpn-connection/store.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findGateway, readProgress } from '../vpn-gateway/store.ts'
import { consistencyItem, type DiagnosisItem, quotaItem, routeItem } from './items.ts'
import { verdictOf, viewVerdict, viewVerdictExtra } from './model.ts'
import { diagnoseVpnConnections, diagnoseVpnGateway, getVpnGatewayDiagnoseResult } from './spec.ts'
import {
  type Diagnosis,
  findDiagnosis,
  insertDiagnosis,
  listDiagnosed,
  readRoutes,
  readSettings,
} from './store.ts'

/** Of a diagnosis of a gateway; the last one where a way through the tunnel is tried. */
const itemCount = ({ destination_ip }: Diagnosis) => (destination_ip === null ? 6 : 7)

function checkAddresses(
  info: { readonly PrivateSourceIp?: string; readonly PrivateDestinationIp?: string } = {},
) {
  const { PrivateSourceIp: source, PrivateDestinationIp: destination } = info
  for (const text of [source, destination]) {
    if (text && parseIpv4(text) === undefined) throw apiError('IllegalParam.IPsecExtendInfo', { value: text })
  }
  if (Boolean(source) !== Boolean(destination)) {
    throw apiError('IllegalParam.IPsecExtendInfo', { reason: 'Both addresses are needed, or none.' })
  }
  return { source_ip: source || null, destination_ip: destination || null }
}

export function diagnosisActions({ db, write, quotas, staleAfter }: ResourceContext): Action[] {
  return [
    action(diagnoseVpnGateway, (input, call) =>
      write(diagnoseVpnGateway, input, call, async (trx, changed) => {
        const scope = scopeOf(call)
        const gateway = await findGateway(trx, scope, input.VpnGatewayId)
        if (!gateway) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
        const connection = await findConnection(trx, scope, input.ResourceId)
        if (connection?.vpn_gateway_id !== gateway.id) {
          throw apiError('InvalidVpnConnectionInstanceId.NotFound')
        }
        requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
        const addresses = checkAddresses(input.IPsecExtendInfo)
        const { own, others, counts } = await readRoutes(trx, connection)
        const connections = (await connectionsOfGateway(trx, gateway.id)).length
        const items = [
          routeItem(own, others),
          quotaItem('VpnRouteQuota', 'vpn_route', counts.dbr, quotas.destinationRoutesPerGateway),
          quotaItem('VpnIPsecQuota', 'vpn_connection', connections, quotas.connectionsPerGateway),
          quotaItem('VpnPbrRouteQuota', 'vpn_pbr_route', counts.pbr, quotas.policyRoutesPerGateway),
          consistencyItem(await readSettings(trx, connection.id)),
        ]
        const id = newId('vpndgn', call.region)
        await insertDiagnosis(trx, {
          seq: await db.nextSeq(trx),
          id,
          account_id: scope.accountId,
          region: scope.region,
          vpn_gateway_id: gateway.id,
          connection_id: connection.id,
          ...addresses,
          items: JSON.stringify(items),
          began_at: call.now,
          finished_at: null,
        })
        // What has to be tried on the network is tried by the node that runs the tunnels.
        changed(`diagnosis:${id}`)
        return { DiagnoseId: id }
      }),
    ),

    action(getVpnGatewayDiagnoseResult, async ({ DiagnoseId, VpnGatewayId }, call) => {
      const scope = scopeOf(call)
      if (DiagnoseId === undefined && VpnGatewayId === undefined) {
        throw apiError('MissingDiagnoseId', { reason: 'Give DiagnoseId or VpnGatewayId.' })
      }
      if (VpnGatewayId !== undefined && !(await findGateway(db.kysely, scope, VpnGatewayId))) {
        throw apiError('InvalidVpnGatewayInstanceId.NotFound')
      }
      const row = await findDiagnosis(db.kysely, scope, { id: DiagnoseId, vpnGatewayId: VpnGatewayId })
      if (!row) throw apiError('InvalidDiagnoseId.NotFound')
      const items: readonly DiagnosisItem[] = JSON.parse(row.items)
      const answer = {
        BeginTime: isoSeconds(row.began_at),
        DiagnoseId: row.id,
        DiagnoseResult: items.map(({ name, level, description }) => ({
          DiagnoseName: name,
          DiagnoseResultDescription: JSON.stringify(description),
          DiagnoseResultLevel: level,
        })),
        FinishTime: row.finished_at === null ? undefined : isoSeconds(row.finished_at),
        FinishedCount: items.length,
        ResourceInstanceId: row.connection_id,
        ResourceType: 'IPsec',
        TotalCount: itemCount(row),
        VpnGatewayId: row.vpn_gateway_id,
      }
      if (!call.wantsExtra) return answer
      const tunnels = await listDiagnosed(db.kysely, scope, {
        tunnelIds: [],
        connectionIds: [row.connection_id],
      })
      const verdicts = tunnels.map((tunnel) => viewVerdictExtra(verdictOf(tunnel, call.now, staleAfter)))
      return { ...answer, 'X-Suidao': { Verdicts: verdicts } }
    }),

    action(diagnoseVpnConnections, async ({ PageNumber, PageSize, ...asked }, call) => {
      const tunnelIds = asked.TunnelIds ?? []
      const connectionIds = asked.VpnConnectionIds ?? []
      if (tunnelIds.length + connectionIds.length === 0 && asked.VpnGatewayId === undefined) {
        throw apiError('MissingVpnConnectionIds', {
          reason: 'Give VpnConnectionIds, TunnelIds or VpnGatewayId.',
        })
      }
      const tunnels = await listDiagnosed(db.kysely, scopeOf(call), {
        tunnelIds,
        connectionIds,
        vpnGatewayId: asked.VpnGatewayId,
      })
      if (connectionIds.some((id) => !tunnels.some((tunnel) => tunnel.connection_id === id))) {
        throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      }
      if (tunnelIds.some((id) => !tunnels.some((tunnel) => tunnel.tunnel_id === id))) {
        throw apiError('InvalidTunnelId.NotFound')
      }
      const verdicts = tunnels
        .slice((PageNumber - 1) * PageSize, PageNumber * PageSize)
        .map((tunnel) => verdictOf(tunnel, call.now, staleAfter))
      return {
        PageNumber,
        PageSize,
        TotalCount: tunnels.length,
        VpnConnections: verdicts.map(viewVerdict),
        ...(call.wantsExtra ? { 'X-Suidao': { Verdicts: verdicts.map(viewVerdictExtra) } } : {}),
      }
    }),
  ]
}
