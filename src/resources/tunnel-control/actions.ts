import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ChangeKey, ResourceContext } from '../context.ts'
import { changeTunnel, type VpnTunnel } from '../vpn-connection/store.ts'
import { createConnectionWriter } from '../vpn-connection/writer.ts'
import type { Trx } from '../write.ts'
import { suidaoRenegotiateTunnel, suidaoStartTunnel, suidaoStopTunnel } from './spec.ts'

interface Named {
  readonly VpnConnectionId: string
  readonly TunnelId?: string
}

type Change = Partial<Pick<VpnTunnel, 'stopped_at' | 'restarts' | 'rekeys'>>

export function tunnelControlActions(context: ResourceContext): Action[] {
  const { write } = context
  const writer = createConnectionWriter(context)

  /** The tunnels that are named, of a connection of whatever kind that may be changed now. */
  async function named(trx: Trx, call: Call, { VpnConnectionId, TunnelId }: Named): Promise<VpnTunnel[]> {
    const { tunnels } = await writer.lock(trx, call, VpnConnectionId, 'any', 'VpnGateway.Configuring')
    const found = tunnels.filter(({ id }) => TunnelId === undefined || id === TunnelId)
    if (found.length === 0) throw apiError('InvalidTunnelId.NotFound')
    return found
  }

  async function change(
    trx: Trx,
    changed: (key: ChangeKey) => void,
    tunnels: readonly VpnTunnel[],
    to: (tunnel: VpnTunnel) => Change,
  ) {
    for (const tunnel of tunnels) {
      await changeTunnel(trx, tunnel.id, to(tunnel), true)
      changed(`tunnel:${tunnel.id}`)
    }
    return { TunnelIds: tunnels.map(({ id }) => id) }
  }

  const isStopped = ({ stopped_at }: VpnTunnel) => stopped_at !== null

  return [
    action(suidaoRenegotiateTunnel, (input, call) =>
      write(suidaoRenegotiateTunnel, input, call, async (trx, changed) => {
        const running = (await named(trx, call, input)).filter((tunnel) => !isStopped(tunnel))
        if (running.length === 0) {
          throw apiError('IncorrectStatus.VpnConnection', {
            id: input.VpnConnectionId,
            reason: 'It is stopped: SuidaoStartTunnel negotiates it.',
          })
        }
        return change(trx, changed, running, ({ restarts, rekeys }) =>
          input.Mode === 'restart' ? { restarts: restarts + 1 } : { rekeys: rekeys + 1 },
        )
      }),
    ),

    action(suidaoStopTunnel, (input, call) =>
      write(suidaoStopTunnel, input, call, async (trx, changed) => {
        const running = (await named(trx, call, input)).filter((tunnel) => !isStopped(tunnel))
        return change(trx, changed, running, () => ({ stopped_at: call.now }))
      }),
    ),

    action(suidaoStartTunnel, (input, call) =>
      write(suidaoStartTunnel, input, call, async (trx, changed) => {
        const stopped = (await named(trx, call, input)).filter(isStopped)
        return change(trx, changed, stopped, () => ({ stopped_at: null }))
      }),
    ),
  ]
}
