import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionAnswer } from '../data.ts'
import { apiTexts } from './api-text.ts'

const ike = {
  IkeVersion: 'ikev2',
  IkeEncAlg: 'aes256',
  LocalId: '203.0.113.1',
  RemoteId: 'a "quoted" one',
  Psk: 'the-key',
}
const single = {
  VpnConnectionId: 'vco-1',
  VpnGatewayId: 'vpn-1',
  CustomerGatewayId: 'cgw-1',
  AttachType: 'VPNGW',
  Name: '1st office',
  LocalSubnet: '10.1.0.0/24,10.2.0.0/24',
  RemoteSubnet: '192.168.0.0/16',
  IkeConfig: ike,
  IpsecConfig: { IpsecLifetime: 3600 },
} as unknown as ConnectionAnswer
const tunnel = (role: object) => ({
  ...role,
  TunnelId: 'tun',
  CustomerGatewayId: 'cgw-1',
  TunnelIkeConfig: ike,
})
const pair = (attach: string, ...roles: object[]) =>
  ({
    ...single,
    AttachType: attach,
    EnableTunnelsBgp: false,
    TunnelOptionsSpecification: { TunnelOptions: roles.map(tunnel) },
  }) as unknown as ConnectionAnswer

const terraformOf = (connection: ConnectionAnswer) =>
  apiTexts(connection, 'cn-hangzhou', 'vpn.example:8773').find(({ key }) => key === 'terraform')!.text

test('Terraform, by kind of connection: its resource, its names, no key', () => {
  const cases: [connection: ConnectionAnswer, has: (string | RegExp)[], lacks: RegExp][] = [
    [
      single,
      [
        'resource "alicloud_vpn_connection" "_1st_office" {',
        '  local_subnet = ["10.1.0.0/24", "10.2.0.0/24"]',
        '    psk = var.psk',
        '    ike_remote_id = "a \\"quoted\\" one"',
        '    ipsec_lifetime = 3600',
      ],
      /tunnel_options|undefined|bgp_config|health_check/,
    ],
    [
      pair('VPNGW', { Role: 'master' }, { Role: 'slave' }),
      [
        'variable "psk_2" {',
        '    role = "slave"',
        '      psk = var.psk_2',
        '      remote_id = "a \\"quoted\\" one"',
      ],
      /tunnel_index|\bike_config|undefined/,
    ],
    [
      pair('NO_ASSOCIATED', { TunnelIndex: 1 }, { TunnelIndex: 2 }),
      [
        'resource "alicloud_vpn_gateway_vpn_attachment" "_1st_office" {',
        '  local_subnet = "10.1.0.0/24,10.2.0.0/24"',
        '    tunnel_index = "2"',
      ],
      /vpn_gateway_id|role =|undefined/,
    ],
  ]
  for (const [connection, has, lacks] of cases) {
    const text = terraformOf(connection)
    for (const line of has) assert.ok(text.split('\n').includes(line as string), `${line} in\n${text}`)
    assert.doesNotMatch(text, lacks)
    assert.doesNotMatch(text, /the-key/)
  }
})
