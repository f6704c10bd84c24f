/** What a connection is: defaults and the rules between its values. Pure. */
import { type CaProblem, parseCaCertificate } from '../../certificates/x509.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ParamFields, ParamValues } from '../../rpc/spec.ts'
import { parseAsn } from '../customer-gateway/model.ts'
import { formatIpv4, parseIpv4, parseNetwork, parseNetworkList } from '../ipv4.ts'
import type { bgpParams, ikeParams, ipsecParams, tunnelBgpParams } from './fields.ts'
import type { SiblingTunnel, VpnConnection, VpnTunnel } from './store.ts'

/** The defaults of a group of parameters: what the vendor stores when the whole group is absent. */
export function defaultsOf<const F extends ParamFields>(fields: F): ParamValues<F> {
  const entries = Object.entries(fields).flatMap(([name, field]) =>
    'default' in field && field.default !== undefined ? [[name, field.default]] : [],
  )
  return Object.fromEntries(entries) as ParamValues<F>
}

/** A life of 0 seconds means "not given": Terraform sends it for an attribute the user left out. */
const defaultLifetime = 86400

type Ike = Partial<ParamValues<typeof ikeParams>>
type Ipsec = Partial<ParamValues<typeof ipsecParams>>

/** What callers say of one tunnel, in `TunnelOptionsSpecification` or in the parameters of a single-tunnel connection. */
export interface TunnelOptions {
  readonly CustomerGatewayId?: string
  readonly EnableDpd?: boolean
  readonly EnableNatTraversal?: boolean
  readonly RemoteCaCertificate?: string
  readonly Role?: 'master' | 'slave'
  readonly TunnelBgpConfig?: Partial<ParamValues<typeof tunnelBgpParams>>
  readonly TunnelId?: string
  readonly TunnelIkeConfig?: Ike
  readonly TunnelIpsecConfig?: Ipsec
}

const keyAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Sixteen lower-case letters and digits, as in the vendor's samples. @param random at least 32 random bytes */
export function generatePsk(random: Uint8Array): string {
  let psk = ''
  for (const byte of random) if (byte < 252 && psk.length < 16) psk += keyAlphabet[byte % 36]
  return psk
}

export function ikeColumns(ike: Ike) {
  return defined({
    ike_version: ike.IkeVersion,
    ike_mode: ike.IkeMode,
    ike_enc_alg: ike.IkeEncAlg,
    ike_auth_alg: ike.IkeAuthAlg,
    ike_pfs: ike.IkePfs,
    ike_lifetime: ike.IkeLifetime === 0 ? defaultLifetime : ike.IkeLifetime,
    local_id: ike.LocalId,
    remote_id: ike.RemoteId,
  })
}

export function ipsecColumns(ipsec: Ipsec) {
  return defined({
    ipsec_enc_alg: ipsec.IpsecEncAlg,
    ipsec_auth_alg: ipsec.IpsecAuthAlg,
    ipsec_pfs: ipsec.IpsecPfs,
    ipsec_lifetime: ipsec.IpsecLifetime === 0 ? defaultLifetime : ipsec.IpsecLifetime,
  })
}

export function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

/** `LocalSubnet` and `RemoteSubnet`: well-formed networks, none twice, at most `limit`. Kept as written. */
export function checkSubnets(param: 'LocalSubnet' | 'RemoteSubnet', text: string, limit: number): void {
  const networks = parseNetworkList(text)
  if (!networks) throw apiError(`IllegalParam.${param}`, { value: text })
  if (networks.length > limit) {
    throw apiError(`IllegalParam.${param}`, { value: text, reason: `At most ${limit} networks are allowed.` })
  }
}

/** The same set of networks, whatever their order and spacing. */
export function sameSubnets(a: string, b: string): boolean {
  const sorted = (text: string) =>
    text
      .split(',')
      .map((item) => item.trim())
      .sort()
      .join()
  return sorted(a) === sorted(b)
}

/**
 * `RemoteCaCertificate` as it is stored: `null` (asked for by an empty text) means a pre-shared key. Kept as written.
 *
 * The vendor takes it on gateways of the type NationalStandard alone, with an SM2 key (help page of
 * CreateVpnConnection, 2026); here it is for RSA and ECDSA, on every gateway.
 *
 * @param now epoch milliseconds
 */
export function remoteCaColumn(text: string, now: number): string | null {
  if (text === '') return null
  const parsed = parseCaCertificate(text, now)
  if ('problem' in parsed) throw refuseCa(whyNotCa(parsed))
  return text
}

