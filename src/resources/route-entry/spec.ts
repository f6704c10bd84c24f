/** Which route a packet takes. The vendor has no action for it: this one is Suidao's own, and its name says so. */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'

const candidate = {
  NextHop: { type: 'string', note: 'The connection' },
  Priority: { type: 'number', note: 'Of a policy route' },
  RouteDest: { type: 'string' },
  RouteSource: { type: 'string', note: 'Of a policy route' },
  TunnelId: { type: 'string' },
} as const

export const suidaoExplainRoute = defineAction({
  name: 'SuidaoExplainRoute',
  summary: 'Tell which route of a VPN gateway carries a packet now, and why.',
  kind: 'read',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    SourceIp: { type: 'string', required: true },
    DestinationIp: { type: 'string', required: true },
  },
  result: {
    Chosen: { type: 'object', fields: candidate, note: 'When it goes to a tunnel' },
    PassedOver: {
      type: 'list',
      wrapper: 'Route',
      item: { type: 'object', fields: candidate },
      note: 'Routes that come first and are not used, since their tunnels are down',
    },
    Reason: { type: 'string' },
    To: { type: 'string', note: 'tunnel, vpc or nowhere' },
  },
  errors: ['InvalidVpnGatewayInstanceId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})
