/**
 * Which route carries a packet that a gateway has to forward, and why. Pure: the kernel decides by the routes and rules
 * of linux/tunnel-routes.ts, and this says the same from what is wanted and how the tunnels stand.
 *
 * The order (semantics of the vendor: policy routes before all others, then by priority, then the longest match):
 * 1. policy routes: the lower priority, then the longer source, then the longer destination
 * 2. the VPC's own networks and destination routes: the longer destination
 * Of routes alike the one of a tunnel that is up comes before one of a tunnel that waits for traffic, then the one with the
 * lower metric, then the one of the lower slot. A policy route for more than the VPC never carries what is for the VPC.
 */
import type { Gateway, Tunnel, TunnelId, TunnelRoute } from './engine.ts'
import { contains, lengthOf, networkOf } from './linux/address.ts'
import { insideNetworks } from './linux/tunnel-routes.ts'

/** How a tunnel stands: only routes of tunnels that are up or wait for traffic are used. */
export type Usability = 'up' | 'waiting' | 'down'

export interface RoutedTunnel {
  readonly tunnel: Pick<Tunnel, 'id' | 'slot' | 'remoteSubnets' | 'routes'>
  readonly usability: Usability
}

export interface Candidate {
  readonly tunnelId: TunnelId
  readonly route: TunnelRoute
  readonly usability: Usability
}

export interface RouteChoice {
  readonly to: 'tunnel' | 'vpc' | 'nowhere'
  /** When it goes to a tunnel. */
  readonly chosen?: Candidate
  /** One sentence. */
  readonly reason: string
  /** Routes that would have come first and are not used because their tunnels are down, the best first. */
  readonly passedOver: readonly Candidate[]
}

interface Ranked extends Candidate {
  readonly rank: readonly number[]
}

/** @param packet addresses, e.g. `{ source: '10.1.0.10', destination: '10.2.0.1' }` */
export function chooseRoute(
  packet: { readonly source: string; readonly destination: string },
  gateway: Pick<Gateway, 'insideAddress' | 'vpcCidr'>,
  tunnels: readonly RoutedTunnel[],
): RouteChoice {
  const vpc = insideNetworks(gateway)
    .filter((network) => contains(network, packet.destination))
    .toSorted((a, b) => lengthOf(b) - lengthOf(a))[0]
  const vpcLength = vpc === undefined ? -1 : lengthOf(vpc)
  const matching = tunnels
    .flatMap(({ tunnel, usability }) =>
      routesOf(tunnel).map((route) => ({
        tunnelId: tunnel.id,
        route,
        usability,
        rank: rankOf(route, usability, tunnel),
      })),
    )
    .filter(
      ({ route }) =>
        contains(route.destination, packet.destination) &&
        (route.source === undefined || contains(route.source, packet.source)) &&
        lengthOf(route.destination) > vpcLength,
    )
    .toSorted(byRank)
  const index = matching.findIndex(({ usability }) => usability !== 'down')
  const chosen = matching[index]
  const passedOver = matching.slice(0, index < 0 ? undefined : index).map(withoutRank)
  if (chosen) return { to: 'tunnel', chosen: withoutRank(chosen), reason: reasonOf(chosen), passedOver }
  if (vpc !== undefined) {
    return { to: 'vpc', reason: `${packet.destination} lies in ${vpc}, a network of the VPC`, passedOver }
  }
  const reason =
    matching.length === 0
      ? `no route fits ${packet.source} to ${packet.destination}`
      : `every tunnel with a route to ${packet.destination} is down`
  return { to: 'nowhere', reason, passedOver }
}

/** Without routes of its own a tunnel has one for each remote subnet. */
const routesOf = ({ routes, remoteSubnets }: RoutedTunnel['tunnel']): readonly TunnelRoute[] =>
  routes ?? remoteSubnets.map((subnet) => ({ destination: networkOf(subnet), metric: 0 }))

/** The smaller comes first. */
function rankOf(route: TunnelRoute, usability: Usability, { slot, routes }: RoutedTunnel['tunnel']) {
  const { destination, source, priority = 10, metric } = route
  const match =
    source === undefined
      ? [1, 0, 0, -lengthOf(destination)]
      : [0, priority, -lengthOf(source), -lengthOf(destination)]
  // Routes that nobody has asked for stay where they are while their tunnel waits.
  const waits = routes !== undefined && usability === 'waiting' ? 1 : 0
  return [...match, waits, metric, slot]
}

function byRank({ rank: a }: Ranked, { rank: b }: Ranked): number {
  const index = a.findIndex((value, place) => value !== b[place])
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0)
}

const withoutRank = ({ tunnelId, route, usability }: Ranked): Candidate => ({ tunnelId, route, usability })

function reasonOf({ tunnelId, route, usability }: Ranked): string {
  const kind =
    route.source === undefined
      ? `the destination route to ${networkOf(route.destination)}`
      : `the policy route from ${networkOf(route.source)} to ${networkOf(route.destination)} with priority ${route.priority ?? 10}`
  const state = usability === 'up' ? 'is up' : 'waits for traffic'
  return `${kind} is the first that fits, and its tunnel ${tunnelId} ${state}`
}
