/** The same object in the words of the vendor's tools. Pure. */
import type { ConnectionAnswer } from '../data.ts'

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

const listOf = (text: string | undefined) =>
  (text ?? '').split(',').map((item) => JSON.stringify(item.trim()))

/** The key is a variable: a key in a file is a key in a repository. */
function terraform(connection: ConnectionAnswer): string {
  const { IkeConfig: ike = {}, IpsecConfig: ipsec = {} } = connection
  const name = (connection.Name || 'connection').replace(/\W+/g, '_').replace(/^(?=\d)/, '_')
  const lines: readonly (readonly [string, string])[] = [
    ['vpn_connection_name', JSON.stringify(connection.Name ?? '')],
    ['vpn_gateway_id', JSON.stringify(connection.VpnGatewayId)],
    ['customer_gateway_id', JSON.stringify(connection.CustomerGatewayId)],
    ['local_subnet', `[${listOf(connection.LocalSubnet).join(', ')}]`],
    ['remote_subnet', `[${listOf(connection.RemoteSubnet).join(', ')}]`],
    ['effect_immediately', String(connection.EffectImmediately)],
    ['enable_dpd', String(connection.EnableDpd)],
    ['enable_nat_traversal', String(connection.EnableNatTraversal)],
  ]
  const block = (title: string, entries: readonly (readonly [string, string])[]) => [
    '',
    `  ${title} {`,
    ...entries.map(([key, value]) => `    ${key} = ${value}`),
    '  }',
  ]
  return [
    `# terraform import alicloud_vpn_connection.${name} ${connection.VpnConnectionId}`,
    'variable "psk" {',
    '  sensitive = true',
    '}',
    '',
    `resource "alicloud_vpn_connection" "${name}" {`,
    ...lines.map(([key, value]) => `  ${key} = ${value}`),
    ...block('ike_config', [
      ['psk', 'var.psk'],
      ['ike_version', JSON.stringify(ike.IkeVersion)],
      ['ike_mode', JSON.stringify(ike.IkeMode)],
      ['ike_enc_alg', JSON.stringify(ike.IkeEncAlg)],
      ['ike_auth_alg', JSON.stringify(ike.IkeAuthAlg)],
      ['ike_pfs', JSON.stringify(ike.IkePfs)],
      ['ike_lifetime', String(ike.IkeLifetime)],
      ['ike_local_id', JSON.stringify(ike.LocalId)],
      ['ike_remote_id', JSON.stringify(ike.RemoteId)],
    ]),
    ...block('ipsec_config', [
      ['ipsec_enc_alg', JSON.stringify(ipsec.IpsecEncAlg)],
      ['ipsec_auth_alg', JSON.stringify(ipsec.IpsecAuthAlg)],
      ['ipsec_pfs', JSON.stringify(ipsec.IpsecPfs)],
      ['ipsec_lifetime', String(ipsec.IpsecLifetime)],
    ]),
    '}',
  ].join('\n')
}
