/** What the form of a connection holds, and the parameters that it becomes. Pure. */

import { createVpnAttachment } from '../../../src/resources/vpn-attachment/spec.ts'
import {
  healthCheckParams,
  ikeParams,
  ipsecParams,
  tunnelBgpParams,
} from '../../../src/resources/vpn-connection/fields.ts'
import { createVpnConnection } from '../../../src/resources/vpn-connection/spec.ts'
import { tunnelsOf } from '../connection/tunnels.ts'
import type { ConnectionAnswer } from '../data.ts'
import { filledTags, type TagFields } from './tags.ts'

type Settings = Readonly<Record<string, string | number | undefined>>

export interface TunnelFields {
  readonly TunnelId?: string
  readonly CustomerGatewayId: string
  readonly EnableDpd: boolean
  readonly EnableNatTraversal: boolean
  /** PEM; empty: the peer proves itself with the pre-shared key. */
  readonly RemoteCaCertificate?: string
  readonly Ike: Settings
  readonly Ipsec: Settings
  readonly Bgp: Settings
}

export interface HealthCheckFields {
  readonly Enable: boolean
  readonly Dip?: string
  readonly Sip?: string
  readonly Interval?: number
  readonly Retry?: number
  /** Of an attachment alone. */
  readonly Policy?: string
}

export interface ConnectionFields {
  readonly Name?: string
  readonly VpnGatewayId: string
  readonly LocalSubnet: readonly string[]
  readonly RemoteSubnet: readonly string[]
  readonly EffectImmediately: boolean
  readonly EnableBgp: boolean
  /** Absent where an existing connection is to keep what it has: no read shows it. */
  readonly AutoConfigRoute?: boolean
  /** Of an attachment alone. */
  readonly NetworkType?: string
  readonly TunnelBandwidth?: string
  readonly HealthCheck: HealthCheckFields
  /** One, or a master and a slave. */
  readonly Tunnels: readonly TunnelFields[]
  readonly Tags?: readonly TagFields[]
}

export const listOf = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** What the vendor takes when nothing is said. */
const defaultsOf = (fields: object): Settings =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field.default === undefined ? [] : [[name, field.default]],
    ),
  )

/** IKEv2 with what both ends can do today (RFC 8247, RFC 8221), within what the vendor offers. */
export const strong = {
  Ike: { IkeVersion: 'ikev2', IkeEncAlg: 'aes256', IkeAuthAlg: 'sha256', IkePfs: 'group14' },
  Ipsec: { IpsecEncAlg: 'aes256', IpsecAuthAlg: 'sha256', IpsecPfs: 'group14' },
} as const

export const newTunnel = (): Omit<TunnelFields, 'CustomerGatewayId'> => ({
  EnableDpd: createVpnConnection.params.EnableDpd.default,
  EnableNatTraversal: createVpnConnection.params.EnableNatTraversal.default,
  Ike: { ...defaultsOf(ikeParams), ...strong.Ike },
  Ipsec: { ...defaultsOf(ipsecParams), ...strong.Ipsec },
  Bgp: defaultsOf(tunnelBgpParams),
})

const ikeNames = [
  'IkeVersion',
  'IkeMode',
  'IkeEncAlg',
  'IkeAuthAlg',
  'IkePfs',
  'IkeLifetime',
  'LocalId',
  'RemoteId',
]
const ipsecNames = ['IpsecEncAlg', 'IpsecAuthAlg', 'IpsecPfs', 'IpsecLifetime']
const bgpNames = ['LocalAsn', 'TunnelCidr', 'LocalBgpIp']
const checkNames = ['Dip', 'Sip', 'Interval', 'Retry', 'Policy']

const pick = (names: readonly string[], from: object | undefined): Settings =>
  Object.fromEntries(names.map((name) => [name, (from as Settings | undefined)?.[name]]))

