/**
 * The rules of BGP between a tunnel, its sibling and its neighbours on the gateway. Pure.
 * Values and bans: API description of CreateVpnConnection, August 2026; help page on BGP, 2026.
 */
import { apiError } from '../../rpc/errors.ts'
import { cloudAsn } from '../customer-gateway/model.ts'
import { contains, overlap, parseIpv4, parseNetwork } from '../ipv4.ts'
import type { VpnConnection, VpnTunnel } from './store.ts'

const linkLocal = parseNetwork('169.254.0.0/16')!

/** Blocks of 169.254.0.0/16 that the cloud keeps for itself. */
const barred = new Set([
  ...[0, 1, 2, 3, 4, 5, 6].map((third) => `169.254.${third}.0/30`),
  '169.254.169.252/30',
])

/** What of a tunnel is about BGP. */
export type TunnelBgpRow = Pick<VpnTunnel, 'id' | 'bgp_local_asn' | 'bgp_tunnel_cidr' | 'bgp_local_ip'>

/** Columns that an engine has to make real only while BGP is on. */
export const bgpColumns: ReadonlySet<string> = new Set([
  'bgp_local_asn',
  'bgp_tunnel_cidr',
  'bgp_local_ip',
] satisfies (keyof VpnTunnel)[])

/** The addresses of one tunnel, whether BGP is on or not: what is stored is well-formed. */
export function checkInsideAddresses({ bgp_tunnel_cidr, bgp_local_ip }: TunnelBgpRow): void {
  if (bgp_tunnel_cidr) {
    const network = parseNetwork(bgp_tunnel_cidr)
    const isFit = network?.prefixLength === 30 && contains(linkLocal, network) && !barred.has(bgp_tunnel_cidr)
    if (!isFit) throw apiError('IllegalParam.TunnelCidr', { value: bgp_tunnel_cidr })
  }
  if (!bgp_local_ip) return
  const network = bgp_tunnel_cidr ? parseNetwork(bgp_tunnel_cidr) : undefined
  const local = parseIpv4(bgp_local_ip)
  const host = network && local !== undefined ? local - network.address : undefined
  if (host !== 1 && host !== 2) {
    throw apiError('IllegalParam.LocalBgpIp', {
      value: bgp_local_ip,
      reason: 'It must be one of the two hosts of TunnelCidr.',
    })
  }
}

/** What a tunnel needs when BGP is switched on; an ASN that nobody has given is the cloud's. */
export const bgpDefaults = (tunnel: TunnelBgpRow): Partial<VpnTunnel> =>
  tunnel.bgp_local_asn === null ? { bgp_local_asn: cloudAsn } : {}

/** @param peerAsn of its customer gateway */
export function requireBgpSettings(tunnel: TunnelBgpRow, peerAsn: number | null): void {
  if (!tunnel.bgp_tunnel_cidr) throw apiError('MissingTunnelCidr')
  if (!tunnel.bgp_local_ip) throw apiError('MissingLocalBgpIp')
  if (peerAsn === null) {
    throw apiError('OperationUnsupported.EnableBgp', {
      reason: 'BGP needs the ASN of the customer gateway, which is given when that is created.',
    })
  }
}

/**
 * A block belongs to one tunnel of a gateway, and all its sessions have the same local ASN.
 *
 * @param siblings the other tunnels of the gateway, that of the same connection among them
 */
export function checkBgpBeside(
  tunnel: TunnelBgpRow,
  isOn: boolean,
  siblings: readonly (TunnelBgpRow & Pick<VpnConnection, 'bgp_enable'>)[],
): void {
  const block = tunnel.bgp_tunnel_cidr ? parseNetwork(tunnel.bgp_tunnel_cidr) : undefined
  for (const other of siblings) {
    if (other.id === tunnel.id) continue
    const theirs = other.bgp_tunnel_cidr ? parseNetwork(other.bgp_tunnel_cidr) : undefined
    if (block && theirs && overlap(block, theirs)) {
      throw apiError('IllegalParam.TunnelCidr', {
        value: tunnel.bgp_tunnel_cidr ?? undefined,
        reason: `Tunnel ${other.id} of the same gateway has it.`,
      })
    }
    if (isOn && other.bgp_enable === 1 && other.bgp_local_asn !== tunnel.bgp_local_asn) {
      throw apiError('IllegalParam.LocalAsn', {
        value: tunnel.bgp_local_asn ?? undefined,
        reason: `All BGP sessions of a gateway have the same: tunnel ${other.id} has ${other.bgp_local_asn}.`,
      })
    }
  }
}
