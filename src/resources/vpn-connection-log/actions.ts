import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { describeVpnConnectionLogs } from '../vpn-connection/spec.ts'
import { findConnection, tunnelsOf } from '../vpn-connection/store.ts'
import { parseRange, renderLogLine } from './model.ts'

export function vpnConnectionLogActions({ db, logs }: ResourceContext): Action[] {
  return [
    action(
      describeVpnConnectionLogs,
      async ({ VpnConnectionId, TunnelId, PageNumber, PageSize, ...asked }, call) => {
        const connection = await findConnection(db.kysely, scopeOf(call), VpnConnectionId)
        if (!connection) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
        const range = parseRange(asked, call.now)
        const tunnels = await tunnelsOf(db.kysely, connection.id)
        if (TunnelId === undefined && tunnels.length > 1) {
          throw apiError('MissingTunnelId', { reason: 'The connection has two tunnels.' })
        }
        const tunnel = TunnelId === undefined ? tunnels[0] : tunnels.find(({ id }) => id === TunnelId)
        if (!tunnel) throw apiError('InvalidTunnelId.NotFound')
        if (!logs) {
          throw apiError('UnsupportedOperation', {
            action: describeVpnConnectionLogs.name,
            reason: 'This node has no logs of tunnels: ask the one with the role "gateway".',
          })
        }
        const page = await logs.read(tunnel.id, range, (PageNumber - 1) * PageSize, PageSize)
        return {
          Count: page.lines.length,
          Data: page.lines.map(renderLogLine),
          IsCompleted: page.complete,
          PageNumber,
          PageSize,
        }
      },
    ),
  ]
}
