/** What the vendor promises of this noun: parameters, answer fields, codes. Product Sts, version 2015-04-01. */
import { defineAction } from '../../rpc/spec.ts'

const sts = { code: 'sts', version: '2015-04-01' } as const

export const getCallerIdentity = defineAction({
  name: 'GetCallerIdentity',
  product: sts,
  summary: 'Say who the caller is.',
  kind: 'read',
  // Whoever has a key may ask whose it is.
  resources: [],
  params: { RegionId: { type: 'string' } },
  result: {
    AccountId: { type: 'string' },
    Arn: { type: 'string' },
    IdentityType: { type: 'string' },
    PrincipalId: { type: 'string' },
    RoleId: { type: 'string' },
    UserId: { type: 'string' },
  },
  errors: [],
  source: 'STS API reference, GetCallerIdentity (Alibaba Cloud help, 2024)',
})

export const assumeRole = defineAction({
  name: 'AssumeRole',
  product: sts,
  summary: 'Give a RAM user a temporary key with the rights of a role.',
  kind: 'write',
  resources: ['{RoleArn}'],
  rateLimit: 6000,
  params: {
    RegionId: { type: 'string' },
    DurationSeconds: { type: 'integer', unit: 's', min: 900, max: 43_200, default: 3600 },
    Policy: { type: 'string', maxLength: 1024, illegal: 'InvalidParameter.PolicyGrammar' },
    RoleArn: {
      type: 'string',
      required: true,
      pattern: /^acs:ram::[\w-]+:role\/[\w.-]{1,64}$/,
      illegal: 'InvalidParameter.RoleArn',
    },
    RoleSessionName: {
      type: 'string',
      required: true,
      pattern: /^[\w.@-]{2,64}$/,
      illegal: 'InvalidParameter.RoleSessionName',
    },
  },
  result: {
    AssumedRoleUser: {
      type: 'object',
      fields: { Arn: { type: 'string' }, AssumedRoleId: { type: 'string' } },
    },
    Credentials: {
      type: 'object',
      fields: {
        AccessKeyId: { type: 'string' },
        AccessKeySecret: { type: 'string' },
        Expiration: { type: 'string' },
        SecurityToken: { type: 'string' },
      },
    },
  },
  errors: [
    'NoPermission',
    'EntityNotExist.Role',
    'InvalidParameter.PolicyGrammar',
    'IllegalParam.DurationSeconds',
  ],
  source:
    'STS API reference, AssumeRole, and its list of common errors (Alibaba Cloud help, 2020 and December 2024)',
})
