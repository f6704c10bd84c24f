import { type Candidate, chooseRoute, type RoutedTunnel } from '../../engine/route-choice.ts'
import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { parseIpv4 } from '../ipv4.ts'
import { scopeOf } from '../scope.ts'
import { findVpc } from '../vpc/store.ts'
import { deriveConnectionStatus } from '../vpn-connection/status.ts'
import { observedTunnelsOfGateway } from '../vpn-connection/store.ts'
import { readTunnels, requireGateway } from './gateway-routes.ts'
import { learnedRoute, tunnelRoute } from './model.ts'
import { suidaoExplainRoute } from './spec.ts'
import { routesOfOwner } from './store.ts'

export function routeEntryActions({ db }: ResourceContext): Action[] {
  return [
    action(suidaoExplainRoute, async (input, call) => {
      const gateway = await requireGateway(db.kysely, call, input.VpnGatewayId)
      for (const param of ['SourceIp', 'DestinationIp'] as const) {
        if (parseIpv4(input[param]) === undefined)
          throw apiError(`IllegalParam.${param}`, { value: input[param] })
      }
      const vpc = await findVpc(db.kysely, scopeOf(call), gateway.vpc_id)
      if (!vpc) throw new Error(`gateway ${gateway.id} is in ${gateway.vpc_id}, which does not exist`)
      const [rows, entries, { learned }] = await Promise.all([
        observedTunnelsOfGateway(db.kysely, gateway.id),
        routesOfOwner(db.kysely, gateway.id, 'dbr', 'pbr'),
        readTunnels(db.kysely, gateway.id),
      ])
      const tunnels = rows.map((row): RoutedTunnel => {
        const isUp = deriveConnectionStatus(row) === 'ipsec_sa_established'
        return {
          tunnel: {
            id: row.id,
            slot: row.slot,
            remoteSubnets: [],
            routes: [
              ...entries
                .filter((entry) => entry.next_hop === row.connection_id)
                .map((entry) => tunnelRoute(entry, row.dual === 1, row.role)),
              ...learned
                .filter(({ tunnelId, best }) => best && tunnelId === row.id)
                .map(({ prefix }) => learnedRoute(prefix)),
            ],
          },
          usability: isUp
            ? 'up'
            : row.effect_immediately === 1 || row.stopped_at !== null
              ? 'down'
              : 'waiting',
        }
      })
      const connections = new Map(rows.map((row) => [row.id, row.connection_id]))
      const show = ({ tunnelId, route }: Candidate) => ({
        NextHop: connections.get(tunnelId),
        Priority: route.priority,
        RouteDest: route.destination,
        RouteSource: route.source,
        TunnelId: tunnelId,
      })
      const choice = chooseRoute(
        { source: input.SourceIp, destination: input.DestinationIp },
        { insideAddress: gateway.inside_address, vpcCidr: vpc.cidr },
        tunnels,
      )
      return {
        Chosen: choice.chosen && show(choice.chosen),
        PassedOver: choice.passedOver.map(show),
        Reason: choice.reason,
        To: choice.to,
      }
    }),
  ]
}
