import type { Row, RowChange } from '../../db/schema.ts'
import { addToCount, removeCounts, type Scope } from '../counts.ts'
import { removeTags } from '../tag/store.ts'
import type { Source, Trx } from '../write.ts'

export type VpnGateway = Row<'vpn_gateway'>

/** What has been made of a gateway and of its connections. */
export interface GatewayProgress {
  readonly observed_generation: number | null
  /** A connection of it is being created, changed or deleted. */
  readonly busyConnections: boolean
  /** A connection of it has BGP switched on. */
  readonly usesBgp: boolean
}

export async function findGateway(source: Source, scope: Scope, id: string): Promise<VpnGateway | undefined> {
  const owner = await findOwner(source, scope, id)
  return owner?.kind === 'attachment' ? undefined : owner
}

/** What a connection is on: a VPN gateway, or what an attachment has in its place. */
export async function findOwner(source: Source, scope: Scope, id: string): Promise<VpnGateway | undefined> {
  return source
    .selectFrom('vpn_gateway')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', '=', id)
    .executeTakeFirst()
}

export async function readProgress(source: Source, gatewayId: string): Promise<GatewayProgress> {
  return (await readProgresses(source, [gatewayId])).get(gatewayId)!
}

export async function readProgresses(
  source: Source,
  gatewayIds: readonly string[],
): Promise<Map<string, GatewayProgress>> {
  const progresses = new Map<string, GatewayProgress>(
    gatewayIds.map((id) => [id, { observed_generation: null, busyConnections: false, usesBgp: false }]),
  )
  if (gatewayIds.length === 0) return progresses
  const observed = await source
    .selectFrom('gateway_observation')
    .select(['gateway_id', 'observed_generation'])
    .where('gateway_id', 'in', gatewayIds)
    .execute()
  const busy = await source
    .selectFrom('vpn_connection as c')
    .innerJoin('vpn_tunnel as t', 't.connection_id', 'c.id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select('c.vpn_gateway_id')
    .distinct()
    .where('c.vpn_gateway_id', 'in', gatewayIds)
    .where((eb) =>
      eb.or([
        eb('c.deleted_at', 'is not', null),
        eb('o.observed_generation', 'is', null),
        eb('o.observed_generation', '!=', eb.ref('t.generation')),
      ]),
    )
    .execute()
  const bgp = await source
    .selectFrom('vpn_connection')
    .select('vpn_gateway_id')
    .distinct()
    .where('vpn_gateway_id', 'in', gatewayIds)
    .where('bgp_enable', '=', 1)
    .execute()
  const bgpIds = new Set(bgp.map((row) => row.vpn_gateway_id))
  const busyIds = new Set(busy.map((row) => row.vpn_gateway_id))
  const generations = new Map(observed.map((row) => [row.gateway_id, row.observed_generation]))
  for (const id of gatewayIds) {
    progresses.set(id, {
      observed_generation: generations.get(id) ?? null,
      busyConnections: busyIds.has(id),
      usesBgp: bgpIds.has(id),
    })
  }
  return progresses
}

export async function insertGateway(trx: Trx, gateway: VpnGateway): Promise<void> {
  await trx.insertInto('vpn_gateway').values(gateway).execute()
  if (gateway.kind === 'attachment') return
  await addToCount(trx, 'vpn_gateway', { accountId: gateway.account_id, region: gateway.region }, [], 1)
}

/** A change that the engine has to make real raises `generation` too. */
export async function changeGateway(
  trx: Trx,
  id: string,
  change: RowChange<'vpn_gateway'>,
  forEngine: boolean,
): Promise<void> {
  await trx
    .updateTable('vpn_gateway')
    .set((eb) => ({
      ...change,
      version: eb('version', '+', 1),
      ...(forEngine ? { generation: eb('generation', '+', 1) } : {}),
    }))
    .where('id', '=', id)
    .execute()
}

/** For reconcile, once the engine has let go of the gateway. */
export async function removeGateway(trx: Trx, gateway: VpnGateway): Promise<void> {
  const scope = { accountId: gateway.account_id, region: gateway.region }
  await trx.deleteFrom('vpn_gateway').where('id', '=', gateway.id).execute()
  await trx.deleteFrom('gateway_observation').where('gateway_id', '=', gateway.id).execute()
  await removeCounts(trx, scope, gateway.id)
  await removeTags(trx, scope, 'vpngateway', gateway.id, 'all')
  if (gateway.kind !== 'attachment') await addToCount(trx, 'vpn_gateway', scope, [], -1)
}

/** What gateways of every account have taken: outside addresses, and inside addresses of one vSwitch. */
export async function takenAddresses(
  source: Source,
  vSwitchId: string,
): Promise<{ outside: Set<string>; inside: Set<string> }> {
  const rows = await source
    .selectFrom('vpn_gateway')
    .select(['internet_ip', 'second_internet_ip', 'inside_address', 'vswitch_id'])
    .execute()
  return {
    outside: new Set(rows.flatMap((row) => [row.internet_ip, row.second_internet_ip ?? row.internet_ip])),
    inside: new Set(rows.filter((row) => row.vswitch_id === vSwitchId).map((row) => row.inside_address)),
  }
}
