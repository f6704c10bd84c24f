/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'
import { clientToken } from '../patterns.ts'

export const diagnoseVpnConnections = defineAction({
  name: 'DiagnoseVpnConnections',
  summary: 'Explain why connections or tunnels fail to negotiate (last three minutes of logs).',
  kind: 'read',
  resources: ['vpnconnection/{VpnConnectionIds}'],
  params: {
    RegionId: regionId,
    TunnelIds: { type: 'list', item: { type: 'string' } },
    VpnConnectionIds: { type: 'list', item: { type: 'string' } },
    ...pageParams,
    VpnGatewayId: { type: 'string' },
  },
  result: {
    ...pageResult,
    VpnConnections: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          FailedReason: { type: 'string' },
          FailedReasonCode: { type: 'string' },
          FailedTime: { type: 'number' },
          MismatchLocalParam: { type: 'string' },
          MismatchRemoteParam: { type: 'string' },
          Severity: { type: 'string' },
          SourceLog: { type: 'string' },
          TunnelId: { type: 'string' },
          VpnConnectionId: { type: 'string' },
        },
      },
    },
  },
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidTunnelId.NotFound',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of DiagnoseVpnConnections (by analogy)',
})

export const diagnoseVpnGateway = defineAction({
  name: 'DiagnoseVpnGateway',
  summary: 'Start a diagnosis of a connection on a gateway.',
  kind: 'write',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: {
    RegionId: regionId,
    ResourceId: { type: 'string', required: true },
    ResourceType: { type: 'string', required: true, enum: ['IPsec'], anyCase: true },
    VpnGatewayId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    IPsecExtendInfo: {
      type: 'json',
      fields: { PrivateSourceIp: { type: 'string' }, PrivateDestinationIp: { type: 'string' } },
    },
  },
  result: { DiagnoseId: { type: 'string' } },
  errors: [
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnConnectionInstanceId.NotFound',
    'VpnGateway.Configuring',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of DiagnoseVpnGateway (by analogy)',
})

export const getVpnGatewayDiagnoseResult = defineAction({
  name: 'GetVpnGatewayDiagnoseResult',
  summary: 'Read the result of a diagnosis.',
  kind: 'read',
  resources: ['vpngateway/{VpnGatewayId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    DiagnoseId: { type: 'string' },
    VpnGatewayId: { type: 'string' },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {
    BeginTime: { type: 'string' },
    DiagnoseId: { type: 'string' },
    DiagnoseResult: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          DiagnoseName: { type: 'string' },
          DiagnoseResultDescription: { type: 'string' },
          DiagnoseResultLevel: { type: 'string' },
        },
      },
    },
    FinishTime: { type: 'string' },
    FinishedCount: { type: 'number' },
    ResourceInstanceId: { type: 'string' },
    ResourceType: { type: 'string' },
    TotalCount: { type: 'number' },
    VpnGatewayId: { type: 'string' },
  },
  errors: [
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidDiagnoseId.NotFound',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of GetVpnGatewayDiagnoseResult (by analogy)',
})
