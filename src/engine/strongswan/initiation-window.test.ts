import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InitiationWindow } from './initiation-window.ts'

test('no more than its size go through; each place given back lets the next one try', () => {
  const window = new InitiationWindow(2, 60_000)
  const retried: string[] = []
  const take = (id: string) => window.take(id, () => retried.push(id))
  assert.deepEqual(['a', 'b', 'c', 'd'].map(take), [true, true, false, false])
  assert.equal(take('a'), true, 'one that has a place keeps it')
  window.release('a')
  assert.deepEqual(retried, ['c'])
  window.release('a')
  assert.deepEqual(retried, ['c'], 'a place is given back once')
  window.release('d')
  window.release('b')
  assert.deepEqual(retried, ['c'], 'one that was released while it waited is not called')
  window.release('c')
})

test('a place that nobody gives back is free after its time', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const window = new InitiationWindow(1, 1_000)
  const retried: string[] = []
  assert.equal(
    window.take('a', () => {}),
    true,
  )
  assert.equal(
    window.take('b', () => retried.push('b')),
    false,
  )
  context.mock.timers.tick(999)
  assert.deepEqual(retried, [])
  context.mock.timers.tick(1)
  assert.deepEqual(retried, ['b'])
})
