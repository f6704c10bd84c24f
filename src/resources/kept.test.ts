import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKept } from './kept.ts'

/** As a caller does: looks, and makes what is not there. */
function ask(kept: ReturnType<typeof createKept<string>>, stamp: number, id: string): 'found' | 'made' {
  if (kept.find(stamp, id) !== undefined) return 'found'
  kept.keep(stamp, id, () => `${stamp} ${id}`)
  return 'made'
}

test('what is asked for a second time is found from the third on, under the same stamp alone', () => {
  const kept = createKept<string>()
  assert.deepEqual([ask(kept, 1, 'a'), ask(kept, 1, 'a'), ask(kept, 1, 'a')], ['made', 'made', 'found'])
  assert.equal(kept.find(1, 'a'), '1 a')
  assert.equal(kept.find(2, 'a'), undefined)
  // A stamp that comes back says nothing of what was kept before it.
  assert.equal(kept.find(1, 'a'), undefined)
})

test('after a change what is asked for often is kept again at once', () => {
  const kept = createKept<string>()
  for (const stamp of [1, 1, 1]) ask(kept, stamp, 'a')
  assert.deepEqual([ask(kept, 2, 'a'), ask(kept, 2, 'a')], ['made', 'found'])
})

test('a reader who goes through everything pushes out nothing that is asked for often', () => {
  const kept = createKept<string>()
  for (let n = 0; n < 3; n++) ask(kept, 1, 'often')
  for (let n = 0; n < 20_000; n++) {
    ask(kept, 1, `once-${n}`)
    if (n % 100 === 0) assert.equal(ask(kept, 1, 'often'), 'found')
  }
})

test('there is a bound, and what is used stays longest', () => {
  const kept = createKept<string>()
  for (let n = 0; n < 10_000; n++) {
    for (let time = 0; time < 2; time++) ask(kept, 1, `twice-${n}`)
    if (n % 100 === 0) ask(kept, 1, 'often')
  }
  assert.equal(kept.find(1, 'often'), '1 often')
  assert.equal(kept.find(1, 'twice-0'), undefined)
  assert.equal(kept.find(1, 'twice-9999'), '1 twice-9999')
})
