/** What the vendor promises of this noun: parameters, answer fields, codes. Product Ram, version 2015-05-01. */
import { defineAction } from '../../rpc/spec.ts'
import { nothing, ram, ramSource } from '../ram.ts'
import { userName } from '../user/spec.ts'

const common = { product: ram, resources: ['user/{UserName}'], source: ramSource } as const

export const ofWhom = { ...userName, note: "The caller's own keys when it is not given" } as const

/** Which key; the vendor calls it so because `AccessKeyId` is that of the caller. */
export const which = { type: 'string', required: true, pattern: /^[A-Za-z0-9._-]{1,128}$/ } as const

const fields = {
  AccessKeyId: { type: 'string' },
  CreateDate: { type: 'string' },
  Status: { type: 'string', note: 'Active or Inactive' },
} as const

const errors = ['EntityNotExist.User', 'NoPermission.Session', 'Forbbiden.SubUser', 'Forbidden'] as const

export const createAccessKey = defineAction({
  ...common,
  name: 'CreateAccessKey',
  summary: 'Make an access key. Its secret stands in this answer alone.',
  kind: 'write',
  params: { UserName: ofWhom },
  result: {
    AccessKey: { type: 'object', fields: { ...fields, AccessKeySecret: { type: 'string' } } },
  },
  errors: ['LimitExceeded.User.AccessKey', ...errors],
})

export const listAccessKeys = defineAction({
  ...common,
  name: 'ListAccessKeys',
  summary: 'List the access keys of a user, without their secrets.',
  kind: 'list',
  params: { UserName: ofWhom },
  result: { AccessKeys: { type: 'list', wrapper: 'AccessKey', item: { type: 'object', fields } } },
  errors,
})

export const updateAccessKey = defineAction({
  ...common,
  name: 'UpdateAccessKey',
  shownBy: { read: 'ListAccessKeys', by: ['UserName'] },
  summary: 'Disable an access key, or enable it again.',
  kind: 'write',
  params: {
    UserName: ofWhom,
    UserAccessKeyId: which,
    Status: { type: 'string', required: true, enum: ['Active', 'Inactive'] },
  },
  result: nothing,
  errors: ['EntityNotExist.User.AccessKey', ...errors],
})

export const deleteAccessKey = defineAction({
  ...common,
  name: 'DeleteAccessKey',
  summary: 'Revoke an access key for good.',
  kind: 'write',
  params: { UserName: ofWhom, UserAccessKeyId: which },
  result: nothing,
  errors: ['EntityNotExist.User.AccessKey', ...errors],
})
