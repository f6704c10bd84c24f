/** The same object in the words of the vendor's tools. Pure. */
import type { ConnectionAnswer } from '../data.ts'
import { listOf } from '../forms/connection-fields.ts'
import { isAttachment, type TunnelView, tunnelsOf } from './tunnels.ts'

export interface Snippet {
  readonly key: 'cli' | 'typescript' | 'python' | 'terraform'
  readonly title: string
  readonly text: string
}

/** @param endpoint `host:port` of this server */
export function apiTexts(connection: ConnectionAnswer, region: string, endpoint: string): readonly Snippet[] {
  const id = connection.VpnConnectionId ?? ''
  return [
    {
      key: 'cli',
      title: 'aliyun CLI',
      text: [
        'aliyun vpc DescribeVpnConnection \\',
        `  --RegionId ${region} \\`,
        `  --VpnConnectionId ${id} \\`,
        `  --endpoint ${endpoint} --force`,
      ].join('\n'),
    },
    {
      key: 'typescript',
      title: 'TypeScript',
      text: `import { Config } from '@alicloud/openapi-core/dist/utils'
import Vpc, { DescribeVpnConnectionRequest } from '@alicloud/vpc20160428'

const client = new Vpc(
  new Config({
    endpoint: '${endpoint}',
    protocol: 'HTTP',
    accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
    accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  }),
)
const request = new DescribeVpnConnectionRequest({ regionId: '${region}', vpnConnectionId: '${id}' })
const { body } = await client.describeVpnConnection(request)
console.log(body?.status)`,
    },
    {
      key: 'python',
      title: 'Python',
      text: `import os
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428.client import Client
from alibabacloud_vpc20160428.models import DescribeVpnConnectionRequest

client = Client(Config(
    endpoint="${endpoint}",
    protocol="http",
    access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
    access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
))
request = DescribeVpnConnectionRequest(region_id="${region}", vpn_connection_id="${id}")
print(client.describe_vpn_connection(request).body.status)`,
    },
    { key: 'terraform', title: 'Terraform', text: terraform(connection) },
  ]
}

type Lines = readonly string[]

/** What is not known is not written: the provider has its own default for it. */
const entry = (key: string, value: string | undefined): Lines =>
  value === undefined ? [] : [`${key} = ${value}`]

const quoted = (value: string | number | undefined) =>
  value === undefined ? undefined : JSON.stringify(String(value))
const plain = (value: string | number | boolean | undefined) =>
  value === undefined ? undefined : String(value)

const block = (title: string, lines: Lines): Lines => [
  '',
  `${title} {`,
  ...lines.map((line) => line && `  ${line}`),
  '}',
]

/** @param ids names of the identities, which differ from block to block */
const ikeLines = ({ ike }: TunnelView, ids: readonly [local: string, remote: string], key: string): Lines => [
  ...entry('psk', key),
  ...entry('ike_version', quoted(ike.IkeVersion)),
  ...entry('ike_mode', quoted(ike.IkeMode)),
  ...entry('ike_enc_alg', quoted(ike.IkeEncAlg)),
  ...entry('ike_auth_alg', quoted(ike.IkeAuthAlg)),
  ...entry('ike_pfs', quoted(ike.IkePfs)),
  ...entry('ike_lifetime', plain(ike.IkeLifetime)),
  ...entry(ids[0], quoted(ike.LocalId)),
  ...entry(ids[1], quoted(ike.RemoteId)),
]

const ipsecLines = ({ ipsec }: TunnelView): Lines => [
  ...entry('ipsec_enc_alg', quoted(ipsec.IpsecEncAlg)),
  ...entry('ipsec_auth_alg', quoted(ipsec.IpsecAuthAlg)),
  ...entry('ipsec_pfs', quoted(ipsec.IpsecPfs)),
  ...entry('ipsec_lifetime', plain(ipsec.IpsecLifetime)),
]

