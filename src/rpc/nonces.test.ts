import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createNonceMemory, freshness } from './nonces.ts'

const now = Date.UTC(2026, 10, 22, 12, 7)

describe('a nonce', () => {
  it('is new once, and belongs to its key', () => {
    const memory = createNonceMemory()
    assert.equal(memory.use('A', 'n', now), 'new')
    assert.equal(memory.use('A', 'n', now), 'used')
    assert.equal(memory.use('B', 'n', now), 'new')
    assert.equal(memory.use('A', 'nn', now), 'new')
    assert.equal(memory.use('An', 'n', now), 'new')
    assert.equal(memory.use('', 'An', now), 'new')
  })

  it('is recognised under another timestamp anywhere within the window', () => {
    for (let second = 0; second < 30 * 60; second += 31) {
      const memory = createNonceMemory()
      const first = now - freshness + second * 1000
      assert.equal(memory.use('A', 'n', first), 'new')
      for (let other = 0; other <= 30 * 60; other += 61) {
        assert.equal(memory.use('A', 'n', now - freshness + other * 1000), 'used')
      }
    }
  })

  it('is remembered until no timestamp it came with can be fresh any more', () => {
    // A clock that runs on; each nonce is tried again as long as its request would pass the freshness check.
    const memory = createNonceMemory(64, 4096)
    const sent: { nonce: string; timestamp: number }[] = []
    let count = 0
    for (let clock = now; clock < now + 6 * freshness; clock += 60_000) {
      for (const skew of [-freshness, -1000, 0, freshness]) {
        const request = { nonce: `n${count++}`, timestamp: clock + skew }
        assert.equal(memory.use('A', request.nonce, request.timestamp), 'new')
        sent.push(request)
      }
      for (const { nonce, timestamp } of sent) {
        if (Math.abs(timestamp - clock) <= freshness) assert.equal(memory.use('A', nonce, timestamp), 'used')
      }
    }
  })

  it('agrees with a plain set for any sequence', () => {
    const step = fc.tuple(
      fc.constantFrom('A', 'B'),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: -900, max: 900 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const memory = createNonceMemory(16, 1024)
        const seen = new Set<string>()
        for (const [key, nonce, skew] of steps) {
          const want = seen.has(`${key} ${nonce}`) ? 'used' : 'new'
          assert.equal(memory.use(key, String(nonce), now + skew * 1000), want)
          seen.add(`${key} ${nonce}`)
        }
      }),
    )
  })
})

describe('the memory', () => {
  it('says when it is full, forgets nothing then, and has room again in the next quarter of an hour', () => {
    const memory = createNonceMemory(16, 64)
    const room = (16 + 32 + 64) * 0.75
    for (let at = 0; at < room; at++) assert.equal(memory.use('A', `n${at}`, now), 'new')
    assert.equal(memory.use('A', 'one more', now), 'full')
    assert.equal(memory.use('A', 'one more', now), 'full')
    for (let at = 0; at < room; at++) assert.equal(memory.use('A', `n${at}`, now), 'used')
    assert.equal(memory.use('A', 'one more', now + freshness), 'new')
    assert.equal(memory.use('A', 'n0', now + freshness), 'used')
    // Three quarters on, the first table is empty again.
    assert.equal(memory.use('A', 'n0', now + 3 * freshness), 'new')
  })

  it('takes a million nonces without a mistake and within its bytes', () => {
    const memory = createNonceMemory()
    const before = process.memoryUsage().arrayBuffers
    for (let at = 0; at < 1_000_000; at++) {
      if (memory.use('LTAI5tExample', at.toString(16).padStart(32, '0'), now) !== 'new')
        assert.fail(`collision at ${at}`)
    }
    assert.equal(memory.use('LTAI5tExample', (777_777).toString(16).padStart(32, '0'), now), 'used')
    // Segments of 2^14 to 2^20 slots of 8 bytes.
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 21 * 8 + 2 ** 20)
  })

  it('begins anew when the clock is set back by more than the window', () => {
    const memory = createNonceMemory()
    assert.equal(memory.use('A', 'n', now), 'new')
    assert.equal(memory.use('A', 'n', now - 3 * freshness), 'new')
  })
})
