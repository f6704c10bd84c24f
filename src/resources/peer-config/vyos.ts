/** Commands of VyOS 1.4 and newer (configuration mode), after the VyOS documentation "IPsec site-to-site" (2026). */
import {
  aesBits,
  certificateRemark,
  type Encryption,
  groupNumber,
  head,
  isAny,
  isRouted,
  nameOf,
  type PeerSettings,
  type PeerTunnel,
  pairs,
} from './model.ts'

const encryptionWord = (word: Encryption) => (aesBits[word] ? `aes${aesBits[word]}` : word)

export function renderVyos(settings: PeerSettings): string {
  const routed = isRouted(settings)
  const lines = [
    `vpn ipsec interface 'eth0'`,
    ...settings.tunnels.flatMap((tunnel, index) => tunnelLines(settings, tunnel, index, routed)),
    ...(routed ? routing(settings) : []),
  ]
  return [
    ...head(settings, 'VyOS 1.4 or newer', remarks(settings, routed)).map((line) => `# ${line}`),
    ...lines.map((line) => `set ${line}`),
    '',
  ].join('\n')
}

function remarks(settings: PeerSettings, routed: boolean): string[] {
  const { tunnels } = settings
  const found = ['Put the name of the outside interface in place of eth0.']
  if (tunnels.some(({ certificate }) => certificate)) found.push(certificateRemark)
  if (tunnels.some(({ natTraversal }) => !natTraversal)) {
    found.push('VyOS cannot switch NAT traversal off; without a NAT in between it is not used.')
  }
  if (routed && !(isAny(settings.localSubnets) && isAny(settings.remoteSubnets))) {
    found.push(
      'traffic-selector of a VTI needs VyOS 1.5; with 1.4 use 0.0.0.0/0 for both subnets of the connection.',
    )
  }
  for (const { ike } of tunnels) {
    for (const id of [ike.localId, ike.remoteId]) {
      if (id.includes('@'))
        found.push(`The VPN gateway has the identity ${id} as a name, VyOS may send it as a mail address.`)
    }
  }
  return [...new Set(found)]
}

function tunnelLines(settings: PeerSettings, tunnel: PeerTunnel, index: number, routed: boolean): string[] {
  const { ike, ipsec } = tunnel
  const name = nameOf(settings, index)
  const isV1 = ike.version === 'ikev1'
  const ikeGroup = `vpn ipsec ike-group IKE-${name}`
  const espGroup = `vpn ipsec esp-group ESP-${name}`
  const peer = `vpn ipsec site-to-site peer ${name}`
  const psk = `vpn ipsec authentication psk ${name}`
  return [
    `${ikeGroup} key-exchange '${ike.version}'`,
    ...(isV1 ? [`${ikeGroup} mode '${ike.mode}'`] : [`${ikeGroup} disable-mobike`]),
    `${ikeGroup} lifetime '${ike.lifetime}'`,
    `${ikeGroup} proposal 1 dh-group '${groupNumber(ike.dhGroup)}'`,
    `${ikeGroup} proposal 1 encryption '${encryptionWord(ike.encryption)}'`,
    `${ikeGroup} proposal 1 hash '${ike.authentication}'`,
    ...(tunnel.dpd
      ? [
          `${ikeGroup} dead-peer-detection action 'restart'`,
          `${ikeGroup} dead-peer-detection interval '10'`,
          `${ikeGroup} dead-peer-detection timeout '30'`,
        ]
      : []),
    `${espGroup} lifetime '${ipsec.lifetime}'`,
    `${espGroup} mode 'tunnel'`,
    `${espGroup} pfs '${ipsec.pfs === 'disabled' ? 'disable' : `dh-${ipsec.pfs}`}'`,
    `${espGroup} proposal 1 encryption '${encryptionWord(ipsec.encryption)}'`,
    `${espGroup} proposal 1 hash '${ipsec.authentication}'`,
    ...(tunnel.certificate
      ? []
      : [
          `${psk} id ${quoted(ike.localId)}`,
          `${psk} id ${quoted(ike.remoteId)}`,
          `${psk} secret ${quoted(ike.psk)}`,
        ]),
    `${peer} authentication local-id ${quoted(ike.localId)}`,
    `${peer} authentication mode '${tunnel.certificate ? 'x509' : 'pre-shared-secret'}'`,
    `${peer} authentication remote-id ${quoted(ike.remoteId)}`,
    `${peer} connection-type 'initiate'`,
    `${peer} default-esp-group 'ESP-${name}'`,
    `${peer} ike-group 'IKE-${name}'`,
    `${peer} local-address '${tunnel.local}'`,
    `${peer} remote-address '${tunnel.remote}'`,
    ...(routed ? bound(settings, peer, index) : selectors(settings, peer, isV1)),
  ]
}

/** Policy-based: IKEv1 has a pair of networks in each CHILD_SA, IKEv2 all of them in one. */
function selectors(settings: PeerSettings, peer: string, isV1: boolean): string[] {
  if (isV1) {
    return pairs(settings).flatMap(([local, remote], index) => [
      `${peer} tunnel ${index + 1} local prefix '${local}'`,
      `${peer} tunnel ${index + 1} remote prefix '${remote}'`,
    ])
  }
  return [
    ...settings.localSubnets.map((subnet) => `${peer} tunnel 1 local prefix '${subnet}'`),
    ...settings.remoteSubnets.map((subnet) => `${peer} tunnel 1 remote prefix '${subnet}'`),
  ]
}

function bound({ localSubnets, remoteSubnets }: PeerSettings, peer: string, index: number): string[] {
  const isPlain = isAny(localSubnets) && isAny(remoteSubnets)
  return [
    `${peer} vti bind 'vti${index + 1}'`,
    ...(isPlain
      ? []
      : [
          ...localSubnets.map((subnet) => `${peer} vti traffic-selector local prefix '${subnet}'`),
          ...remoteSubnets.map((subnet) => `${peer} vti traffic-selector remote prefix '${subnet}'`),
        ]),
  ]
}

function routing(settings: PeerSettings): string[] {
  const { tunnels, localSubnets, remoteSubnets } = settings
  return tunnels.flatMap(({ bgp }, index) => {
    const vti = `vti${index + 1}`
    if (!bgp) {
      return [
        `interfaces vti ${vti} mtu '1400'`,
        ...remoteSubnets
          .filter((subnet) => subnet !== '0.0.0.0/0')
          .map(
            (subnet) => `protocols static route ${subnet} interface ${vti} distance '${10 * (index + 1)}'`,
          ),
      ]
    }
    const neighbor = `protocols bgp neighbor ${bgp.peerIp}`
    return [
      `interfaces vti ${vti} address '${bgp.localIp}/30'`,
      `interfaces vti ${vti} mtu '1400'`,
      `protocols bgp system-as '${bgp.localAsn}'`,
      `${neighbor} address-family ipv4-unicast`,
      ...(bgp.authKey === undefined ? [] : [`${neighbor} password ${quoted(bgp.authKey)}`]),
      `${neighbor} remote-as '${bgp.peerAsn}'`,
      `${neighbor} update-source '${bgp.localIp}'`,
      ...localSubnets
        .filter((subnet) => subnet !== '0.0.0.0/0')
        .map((subnet) => `protocols bgp address-family ipv4-unicast network ${subnet}`),
    ]
  })
}

/** The shell of VyOS takes what stands between single quotes as it is; a quote itself is written outside of them. */
const quoted = (text: string) => `'${text.replaceAll("'", `'"'"'`)}'`