export function initialFields(
  connection: ConnectionAnswer | undefined,
  attached = false,
): Partial<ConnectionFields> {
  if (!connection) {
    const { NetworkType, TunnelBandwidth, HealthCheckConfig } = createVpnAttachment.params
    return {
      ...(attached && { NetworkType: NetworkType.default, TunnelBandwidth: TunnelBandwidth.default }),
      EffectImmediately: true,
      EnableBgp: false,
      AutoConfigRoute: createVpnConnection.params.AutoConfigRoute.default,
      HealthCheck: {
        ...defaultsOf(attached ? HealthCheckConfig.fields : healthCheckParams),
        Enable: false,
      },
      Tunnels: [newTunnel() as TunnelFields],
    }
  }
  const tunnels = tunnelsOf(connection)
  const isPair = tunnels.length > 1
  return {
    Name: connection.Name,
    ...(attached ? { NetworkType: connection.NetworkType } : { VpnGatewayId: connection.VpnGatewayId }),
    LocalSubnet: listOf(connection.LocalSubnet),
    RemoteSubnet: listOf(connection.RemoteSubnet),
    EffectImmediately: connection.EffectImmediately,
    EnableBgp: isPair
      ? Boolean(connection.EnableTunnelsBgp)
      : String(connection.VpnBgpConfig?.EnableBgp) === 'true',
    HealthCheck: {
      ...pick(checkNames, connection.VcoHealthCheck),
      Enable: String(connection.VcoHealthCheck?.Enable) === 'true',
    },
    Tags: connection.Tags?.Tag,
    Tunnels: tunnels.map((tunnel) => ({
      ...(isPair ? { TunnelId: tunnel.id } : {}),
      CustomerGatewayId: tunnel.customerGatewayId,
      EnableDpd: tunnel.dpd,
      EnableNatTraversal: tunnel.natTraversal,
      RemoteCaCertificate: tunnel.remoteCa,
      // The key stays with the server: an empty one means "unchanged".
      Ike: pick(ikeNames, tunnel.ike),
      Ipsec: pick(ipsecNames, tunnel.ipsec),
      Bgp: pick(bgpNames, tunnel.bgp),
    })),
  }
}

type Sent = Record<string, unknown>

/** Members of `now` that differ from `before`; empty ones are not sent. */
function changed(before: Settings | undefined, now: Settings | undefined): Sent | undefined {
  const different = Object.entries(now ?? {}).filter(
    ([name, value]) => value !== undefined && value !== '' && String(value) !== String(before?.[name] ?? ''),
  )
  return different.length === 0 ? undefined : Object.fromEntries(different)
}

const defined = (values: Sent): Sent =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

const differing = <T>(before: T | undefined, now: T) =>
  String(before ?? '') === String(now ?? '') ? undefined : now

/** A tunnel's settings where there are two, under the names of `TunnelOptionsSpecification`. */
function tunnelOptions(
  before: TunnelFields | undefined,
  now: TunnelFields,
  withBgp: boolean,
): Sent | undefined {
  const options = defined({
    CustomerGatewayId: differing(before?.CustomerGatewayId, now.CustomerGatewayId),
    EnableDpd: differing(before?.EnableDpd, now.EnableDpd),
    EnableNatTraversal: differing(before?.EnableNatTraversal, now.EnableNatTraversal),
    RemoteCaCertificate: differing(before?.RemoteCaCertificate, now.RemoteCaCertificate ?? ''),
    TunnelIkeConfig: changed(before?.Ike, now.Ike),
    TunnelIpsecConfig: changed(before?.Ipsec, now.Ipsec),
    TunnelBgpConfig: withBgp ? changed(before?.Bgp, now.Bgp) : undefined,
  })
  return Object.keys(options).length === 0 ? undefined : options
}

/**
 * Parameters of the create call, or of the modify call: what differs from `before`, and nothing else. Tags of what is there
 * already are changed by other calls.
 *
 * @param attached those of an attachment: tunnels have an index, and a single one may be given another customer gateway
 */
