/**
 * Which route of a gateway an address takes, from what the API says of its routes. Pure. The order is that of the server
 * (`src/engine/route-choice.ts`): policy routes first, by priority, then the longer source, then the longer destination; of routes alike the one whose
 * tunnel is up, then the one with the higher weight.
 */
import { contains, type Ipv4Network, parseIpv4, parseNetwork } from '../../src/resources/ipv4.ts'
import type { PolicyRouteItem, RouteItem } from './data.ts'
import type { Health } from './health.ts'

export interface RouteChoice {
  readonly route: RouteItem | PolicyRouteItem
  /** Routes that would have come first, and are not used because their tunnels are down. */
  readonly passedOver: readonly (RouteItem | PolicyRouteItem)[]
}

interface Ranked {
  readonly route: RouteItem | PolicyRouteItem
  readonly rank: readonly number[]
  readonly usable: boolean
}

const lengthOf = (text: string | undefined) => parseNetwork(text ?? '')?.prefixLength ?? 0

function covers(text: string | undefined, host: Ipv4Network | undefined): boolean {
  const network = parseNetwork(text ?? '')
  return network !== undefined && host !== undefined && contains(network, host)
}

const hostOf = (text: string): Ipv4Network | undefined => {
  const address = parseIpv4(text.trim())
  return address === undefined ? undefined : { address, prefixLength: 32 }
}

/** `undefined` when no route fits. @param source empty: policy routes are left out */
export function chooseRoute(
  source: string,
  destination: string,
  all: { readonly byDestination: readonly RouteItem[]; readonly byPolicy: readonly PolicyRouteItem[] },
  healthOf: (connectionId: string) => Health | undefined,
): RouteChoice | undefined {
  const from = hostOf(source)
  const to = hostOf(destination)
  const carries = (id: string | undefined) => {
    const health = healthOf(id ?? '')
    return health === undefined || health === 'up' || health === 'degraded' || health === 'waiting'
  }
  const rankOf = (kind: readonly number[], weight: number | undefined): readonly number[] => [
    ...kind,
    -(weight ?? 0),
  ]
  const ranked: Ranked[] = [
    ...all.byPolicy
      .filter(({ RouteSource, RouteDest }) => covers(RouteDest, to) && covers(RouteSource, from))
      .map((route) => ({
        route,
        usable: carries(route.NextHop),
        rank: rankOf(
          [0, route.Priority ?? 10, -lengthOf(route.RouteSource), -lengthOf(route.RouteDest)],
          route.Weight,
        ),
      })),
    ...all.byDestination
      .filter(({ RouteDest }) => covers(RouteDest, to))
      .map((route) => ({
        route,
        usable: carries(route.NextHop),
        rank: rankOf([1, 0, 0, -lengthOf(route.RouteDest)], route.Weight),
      })),
  ].sort((a, b) => {
    const at = a.rank.findIndex((value, index) => value !== b.rank[index])
    return at < 0 ? 0 : a.rank[at]! - b.rank[at]!
  })
  const index = ranked.findIndex(({ usable }) => usable)
  if (index < 0) return undefined
  return { route: ranked[index]!.route, passedOver: ranked.slice(0, index).map(({ route }) => route) }
}
