/** Stored rows -> what an engine is to make real. Pure. */
import type { Gateway, Tunnel } from '../engine/engine.ts'
import type { CustomerGateway } from '../resources/customer-gateway/store.ts'
import { tunnelRoute } from '../resources/route-entry/model.ts'
import type { RouteEntry } from '../resources/route-entry/store.ts'
import { pskContext, type VpnConnection, type VpnTunnel } from '../resources/vpn-connection/store.ts'
import type { VpnGateway } from '../resources/vpn-gateway/store.ts'
import type { Sealer } from '../seal.ts'

/** @param published networks that the VPC sends to the gateway */
export function desiredGateway(row: VpnGateway, vpcCidr: string, published: readonly string[]): Gateway {
  return {
    id: row.id,
    slot: row.slot,
    address: row.internet_ip,
    vpcId: row.vpc_id,
    insideAddress: row.inside_address,
    vpcCidr,
    ...(row.second_internet_ip === null ? {} : { secondAddress: row.second_internet_ip }),
    published,
    publishLearned: row.auto_propagate === 1,
  }
}

/** The values of the columns were checked against the same words when they were written. */
export function desiredTunnel(
  connection: VpnConnection,
  row: VpnTunnel,
  gateway: Pick<VpnGateway, 'internet_ip' | 'second_internet_ip'>,
  peer: Pick<CustomerGateway, 'ip_address'>,
  routes: readonly RouteEntry[],
  sealer: Sealer,
): Tunnel {
  const localAddress = row.position === 1 ? gateway.internet_ip : gateway.second_internet_ip
  if (localAddress === null) throw new Error(`its VPN gateway has no second address`)
  return {
    id: row.id,
    connectionId: connection.id,
    gatewayId: connection.vpn_gateway_id,
    slot: row.slot,
    generation: row.generation,
    localAddress,
    remoteAddress: peer.ip_address,
    ike: {
      version: row.ike_version as Tunnel['ike']['version'],
      mode: row.ike_mode as Tunnel['ike']['mode'],
      encryption: row.ike_enc_alg as Tunnel['ike']['encryption'],
      authentication: row.ike_auth_alg as Tunnel['ike']['authentication'],
      dhGroup: row.ike_pfs as Tunnel['ike']['dhGroup'],
      lifetime: row.ike_lifetime,
      // Empty in an attachment with one tunnel: that is how its default reads.
      localId: row.local_id || localAddress,
      remoteId: row.remote_id,
      psk: sealer.open(row.psk_sealed, pskContext(row.id)),
    },
    ipsec: {
      encryption: row.ipsec_enc_alg as Tunnel['ipsec']['encryption'],
      authentication: row.ipsec_auth_alg as Tunnel['ipsec']['authentication'],
      pfs: row.ipsec_pfs as Tunnel['ipsec']['pfs'],
      lifetime: row.ipsec_lifetime,
    },
    localSubnets: subnets(connection.local_subnet),
    remoteSubnets: subnets(connection.remote_subnet),
    dpd: row.enable_dpd === 1,
    natTraversal: row.enable_nat_traversal === 1,
    effectImmediately: connection.effect_immediately === 1,
    routes: routes.map((entry) => tunnelRoute(entry, connection.dual === 1, row.role)),
  }
}

const subnets = (list: string) => list.split(',').map((item) => item.trim())
