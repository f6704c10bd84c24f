import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../../rpc/errors.ts'
import { parseRange, renderLogLine } from './model.ts'

const second = 1_764_115_200
const at = second * 1_000
const minute = 60_000

const ranges: readonly [
  name: string,
  asked: Parameters<typeof parseRange>[0],
  want: readonly [number, number],
][] = [
  ['both ends', { From: second, To: second + 10 }, [at, at + 11_000]],
  ['one second', { From: second, To: second }, [at, at + 1_000]],
  ['a begin and minutes', { From: second, MinutePeriod: 5 }, [at, at + 5 * minute]],
  ['an end and minutes', { To: second, MinutePeriod: 5 }, [at + 1_000 - 5 * minute, at + 1_000]],
  ['minutes alone, up to now', { MinutePeriod: 10 }, [at + 1 - 10 * minute, at + 1]],
  ['milliseconds', { From: at, MinutePeriod: 1 }, [at, at + minute]],
]
for (const [name, asked, [from, to]] of ranges) {
  test(`a range: ${name}`, () => assert.deepEqual(parseRange(asked, at), { from, to }))
}

const refusals: readonly [name: string, asked: Parameters<typeof parseRange>[0], code: string][] = [
  ['nothing', {}, 'MissingMinutePeriod'],
  ['a begin alone', { From: second }, 'MissingMinutePeriod'],
  ['an end alone', { To: second }, 'MissingMinutePeriod'],
  ['all three', { From: second, To: second, MinutePeriod: 1 }, 'IllegalParam.MinutePeriod'],
  ['an end before the begin', { From: second + 1, To: second }, 'IllegalParam.From'],
]
for (const [name, asked, code] of refusals) {
  test(`a range is refused: ${name}`, () => {
    assert.throws(
      () => parseRange(asked, at),
      (error) => error instanceof ApiError && error.code === code,
    )
  })
}

test('a line has its time in front', () => {
  assert.equal(renderLogLine({ at: at + 7, text: '[IKE] x' }), `${new Date(at + 7).toISOString()} [IKE] x`)
})
