/**
 * One connection as the device on the customer's side has to know it, whatever the device. Pure.
 *
 * `local` is the device, `remote` the VPN gateway, as in the answer of DownloadVpnConnectionConfig (help pages, March
 * 2021). Each format is a file of its own beside this one; what a device cannot do, or where its administrator has to
 * fill in a name, is said in the text as a remark.
 */
import { stars } from '../../rpc/secrets.ts'
import { formatIpv4, parseNetwork } from '../ipv4.ts'

export interface PeerTunnel {
  /** Id of the tunnel; of the connection where it has only one. */
  readonly id: string
  /** Addresses of the device and of the VPN gateway. */
  readonly local: string
  readonly remote: string
  readonly ike: {
    readonly version: 'ikev1' | 'ikev2'
    /** IKEv1 alone. */
    readonly mode: 'main' | 'aggressive'
    readonly encryption: Encryption
    readonly authentication: Authentication
    readonly dhGroup: DhGroup
    /** Seconds. */
    readonly lifetime: number
    readonly localId: string
    readonly remoteId: string
    /** In clear: the text is made to be loaded into the device. */
    readonly psk: string
  }
  readonly ipsec: {
    readonly encryption: Encryption
    readonly authentication: Authentication
    readonly pfs: DhGroup | 'disabled'
    /** Seconds. */
    readonly lifetime: number
  }
  readonly dpd: boolean
  readonly natTraversal: boolean
  /** Both ends prove themselves by certificate, and the key is not used. */
  readonly certificate: boolean
  readonly bgp?: PeerBgp
}

export interface PeerBgp {
  readonly localAsn: number
  readonly peerAsn: number
  /** Addresses inside the tunnel, two hosts of one /30. */
  readonly localIp: string
  readonly peerIp: string
  /** In clear (RFC 2385). */
  readonly authKey?: string
}

export interface PeerSettings {
  readonly connectionId: string
  readonly name: string
  /** CIDR; behind the device and behind the VPN gateway. */
  readonly localSubnets: readonly string[]
  readonly remoteSubnets: readonly string[]
  /** The active one first. */
  readonly tunnels: readonly [PeerTunnel, ...PeerTunnel[]]
  /** Stars stand in place of the keys. */
  readonly keysHidden?: true
}

/** The same for somebody who is to see everything but the keys. */
export function withoutKeys(settings: PeerSettings): PeerSettings {
  const hide = ({ ike, bgp, ...tunnel }: PeerTunnel): PeerTunnel => ({
    ...tunnel,
    ike: { ...ike, psk: stars },
    ...(bgp && { bgp: { ...bgp, ...(bgp.authKey !== undefined && { authKey: stars }) } }),
  })
  const [first, ...others] = settings.tunnels
  return { ...settings, tunnels: [hide(first), ...others.map(hide)], keysHidden: true }
}

export type Encryption = 'aes' | 'aes192' | 'aes256' | 'des' | '3des'
export type Authentication = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'
export type DhGroup = 'group1' | 'group2' | 'group5' | 'group14'

/** Bits of a key of AES; DES and 3DES have none to choose. */
export const aesBits: Readonly<Record<Encryption, string | undefined>> = {
  aes: '128',
  aes192: '192',
  aes256: '256',
  des: undefined,
  '3des': undefined,
}

/** `group14` -> `14` */
export const groupNumber = (group: DhGroup): string => group.slice('group'.length)

/** Everything goes through the tunnel and routes decide: with BGP, with the network of all, with two tunnels. */
export const isRouted = ({ tunnels, localSubnets, remoteSubnets }: PeerSettings): boolean =>
  tunnels.length > 1 ||
  tunnels.some(({ bgp }) => bgp !== undefined) ||
  isAny(localSubnets) ||
  isAny(remoteSubnets)

export const isAny = (subnets: readonly string[]): boolean => subnets.includes('0.0.0.0/0')

/** Pairs of networks in a fixed order: what IKEv1, and some devices always, negotiate one by one. */
export function pairs({ localSubnets, remoteSubnets }: PeerSettings): readonly (readonly [string, string])[] {
  return localSubnets.flatMap((local) => remoteSubnets.map((remote) => [local, remote] as const))
}

/** `10.0.0.0/16` -> `10.0.0.0` and `255.255.0.0` */
export function addressAndMask(cidr: string): readonly [address: string, mask: string] {
  const { address, prefixLength } = parseNetwork(cidr)!
  return [formatIpv4(address), formatIpv4(maskOf(prefixLength))]
}

/** `10.0.0.0/16` -> `10.0.0.0` and `0.0.255.255` */
export function addressAndWildcard(cidr: string): readonly [address: string, wildcard: string] {
  const { address, prefixLength } = parseNetwork(cidr)!
  return [formatIpv4(address), formatIpv4(~maskOf(prefixLength) >>> 0)]
}

const maskOf = (prefixLength: number) => (prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0)

export const isAddress = (identity: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(identity)

/** A name for the device: the connection's id, and the number of the tunnel where there are two. */
export const nameOf = ({ connectionId, tunnels }: PeerSettings, index: number): string =>
  tunnels.length === 1 ? connectionId : `${connectionId}-${index + 1}`

/** The head of a text: what it is, and what its reader has to know. One line each, without the comment mark. */
export function head(
  { connectionId, name, tunnels, keysHidden }: PeerSettings,
  device: string,
  remarks: readonly string[],
): readonly string[] {
  // A line end in a name would end the comment.
  const called = name === '' ? '' : ` (${name.replace(/\p{Cc}/gu, ' ')})`
  const secret = tunnels.some(({ certificate, bgp }) => !certificate || bgp?.authKey !== undefined)
  return [
    `IPsec connection ${connectionId}${called}, the device's side: ${device}.`,
    ...(secret
      ? [
          keysHidden
            ? `${stars} stands in this text for each key.`
            : 'Keys are in this text in clear. Keep it private.',
        ]
      : []),
    ...remarks.map((remark) => `NOTE ${remark}`),
  ]
}

/** What every device whose key is left out has to be told. */
export const certificateRemark =
  'Both ends prove themselves by certificate. Install a certificate that names the local identity, its key, and the CA ' +
  'of the VPN gateway (printed by: suidao ca rsa, or suidao ca ecdsa) by hand; the lines for that are not in this text.'

/** Of devices that announce nothing by themselves. */
export const announceRemark =
  'Over BGP nothing is announced yet: choose the networks of the device in its own policy.'
