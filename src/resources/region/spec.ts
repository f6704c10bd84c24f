/** What the vendor promises of this noun: parameters, answer fields, codes. Product Vpc, version 2016-04-28. */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'

export const describeRegions = defineAction({
  name: 'DescribeRegions',
  summary: 'List the regions in which the product exists.',
  kind: 'read',
  resources: ['*'],
  params: {
    RegionId: { type: 'string' },
    AcceptLanguage: { type: 'string', enum: ['zh-CN', 'en-US'], anyCase: true, default: 'zh-CN' },
    ProductType: { type: 'string', default: 'VPC' },
  },
  result: {
    Regions: {
      type: 'list',
      wrapper: 'Region',
      item: {
        type: 'object',
        fields: {
          LocalName: { type: 'string' },
          RegionEndpoint: { type: 'string' },
          RegionId: { type: 'string' },
        },
      },
    },
  },
  errors: [],
  source: 'API description of DescribeRegions (SDK 7.3.2 model)',
})

export const describeZones = defineAction({
  name: 'DescribeZones',
  summary: 'List the zones of a region.',
  kind: 'read',
  resources: ['*'],
  params: {
    RegionId: regionId,
    AcceptLanguage: { type: 'string', enum: ['zh-cn', 'en-us', 'ja'], anyCase: true },
    ZoneType: { type: 'string', default: 'AvailabilityZone' },
  },
  result: {
    Zones: {
      type: 'list',
      wrapper: 'Zone',
      item: {
        type: 'object',
        fields: { LocalName: { type: 'string' }, ZoneId: { type: 'string' }, ZoneType: { type: 'string' } },
      },
    },
  },
  errors: [],
  source: 'API description of DescribeZones (SDK 7.3.2 model)',
})
