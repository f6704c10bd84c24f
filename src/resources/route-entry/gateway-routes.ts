/** What the actions on destination and on policy routes of a VPN gateway have in common. */
import type { Database } from '../../db/open.ts'
import type { LearnedPrefix } from '../../engine/engine.ts'
import type { Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ChangeKey } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { deriveConnectionStatus } from '../vpn-connection/status.ts'
import {
  changeTunnel,
  findConnection,
  observedTunnelsOfGateway,
  tunnelsOf,
  type VpnConnection,
} from '../vpn-connection/store.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { changeGateway, findGateway, readProgress, type VpnGateway } from '../vpn-gateway/store.ts'
import type { Source, Trx } from '../write.ts'
import type { RouteKey } from './model.ts'
import { insertRoute, type RouteEntry, type RouteKind, removeRoute, routesOfOwner } from './store.ts'

export async function requireGateway(source: Source, call: Call, id: string): Promise<VpnGateway> {
  const gateway = await findGateway(source, scopeOf(call), id)
  if (!gateway) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
  return gateway
}

/** A gateway whose routes may be written: one change at a time. */
export async function lockedGateway(trx: Trx, call: Call, id: string): Promise<VpnGateway> {
  const gateway = await requireGateway(trx, call, id)
  requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
  return gateway
}

/** `NextHop`: a connection of the same gateway. */
export async function requireNextHop(
  trx: Trx,
  call: Call,
  gateway: VpnGateway,
  nextHop: string,
): Promise<VpnConnection> {
  const connection = await findConnection(trx, scopeOf(call), nextHop)
  if (!connection || connection.vpn_gateway_id !== gateway.id || connection.deleted_at !== null) {
    throw apiError('InvalidVpnConnectionInstanceId.NotFound')
  }
  return connection
}

/** The routes of a connection have changed: its tunnels are handed to the engine again, which negotiates nothing. */
export async function routesChanged(
  trx: Trx,
  changed: (key: ChangeKey) => void,
  connectionId: string,
): Promise<void> {
  for (const tunnel of await tunnelsOf(trx, connectionId)) {
    await changeTunnel(trx, tunnel.id, {}, true)
    changed(`tunnel:${tunnel.id}`)
  }
}

/** What the VPC sends to the gateway has changed. */
export async function publishedChanged(
  trx: Trx,
  changed: (key: ChangeKey) => void,
  gateway: VpnGateway,
): Promise<void> {
  await changeGateway(trx, gateway.id, {}, true)
  changed(`gateway:${gateway.id}`)
}

/** A new route, in the tunnels of its next hop and, when it is published, in the VPC. Answers with what is shown of it. */
export async function addRoute(
  db: Database,
  trx: Trx,
  changed: (key: ChangeKey) => void,
  gateway: VpnGateway,
  entry: Omit<RouteEntry, 'seq' | 'owner_id' | 'derived'>,
) {
  await insertRoute(db, trx, { ...entry, owner_id: gateway.id, derived: 0 })
  await routesChanged(trx, changed, entry.next_hop)
  if (entry.published === 1) await publishedChanged(trx, changed, gateway)
  return {
    CreateTime: entry.created_at,
    Description: entry.description,
    NextHop: entry.next_hop,
    RouteDest: entry.route_dest,
    State: stateOf(entry),
    VpnInstanceId: gateway.id,
    Weight: entry.weight,
  }
}

/** The opposite. */
export async function dropRoute(
  trx: Trx,
  changed: (key: ChangeKey) => void,
  gateway: VpnGateway,
  entry: RouteEntry,
): Promise<void> {
  await removeRoute(trx, entry.seq)
  await routesChanged(trx, changed, entry.next_hop)
  if (entry.published === 1) await publishedChanged(trx, changed, gateway)
}

/** The route with exactly this key; with `weight`, of this weight too. A priority of 0 fits any. */
export async function requireRoute(
  trx: Trx,
  gatewayId: string,
  kind: RouteKind,
  key: RouteKey,
  weight?: number,
): Promise<{ readonly entry: RouteEntry; readonly all: readonly RouteEntry[] }> {
  const all = await routesOfOwner(trx, gatewayId, kind)
  const entry = all.find(
    (one) =>
      one.route_dest === key.route_dest &&
      one.route_source === key.route_source &&
      one.next_hop === key.next_hop &&
      (key.priority === 0 || one.priority === key.priority) &&
      (weight === undefined || one.weight === weight),
  )
  if (!entry) throw apiError('InvalidRouteEntry.NotFound')
  return { entry, all }
}

export const stateOf = (entry: Pick<RouteEntry, 'published'>) =>
  entry.published === 1 ? 'published' : 'normal'

/** A network that a peer of the gateway has announced. */
export interface LearnedRoute extends LearnedPrefix {
  readonly connectionId: string
  readonly tunnelId: string
  readonly isPair: boolean
  /** Epoch milliseconds: since when the session stands. */
  readonly since: number
}

/**
 * Connections with two tunnels -> the tunnel that carries their packets now: the master while it is up, else the slave
 * while that is, else the master; and what the peers have announced.
 */
export async function readTunnels(
  source: Source,
  gatewayId: string,
): Promise<{
  readonly carriers: ReadonlyMap<string, string>
  /** Ids of the tunnels that are up. */
  readonly up: readonly string[]
  readonly learned: readonly LearnedRoute[]
}> {
  const rows = await observedTunnelsOfGateway(source, gatewayId)
  const carriers = new Map<string, string>()
  const isUp = (row: (typeof rows)[number]) => deriveConnectionStatus(row) === 'ipsec_sa_established'
  const order = [...rows].sort((a, b) => Number(b.role === 'master') - Number(a.role === 'master'))
  for (const row of [...order.filter(isUp), ...order]) {
    if (row.dual === 1 && !carriers.has(row.connection_id)) carriers.set(row.connection_id, row.id)
  }
  const learned = rows.flatMap((row) => {
    const bgp = row.facts === null ? undefined : JSON.parse(row.facts).bgp
    const prefixes: readonly LearnedPrefix[] = bgp?.learned ?? []
    return prefixes.map((prefix) => ({
      ...prefix,
      connectionId: row.connection_id,
      tunnelId: row.id,
      isPair: row.dual === 1,
      since: bgp.since,
    }))
  })
  return { carriers, up: rows.filter(isUp).map(({ id }) => id), learned }
}
