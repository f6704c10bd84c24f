/**
 * Configuration of Cisco IOS XE 16.12 and newer, after Cisco's command reference "Security" and the configuration
 * guides for IKEv1, IKEv2 and VTI (2012 to 2025). A crypto map in the plain case, tunnel interfaces with BGP or with
 * the network of all on both sides.
 */
import {
  addressAndMask,
  addressAndWildcard,
  aesBits,
  announceRemark,
  certificateRemark,
  type Encryption,
  groupNumber,
  head,
  isAddress,
  isAny,
  nameOf,
  type PeerSettings,
  type PeerTunnel,
  pairs,
} from './model.ts'

/** `aes`, `aes 256`, `3des` of IKEv1 and of ESP. */
const encryptionWords = (word: Encryption) =>
  word === 'aes' ? 'aes' : aesBits[word] ? `aes ${aesBits[word]}` : word
const espHashes = {
  md5: 'esp-md5-hmac',
  sha1: 'esp-sha-hmac',
  sha256: 'esp-sha256-hmac',
  sha384: 'esp-sha384-hmac',
  sha512: 'esp-sha512-hmac',
} as const
const outside = 'GigabitEthernet1'

/** Tunnels that one profile knows. `index` counts the tunnels of the connection. */
interface Profile {
  readonly name: string
  readonly tunnels: readonly { readonly tunnel: PeerTunnel; readonly index: number }[]
}

export function renderCiscoIos(settings: PeerSettings): string {
  const { localSubnets, remoteSubnets } = settings
  // A tunnel interface negotiates the network of all for both sides.
  const hasInterfaces = isAny(localSubnets) && isAny(remoteSubnets)
  const profiles = profilesOf(settings, hasInterfaces)
  const known = profiles.flatMap(({ tunnels }) => tunnels)
  const lines = [
    ...known.flatMap(({ tunnel, index }) => proposal(settings, tunnel, index)),
    ...ikev2Policies(settings, known),
    ...profiles.flatMap((profile) =>
      profile.tunnels[0]!.tunnel.ike.version === 'ikev1' ? ikev1Profile(profile) : ikev2Profile(profile),
    ),
    ...known.flatMap(({ tunnel, index }) => transformSet(settings, tunnel, index)),
    ...(hasInterfaces ? tunnelInterfaces(settings) : cryptoMap(settings, profiles[0]!)),
  ]
  const comments = head(settings, 'Cisco IOS XE', remarks(settings, hasInterfaces))
  return [...comments.map((line) => `! ${line}`), ...lines, ''].join('\n')
}

/** An interface has a profile of its own; a crypto map has one, which knows both VPN gateway addresses. */
function profilesOf(settings: PeerSettings, hasInterfaces: boolean): readonly Profile[] {
  const numbered = settings.tunnels.map((tunnel, index) => ({ tunnel, index }))
  if (hasInterfaces) {
    return numbered.map((one) => ({ name: nameOf(settings, one.index), tunnels: [one] }))
  }
  const { version } = settings.tunnels[0].ike
  return [
    {
      name: settings.connectionId,
      tunnels: numbered.filter(({ tunnel }) => tunnel.ike.version === version),
    },
  ]
}

