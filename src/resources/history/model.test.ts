import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Row } from '../../db/schema.ts'
import {
  cut,
  deriveChange,
  deriveInterval,
  deriveRates,
  probesBetween,
  type Share,
  spanFor,
  trafficBetween,
} from './model.ts'

const seen = (columns: Partial<Row<'tunnel_observation'>>): Row<'tunnel_observation'> => ({
  tunnel_id: 'vco-1',
  connection_id: 'vco-1',
  observed_generation: 1,
  facts: '{}',
  ike_established: 0,
  child_installed: 0,
  phase2_failed: 0,
  bgp_established: null,
  probe_succeeding: null,
  rate_in: null,
  rate_out: null,
  reason_code: null,
  reason_since: null,
  reason_evidence: null,
  reported_at: 1_000,
  version: 1,
  ...columns,
})

test('a change is one of Status or of reason, and the first report', () => {
  const up = seen({ ike_established: 1, child_installed: 1 })
  const down = seen({ reason_code: 'PSK_MISMATCH', reason_evidence: '["line"]' })
  assert.deepEqual(deriveChange(undefined, up), {
    status: 'ipsec_sa_established',
    reasonCode: null,
    evidence: null,
  })
  assert.equal(deriveChange(up, { ...up, child_installed: 2, reported_at: 9_000 }), undefined)
  assert.deepEqual(deriveChange(up, down), {
    status: 'ike_sa_not_established',
    reasonCode: 'PSK_MISMATCH',
    evidence: '["line"]',
  })
  assert.equal(deriveChange(down, { ...down, reason_evidence: '["another"]' }), undefined)
})

test('an interval is as its beginning was; a gap too long for that is unknown', () => {
  const facts = (bytesIn: number) =>
    JSON.stringify({
      childSas: [{ uniqueId: '1', spiIn: 'a', bytesIn, bytesOut: 0, packetsIn: 1, packetsOut: 0 }],
    })
  const before = seen({ ike_established: 1, child_installed: 1, facts: facts(100) })
  const after = seen({ reported_at: 31_000, facts: facts(150) })
  assert.deepEqual(deriveInterval(before, after), {
    ...{ from: 1_000, to: 31_000, up: true },
    ...{ bytesIn: 50, bytesOut: 0, packetsIn: 0, packetsOut: 0 },
    ...{ probesAnswered: 0, probesLost: 0, rttUs: 0 },
  })
  assert.equal(deriveInterval(before, seen({ reported_at: 91_001 })), undefined)
  assert.equal(deriveInterval(before, seen({ reported_at: 1_000 })), undefined)
  assert.equal(deriveInterval(undefined, after), undefined)
})

test('counters count from where they were, and from nothing in a new SA', () => {
  const sa = (uniqueId: string, spiIn: string, bytesIn: number) => ({
    ...{ uniqueId, spiIn, bytesIn },
    ...{ bytesOut: bytesIn * 2, packetsIn: 0, packetsOut: 0 },
  })
  const cases: [before: ReturnType<typeof sa>[], after: ReturnType<typeof sa>[], want: number][] = [
    [[], [sa('1', 'a', 10)], 10],
    [[sa('1', 'a', 10)], [sa('1', 'a', 25)], 15],
    [[sa('1', 'a', 10)], [sa('1', 'a', 25), sa('2', 'b', 7)], 22],
    // The daemon was started again and counts its SAs from 1.
    [[sa('1', 'a', 1_000)], [sa('1', 'c', 5)], 5],
    [[sa('1', 'a', 1_000)], [sa('1', 'a', 5)], 0],
    [[sa('1', 'a', 10)], [], 0],
  ]
  for (const [before, after, want] of cases) {
    const { bytesIn, bytesOut } = trafficBetween(before, after)
    assert.deepEqual([bytesIn, bytesOut], [want, want * 2])
  }
})

