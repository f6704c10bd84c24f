import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, lose, noTally, reportTally, type Tally } from './verdict.ts'

/** `.` an answer after 5 ms, `x` none; one a second. */
const after = (fates: string, retry = 3, begin: Tally = noTally) =>
  [...fates].reduce((tally, fate, at) => count(tally, fate === '.' ? 5 : undefined, at * 1_000, retry), begin)

test('a verdict needs `retry` probes in a row of one fate', () => {
  for (const [fates, want] of [
    ['', undefined],
    ['..', undefined],
    ['...', true],
    ['xx.xx', undefined],
    ['xxx', false],
    ['...xx', true],
    ['...xx.xx', true],
    ['...xxx', false],
    ['...xxx..x..', false],
    ['...xxx...', true],
  ] as const) {
    assert.equal(reportTally(after(fates)).succeeding, want, fates)
  }
  assert.equal(reportTally(after('x', 1)).succeeding, false)
})

test('the verdict is as old as the probe that changed it', () => {
  assert.equal(reportTally(after('....')).since, 2_000)
  assert.equal(reportTally(after('....xxxx')).since, 6_000)
})

test('loss and round trip over the last hundred', () => {
  assert.deepEqual(reportTally(after('.x.x')), {
    ...{ sent: 4, received: 2, rtt: 5 },
    total: { begun: 0, answered: 2, lost: 2, rtt: 10 },
  })
  const { sent, received, total } = reportTally(after(`${'x'.repeat(90)}${'.'.repeat(60)}`))
  assert.deepEqual({ sent, received }, { sent: 100, received: 60 })
  assert.deepEqual(total, { begun: 0, answered: 60, lost: 90, rtt: 300 })
  assert.deepEqual(reportTally(noTally), { sent: 0, received: 0 })
})

test('when nobody counts any more there is no verdict, and it takes as long as at first', () => {
  const lost = lose(after('...'))
  assert.deepEqual(reportTally(lost), {
    ...{ sent: 3, received: 3, rtt: 5 },
    total: { begun: 0, answered: 3, lost: 0, rtt: 15 },
  })
  assert.equal(reportTally(after('..', 3, lost)).succeeding, undefined)
  assert.equal(reportTally(after('...', 3, lost)).succeeding, true)
})
