import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { readTunnels, routesChanged } from '../route-entry/gateway-routes.ts'
import { checkBesideRoutes, checkDestination } from '../route-entry/model.ts'
import {
  changeRoute,
  insertRoute,
  pageOf,
  type RouteEntry,
  removeRoute,
  routesOfOwner,
} from '../route-entry/store.ts'
import { scopeOf } from '../scope.ts'
import { findConnection } from '../vpn-connection/store.ts'
import { createConnectionWriter } from '../vpn-connection/writer.ts'
import { findOwner } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import {
  createVcoRouteEntry,
  deleteVcoRouteEntry,
  describeVcoRouteEntries,
  modifyVcoRouteEntryWeight,
} from './spec.ts'

interface Named {
  readonly VpnConnectionId: string
  readonly NextHop: string
  readonly RouteDest: string
  readonly Weight: number
}

export function vcoRouteEntryActions(context: ResourceContext): Action[] {
  const { db, write } = context
  const writer = createConnectionWriter(context)

  /** Routes of attachments are written while nothing else of them is: the call says so with a code of its own. */
  const lock = (trx: Trx, call: Call, id: string) =>
    writer.lock(trx, call, id, 'attachment', 'VpnConnection.Configuring')

  async function lockedRoute(trx: Trx, call: Call, input: Named): Promise<RouteEntry> {
    const { row } = await lock(trx, call, input.VpnConnectionId)
    const entry = (await routesOfOwner(trx, row.id, 'vco')).find(
      (one) =>
        one.route_dest === input.RouteDest && one.next_hop === input.NextHop && one.weight === input.Weight,
    )
    if (!entry) throw apiError('InvalidRouteEntry.NotFound')
    return entry
  }

  return [
    action(createVcoRouteEntry, (input, call) =>
      write(createVcoRouteEntry, input, call, async (trx, changed) => {
        const { row } = await lock(trx, call, input.VpnConnectionId)
        if (input.NextHop !== row.id) throw apiError('IllegalParam.NextHop', { value: input.NextHop })
        checkDestination(input.RouteDest)
        const key = { route_source: '', route_dest: input.RouteDest, next_hop: row.id, priority: 0 }
        checkBesideRoutes(await routesOfOwner(trx, row.id, 'vco'), { ...key, weight: input.Weight })
        const entry: Omit<RouteEntry, 'seq'> = {
          ...key,
          kind: 'vco',
          owner_id: row.id,
          weight: input.Weight,
          published: 1,
          derived: 0,
          description: input.Description ?? '',
          created_at: call.now,
        }
        await insertRoute(db, trx, entry)
        await routesChanged(trx, changed, row.id)
        return {
          CreateTime: entry.created_at,
          Description: entry.description,
          NextHop: entry.next_hop,
          OverlayMode: input.OverlayMode,
          RouteDest: entry.route_dest,
          State: 'published',
          VpnConnectionId: row.id,
          Weight: entry.weight,
        }
      }),
    ),

    action(deleteVcoRouteEntry, (input, call) =>
      write(deleteVcoRouteEntry, input, call, async (trx, changed) => {
        const entry = await lockedRoute(trx, call, input)
        await removeRoute(trx, entry.seq)
        await routesChanged(trx, changed, entry.next_hop)
        return {}
      }),
    ),

    // The weight is stored and has no effect (help page of 2026).
    action(modifyVcoRouteEntryWeight, (input, call) =>
      write(modifyVcoRouteEntryWeight, input, call, async (trx) => {
        const entry = await lockedRoute(trx, call, input)
        await changeRoute(trx, entry.seq, { weight: input.NewWeight })
        return {}
      }),
    ),

    action(describeVcoRouteEntries, async (input, call) => {
      const scope = scopeOf(call)
      const row = await findConnection(db.kysely, scope, input.VpnConnectionId)
      const owner = row && (await findOwner(db.kysely, scope, row.vpn_gateway_id))
      if (!row || owner?.kind !== 'attachment') throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      const custom = await routesOfOwner(db.kysely, row.id, 'vco')
      const { up, learned } = await readTunnels(db.kysely, owner.id)
      const rows =
        input.RouteEntryType === 'custom'
          ? custom.map((entry) => ({
              AsPath: '',
              Community: '',
              CreateTime: entry.created_at,
              NextHop: entry.next_hop,
              NextHopTunnelIdList: row.dual === 1 ? up : [],
              RouteDest: entry.route_dest,
              RouteEntryType: 'custom',
              Source: '',
              State: 'published',
              VpnConnectionId: row.id,
              Weight: entry.weight,
            }))
          : learned.map((route) => ({
              AsPath: `[${route.asPath.replaceAll(' ', ',')}]`,
              Community: route.communities.replaceAll(' ', ','),
              CreateTime: route.since,
              NextHop: row.id,
              NextHopTunnelIdList: row.dual === 1 ? [route.tunnelId] : [],
              RouteDest: route.prefix,
              RouteEntryType: 'bgp',
              Source: 'VPN_BGP',
              State: 'Active',
              VpnConnectionId: row.id,
              Weight: route.best ? 100 : 0,
            }))
      return {
        PageNumber: input.PageNumber,
        PageSize: input.PageSize,
        TotalCount: rows.length,
        VcoRouteEntries: pageOf(rows, input),
        VpnRouteCounts: [
          { RouteCount: custom.length, RouteEntryType: 'custom', Source: '' },
          { RouteCount: learned.length, RouteEntryType: 'bgp', Source: 'VPN_BGP' },
        ],
      }
    }),
  ]
}
