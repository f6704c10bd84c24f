/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'
import { clientToken, text128 } from '../patterns.ts'
import {
  connectionChanges,
  connectionParams,
  healthCheckParams,
  ikeResult,
  ipsecResult,
  tunnelBgpParams,
  tunnelChanges,
  unset,
} from '../vpn-connection/fields.ts'
import { pairIkeParams, pairIpsecParams } from './fields.ts'

export const createVpnAttachment = defineAction({
  name: 'CreateVpnAttachment',
  summary: 'Create an IPsec connection that is not on a VPN gateway (to be attached to a transit router).',
  kind: 'write',
  resources: ['vpnconnection/*'],
  params: {
    RegionId: regionId,
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
          TunnelBgpConfig: { type: 'struct', fields: tunnelBgpParams },
          TunnelIkeConfig: { type: 'struct', fields: pairIkeParams },
          TunnelIndex: { type: 'integer', enum: [1, 2] },
          TunnelIpsecConfig: { type: 'struct', fields: pairIpsecParams },
        },
      },
    },
    HealthCheckConfig: {
      type: 'json',
      fields: {
        ...healthCheckParams,
        Policy: { type: 'string', enum: ['revoke_route', 'reserve_route'], default: 'revoke_route' },
      },
    },
    NetworkType: { type: 'string', enum: ['public', 'private'], default: 'public' },
    RemoteCaCert: { type: 'string' },
    ResourceGroupId: { type: 'string' },
    TunnelBandwidth: { type: 'string', enum: ['Standard', 'Large'], default: 'Standard' },
  },
  result: {
    Code: { type: 'string' },
    CreateTime: { type: 'number' },
    Message: { type: 'string' },
    Name: { type: 'string' },
    Success: { type: 'boolean' },
    VpnConnectionId: { type: 'string' },
  },
  errors: [
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpnConnection.AlreadyExists',
    'Resource.QuotaFull',
    'InvalidName',
    'Forbbiden.SubUser',
    'Forbidden',
    'VpnConnection.InvalidCreateTunnelOptions',
    'DryRunOperation',
    'IllegalParam.RemoteCaCertificate',
    'OperationUnsupported.EnableBgp',
    'Duplicated.TagKey',
    'InvalidParameter.TagKey',
    'InvalidParameter.TagValue',
    'InvalidTagKey.Malformed',
    'InvalidTagValue.Malformed',
    'QuotaExceeded.TagNum',
  ],
  source:
    'API description of CreateVpnAttachment (help page of 2026, Terraform provider 1.289.0, by analogy)',
})

export const describeVpnAttachments = defineAction({
  name: 'DescribeVpnAttachments',
  summary: 'List IPsec connections of the transit-router kind.',
  kind: 'list',
  resources: ['vpnconnection/*'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    AttachType: { type: 'string', enum: ['CEN'], default: 'CEN' },
    ...pageParams,
    VpnConnectionId: { type: 'string' },
  },
  result: {
    ...pageResult,
    VpnAttachments: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          AttachType: { type: 'string' },
          CrossAccountAuthorized: { type: 'boolean' },
          Description: { type: 'string' },
          InstanceId: { type: 'string' },
          Name: { type: 'string' },
          Tag: { type: 'string' },
          Tags: {
            type: 'list',
            wrapper: null,
            item: { type: 'object', fields: { Key: { type: 'string' }, Value: { type: 'string' } } },
          },
          TransitRouterId: { type: 'string' },
          TransitRouterName: { type: 'string' },
          TunnelBandwidth: { type: 'string' },
        },
      },
    },
  },
  errors: ['Forbbiden.SubUser', 'Forbidden'],
  source: 'API description of DescribeVpnAttachments (by analogy)',
})

export const modifyVpnAttachmentAttribute = defineAction({
  name: 'ModifyVpnAttachmentAttribute',
  shownBy: { read: 'DescribeVpnConnection', by: ['VpnConnectionId'] },
  summary: 'Change an IPsec connection of the transit-router kind.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ...connectionChanges,
    CustomerGatewayId: { type: 'string' },
    HealthCheckConfig: {
      type: 'json',
      fields: {
        ...unset(healthCheckParams),
        Policy: { type: 'string', enum: ['revoke_route', 'reserve_route'] },
      },
    },
    Name: { type: 'string', pattern: text128, illegal: 'InvalidName' },
    NetworkType: { type: 'string', enum: ['public', 'private'] },
    RemoteCaCert: { type: 'string', keepEmpty: true },
    TunnelOptionsSpecification: {
      type: 'list',
      maxItems: 2,
      item: {
        type: 'struct',
        fields: {
          ...tunnelChanges,
          TunnelId: { type: 'string' },
          TunnelIndex: { type: 'integer', enum: [1, 2] },
        },
      },
    },
  },
  result: {
    AttachInstanceId: { type: 'string' },
    AttachType: { type: 'string' },
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
    NetworkType: { type: 'string' },
    RemoteSubnet: { type: 'string' },
    ResourceGroupId: { type: 'string' },
    Spec: { type: 'string' },
    Status: { type: 'string' },
    TunnelOptionsSpecification: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          CustomerGatewayId: { type: 'string' },
          EnableDpd: { type: 'boolean' },
          EnableNatTraversal: { type: 'boolean' },
          InternetIp: { type: 'string' },
          Role: { type: 'string' },
          State: { type: 'string' },
          TunnelBgpConfig: {
            type: 'object',
            fields: {
              LocalAsn: { type: 'number' },
              LocalBgpIp: { type: 'string' },
              PeerAsn: { type: 'number' },
              PeerBgpIp: { type: 'string' },
              TunnelCidr: { type: 'string' },
            },
          },
          TunnelId: { type: 'string' },
          TunnelIkeConfig: { type: 'object', fields: ikeResult },
          TunnelIndex: { type: 'number' },
          TunnelIpsecConfig: { type: 'object', fields: ipsecResult },
        },
      },
    },
    VcoHealthCheck: {
      type: 'object',
      fields: {
        Dip: { type: 'string' },
        Enable: { type: 'string' },
        Interval: { type: 'number' },
        Policy: { type: 'string' },
        Retry: { type: 'number' },
        Sip: { type: 'string' },
      },
    },
    VpnBgpConfig: {
      type: 'object',
      fields: {
        EnableBgp: { type: 'string' },
        LocalAsn: { type: 'number' },
        LocalBgpIp: { type: 'string' },
        PeerAsn: { type: 'number' },
        PeerBgpIp: { type: 'string' },
        Status: { type: 'string' },
        TunnelCidr: { type: 'string' },
      },
    },
    VpnConnectionId: { type: 'string' },
    VpnGatewayId: { type: 'string' },
  },
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'VpnConnection.Configuring',
    'VpnConnection.InvalidCreateTunnelOptions',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidName',
    'Forbbiden.SubUser',
    'Forbidden',
    'IllegalParam.RemoteCaCertificate',
    'OperationUnsupported.EnableBgp',
  ],
  source: 'API description of ModifyVpnAttachmentAttribute (by analogy)',
})

export const deleteVpnAttachment = defineAction({
  name: 'DeleteVpnAttachment',
  summary: 'Delete an IPsec connection of the transit-router kind.',
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: { Code: { type: 'string' }, Message: { type: 'string' }, Success: { type: 'boolean' } },
  errors: [
    'InvalidVpnConnectionInstanceId.NotFound',
    'VpnConnection.Configuring',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of DeleteVpnAttachment (by analogy)',
})
