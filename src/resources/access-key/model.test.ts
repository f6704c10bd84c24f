import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Secret } from '../../secret.ts'
import {
  AccessKeyError,
  assertIdentifier,
  assertSecret,
  newAccessKeyId,
  newSecret,
  newTemporaryKeyId,
  parsePolicy,
} from './model.ts'

describe('a policy document', () => {
  test('gives its statements, with lists in place of single strings', () => {
    const document = {
      Version: '1',
      Statement: [
        { Effect: 'Allow', Action: 'vpc:Describe*', Resource: '*' },
        {
          Effect: 'Deny',
          Action: ['vpc:DeleteVpnConnection', '*', 'ecs:*'],
          Resource: ['acs:vpc:*:1234567890123456:vpnconnection/vco-?1*', 'acs:vpc:cn-hangzhou:*:*'],
        },
      ],
    }
    assert.deepEqual(parsePolicy(JSON.stringify(document)), [
      { Effect: 'Allow', Action: ['vpc:Describe*'], Resource: ['*'] },
      document.Statement[1],
    ])
  })

  test('gives conditions, with lists in place of single strings', () => {
    const Condition = {
      IpAddress: { 'acs:SourceIp': ['10.0.0.0/8', '192.0.2.1'] },
      DateLessThan: { 'acs:CurrentTime': '2027-01-01T00:00:00+08:00' },
    }
    const [parsed] = parsePolicy(policy({ Condition }))
    assert.deepEqual(parsed!.Condition, {
      ...Condition,
      DateLessThan: { 'acs:CurrentTime': ['2027-01-01T00:00:00+08:00'] },
    })
  })

  const statement = { Effect: 'Allow', Action: '*', Resource: '*' }
  const policy = (change: object) =>
    JSON.stringify({ Version: '1', Statement: [{ ...statement, ...change }] })
  const refused: { given: string; want: RegExp }[] = [
    { given: '', want: /^AccessKeyError: policy is not JSON$/ },
    { given: '{"Version":"1",', want: /policy is not JSON/ },
    { given: 'null', want: /policy must be an object/ },
    { given: '[]', want: /policy must be an object/ },
    { given: '{}', want: /policy: Version must be "1"/ },
    { given: JSON.stringify({ Version: 1, Statement: [statement] }), want: /Version must be "1"/ },
    { given: JSON.stringify({ Version: '1' }), want: /policy: Statement must be a list, not empty/ },
    { given: JSON.stringify({ Version: '1', Statement: [] }), want: /Statement must be a list, not empty/ },
    { given: JSON.stringify({ Version: '1', Statement: statement }), want: /Statement must be a list/ },
    {
      given: JSON.stringify({ Version: '1', Statement: ['*'] }),
      want: /policy: Statement\[0\] must be an object/,
    },
    {
      given: JSON.stringify({ Version: '1', Statement: [statement], Id: 'x' }),
      want: /policy has "Id", which is not/,
    },
    { given: policy({ Effect: 'allow' }), want: /Statement\[0\]\.Effect must be "Allow" or "Deny"/ },
    {
      given: policy({ Condition: { IpAddress: {} } }),
      want: /Statement\[0\]\.Condition\.IpAddress must name a key/,
    },
    { given: policy({ Condition: [] }), want: /Statement\[0\]\.Condition must be an object/ },
    {
      given: policy({ Condition: { Bool: { 'acs:MFAPresent': 'true' } } }),
      want: /Statement\[0\]\.Condition Bool is not supported \(IpAddress, /,
    },
    {
      given: policy({ Condition: { IpAddress: { 'acs:SourceIp': '10.0.0.0/40' } } }),
      want: /Condition IpAddress: acs:SourceIp must be an address or a network/,
    },
    { given: policy({ NotAction: '*' }), want: /has "NotAction", which is not supported/ },
    { given: policy({ Action: undefined }), want: /Statement\[0\]\.Action must be a string or a list/ },
    { given: policy({ Action: [] }), want: /Action must be a string or a list of strings, not empty/ },
    { given: policy({ Action: ['vpc:A', 7] }), want: /Action has 7; a member reads/ },
    { given: policy({ Action: 'DescribeVpcs' }), want: /Action has "DescribeVpcs"/ },
    { given: policy({ Resource: 'vpc-1' }), want: /Resource has "vpc-1"/ },
    { given: policy({ Resource: 'acs:vpc:* *:x' }), want: /Resource has "acs:vpc:\* \*:x"/ },
    {
      given: policy({ Resource: `acs:${'x'.repeat(6_144)}` }),
      want: /policy is longer than 6144 characters/,
    },
  ]
  for (const { given, want } of refused) {
    test(`is refused: ${given.slice(0, 90)}`, () => {
      assert.throws(
        () => parsePolicy(given),
        (error) => error instanceof AccessKeyError && want.test(String(error)),
      )
    })
  }
})

test('new keys have the shape of the vendor and do not repeat', () => {
  const made = Array.from({ length: 200 }, () => ({
    id: newAccessKeyId(),
    temporary: newTemporaryKeyId(),
    secret: newSecret(),
  }))
  for (const { id, temporary, secret } of made) {
    assert.match(id, /^LTAI[A-Za-z0-9]{20}$/)
    assert.match(temporary, /^STS\.[A-Za-z0-9]{25}$/)
    assert.match(secret.reveal(), /^[A-Za-z0-9]{30}$/)
    assert.doesNotThrow(() => assertIdentifier('access key', id))
    assert.doesNotThrow(() => assertSecret(secret))
  }
  assert.equal(new Set(made.map(({ id }) => id)).size, made.length)
  assert.equal(new Set(made.map(({ secret }) => secret.reveal())).size, made.length)
})

test('a name that could not stand in a resource name is refused', () => {
  for (const id of ['1234567890123456', 'test', 'a-b_c']) assertIdentifier('account', id)
  for (const id of ['', 'a:b', '*', 'a/b', 'a b', 'ключ', 'x'.repeat(65), 'a\n']) {
    assert.throws(() => assertIdentifier('account', id), AccessKeyError, JSON.stringify(id))
  }
})

test('a secret that no client could use is refused, and not shown', () => {
  for (const secret of ['', 'with space', 'tab\t', 'ключ', 'x'.repeat(129)]) {
    assert.throws(
      () => assertSecret(new Secret(secret)),
      (error: Error) => error instanceof AccessKeyError && (secret === '' || !error.message.includes(secret)),
    )
  }
})
