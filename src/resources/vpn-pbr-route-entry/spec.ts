/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'
import { clientToken } from '../patterns.ts'
import {
  newRoute,
  newRouteResult,
  overlayMode,
  policyRoute,
  priority,
  weight,
} from '../route-entry/fields.ts'

export const createVpnPbrRouteEntry = defineAction({
  name: 'CreateVpnPbrRouteEntry',
  summary: 'Add a policy (source + destination) route to a VPN gateway.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 60,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...policyRoute,
    PublishVpc: { type: 'boolean', required: true },
    ...newRoute,
    Priority: { ...priority, default: 10 },
  },
  result: {
    ...newRouteResult,
    Priority: { type: 'number' },
    RouteSource: { type: 'string' },
    VpnInstanceId: { type: 'string' },
  },
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'Resource.QuotaFull',
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'DryRunOperation',
    'InvalidVpnConnectionInstanceId.NotFound',
    'VpnRouteEntry.AlreadyExists',
    'VpnRouteEntry.Conflict',
    'QuotaExceeded.PolicyBasedRoute',
  ],
  source: 'API description of CreateVpnPbrRouteEntry (help pages of March 2021, help page of 2026)',
})

export const deleteVpnPbrRouteEntry = defineAction({
  name: 'DeleteVpnPbrRouteEntry',
  summary: 'Remove a policy route from a VPN gateway.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...policyRoute,
    ClientToken: { type: 'string', pattern: clientToken },
    OverlayMode: overlayMode,
    Priority: priority,
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
  ],
  source: 'API description of DeleteVpnPbrRouteEntry (help pages of March 2021)',
})

export const describeVpnPbrRouteEntries = defineAction({
  name: 'DescribeVpnPbrRouteEntries',
  summary: 'List the policy routes of a VPN gateway.',
  kind: 'list',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...pageParams,
  },
  result: {
    ...pageResult,
    VpnPbrRouteEntries: {
      type: 'list',
      wrapper: 'VpnPbrRouteEntry',
      item: {
        type: 'object',
        fields: {
          CreateTime: { type: 'number' },
          NextHop: { type: 'string' },
          NextHopTunnelId: { type: 'string' },
          Priority: { type: 'number' },
          RouteDest: { type: 'string' },
          RouteSource: { type: 'string' },
          State: { type: 'string' },
          VpnInstanceId: { type: 'string' },
          Weight: { type: 'number' },
        },
      },
    },
  },
  errors: ['InvalidVpnGatewayInstanceId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: 'API description of DescribeVpnPbrRouteEntries (by analogy)',
})

export const modifyVpnPbrRouteEntryWeight = defineAction({
  name: 'ModifyVpnPbrRouteEntryWeight',
  summary: 'Change the weight of a policy route.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...policyRoute,
    NewWeight: { ...weight, required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    OverlayMode: overlayMode,
    Priority: priority,
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
  source: 'API description of ModifyVpnPbrRouteEntryWeight (help pages of March 2021)',
})

export const modifyVpnPbrRouteEntryPriority = defineAction({
  name: 'ModifyVpnPbrRouteEntryPriority',
  summary: 'Change the priority of a policy route.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...policyRoute,
    NewPriority: { ...priority, required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    Priority: priority,
  },
  result: {},
  errors: [
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidRouteEntry.NotFound',
    'VpnRouteEntry.BackupRoute',
    'VpnRouteEntry.Conflict',
    'VpnRouteEntry.AlreadyExists',
  ],
  source: 'API description of ModifyVpnPbrRouteEntryPriority (by analogy)',
})

export const modifyVpnPbrRouteEntryAttribute = defineAction({
  name: 'ModifyVpnPbrRouteEntryAttribute',
  summary: 'Change weight and/or priority of a policy route.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...policyRoute,
    Priority: { ...priority, required: true },
    NewPriority: priority,
    NewWeight: weight,
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {},
  errors: [
    'InvalidVpnGatewayInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidRouteEntry.NotFound',
    'VpnRouteEntry.BackupRoute',
    'VpnRouteEntry.Conflict',
    'VpnRouteEntry.AlreadyExists',
  ],
  source: 'API description of ModifyVpnPbrRouteEntryAttribute (by analogy)',
})