const bgpLines = ({ bgp }: TunnelView): Lines => [
  ...entry('local_asn', quoted(bgp?.LocalAsn)),
  ...entry('tunnel_cidr', quoted(bgp?.TunnelCidr)),
  ...entry('local_bgp_ip', quoted(bgp?.LocalBgpIp)),
]

const endLines = (tunnel: TunnelView): Lines => [
  ...entry('customer_gateway_id', quoted(tunnel.customerGatewayId)),
  ...entry('enable_dpd', plain(tunnel.dpd)),
  ...entry('enable_nat_traversal', plain(tunnel.natTraversal)),
]

/** One of two tunnels. */
const pairLines = (tunnel: TunnelView, attached: boolean, key: string): Lines => [
  ...endLines(tunnel),
  ...entry(attached ? 'tunnel_index' : 'role', quoted(tunnel.role)),
  ...block('tunnel_ike_config', ikeLines(tunnel, ['local_id', 'remote_id'], key)),
  ...block('tunnel_ipsec_config', ipsecLines(tunnel)),
  ...(tunnel.bgp ? block('tunnel_bgp_config', bgpLines(tunnel)) : []),
]

const singleLines = (tunnel: TunnelView, attached: boolean): Lines => {
  const check = tunnel.healthCheck
  return [
    ...endLines(tunnel),
    ...block(
      'ike_config',
      ikeLines(tunnel, attached ? ['local_id', 'remote_id'] : ['ike_local_id', 'ike_remote_id'], 'var.psk'),
    ),
    ...block('ipsec_config', ipsecLines(tunnel)),
    ...(tunnel.bgp ? block('bgp_config', ['enable = true', ...bgpLines(tunnel)]) : []),
    ...(check
      ? block('health_check_config', [
          'enable = true',
          ...entry('dip', quoted(check.Dip)),
          ...entry('sip', quoted(check.Sip)),
          ...entry('interval', plain(check.Interval)),
          ...entry('retry', plain(check.Retry)),
        ])
      : []),
  ]
}

/**
 * Attributes as the provider has them (alicloud 1.289.0, alicloud_vpn_connection and alicloud_vpn_gateway_vpn_attachment).
 * Keys are variables: a key in a file is a key in a repository.
 */
function terraform(connection: ConnectionAnswer): string {
  const attached = isAttachment(connection)
  const tunnels = tunnelsOf(connection)
  const isPair = tunnels.length > 1
  const type = attached ? 'alicloud_vpn_gateway_vpn_attachment' : 'alicloud_vpn_connection'
  const name = (connection.Name || 'connection').replace(/\W+/g, '_').replace(/^(?=\d)/, '_')
  const subnets = (text: string | undefined) =>
    attached ? quoted(text) : `[${listOf(text).map(quoted).join(', ')}]`
  const keys = tunnels.map((_, index) => (isPair ? `psk_${index + 1}` : 'psk'))
  const lines = [
    ...entry(attached ? 'vpn_attachment_name' : 'vpn_connection_name', quoted(connection.Name)),
    ...(attached
      ? entry('network_type', quoted(connection.NetworkType))
      : entry('vpn_gateway_id', quoted(connection.VpnGatewayId))),
    ...entry('local_subnet', subnets(connection.LocalSubnet)),
    ...entry('remote_subnet', subnets(connection.RemoteSubnet)),
    ...entry('effect_immediately', plain(connection.EffectImmediately)),
    ...(isPair
      ? [
          ...entry('enable_tunnels_bgp', plain(connection.EnableTunnelsBgp)),
          ...tunnels.flatMap((tunnel, index) =>
            block(
              'tunnel_options_specification',
              pairLines(tunnel, attached, ['var', keys[index]].join('.')),
            ),
          ),
        ]
      : singleLines(tunnels[0]!, attached)),
  ]
  return [
    `# terraform import ${type}.${name} ${connection.VpnConnectionId}`,
    ...keys.flatMap((key) => [`variable "${key}" {`, '  sensitive = true', '}']),
    ...block(`resource "${type}" "${name}"`, lines),
  ].join('\n')
}
