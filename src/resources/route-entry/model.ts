/**
 * What a route into a connection is, for all three kinds: rules between values and between routes. Pure.
 *
 * Source: user guide "Configure routes of a VPN gateway" and the route actions' pages, 2021 and 2026.
 */
import type { TunnelRoute } from '../../engine/engine.ts'
import { apiError } from '../../rpc/errors.ts'
import { overlap, parseNetwork, parseNetworkList } from '../ipv4.ts'
import type { VpnConnection, VpnTunnel } from '../vpn-connection/store.ts'
import type { RouteEntry } from './store.ts'

/** What tells two routes of one owner and kind apart. */
export type RouteKey = Pick<RouteEntry, 'route_source' | 'route_dest' | 'next_hop' | 'priority'>

/** The vendor's own services live there; no route may take packets away from them. */
const sharedAddresses = parseNetwork('100.64.0.0/10')!

/** `RouteDest`: a network, but neither everything nor one that touches 100.64.0.0/10. */
export function checkDestination(text: string): void {
  const network = parseNetwork(text)
  if (!network || network.prefixLength === 0 || overlap(network, sharedAddresses)) {
    throw apiError('IllegalParam.RouteDest', { value: text })
  }
}

export function checkSource(text: string): void {
  if (!parseNetwork(text)) throw apiError('IllegalParam.RouteSource', { value: text })
}

const describe = (entry: RouteKey & Pick<RouteEntry, 'weight'>) =>
  `the route to ${entry.route_dest} through ${entry.next_hop} with weight ${entry.weight}`

/** The same packets, so that only their weights say which of them is used. */
const matchAlike = (a: RouteKey, b: RouteKey) =>
  a.route_dest === b.route_dest && a.route_source === b.route_source && a.priority === b.priority

/** A match has at most one active and one standby route, through two connections. */
export function checkBesideRoutes(
  others: readonly RouteEntry[],
  wanted: RouteKey & Pick<RouteEntry, 'weight'>,
): void {
  for (const other of others) {
    if (!matchAlike(other, wanted)) continue
    if (other.next_hop === wanted.next_hop) throw apiError('VpnRouteEntry.AlreadyExists')
    if (other.weight === wanted.weight) throw apiError('VpnRouteEntry.Conflict', { value: describe(other) })
  }
}

/** With a standby route beside it the active one keeps its weight: delete the standby route first. */
export function checkNewWeight(others: readonly RouteEntry[], changed: RouteEntry, newWeight: number): void {
  const pair = others.find((other) => other.seq !== changed.seq && matchAlike(other, changed))
  if (!pair) return
  if (changed.weight === 100 && newWeight !== 100) throw apiError('VpnRouteEntry.BackupRoute')
  if (pair.weight === newWeight) throw apiError('VpnRouteEntry.Conflict', { value: describe(pair) })
}

/** Priority of routes that `AutoConfigRoute` makes (user guide, 2021). */
export const derivedPriority = 10

/**
 * The routes of `AutoConfigRoute`: on a VPN gateway a policy route for each pair of a local and a remote network, of an
 * attachment a destination route for each remote network. A connection that lets everything through in one direction
 * says nothing about routes.
 */
export function derivedRoutes(
  connection: Pick<VpnConnection, 'id' | 'auto_config_route' | 'local_subnet' | 'remote_subnet'>,
  kind: 'pbr' | 'vco',
): readonly RouteKey[] {
  const networks = (text: string) =>
    (parseNetworkList(text) ?? []).map((network, index) => {
      return { everything: network.prefixLength === 0, text: text.split(',')[index]!.trim() }
    })
  const locals = networks(connection.local_subnet)
  const remotes = networks(connection.remote_subnet)
  if (connection.auto_config_route === 0 || [...locals, ...remotes].some(({ everything }) => everything))
    return []
  if (kind === 'vco') {
    return remotes.map(({ text }) => ({
      route_source: '',
      route_dest: text,
      next_hop: connection.id,
      priority: 0,
    }))
  }
  return locals.flatMap((local) =>
    remotes.map((remote) => ({
      route_source: local.text,
      route_dest: remote.text,
      next_hop: connection.id,
      priority: derivedPriority,
    })),
  )
}

export const sameRoute = (a: RouteKey, b: RouteKey): boolean => matchAlike(a, b) && a.next_hop === b.next_hop

/**
 * What a route means for one tunnel of its connection. Of several for a packet the active one is used before the standby
 * one, and of both tunnels of a connection the master before the slave. On a gateway for two tunnels weights have no
 * effect (help page of 2026).
 */
export function tunnelRoute(entry: RouteEntry, dual: boolean, role: VpnTunnel['role']): TunnelRoute {
  const rank = (dual || entry.weight === 100 ? 0 : 2) + (role === 'master' ? 0 : 1)
  return {
    destination: entry.route_dest,
    ...(entry.kind === 'pbr' && { source: entry.route_source, priority: entry.priority }),
    metric: 100 * (rank + 1),
  }
}

/** A network that BGP has learned: behind static routes to the same network, before those that wait for traffic. */
export const learnedRoute = (prefix: string): TunnelRoute => ({ destination: prefix, metric: 10_000 })
