/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { newTags, pageParams, pageResult, regionId, tagFilter, tagsResult } from '../fields.ts'
import { asn, bgpKey, clientToken, text128, text256 } from '../patterns.ts'

export const createCustomerGateway = defineAction({
  name: 'CreateCustomerGateway',
  summary: 'Register the address (and ASN) of the device on the customer side.',
  kind: 'write',
  resources: ['customergateway/*'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    IpAddress: { type: 'string', required: true, illegal: 'InvalidIpAddress.WrongFormat' },
    Asn: { type: 'string', pattern: asn },
    AuthKey: {
      type: 'string',
      pattern: bgpKey,
      secret: true,
      maxLength: 64,
      minLength: 1,
    },
    ClientToken: { type: 'string', pattern: clientToken },
    Description: { type: 'string', pattern: text256, illegal: 'InvalidDescription' },
    Name: { type: 'string', pattern: text128, illegal: 'InvalidName' },
    ResourceGroupId: { type: 'string' },
    Tags: newTags,
  },
  result: {
    CreateTime: { type: 'number' },
    CustomerGatewayId: { type: 'string' },
    Description: { type: 'string' },
    IpAddress: { type: 'string' },
    Name: { type: 'string' },
  },
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidIpAddress.AlreadyExist',
    'InvalidIpAddress.WrongFormat',
    'InvalidName',
    'InvalidDescription',
    'Resource.QuotaFull',
    'OperationConflict',
    'Duplicated.TagKey',
    'InvalidParameter.TagKey',
    'InvalidParameter.TagValue',
    'InvalidTagKey.Malformed',
    'InvalidTagValue.Malformed',
    'QuotaExceeded.TagNum',
  ],
  source: 'API description of CreateCustomerGateway (help pages of March 2021, Terraform provider 1.289.0)',
})

/** One customer gateway as both reads show it. */
const customerGatewayResult = {
  Asn: { type: 'number' },
  AuthKey: { type: 'string', secret: true },
  CreateTime: { type: 'number' },
  CustomerGatewayId: { type: 'string' },
  Description: { type: 'string' },
  IpAddress: { type: 'string' },
  Name: { type: 'string' },
  ResourceGroupId: { type: 'string' },
  Tags: tagsResult,
} as const

export const describeCustomerGateway = defineAction({
  name: 'DescribeCustomerGateway',
  summary: 'Return one customer gateway.',
  kind: 'read',
  resources: ['customergateway/{CustomerGatewayId}'],
  params: {
    RegionId: regionId,
    CustomerGatewayId: { type: 'string', required: true },
  },
  result: customerGatewayResult,
  errors: ['Forbbiden.SubUser', 'Forbidden', 'InvalidCustomerGatewayInstanceId.NotFound'],
  source: 'API description of DescribeCustomerGateway (help pages of March 2021)',
})

export const describeCustomerGateways = defineAction({
  name: 'DescribeCustomerGateways',
  summary: 'List customer gateways of a region.',
  kind: 'list',
  resources: ['customergateway/{CustomerGatewayId}'],
  rateLimit: 600,
  params: {
    RegionId: regionId,
    CustomerGatewayId: { type: 'string' },
    ...pageParams,
    ResourceGroupId: { type: 'string' },
    Tag: tagFilter,
  },
  result: {
    CustomerGateways: {
      type: 'list',
      wrapper: 'CustomerGateway',
      item: {
        type: 'object',
        fields: customerGatewayResult,
      },
    },
    ...pageResult,
  },
  errors: ['Forbbiden.SubUser', 'Forbidden', 'InvalidParameter.TagKey', 'Duplicated.TagKey'],
  source: 'API description of DescribeCustomerGateways (help pages of March 2021)',
})

export const modifyCustomerGatewayAttribute = defineAction({
  name: 'ModifyCustomerGatewayAttribute',
  shownBy: { read: 'DescribeCustomerGateway', by: ['CustomerGatewayId'] },
  summary: 'Change name, description or BGP key of a customer gateway.',
  kind: 'write',
  resources: ['customergateway/{CustomerGatewayId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    CustomerGatewayId: { type: 'string', required: true },
    AuthKey: {
      type: 'string',
      pattern: bgpKey,
      secret: true,
      maxLength: 64,
      minLength: 1,
    },
    ClientToken: { type: 'string', pattern: clientToken },
    Description: { type: 'string', pattern: text256, keepEmpty: true, illegal: 'InvalidDescription' },
    Name: { type: 'string', pattern: text128, keepEmpty: true, illegal: 'InvalidName' },
  },
  result: {
    CreateTime: { type: 'number' },
    CustomerGatewayId: { type: 'string' },
    Description: { type: 'string' },
    IpAddress: { type: 'string' },
    Name: { type: 'string' },
    ResourceGroupId: { type: 'string' },
  },
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidName',
    'InvalidDescription',
  ],
  source: 'API description of ModifyCustomerGatewayAttribute (help pages of March 2021)',
})

export const deleteCustomerGateway = defineAction({
  name: 'DeleteCustomerGateway',
  summary: 'Delete a customer gateway.',
  kind: 'write',
  resources: ['customergateway/{CustomerGatewayId}'],
  rateLimit: 120,
  params: {
    RegionId: regionId,
    CustomerGatewayId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {},
  errors: [
    'Forbbiden.SubUser',
    'Forbidden',
    'InvalidCustomerGatewayInstanceId.NotFound',
    'InvalidCustomerGateway.InUse',
  ],
  source: 'API description of DeleteCustomerGateway (help pages of March 2021)',
})
