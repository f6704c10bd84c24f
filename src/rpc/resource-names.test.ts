import assert from 'node:assert/strict'
import { it } from 'node:test'
import { compileResources } from './resource-names.ts'

const cases: [name: string, patterns: string[], input: Record<string, unknown>, want: string[]][] = [
  ['a fixed pattern', ['vpnconnection/*'], {}, ['vpnconnection/*']],
  ['everything', ['*'], {}, ['*']],
  [
    'a parameter',
    ['vpnconnection/{VpnConnectionId}'],
    { VpnConnectionId: 'vco-A1' },
    ['vpnconnection/vco-A1'],
  ],
  ['an absent parameter', ['vpnconnection/{VpnConnectionId}'], {}, ['vpnconnection/*']],
  ['a list: one name per item', ['eip/{Ids}'], { Ids: ['a', 'b'] }, ['eip/a', 'eip/b']],
  ['several patterns', ['a/{A}', 'b/{B}'], { A: 'x', B: 'y' }, ['a/x', 'b/y']],
  [
    'a type is written in lower case',
    ['{ResourceType}/{ResourceId}'],
    { ResourceType: 'VPNGATEWAY', ResourceId: ['X', 'Y'] },
    ['vpngateway/X', 'vpngateway/Y'],
  ],
]
for (const [name, patterns, input, want] of cases) {
  it(name, () => {
    const names = compileResources(patterns)(input, 'cn-hangzhou', '1000')
    assert.deepEqual(
      names,
      want.map((tail) => `acs:vpc:cn-hangzhou:1000:${tail}`),
    )
  })
}
