/**
 * The device behind a customer gateway: its settings, from its own point of view. By default it is configured as the
 * mirror of our tunnel, so that everything agrees; whatever is set for it stands instead.
 *
 * Settings have the names and words of strongSwan's (`aes256-sha256-modp2048`), as real peers of the lab have them, so
 * that one table of causes can be tried on both.
 */
import type { DhGroup, EncryptionAlgorithm, Tunnel } from '../engine.ts'
import { type EndCertificate, endCertificateOf, loneCertificate, mirrorOf } from './certificate.ts'

export interface PeerSettings {
  readonly version: 1 | 2
  /** IKEv1 only. */
  readonly aggressive: boolean
  /** Its own address as it knows it; behind a NAT another one than we see. */
  readonly local: string
  /** Our address, as it has it. */
  readonly remote: string
  readonly localId: string
  readonly remoteId: string
  /** `null`: it has none for us. */
  readonly psk: string | null
  /** Encryption, authentication and group of phase 1, e.g. `aes128-sha1-modp1024`. */
  readonly proposals: readonly string[]
  /** Of phase 2; without a group it does without PFS. */
  readonly espProposals: readonly string[]
  /** AH instead of ESP, when there are any, e.g. `sha1-modp1024`. */
  readonly ahProposals: readonly string[]
  /** Transport mode is for the two hosts alone, so subnets never agree with it. */
  readonly mode: 'tunnel' | 'transport'
  readonly localSubnets: readonly string[]
  readonly remoteSubnets: readonly string[]
  /** Seconds. 0: it never re-keys by itself. */
  readonly ikeLifetime: number
  readonly lifetime: number
  /** It asks for signs of life, and closes the tunnel when none come. */
  readonly dpd: boolean
  /** It sits behind a NAT. */
  readonly nat: boolean
  readonly bgp: PeerBgp
  /** It agrees to everything, and then fails to install its keys. */
  readonly broken: boolean
  /** It answers pings. */
  readonly echo: boolean
  /** Packets a second that hosts behind it send into the tunnel, and that ours send back. */
  readonly packetRate: number
  /** Instead of the pre-shared key; `null`: it has none. */
  readonly certificate: EndCertificate | null
}

export interface PeerBgp {
  readonly enabled: boolean
  readonly asn: number
  readonly remoteAsn: number
  readonly localIp: string
  readonly remoteIp: string
  readonly authKey: string | null
  /** Networks (CIDR) that it announces. */
  readonly announced: readonly string[]
  /** Seconds. */
  readonly holdTime: number
}

export type CertificateChange = Partial<Omit<EndCertificate, 'issuer' | 'remoteCa'>> & {
  readonly issuer?: Partial<EndCertificate['issuer']>
  readonly remoteCa?: Partial<EndCertificate['remoteCa']>
}

/** What is set for a peer; the rest it mirrors. */
export type PeerChange = Partial<Omit<PeerSettings, 'bgp' | 'certificate'>> & {
  readonly bgp?: Partial<PeerBgp>
  readonly certificate?: CertificateChange | null
}

/** `fqdn:branch.example` and `branch.example` are one identity. */
export const identityOf = (text: string): string => text.replace(/^fqdn:/, '')

const encryptionWords: Readonly<Record<EncryptionAlgorithm, string>> = {
  aes: 'aes128',
  aes192: 'aes192',
  aes256: 'aes256',
  des: 'des',
  '3des': '3des',
}

const groupWords: Readonly<Record<DhGroup, string>> = {
  group1: 'modp768',
  group2: 'modp1024',
  group5: 'modp1536',
  group14: 'modp2048',
}

export const ikeProposal = ({ ike }: Tunnel): string =>
  `${encryptionWords[ike.encryption]}-${ike.authentication}-${groupWords[ike.dhGroup]}`

export const espProposal = ({ ipsec }: Tunnel): string =>
  [
    encryptionWords[ipsec.encryption],
    ipsec.authentication,
    ...(ipsec.pfs === 'disabled' ? [] : [groupWords[ipsec.pfs]]),
  ].join('-')

/** What we look like as one of two ends. */
export function ourSettings(tunnel: Tunnel): PeerSettings {
  const { ike, ipsec, bgp } = tunnel
  return {
    version: ike.version === 'ikev1' ? 1 : 2,
    aggressive: ike.version === 'ikev1' && ike.mode === 'aggressive',
    local: tunnel.localAddress,
    remote: tunnel.remoteAddress,
    localId: ike.localId,
    remoteId: ike.remoteId,
    psk: ike.psk.reveal() || null,
    proposals: [ikeProposal(tunnel)],
    espProposals: [espProposal(tunnel)],
    ahProposals: [],
    mode: 'tunnel',
    localSubnets: tunnel.localSubnets,
    remoteSubnets: tunnel.remoteSubnets,
    ikeLifetime: ike.lifetime,
    lifetime: ipsec.lifetime,
    dpd: tunnel.dpd,
    nat: false,
    bgp: {
      enabled: bgp !== undefined,
      asn: bgp?.localAsn ?? 0,
      remoteAsn: bgp?.peerAsn ?? 0,
      localIp: bgp?.localIp ?? '',
      remoteIp: bgp?.peerIp ?? '',
      authKey: bgp?.authKey?.reveal() ?? null,
      announced: bgp?.advertised ?? [],
      holdTime: 30,
    },
    broken: false,
    echo: true,
    packetRate: 0,
    certificate: ike.certificate ? endCertificateOf(ike.certificate) : null,
  }
}

/** The peer of a tunnel: the mirror of our end, with what was set for it in place. */
export function peerOf(tunnel: Tunnel, changes: readonly PeerChange[]): PeerSettings {
  const ours = ourSettings(tunnel)
  const mirror: PeerSettings = {
    ...ours,
    local: ours.remote,
    remote: ours.local,
    localId: ours.remoteId,
    remoteId: ours.localId,
    localSubnets: ours.remoteSubnets,
    remoteSubnets: ours.localSubnets,
    ikeLifetime: 0,
    lifetime: 0,
    certificate: ours.certificate && mirrorOf(ours.certificate, identityOf(ours.remoteId)),
    bgp: {
      ...ours.bgp,
      asn: ours.bgp.remoteAsn,
      remoteAsn: ours.bgp.asn,
      localIp: ours.bgp.remoteIp,
      remoteIp: ours.bgp.localIp,
      announced: tunnel.remoteSubnets.filter((network) => network !== '0.0.0.0/0'),
    },
  }
  let settings = mirror
  for (const { certificate, bgp, ...change } of changes) {
    settings = {
      ...settings,
      ...change,
      bgp: { ...settings.bgp, ...bgp },
      certificate: changed(settings, certificate),
    }
  }
  return settings
}

function changed({ certificate: before, localId }: PeerSettings, change: PeerChange['certificate']) {
  if (!change) return change === null ? null : before
  const base = before ?? loneCertificate(identityOf(localId))
  const [issuer, remoteCa] = [
    { ...base.issuer, ...change.issuer },
    { ...base.remoteCa, ...change.remoteCa },
  ]
  return { ...base, ...change, issuer, remoteCa }
}
