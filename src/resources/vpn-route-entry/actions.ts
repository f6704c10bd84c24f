import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import {
  addRoute,
  dropRoute,
  type LearnedRoute,
  lockedGateway,
  publishedChanged,
  readTunnels,
  requireGateway,
  requireNextHop,
  requireRoute,
  routesChanged,
  stateOf,
} from '../route-entry/gateway-routes.ts'
import { checkBesideRoutes, checkDestination, checkNewWeight } from '../route-entry/model.ts'
import { changeRoute, pageOf, type RouteEntry, routesOfOwner } from '../route-entry/store.ts'
import type { VpnGateway } from '../vpn-gateway/store.ts'
import {
  createVpnRouteEntry,
  deleteVpnRouteEntry,
  describeVpnRouteEntries,
  modifyVpnRouteEntryWeight,
  publishVpnRouteEntry,
} from './spec.ts'

const keyOf = (input: { readonly RouteDest: string; readonly NextHop: string }) => ({
  route_source: '',
  route_dest: input.RouteDest,
  next_hop: input.NextHop,
  priority: 0,
})

const viewCustom = (entry: RouteEntry, carriers: ReadonlyMap<string, string>) => ({
  AsPath: '',
  Community: '',
  CreateTime: entry.created_at,
  NextHop: entry.next_hop,
  NextHopTunnelId: carriers.get(entry.next_hop),
  RouteDest: entry.route_dest,
  RouteEntryType: 'Custom',
  Source: '',
  State: stateOf(entry),
  VpnInstanceId: entry.owner_id,
  Weight: entry.weight,
})

const viewLearned = (route: LearnedRoute, gateway: VpnGateway) => ({
  AsPath: route.asPath.replaceAll(' ', ','),
  Community: route.communities.replaceAll(' ', ','),
  CreateTime: route.since,
  NextHop: route.connectionId,
  NextHopTunnelId: route.isPair ? route.tunnelId : undefined,
  RouteDest: route.prefix,
  RouteEntryType: 'System',
  Source: 'VPN_BGP',
  State: gateway.auto_propagate === 1 && route.best ? 'published' : 'normal',
  VpnInstanceId: gateway.id,
  Weight: route.best ? 100 : 0,
})

export function vpnRouteEntryActions({ db, write, quotas }: ResourceContext): Action[] {
  return [
    action(createVpnRouteEntry, (input, call) =>
      write(createVpnRouteEntry, input, call, async (trx, changed) => {
        const gateway = await lockedGateway(trx, call, input.VpnGatewayId)
        await requireNextHop(trx, call, gateway, input.NextHop)
        checkDestination(input.RouteDest)
        const all = await routesOfOwner(trx, gateway.id, 'dbr')
        const key = keyOf(input)
        checkBesideRoutes(all, { ...key, weight: input.Weight })
        if (all.length >= quotas.destinationRoutesPerGateway) throw apiError('Resource.QuotaFull')
        const shown = await addRoute(db, trx, changed, gateway, {
          ...key,
          kind: 'dbr',
          weight: input.Weight,
          published: Number(input.PublishVpc),
          description: input.Description ?? '',
          created_at: call.now,
        })
        return { ...shown, OverlayMode: input.OverlayMode }
      }),
    ),

    action(deleteVpnRouteEntry, (input, call) =>
      write(deleteVpnRouteEntry, input, call, async (trx, changed) => {
        const gateway = await lockedGateway(trx, call, input.VpnGatewayId)
        const { entry } = await requireRoute(trx, gateway.id, 'dbr', keyOf(input), input.Weight)
        await dropRoute(trx, changed, gateway, entry)
        return {}
      }),
    ),

    action(describeVpnRouteEntries, async (input, call) => {
      const gateway = await requireGateway(db.kysely, call, input.VpnGatewayId)
      const custom = await routesOfOwner(db.kysely, gateway.id, 'dbr')
      const { carriers, learned } = await readTunnels(db.kysely, gateway.id)
      const rows = [
        ...(input.RouteEntryType === 'System' ? [] : custom.map((entry) => viewCustom(entry, carriers))),
        ...(input.RouteEntryType === 'Custom' ? [] : learned.map((route) => viewLearned(route, gateway))),
      ]
      return {
        PageNumber: input.PageNumber,
        PageSize: input.PageSize,
        TotalCount: rows.length,
        VpnRouteCounts: [
          { RouteCount: custom.length, RouteEntryType: 'custom', Source: '' },
          { RouteCount: learned.length, RouteEntryType: 'bgp', Source: 'VPN_BGP' },
        ],
        VpnRouteEntries: pageOf(rows, input),
      }
    }),

    action(modifyVpnRouteEntryWeight, (input, call) =>
      write(modifyVpnRouteEntryWeight, input, call, async (trx, changed) => {
        const gateway = await lockedGateway(trx, call, input.VpnGatewayId)
        const { entry, all } = await requireRoute(trx, gateway.id, 'dbr', keyOf(input), input.Weight)
        if (input.NewWeight === entry.weight) return {}
        checkNewWeight(all, entry, input.NewWeight)
        await changeRoute(trx, entry.seq, { weight: input.NewWeight })
        await routesChanged(trx, changed, entry.next_hop)
        return {}
      }),
    ),

    // `RouteType=pbr` names no source: it is for every policy route with this destination and next hop.
    action(publishVpnRouteEntry, (input, call) =>
      write(publishVpnRouteEntry, input, call, async (trx, changed) => {
        const gateway = await lockedGateway(trx, call, input.VpnGatewayId)
        const matching = (await routesOfOwner(trx, gateway.id, input.RouteType)).filter(
          (entry) => entry.route_dest === input.RouteDest && entry.next_hop === input.NextHop,
        )
        if (matching.length === 0) throw apiError('InvalidRouteEntry.NotFound')
        const published = Number(input.PublishVpc)
        const different = matching.filter((entry) => entry.published !== published)
        for (const entry of different) await changeRoute(trx, entry.seq, { published })
        if (different.length > 0) await publishedChanged(trx, changed, gateway)
        return {}
      }),
    ),
  ]
}
