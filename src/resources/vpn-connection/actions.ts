import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { createPacker, type PackedResult } from '../../rpc/render.ts'
import type { ResourceContext } from '../context.ts'
import { createKept } from '../kept.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters } from '../tag/model.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findGateway, readProgress } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { checkSupported, pairOfTunnels, singleTunnel } from './model.ts'
import { createConnectionReader } from './reader.ts'
import {
  createVpnConnection,
  deleteVpnConnection,
  describeVpnConnection,
  describeVpnConnections,
  describeVpnCrossAccountAuthorizations,
  modifyTunnelAttribute,
  modifyVpnConnectionAttribute,
} from './spec.ts'
import { connectionsShowing, listDescribed, listSecondTunnels } from './store.ts'
import { summaries, tagsIn, view, viewTunnel } from './view.ts'
import { createConnectionWriter } from './writer.ts'

export function vpnConnectionActions(context: ResourceContext): Action[] {
  const { db, sealer, write, paging, staleAfter } = context
  const writer = createConnectionWriter(context)
  const { described, answer, extra, reads } = createConnectionReader(context)
  const kept = createKept<PackedResult>()
  const look = db.watch(reads, connectionsShowing, kept)
  const pack = createPacker(describeVpnConnection)
  const lock = (trx: Trx, call: Call, id: string) =>
    writer.lock(trx, call, id, 'gateway', 'VpnGateway.Configuring')

  return [
    action(createVpnConnection, (input, call) =>
      write(createVpnConnection, input, call, async (trx, changed) => {
        const gateway = await findGateway(trx, scopeOf(call), input.VpnGatewayId)
        if (!gateway) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
        checkSupported(input)
        const dual = gateway.second_internet_ip !== null
        if (!dual && input.TunnelOptionsSpecification?.length) {
          throw apiError('VpnConnection.InvalidCreateTunnelOptions', {
            reason: `${gateway.id} has one address: its connections have one tunnel.`,
          })
        }
        const tunnels = dual
          ? pairOfTunnels(input.TunnelOptionsSpecification ?? [])
          : [{ ...singleTunnel(input), CustomerGatewayId: input.CustomerGatewayId }]
        for (const { CustomerGatewayId } of tunnels) await writer.requirePeer(trx, call, CustomerGatewayId)
        requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
        const row = await writer.create(trx, call, changed, gateway, { ...input, tunnels })
        return { CreateTime: row.created_at, Name: row.name, VpnConnectionId: row.id }
      }),
    ),

    action(describeVpnConnection, ({ VpnConnectionId }, call) => {
      const scope = scopeOf(call)
      const keeping = look !== undefined && !call.wantsExtra
      if (keeping) {
        look()
        const known = kept.find(scope, VpnConnectionId)
        if (known) return known
      }
      const found = described(call, VpnConnectionId)
      if (call.wantsExtra) {
        return Promise.resolve(found).then(async (whole) => ({
          ...answer(whole),
          'X-Suidao': await extra(whole, call),
        }))
      }
      if (found instanceof Promise) return found.then(answer)
      const shown = answer(found)
      // Under the id of the row: that of the request may be a part of a long text, which would be kept with it.
      if (keeping) kept.keep(scope, found.row.id, pack(shown))
      return shown
    }),

    action(describeVpnConnections, async ({ PageNumber, PageSize, ...filter }, call) => {
      const { total, rows } = await listDescribed(
        db,
        paging,
        scopeOf(call),
        {
          vpnGatewayId: filter.VpnGatewayId,
          customerGatewayId: filter.CustomerGatewayId,
          vpnConnectionId: filter.VpnConnectionId,
          resourceGroupId: filter.ResourceGroupId,
          tags: checkTagFilters(filter.Tag ?? []),
        },
        { PageNumber, PageSize },
      )
      const seconds = await listSecondTunnels(
        db.kysely,
        rows.filter(({ dual }) => dual === 1).map(({ id }) => id),
      )
      return {
        PageNumber,
        PageSize,
        TotalCount: total,
        VpnConnections: rows.map((row) => ({
          ...view({ row, second: seconds.get(row.id) }, sealer),
          Tag: tagsIn(row.tags),
        })),
        ...(call.wantsExtra ? { 'X-Suidao': summaries(rows, seconds, call.now, staleAfter) } : {}),
      }
    }),

    action(modifyVpnConnectionAttribute, async (input, call) => {
      await write(modifyVpnConnectionAttribute, input, call, async (trx, changed) => {
        const locked = await lock(trx, call, input.VpnConnectionId)
        checkSupported(input)
        await writer.modify(trx, call, changed, locked, {
          ...input,
          tunnels: locked.row.dual === 1 ? (input.TunnelOptionsSpecification ?? []) : [singleTunnel(input)],
        })
        return {}
      })
      const { AttachType: _, ...shown } = answer(await described(call, input.VpnConnectionId))
      return shown
    }),

    action(modifyTunnelAttribute, async (input, call) => {
      await write(modifyTunnelAttribute, input, call, async (trx, changed) => {
        const locked = await writer.lock(trx, call, input.VpnConnectionId, 'any', 'VpnGateway.Configuring')
        const { row, tunnels } = locked
        const isOneOfPair = row.dual === 1 && tunnels.some(({ id }) => id === input.TunnelId)
        if (!isOneOfPair) throw apiError('InvalidTunnelId.NotFound')
        const options = { ...input.TunnelOptionsSpecification, TunnelId: input.TunnelId }
        checkSupported({ TunnelOptionsSpecification: [options] })
        await writer.modify(trx, call, changed, locked, { tunnels: [options] })
        return {}
      })
      const { row, second } = await described(call, input.VpnConnectionId)
      const tunnel = second?.tunnel_id === input.TunnelId ? second : row
      const { Status: _, TunnelBgpConfig: bgp, ...shown } = viewTunnel(row, tunnel, sealer)
      if (!bgp) return shown
      const { BgpStatus: __, LocalAsn: ___, ...config } = bgp
      return {
        ...shown,
        TunnelBgpConfig: {
          ...config,
          EnableBgp: row.bgp_enable === 1,
          LocalAsn: tunnel.bgp_local_asn ?? undefined,
          PeerAsn: tunnel.peer_asn ?? undefined,
        },
      }
    }),

    action(deleteVpnConnection, (input, call) =>
      write(deleteVpnConnection, input, call, async (trx, changed) => {
        await writer.remove(trx, call, changed, await lock(trx, call, input.VpnConnectionId))
        return {}
      }),
    ),
    // Nobody else's transit router can be bound here, so there is nothing to authorise.
    action(describeVpnCrossAccountAuthorizations, async (input, call) => {
      await described(call, input.VpnConnectionId)
      return {
        CrossAccountAuthorizations: [],
        PageNumber: input.PageNumber,
        PageSize: input.PageSize,
        TotalCount: 0,
      }
    }),
  ]
}
