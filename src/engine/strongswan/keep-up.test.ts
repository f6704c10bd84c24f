import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ChildSa, IkeSa } from '../engine.ts'
import {
  type Attempts,
  decide,
  duplicates,
  fallen,
  noAttempts,
  retryDelays,
  type Situation,
  settledAfterMs,
} from './keep-up.ts'

const now = 1_000_000
/** In the middle: delays are what the table says. */
const random = 0.5

const down: Situation = {
  wanted: ['vco-1-1', 'vco-1-2'],
  installed: new Set(),
  negotiating: false,
  closing: false,
  asked: true,
}

describe('what to do about a tunnel', () => {
  const running: Attempts = { count: 1, nextAt: 0, running: true }
  for (const { name, situation, attempts = noAttempts, want } of [
    {
      name: 'down and asked for: all children are initiated',
      situation: down,
      want: { do: 'initiate', children: ['vco-1-1', 'vco-1-2'] },
    },
    {
      name: 'one child is up: only the other is initiated',
      situation: { ...down, installed: new Set(['vco-1-2']) },
      want: { do: 'initiate', children: ['vco-1-1'] },
    },
    {
      name: 'up: nothing',
      situation: { ...down, installed: new Set(['vco-1-1', 'vco-1-2']) },
      want: { do: 'rest' },
    },
    { name: 'being negotiated: nothing', situation: { ...down, negotiating: true }, want: { do: 'rest' } },
    {
      name: 'old IKE_SAs are still going: nothing',
      situation: { ...down, closing: true },
      want: { do: 'rest' },
    },
    { name: 'nobody asks: nothing', situation: { ...down, asked: false }, want: { do: 'rest' } },
    {
      name: 'an attempt has ended in vain: the next after the first delay',
      situation: down,
      attempts: running,
      want: { do: 'wait', until: now + retryDelays[0]! },
    },
    {
      name: 'the delay is not over',
      situation: down,
      attempts: { count: 3, nextAt: now + 1, running: false },
      want: { do: 'wait', until: now + 1 },
    },
    {
      name: 'the delay is over',
      situation: down,
      attempts: { count: 3, nextAt: now, running: false },
      want: { do: 'initiate', children: ['vco-1-1', 'vco-1-2'] },
    },
  ] as { name: string; situation: Situation; attempts?: Attempts; want: object }[]) {
    test(name, () => assert.deepEqual(decide(situation, attempts, now, random).decision, want))
  }
})

test('the delays between attempts grow as the table says, and the last one repeats', () => {
  let attempts = noAttempts
  let time = now
  const waited: number[] = []
  for (let round = 0; round < retryDelays.length + 2; round += 1) {
    const begun = decide(down, attempts, time, random)
    assert.equal(begun.decision.do, 'initiate')
    const negotiating = decide({ ...down, negotiating: true }, begun.attempts, time + 100, random)
    assert.deepEqual(negotiating.decision, { do: 'rest' })
    const ended = decide(down, negotiating.attempts, time + 200, random)
    assert(ended.decision.do === 'wait')
    waited.push(ended.decision.until - (time + 200))
    attempts = ended.attempts
    time = ended.decision.until
  }
  const last = retryDelays.at(-1)!
  assert.deepEqual(waited, [...retryDelays, last, last])
})

test('the delays spread by 20 % both ways', () => {
  const attempts: Attempts = { count: 4, nextAt: 0, running: true }
  const until = (spread: number) => {
    const { decision } = decide(down, attempts, now, spread)
    assert(decision.do === 'wait')
    return decision.until - now
  }
  assert.equal(until(0), 8_000)
  assert.equal(until(0.999_999) < 12_000 && until(0.999_999) > 11_999, true)
})

test('a tunnel that was up for a while starts anew when it falls; one that flaps goes on with longer delays', () => {
  const attempts: Attempts = { count: 4, nextAt: 0, running: false }
  assert.deepEqual(fallen(attempts, settledAfterMs, now, random), {
    count: 0,
    nextAt: now + retryDelays[0]!,
    running: false,
  })
  assert.deepEqual(fallen(attempts, settledAfterMs - 1, now, random), {
    count: 4,
    nextAt: now + retryDelays[3]!,
    running: false,
  })
})

describe('which IKE_SAs are one too many', () => {
  const ikeSa = (uniqueId: string, state: IkeSa['state'] = 'established'): IkeSa => ({
    uniqueId,
    state,
    version: 'ikev1',
    initiator: true,
  })
  const childSa = (ikeUniqueId: string, state: ChildSa['state'] = 'installed'): ChildSa => ({
    uniqueId: `c${ikeUniqueId}`,
    ikeUniqueId,
    state,
    localSelectors: [],
    remoteSelectors: [],
    bytesIn: 0,
    bytesOut: 0,
    packetsIn: 0,
    packetsOut: 0,
  })
  for (const { name, ikeSas, childSas, want } of [
    { name: 'one alone', ikeSas: [ikeSa('1')], childSas: [childSa('1')], want: [] },
    {
      name: 'the newest with a child stays',
      ikeSas: [ikeSa('9'), ikeSa('10')],
      childSas: [childSa('9'), childSa('10')],
      want: ['9'],
    },
    {
      name: 'a newer one without a child goes',
      ikeSas: [ikeSa('1'), ikeSa('2')],
      childSas: [childSa('1')],
      want: ['2'],
    },
    {
      name: 'a closing child does not count',
      ikeSas: [ikeSa('1'), ikeSa('2')],
      childSas: [childSa('2', 'closing'), childSa('1')],
      want: ['2'],
    },
    {
      name: 'without any child the newest stays',
      ikeSas: [ikeSa('1'), ikeSa('3'), ikeSa('2')],
      childSas: [],
      want: ['2', '1'],
    },
    {
      name: 'one that is re-keyed goes by itself',
      ikeSas: [ikeSa('1', 'rekeying'), ikeSa('2')],
      childSas: [childSa('2')],
      want: [],
    },
    {
      name: 'one that is being negotiated is none yet',
      ikeSas: [ikeSa('1'), ikeSa('2', 'connecting')],
      childSas: [],
      want: [],
    },
  ]) {
    test(name, () => assert.deepEqual(duplicates(ikeSas, childSas), want))
  }
})
