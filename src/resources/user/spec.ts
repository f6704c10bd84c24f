/** What the vendor promises of this noun: parameters, answer fields, codes. Product Ram, version 2015-05-01. */
import { defineAction } from '../../rpc/spec.ts'
import { line, markerParams, markerResult, nothing, ram, ramSource } from '../ram.ts'

const common = { product: ram, resources: ['user/{UserName}'], source: ramSource } as const

export const userName = {
  type: 'string',
  pattern: /^[A-Za-z0-9._-]{1,64}$/,
  illegal: 'InvalidParameter.UserName.InvalidChars',
} as const

const required = { ...userName, required: true } as const

const about = {
  DisplayName: line(128),
  MobilePhone: line(64),
  Email: line(128),
  Comments: line(128),
} as const

const fields = {
  Comments: { type: 'string' },
  CreateDate: { type: 'string' },
  DisplayName: { type: 'string' },
  Email: { type: 'string' },
  MobilePhone: { type: 'string' },
  UserId: { type: 'string', note: 'The name: users have no numbers here' },
  UserName: { type: 'string' },
} as const

const updated = { ...fields, UpdateDate: { type: 'string', observed: true } } as const

const denied = ['Forbbiden.SubUser', 'Forbidden'] as const

export const createUser = defineAction({
  ...common,
  name: 'CreateUser',
  summary: 'Make a RAM user, who may do nothing yet.',
  kind: 'write',
  params: { UserName: required, ...about },
  result: { User: { type: 'object', fields } },
  errors: ['EntityAlreadyExists.User', ...denied],
})

export const getUser = defineAction({
  ...common,
  name: 'GetUser',
  summary: 'Show one RAM user.',
  kind: 'read',
  params: { UserName: required },
  result: {
    User: {
      type: 'object',
      fields: { ...updated, LastLoginDate: { type: 'string', note: 'Always empty' } },
    },
  },
  errors: ['EntityNotExist.User', ...denied],
})

export const listUsers = defineAction({
  ...common,
  name: 'ListUsers',
  summary: 'List the RAM users of the account.',
  kind: 'list',
  resources: ['user/*'],
  params: markerParams,
  result: {
    Users: { type: 'list', wrapper: 'User', item: { type: 'object', fields: updated } },
    ...markerResult,
  },
  errors: denied,
})

export const updateUser = defineAction({
  ...common,
  name: 'UpdateUser',
  shownBy: { read: 'GetUser', by: ['UserName'] },
  summary: 'Change what is said of a RAM user. The name stays.',
  kind: 'write',
  params: {
    UserName: required,
    NewUserName: { ...userName, note: 'The present name alone' },
    NewDisplayName: about.DisplayName,
    // An empty one takes away what is there, as clients mean it that send one.
    NewMobilePhone: { ...about.MobilePhone, keepEmpty: true },
    NewEmail: { ...about.Email, keepEmpty: true },
    NewComments: { ...about.Comments, keepEmpty: true },
  },
  result: { User: { type: 'object', fields: updated } },
  errors: ['EntityNotExist.User', 'InvalidParameter', ...denied],
})

export const deleteUser = defineAction({
  ...common,
  name: 'DeleteUser',
  summary: 'Remove a RAM user who has neither keys nor policies.',
  kind: 'write',
  params: { UserName: required },
  result: nothing,
  errors: ['EntityNotExist.User', 'DeleteConflict.User.AccessKey', 'DeleteConflict.User.Policy', ...denied],
})
