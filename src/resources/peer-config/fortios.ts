/** Configuration of FortiOS 7, after Fortinet's CLI reference "config vpn ipsec phase1-interface" (2025). */
import {
  addressAndMask,
  aesBits,
  certificateRemark,
  type Encryption,
  groupNumber,
  head,
  isAddress,
  type PeerSettings,
  type PeerTunnel,
  pairs,
} from './model.ts'

const encryptionWord = (word: Encryption) => (aesBits[word] ? `aes${aesBits[word]}` : word)
/** Seconds; the device takes nothing shorter. */
const shortestLifetime = 120

export function renderFortios(settings: PeerSettings): string {
  const names = settings.tunnels.map((_, index) => shortName(settings, index))
  const comments = head(settings, 'FortiOS 7', remarks(settings))
  return [
    ...comments.map((line) => `# ${line}`),
    'config vpn ipsec phase1-interface',
    ...settings.tunnels.flatMap((tunnel, index) => phase1(tunnel, names[index]!)),
    'end',
    'config vpn ipsec phase2-interface',
    ...settings.tunnels.flatMap((tunnel, index) => phase2(settings, tunnel, names[index]!)),
    'end',
    ...addresses(settings, names),
    ...routes(settings, names),
    ...policies(names),
    ...bgp(settings),
    '',
  ].join('\n')
}

/** Interfaces have at most 15 characters: the end of the id, which differs. */
function shortName({ connectionId, tunnels }: PeerSettings, index: number): string {
  const name = `vco-${connectionId.slice(-8)}`
  return tunnels.length === 1 ? name : `${name}-${index + 1}`
}

function remarks(settings: PeerSettings): string[] {
  const { tunnels } = settings
  const found = ['Put the names of the outside and inside interfaces in place of wan1 and internal.']
  if (tunnels.some(({ certificate }) => certificate)) found.push(certificateRemark)
  for (const { ike, ipsec } of tunnels) {
    if (Math.min(ike.lifetime, ipsec.lifetime) < shortestLifetime) {
      found.push(`Lifetimes below ${shortestLifetime} s are written as ${shortestLifetime} s.`)
    }
    if (ike.version === 'ikev1' && ike.mode === 'main' && !isAddress(ike.remoteId)) {
      found.push('In main mode with a key FortiOS does not compare the identity of the VPN gateway.')
    }
    if (ike.version === 'ikev2' && pairs(settings).length > 1) {
      found.push(
        'FortiOS negotiates each phase 2 as a CHILD_SA of its own; each takes a part of the subnets.',
      )
    }
  }
  return [...new Set(found)]
}

function phase1({ ike, local, remote, dpd, natTraversal, certificate }: PeerTunnel, name: string): string[] {
  const isV1 = ike.version === 'ikev1'
  const checksPeer = !isAddress(ike.remoteId) && (!isV1 || ike.mode === 'aggressive')
  return [
    `    edit ${quoted(name)}`,
    ...[
      'set interface "wan1"',
      `set ike-version ${isV1 ? 1 : 2}`,
      ...(isV1 ? [`set mode ${ike.mode}`] : []),
      `set local-gw ${local}`,
      `set remote-gw ${remote}`,
      `set keylife ${Math.max(ike.lifetime, shortestLifetime)}`,
      `set authmethod ${certificate ? 'signature' : 'psk'}`,
      ...(checksPeer ? ['set peertype one', `set peerid ${quoted(ike.remoteId)}`] : ['set peertype any']),
      'set net-device disable',
      `set proposal ${encryptionWord(ike.encryption)}-${ike.authentication}`,
      `set dhgrp ${groupNumber(ike.dhGroup)}`,
      ...(ike.localId === local
        ? []
        : [
            `set localid ${quoted(ike.localId)}`,
            `set localid-type ${isAddress(ike.localId) ? 'address' : 'fqdn'}`,
          ]),
      ...(dpd
        ? ['set dpd on-idle', 'set dpd-retrycount 3', 'set dpd-retryinterval 10']
        : ['set dpd disable']),
      `set nattraversal ${natTraversal ? 'enable' : 'disable'}`,
      ...(certificate ? [] : [`set psksecret ${quoted(ike.psk)}`]),
    ].map((line) => `        ${line}`),
    '    next',
  ]
}

