/** What the vendor promises of this noun: parameters, answer fields, codes. Product ActionTrail, version 2020-07-06. */
import { defineAction } from '../../rpc/spec.ts'

export const lookupEvents = defineAction({
  name: 'LookupEvents',
  product: { code: 'actiontrail', version: '2020-07-06' },
  summary: 'Say who changed what, when and from where.',
  kind: 'list',
  resources: ['*'],
  params: {
    RegionId: { type: 'string' },
    StartTime: { type: 'string', illegal: 'InvalidParameter' },
    EndTime: { type: 'string', illegal: 'InvalidParameter' },
    Direction: { type: 'string', enum: ['BACKWARD', 'FORWARD'], anyCase: true, default: 'BACKWARD' },
    MaxResults: { type: 'integer', min: 1, max: 50, default: 20 },
    NextToken: { type: 'string' },
    LookupAttribute: {
      type: 'list',
      maxItems: 8,
      item: {
        type: 'struct',
        fields: {
          Key: {
            type: 'string',
            enum: [
              ...(['EventAccessKeyId', 'EventId', 'EventName', 'EventRW'] as const),
              ...(['ResourceName', 'ResourceType', 'ServiceName', 'User'] as const),
            ],
            anyCase: true,
          },
          Value: { type: 'string' },
        },
      },
    },
  },
  result: {
    StartTime: { type: 'string' },
    EndTime: { type: 'string' },
    NextToken: { type: 'string' },
    Events: {
      type: 'list',
      wrapper: null,
      item: {
        type: 'object',
        fields: {
          acsRegion: { type: 'string' },
          apiVersion: { type: 'string' },
          changesJson: {
            type: 'string',
            note: 'ours: fields with their values before and after, secrets as stars',
          },
          errorCode: { type: 'string' },
          eventId: { type: 'string' },
          eventName: { type: 'string' },
          eventRW: { type: 'string' },
          eventTime: { type: 'string' },
          eventType: { type: 'string' },
          eventVersion: { type: 'string' },
          requestId: { type: 'string' },
          requestParameterJson: { type: 'string', note: 'what the call set, secrets as stars' },
          resourceName: { type: 'string', note: 'ids, joined by semicolons' },
          resourceType: { type: 'string', note: 'as in the permission, joined by semicolons' },
          serviceName: { type: 'string' },
          sourceIpAddress: { type: 'string' },
          userAgent: { type: 'string' },
          userIdentity: {
            type: 'object',
            fields: {
              accessKeyId: { type: 'string' },
              accountId: { type: 'string' },
              principalId: { type: 'string' },
              type: { type: 'string' },
              userName: { type: 'string' },
            },
          },
        },
      },
    },
  },
  errors: ['InvalidParameter', 'InvalidNextToken'],
  source: 'ActionTrail event structure and LookupEvents as clients call it (public code, read 2026-11)',
})