function remarks(settings: PeerSettings, hasInterfaces: boolean): string[] {
  const { tunnels } = settings
  const found = [`Put the name of the outside interface in place of ${outside}.`]
  const [first] = tunnels
  if (tunnels.some(({ certificate }) => certificate)) found.push(certificateRemark)
  if (hasInterfaces && tunnels.some(({ bgp }) => bgp)) found.push(announceRemark)
  if (tunnels.some(({ ike }) => ike.psk.includes('?'))) {
    found.push(
      'Type Ctrl-V before each question mark of a key: the command line takes a bare one for a call for help.',
    )
  }
  if (tunnels.some(({ natTraversal }) => !natTraversal)) {
    found.push(
      'NAT traversal is off for this connection. IOS can only switch it off for all: no crypto ipsec ' +
        'nat-transparency udp-encapsulation.',
    )
  }
  for (const { ike } of tunnels) {
    if (ike.version === 'ikev1' && !isAddress(ike.localId)) {
      found.push(
        `In IKEv1 IOS sends its own host name: set hostname and ip domain name so that it reads ${ike.localId}.`,
      )
    }
  }
  if (!hasInterfaces && first.ike.version === 'ikev2' && pairs(settings).length > 1) {
    found.push(
      'IOS negotiates each line of the access list as a CHILD_SA of its own; each takes a part of the subnets.',
    )
  }
  if (!hasInterfaces && tunnels.some(({ bgp }) => bgp)) {
    found.push('BGP needs tunnel interfaces, and these negotiate 0.0.0.0/0 alone: it is left out here.')
  }
  if (!hasInterfaces && tunnels.length > 1) {
    found.push(
      'With a crypto map IOS keeps one of the two tunnels up and goes to the other when the first is dead. For both at ' +
        'once set LocalSubnet and RemoteSubnet to 0.0.0.0/0.',
    )
    const alike = (tunnel: PeerTunnel) => `${tunnel.ipsec.pfs} ${tunnel.ipsec.lifetime} ${tunnel.ike.version}`
    if (tunnels.some((tunnel) => alike(tunnel) !== alike(first))) {
      found.push('A crypto map has one IKE version, PFS group and lifetime: those of the first tunnel.')
    }
  }
  return [...new Set(found)]
}

function proposal(settings: PeerSettings, { ike, certificate }: PeerTunnel, index: number): string[] {
  if (ike.version === 'ikev1') {
    return [
      `crypto isakmp policy ${10 * (index + 1)}`,
      ` encryption ${encryptionWords(ike.encryption)}`,
      ` hash ${ike.authentication === 'sha1' ? 'sha' : ike.authentication}`,
      ` authentication ${certificate ? 'rsa-sig' : 'pre-share'}`,
      ` group ${groupNumber(ike.dhGroup)}`,
      ` lifetime ${ike.lifetime}`,
    ]
  }
  const bits = aesBits[ike.encryption]
  return [
    `crypto ikev2 proposal ${nameOf(settings, index)}`,
    ` encryption ${bits ? `aes-cbc-${bits}` : ike.encryption}`,
    ` integrity ${ike.authentication}`,
    ` group ${groupNumber(ike.dhGroup)}`,
  ]
}

/** The device takes one policy for an address of its own, so both tunnels stand in it. */
function ikev2Policies(settings: PeerSettings, known: Profile['tunnels']): string[] {
  const modern = known.filter(({ tunnel }) => tunnel.ike.version === 'ikev2')
  const addresses = [...new Set(modern.map(({ tunnel }) => tunnel.local))]
  return addresses.flatMap((address, at) => [
    `crypto ikev2 policy ${settings.connectionId}${at === 0 ? '' : `-${at + 1}`}`,
    ` match address local ${address}`,
    ...modern.flatMap(({ tunnel, index }) =>
      tunnel.local === address ? [` proposal ${nameOf(settings, index)}`] : [],
    ),
  ])
}

function ikev1Profile({ name, tunnels }: Profile): string[] {
  const { ike, dpd } = tunnels[0]!.tunnel
  const keys = tunnels.flatMap(({ tunnel }) =>
    tunnel.certificate ? [] : [` pre-shared-key address ${tunnel.remote} key ${tunnel.ike.psk}`],
  )
  return [
    ...(keys.length === 0 ? [] : [`crypto keyring ${name}`, ...keys]),
    `crypto isakmp profile ${name}`,
    ...(keys.length === 0 ? [] : [` keyring ${name}`]),
    ` self-identity ${isAddress(ike.localId) ? 'address' : 'fqdn'}`,
    ...tunnels.map(
      ({
        tunnel: {
          ike: { remoteId },
        },
      }) =>
        isAddress(remoteId)
          ? ` match identity address ${remoteId} 255.255.255.255`
          : ` match identity host ${remoteId}`,
    ),
    ...(dpd ? [' keepalive 10 retry 3'] : []),
    ...(ike.mode === 'aggressive' ? [' initiate mode aggressive'] : []),
  ]
}

