import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { createPacker, type PackedResult } from '../../rpc/render.ts'
import type { ResultValues } from '../../rpc/spec.ts'
import type { ResourceContext } from '../context.ts'
import { createKept } from '../kept.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters } from '../tag/model.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findGateway, readProgress } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { checkSupported, pairOfTunnels, singleTunnel } from './model.ts'
import {
  createVpnConnection,
  deleteVpnConnection,
  describeVpnConnection,
  describeVpnConnections,
  modifyTunnelAttribute,
  modifyVpnConnectionAttribute,
} from './spec.ts'
import {
  connectionsShowing,
  type DescribedConnection,
  type DescribedTunnel,
  findConnection,
  listDescribed,
  listSecondTunnels,
  prepareFindDescribed,
  prepareFindEvidence,
  prepareFindSecondTunnel,
  tunnelsOf,
} from './store.ts'
import { type Described, extraOf, tagsIn, view, viewTunnel } from './view.ts'
import { createConnectionWriter } from './writer.ts'

export function vpnConnectionActions(context: ResourceContext): Action[] {
  const { db, sealer, write, paging, staleAfter } = context
  const writer = createConnectionWriter(context)
  const findDescribed = prepareFindDescribed(db)
  const findSecondTunnel = prepareFindSecondTunnel(db)
  const findEvidence = prepareFindEvidence(db)
  const kept = createKept<PackedResult>()
  const look = db.watch([findDescribed, findSecondTunnel], connectionsShowing, kept)
  const pack = createPacker(describeVpnConnection)

  /** At once on SQLite: the read of one connection makes no promise on its way. */
  function described(call: Call, id: string): Described | Promise<Described> {
    const whole = (row: DescribedConnection | undefined): Described | Promise<Described> => {
      if (!row) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      if (row.dual === 0) return { row, second: undefined }
      const second = findSecondTunnel(row.id)
      return second instanceof Promise ? second.then((tunnel) => ({ row, second: tunnel })) : { row, second }
    }
    const row = findDescribed(call.principal.accountId, call.region, id)
    return row instanceof Promise ? row.then(whole) : whole(row)
  }

  function answer(found: Described) {
    const shown: ResultValues<(typeof describeVpnConnection)['result']> = view(found, sealer)
    return Object.assign(shown, { Tags: tagsIn(found.row.tags) })
  }

  /** The extra object, only for callers who ask: of each tunnel where there are two. */
  async function extra({ row, second }: Described, call: Call) {
    const of = async (tunnel: DescribedTunnel) =>
      extraOf(tunnel, await findEvidence(tunnel.tunnel_id), call.now, staleAfter)
    if (!second) return of(row)
    const tunnels = [row, second].map(async (tunnel) => ({
      TunnelId: tunnel.tunnel_id,
      ...(await of(tunnel)),
    }))
    return { Tunnels: await Promise.all(tunnels) }
  }

  async function lockedConnection(trx: Trx, call: Call, id: string) {
    const scope = scopeOf(call)
    const row = await findConnection(trx, scope, id)
    if (!row) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
    const gateway = await findGateway(trx, scope, row.vpn_gateway_id)
    if (!gateway) throw new Error(`connection ${id} is on ${row.vpn_gateway_id}, which does not exist`)
    requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
    return { row, gateway, tunnels: await tunnelsOf(trx, row.id) }
  }

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
      }
    }),

    action(modifyVpnConnectionAttribute, async (input, call) => {
      await write(modifyVpnConnectionAttribute, input, call, async (trx, changed) => {
        const { row, tunnels } = await lockedConnection(trx, call, input.VpnConnectionId)
        checkSupported(input)
        await writer.modify(trx, call, changed, row, tunnels, {
          ...input,
          tunnels: row.dual === 1 ? (input.TunnelOptionsSpecification ?? []) : [singleTunnel(input)],
        })
        return {}
      })
      const { AttachType: _, ...shown } = answer(await described(call, input.VpnConnectionId))
      return shown
    }),

    action(modifyTunnelAttribute, async (input, call) => {
      await write(modifyTunnelAttribute, input, call, async (trx, changed) => {
        const { row, tunnels } = await lockedConnection(trx, call, input.VpnConnectionId)
        const isOneOfPair = row.dual === 1 && tunnels.some(({ id }) => id === input.TunnelId)
        if (!isOneOfPair) throw apiError('InvalidTunnelId.NotFound')
        const options = { ...input.TunnelOptionsSpecification, TunnelId: input.TunnelId }
        checkSupported({ TunnelOptionsSpecification: [options] })
        await writer.modify(trx, call, changed, row, tunnels, { tunnels: [options] })
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
        const { row, tunnels } = await lockedConnection(trx, call, input.VpnConnectionId)
        await writer.remove(trx, call, changed, row, tunnels)
        return {}
      }),
    ),
  ]
}
