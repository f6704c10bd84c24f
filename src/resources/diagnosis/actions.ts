import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { verdictOf, viewVerdict, viewVerdictExtra } from './model.ts'
import { diagnoseVpnConnections } from './spec.ts'
import { listDiagnosed } from './store.ts'

export function diagnosisActions({ db, staleAfter }: ResourceContext): Action[] {
  return [
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
