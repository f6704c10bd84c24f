/** Stored rows -> what the reads answer. Pure but for the opening of sealed keys. */
import { X509Certificate } from 'node:crypto'
import { parseCaCertificate } from '../../certificates/x509.ts'
import { type ReasonCode, reasons } from '../../engine/reason.ts'
import type { ResultValues } from '../../rpc/spec.ts'
import type { Sealer } from '../../seal.ts'
import { authKeyContext } from '../customer-gateway/model.ts'
import type { Tag } from '../tag/model.ts'
import type { connectionResult, tunnelOptionsResult } from './fields.ts'
import { peerBgpIp } from './model.ts'
import {
  deriveAttachmentState,
  deriveBgpStatus,
  deriveConnectionState,
  deriveConnectionStatus,
  deriveFreshness,
  deriveHealthCheckStatus,
  deriveStatusOfBoth,
} from './status.ts'
import {
  type DescribedConnection,
  type DescribedTunnel,
  type Evidence,
  type OwnCertificate,
  pskContext,
  type Rates,
} from './store.ts'

const noTags: readonly Tag[] = []

export const tagsIn = (json: string): readonly Tag[] =>
  json === '[]' ? noTags : (JSON.parse(json) as [string, string][]).map(([Key, Value]) => ({ Key, Value }))

/** A connection whose last row was read with its first tunnel, and its second tunnel where it has two. */
export interface Described {
  readonly row: DescribedConnection
  readonly second: DescribedTunnel | undefined
}

/** A connection on a VPN gateway as the reads show it, without its tags: both reads name them differently. */
export function view({ row, second }: Described, sealer: Sealer): ResultValues<typeof connectionResult> {
  const attached = row.owner_kind === 'attachment'
  const common = {
    AttachType: attached ? 'NO_ASSOCIATED' : 'VPNGW',
    CreateTime: row.created_at,
    CrossAccountAuthorized: false,
    EffectImmediately: row.effect_immediately === 1,
    InternetIp: row.internet_ip,
    LocalSubnet: row.local_subnet,
    Name: row.name,
    NetworkType: row.network_type,
    RemoteSubnet: row.remote_subnet,
    ResourceGroupId: row.resource_group_id,
    Spec: `${row.bandwidth}M`,
    TunnelBandwidth: attached ? bandwidthName(row.bandwidth) : undefined,
    VpnConnectionId: row.id,
    VpnGatewayId: attached ? 'vpn-not-exist' : row.vpn_gateway_id,
  }
  const stateOf = (tunnel: DescribedTunnel) =>
    attached ? deriveAttachmentState(row, tunnel) : deriveConnectionState(row, tunnel)
  // Members of one mode must not show in the other: Terraform would plan a replacement.
  if (second) {
    return {
      ...common,
      EnableTunnelsBgp: row.bgp_enable === 1,
      State: stateOf(deriveConnectionState(row, row) === 'active' ? second : row),
      Status: deriveStatusOfBoth(row, second),
      TunnelOptionsSpecification: [row, second].map((tunnel) => viewTunnel(row, tunnel, sealer)),
    }
  }
  return {
    ...common,
    CustomerGatewayId: row.customer_gateway_id,
    EnableDpd: row.enable_dpd === 1,
    EnableNatTraversal: row.enable_nat_traversal === 1,
    IkeConfig: viewIke(row, sealer),
    IpsecConfig: viewIpsec(row),
    RemoteCaCertificate: row.remote_ca_certificate ?? '',
    State: stateOf(row),
    Status: deriveConnectionStatus(row),
    VcoHealthCheck: {
      Dip: row.hc_dip,
      Enable: row.hc_enable === 1,
      Interval: row.hc_interval,
      Policy: row.hc_policy,
      Retry: row.hc_retry,
      Sip: row.hc_sip,
      Status: deriveHealthCheckStatus(row.hc_enable === 1, row.probe_succeeding),
    },
    VpnBgpConfig: {
      ...(row.auth_key_sealed === null
        ? {}
        : { AuthKey: sealer.open(row.auth_key_sealed, authKeyContext(row.customer_gateway_id)).reveal() }),
      EnableBgp: row.bgp_enable === 1,
      LocalAsn: row.bgp_local_asn ?? undefined,
      LocalBgpIp: row.bgp_local_ip ?? '',
      PeerAsn: row.bgp_local_asn === null ? undefined : (row.peer_asn ?? undefined),
      PeerBgpIp: peerBgpIp(row.bgp_tunnel_cidr, row.bgp_local_ip),
      Status: deriveBgpStatus(row.bgp_established),
      TunnelCidr: row.bgp_tunnel_cidr ?? '',
    },
  }
}

