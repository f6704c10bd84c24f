import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock, seededRandom, VirtualClock } from './clock.ts'

test('a paused clock stands still, and a step runs what falls due on the way, in order', () => {
  const clock = new VirtualClock(1_000, 0)
  const seen: string[] = []
  const note = (text: string) => () => seen.push(`${text} at ${clock.now()}`)
  clock.after(500, note('b'))
  clock.after(500, note('c'))
  clock.after(100, note('a'))
  clock.after(501, note('too late'))
  clock.after(200, note('never')).cancel()
  clock.advance(500)
  assert.deepEqual(seen, ['a at 1100', 'b at 1500', 'c at 1500'])
  assert.equal(clock.now(), 1_500)
})

test('a timer set during a step runs in that step', () => {
  const clock = new VirtualClock(0, 0)
  let count = 0
  const again = () => {
    count += 1
    clock.after(10_000, again)
  }
  again()
  clock.advance(24 * 3_600_000)
  assert.equal(count, 1 + 8_640)
})

test('what is due already runs on a paused clock too', async () => {
  const clock = new VirtualClock(0, 0)
  await new Promise<void>((resolve) => clock.after(0, resolve))
})

test('many timers in a mixed order run in the order of their times', () => {
  const random = seededRandom(7)
  const clock = new VirtualClock(0, 0)
  const seen: number[] = []
  for (let count = 0; count < 1_000; count++)
    clock.after(Math.floor(random() * 500), () => seen.push(clock.now()))
  clock.advance(500)
  assert.equal(seen.length, 1_000)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
})

test('a fast clock runs its timers by real time', async () => {
  const clock = new VirtualClock(0, 10_000)
  await new Promise<void>((resolve) => clock.after(60_000, resolve))
  assert.ok(clock.now() >= 60_000)
  clock.setSpeed(0)
  const stopped = clock.now()
  await new Promise<void>((resolve) => realClock.after(2, resolve))
  assert.equal(clock.now(), stopped)
})

test('the same seed gives the same numbers, another one others', () => {
  const first = (seed: number) => Array.from({ length: 4 }, seededRandom(seed))
  assert.deepEqual(first(1), first(1))
  assert.notDeepEqual(first(1), first(2))
  assert.ok(first(1).every((number) => number >= 0 && number < 1))
})