function ikev2Profile({ name, tunnels }: Profile): string[] {
  const { ike, dpd, certificate } = tunnels[0]!.tunnel
  const method = certificate ? 'rsa-sig' : 'pre-share'
  const keys = tunnels.flatMap(({ tunnel, index }) =>
    tunnel.certificate
      ? []
      : [` peer ${index + 1}`, `  address ${tunnel.remote}`, `  pre-shared-key ${tunnel.ike.psk}`],
  )
  return [
    ...(keys.length === 0 ? [] : [`crypto ikev2 keyring ${name}`, ...keys]),
    `crypto ikev2 profile ${name}`,
    ...tunnels.map(
      ({
        tunnel: {
          ike: { remoteId },
        },
      }) =>
        isAddress(remoteId)
          ? ` match identity remote address ${remoteId} 255.255.255.255`
          : ` match identity remote fqdn ${remoteId}`,
    ),
    ` identity local ${isAddress(ike.localId) ? 'address' : 'fqdn'} ${ike.localId}`,
    ` authentication remote ${method}`,
    ` authentication local ${method}`,
    ...(keys.length === 0 ? [] : [` keyring local ${name}`]),
    ` lifetime ${ike.lifetime}`,
    ...(dpd ? [' dpd 10 3 periodic'] : []),
  ]
}

function transformSet(settings: PeerSettings, { ipsec }: PeerTunnel, index: number): string[] {
  const words = `esp-${encryptionWords(ipsec.encryption)} ${espHashes[ipsec.authentication]}`
  return [`crypto ipsec transform-set ${nameOf(settings, index)} ${words}`, ' mode tunnel']
}

/** Settings that a crypto map and a profile of an interface share. */
function sa({ ipsec, ike }: PeerTunnel, transformSets: string, profile: string): string[] {
  return [
    ` set transform-set ${transformSets}`,
    ...(ipsec.pfs === 'disabled' ? [] : [` set pfs ${ipsec.pfs}`]),
    ` set security-association lifetime seconds ${ipsec.lifetime}`,
    ' set security-association lifetime kilobytes disable',
    ` set ${ike.version === 'ikev1' ? 'isakmp' : 'ikev2'}-profile ${profile}`,
  ]
}

function cryptoMap(settings: PeerSettings, { name, tunnels }: Profile): string[] {
  const transformSets = tunnels.map(({ index }) => nameOf(settings, index)).join(' ')
  return [
    `ip access-list extended ${name}`,
    ...pairs(settings).map(
      ([local, remote]) =>
        ` permit ip ${addressAndWildcard(local).join(' ')} ${addressAndWildcard(remote).join(' ')}`,
    ),
    'crypto map SUIDAO 10 ipsec-isakmp',
    ...tunnels.map(
      ({ tunnel }, at) => ` set peer ${tunnel.remote}${tunnels.length > 1 && at === 0 ? ' default' : ''}`,
    ),
    ...sa(tunnels[0]!.tunnel, transformSets, name),
    ` match address ${name}`,
    `interface ${outside}`,
    ' crypto map SUIDAO',
  ]
}

function tunnelInterfaces(settings: PeerSettings): string[] {
  const { tunnels } = settings
  const neighbors = tunnels.flatMap(({ bgp }) => (bgp ? [bgp] : []))
  return [
    ...tunnels.flatMap((tunnel, index) => {
      const name = nameOf(settings, index)
      const address = tunnel.bgp ? `${tunnel.bgp.localIp} ${addressAndMask('0.0.0.0/30')[1]}` : undefined
      return [
        `crypto ipsec profile ${name}`,
        ...sa(tunnel, name, name),
        `interface Tunnel${index + 1}`,
        ...(address ? [` ip address ${address}`] : [` ip unnumbered ${outside}`]),
        ' ip mtu 1400',
        ' ip tcp adjust-mss 1360',
        ` tunnel source ${tunnel.local}`,
        ' tunnel mode ipsec ipv4',
        ` tunnel destination ${tunnel.remote}`,
        ` tunnel protection ipsec profile ${name}`,
      ]
    }),
    ...(neighbors.length === 0
      ? []
      : [
          `router bgp ${neighbors[0]!.localAsn}`,
          ...neighbors.flatMap(({ peerIp, peerAsn, authKey }) => [
            ` neighbor ${peerIp} remote-as ${peerAsn}`,
            ...(authKey === undefined ? [] : [` neighbor ${peerIp} password ${authKey}`]),
          ]),
        ]),
  ]
}
