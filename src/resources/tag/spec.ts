/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'

/** The last two belong to VPC: the documents of VPN Gateway name the others alone. */
export const resourceTypes = [
  'VpnGateway',
  'VPNCONNECTION',
  'CUSTOMERGATEWAY',
  'VPNATTACHMENT',
  'VPC',
  'VSWITCH',
] as const

export const tagResources = defineAction({
  name: 'TagResources',
  summary: 'Attach tags to resources; an existing key gets the new value.',
  kind: 'write',
  resources: ['{ResourceType}/{ResourceId}'],
  params: {
    RegionId: regionId,
    ResourceId: { type: 'list', required: true, maxItems: 20, item: { type: 'string' } },
    ResourceType: {
      type: 'string',
      required: true,
      enum: resourceTypes,
      anyCase: true,
    },
    Tag: {
      type: 'list',
      required: true,
      maxItems: 20,
      item: {
        type: 'struct',
        fields: {
          Key: { type: 'string', required: true, maxLength: 128, minLength: 1 },
          Value: { type: 'string', maxLength: 128, default: '' },
        },
      },
    },
  },
  result: {},
  errors: [
    'Forbidden',
    'Duplicated.TagKey',
    'InvalidParameter.TagKey',
    'InvalidParameter.TagValue',
    'InvalidTagKey.Malformed',
    'InvalidTagValue.Malformed',
    'QuotaExceeded.TagNum',
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpcId.NotFound',
    'InvalidVSwitchId.NotFound',
    'MissingResourceId',
  ],
  source: 'API description of TagResources (help pages of March 2021)',
})

export const unTagResources = defineAction({
  name: 'UnTagResources',
  summary: 'Remove tags from resources.',
  kind: 'write',
  aliases: ['UntagResources'],
  resources: ['{ResourceType}/{ResourceId}'],
  rateLimit: 300,
  params: {
    RegionId: regionId,
    ResourceId: { type: 'list', required: true, maxItems: 20, item: { type: 'string' } },
    ResourceType: {
      type: 'string',
      required: true,
      enum: resourceTypes,
      anyCase: true,
    },
    All: { type: 'boolean', default: false },
    TagKey: { type: 'list', maxItems: 20, item: { type: 'string', maxLength: 128 } },
  },
  result: {},
  errors: [
    'Forbidden',
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpcId.NotFound',
    'InvalidVSwitchId.NotFound',
    'MissingTagKey',
    'MissingResourceId',
  ],
  source: 'API description of UnTagResources (help pages of March 2021)',
})

export const listTagResources = defineAction({
  name: 'ListTagResources',
  summary: 'List tags by resource or by tag.',
  kind: 'list',
  resources: ['{ResourceType}/{ResourceId}'],
  rateLimit: 300,
  params: {
    RegionId: regionId,
    ResourceType: {
      type: 'string',
      required: true,
      enum: resourceTypes,
      anyCase: true,
    },
    ResourceId: { type: 'list', maxItems: 20, item: { type: 'string' } },
    MaxResults: { type: 'integer', min: 1, max: 50, default: 50 },
    NextToken: { type: 'string' },
    Tag: {
      type: 'list',
      maxItems: 20,
      item: {
        type: 'struct',
        fields: { Key: { type: 'string', maxLength: 64 }, Value: { type: 'string', maxLength: 128 } },
      },
    },
  },
  result: {
    NextToken: { type: 'string' },
    TagResources: {
      type: 'list',
      wrapper: 'TagResource',
      item: {
        type: 'object',
        fields: {
          ResourceId: { type: 'string' },
          ResourceType: { type: 'string' },
          TagKey: { type: 'string' },
          TagValue: { type: 'string' },
        },
      },
    },
  },
  errors: [
    'Forbidden',
    'InvalidNextToken',
    'Duplicated.TagKey',
    'InvalidParameter.TagKey',
    'InvalidTagKey.Malformed',
    'InvalidTagValue.Malformed',
    'InvalidVpnGatewayInstanceId.NotFound',
    'InvalidVpnConnectionInstanceId.NotFound',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidVpcId.NotFound',
    'InvalidVSwitchId.NotFound',
  ],
  source: 'API description of ListTagResources (help pages of March 2021)',
})
