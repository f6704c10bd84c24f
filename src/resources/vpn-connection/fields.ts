/**
 * Groups of parameters and answer fields that the connection, tunnel and attachment actions share.
 * Values and defaults: API description of CreateVpnConnection, August 2026.
 */
import type { ParamFields } from '../../rpc/spec.ts'
import { newTags } from '../fields.ts'
import { asn, clientToken, psk, text128 } from '../patterns.ts'

const encryption = ['aes', 'aes192', 'aes256', 'des', '3des'] as const
const authentication = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const
const identity = { type: 'string', pattern: /^\S{0,100}$/, maxLength: 100 } as const

export const ikeParams = {
  Psk: { type: 'string', pattern: psk, secret: true },
  IkeVersion: { type: 'string', enum: ['ikev1', 'ikev2'], default: 'ikev1' },
  IkeMode: { type: 'string', enum: ['main', 'aggressive'], default: 'main' },
  IkeEncAlg: { type: 'string', enum: encryption, default: 'aes' },
  IkeAuthAlg: { type: 'string', enum: authentication, default: 'md5' },
  IkePfs: { type: 'string', enum: ['group1', 'group2', 'group5', 'group14'], default: 'group2' },
  IkeLifetime: { type: 'integer', min: 0, max: 86400, unit: 's', default: 86400 },
  LocalId: { ...identity, aliases: ['LocalIdIPsec'] },
  RemoteId: identity,
} as const satisfies ParamFields

export const ipsecParams = {
  IpsecEncAlg: { type: 'string', enum: encryption, default: 'aes' },
  IpsecAuthAlg: { type: 'string', enum: authentication, default: 'md5' },
  IpsecPfs: {
    type: 'string',
    enum: ['disabled', 'group1', 'group2', 'group5', 'group14'],
    default: 'group2',
  },
  IpsecLifetime: { type: 'integer', min: 0, max: 86400, unit: 's', default: 86400 },
} as const satisfies ParamFields

const tunnelCidr = { type: 'string', pattern: /^169\.254\.\d{1,3}\.\d{1,3}\/30$/ } as const

export const bgpParams = {
  EnableBgp: { type: 'boolean', default: false },
  LocalAsn: { type: 'string', pattern: asn, default: '45104' },
  TunnelCidr: tunnelCidr,
  LocalBgpIp: { type: 'string' },
} as const satisfies ParamFields

export const tunnelBgpParams = {
  LocalAsn: { type: 'string', pattern: asn, default: '45104' },
  TunnelCidr: tunnelCidr,
  LocalBgpIp: { type: 'string' },
} as const satisfies ParamFields

export const healthCheckParams = {
  Enable: { type: 'boolean', default: false },
  Dip: { type: 'string' },
  Sip: { type: 'string' },
  Interval: { type: 'integer', unit: 's', default: 3 },
  Retry: { type: 'integer', default: 3 },
} as const satisfies ParamFields

/** The same parameters where a missing one means "unchanged": on the modify actions. */
export function unset<const F extends ParamFields>(
  fields: F,
): { readonly [K in keyof F]: Omit<F[K], 'default'> & { readonly default?: undefined } } {
  const entries = Object.entries(fields).map(([name, field]) => [name, { ...field, default: undefined }])
  return Object.fromEntries(entries)
}

/** Of a new connection or attachment; those of the one tunnel of a single-tunnel one included. */
export const connectionParams = {
  LocalSubnet: { type: 'string', required: true },
  RemoteSubnet: { type: 'string', required: true },
  CustomerGatewayId: { type: 'string' },
  AutoConfigRoute: { type: 'boolean', default: true },
  BgpConfig: { type: 'json', fields: bgpParams },
  ClientToken: { type: 'string', pattern: clientToken },
  DryRun: { type: 'boolean', default: false },
  EffectImmediately: { type: 'boolean', default: false },
  EnableDpd: { type: 'boolean', default: true },
  EnableNatTraversal: { type: 'boolean', default: true },
  EnableTunnelsBgp: { type: 'boolean', default: false },
  IkeConfig: { type: 'json', fields: ikeParams },
  IpsecConfig: { type: 'json', fields: ipsecParams },
  Name: { type: 'string', pattern: text128, illegal: 'InvalidName' },
  Tags: newTags,
} as const satisfies ParamFields

/** Of a change of one; what is missing stays. */
export const connectionChanges = {
  AutoConfigRoute: { type: 'boolean' },
  BgpConfig: { type: 'json', fields: unset(bgpParams) },
  ClientToken: { type: 'string', pattern: clientToken },
  EffectImmediately: { type: 'boolean' },
  EnableDpd: { type: 'boolean' },
  EnableNatTraversal: { type: 'boolean' },
  EnableTunnelsBgp: { type: 'boolean' },
  IkeConfig: { type: 'json', fields: unset(ikeParams) },
  IpsecConfig: { type: 'json', fields: unset(ipsecParams) },
  LocalSubnet: { type: 'string' },
  RemoteSubnet: { type: 'string' },
} as const satisfies ParamFields

