/**
 * Request ids as the vendor writes them: UUIDs of version 4 (RFC 9562, 5.4) in upper case. Made many at a time: one by one,
 * spelling them out takes a twentieth of the time of a whole answer.
 */
import { randomFillSync } from 'node:crypto'

const idLength = 36
const atOnce = 128

const random = Buffer.allocUnsafe(16 * atOnce)
const spelled = Buffer.alloc(idLength * atOnce, '-')
const digits = Buffer.from('0123456789ABCDEF', 'latin1')
/** Where the two digits of each byte stand in an id. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const

let ready = ''
let next = 0

function makeReady(): void {
  randomFillSync(random)
  for (let id = 0; id < atOnce; id++) {
    random[id * 16 + 6] = (random[id * 16 + 6]! & 0x0f) | 0x40 // version 4
    random[id * 16 + 8] = (random[id * 16 + 8]! & 0x3f) | 0x80 // variant 10
    for (let at = 0; at < 16; at++) {
      const byte = random[id * 16 + at]!
      const to = id * idLength + places[at]!
      spelled[to] = digits[byte >> 4]!
      spelled[to + 1] = digits[byte & 15]!
    }
  }
  ready = spelled.toString('latin1')
  next = 0
}

export function newRequestId(): string {
  if (next === ready.length) makeReady()
  next += idLength
  return ready.slice(next - idLength, next)
}
