import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type PolicyStatement, type Principal, refusal } from './authorize.ts'

const allow = (action: string, resource: string): PolicyStatement => ({
  Effect: 'Allow',
  Action: [action],
  Resource: [resource],
})
const deny = (action: string, resource: string): PolicyStatement => ({
  Effect: 'Deny',
  Action: [action],
  Resource: [resource],
})
const from = (source: string, statement: PolicyStatement): PolicyStatement => ({
  ...statement,
  Condition: { IpAddress: { 'acs:SourceIp': [source] } },
})
const principal = (userName: string | null, ...statements: PolicyStatement[]): Principal => ({
  accessKeyId: 'K',
  accountId: '1000',
  userName,
  statements,
})
const connection = (id: string): string => `acs:vpc:cn-hangzhou:1000:vpnconnection/${id}`
const action = 'vpc:DescribeVpnConnection'

describe('permission', () => {
  const cases: [name: string, who: Principal, resources: string[], want: string | undefined][] = [
    ['the account may do everything', principal(null), [connection('a')], undefined],
    ['a user may do nothing by itself', principal('u'), [connection('a')], 'Forbbiden.SubUser'],
    ['an Allow lets through', principal('u', allow('*', '*')), [connection('a')], undefined],
    [
      'an Allow of another action does not',
      principal('u', allow('vpc:DeleteVpnConnection', '*')),
      [connection('a')],
      'Forbbiden.SubUser',
    ],
    [
      'actions compare in any letter case, with a star',
      principal('u', allow('VPC:describe*', '*')),
      [connection('a')],
      undefined,
    ],
    [
      'resources compare exactly',
      principal('u', allow('*', connection('A'))),
      [connection('a')],
      'Forbbiden.SubUser',
    ],
    [
      'a star stands for any text',
      principal('u', allow('*', 'acs:vpc:*:1000:vpnconnection/*')),
      [connection('a/b')],
      undefined,
    ],
    [
      'a question mark stands for one sign',
      principal('u', allow('*', connection('a?'))),
      [connection('ab')],
      undefined,
    ],
    [
      'and only for one',
      principal('u', allow('*', connection('a?'))),
      [connection('abc')],
      'Forbbiden.SubUser',
    ],
    [
      'a dot is a dot',
      principal('u', allow('*', connection('a.c'))),
      [connection('abc')],
      'Forbbiden.SubUser',
    ],
    [
      'every resource needs its Allow',
      principal('u', allow('*', connection('a'))),
      [connection('a'), connection('b')],
      'Forbbiden.SubUser',
    ],
    [
      'a Deny wins over an Allow',
      principal('u', allow('*', '*'), deny('*', connection('b'))),
      [connection('a'), connection('b')],
      'Forbidden',
    ],
    ['a Deny binds the account too', principal(null, deny('vpc:*', '*')), [connection('a')], 'Forbidden'],
    [
      'a line feed in an id gets around no Deny',
      principal(null, deny('*', 'acs:vpc:*:*:vpnconnection/*')),
      [connection('a\nb')],
      'Forbidden',
    ],
    [
      'an Allow whose condition holds',
      principal('u', from('10.0.0.0/8', allow('*', '*'))),
      [connection('a')],
      undefined,
    ],
    [
      'an Allow whose condition does not hold is none',
      principal('u', from('11.0.0.0/8', allow('*', '*'))),
      [connection('a')],
      'Forbbiden.SubUser',
    ],
    [
      'a Deny whose condition does not hold is none',
      principal(null, from('11.0.0.0/8', deny('*', '*'))),
      [connection('a')],
      undefined,
    ],
    [
      'a Deny whose condition holds',
      principal(null, from('10.0.0.1', deny('*', '*'))),
      [connection('a')],
      'Forbidden',
    ],
  ]
  for (const [name, who, resources, want] of cases)
    it(name, () => assert.equal(refusal(who, action, resources, { sourceIp: '10.0.0.1', now: 0 }), want))
})
