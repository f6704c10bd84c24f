/**
 * Which signature nonces have been used: the guard against replayed requests.
 *
 * A request is acceptable while its timestamp is within 15 minutes of the clock, so a nonce has to be remembered until
 * then and no longer. Time is cut into quarters of an hour; acceptable timestamps lie in at most three of them (the
 * present one and its neighbours). Each quarter has its own table and a table is emptied as a whole when its quarter has
 * passed: nothing is timed or swept one by one.
 *
 * A table holds 64-bit keyed hashes, not the nonces: a used nonce is always recognised, an unused one is taken for used
 * once in 2^64 comparisons. It grows by segments, each twice the one before, without ever moving an entry, and ends at a
 * fixed size. When that is full, the answer is `full` and the request must be refused: forgetting would admit replays.
 */
import { randomBytes } from 'node:crypto'

/** How far a timestamp may be from the clock, in milliseconds (VPC common parameters: 15 minutes). */
export const freshness = 15 * 60_000

export interface NonceMemory {
  /**
   * Records a nonce, at once. `timestamp` (epoch ms) must have passed the freshness check against the clock.
   * `new`: first use. `used`: seen before within the window. `full`: not recorded, for want of space.
   */
  use(accessKeyId: string, nonce: string, timestamp: number): 'new' | 'used' | 'full'
}

/** Share of a segment that is filled before the next one is begun; keeps the probing short. */
const fillShare = 0.75

interface Segment {
  /** Pairs of 32-bit words; a pair of zeros is free. */
  readonly words: Uint32Array
  readonly mask: number
  count: number
}

interface Quarter {
  /** Number of the quarter of an hour since the epoch; -1 while unused. */
  number: number
  segments: Segment[]
}

const createSegment = (slots: number): Segment => ({
  words: new Uint32Array(slots * 2),
  mask: slots - 1,
  count: 0,
})

/** Where the pair lies, or the free slot where it would: index of the slot, negative (`~index`) when free. */
function probe(segment: Segment, low: number, high: number): number {
  const { words, mask } = segment
  for (let slot = low & mask; ; slot = (slot + 1) & mask) {
    const a = words[slot * 2]!
    const b = words[slot * 2 + 1]!
    if (a === low && b === high) return slot
    if (a === 0 && b === 0) return ~slot
  }
}

/**
 * `firstSlots` and `lastSlots` (powers of two) bound the segments of one quarter. The defaults keep 6.2 million nonces
 * a quarter of an hour (6,900 signed calls a second without a pause) in at most 67 MB, and start with 128 kB.
 */
export function createNonceMemory(firstSlots = 2 ** 14, lastSlots = 2 ** 22): NonceMemory {
  const quarters: readonly Quarter[] = [0, 1, 2].map(() => ({ number: -1, segments: [] }))
  // Unknown to callers, so that nobody can choose nonces that collide.
  const seed = randomBytes(8)
  const seedLow = seed.readUInt32LE(0)
  const seedHigh = seed.readUInt32LE(4)

  return {
    use(accessKeyId, nonce, timestamp) {
      let low = seedLow
      let high = seedHigh
      for (let at = 0; at < accessKeyId.length; at++) {
        low = Math.imul(low ^ accessKeyId.charCodeAt(at), 0x9e3779b1)
        high = Math.imul(high ^ low, 0x5f356495)
      }
      // Keeps ('ab', 'c') and ('a', 'bc') apart.
      high ^= accessKeyId.length
      for (let at = 0; at < nonce.length; at++) {
        low = Math.imul(low ^ nonce.charCodeAt(at), 0x9e3779b1)
        high = Math.imul(high ^ low, 0x5f356495)
        low ^= high >>> 15
      }
      low = (low ^ (low >>> 16) ^ (high >>> 7)) >>> 0
      high >>>= 0
      if (low === 0 && high === 0) high = 1

      const number = Math.floor(timestamp / freshness)
      const own = quarters[number % 3]!
      // A quarter that has passed; or a clock that was set back by more than the window, which starts it anew as well.
      if (own.number !== number) {
        own.number = number
        own.segments = []
      }
      for (const quarter of quarters) {
        if (Math.abs(quarter.number - number) > 2) continue
        for (const segment of quarter.segments) if (probe(segment, low, high) >= 0) return 'used'
      }
      let last = own.segments.at(-1)
      if (!last || last.count >= (last.mask + 1) * fillShare) {
        const slots = last ? (last.mask + 1) * 2 : firstSlots
        if (slots > lastSlots) return 'full'
        last = createSegment(slots)
        own.segments.push(last)
      }
      const free = ~probe(last, low, high)
      last.words[free * 2] = low
      last.words[free * 2 + 1] = high
      last.count++
      return 'new'
    },
  }
}
