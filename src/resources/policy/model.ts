/** The policies that are there from the start. Their names are the vendor's, their documents cover what is served here. */
import type { PolicyStatement } from '../../rpc/authorize.ts'

export type PolicyType = 'System' | 'Custom'

export interface SystemPolicy {
  readonly name: string
  readonly description: string
  readonly statements: readonly PolicyStatement[]
}

const allow = (...actions: string[]): PolicyStatement => ({
  Effect: 'Allow',
  Action: actions,
  Resource: ['*'],
})
const vpnNouns = ['Vpn*', 'Vco*', 'CustomerGateway*', 'Tunnel*', 'SslVpn*', 'IpsecServer*'] as const

/** In order of their names. */
export const systemPolicies: readonly SystemPolicy[] = [
  {
    name: 'AdministratorAccess',
    description: 'Everything in the account.',
    statements: [allow('*')],
  },
  {
    name: 'AliyunVPNGatewayFullAccess',
    description: 'VPN gateways, customer gateways, connections and their routes, and to look at networks.',
    statements: [
      allow(...vpnNouns.map((noun) => `vpc:*${noun}`), 'vpc:Suidao*', 'vpc:*TagResources'),
      allow('vpc:Describe*', 'vpc:List*', 'vpc:Get*', 'vpc:Check*', 'vpc:Diagnose*', 'vpc:Download*'),
    ],
  },
  {
    name: 'AliyunVPNGatewayReadOnlyAccess',
    description: 'To look at VPN gateways and networks. Pre-shared keys are seen too, as with the vendor.',
    statements: [
      allow('vpc:Describe*', 'vpc:List*', 'vpc:Get*', 'vpc:Check*'),
      allow('vpc:SuidaoList*', 'vpc:SuidaoExplainRoute'),
    ],
  },
]

export const documentOf = (statements: readonly PolicyStatement[]): string =>
  JSON.stringify({ Version: '1', Statement: statements })
