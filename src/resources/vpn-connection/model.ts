/** What a connection is: defaults and the rules between its values. Pure. */
import { apiError } from '../../rpc/errors.ts'
import type { ParamFields, ParamValues } from '../../rpc/spec.ts'
import { formatIpv4, parseIpv4, parseNetwork, parseNetworkList } from '../ipv4.ts'
import type { bgpParams, healthCheckParams, ikeParams, ipsecParams } from './fields.ts'
import type { VpnConnection } from './store.ts'

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

/** What the engines of this version cannot do is refused here, so that nothing fails late. */
export function checkSupported(input: {
  readonly BgpConfig?: Partial<ParamValues<typeof bgpParams>>
  readonly HealthCheckConfig?: Partial<ParamValues<typeof healthCheckParams>>
  readonly RemoteCaCertificate?: string
  readonly TunnelOptionsSpecification?: readonly object[]
  readonly EnableTunnelsBgp?: boolean
}): void {
  if (input.TunnelOptionsSpecification?.length) {
    throw apiError('VpnConnection.InvalidCreateTunnelOptions', {
      reason: 'Connections with two tunnels are not supported yet.',
    })
  }
  if (input.BgpConfig?.EnableBgp || input.EnableTunnelsBgp) {
    throw apiError('OperationUnsupported.EnableBgp', { reason: 'BGP is not supported yet.' })
  }
  if (input.HealthCheckConfig?.Enable) {
    throw apiError('IllegalParam.HealthCheckConfig', { reason: 'Health checks are not supported yet.' })
  }
  if (input.RemoteCaCertificate) {
    throw apiError('IllegalParam.RemoteCaCertificate', { reason: 'Certificates are not supported yet.' })
  }
}

/**
 * IKEv1 in main mode has to choose the key before it knows the peer's identity, by address alone (RFC 2409, 5.4):
 * two such connections between the same two addresses can only have the same key.
 */
export function clashingKeys(
  a: Pick<VpnConnection, 'ike_version' | 'ike_mode' | 'customer_gateway_id'> & { readonly psk: string },
  b: Pick<VpnConnection, 'ike_version' | 'ike_mode' | 'customer_gateway_id'> & { readonly psk: string },
): boolean {
  const mainMode = (c: typeof a) => c.ike_version === 'ikev1' && c.ike_mode === 'main'
  return a.customer_gateway_id === b.customer_gateway_id && mainMode(a) && mainMode(b) && a.psk !== b.psk
}

/** The other host of the /30. Empty when either is not given. */
export function peerBgpIp(tunnelCidr: string | null, localBgpIp: string | null): string {
  const network = tunnelCidr ? parseNetwork(tunnelCidr) : undefined
  const local = localBgpIp ? parseIpv4(localBgpIp) : undefined
  return network && local !== undefined ? formatIpv4(network.address + 3 - (local - network.address)) : ''
}
