/**
 * Byte-wise writing of what signatures are computed over, into one buffer that is used again and again.
 *
 * Percent-encoding of both schemes: UTF-8 bytes; `A-Z a-z 0-9 - _ . ~` stand for themselves, every other byte is `%XX` in
 * upper case (Alibaba Cloud, "Request signature" of the RPC style, read 2026-11).
 */

const unreserved = new Uint8Array(128)
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~') {
  unreserved[letter.charCodeAt(0)] = 1
}
const hexDigits = Buffer.from('0123456789ABCDEF', 'latin1')

const usual = Buffer.allocUnsafe(64 * 1024)
let bytes = usual
let length = 0

/** Starts a new text that may become `most` bytes long. */
export function begin(most: number): void {
  bytes = most > usual.length ? Buffer.allocUnsafe(most) : usual
  length = 0
}

/** What has been written since `begin`. Valid until the next `begin`. */
export const written = (): Buffer => bytes.subarray(0, length)

/** Writes text whose characters are bytes. */
export function writeLatin1(text: string): void {
  if (text.length > 32) {
    length += bytes.write(text, length, 'latin1')
    return
  }
  // Short texts are written faster from here than by a call into the runtime.
  const target = bytes
  let to = length
  for (let at = 0; at < text.length; at++) target[to++] = text.charCodeAt(at)
  length = to
}

/**
 * Writes `E(text)`, or `E(E(text))` when `twice`: encoded twice, `%XX` becomes `%25XX` and nothing else changes.
 * At most 9 bytes for each UTF-16 unit, 15 when `twice`.
 */
export function writeEncoded(text: string, twice: boolean): void {
  const target = bytes
  let to = length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) {
      if (unreserved[unit] === 1) {
        target[to++] = unit
      } else {
        to = writeByte(target, to, unit, twice)
      }
    } else if (unit < 0x800) {
      to = writeByte(target, to, 0xc0 | (unit >> 6), twice)
      to = writeByte(target, to, 0x80 | (unit & 0x3f), twice)
    } else if (unit < 0xd800 || unit > 0xdbff) {
      to = writeByte(target, to, 0xe0 | (unit >> 12), twice)
      to = writeByte(target, to, 0x80 | ((unit >> 6) & 0x3f), twice)
      to = writeByte(target, to, 0x80 | (unit & 0x3f), twice)
    } else {
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (text.charCodeAt(++at) & 0x3ff)
      to = writeByte(target, to, 0xf0 | (point >> 18), twice)
      to = writeByte(target, to, 0x80 | ((point >> 12) & 0x3f), twice)
      to = writeByte(target, to, 0x80 | ((point >> 6) & 0x3f), twice)
      to = writeByte(target, to, 0x80 | (point & 0x3f), twice)
    }
  }
  length = to
}

function writeByte(target: Buffer, to: number, byte: number, twice: boolean): number {
  target[to++] = 0x25
  if (twice) {
    target[to++] = 0x32
    target[to++] = 0x35
  }
  target[to++] = hexDigits[byte >> 4]!
  target[to++] = hexDigits[byte & 0xf]!
  return to
}

/** Names in the order of their UTF-8 bytes; the same array when it is in that order already. */
export function sortedNames(names: readonly string[], ascii: boolean): readonly string[] {
  if (!ascii) return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (let at = 1; at < names.length; at++) if (names[at - 1]! > names[at]!) return names.toSorted()
  return names
}
