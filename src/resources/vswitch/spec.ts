/** vSwitches in the small form that VPN gateways need. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { newTags, pageParams, pageResult, regionId, tagFilter, tagsResult } from '../fields.ts'
import { clientToken, text128, text256 } from '../patterns.ts'
import { tagErrors } from '../vpc/spec.ts'

const vSwitchResult = {
  AvailableIpAddressCount: { type: 'number' },
  CidrBlock: { type: 'string' },
  CreationTime: { type: 'string', note: 'yyyy-MM-ddTHH:mm:ssZ, UTC' },
  Description: { type: 'string' },
  IsDefault: { type: 'boolean' },
  ResourceGroupId: { type: 'string' },
  RouteTable: {
    type: 'object',
    fields: { RouteTableId: { type: 'string' }, RouteTableType: { type: 'string' } },
  },
  Status: { type: 'string', note: 'Pending or Available' },
  Tags: tagsResult,
  VSwitchId: { type: 'string' },
  VSwitchName: { type: 'string' },
  VpcId: { type: 'string' },
  ZoneId: { type: 'string' },
} as const

export const createVSwitch = defineAction({
  name: 'CreateVSwitch',
  summary: 'Create a vSwitch in a zone of a VPC.',
  kind: 'write',
  resources: ['vswitch/*'],
  params: {
    RegionId: regionId,
    CidrBlock: { type: 'string', required: true, illegal: 'InvalidCidrBlock.Malformed' },
    ClientToken: { type: 'string', pattern: clientToken },
    Description: { type: 'string', pattern: text256, illegal: 'InvalidDescription' },
    Tag: newTags,
    VSwitchName: { type: 'string', pattern: text128, illegal: 'InvalidName' },
    VpcId: { type: 'string', required: true },
    ZoneId: { type: 'string', required: true },
  },
  result: { VSwitchId: { type: 'string' } },
  errors: [
    'InvalidVpcId.NotFound',
    'InvalidZoneId.NotFound',
    'InvalidCidrBlock.Malformed',
    'InvalidCidrBlock.Overlapped',
    'InvalidName',
    'InvalidDescription',
    ...tagErrors,
  ],
  source: 'SDK 7.3.2 model of CreateVSwitch',
})

export const describeVSwitchAttributes = defineAction({
  name: 'DescribeVSwitchAttributes',
  summary: 'Return one vSwitch.',
  kind: 'read',
  resources: ['vswitch/{VSwitchId}'],
  params: { RegionId: regionId, VSwitchId: { type: 'string', required: true } },
  result: vSwitchResult,
  errors: ['InvalidVSwitchId.NotFound'],
  source: 'SDK 7.3.2 model of DescribeVSwitchAttributes',
})

export const describeVSwitches = defineAction({
  name: 'DescribeVSwitches',
  summary: 'List vSwitches.',
  kind: 'list',
  resources: ['vswitch/{VSwitchId}'],
  params: {
    RegionId: regionId,
    ...pageParams,
    Tag: tagFilter,
    VSwitchId: { type: 'string' },
    VSwitchName: { type: 'string' },
    VpcId: { type: 'string' },
    ZoneId: { type: 'string' },
  },
  result: {
    ...pageResult,
    VSwitches: { type: 'list', wrapper: 'VSwitch', item: { type: 'object', fields: vSwitchResult } },
  },
  errors: ['InvalidParameter.TagKey', 'Duplicated.TagKey'],
  source: 'SDK 7.3.2 model of DescribeVSwitches',
})

export const modifyVSwitchAttribute = defineAction({
  name: 'ModifyVSwitchAttribute',
  summary: 'Change name or description of a vSwitch.',
  kind: 'write',
  resources: ['vswitch/{VSwitchId}'],
  params: {
    RegionId: regionId,
    Description: { type: 'string', pattern: text256, keepEmpty: true, illegal: 'InvalidDescription' },
    VSwitchId: { type: 'string', required: true },
    VSwitchName: { type: 'string', pattern: text128, keepEmpty: true, illegal: 'InvalidName' },
  },
  result: {},
  errors: ['InvalidVSwitchId.NotFound', 'InvalidName', 'InvalidDescription'],
  source: 'SDK 7.3.2 model of ModifyVSwitchAttribute',
})

export const deleteVSwitch = defineAction({
  name: 'DeleteVSwitch',
  summary: 'Delete a vSwitch that nothing uses.',
  kind: 'write',
  resources: ['vswitch/{VSwitchId}'],
  params: { RegionId: regionId, VSwitchId: { type: 'string', required: true } },
  result: {},
  errors: ['InvalidVSwitchId.NotFound', 'DependencyViolation.VpnGateway'],
  source: 'SDK 7.3.2 model of DeleteVSwitch',
})