/** Of a change of one tunnel. */
export const tunnelChanges = {
  CustomerGatewayId: { type: 'string' },
  EnableDpd: { type: 'boolean' },
  EnableNatTraversal: { type: 'boolean' },
  TunnelBgpConfig: { type: 'struct', fields: unset(tunnelBgpParams) },
  TunnelIkeConfig: { type: 'struct', fields: unset(ikeParams) },
  TunnelIpsecConfig: { type: 'struct', fields: unset(ipsecParams) },
} as const satisfies ParamFields

export const ikeResult = {
  IkeAuthAlg: { type: 'string' },
  IkeEncAlg: { type: 'string' },
  IkeLifetime: { type: 'number' },
  IkeMode: { type: 'string' },
  IkePfs: { type: 'string' },
  IkeVersion: { type: 'string' },
  LocalId: { type: 'string' },
  Psk: { type: 'string', secret: true },
  RemoteId: { type: 'string' },
} as const

export const ipsecResult = {
  IpsecAuthAlg: { type: 'string' },
  IpsecEncAlg: { type: 'string' },
  IpsecLifetime: { type: 'number' },
  IpsecPfs: { type: 'string' },
} as const

export const healthCheckResult = {
  Dip: { type: 'string' },
  Enable: { type: 'string' },
  Interval: { type: 'number' },
  Policy: { type: 'string' },
  Retry: { type: 'number' },
  Sip: { type: 'string' },
  Status: { type: 'string', observed: true },
} as const

export const bgpResult = {
  AuthKey: { type: 'string', secret: true },
  EnableBgp: { type: 'string' },
  LocalAsn: { type: 'number' },
  LocalBgpIp: { type: 'string' },
  PeerAsn: { type: 'number' },
  PeerBgpIp: { type: 'string' },
  Status: { type: 'string', observed: true },
  TunnelCidr: { type: 'string' },
} as const

/**
 * The two tunnels of a dual-tunnel connection. Scalars are native JSON types: the SDK models call some of them
 * text, and every client reads native ones, Terraform nothing else.
 */
export const tunnelOptionsResult = {
  type: 'list',
  wrapper: 'TunnelOptions',
  item: {
    type: 'object',
    fields: {
      CustomerGatewayId: { type: 'string' },
      EnableDpd: { type: 'boolean' },
      EnableNatTraversal: { type: 'boolean' },
      InternetIp: { type: 'string' },
      RemoteCaCertificate: { type: 'string' },
      Role: { type: 'string' },
      State: { type: 'string', observed: true },
      Status: { type: 'string', observed: true },
      TunnelBgpConfig: {
        type: 'object',
        fields: {
          BgpStatus: { type: 'string', observed: true },
          LocalAsn: { type: 'string' },
          LocalBgpIp: { type: 'string' },
          PeerAsn: { type: 'string' },
          PeerBgpIp: { type: 'string' },
          TunnelCidr: { type: 'string' },
        },
      },
      TunnelId: { type: 'string' },
      TunnelIkeConfig: { type: 'object', fields: ikeResult },
      TunnelIndex: { type: 'number' },
      TunnelIpsecConfig: { type: 'object', fields: ipsecResult },
      ZoneNo: { type: 'string' },
    },
  },
} as const

/** One connection as both reads show it; the list differs in the name of its tags and lacks `ZoneNo`. */
export const connectionResult = {
  AttachInstanceId: { type: 'string' },
  AttachType: { type: 'string' },
  CreateTime: { type: 'number' },
  CrossAccountAuthorized: { type: 'boolean' },
  CustomerGatewayId: { type: 'string' },
  EffectImmediately: { type: 'boolean' },
  EnableDpd: { type: 'boolean' },
  EnableNatTraversal: { type: 'boolean' },
  EnableTunnelsBgp: { type: 'boolean' },
  IkeConfig: { type: 'object', fields: ikeResult },
  InternetIp: { type: 'string' },
  IpsecConfig: { type: 'object', fields: ipsecResult },
  LocalSubnet: { type: 'string' },
  Name: { type: 'string' },
  NetworkType: { type: 'string' },
  RemoteCaCertificate: { type: 'string' },
  RemoteSubnet: { type: 'string' },
  ResourceGroupId: { type: 'string' },
  Spec: { type: 'string' },
  State: { type: 'string', observed: true },
  Status: { type: 'string', observed: true },
  TransitRouterId: { type: 'string' },
  TransitRouterName: { type: 'string' },
  TunnelBandwidth: { type: 'string' },
  TunnelOptionsSpecification: tunnelOptionsResult,
  VcoHealthCheck: { type: 'object', fields: healthCheckResult },
  VpnBgpConfig: { type: 'object', fields: bgpResult },
  VpnConnectionId: { type: 'string' },
  VpnGatewayId: { type: 'string' },
} as const
