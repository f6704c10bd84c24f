import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKept } from './kept.ts'

test('what is kept is found under the same stamp and by its owner alone', () => {
  const kept = createKept<string>()
  kept.keep(1, 'ann', 'a', 'x')
  assert.equal(kept.find(1, 'ann', 'a'), 'x')
  assert.equal(kept.find(1, 'ann', 'b'), undefined)
  assert.equal(kept.find(1, 'bob', 'a'), undefined)
  assert.equal(kept.find(2, 'ann', 'a'), undefined)
  // A stamp that comes back says nothing of what was kept before it.
  assert.equal(kept.find(1, 'ann', 'a'), undefined)
})

test('there is a bound over all owners, and room again behind it', () => {
  const kept = createKept<number>()
  const bound = 131_072
  for (let n = 0; n < bound; n++) kept.keep(1, n % 2 ? 'ann' : 'bob', String(n >> 1), n)
  assert.equal(kept.find(1, 'bob', '0'), 0)
  kept.keep(1, 'bob', '0', 0)
  kept.keep(1, 'ann', 'more', -1)
  assert.equal(kept.find(1, 'ann', 'more'), -1)
  assert.equal(kept.find(1, 'bob', '1'), undefined)
})
