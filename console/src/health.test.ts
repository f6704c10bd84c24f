import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReasonCode } from '../../src/engine/reason.ts'
import {
  deriveHealth,
  groupByReason,
  type Health,
  type ListExtra,
  rateOf,
  type TunnelSummary,
  worstReason,
} from './health.ts'

const fresh: TunnelSummary = { Freshness: 'current', AsOf: 1 }
const because = (Code: string, Severity: 'Critical' | 'Warn' | 'Normal'): TunnelSummary => ({
  ...fresh,
  Reason: { Code: Code as never, Severity, Since: 1 },
})

test('one word for one tunnel; what nobody has looked at is unknown, not down', () => {
  const cases: [Status: string, extra: ListExtra | undefined, want: string][] = [
    ['ipsec_sa_established', fresh, 'up'],
    ['ipsec_sa_established', because('SUBNETS_NARROWED', 'Warn'), 'degraded'],
    ['ipsec_sa_established', { Freshness: 'stale', AsOf: 1 }, 'unknown'],
    ['ike_sa_not_established', { Freshness: 'unknown' }, 'unknown'],
    ['ike_sa_not_established', fresh, 'negotiating'],
    ['ike_sa_not_established', because('CONNECTING', 'Normal'), 'negotiating'],
    ['ike_sa_not_established', because('WAITING_FOR_TRAFFIC', 'Normal'), 'waiting'],
    ['ike_sa_not_established', because('STOPPED_BY_OPERATOR', 'Normal'), 'stopped'],
    ['ike_sa_not_established', because('PSK_MISMATCH', 'Critical'), 'down'],
    ['ipsec_sa_not_established', fresh, 'down'],
    ['ike_sa_established', undefined, 'negotiating'],
  ]
  for (const [Status, extra, want] of cases) {
    assert.equal(deriveHealth({ Status }, extra), want, `${Status} ${JSON.stringify(extra)}`)
  }
})

test('two tunnels: one in place carries, and is not the whole', () => {
  const pair = (first: string, second: string, ...seen: TunnelSummary[]) => {
    const TunnelOptions = [first, second].map((Status, index) => ({ TunnelId: `tun-${index}`, Status }))
    const Tunnels = seen.map((one, index) => ({ TunnelId: `tun-${index}`, ...one }))
    const connection = { Status: first, TunnelOptionsSpecification: { TunnelOptions } }
    return [deriveHealth(connection, { Tunnels }), worstReason(connection, { Tunnels })?.Code]
  }
  const up = 'ipsec_sa_established'
  const down = 'ike_sa_not_established'
  const wrongKey = because('PSK_MISMATCH', 'Critical')
  assert.deepEqual(pair(up, up, fresh, fresh), ['up', undefined])
  assert.deepEqual(pair(up, down, fresh, wrongKey), ['degraded', 'PSK_MISMATCH'])
  assert.deepEqual(pair(down, down, because('CONNECTING', 'Normal'), wrongKey), ['down', 'PSK_MISMATCH'])
  assert.deepEqual(pair(up, up, fresh, { Freshness: 'stale', AsOf: 1 }), ['degraded', undefined])
  assert.deepEqual(pair(down, down, { Freshness: 'unknown' }, { Freshness: 'unknown' }), [
    'unknown',
    undefined,
  ])
})

test('a rate is the sum of the tunnels whose report holds, and unknown is not nought', () => {
  const carrying = { ...fresh, RateIn: 800, RateOut: 80 }
  const cases: [extra: ListExtra | undefined, want: ReturnType<typeof rateOf>][] = [
    [undefined, undefined],
    [fresh, undefined],
    [carrying, { in: 800, out: 80 }],
    [{ ...carrying, Freshness: 'stale' }, undefined],
    [
      { ...fresh, RateIn: 0, RateOut: 0 },
      { in: 0, out: 0 },
    ],
    [
      {
        Tunnels: [
          { TunnelId: 'a', ...carrying },
          { TunnelId: 'b', ...carrying, RateIn: 1 },
        ],
      },
      { in: 801, out: 160 },
    ],
    [
      {
        Tunnels: [
          { TunnelId: 'a', ...carrying },
          { TunnelId: 'b', Freshness: 'unknown' },
        ],
      },
      { in: 800, out: 80 },
    ],
  ]
  for (const [extra, want] of cases) assert.deepEqual(rateOf(extra), want)
})

test('what is wrong for the same reason stands together, the worst and then the most first', () => {
  const one = (id: number, health: Health, Code?: ReasonCode) => ({
    id,
    health,
    reason: Code && { Code, Severity: 'Critical' as const, Since: 0 },
  })
  const all = [
    one(1, 'degraded', 'PEER_SILENT'),
    one(2, 'down', 'PSK_MISMATCH'),
    one(3, 'down', 'PEER_SILENT'),
    one(4, 'unknown'),
    one(5, 'down', 'PEER_SILENT'),
  ]
  assert.deepEqual(
    groupByReason(all).map((group) => group.map(({ id }) => id)),
    [[3, 5], [2], [1], [4]],
  )
})
