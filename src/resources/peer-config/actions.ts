import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { downloadVpnConnectionConfig } from '../vpn-connection/spec.ts'
import { peerFormats } from './formats.ts'
import { withoutKeys } from './model.ts'
import { suidaoListPeerConfigurations } from './spec.ts'
import { findPeerRows, type PeerRows, peerSettings, viewPeerConfig } from './store.ts'

export function peerConfigActions({ db, sealer }: ResourceContext): Action[] {
  async function getRows(id: string, call: Call): Promise<PeerRows> {
    const rows = await findPeerRows(db.kysely, id, scopeOf(call))
    if (!rows) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
    return rows
  }

  return [
    action(downloadVpnConnectionConfig, async ({ VpnConnectionId }, call) => {
      const rows = await getRows(VpnConnectionId, call)
      const settings = peerSettings(rows, sealer)
      const answer = { VpnConnectionConfig: viewPeerConfig(settings, rows) }
      if (!call.wantsExtra) return answer
      const texts = Object.entries(peerFormats).map(([name, render]) => [name, render(settings)])
      return { ...answer, 'X-Suidao': { PeerConfigurations: Object.fromEntries(texts) } }
    }),

    action(suidaoListPeerConfigurations, async ({ VpnConnectionId }, call) => {
      const settings = withoutKeys(peerSettings(await getRows(VpnConnectionId, call), sealer))
      return {
        PeerConfigurations: Object.entries(peerFormats).map(([Device, render]) => ({
          Device,
          Text: render(settings),
        })),
      }
    }),
  ]
}
