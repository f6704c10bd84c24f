/** VPCs in the small form that VPN gateways need. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { newTags, pageParams, pageResult, regionId, tagFilter, tagsResult } from '../fields.ts'
import { clientToken, text128, text256 } from '../patterns.ts'

const vpcResult = {
  CidrBlock: { type: 'string' },
  CreationTime: { type: 'string', note: 'yyyy-MM-ddTHH:mm:ssZ, UTC' },
  Description: { type: 'string' },
  IsDefault: { type: 'boolean' },
  RegionId: { type: 'string' },
  ResourceGroupId: { type: 'string' },
  SecondaryCidrBlocks: { type: 'list', wrapper: 'SecondaryCidrBlock', item: { type: 'string' } },
  Status: { type: 'string', note: 'Pending or Available' },
  Tags: tagsResult,
  UserCidrs: { type: 'list', wrapper: 'UserCidr', item: { type: 'string' } },
  VRouterId: { type: 'string' },
  VSwitchIds: { type: 'list', wrapper: 'VSwitchId', item: { type: 'string' } },
  VpcId: { type: 'string' },
  VpcName: { type: 'string' },
} as const

/** What tags at creation are refused with. */
export const tagErrors = [
  'Duplicated.TagKey',
  'InvalidParameter.TagKey',
  'InvalidTagKey.Malformed',
  'InvalidTagValue.Malformed',
  'QuotaExceeded.TagNum',
] as const

export const createVpc = defineAction({
  name: 'CreateVpc',
  summary: 'Create a virtual private cloud.',
  kind: 'write',
  resources: ['vpc/*'],
  params: {
    RegionId: regionId,
    CidrBlock: { type: 'string', default: '172.16.0.0/12', illegal: 'InvalidCidrBlock.Malformed' },
    ClientToken: { type: 'string', pattern: clientToken },
    Description: { type: 'string', pattern: text256, illegal: 'InvalidDescription' },
    DryRun: { type: 'boolean', default: false },
    Tag: newTags,
    VpcName: { type: 'string', pattern: text128, illegal: 'InvalidName' },
  },
  result: {
    ResourceGroupId: { type: 'string' },
    RouteTableId: { type: 'string' },
    VRouterId: { type: 'string' },
    VpcId: { type: 'string' },
  },
  errors: [
    'InvalidCidrBlock.Malformed',
    'InvalidName',
    'InvalidDescription',
    'DryRunOperation',
    ...tagErrors,
  ],
  source: 'SDK 7.3.2 model of CreateVpc',
})

export const describeVpcAttribute = defineAction({
  name: 'DescribeVpcAttribute',
  summary: 'Return one VPC.',
  kind: 'read',
  resources: ['vpc/{VpcId}'],
  params: { RegionId: regionId, VpcId: { type: 'string', required: true } },
  result: vpcResult,
  errors: ['InvalidVpcId.NotFound'],
  source: 'SDK 7.3.2 model of DescribeVpcAttribute',
})

export const describeVpcs = defineAction({
  name: 'DescribeVpcs',
  summary: 'List VPCs.',
  kind: 'list',
  resources: ['vpc/{VpcId}'],
  params: {
    RegionId: regionId,
    ...pageParams,
    Tag: tagFilter,
    VpcId: { type: 'string', note: 'Up to 20 ids, separated by commas' },
    VpcName: { type: 'string' },
  },
  result: {
    ...pageResult,
    Vpcs: { type: 'list', wrapper: 'Vpc', item: { type: 'object', fields: vpcResult } },
  },
  errors: ['InvalidParameter.TagKey', 'Duplicated.TagKey'],
  source: 'SDK 7.3.2 model of DescribeVpcs',
})

export const modifyVpcAttribute = defineAction({
  name: 'ModifyVpcAttribute',
  summary: 'Change name or description of a VPC.',
  kind: 'write',
  resources: ['vpc/{VpcId}'],
  params: {
    RegionId: regionId,
    CidrBlock: { type: 'string', note: 'The present one: a VPC keeps its network' },
    Description: { type: 'string', pattern: text256, keepEmpty: true, illegal: 'InvalidDescription' },
    VpcId: { type: 'string', required: true },
    VpcName: { type: 'string', pattern: text128, keepEmpty: true, illegal: 'InvalidName' },
  },
  result: {},
  errors: ['InvalidVpcId.NotFound', 'InvalidName', 'InvalidDescription'],
  source: 'SDK 7.3.2 model of ModifyVpcAttribute',
})

export const deleteVpc = defineAction({
  name: 'DeleteVpc',
  summary: 'Delete an empty VPC.',
  kind: 'write',
  resources: ['vpc/{VpcId}'],
  params: {
    RegionId: regionId,
    DryRun: { type: 'boolean', default: false },
    VpcId: { type: 'string', required: true },
  },
  result: {},
  errors: ['InvalidVpcId.NotFound', 'DependencyViolation.VSwitch', 'DryRunOperation'],
  source: 'SDK 7.3.2 model of DeleteVpc',
})

export const describeRouteTableList = defineAction({
  name: 'DescribeRouteTableList',
  summary: 'List the route tables of VPCs: each has one.',
  kind: 'list',
  resources: ['vpc/{VpcId}'],
  params: {
    RegionId: regionId,
    ...pageParams,
    RouteTableId: { type: 'string' },
    RouteTableType: { type: 'string', enum: ['System', 'Custom'], anyCase: true },
    RouterId: { type: 'string' },
    RouterType: { type: 'string', enum: ['VRouter', 'VBR'], anyCase: true },
    VpcId: { type: 'string' },
  },
  result: {
    ...pageResult,
    RouterTableList: {
      type: 'list',
      wrapper: 'RouterTableListType',
      item: {
        type: 'object',
        fields: {
          AssociateType: { type: 'string' },
          CreationTime: { type: 'string' },
          Description: { type: 'string' },
          ResourceGroupId: { type: 'string' },
          RouteTableId: { type: 'string' },
          RouteTableName: { type: 'string' },
          RouteTableType: { type: 'string' },
          RouterId: { type: 'string' },
          RouterType: { type: 'string' },
          Status: { type: 'string' },
          VSwitchIds: { type: 'list', wrapper: 'VSwitchId', item: { type: 'string' } },
          VpcId: { type: 'string' },
        },
      },
    },
  },
  errors: [],
  source: 'SDK 7.3.2 model of DescribeRouteTableList',
})
