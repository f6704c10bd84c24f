/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'

export const moveVpnResourceGroup = defineAction({
  name: 'MoveVpnResourceGroup',
  summary: 'Move a VPN resource to another resource group.',
  kind: 'write',
  resources: ['vpngateway/{InstanceId}', 'customergateway/{InstanceId}', 'vpnconnection/{InstanceId}'],
  params: {
    RegionId: regionId,
    InstanceId: { type: 'string', required: true },
    NewResourceGroupId: { type: 'string', required: true },
    ResourceType: {
      type: 'string',
      required: true,
      enum: ['VpnGateway', 'CustomerGateway', 'VpnAttachment'],
      anyCase: true,
    },
  },
  result: {},
  errors: [
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'Forbbiden.SubUser',
    'Forbidden',
  ],
  source: 'API description of MoveVpnResourceGroup (by analogy)',
})
