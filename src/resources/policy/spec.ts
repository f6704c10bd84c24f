/** What the vendor promises of this noun: parameters, answer fields, codes. Product Ram, version 2015-05-01. */
import { defineAction } from '../../rpc/spec.ts'
import { line, markerParams, markerResult, nothing, ram, ramSource } from '../ram.ts'
import { userName } from '../user/spec.ts'

const common = { product: ram, source: ramSource } as const
const ofPolicy = { ...common, resources: ['policy/{PolicyName}'] } as const

export const policyName = {
  type: 'string',
  required: true,
  pattern: /^[A-Za-z0-9-]{1,128}$/,
  illegal: 'InvalidParameter.PolicyName.InvalidChars',
} as const

const anyType = {
  type: 'string',
  enum: ['System', 'Custom'],
  note: 'System: those that are there from the start',
} as const
export const policyType = { ...anyType, required: true } as const

const document = {
  type: 'string',
  required: true,
  maxLength: 6144,
  illegal: 'InvalidParameter.PolicyDocument',
  note: '{"Version":"1","Statement":[...]}',
} as const

const name = {
  DefaultVersion: { type: 'string' },
  Description: { type: 'string' },
  PolicyName: { type: 'string' },
  PolicyType: { type: 'string' },
} as const
const created = { ...name, CreateDate: { type: 'string' } } as const
const counted = {
  ...created,
  AttachmentCount: { type: 'number' },
  UpdateDate: { type: 'string', observed: true },
} as const

const version = {
  CreateDate: { type: 'string' },
  IsDefaultVersion: { type: 'boolean' },
  VersionId: { type: 'string' },
} as const
const versionWithText = { ...version, PolicyDocument: { type: 'string' } } as const

const attached = { ...name, AttachDate: { type: 'string' } } as const
export const attachedList = {
  Policies: { type: 'list', wrapper: 'Policy', item: { type: 'object', fields: attached } },
} as const

const denied = ['Forbbiden.SubUser', 'Forbidden'] as const

export const createPolicy = defineAction({
  ...ofPolicy,
  name: 'CreatePolicy',
  summary: 'Make a policy, which then can be attached to users and roles.',
  kind: 'write',
  params: {
    PolicyName: policyName,
    PolicyDocument: document,
    Description: line(1024),
  },
  result: { Policy: { type: 'object', fields: created } },
  errors: ['EntityAlreadyExists.Policy', 'InvalidParameter.PolicyDocument', ...denied],
})

export const getPolicy = defineAction({
  ...ofPolicy,
  name: 'GetPolicy',
  summary: 'Show a policy with its document.',
  kind: 'read',
  params: { PolicyName: policyName, PolicyType: policyType },
  result: {
    DefaultPolicyVersion: { type: 'object', fields: versionWithText },
    Policy: { type: 'object', fields: { ...counted, PolicyDocument: { type: 'string' } } },
  },
  errors: ['EntityNotExist.Policy', ...denied],
})

export const listPolicies = defineAction({
  ...common,
  name: 'ListPolicies',
  summary: 'List the policies.',
  kind: 'list',
  resources: ['policy/*'],
  params: { PolicyType: anyType, ...markerParams },
  result: {
    Policies: { type: 'list', wrapper: 'Policy', item: { type: 'object', fields: counted } },
    ...markerResult,
  },
  errors: denied,
})

export const deletePolicy = defineAction({
  ...ofPolicy,
  name: 'DeletePolicy',
  summary: 'Remove a policy that is attached to nobody.',
  kind: 'write',
  params: {
    PolicyName: policyName,
    CascadingDelete: { type: 'boolean', default: false, note: 'Detaches it first' },
  },
  result: nothing,
  errors: ['EntityNotExist.Policy', 'DeleteConflict.Policy.User', 'DeleteConflict.Policy.Role', ...denied],
})

