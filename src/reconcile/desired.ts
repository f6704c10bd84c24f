/** Stored rows -> what an engine is to make real. Pure. */
import type { Gateway, Tunnel } from '../engine/engine.ts'
import { authKeyContext } from '../resources/customer-gateway/model.ts'
import type { CustomerGateway } from '../resources/customer-gateway/store.ts'
import { tunnelRoute } from '../resources/route-entry/model.ts'
import type { RouteEntry } from '../resources/route-entry/store.ts'
import { peerBgpIp } from '../resources/vpn-connection/model.ts'
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

/** Networks that are announced: what the tunnel is for, or everything behind the gateway when it is for anything. */
const announced = (localSubnets: readonly string[], inside: string) =>
  localSubnets.includes('0.0.0.0/0') ? [inside] : localSubnets

/** The slave's routes are used only while the master's are gone. */
const preferences = { master: 200, slave: 100 } as const

function desiredBgp(
  connection: VpnConnection,
  row: VpnTunnel,
  peer: Pick<CustomerGateway, 'id' | 'asn' | 'auth_key_sealed'>,
  inside: string,
  sealer: Sealer,
): Pick<Tunnel, 'bgp' | 'insideAddress'> {
  const { bgp_local_asn, bgp_tunnel_cidr, bgp_local_ip } = row
  if (connection.bgp_enable === 0 || bgp_local_asn === null || bgp_local_ip === null || peer.asn === null) {
    return {}
  }
  return {
    insideAddress: `${bgp_local_ip}/30`,
    bgp: {
      localAsn: bgp_local_asn,
      peerAsn: peer.asn,
      localIp: bgp_local_ip,
      peerIp: peerBgpIp(bgp_tunnel_cidr, bgp_local_ip),
      ...(peer.auth_key_sealed !== null && {
        authKey: sealer.open(peer.auth_key_sealed, authKeyContext(peer.id)),
      }),
      advertised: announced(subnets(connection.local_subnet), inside),
      preference: preferences[row.role],
    },
  }
}

const desiredProbe = (row: VpnConnection): Pick<Tunnel, 'probe'> =>
  row.hc_enable === 0
    ? {}
    : {
        probe: {
          source: row.hc_sip,
          destination: row.hc_dip,
          interval: row.hc_interval,
          retry: row.hc_retry,
          revokeRoutes: row.hc_policy === 'revoke_route',
        },
      }

/**
 * The values of the columns were checked against the same words when they were written.
 *
 * @param inside network (CIDR) behind the gateway
 */
export function desiredTunnel(
  connection: VpnConnection,
  row: VpnTunnel,
  gateway: Pick<VpnGateway, 'internet_ip' | 'second_internet_ip'>,
  peer: Pick<CustomerGateway, 'id' | 'ip_address' | 'asn' | 'auth_key_sealed'>,
  routes: readonly RouteEntry[],
  inside: string,
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
    ...(row.stopped_at !== null && { stoppedAt: row.stopped_at }),
    restarts: row.restarts,
    rekeys: row.rekeys,
    ...desiredBgp(connection, row, peer, inside, sealer),
    ...desiredProbe(connection),
    routes: routes.map((entry) => tunnelRoute(entry, connection.dual === 1, row.role)),
  }
}

const subnets = (list: string) => list.split(',').map((item) => item.trim())
