import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatDuration, formatRate, renderCsv } from './format.ts'

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
    [0, '0 s', '0 秒'],
    [61, '1 min 1 s', '1 分 1 秒'],
    [3600, '1 h', '1 小时'],
    [90_061, '1 d 1 h', '1 天 1 小时'],
    [-5, '0 s', '0 秒'],
  ]
  for (const [seconds, en, zh] of cases) {
    assert.deepEqual([formatDuration(seconds, 'en'), formatDuration(seconds, 'zh')], [en, zh])
  }
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
