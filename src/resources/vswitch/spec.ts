/** vSwitches in the small form that VPN gateways need. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'
import { clientToken, text128, text256 } from '../patterns.ts'

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
    VSwitchId: { type: 'string' },
    VSwitchName: { type: 'string' },
    VpcId: { type: 'string' },
    ZoneId: { type: 'string' },
  },
  result: {
    ...pageResult,
    VSwitches: { type: 'list', wrapper: 'VSwitch', item: { type: 'object', fields: vSwitchResult } },
  },
  errors: [],
  source: 'SDK 7.3.2 model of DescribeVSwitches',
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
