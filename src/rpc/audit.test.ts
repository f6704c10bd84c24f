import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetween } from './audit.ts'
import type { ResultFields } from './spec.ts'

const fields = {
  Name: { type: 'string' },
  Count: { type: 'number' },
  On: { type: 'boolean' },
  Status: { type: 'string', observed: true },
  Inside: { type: 'object', fields: { Key: { type: 'string', secret: true }, Mode: { type: 'string' } } },
  Tunnels: {
    type: 'list',
    wrapper: null,
    item: {
      type: 'object',
      fields: {
        Id: { type: 'string' },
        Key: { type: 'string', secret: true },
        Seen: { type: 'number', observed: true },
      },
    },
  },
  Networks: { type: 'list', wrapper: 'Network', item: { type: 'string' } },
} as const satisfies ResultFields

const before = {
  Name: 'a',
  Count: 1,
  On: true,
  Status: 'up',
  Inside: { Key: 'k', Mode: 'm' },
  Tunnels: [{ Id: '1', Key: 'k', Seen: 1 }],
  Networks: ['10.0.0.0/8'],
}

test('what differs, by the path of the field', () => {
  const cases: [what: string, after: object, changes: object][] = [
    ['nothing', before, {}],
    ['a kept answer, whose numbers are text', { ...before, Count: '1', On: 'true' }, {}],
    ['what was only observed', { ...before, Status: 'down' }, {}],
    [
      'a field',
      { ...before, Name: 'b', Count: 2 },
      { Name: { before: 'a', after: 'b' }, Count: { before: 1, after: 2 } },
    ],
    [
      'a secret',
      { ...before, Inside: { Key: 'l', Mode: 'm' } },
      { 'Inside.Key': { before: '******', after: '******' } },
    ],
    ['what is gone', { ...before, Inside: { Key: 'k' } }, { 'Inside.Mode': { before: 'm' } }],
    [
      'what has come',
      { ...before, Networks: ['10.0.0.0/8', '172.16.0.0/12'] },
      {
        Networks: { before: ['10.0.0.0/8'], after: ['10.0.0.0/8', '172.16.0.0/12'] },
      },
    ],
    [
      'an item',
      { ...before, Tunnels: [{ Id: '2', Key: 'l', Seen: 2 }] },
      {
        'Tunnels.0.Id': { before: '1', after: '2' },
        'Tunnels.0.Key': { before: '******', after: '******' },
      },
    ],
    [
      'an item more',
      { ...before, Tunnels: [...before.Tunnels, { Id: '2', Key: 'l', Seen: 2 }] },
      {
        Tunnels: {
          before: [{ Id: '1', Key: '******' }],
          after: [
            { Id: '1', Key: '******' },
            { Id: '2', Key: '******' },
          ],
        },
      },
    ],
  ]
  for (const [what, after, changes] of cases)
    assert.deepEqual(changesBetween(fields, before, after), changes, what)
})