function whyNotCa(found: CaProblem): string {
  switch (found.problem) {
    case 'not-pem':
      return 'It must be one X.509 certificate in PEM, from BEGIN CERTIFICATE to END CERTIFICATE.'
    case 'several':
      return 'It must be one certificate: the one of the CA that issues those of the peers.'
    case 'unreadable':
      return 'It is not an X.509 certificate.'
    case 'not-a-ca':
      return 'It is not the certificate of a CA: its basic constraints do not say so.'
    case 'expired':
      return `It has expired at ${new Date(found.since).toISOString()}.`
    case 'not-yet-valid':
      return `It is not valid before ${new Date(found.since).toISOString()}.`
    case 'unsupported-key':
      return `Its key (${found.key}) is not supported: RSA and ECDSA on P-256, P-384 or P-521 are. SM2 is not.`
  }
}

const refuseCa = (reason: string) => apiError('IllegalParam.RemoteCaCertificate', { reason })

/** What may not stand together in the settings of one tunnel. */
export function checkProof(
  tunnel: Pick<VpnTunnel, 'remote_ca_certificate' | 'ike_version' | 'ike_mode'>,
): void {
  if (
    tunnel.remote_ca_certificate !== null &&
    tunnel.ike_version === 'ikev1' &&
    tunnel.ike_mode === 'aggressive'
  ) {
    throw refuseCa('With ikev1 a certificate needs IkeMode main.')
  }
}

type HealthCheckRow = Pick<VpnConnection, 'hc_enable' | 'hc_dip' | 'hc_sip' | 'hc_interval' | 'hc_retry'>

/** Seconds between two probes, and probes for a verdict, where nobody has said (API description, August 2026). */
const healthCheckDefaults = { hc_interval: 3, hc_retry: 3 } as const

/**
 * Times of a health check after what was given. Zero is "never set", and clients send it for what was left out (Terraform
 * provider 1.277.0): a check that is on has the default then.
 */
export function healthCheckTimes(
  isOn: boolean,
  given: { readonly Interval?: number; readonly Retry?: number } = {},
  before: Pick<HealthCheckRow, 'hc_interval' | 'hc_retry'> = { hc_interval: 0, hc_retry: 0 },
): Pick<HealthCheckRow, 'hc_interval' | 'hc_retry'> {
  const times = {
    hc_interval: given.Interval ?? before.hc_interval,
    hc_retry: given.Retry ?? before.hc_retry,
  }
  if (!isOn) return times
  return {
    hc_interval: times.hc_interval || healthCheckDefaults.hc_interval,
    hc_retry: times.hc_retry || healthCheckDefaults.hc_retry,
  }
}

/**
 * A health check that is switched on is complete. The vendor's page gives no bounds for times: an hour is ours.
 *
 * @param outside addresses of the gateway: they stand outside the tunnel
 */
export function checkHealthCheck(row: HealthCheckRow, outside: readonly (string | null)[]): void {
  if (row.hc_enable === 0) return
  for (const [member, text] of [
    ['Dip', row.hc_dip],
    ['Sip', row.hc_sip],
  ] as const) {
    const address = parseIpv4(text)
    const isHost =
      address !== undefined && address >>> 24 !== 0 && address >>> 24 !== 127 && address >>> 28 < 14
    if (!isHost || outside.includes(text)) {
      throw apiError('IllegalParam.HealthCheckConfig', {
        reason: `${member} must be the address of a host ${member === 'Dip' ? 'behind the customer gateway' : 'of the VPC'}.`,
      })
    }
  }
  for (const [member, value] of [
    ['Interval', row.hc_interval],
    ['Retry', row.hc_retry],
  ] as const) {
    if (value < 1 || value > 3600) {
      throw apiError('IllegalParam.HealthCheckConfig', { reason: `${member} must be 1 to 3600.` })
    }
  }
}

/** The only tunnel of a connection, as the parameters beside `TunnelOptionsSpecification` describe it. */
export function singleTunnel(input: {
  readonly EnableDpd?: boolean
  readonly EnableNatTraversal?: boolean
  readonly RemoteCaCertificate?: string
  readonly IkeConfig?: Ike
  readonly IpsecConfig?: Ipsec
  readonly BgpConfig?: Partial<ParamValues<typeof bgpParams>>
}): TunnelOptions {
  const bgp = input.BgpConfig
  return {
    EnableDpd: input.EnableDpd,
    EnableNatTraversal: input.EnableNatTraversal,
    RemoteCaCertificate: input.RemoteCaCertificate,
    TunnelIkeConfig: input.IkeConfig,
    TunnelIpsecConfig: input.IpsecConfig,
    TunnelBgpConfig: bgp && {
      // The default of a new connection is an ASN; where BGP is off nobody has asked for it.
      LocalAsn: bgp.EnableBgp === false ? undefined : bgp.LocalAsn,
      TunnelCidr: bgp.TunnelCidr,
      LocalBgpIp: bgp.LocalBgpIp,
    },
  }
}

