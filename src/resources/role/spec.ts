/** What the vendor promises of this noun: parameters, answer fields, codes. Product Ram, version 2015-05-01. */
import { defineAction } from '../../rpc/spec.ts'
import { attachedList, policyName, policyType } from '../policy/spec.ts'
import { line, markerParams, markerResult, nothing, ram, ramSource } from '../ram.ts'

const common = { product: ram, resources: ['role/{RoleName}'], source: ramSource } as const

export const roleName = {
  type: 'string',
  required: true,
  pattern: /^[A-Za-z0-9._-]{1,64}$/,
  illegal: 'InvalidParameter.RoleName.InvalidChars',
} as const

const trust = {
  type: 'string',
  maxLength: 2048,
  illegal: 'InvalidParameter.AssumeRolePolicyDocument',
  note: 'Who may take it on: {"Version":"1","Statement":[{"Effect","Action":"sts:AssumeRole","Principal":{"RAM":[...]}}]}',
} as const
const duration = { type: 'integer', unit: 's', min: 3600, max: 43_200 } as const
const description = line(1024)

const listed = {
  Arn: { type: 'string' },
  CreateDate: { type: 'string' },
  Description: { type: 'string' },
  MaxSessionDuration: { type: 'number', note: 'Seconds' },
  RoleId: { type: 'string', note: 'The name: roles have no numbers here' },
  RoleName: { type: 'string' },
} as const
const created = { ...listed, AssumeRolePolicyDocument: { type: 'string' } } as const
const updated = { ...created, UpdateDate: { type: 'string', observed: true } } as const

const denied = ['Forbbiden.SubUser', 'Forbidden'] as const

export const createRole = defineAction({
  ...common,
  name: 'CreateRole',
  summary: 'Make a role, which users can take on for a while by AssumeRole.',
  kind: 'write',
  params: {
    RoleName: roleName,
    AssumeRolePolicyDocument: { ...trust, required: true },
    Description: description,
    MaxSessionDuration: { ...duration, default: 3600 },
  },
  result: { Role: { type: 'object', fields: created } },
  errors: ['EntityAlreadyExists.Role', 'InvalidParameter.AssumeRolePolicyDocument', ...denied],
})

export const getRole = defineAction({
  ...common,
  name: 'GetRole',
  summary: 'Show one role with its trust policy.',
  kind: 'read',
  params: { RoleName: roleName },
  result: { Role: { type: 'object', fields: updated } },
  errors: ['EntityNotExist.Role', ...denied],
})

export const listRoles = defineAction({
  ...common,
  name: 'ListRoles',
  summary: 'List the roles of the account.',
  kind: 'list',
  resources: ['role/*'],
  params: markerParams,
  result: {
    Roles: {
      type: 'list',
      wrapper: 'Role',
      item: { type: 'object', fields: { ...listed, UpdateDate: { type: 'string', observed: true } } },
    },
    ...markerResult,
  },
  errors: denied,
})

export const updateRole = defineAction({
  ...common,
  name: 'UpdateRole',
  shownBy: { read: 'GetRole', by: ['RoleName'] },
  summary: 'Change who may take on a role, and for how long. Sessions that are there go on.',
  kind: 'write',
  params: {
    RoleName: roleName,
    NewAssumeRolePolicyDocument: trust,
    NewDescription: { ...description, keepEmpty: true },
    NewMaxSessionDuration: duration,
  },
  result: { Role: { type: 'object', fields: updated } },
  errors: ['EntityNotExist.Role', 'InvalidParameter.AssumeRolePolicyDocument', ...denied],
})

export const deleteRole = defineAction({
  ...common,
  name: 'DeleteRole',
  summary: 'Remove a role that has no policies attached, and its sessions.',
  kind: 'write',
  params: { RoleName: roleName },
  result: nothing,
  errors: ['EntityNotExist.Role', 'DeleteConflict.Role.Policy', ...denied],
})

/** Both: whoever may give a policy away has to be allowed for the policy and for what it is given to. */
const roleAndPolicy = {
  ...common,
  resources: ['role/{RoleName}', 'policy/{PolicyName}'],
  params: { PolicyType: policyType, PolicyName: policyName, RoleName: roleName },
  result: nothing,
} as const

export const attachPolicyToRole = defineAction({
  ...roleAndPolicy,
  name: 'AttachPolicyToRole',
  shownBy: { read: 'ListPoliciesForRole', by: ['RoleName'] },
  summary: 'Let sessions of a role do what a policy allows.',
  kind: 'write',
  errors: ['EntityNotExist.Role', 'EntityNotExist.Policy', 'EntityAlreadyExists.Role.Policy', ...denied],
})

export const detachPolicyFromRole = defineAction({
  ...roleAndPolicy,
  name: 'DetachPolicyFromRole',
  shownBy: { read: 'ListPoliciesForRole', by: ['RoleName'] },
  summary: 'Take a policy away from a role, and from its sessions.',
  kind: 'write',
  errors: ['EntityNotExist.Role', 'EntityNotExist.Policy', 'EntityNotExist.Role.Policy', ...denied],
})

export const listPoliciesForRole = defineAction({
  ...common,
  name: 'ListPoliciesForRole',
  summary: 'List the policies that are attached to a role.',
  kind: 'list',
  params: { RoleName: roleName },
  result: attachedList,
  errors: ['EntityNotExist.Role', ...denied],
})
