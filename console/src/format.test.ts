import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAge, formatBytes, formatDuration, formatRate, formatTime, renderCsv } from './format.ts'

test('sizes, rates and durations', () => {
  assert.deepEqual([0, 1023, 1536, 200 * 1024, 5e12].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '200 KiB',
    '4.5 TiB',
  ])
  assert.deepEqual([0, 999, 1500, 2e8].map(formatRate), ['0 bit/s', '999 bit/s', '1.5 kbit/s', '200 Mbit/s'])
  const cases: [seconds: number, en: string, zh: string][] = [
    [0, '0 s', '0秒'],
    [61, '1 min 1 s', '1分钟1秒'],
    [3600, '1 h', '1小时'],
    [90_061, '1 d 1 h', '1天1小时'],
    [-5, '0 s', '0秒'],
  ]
  for (const [seconds, en, zh] of cases) {
    assert.deepEqual([formatDuration(seconds, 'en'), formatDuration(seconds, 'zh')], [en, zh])
  }
})

test('an age has no more detail than matters, and a date is of one month alone', () => {
  const ages: [seconds: number, en: string, zh: string][] = [
    [59.4, '59 s', '59秒'],
    [3_359, '55 min', '55分钟'],
    [11_579, '3 h 12 min', '3小时12分钟'],
  ]
  for (const [seconds, en, zh] of ages) {
    assert.deepEqual([formatAge(seconds, 'en'), formatAge(seconds, 'zh')], [en, zh])
  }
  const at = new Date(2026, 3, 5, 6, 7, 8).getTime()
  assert.equal(formatTime(at, 'en'), '05 Apr 2026, 06:07:08')
  assert.equal(formatTime(at, 'zh'), '2026/04/05 06:07:08')
})

test('a CSV cell neither ends early nor runs as a formula', () => {
  assert.equal(
    renderCsv(
      ['a', 'b'],
      [
        ['x,"y"', '=1+1'],
        [-5, undefined],
        ['line\nbreak', '@x'],
      ],
    ),
    'a,b\r\n"x,""y""",\'=1+1\r\n-5,\r\n"line\nbreak",\'@x\r\n',
  )
})
