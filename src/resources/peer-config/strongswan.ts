/**
 * swanctl.conf(5) of strongSwan 5.9 and newer, to be loaded with `swanctl --load-all`.
 *
 * Policy-based in the plain case. Where routes decide, ESP is tied to an XFRM interface by its if_id, and the commands
 * that make the interface stand in the text.
 */
import {
  certificateRemark,
  type DhGroup,
  type Encryption,
  head,
  isAddress,
  isRouted,
  nameOf,
  type PeerSettings,
  type PeerTunnel,
  pairs,
} from './model.ts'

const encryptionWords: Readonly<Record<Encryption, string>> = {
  aes: 'aes128',
  aes192: 'aes192',
  aes256: 'aes256',
  des: 'des',
  '3des': '3des',
}
const dhWords: Readonly<Record<DhGroup, string>> = {
  group1: 'modp768',
  group2: 'modp1024',
  group5: 'modp1536',
  group14: 'modp2048',
}

export function renderStrongswan(settings: PeerSettings): string {
  const { tunnels } = settings
  const routed = isRouted(settings)
  const comments = [...head(settings, 'strongSwan 5.9 or newer, swanctl.conf', remarks(settings))]
  if (routed) comments.push(...interfaces(settings))
  const connections = tunnels.map((tunnel, index) => connection(settings, tunnel, index, routed))
  const secrets = tunnels.flatMap((tunnel, index) =>
    tunnel.certificate ? [] : [secret(nameOf(settings, index), tunnel)],
  )
  return [
    ...comments.map((line) => `# ${line}`),
    'connections {',
    ...connections.flat().map(indent),
    '}',
    ...(secrets.length === 0 ? [] : ['secrets {', ...secrets.flat().map(indent), '}']),
    '',
  ].join('\n')
}

function remarks({ tunnels }: PeerSettings): string[] {
  const found: string[] = []
  if (tunnels.some(({ certificate }) => certificate)) found.push(certificateRemark)
  if (tunnels.some(({ ike }) => ike.version === 'ikev1' && ike.mode === 'aggressive')) {
    found.push(
      'Aggressive mode with a key needs i_dont_care_about_security_and_use_aggressive_mode_psk = yes in the section ' +
        'charon of strongswan.conf.',
    )
  }
  if (tunnels.some(({ natTraversal }) => !natTraversal)) {
    found.push(
      'strongSwan cannot switch NAT traversal off for one connection; without a NAT in between it is not used.',
    )
  }
  return found
}

/** How the routes get to the tunnels: ip(8), and the session for a BGP daemon. */
function interfaces(settings: PeerSettings): string[] {
  return settings.tunnels.flatMap((tunnel, index) => {
    const { bgp } = tunnel
    const name = `ipsec${index + 1}`
    const metric = 100 * (index + 1)
    return [
      `ip link add ${name} type xfrm if_id ${index + 1} && ip link set ${name} up mtu 1400`,
      ...(bgp
        ? [
            `ip addr add ${bgp.localIp}/30 dev ${name}`,
            `BGP in ${name}: local AS ${bgp.localAsn}, neighbour ${bgp.peerIp} AS ${bgp.peerAsn}` +
              `${bgp.authKey === undefined ? '' : `, password ${bgp.authKey}`}`,
          ]
        : settings.remoteSubnets.map((subnet) => `ip route add ${subnet} dev ${name} metric ${metric}`)),
    ]
  })
}

function connection(settings: PeerSettings, tunnel: PeerTunnel, index: number, routed: boolean): string[] {
  const { ike, ipsec, local, remote } = tunnel
  const isV1 = ike.version === 'ikev1'
  const name = nameOf(settings, index)
  const auth = tunnel.certificate ? 'pubkey' : 'psk'
  const ifId = index + 1
  const esp = [
    encryptionWords[ipsec.encryption],
    ipsec.authentication,
    ...(ipsec.pfs === 'disabled' ? [] : [dhWords[ipsec.pfs]]),
  ].join('-')
  const children = isV1
    ? pairs(settings).map(([from, to]) => ({ from, to }))
    : [{ from: settings.localSubnets.join(','), to: settings.remoteSubnets.join(',') }]
  return [
    `${name} {`,
    ...[
      `version = ${isV1 ? 1 : 2}`,
      ...(isV1 ? [`aggressive = ${ike.mode === 'aggressive' ? 'yes' : 'no'}`] : []),
      `local_addrs = ${local}`,
      `remote_addrs = ${remote}`,
      `proposals = ${encryptionWords[ike.encryption]}-${ike.authentication}-${dhWords[ike.dhGroup]}`,
      ...lifetime(ike.lifetime, 'over_time'),
      'mobike = no',
      'keyingtries = 0',
      ...(tunnel.dpd ? ['dpd_delay = 10s', ...(isV1 ? ['dpd_timeout = 30s'] : [])] : []),
      ...(routed ? [`if_id_in = ${ifId}`, `if_id_out = ${ifId}`] : []),
      'local {',
      `  auth = ${auth}`,
      `  id = ${identity(ike.localId)}`,
      '}',
      'remote {',
      `  auth = ${auth}`,
      `  id = ${identity(ike.remoteId)}`,
      '}',
      'children {',
      ...children.flatMap(({ from, to }, child) =>
        [
          `${name}-net${child + 1} {`,
          `  local_ts = ${from}`,
          `  remote_ts = ${to}`,
          `  esp_proposals = ${esp}`,
          ...lifetime(ipsec.lifetime, 'life_time').map(indent),
          '  start_action = start',
          ...(tunnel.dpd ? ['  dpd_action = restart'] : []),
          '}',
        ].map(indent),
      ),
      '}',
    ].map(indent),
    '}',
  ]
}

/**
 * Keys are renewed after nine tenths of the time less a random part, so that two ends with the same time do not begin
 * at the same moment.
 */
function lifetime(seconds: number, last: 'over_time' | 'life_time'): string[] {
  const tenth = Math.round(seconds / 10)
  return [
    `rekey_time = ${seconds - tenth}s`,
    `${last} = ${last === 'over_time' ? tenth : seconds}s`,
    `rand_time = ${tenth}s`,
  ]
}

/** Everything that is no address is a name, so that `a@b` is not taken for a mail address. */
const identity = (text: string) => (isAddress(text) ? text : quoted(`fqdn:${text}`))

function secret(name: string, { ike }: PeerTunnel): string[] {
  return [
    `ike-${name} {`,
    `  id-local = ${identity(ike.localId)}`,
    `  id-remote = ${identity(ike.remoteId)}`,
    // A key that begins like an encoded one would be decoded; base64 says exactly what is meant.
    `  secret = ${/^0[sx]/i.test(ike.psk) ? `0s${Buffer.from(ike.psk).toString('base64')}` : quoted(ike.psk)}`,
    '}',
  ]
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
const indent = (line: string) => `  ${line}`