type Options = readonly TunnelOptions[]

const refuseOptions = (reason: string) => apiError('VpnConnection.InvalidCreateTunnelOptions', { reason })

/**
 * The two tunnels of a new connection, in the order given: one is the master, the other the slave.
 * Without roles the first is the master.
 */
export function pairOfTunnels(options: Options): readonly (TunnelOptions & { Role: 'master' | 'slave' })[] {
  const [first, second] = options
  if (!first || !second || options.length !== 2) {
    throw refuseOptions('A connection on this gateway has exactly two tunnels.')
  }
  const other = { master: 'slave', slave: 'master' } as const
  const role = first.Role ?? (second.Role ? other[second.Role] : 'master')
  if ((second.Role ?? other[role]) === role) {
    throw refuseOptions('One tunnel must be the master and the other the slave.')
  }
  return [
    { ...first, Role: role },
    { ...second, Role: other[role] },
  ]
}

/**
 * Which tunnel each entry of a change is for: by its id, else by its role, else by its place. Clients differ in what
 * they send (Terraform neither ids nor customer gateways).
 */
export function matchTunnels(
  tunnels: readonly VpnTunnel[],
  options: Options,
): readonly { readonly tunnel: VpnTunnel; readonly options: TunnelOptions }[] {
  const matched = options.map((entry, index) => {
    const tunnel =
      entry.TunnelId !== undefined
        ? tunnels.find(({ id }) => id === entry.TunnelId)
        : (tunnels.find(({ role }) => role === entry.Role) ?? tunnels[index])
    if (!tunnel) {
      throw apiError('IllegalParam.TunnelId', {
        param: `TunnelOptionsSpecification.${index + 1}.TunnelId`,
        value: entry.TunnelId,
        reason: 'It names no tunnel of this connection.',
      })
    }
    return { tunnel, options: entry }
  })
  if (new Set(matched.map(({ tunnel }) => tunnel.id)).size < matched.length) {
    throw refuseOptions('Two entries are for the same tunnel.')
  }
  return matched
}

/** Settings of a tunnel that its options name; the key and the peer are the caller's business. */
export function tunnelColumns(options: TunnelOptions) {
  const bgp = options.TunnelBgpConfig
  return defined({
    enable_dpd: flag(options.EnableDpd),
    enable_nat_traversal: flag(options.EnableNatTraversal),
    ...ikeColumns(options.TunnelIkeConfig ?? {}),
    ...ipsecColumns(options.TunnelIpsecConfig ?? {}),
    bgp_local_asn: bgp?.LocalAsn === undefined ? undefined : requireAsn(bgp.LocalAsn),
    bgp_tunnel_cidr: bgp?.TunnelCidr,
    bgp_local_ip: bgp?.LocalBgpIp,
  })
}

function requireAsn(text: string): number {
  const asn = parseAsn(text)
  if (asn === undefined) throw apiError('IllegalParam.LocalAsn', { value: text })
  return asn
}

export const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value))

/**
 * IKEv1 in main mode has to choose the key before it knows the peer's identity, by address alone (RFC 2409, 5.4):
 * two such tunnels between the same two addresses can only have the same key.
 */
export function clashingKeys(
  a: Pick<VpnTunnel, 'ike_version' | 'ike_mode' | 'remote_ca_certificate'> & { readonly psk: string },
  b: typeof a,
): boolean {
  const mainMode = (tunnel: typeof a) =>
    tunnel.ike_version === 'ikev1' && tunnel.ike_mode === 'main' && tunnel.remote_ca_certificate === null
  return mainMode(a) && mainMode(b) && a.psk !== b.psk
}

/** Between the same two addresses: the same outside address of the gateway, the same customer gateway. */
export const sameEnds = (
  a: Pick<VpnTunnel, 'position' | 'customer_gateway_id'>,
  b: Pick<VpnTunnel, 'position' | 'customer_gateway_id'>,
): boolean => a.position === b.position && a.customer_gateway_id === b.customer_gateway_id

export const sameSelectors = (a: SiblingTunnel, b: SiblingTunnel): boolean =>
  sameSubnets(a.local_subnet, b.local_subnet) && sameSubnets(a.remote_subnet, b.remote_subnet)

/** The other host of the /30. Empty when either is not given. */
export function peerBgpIp(tunnelCidr: string | null, localBgpIp: string | null): string {
  const network = tunnelCidr ? parseNetwork(tunnelCidr) : undefined
  const local = localBgpIp ? parseIpv4(localBgpIp) : undefined
  return network && local !== undefined ? formatIpv4(network.address + 3 - (local - network.address)) : ''
}
