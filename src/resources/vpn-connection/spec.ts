/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId, tagFilter, tagsResult } from '../fields.ts'
import { clientToken, text128 } from '../patterns.ts'
import {
  bgpResult,
  connectionChanges,
  connectionParams,
  connectionResult,
  healthCheckParams,
  healthCheckResult,
  ikeParams,
  ikeResult,
  ipsecParams,
  ipsecResult,
  tunnelBgpParams,
  tunnelChanges,
  tunnelOptionsResult,
  unset,
} from './fields.ts'

export const createVpnConnection = defineAction({
  name: 'CreateVpnConnection',
  summary:
    'Create an IPsec connection on a VPN gateway, with one tunnel (JSON-string parameters) or two (TunnelOptionsSpecification).',
  kind: 'write',
  resources: ['vpnconnection/*'],
  params: {
    RegionId: regionId,
    VpnGatewayId: { type: 'string', required: true },
    ...connectionParams,
    TunnelOptionsSpecification: {
      type: 'list',
      maxItems: 2,
      item: {
        type: 'struct',
        fields: {
          CustomerGatewayId: { type: 'string' },
          EnableDpd: { type: 'boolean', default: true },
          EnableNatTraversal: { type: 'boolean', default: true },
          RemoteCaCertificate: { type: 'string' },
          Role: { type: 'string', enum: ['master', 'slave'] },
          TunnelBgpConfig: { type: 'struct', fields: tunnelBgpParams },
          TunnelIkeConfig: { type: 'struct', fields: ikeParams },
          TunnelIpsecConfig: { type: 'struct', fields: ipsecParams },
        },
      },
    },
    HealthCheckConfig: { type: 'json', fields: healthCheckParams },
    RemoteCaCertificate: { type: 'string' },
  },
  result: { CreateTime: { type: 'number' }, Name: { type: 'string' }, VpnConnectionId: { type: 'string' } },
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'Resource.QuotaFull',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnConnection.AlreadyExists',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'QuotaExceeded.PolicyBasedRoute',
    'IllegalParam.LocalSubnet',
    'IllegalParam.RemoteSubnet',
    'VpnTask.CONFLICT',
    'Appliance.Configuring',
    'VpnConnection.Configuring',
    'TaskConflict',
    'DryRunOperation',
    'Duplicated.TagKey',
    'InvalidParameter.TagKey',
    'InvalidParameter.TagValue',
    'InvalidTagKey.Malformed',
    'InvalidTagValue.Malformed',
    'QuotaExceeded.TagNum',
    'OperationUnsupported.EnableBgp',
    'VpnConnection.InvalidCreateTunnelOptions',
    'InvalidName',
  ],
  source:
    'API description of CreateVpnConnection (help pages of March 2021, help page of 2026, Terraform provider 1.289.0)',
})

export const describeVpnConnection = defineAction({
  name: 'DescribeVpnConnection',
  summary:
    'Return one IPsec connection with its configuration, negotiation state, health check and BGP state.',
  kind: 'read',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
  },
  result: { ...connectionResult, Tags: tagsResult, ZoneNo: { type: 'string' } },
  errors: ['Forbbiden.SubUser', 'Forbidden', 'InvalidVpnConnectionInstanceId.NotFound'],
  source: 'API description of DescribeVpnConnection (help pages of March 2021, help page of November 2021)',
})

export const describeVpnConnections = defineAction({
  name: 'DescribeVpnConnections',
  summary: 'List IPsec connections of a region.',
  kind: 'list',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    CustomerGatewayId: { type: 'string' },
    ...pageParams,
    ResourceGroupId: { type: 'string' },
    Tag: tagFilter,
    VpnConnectionId: { type: 'string' },
    VpnGatewayId: { type: 'string' },
  },
  result: {
    ...pageResult,
    VpnConnections: {
      type: 'list',
      wrapper: 'VpnConnection',
      item: { type: 'object', fields: { ...connectionResult, Tag: tagsResult } },
    },
  },
  errors: ['Forbbiden.SubUser', 'Forbidden', 'InvalidParameter.TagKey', 'Duplicated.TagKey'],
  source: 'API description of DescribeVpnConnections (help pages of March 2021)',
})

