import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { downloadVpnConnectionConfig } from '../vpn-connection/spec.ts'
import { peerFormats } from './formats.ts'
import { findPeerRows, peerSettings, viewPeerConfig } from './store.ts'

export function peerConfigActions({ db, sealer }: ResourceContext): Action[] {
  return [
    action(downloadVpnConnectionConfig, async ({ VpnConnectionId }, call) => {
      const rows = await findPeerRows(db.kysely, VpnConnectionId, scopeOf(call))
      if (!rows) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      const settings = peerSettings(rows, sealer)
      const answer = { VpnConnectionConfig: viewPeerConfig(settings, rows) }
      if (!call.wantsExtra) return answer
      const texts = Object.entries(peerFormats).map(([name, render]) => [name, render(settings)])
      return { ...answer, 'X-Suidao': { PeerConfigurations: Object.fromEntries(texts) } }
    }),
  ]
}
