/**
 * What a key or a role may do, and by which policy. RAM tells what is attached to a user or a role; that a single key was
 * given a policy (`suidao keys`), or a role (`suidao roles`), it does not know: these actions are Suidao's own, and their names
 * say so.
 */
import { defineAction } from '../../rpc/spec.ts'
import { ofWhom, which } from '../access-key/spec.ts'
import { ram } from '../ram.ts'
import { roleName } from '../role/spec.ts'

const common = { product: ram, kind: 'read', source: "Suidao's own" } as const

const statement = {
  Actions: { type: 'list', wrapper: 'Action', item: { type: 'string' } },
  Condition: { type: 'string', note: 'JSON; empty where it always holds' },
  Effect: { type: 'string', note: 'Allow or Deny' },
  GivenTo: { type: 'string', note: 'Key, User or Role' },
  PolicyName: { type: 'string', note: 'Empty for what was given on the command line' },
  PolicyType: { type: 'string', note: 'As in ListPolicies; empty where there is no name' },
  Resources: { type: 'list', wrapper: 'Resource', item: { type: 'string' } },
} as const

const statements = {
  Statements: { type: 'list', wrapper: 'Statement', item: { type: 'object', fields: statement } },
} as const

const ofKey = {
  AccessKeyId: { type: 'string' },
  Everything: { type: 'boolean', note: 'A key of the account itself: all that no Deny forbids' },
  ...statements,
  Within: {
    type: 'list',
    wrapper: 'Statement',
    item: { type: 'object', fields: statement },
    note: "A session's own policy: what it may do is what both allow",
  },
} as const

const denied = ['Forbbiden.SubUser', 'Forbidden'] as const

export const suidaoGetAccessKeyRights = defineAction({
  ...common,
  name: 'SuidaoGetAccessKeyRights',
  summary: 'Say what an access key may do, and by which policy.',
  resources: ['user/{UserName}'],
  params: { UserName: ofWhom, UserAccessKeyId: which },
  result: ofKey,
  errors: ['EntityNotExist.User', 'EntityNotExist.User.AccessKey', 'NoPermission.Session', ...denied],
})

export const suidaoGetCallerRights = defineAction({
  ...common,
  name: 'SuidaoGetCallerRights',
  summary: 'Say what the key of this call may do, and by which policy.',
  // Whoever has a key may ask what it is for.
  resources: [],
  params: {},
  result: ofKey,
  errors: [],
})

export const suidaoGetRoleRights = defineAction({
  ...common,
  name: 'SuidaoGetRoleRights',
  summary: 'Say what sessions of a role may do, and by which policy.',
  resources: ['role/{RoleName}'],
  params: { RoleName: roleName },
  result: statements,
  errors: ['EntityNotExist.Role', ...denied],
})