test('probes count from where they were, and from nothing with another begin', () => {
  type Total = Parameters<typeof probesBetween>[0]
  const total = (begun: number, answered: number, lost: number, rtt: number) => ({
    begun,
    answered,
    lost,
    rtt,
  })
  const cases: [before: Total, after: Total, want: number[]][] = [
    [undefined, undefined, [0, 0, 0]],
    [undefined, total(1, 3, 1, 4.5), [3, 1, 4_500]],
    [total(1, 3, 1, 4.5), total(1, 5, 2, 10), [2, 1, 5_500]],
    [total(1, 30, 1, 45), total(2, 4, 0, 8), [4, 0, 8_000]],
    [total(1, 3, 1, 4.5), undefined, [0, 0, 0]],
  ]
  for (const [before, after, want] of cases) {
    const { probesAnswered, probesLost, rttUs } = probesBetween(before, after)
    assert.deepEqual([probesAnswered, probesLost, rttUs], want)
  }
})

test('a rate is that of the last interval which was long enough for one', () => {
  const facts = (bytesIn: number) =>
    JSON.stringify({
      childSas: [{ uniqueId: '1', spiIn: 'a', bytesIn, bytesOut: 0, packetsIn: 0, packetsOut: 0 }],
    })
  const before = seen({ facts: facts(1_000), rate_in: 7, rate_out: 8 })
  const after = (at: number, bytesIn: number) => seen({ reported_at: 1_000 + at, facts: facts(bytesIn) })
  assert.deepEqual(deriveRates(before, after(10_000, 11_000)), { rate_in: 8_000, rate_out: 0 })
  assert.deepEqual(deriveRates(before, after(500, 1_000_000)), { rate_in: 7, rate_out: 8 })
  assert.deepEqual(deriveRates(before, after(10_000, 0)), { rate_in: 0, rate_out: 0 })
  const unknown = { rate_in: null, rate_out: null }
  assert.deepEqual(deriveRates(undefined, after(10_000, 1)), unknown)
  assert.deepEqual(deriveRates(before, after(100_000, 9_000)), unknown)
  assert.deepEqual(deriveRates({ ...before, rate_in: null, rate_out: null }, after(500, 1_000_000)), unknown)
})

test('an interval is cut at the borders of spans, and nothing is lost', () => {
  const interval = fc.record({
    from: fc.integer({ min: 0, max: 10_000_000 }),
    length: fc.integer({ min: 1, max: 90_000 }),
    up: fc.boolean(),
    bytesIn: fc.integer({ min: 0, max: 2 ** 40 }),
    bytesOut: fc.integer({ min: 0, max: 100 }),
    packetsIn: fc.integer({ min: 0, max: 7 }),
    packetsOut: fc.constant(0),
    probesAnswered: fc.integer({ min: 0, max: 90 }),
    probesLost: fc.integer({ min: 0, max: 90 }),
    rttUs: fc.integer({ min: 0, max: 2 ** 30 }),
  })
  fc.assert(
    fc.property(interval, fc.constantFrom(1, 60, 600), ({ from, length, ...rest }, span) => {
      const shares = cut({ from, to: from + length, ...rest }, span)
      const sum = (name: Exclude<keyof Share, 'at'>) =>
        shares.reduce((total, share) => total + share[name], 0)
      assert.equal(sum('observedMs'), length)
      assert.equal(sum('upMs'), rest.up ? length : 0)
      const counted = ['bytesIn', 'bytesOut', 'packetsIn', 'probesAnswered', 'probesLost'] as const
      for (const name of counted) assert.equal(sum(name), rest[name])
      if (rest.probesAnswered > 0) assert.ok(Math.abs(sum('rttUs') - rest.rttUs) <= shares.length)
      for (const share of shares) {
        assert.equal(share.at % (span * 1000), 0)
        assert.ok(share.observedMs <= span * 1000 && share.bytesIn >= 0)
      }
      assert.equal(new Set(shares.map(({ at }) => at)).size, shares.length)
    }),
  )
})

test('the finest span that still holds the begin is taken', () => {
  const hour = 3600_000
  const now = 1_000 * hour
  const cases: [ago: number, want: number][] = [
    [1, 60],
    [12, 60],
    [13, 600],
    [96, 600],
    [97, 3600],
    [900, 3600],
  ]
  for (const [ago, want] of cases) assert.equal(spanFor(now - ago * hour, now), want)
})
