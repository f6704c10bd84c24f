/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'
import { clientToken } from '../patterns.ts'
import {
  listedRoute,
  newRoute,
  newRouteResult,
  overlayMode,
  routeCountFields,
  weight,
  weightedRoute,
} from '../route-entry/fields.ts'

export const createVcoRouteEntry = defineAction({
  name: 'CreateVcoRouteEntry',
  summary: 'Add a destination route to an IPsec connection attached to a transit router.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ...weightedRoute,
    ...newRoute,
  },
  result: { ...newRouteResult, VpnConnectionId: { type: 'string' } },
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'Resource.QuotaFull',
    'Forbbiden.SubUser',
    'Forbidden',
    'TaskConflict',
    'DryRunOperation',
    'VpnConnection.Configuring',
    'VpnRouteEntry.AlreadyExists',
    'VpnRouteEntry.Conflict',
  ],
  source:
    'API description of CreateVcoRouteEntry (help page of 2026, Terraform provider 1.289.0, by analogy)',
})

export const deleteVcoRouteEntry = defineAction({
  name: 'DeleteVcoRouteEntry',
  summary: 'Remove a destination route from an attached IPsec connection.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 60,
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ...weightedRoute,
    ClientToken: { type: 'string', pattern: clientToken },
    OverlayMode: overlayMode,
  },
  result: {},
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'Forbbiden.SubUser',
    'Forbidden',
    'TaskConflict',
    'InvalidRouteEntry.NotFound',
    'VpnConnection.Configuring',
  ],
  source: 'API description of DeleteVcoRouteEntry (Terraform provider 1.289.0, by analogy)',
})

export const describeVcoRouteEntries = defineAction({
  name: 'DescribeVcoRouteEntries',
  summary: 'List destination and BGP routes of an attached IPsec connection.',
  kind: 'list',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    ...pageParams,
    RouteEntryType: { type: 'string', enum: ['custom', 'bgp'], anyCase: true, default: 'custom' },
  },
  result: {
    ...pageResult,
    VcoRouteEntries: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          ...listedRoute,
          NextHopTunnelIdList: { type: 'list', wrapper: null, item: { type: 'string' } },
          VpnConnectionId: { type: 'string' },
        },
      },
    },
    VpnRouteCounts: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: routeCountFields,
      },
    },
  },
  errors: ['InvalidVpnConnectionInstanceId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: 'API description of DescribeVcoRouteEntries (by analogy)',
})

export const modifyVcoRouteEntryWeight = defineAction({
  name: 'ModifyVcoRouteEntryWeight',
  summary: 'Change the weight of such a route.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ...weightedRoute,
    NewWeight: { ...weight, required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    OverlayMode: overlayMode,
  },
  result: {},
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidRouteEntry.NotFound',
    'VpnConnection.Configuring',
  ],
  source: 'API description of ModifyVcoRouteEntryWeight (by analogy)',
})
