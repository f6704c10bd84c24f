import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tagChanges } from './tags.ts'

test('only what differs is set, and only keys that are gone are taken away', () => {
  const before = [
    { Key: 'owner', Value: 'net' },
    { Key: 'env', Value: 'prod' },
  ]
  const cases: [now: { Key?: string; Value?: string }[], put: [string, string][], gone: string[]][] = [
    [before, [], []],
    [[{ Key: 'env', Value: 'test' }], [['env', 'test']], ['owner']],
    [[...before, { Key: 'site' }, {}], [['site', '']], []],
    [[], [], ['owner', 'env']],
  ]
  for (const [now, put, gone] of cases) {
    const changes = tagChanges(before, now)
    assert.deepEqual(
      changes.put.map(({ Key, Value }) => [Key, Value]),
      put,
    )
    assert.deepEqual(changes.gone, gone)
  }
})