export function paramsOf(
  before: Partial<ConnectionFields> | undefined,
  now: ConnectionFields,
  attached = false,
): Sent {
  const subnets = (name: 'LocalSubnet' | 'RemoteSubnet') =>
    differing(before?.[name]?.join(), now[name].join())
  const common = {
    Name: differing(before?.Name, now.Name),
    EffectImmediately: differing(before?.EffectImmediately, now.EffectImmediately),
    LocalSubnet: subnets('LocalSubnet'),
    RemoteSubnet: subnets('RemoteSubnet'),
    NetworkType: differing(before?.NetworkType, now.NetworkType),
    TunnelBandwidth: before ? undefined : now.TunnelBandwidth,
    AutoConfigRoute: differing(before?.AutoConfigRoute, now.AutoConfigRoute),
    Tags: before || !now.Tags?.length ? undefined : filledTags(now.Tags),
  }
  if (now.Tunnels.length > 1) {
    const options = now.Tunnels.map((tunnel, index) => {
      const changes = tunnelOptions(before?.Tunnels?.[index], tunnel, now.EnableBgp)
      if (!before) {
        return {
          ...(attached ? { TunnelIndex: index + 1 } : { Role: index === 0 ? 'master' : 'slave' }),
          ...changes,
        }
      }
      return changes && { TunnelId: tunnel.TunnelId, ...changes }
    }).filter((one) => one !== undefined)
    return defined({
      ...common,
      EnableTunnelsBgp: differing(before?.EnableBgp ?? false, now.EnableBgp),
      TunnelOptionsSpecification: options.length === 0 ? undefined : options,
    })
  }
  const tunnel = now.Tunnels[0]!
  const was = before?.Tunnels?.[0]
  const bgp = now.EnableBgp ? changed(was?.Bgp, tunnel.Bgp) : undefined
  const bgpSwitched = (before?.EnableBgp ?? false) !== now.EnableBgp
  const check = now.HealthCheck.Enable
    ? changed(pick(checkNames, before?.HealthCheck), pick(checkNames, now.HealthCheck))
    : undefined
  const checkSwitched = (before?.HealthCheck?.Enable ?? false) !== now.HealthCheck.Enable
  return defined({
    ...common,
    CustomerGatewayId:
      before && !attached ? undefined : differing(was?.CustomerGatewayId, tunnel.CustomerGatewayId),
    EnableDpd: differing(was?.EnableDpd, tunnel.EnableDpd),
    EnableNatTraversal: differing(was?.EnableNatTraversal, tunnel.EnableNatTraversal),
    // The same under two names.
    [attached ? 'RemoteCaCert' : 'RemoteCaCertificate']: differing(
      was?.RemoteCaCertificate,
      tunnel.RemoteCaCertificate ?? '',
    ),
    IkeConfig: changed(was?.Ike, tunnel.Ike),
    IpsecConfig: changed(was?.Ipsec, tunnel.Ipsec),
    BgpConfig: bgp || bgpSwitched ? { EnableBgp: now.EnableBgp, ...bgp } : undefined,
    HealthCheckConfig: check || checkSwitched ? { ...check, Enable: now.HealthCheck.Enable } : undefined,
  })
}

export type Effect =
  | 'effect.createNow'
  | 'effect.createLater'
  | 'effect.nothing'
  | 'effect.none'
  | 'effect.renegotiate'
  | 'effect.later'
  | 'effect.oneTunnel'

/** The id of the tunnel that is changed, when it is one alone. */
export function onlyTunnelOf(params: Sent): string | undefined {
  const options = params['TunnelOptionsSpecification'] as
    | readonly { readonly TunnelId?: string }[]
    | undefined
  return options?.length === 1 ? options[0]?.TunnelId : undefined
}

/** Changes of these negotiate nothing anew. */
const withoutEffect = new Set(['Name', 'HealthCheckConfig', 'NetworkType', 'AutoConfigRoute'])

/** What saving will do. */
export function effectOf(isNew: boolean, params: Sent, immediately: boolean): Effect {
  if (isNew) return immediately ? 'effect.createNow' : 'effect.createLater'
  const names = Object.keys(params)
  if (names.length === 0) return 'effect.nothing'
  if (names.every((name) => withoutEffect.has(name))) return 'effect.none'
  if (!immediately) return 'effect.later'
  return onlyTunnelOf(params) !== undefined && names.length === 1 ? 'effect.oneTunnel' : 'effect.renegotiate'
}
