import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { findConnection } from '../vpn-connection/store.ts'
import { spanFor } from './model.ts'
import { suidaoListTunnelChanges, suidaoListTunnelSamples } from './spec.ts'
import { listChanges, listSamples, tunnelsOf } from './store.ts'

export function historyActions({ db }: ResourceContext): Action[] {
  return [
    action(suidaoListTunnelChanges, async ({ VpnConnectionId, TunnelId, MaxResults, NextToken }, call) => {
      const before = NextToken === undefined ? undefined : Number(NextToken)
      const filter = { connectionId: VpnConnectionId, tunnelId: TunnelId, before }
      const rows = await listChanges(db.kysely, scopeOf(call), filter, MaxResults + 1)
      const shown = rows.slice(0, MaxResults)
      return {
        Changes: shown.map((row) => ({
          At: row.at,
          Evidence: row.evidence === null ? [] : (JSON.parse(row.evidence) as string[]),
          ReasonCode: row.reason_code ?? '',
          Status: row.status,
          TunnelId: row.tunnel_id,
          VpnConnectionId: row.connection_id,
        })),
        NextToken: rows.length > MaxResults ? String(shown.at(-1)!.seq) : '',
      }
    }),

    action(suidaoListTunnelSamples, async ({ VpnConnectionId, From, To }, call) => {
      if (!(await findConnection(db.kysely, scopeOf(call), VpnConnectionId))) {
        throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      }
      const from = From * 1000
      const span = spanFor(from, call.now)
      const to = To === undefined ? call.now : To * 1000
      const tunnels = await tunnelsOf(db.kysely, VpnConnectionId)
      // The span that `from` lies in belongs to what was asked for.
      const rows = await listSamples(db.kysely, tunnels, span, from - (from % (span * 1000)), to)
      return {
        Samples: rows.map((row) => ({
          At: row.at,
          BytesIn: row.bytes_in,
          BytesOut: row.bytes_out,
          ObservedMs: row.observed_ms,
          PacketsIn: row.packets_in,
          PacketsOut: row.packets_out,
          ProbesLost: row.probes_lost,
          ProbesSent: row.probes_answered + row.probes_lost,
          Rtt: row.probes_answered === 0 ? undefined : row.rtt_us / row.probes_answered / 1000,
          TunnelId: row.tunnel_id,
          UpMs: row.up_ms,
        })),
        Span: span,
      }
    }),
  ]
}
