import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccessKeyError } from '../access-key/model.ts'
import { trustOfAccount } from '../ram.ts'
import { parseTrust, trusts } from './model.ts'

const statement = (RAM: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action: 'sts:AssumeRole',
  Principal: { RAM },
  ...more,
})
const document = (...Statement: object[]) => JSON.stringify({ Version: '1', Statement })
const ann = { accountId: '1', userName: 'ann' }

test('a user is trusted by name or with the account, and a Deny wins', () => {
  const cases: [what: string, document: string, trusted: boolean][] = [
    ['the account', trustOfAccount('1'), true],
    ['another account', trustOfAccount('2'), false],
    ['the user', document(statement('acs:ram::1:user/ann')), true],
    ['another user', document(statement('acs:ram::1:user/bob')), false],
    ['one of several', document(statement(['acs:ram::1:user/bob', 'acs:ram::1:user/ann'])), true],
    [
      'the account but the user',
      document(statement('acs:ram::1:root'), statement('acs:ram::1:user/ann', { Effect: 'Deny' })),
      false,
    ],
  ]
  for (const [what, text, trusted] of cases) assert.equal(trusts(parseTrust(text), ann), trusted, what)
})

test('what is not enforced is refused, with its place', () => {
  const cases: [text: string, says: RegExp][] = [
    ['{', /is not JSON/],
    [document(), /Statement must be a list, not empty/],
    [document(statement('ann')), /Statement\[0\].Principal.RAM has "ann"/],
    [document(statement('acs:ram::1:role/x')), /Principal.RAM has "acs:ram::1:role\/x"/],
    [document(statement('acs:ram::1:root', { Action: '*' })), /Action has "\*"/],
    [document(statement('acs:ram::1:root', { Condition: {} })), /has "Condition", which is not supported/],
    [document({ ...statement([]), Principal: { Service: ['ecs.aliyuncs.com'] } }), /must be {"RAM"/],
    [document({ ...statement([]), Principal: { RAM: ['acs:ram::1:root'], Service: [] } }), /has "Service"/],
  ]
  for (const [text, says] of cases) {
    assert.throws(
      () => parseTrust(text),
      (error: Error) => error instanceof AccessKeyError && says.test(error.message),
      text,
    )
  }
})
