/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'
import { clientToken } from '../patterns.ts'
import {
  destinationRoute,
  listedRoute,
  newRoute,
  newRouteResult,
  overlayMode,
  routeCountFields,
  weight,
  weightedRoute,
} from '../route-entry/fields.ts'

export const createVpnRouteEntry = defineAction({
  name: 'CreateVpnRouteEntry',
  summary: 'Add a destination route to a VPN gateway.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...weightedRoute,
    PublishVpc: { type: 'boolean', required: true },
    ...newRoute,
  },
  result: { ...newRouteResult, VpnInstanceId: { type: 'string' } },
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'Resource.QuotaFull',
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'Forbidden.SubUser',
    'TaskConflict',
    'DryRunOperation',
    'InvalidVpnConnectionInstanceId.NotFound',
    'VpnRouteEntry.AlreadyExists',
    'VpnRouteEntry.Conflict',
  ],
  source:
    'API description of CreateVpnRouteEntry (help pages of March 2021, help page of 2026, Terraform provider 1.289.0)',
})

export const deleteVpnRouteEntry = defineAction({
  name: 'DeleteVpnRouteEntry',
  summary:
    'Remove a destination route from a VPN gateway. The route is found by destination, next hop and weight.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 60,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...weightedRoute,
    ClientToken: { type: 'string', pattern: clientToken },
    OverlayMode: overlayMode,
  },
  result: {},
  errors: [
    'Forbidden.SubUser',
    'Forbidden',
    'Resource.QuotaFull',
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'VpnRouteEntry.Configuring',
    'InvalidRouteEntry.NotFound',
  ],
  source: 'API description of DeleteVpnRouteEntry (help pages of March 2021, Terraform provider 1.289.0)',
})

export const describeVpnRouteEntries = defineAction({
  name: 'DescribeVpnRouteEntries',
  summary: 'List the destination and BGP routes of a VPN gateway.',
  kind: 'list',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...pageParams,
    RouteEntryType: { type: 'string', enum: ['Custom', 'System'], anyCase: true },
  },
  result: {
    ...pageResult,
    VpnRouteCounts: {
      type: 'list',
      wrapper: 'VpnRouteCount',
      item: {
        type: 'object',
        fields: routeCountFields,
      },
    },
    VpnRouteEntries: {
      type: 'list',
      wrapper: 'VpnRouteEntry',
      item: {
        type: 'object',
        fields: {
          ...listedRoute,
          NextHopTunnelId: { type: 'string' },
          VpnInstanceId: { type: 'string' },
        },
      },
    },
  },
  errors: [
    'Forbidden.SubUser',
    'Forbidden',
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnInstanceId.NotFound',
  ],
  source:
    'API description of DescribeVpnRouteEntries (help pages of March 2021, Terraform provider 1.289.0, by analogy)',
})

export const modifyVpnRouteEntryWeight = defineAction({
  name: 'ModifyVpnRouteEntryWeight',
  summary: 'Change the weight of a destination route.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...weightedRoute,
    NewWeight: { ...weight, required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    OverlayMode: overlayMode,
  },
  result: {},
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'Resource.QuotaFull',
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'InvalidRouteEntry.NotFound',
    'VpnRouteEntry.BackupRoute',
    'VpnRouteEntry.Conflict',
  ],
  source: 'API description of ModifyVpnRouteEntryWeight (help pages of March 2021)',
})

export const publishVpnRouteEntry = defineAction({
  name: 'PublishVpnRouteEntry',
  summary: 'Publish a gateway route into the VPC route table, or withdraw it.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 60,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...destinationRoute,
    PublishVpc: { type: 'boolean', required: true },
    RouteType: { type: 'string', required: true, enum: ['pbr', 'dbr'] },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {},
  errors: [
    'Forbidden.SubUser',
    'Forbidden',
    'Resource.QuotaFull',
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'InvalidRouteEntry.NotFound',
  ],
  source: 'API description of PublishVpnRouteEntry (help pages of March 2021)',
})
