import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ChangeKey, ResourceContext } from '../context.ts'
import {
  addRoute,
  dropRoute,
  lockedGateway,
  readTunnels,
  requireGateway,
  requireNextHop,
  requireRoute,
  routesChanged,
  stateOf,
} from '../route-entry/gateway-routes.ts'
import { checkBesideRoutes, checkDestination, checkNewWeight, checkSource } from '../route-entry/model.ts'
import { changeRoute, pageOf, routesOfOwner } from '../route-entry/store.ts'
import type { Trx } from '../write.ts'
import {
  createVpnPbrRouteEntry,
  deleteVpnPbrRouteEntry,
  describeVpnPbrRouteEntries,
  modifyVpnPbrRouteEntryAttribute,
  modifyVpnPbrRouteEntryPriority,
  modifyVpnPbrRouteEntryWeight,
} from './spec.ts'

interface Named {
  readonly VpnGatewayId: string
  readonly RouteSource: string
  readonly RouteDest: string
  readonly NextHop: string
  readonly Weight: number
  readonly Priority?: number
}

/** A route that is named without its priority is found by the rest. */
const keyOf = (input: Named) => ({
  route_source: input.RouteSource,
  route_dest: input.RouteDest,
  next_hop: input.NextHop,
  priority: input.Priority ?? 0,
})

/** What every write on one route begins with. */
async function lockedRoute(trx: Trx, call: Call, input: Named) {
  const gateway = await lockedGateway(trx, call, input.VpnGatewayId)
  return { gateway, ...(await requireRoute(trx, gateway.id, 'pbr', keyOf(input), input.Weight)) }
}

async function change(
  trx: Trx,
  call: Call,
  changed: (key: ChangeKey) => void,
  input: Named,
  { weight, priority }: { readonly weight?: number; readonly priority?: number },
): Promise<object> {
  const { entry, all } = await lockedRoute(trx, call, input)
  const wanted = { ...entry, weight: weight ?? entry.weight, priority: priority ?? entry.priority }
  if (wanted.weight === entry.weight && wanted.priority === entry.priority) return {}
  if (wanted.priority === entry.priority) checkNewWeight(all, entry, wanted.weight)
  else
    checkBesideRoutes(
      all.filter(({ seq }) => seq !== entry.seq),
      wanted,
    )
  // Who has changed it by hand keeps it so.
  await changeRoute(trx, entry.seq, { weight: wanted.weight, priority: wanted.priority, derived: 0 })
  await routesChanged(trx, changed, entry.next_hop)
  return {}
}

export function vpnPbrRouteEntryActions({ db, write, quotas }: ResourceContext): Action[] {
  return [
    action(createVpnPbrRouteEntry, (input, call) =>
      write(createVpnPbrRouteEntry, input, call, async (trx, changed) => {
        const gateway = await lockedGateway(trx, call, input.VpnGatewayId)
        await requireNextHop(trx, call, gateway, input.NextHop)
        checkSource(input.RouteSource)
        checkDestination(input.RouteDest)
        const all = await routesOfOwner(trx, gateway.id, 'pbr')
        const key = keyOf(input)
        checkBesideRoutes(all, { ...key, weight: input.Weight })
        const limit = quotas.policyRoutesPerGateway
        if (all.length >= limit) {
          throw apiError('QuotaExceeded.PolicyBasedRoute', { existing: all.length, wanted: 1, limit })
        }
        const shown = await addRoute(db, trx, changed, gateway, {
          ...key,
          kind: 'pbr',
          weight: input.Weight,
          published: Number(input.PublishVpc),
          description: input.Description ?? '',
          created_at: call.now,
        })
        return {
          ...shown,
          OverlayMode: input.OverlayMode,
          Priority: key.priority,
          RouteSource: key.route_source,
        }
      }),
    ),

    action(deleteVpnPbrRouteEntry, (input, call) =>
      write(deleteVpnPbrRouteEntry, input, call, async (trx, changed) => {
        const { gateway, entry } = await lockedRoute(trx, call, input)
        await dropRoute(trx, changed, gateway, entry)
        return {}
      }),
    ),

    action(describeVpnPbrRouteEntries, async (input, call) => {
      const gateway = await requireGateway(db.kysely, call, input.VpnGatewayId)
      const rows = await routesOfOwner(db.kysely, gateway.id, 'pbr')
      const { carriers } = await readTunnels(db.kysely, gateway.id)
      return {
        PageNumber: input.PageNumber,
        PageSize: input.PageSize,
        TotalCount: rows.length,
        VpnPbrRouteEntries: pageOf(rows, input).map((entry) => ({
          CreateTime: entry.created_at,
          NextHop: entry.next_hop,
          NextHopTunnelId: carriers.get(entry.next_hop),
          Priority: entry.priority,
          RouteDest: entry.route_dest,
          RouteSource: entry.route_source,
          State: stateOf(entry),
          VpnInstanceId: gateway.id,
          Weight: entry.weight,
        })),
      }
    }),

    action(modifyVpnPbrRouteEntryWeight, (input, call) =>
      write(modifyVpnPbrRouteEntryWeight, input, call, (trx, changed) =>
        change(trx, call, changed, input, { weight: input.NewWeight }),
      ),
    ),

    action(modifyVpnPbrRouteEntryPriority, (input, call) =>
      write(modifyVpnPbrRouteEntryPriority, input, call, (trx, changed) =>
        change(trx, call, changed, input, { priority: input.NewPriority }),
      ),
    ),

    action(modifyVpnPbrRouteEntryAttribute, (input, call) => {
      if (input.NewWeight === undefined && input.NewPriority === undefined) {
        throw apiError('MissingNewWeight', { reason: 'One of NewPriority and NewWeight is needed.' })
      }
      return write(modifyVpnPbrRouteEntryAttribute, input, call, (trx, changed) =>
        change(trx, call, changed, input, { weight: input.NewWeight, priority: input.NewPriority }),
      )
    }),
  ]
}