/** Mbit/s of one tunnel of an attachment (help page of CreateVpnAttachment, 2026). */
export const tunnelBandwidths = { Standard: 1000, Large: 3000 } as const

export const bandwidthName = (bandwidth: number) =>
  bandwidth < tunnelBandwidths.Large ? 'Standard' : 'Large'

function viewIke(tunnel: DescribedTunnel, sealer: Sealer) {
  return {
    IkeAuthAlg: tunnel.ike_auth_alg,
    IkeEncAlg: tunnel.ike_enc_alg,
    IkeLifetime: tunnel.ike_lifetime,
    IkeMode: tunnel.ike_mode,
    IkePfs: tunnel.ike_pfs,
    IkeVersion: tunnel.ike_version,
    LocalId: tunnel.local_id,
    Psk: sealer.open(tunnel.psk_sealed, pskContext(tunnel.tunnel_id)).reveal(),
    RemoteId: tunnel.remote_id,
  }
}

const viewIpsec = (tunnel: DescribedTunnel) => ({
  IpsecAuthAlg: tunnel.ipsec_auth_alg,
  IpsecEncAlg: tunnel.ipsec_enc_alg,
  IpsecLifetime: tunnel.ipsec_lifetime,
  IpsecPfs: tunnel.ipsec_pfs,
})

type Gateway = Pick<
  DescribedConnection,
  'owner_kind' | 'internet_ip' | 'second_internet_ip' | 'zone' | 'second_zone' | 'deleted_at'
>

/** One of the two tunnels of a connection. */
export function viewTunnel(
  gateway: Gateway,
  tunnel: DescribedTunnel,
  sealer: Sealer,
): ResultValues<typeof tunnelOptionsResult.item.fields> {
  const isFirst = tunnel.position === 1
  return {
    CustomerGatewayId: tunnel.customer_gateway_id,
    EnableDpd: tunnel.enable_dpd === 1,
    EnableNatTraversal: tunnel.enable_nat_traversal === 1,
    InternetIp: (isFirst ? gateway.internet_ip : gateway.second_internet_ip) ?? undefined,
    RemoteCaCertificate: tunnel.remote_ca_certificate ?? '',
    // Both tunnels of an attachment have an index, those on a gateway a role.
    Role: gateway.owner_kind === 'attachment' ? undefined : tunnel.role,
    State: deriveConnectionState(gateway, tunnel),
    Status: deriveConnectionStatus(tunnel),
    // Not a member of it where BGP was never configured: Terraform would see a block that it did not write.
    TunnelBgpConfig:
      tunnel.bgp_local_asn === null
        ? undefined
        : {
            BgpStatus: deriveBgpStatus(tunnel.bgp_established),
            LocalAsn: tunnel.bgp_local_asn,
            LocalBgpIp: tunnel.bgp_local_ip ?? '',
            PeerAsn: tunnel.peer_asn ?? undefined,
            PeerBgpIp: peerBgpIp(tunnel.bgp_tunnel_cidr, tunnel.bgp_local_ip),
            TunnelCidr: tunnel.bgp_tunnel_cidr ?? '',
          },
    TunnelId: tunnel.tunnel_id,
    TunnelIkeConfig: viewIke(tunnel, sealer),
    TunnelIndex: gateway.owner_kind === 'attachment' ? tunnel.position : undefined,
    TunnelIpsecConfig: viewIpsec(tunnel),
    ZoneNo: (isFirst ? gateway.zone : gateway.second_zone) ?? undefined,
  }
}