function phase2(settings: PeerSettings, { ipsec }: PeerTunnel, name: string): string[] {
  return pairs(settings).flatMap(([local, remote], index) => [
    `    edit ${quoted(`${name}-${index + 1}`)}`,
    ...[
      `set phase1name ${quoted(name)}`,
      `set proposal ${encryptionWord(ipsec.encryption)}-${ipsec.authentication}`,
      ...(ipsec.pfs === 'disabled'
        ? ['set pfs disable']
        : ['set pfs enable', `set dhgrp ${groupNumber(ipsec.pfs)}`]),
      `set keylifeseconds ${Math.max(ipsec.lifetime, shortestLifetime)}`,
      'set auto-negotiate enable',
      `set src-subnet ${addressAndMask(local).join(' ')}`,
      `set dst-subnet ${addressAndMask(remote).join(' ')}`,
    ].map((line) => `        ${line}`),
    '    next',
  ])
}

/** Addresses of the ends of BGP inside the tunnels. */
function addresses({ tunnels }: PeerSettings, names: readonly string[]): string[] {
  const interfaces = tunnels.flatMap(({ bgp }, index) =>
    bgp
      ? [
          `    edit ${quoted(names[index]!)}`,
          `        set ip ${bgp.localIp} 255.255.255.255`,
          `        set remote-ip ${bgp.peerIp} ${addressAndMask('0.0.0.0/30')[1]}`,
          '    next',
        ]
      : [],
  )
  return interfaces.length === 0 ? [] : ['config system interface', ...interfaces, 'end']
}

/** The first tunnel is nearer than the second. With BGP the routes are learned. */
function routes({ remoteSubnets, tunnels }: PeerSettings, names: readonly string[]): string[] {
  const lines = tunnels.flatMap(({ bgp }, index) =>
    bgp
      ? []
      : remoteSubnets
          .filter((subnet) => subnet !== '0.0.0.0/0')
          .flatMap((subnet) => [
            '    edit 0',
            `        set dst ${addressAndMask(subnet).join(' ')}`,
            `        set device ${quoted(names[index]!)}`,
            `        set distance ${10 * (index + 1)}`,
            '    next',
          ]),
  )
  return lines.length === 0 ? [] : ['config router static', ...lines, 'end']
}

/** FortiOS negotiates no tunnel that no policy uses. */
function policies(names: readonly string[]): string[] {
  const policy = (name: string, from: string, to: string) => [
    '    edit 0',
    ...[
      `set name ${quoted(name)}`,
      `set srcintf ${quoted(from)}`,
      `set dstintf ${quoted(to)}`,
      'set srcaddr "all"',
      'set dstaddr "all"',
      'set action accept',
      'set schedule "always"',
      'set service "ALL"',
    ].map((line) => `        ${line}`),
    '    next',
  ]
  return [
    'config firewall policy',
    ...names.flatMap((name) => [
      ...policy(`${name}-out`, 'internal', name),
      ...policy(`${name}-in`, name, 'internal'),
    ]),
    'end',
  ]
}

function bgp({ tunnels, localSubnets }: PeerSettings): string[] {
  const sessions = tunnels.flatMap(({ bgp: session }) => (session ? [session] : []))
  if (sessions.length === 0) return []
  return [
    'config router bgp',
    `    set as ${sessions[0]!.localAsn}`,
    '    config neighbor',
    ...sessions.flatMap(({ peerIp, peerAsn, authKey }) => [
      `        edit ${quoted(peerIp)}`,
      `            set remote-as ${peerAsn}`,
      ...(authKey === undefined ? [] : [`            set password ${quoted(authKey)}`]),
      '        next',
    ]),
    '    end',
    '    config network',
    ...localSubnets
      .filter((subnet) => subnet !== '0.0.0.0/0')
      .flatMap((subnet, index) => [
        `        edit ${index + 1}`,
        `            set prefix ${addressAndMask(subnet).join(' ')}`,
        '        next',
      ]),
    '    end',
    'end',
  ]
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
