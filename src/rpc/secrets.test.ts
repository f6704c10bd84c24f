import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileHiding } from './secrets.ts'
import type { ResultFields } from './spec.ts'

const inside = {
  Key: { type: 'string', secret: true },
  Mode: { type: 'string' },
} as const satisfies ResultFields

test('secrets are stars at every depth, and all else is as it was', () => {
  const hide = compileHiding({
    Name: { type: 'string' },
    One: { type: 'object', fields: inside },
    Many: { type: 'list', wrapper: 'Of', item: { type: 'object', fields: inside } },
    Keys: { type: 'list', wrapper: null, item: inside.Key },
  })!
  const value = {
    Name: 'n',
    One: { Key: 'hush', Mode: 'main' },
    Many: [{ Key: 'hush', Mode: 'main' }, { Mode: 'main' }, { Key: '' }],
    Keys: ['hush'],
    'X-Suidao': { Freshness: 'current' },
  }
  const before = structuredClone(value)
  assert.deepEqual(hide(value), {
    Name: 'n',
    One: { Key: '******', Mode: 'main' },
    Many: [{ Key: '******', Mode: 'main' }, { Mode: 'main' }, { Key: '' }],
    Keys: ['******'],
    'X-Suidao': { Freshness: 'current' },
  })
  assert.deepEqual(value, before)
  assert.deepEqual(hide({ Name: 'n' }), { Name: 'n' })
})

test('an answer that can hold none is not copied', () => {
  assert.equal(compileHiding({ Name: { type: 'string' }, One: { type: 'object', fields: {} } }), undefined)
})