/** What both ends prove themselves with; ours is missing until the tunnel has been handed over. */
export function viewCertificates(own: OwnCertificate | undefined, remoteCa: string) {
  const ca = parseCaCertificate(remoteCa)
  return {
    ...(own && {
      Own: {
        Identity: own.identity,
        Issuer: new X509Certificate(own.certificate).issuer.split('\n').join(', '),
        NotAfter: own.not_after,
        Pem: own.certificate,
      },
    }),
    ...(!('problem' in ca) && { RemoteCa: { Subject: ca.subject, NotAfter: ca.notAfter } }),
  }
}

/** Extra facts of one tunnel: how fresh the answer is, why the tunnel is not up, what was negotiated. */
export function extraOf(
  tunnel: DescribedTunnel,
  evidence: Evidence | undefined,
  now: number,
  staleAfter: number,
) {
  const code = tunnel.reason_code
  const reason = code === null ? undefined : reasons[code as ReasonCode]
  const { ikeSas, childSas, childrenWanted, pendingReconnect, heardAt, bgp, probe } = JSON.parse(
    evidence?.facts ?? '{}',
  )
  return {
    Freshness: deriveFreshness(tunnel.reported_at, now, staleAfter),
    ...(tunnel.reported_at === null ? {} : { AsOf: tunnel.reported_at }),
    Generation: tunnel.generation,
    ...(tunnel.observed_generation === null ? {} : { ObservedGeneration: tunnel.observed_generation }),
    ...(reason
      ? {
          Reason: {
            Code: code,
            FailedReasonCode: reason.vendorCode,
            Severity: reason.severity,
            Phase: reason.phase,
            Since: tunnel.reason_since,
            Title: reason.title,
            Remedy: reason.remedy,
            Evidence: JSON.parse(evidence?.reason_evidence ?? '[]'),
          },
        }
      : {}),
    ...(tunnel.stopped_at === null ? {} : { StoppedAt: tunnel.stopped_at }),
    ...(heardAt === undefined ? {} : { HeardAt: heardAt }),
    PendingReconnect: pendingReconnect ?? false,
    ChildSasWanted: childrenWanted ?? 0,
    IkeSas: ikeSas ?? [],
    ChildSas: childSas ?? [],
    ...(bgp ? { Bgp: bgp } : {}),
    ...(probe ? { Probe: probe } : {}),
    ...viewRates(evidence),
  }
}

/** Bit/s up to the last report; not there where it is not known. */
const viewRates = (rates: Rates | undefined) =>
  rates === undefined || rates.rate_in === null ? {} : { RateIn: rates.rate_in, RateOut: rates.rate_out }

/** What a list says beside the vendor's fields, by connection: enough to tell which one needs somebody. */
export function summaries(
  found: readonly Described[],
  rates: ReadonlyMap<string, Rates>,
  now: number,
  staleAfter: number,
) {
  const of = (tunnel: DescribedTunnel) => {
    const code = tunnel.reason_code as ReasonCode | null
    const reason =
      code === null
        ? {}
        : { Reason: { Code: code, Severity: reasons[code].severity, Since: tunnel.reason_since } }
    const asOf = tunnel.reported_at === null ? {} : { AsOf: tunnel.reported_at }
    const freshness = deriveFreshness(tunnel.reported_at, now, staleAfter)
    return { Freshness: freshness, ...asOf, ...reason, ...viewRates(rates.get(tunnel.tunnel_id)) }
  }
  const whole = ({ row, second }: Described) => {
    if (!second) return of(row)
    return { Tunnels: [row, second].map((tunnel) => ({ TunnelId: tunnel.tunnel_id, ...of(tunnel) })) }
  }
  return Object.fromEntries(found.map((one) => [one.row.id, whole(one)]))
}