export const modifyVpnConnectionAttribute = defineAction({
  name: 'ModifyVpnConnectionAttribute',
  shownBy: { read: 'DescribeVpnConnection', by: ['VpnConnectionId'] },
  summary: 'Change an IPsec connection on a VPN gateway; also the way to turn tunnel BGP on.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ...connectionChanges,
    HealthCheckConfig: { type: 'json', fields: unset(healthCheckParams) },
    Name: { type: 'string', pattern: text128, keepEmpty: true, illegal: 'InvalidName' },
    RemoteCaCertificate: { type: 'string', keepEmpty: true },
    TunnelOptionsSpecification: {
      type: 'list',
      maxItems: 2,
      item: {
        type: 'struct',
        fields: {
          ...tunnelChanges,
          RemoteCaCertificate: { type: 'string', keepEmpty: true },
          Role: { type: 'string', enum: ['master', 'slave'] },
          TunnelId: { type: 'string' },
        },
      },
    },
  },
  result: {
    CreateTime: { type: 'number' },
    CustomerGatewayId: { type: 'string' },
    Description: { type: 'string' },
    EffectImmediately: { type: 'boolean' },
    EnableDpd: { type: 'boolean' },
    EnableNatTraversal: { type: 'boolean' },
    EnableTunnelsBgp: { type: 'boolean' },
    IkeConfig: { type: 'object', fields: ikeResult },
    IpsecConfig: { type: 'object', fields: ipsecResult },
    LocalSubnet: { type: 'string' },
    Name: { type: 'string' },
    RemoteSubnet: { type: 'string' },
    ResourceGroupId: { type: 'string' },
    TunnelOptionsSpecification: tunnelOptionsResult,
    VcoHealthCheck: { type: 'object', fields: healthCheckResult },
    VpnBgpConfig: { type: 'object', fields: bgpResult },
    VpnConnectionId: { type: 'string' },
    VpnGatewayId: { type: 'string' },
  },
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpnConnection.AlreadyExists',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'InvalidName',
    'QuotaExceeded.PolicyBasedRoute',
    'IllegalParam.LocalSubnet',
    'IllegalParam.RemoteSubnet',
    'VpnTask.CONFLICT',
    'Appliance.Configuring',
    'VpnConnection.Configuring',
    'TaskConflict',
    'OperationUnsupported.EnableBgp',
    'VpnConnection.InvalidCreateTunnelOptions',
  ],
  source:
    'API description of ModifyVpnConnectionAttribute (help pages of March 2021, Terraform provider 1.289.0)',
})

export const deleteVpnConnection = defineAction({
  name: 'DeleteVpnConnection',
  summary: 'Delete an IPsec connection from a VPN gateway.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {},
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidVpnConnectionInstanceId.NotFound',
    'VpnGateway.Configuring',
    'VpnTask.CONFLICT',
    'Appliance.Configuring',
    'VpnConnection.Configuring',
    'TaskConflict',
  ],
  source: 'API description of DeleteVpnConnection (help pages of March 2021, Terraform provider 1.289.0)',
})

export const modifyTunnelAttribute = defineAction({
  name: 'ModifyTunnelAttribute',
  shownBy: { read: 'DescribeVpnConnection', by: ['VpnConnectionId'] },
  summary: 'Change one tunnel of a dual tunnel connection.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 120,
  params: {
    RegionId: { type: 'string' },
    TunnelId: { type: 'string', required: true },
    VpnConnectionId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    TunnelOptionsSpecification: {
      type: 'struct',
      fields: { ...tunnelChanges, RemoteCaCertificate: { type: 'string', keepEmpty: true } },
    },
  },
  result: {
    CustomerGatewayId: { type: 'string' },
    EnableDpd: { type: 'boolean' },
    EnableNatTraversal: { type: 'boolean' },
    InternetIp: { type: 'string' },
    RemoteCaCertificate: { type: 'string' },
    Role: { type: 'string' },
    State: { type: 'string', observed: true },
    TunnelBgpConfig: {
      type: 'object',
      fields: {
        EnableBgp: { type: 'boolean' },
        LocalAsn: { type: 'number' },
        LocalBgpIp: { type: 'string' },
        PeerAsn: { type: 'number' },
        PeerBgpIp: { type: 'string' },
        TunnelCidr: { type: 'string' },
      },
    },
    TunnelId: { type: 'string' },
    TunnelIkeConfig: { type: 'object', fields: ikeResult },
    TunnelIpsecConfig: { type: 'object', fields: ipsecResult },
    ZoneNo: { type: 'string' },
  },
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidTunnelId.NotFound',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpnConnection.AlreadyExists',
    'VpnGateway.Configuring',
    'VpnGateway.FinancialLocked',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of ModifyTunnelAttribute (by analogy)',
})

