/**
 * What clients of VPN gateways ask of other products, in the small form that they need: which resource groups there are,
 * where a product answers, what has been bought.
 */
import { defineAction } from '../../rpc/spec.ts'
import { pageResult } from '../fields.ts'

/** Of a region, a product, a kind of endpoint. */
const word = /^[\w-]{1,64}$/

export const listResourceGroups = defineAction({
  name: 'ListResourceGroups',
  product: { code: 'resourcemanager', version: '2020-03-31' },
  summary: 'List the resource groups that resources have been put into.',
  kind: 'list',
  resources: ['resourcegroup/*'],
  params: {
    RegionId: { type: 'string' },
    DisplayName: { type: 'string' },
    Name: { type: 'string' },
    PageNumber: { type: 'integer', min: 1, default: 1 },
    PageSize: { type: 'integer', min: 1, max: 100, default: 10 },
    ResourceGroupId: { type: 'string' },
    Status: { type: 'string' },
  },
  result: {
    ...pageResult,
    ResourceGroups: {
      type: 'list',
      wrapper: 'ResourceGroup',
      item: {
        type: 'object',
        fields: {
          AccountId: { type: 'string' },
          DisplayName: { type: 'string' },
          Id: { type: 'string' },
          Name: { type: 'string' },
          Status: { type: 'string' },
        },
      },
    },
  },
  errors: [],
  source: 'Go SDK 1.63.107 model of ListResourceGroups',
})

export const describeEndpoints = defineAction({
  name: 'DescribeEndpoints',
  product: { code: 'location', version: '2015-06-12' },
  summary: 'Say where a product answers: here, whichever is asked for.',
  kind: 'list',
  // Clients ask before they know anything, with whatever key they have.
  resources: [],
  params: {
    RegionId: { type: 'string' },
    Id: { type: 'string', required: true, pattern: word },
    ServiceCode: { type: 'string', required: true, pattern: word },
    Type: { type: 'string', default: 'openAPI', pattern: word },
  },
  result: {
    Endpoints: {
      type: 'list',
      wrapper: 'Endpoint',
      item: {
        type: 'object',
        fields: {
          Endpoint: { type: 'string' },
          Id: { type: 'string' },
          Namespace: { type: 'string' },
          Protocols: { type: 'list', wrapper: 'Protocols', item: { type: 'string' } },
          SerivceCode: { type: 'string', note: 'sic' },
          Type: { type: 'string' },
        },
      },
    },
    Success: { type: 'boolean' },
  },
  errors: [],
  source: 'Go SDK 1.63.107 model of DescribeEndpoints',
})

export const queryAvailableInstances = defineAction({
  name: 'QueryAvailableInstances',
  product: { code: 'bssopenapi', version: '2017-12-14' },
  summary: 'List what has been bought: nothing.',
  kind: 'list',
  resources: ['*'],
  params: {
    RegionId: { type: 'string' },
    PageNum: { type: 'integer', min: 1, default: 1 },
    PageSize: { type: 'integer', min: 1, max: 300, default: 20 },
    ProductCode: { type: 'string' },
    ProductType: { type: 'string' },
    Region: { type: 'string' },
    SubscriptionType: { type: 'string' },
  },
  result: {
    Code: { type: 'string' },
    Data: {
      type: 'object',
      fields: {
        InstanceList: {
          type: 'list',
          wrapper: null,
          item: { type: 'object', fields: { InstanceID: { type: 'string' } } },
        },
        PageNum: { type: 'number' },
        PageSize: { type: 'number' },
        TotalCount: { type: 'number' },
      },
    },
    Message: { type: 'string' },
    Success: { type: 'boolean' },
  },
  errors: [],
  source: 'Go SDK 1.63.107 model of QueryAvailableInstances',
})
