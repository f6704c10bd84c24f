/**
 * `set` commands of Junos on SRX, 19.1 and newer, after Juniper's statement reference "security ike", "security ipsec"
 * (2013 to 2025). Route-based on st0 with traffic selectors, one unit for each tunnel.
 */
import {
  type Authentication,
  aesBits,
  announceRemark,
  certificateRemark,
  type Encryption,
  head,
  isAddress,
  isAny,
  nameOf,
  type PeerSettings,
  type PeerTunnel,
  pairs,
} from './model.ts'

const encryptionWord = (word: Encryption) => (aesBits[word] ? `aes-${aesBits[word]}-cbc` : `${word}-cbc`)
const ikeHashes: Readonly<Record<Authentication, string>> = {
  md5: 'md5',
  sha1: 'sha1',
  sha256: 'sha-256',
  sha384: 'sha-384',
  sha512: 'sha-512',
}
const espHashes: Readonly<Record<Authentication, string>> = {
  md5: 'hmac-md5-96',
  sha1: 'hmac-sha1-96',
  sha256: 'hmac-sha-256-128',
  sha384: 'hmac-sha-384',
  sha512: 'hmac-sha-512',
}
/** Seconds; the device takes nothing shorter. */
const shortestLifetime = 180

export function renderJunos(settings: PeerSettings): string {
  const comments = head(settings, 'Junos on SRX, 19.1 or newer', remarks(settings))
  const lines = settings.tunnels.flatMap((tunnel, index) => tunnelLines(settings, tunnel, index))
  return [
    ...comments.map((line) => `# ${line}`),
    ...[
      ...lines,
      'security zones security-zone untrust host-inbound-traffic system-services ike',
      ...routing(settings),
    ].map((line) => `set ${line}`),
    '',
  ].join('\n')
}

function remarks({ tunnels }: PeerSettings): string[] {
  const found = [
    'Put the outside interface in place of ge-0/0/0.0, and the zones of the device in place of untrust and vpn; policies ' +
      'between the zones are the affair of the device.',
  ]
  if (tunnels.some(({ certificate }) => certificate)) found.push(certificateRemark)
  if (tunnels.some(({ bgp }) => bgp)) found.push(announceRemark)
  for (const { ike, ipsec } of tunnels) {
    if (Math.min(ike.lifetime, ipsec.lifetime) < shortestLifetime) {
      found.push(`Lifetimes below ${shortestLifetime} s are written as ${shortestLifetime} s.`)
    }
    if (['sha384', 'sha512'].includes(ipsec.authentication) || ike.authentication === 'sha512') {
      found.push('SHA-384 and SHA-512 need the package junos-ike (or a model that has them).')
    }
  }
  return [...new Set(found)]
}

function tunnelLines(settings: PeerSettings, tunnel: PeerTunnel, index: number): string[] {
  const { ike, ipsec } = tunnel
  const { localSubnets, remoteSubnets } = settings
  const isV1 = ike.version === 'ikev1'
  // Names have at most 32 characters.
  const name = nameOf(settings, index).slice(0, 28)
  const proposal = `security ike proposal IKE-${name}`
  const policy = `security ike policy IKE-${name}`
  const gateway = `security ike gateway GW-${name}`
  const esp = `security ipsec proposal ESP-${name}`
  const espPolicy = `security ipsec policy ESP-${name}`
  const vpn = `security ipsec vpn VPN-${name}`
  const unit = `st0.${index + 1}`
  const isPlain = isAny(localSubnets) && isAny(remoteSubnets)
  return [
    `${proposal} authentication-method ${tunnel.certificate ? 'rsa-signatures' : 'pre-shared-keys'}`,
    `${proposal} dh-group ${ike.dhGroup}`,
    `${proposal} authentication-algorithm ${ikeHashes[ike.authentication]}`,
    `${proposal} encryption-algorithm ${encryptionWord(ike.encryption)}`,
    `${proposal} lifetime-seconds ${Math.max(ike.lifetime, shortestLifetime)}`,
    ...(isV1 ? [`${policy} mode ${ike.mode}`] : []),
    `${policy} proposals IKE-${name}`,
    ...(tunnel.certificate ? [] : [`${policy} pre-shared-key ascii-text ${quoted(ike.psk)}`]),
    `${gateway} ike-policy IKE-${name}`,
    `${gateway} address ${tunnel.remote}`,
    ...(tunnel.dpd
      ? [
          `${gateway} dead-peer-detection always-send`,
          `${gateway} dead-peer-detection interval 10`,
          `${gateway} dead-peer-detection threshold 3`,
        ]
      : []),
    ...(tunnel.natTraversal ? [] : [`${gateway} no-nat-traversal`]),
    `${gateway} local-identity ${identity(ike.localId)}`,
    `${gateway} remote-identity ${identity(ike.remoteId)}`,
    `${gateway} external-interface ge-0/0/0.0`,
    `${gateway} local-address ${tunnel.local}`,
    `${gateway} version ${isV1 ? 'v1-only' : 'v2-only'}`,
    `${esp} protocol esp`,
    `${esp} authentication-algorithm ${espHashes[ipsec.authentication]}`,
    `${esp} encryption-algorithm ${encryptionWord(ipsec.encryption)}`,
    `${esp} lifetime-seconds ${Math.max(ipsec.lifetime, shortestLifetime)}`,
    ...(ipsec.pfs === 'disabled' ? [] : [`${espPolicy} perfect-forward-secrecy keys ${ipsec.pfs}`]),
    `${espPolicy} proposals ESP-${name}`,
    `${vpn} bind-interface ${unit}`,
    `${vpn} ike gateway GW-${name}`,
    `${vpn} ike ipsec-policy ESP-${name}`,
    ...(isPlain
      ? []
      : pairs(settings).map(
          ([local, remote], pair) =>
            `${vpn} traffic-selector TS${pair + 1} local-ip ${local} remote-ip ${remote}`,
        )),
    `${vpn} establish-tunnels immediately`,
    tunnel.bgp
      ? `interfaces st0 unit ${index + 1} family inet address ${tunnel.bgp.localIp}/30`
      : `interfaces st0 unit ${index + 1} family inet`,
    `security zones security-zone vpn interfaces ${unit}`,
  ]
}

/** Traffic selectors bring their own routes; without them, and beside BGP, nothing else is needed. */
function routing({ tunnels }: PeerSettings): string[] {
  const sessions = tunnels.flatMap(({ bgp }, index) => (bgp ? [{ ...bgp, unit: `st0.${index + 1}` }] : []))
  if (sessions.length === 0) return []
  const group = 'protocols bgp group suidao'
  return [
    `routing-options autonomous-system ${sessions[0]!.localAsn}`,
    `${group} type external`,
    ...sessions.flatMap(({ peerIp, peerAsn, localIp, authKey }) => [
      `${group} neighbor ${peerIp} peer-as ${peerAsn}`,
      `${group} neighbor ${peerIp} local-address ${localIp}`,
      ...(authKey === undefined ? [] : [`${group} neighbor ${peerIp} authentication-key ${quoted(authKey)}`]),
    ]),
    'security zones security-zone vpn host-inbound-traffic protocols bgp',
  ]
}

const identity = (text: string) => (isAddress(text) ? `inet ${text}` : `hostname ${quoted(text)}`)
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
