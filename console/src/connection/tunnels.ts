/** The tunnels of a connection, in one shape whether it has one or two. Pure. */
import type { ChildSa, IkeSa } from '../../../src/engine/engine.ts'
import type { ConnectionAnswer } from '../data.ts'
import { deriveTunnelHealth, eachOf, type Health, type TunnelExtra, type TunnelSummary } from '../health.ts'

export interface BgpSettings {
  readonly LocalAsn?: number | string
  readonly LocalBgpIp?: string
  readonly PeerAsn?: number | string
  readonly PeerBgpIp?: string
  readonly TunnelCidr?: string
}

export interface TunnelView {
  readonly id: string
  /** On a VPN gateway `master` or `slave`, of an attachment `1` or `2`; absent for the only tunnel of a connection. */
  readonly role: 'master' | 'slave' | '1' | '2' | undefined
  readonly zone: string | undefined
  readonly status: string
  readonly health: Health
  readonly ike: NonNullable<ConnectionAnswer['IkeConfig']>
  readonly ipsec: NonNullable<ConnectionAnswer['IpsecConfig']>
  readonly customerGatewayId: string
  readonly internetIp: string
  readonly dpd: boolean
  readonly natTraversal: boolean
  /** PEM of the CA that issues the peer's certificate; empty: it proves itself with the pre-shared key. */
  readonly remoteCa: string
  /** Settings of BGP and of the health check; absent where they are not wanted. */
  readonly bgp: BgpSettings | undefined
  readonly healthCheck: ConnectionAnswer['VcoHealthCheck']
  readonly facts: Partial<TunnelExtra>
}

/** The word for one of two tunnels. */
export const roleOf = (tunnel: { readonly Role?: string; readonly TunnelIndex?: number }) =>
  (tunnel.Role ?? String(tunnel.TunnelIndex)) as NonNullable<TunnelView['role']>

/** On no VPN gateway, so that its forms, routes and removal are other actions. */
export const isAttachment = (connection: { readonly AttachType?: string }): boolean =>
  connection.AttachType === 'NO_ASSOCIATED' || connection.AttachType === 'CEN'

/** The other ends: one, or one of each tunnel, which may be the same. */
export function customerGatewayIds(connection: {
  readonly CustomerGatewayId?: string
  readonly TunnelOptionsSpecification?: {
    readonly TunnelOptions: readonly { readonly CustomerGatewayId?: string }[]
  }
}): readonly string[] {
  const tunnels = connection.TunnelOptionsSpecification?.TunnelOptions ?? []
  const ids = [connection.CustomerGatewayId, ...tunnels.map((tunnel) => tunnel.CustomerGatewayId)]
  return [...new Set(ids.filter((id): id is string => Boolean(id)))]
}

export function tunnelsOf(answer: ConnectionAnswer): readonly TunnelView[] {
  const seen = eachOf(answer['X-Suidao'])
  const both = answer.TunnelOptionsSpecification?.TunnelOptions
  if (both?.length) {
    return both.map((tunnel, index) => ({
      id: tunnel.TunnelId ?? '',
      role: roleOf(tunnel),
      zone: tunnel.ZoneNo,
      status: tunnel.Status ?? '',
      health: deriveTunnelHealth(tunnel.Status, seen[index]),
      ike: tunnel.TunnelIkeConfig ?? {},
      ipsec: tunnel.TunnelIpsecConfig ?? {},
      customerGatewayId: tunnel.CustomerGatewayId ?? '',
      internetIp: tunnel.InternetIp ?? '',
      dpd: tunnel.EnableDpd ?? false,
      natTraversal: tunnel.EnableNatTraversal ?? false,
      remoteCa: tunnel.RemoteCaCertificate ?? '',
      bgp: answer.EnableTunnelsBgp ? tunnel.TunnelBgpConfig : undefined,
      healthCheck: undefined,
      facts: seen[index] ?? {},
    }))
  }
  return [
    {
      id: answer.VpnConnectionId!,
      role: undefined,
      zone: answer.ZoneNo,
      status: answer.Status ?? '',
      health: deriveTunnelHealth(answer.Status, seen[0]),
      ike: answer.IkeConfig ?? {},
      ipsec: answer.IpsecConfig ?? {},
      customerGatewayId: answer.CustomerGatewayId ?? '',
      internetIp: answer.InternetIp ?? '',
      dpd: answer.EnableDpd ?? false,
      natTraversal: answer.EnableNatTraversal ?? false,
      remoteCa: answer.RemoteCaCertificate ?? '',
      bgp: String(answer.VpnBgpConfig?.EnableBgp) === 'true' ? answer.VpnBgpConfig : undefined,
      healthCheck: String(answer.VcoHealthCheck?.Enable) === 'true' ? answer.VcoHealthCheck : undefined,
      facts: seen[0] ?? {},
    },
  ]
}

/** How one layer of a tunnel is: `off` when it is not wanted, `unknown` when nobody has looked lately. */
export type LayerState = 'up' | 'pending' | 'down' | 'off' | 'unknown'

const isUp = ({ state }: { readonly state: string }) =>
  state === 'established' || state === 'installed' || state === 'rekeying'

function layerOf(sas: readonly { readonly state: string }[], facts: TunnelSummary | undefined): LayerState {
  if (facts === undefined || facts.Freshness !== 'current') return 'unknown'
  if (sas.some(isUp)) return 'up'
  if (facts.Reason?.Code === 'STOPPED_BY_OPERATOR') return 'off'
  return sas.length > 0 || (facts.Reason?.Severity ?? 'Normal') === 'Normal' ? 'pending' : 'down'
}

export const ikeLayer = (tunnel: TunnelView): LayerState =>
  layerOf(tunnel.facts.IkeSas ?? [], extraOf(tunnel))

export function espLayer(tunnel: TunnelView): LayerState {
  const state = layerOf(tunnel.facts.ChildSas ?? [], extraOf(tunnel))
  return state === 'pending' && tunnel.status === 'ipsec_sa_not_established' ? 'down' : state
}

const extraOf = ({ facts }: TunnelView): TunnelSummary | undefined =>
  facts.Freshness ? (facts as TunnelSummary) : undefined

/** The SA that carries the tunnel: an established one, else the newest. */
export const mainSa = <T extends IkeSa | ChildSa>(sas: readonly T[] | undefined): T | undefined =>
  sas?.find(isUp) ?? sas?.at(-1)

export function bgpLayer(tunnel: TunnelView): LayerState {
  if (tunnel.bgp === undefined) return 'off'
  const { Bgp, Freshness } = tunnel.facts
  if (Freshness !== 'current' || Bgp === undefined) return 'unknown'
  return Bgp.state === 'established' ? 'up' : 'down'
}

export function probeLayer(tunnel: TunnelView): LayerState {
  if (tunnel.healthCheck === undefined) return 'off'
  const { Probe, Freshness } = tunnel.facts
  if (Freshness !== 'current' || Probe === undefined) return 'unknown'
  return Probe.succeeding === undefined ? 'pending' : Probe.succeeding ? 'up' : 'down'
}
