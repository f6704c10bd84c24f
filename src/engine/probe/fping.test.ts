import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError, type TunnelProbe } from '../engine.ts'
import { fpingArguments, parseFate } from './fping.ts'

const probe: TunnelProbe = {
  source: '10.1.0.254',
  destination: '10.2.0.1',
  interval: 3,
  retry: 3,
  revokeRoutes: true,
}

test('one fping for ever, tied to the interface', () => {
  assert.equal(
    fpingArguments(probe, 'vco1').join(' '),
    '-4 -l -b 61 -p 3000 -t 2000 -I vco1 -S 10.1.0.254 10.2.0.1',
  )
  assert(
    fpingArguments({ ...probe, interval: 0.2 }, 'vco1')
      .join(' ')
      .includes('-p 200 -t 200'),
  )
})

test('what is no probe is refused', () => {
  for (const bad of [
    { source: '-h' },
    { destination: 'host.example' },
    { interval: 0 },
    { interval: Number.NaN },
    { retry: 0 },
  ]) {
    assert.throws(
      () => fpingArguments({ ...probe, ...bad }, 'vco1'),
      (error: unknown) => error instanceof EngineError && !error.retry,
      JSON.stringify(bad),
    )
  }
})

test('fates, as fping 5.1 writes them', () => {
  for (const [line, want] of [
    ['10.2.0.1 : [0], 69 bytes, 0.240 ms (0.240 avg, 0% loss)', 0.24],
    ['10.2.0.1 : [12], 69 bytes, 12.4 ms (3.24 avg, 8% loss)', 12.4],
    ['10.2.0.1 : [7], timed out (NaN avg, 100% loss)', 'lost'],
    ['10.2.0.1   : [7], timed out (0.24 avg, 50% loss)', 'lost'],
    ['', undefined],
    ['ICMP Host Unreachable from 10.1.0.254 for ICMP Echo sent to 10.2.0.1', undefined],
    ['10.2.0.1 : duplicate for [0], 69 bytes, 0.24 ms', undefined],
  ] as const) {
    assert.equal(parseFate(line), want, line)
  }
})