export const createPolicyVersion = defineAction({
  ...ofPolicy,
  name: 'CreatePolicyVersion',
  shownBy: { read: 'GetPolicy', by: ['PolicyName'], given: { PolicyType: 'Custom' } },
  summary: 'Give a policy another document. Earlier ones are not kept.',
  kind: 'write',
  params: {
    PolicyName: policyName,
    PolicyDocument: document,
    SetAsDefault: { type: 'boolean', default: false, note: 'True alone: a policy has one version here' },
    RotateStrategy: { type: 'string', enum: ['None', 'DeleteOldestNonDefaultVersionWhenLimitExceeded'] },
  },
  result: { PolicyVersion: { type: 'object', fields: versionWithText } },
  errors: ['EntityNotExist.Policy', 'InvalidParameter.PolicyDocument', 'InvalidParameter', ...denied],
})

export const listPolicyVersions = defineAction({
  ...ofPolicy,
  name: 'ListPolicyVersions',
  summary: 'List the versions of a policy, of which there is one.',
  kind: 'list',
  params: { PolicyName: policyName, PolicyType: policyType },
  result: {
    PolicyVersions: {
      type: 'list',
      wrapper: 'PolicyVersion',
      item: { type: 'object', fields: versionWithText },
    },
  },
  errors: ['EntityNotExist.Policy', ...denied],
})

export const listEntitiesForPolicy = defineAction({
  ...ofPolicy,
  name: 'ListEntitiesForPolicy',
  summary: 'List whom a policy is attached to.',
  kind: 'list',
  params: { PolicyName: policyName, PolicyType: policyType },
  result: {
    Groups: {
      type: 'list',
      wrapper: 'Group',
      item: {
        type: 'object',
        fields: {
          AttachDate: { type: 'string' },
          Comments: { type: 'string' },
          GroupName: { type: 'string' },
        },
      },
      note: 'Empty: there are no groups',
    },
    Roles: {
      type: 'list',
      wrapper: 'Role',
      item: {
        type: 'object',
        fields: {
          Arn: { type: 'string' },
          AttachDate: { type: 'string' },
          Description: { type: 'string' },
          RoleId: { type: 'string' },
          RoleName: { type: 'string' },
        },
      },
    },
    Users: {
      type: 'list',
      wrapper: 'User',
      item: {
        type: 'object',
        fields: {
          AttachDate: { type: 'string' },
          DisplayName: { type: 'string' },
          UserId: { type: 'string' },
          UserName: { type: 'string' },
        },
      },
    },
  },
  errors: ['EntityNotExist.Policy', ...denied],
})

/** Both: whoever may give a policy away has to be allowed for the policy and for whom it is given to. */
const userAndPolicy = ['user/{UserName}', 'policy/{PolicyName}'] as const
const requiredUser = { ...userName, required: true } as const

export const attachPolicyToUser = defineAction({
  ...common,
  name: 'AttachPolicyToUser',
  shownBy: { read: 'ListPoliciesForUser', by: ['UserName'] },
  summary: 'Let a user do what a policy allows, with all keys.',
  kind: 'write',
  resources: userAndPolicy,
  params: { PolicyType: policyType, PolicyName: policyName, UserName: requiredUser },
  result: nothing,
  errors: ['EntityNotExist.User', 'EntityNotExist.Policy', 'EntityAlreadyExists.User.Policy', ...denied],
})

export const detachPolicyFromUser = defineAction({
  ...common,
  name: 'DetachPolicyFromUser',
  shownBy: { read: 'ListPoliciesForUser', by: ['UserName'] },
  summary: 'Take a policy away from a user.',
  kind: 'write',
  resources: userAndPolicy,
  params: { PolicyType: policyType, PolicyName: policyName, UserName: requiredUser },
  result: nothing,
  errors: ['EntityNotExist.User', 'EntityNotExist.Policy', 'EntityNotExist.User.Policy', ...denied],
})

export const listPoliciesForUser = defineAction({
  ...common,
  name: 'ListPoliciesForUser',
  summary: 'List the policies that are attached to a user.',
  kind: 'list',
  resources: ['user/{UserName}'],
  params: { UserName: requiredUser },
  result: attachedList,
  errors: ['EntityNotExist.User', ...denied],
})
