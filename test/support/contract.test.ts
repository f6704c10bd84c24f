import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAction } from '../../src/rpc/spec.ts'
import { checkResult, codesOf, loadSpecs } from './contract.ts'

const spec = defineAction({
  name: 'DescribeToy',
  summary: '',
  kind: 'read',
  resources: ['*'],
  params: {
    RegionId: { type: 'string', required: true },
    Config: { type: 'json', fields: { Psk: { type: 'string', illegal: 'InvalidName' } } },
    DryRun: { type: 'boolean' },
  },
  result: {
    RequestId: { type: 'string' },
    Name: { type: 'string' },
    CreateTime: { type: 'number' },
    Enabled: { type: 'boolean' },
    Config: { type: 'object', fields: { Psk: { type: 'string' } } },
    Tags: {
      type: 'list',
      wrapper: 'Tag',
      item: { type: 'object', fields: { Key: { type: 'string' } } },
    },
    Zones: { type: 'list', wrapper: null, item: { type: 'string' } },
  },
  errors: ['InvalidVpcId.NotFound'],
  source: 'test',
})

const right = {
  Name: 'a <b> & "c"',
  CreateTime: 1_590_495_160_000,
  Enabled: false,
  Config: { Psk: '' },
  Tags: { Tag: [{ Key: 'x' }, { Key: 'y' }] },
  Zones: [] as unknown,
}

test('an answer that keeps its contract', () => {
  assert.deepEqual(checkResult(spec, right), [])
  assert.deepEqual(checkResult(spec, { ...right, Zones: ['a', 'b'] }), [])
})

const { Name: _, ...nameless } = right
const faults: readonly [string, Record<string, unknown>, RegExp][] = [
  ['a missing field', nameless, /^Name is missing$/],
  ['a missing field inside', { ...right, Config: {} }, /^Config\.Psk is missing$/],
  ['a field more', { ...right, More: 1 }, /^More is not in the spec$/],
  ['a field more in an item', { ...right, Tags: { Tag: [{ Key: 'x', V: 1 }] } }, /^Tags\[\]\.V is not/],
  ['text for a number', { ...right, CreateTime: '1' }, /^CreateTime is no whole number: "1"$/],
  ['a broken number', { ...right, CreateTime: 1.5 }, /^CreateTime is no whole number/],
  ['text for a boolean', { ...right, Enabled: 'false' }, /^Enabled is no boolean/],
  ['null for text', { ...right, Name: null }, /^Name is no string/],
  ['a list for an object', { ...right, Config: [] }, /^Config is no object$/],
  ['a list without its wrapper', { ...right, Tags: [{ Key: 'x' }] }, /^Tags is no list in "Tag"$/],
  ['a wrapper that has more', { ...right, Tags: { Tag: [], Count: 0 } }, /^Tags is no list in "Tag"$/],
  ['a wrapped bare list', { ...right, Zones: { Zone: [] } }, /^Zones is no list$/],
]
for (const [what, members, fault] of faults) {
  test(`an answer with ${what}`, () => {
    const found = checkResult(spec, members)
    assert.equal(found.length, 1, String(found))
    assert.match(found[0]!, fault)
  })
}

test('the codes of an action', () => {
  const codes = codesOf(spec)
  for (const code of [
    ...['InvalidVpcId.NotFound', 'MissingRegionId', 'IllegalParam.Config', 'IllegalParam.Psk', 'InvalidName'],
    ...['DryRunOperation', 'SignatureDoesNotMatch'],
  ]) {
    assert.ok(codes.has(code), code)
  }
  for (const code of ['IdempotentParameterMismatch', 'MissingVpcId', 'InternalError'])
    assert.ok(!codes.has(code), code)
})

test('every action has one spec', async () => {
  const specs = await loadSpecs()
  assert.ok(specs.get('DescribeVpnConnection'))
  assert.equal(specs.get('UntagResources'), specs.get('UnTagResources'))
})
