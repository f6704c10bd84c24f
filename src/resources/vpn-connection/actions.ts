import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { createPacker, PackedResult } from '../../rpc/render.ts'
import type { ResultValues } from '../../rpc/spec.ts'
import type { ResourceContext } from '../context.ts'
import { createKept } from '../kept.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters } from '../tag/model.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findGateway, readProgress } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { pairOfTunnels, singleTunnel } from './model.ts'
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
import { connectionsShowing, prepareListConnections, readRates } from './store.ts'
import { summaries, viewTunnel } from './view.ts'
import { createConnectionWriter } from './writer.ts'

type Members = ResultValues<(typeof describeVpnConnection)['result']>
type Shown = Members | PackedResult

/** As a list shows it: the tags have another name there. */
function asItem(result: Shown) {
  const { Tags, ...members } = result instanceof PackedResult ? (result.members() as Members) : result
  return { ...members, Tag: Tags }
}

/** Without those that have gone since their ids were read. */
const there = <T>(results: readonly (T | undefined)[]): T[] =>
  results.filter((result) => result !== undefined)

export function vpnConnectionActions(context: ResourceContext): Action[] {
  const { db, sealer, write, paging, staleAfter } = context
  const writer = createConnectionWriter(context)
  const { find, described, answer, extra, reads } = createConnectionReader(context)
  const list = prepareListConnections(db)
  const kept = createKept<PackedResult>()
  const look = db.watch(reads, connectionsShowing, kept)
  const pack = createPacker(describeVpnConnection)
  const lock = (trx: Trx, call: Call, id: string) =>
    writer.lock(trx, call, id, 'gateway', 'VpnGateway.Configuring')

  /** The answer about one connection, as it is kept or else from its rows; at once on SQLite. */
  function shown(call: Call, id: string): Shown | undefined | Promise<Shown | undefined> {
    const scope = scopeOf(call)
    look?.()
    const known = kept.find(scope, id)
    if (known) return known
    const found = find(call, id)
    if (found instanceof Promise) return found.then((one) => one && answer(one))
    if (!found) return undefined
    const result = answer(found)
    const packed = look && pack(result)
    // Under the id of the row: that of the request may be a part of a long text, which would be kept with it.
    if (packed) kept.keep(scope, found.row.id, packed)
    return packed ?? result
  }

  return [
    action(createVpnConnection, (input, call) =>
      write(createVpnConnection, input, call, async (trx, changed) => {
        const gateway = await findGateway(trx, scopeOf(call), input.VpnGatewayId)
        if (!gateway) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
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
        const row = await writer.create(trx, call, changed, gateway, {
          ...input,
          bgp: (dual ? input.EnableTunnelsBgp : input.BgpConfig?.EnableBgp) ?? false,
          tunnels,
        })
        return { CreateTime: row.created_at, Name: row.name, VpnConnectionId: row.id }
      }),
    ),

    action(describeVpnConnection, ({ VpnConnectionId }, call) => {
      if (call.wantsExtra) {
        return described(call, VpnConnectionId).then(async (found) => ({
          ...answer(found),
          'X-Suidao': await extra(found, call),
        }))
      }
      const orRefuse = (result: Shown | undefined) => {
        if (!result) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
        return result
      }
      const result = shown(call, VpnConnectionId)
      return result instanceof Promise ? result.then(orRefuse) : orRefuse(result)
    }),

    action(describeVpnConnections, async ({ PageNumber, PageSize, ...filter }, call) => {
      const { total, ids } = await list(
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
      const page = { PageNumber, PageSize, TotalCount: total }
      if (call.wantsExtra) {
        const found = there(await Promise.all(ids.map((id) => find(call, id))))
        return {
          ...page,
          VpnConnections: found.map((one) => asItem(answer(one))),
          'X-Suidao': summaries(found, await readRates(db.kysely, ids), call.now, staleAfter),
        }
      }
      const results = there(await Promise.all(ids.map((id) => shown(call, id))))
      return { ...page, VpnConnections: results.map(asItem) }
    }),

    action(modifyVpnConnectionAttribute, async (input, call) => {
      await write(modifyVpnConnectionAttribute, input, call, async (trx, changed) => {
        const locked = await lock(trx, call, input.VpnConnectionId)
        await writer.modify(trx, call, changed, locked, {
          ...input,
          bgp: locked.row.dual === 1 ? input.EnableTunnelsBgp : input.BgpConfig?.EnableBgp,
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