export const downloadVpnConnectionConfig = defineAction({
  name: 'DownloadVpnConnectionConfig',
  summary: 'Return the configuration the device on the customer side needs.',
  kind: 'read',
  audited: true,
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 30,
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
  },
  result: {
    VpnConnectionConfig: {
      type: 'object',
      fields: {
        BgpConfigs: {
          type: 'list',
          wrapper: 'BgpConfig',
          item: {
            type: 'object',
            fields: {
              LocalAsn: { type: 'string' },
              LocalBgpIp: { type: 'string' },
              PeerAsn: { type: 'string' },
              PeerBgpIp: { type: 'string' },
              TunnelCidr: { type: 'string' },
              TunnelId: { type: 'string' },
            },
          },
        },
        IkeConfig: { type: 'object', fields: ikeResult },
        IpsecConfig: { type: 'object', fields: ipsecResult },
        Local: { type: 'string' },
        LocalSubnet: { type: 'string' },
        Remote: { type: 'string' },
        RemoteSubnet: { type: 'string' },
        TunnelsConfig: {
          type: 'list',
          wrapper: 'TunnelConfig',
          item: {
            type: 'object',
            fields: {
              IkeConfig: { type: 'object', fields: ikeResult },
              IpsecConfig: { type: 'object', fields: ipsecResult },
              Local: { type: 'string' },
              Remote: { type: 'string' },
              TunnelId: { type: 'string' },
            },
          },
        },
      },
    },
  },
  errors: ['Forbbiden.SubUser', 'Forbidden', 'InvalidVpnConnectionInstanceId.NotFound'],
  source: 'API description of DownloadVpnConnectionConfig (help pages of March 2021)',
})

export const describeVpnConnectionLogs = defineAction({
  name: 'DescribeVpnConnectionLogs',
  summary: 'Return log lines of a connection or tunnel.',
  kind: 'read',
  resources: ['vpnconnection/{VpnConnectionId}'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    From: { type: 'integer' },
    MinutePeriod: { type: 'integer', min: 1, max: 10 },
    ...pageParams,
    To: { type: 'integer' },
    TunnelId: { type: 'string' },
  },
  result: {
    Count: { type: 'number' },
    Data: { type: 'list', wrapper: 'Logs', item: { type: 'string' } },
    IsCompleted: { type: 'boolean' },
    PageNumber: { type: 'number' },
    PageSize: { type: 'number' },
  },
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidTunnelId.NotFound',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of DescribeVpnConnectionLogs (by analogy)',
})

export const describeVpnCrossAccountAuthorizations = defineAction({
  name: 'DescribeVpnCrossAccountAuthorizations',
  summary: 'List which other accounts may bind the connection to their transit router.',
  kind: 'list',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
    ...pageParams,
  },
  result: {
    CrossAccountAuthorizations: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          AliUid: { type: 'number' },
          BindInstance: { type: 'string' },
          BindProduct: { type: 'string' },
          BindUid: { type: 'number' },
          CreationTime: { type: 'number' },
          VpnConnectionId: { type: 'string' },
        },
      },
    },
    ...pageResult,
  },
  errors: ['InvalidVpnConnectionInstanceId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: 'API description of DescribeVpnCrossAccountAuthorizations (by analogy)',
})
