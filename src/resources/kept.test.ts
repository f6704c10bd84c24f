import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKept } from './kept.ts'

test('what is kept is found under the same stamp alone', () => {
  const kept = createKept<string>()
  kept.keep(1, 'a', 'x')
  assert.equal(kept.find(1, 'a'), 'x')
  assert.equal(kept.find(1, 'b'), undefined)
  assert.equal(kept.find(2, 'a'), undefined)
  // A stamp that comes back says nothing of what was kept before it.
  assert.equal(kept.find(1, 'a'), undefined)
})

test('there is a bound, and the oldest goes first', () => {
  const kept = createKept<number>()
  for (let n = 0; n < 5_000; n++) kept.keep(1, String(n), n)
  assert.equal(kept.find(1, '0'), undefined)
  assert.equal(kept.find(1, '4999'), 4999)
  assert.equal(kept.find(1, '1000'), 1000)
})
