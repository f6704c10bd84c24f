import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createThrottle } from './throttle.ts'

const options = { free: 2, first: 1_000, longest: 8_000, memory: 60_000, subjects: 3 }

test('the first failures cost nothing, each further one doubles the wait up to the longest', () => {
  const throttle = createThrottle(options)
  const waits: number[] = []
  for (let failure = 0; failure < 7; failure++) {
    throttle.failed('a', 0)
    waits.push(throttle.wait('a', 0))
  }
  assert.deepEqual(waits, [0, 0, 1_000, 2_000, 4_000, 8_000, 8_000])
  assert.equal(throttle.wait('a', 7_999), 1)
  assert.equal(throttle.wait('a', 8_000), 0)
  assert.equal(throttle.wait('b', 0), 0, 'others do not wait')
})

test('success and time forget failures', () => {
  const throttle = createThrottle(options)
  for (let failure = 0; failure < 3; failure++) throttle.failed('a', 0)
  throttle.succeeded('a')
  assert.equal(throttle.wait('a', 0), 0)
  for (let failure = 0; failure < 3; failure++) throttle.failed('a', 0)
  throttle.failed('a', 60_001)
  assert.equal(throttle.wait('a', 60_001), 0)
})

test('no more subjects are remembered than are allowed: the one that failed longest ago goes', () => {
  const throttle = createThrottle(options)
  for (const subject of ['a', 'b', 'c', 'd'])
    for (let failure = 0; failure < 3; failure++) throttle.failed(subject, 0)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((subject) => throttle.wait(subject, 0)),
    [0, 1_000, 1_000, 1_000],
  )
})
