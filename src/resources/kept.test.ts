import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKept } from './kept.ts'

const ann = { accountId: 'ann', region: 'r' }
const bob = { accountId: 'bob', region: 'r' }

test('what is kept is found by its owner alone, until it is forgotten', () => {
  const kept = createKept<string>()
  kept.keep(ann, 'a', 'x')
  kept.keep(ann, 'b', 'y')
  assert.equal(kept.find(ann, 'a'), 'x')
  assert.equal(kept.find(ann, 'c'), undefined)
  assert.equal(kept.find(bob, 'a'), undefined)
  assert.equal(kept.find({ ...ann, region: 's' }, 'a'), undefined)
  kept.forget('a')
  assert.equal(kept.find(ann, 'a'), undefined)
  assert.equal(kept.find(ann, 'b'), 'y')
  kept.forgetAll()
  assert.equal(kept.find(ann, 'b'), undefined)
})

test('there is a bound over all owners, and room again behind it', () => {
  const kept = createKept<number>()
  const bound = 131_072
  for (let n = 0; n < bound; n++) kept.keep(n % 2 ? ann : bob, String(n >> 1), n)
  assert.equal(kept.find(bob, '0'), 0)
  kept.forget('1')
  kept.keep(bob, '1', 2)
  kept.keep(ann, '1', 3)
  assert.equal(kept.find(ann, '2'), 5)
  kept.keep(ann, 'more', -1)
  assert.equal(kept.find(ann, 'more'), -1)
  assert.equal(kept.find(bob, '1'), undefined)
})
