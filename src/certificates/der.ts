/** DER (ITU-T X.690), written: as much of it as a certificate needs. Pure. */

const universal = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

function element(tag: number, content: Uint8Array): Buffer {
  const length = content.length
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const digits: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length, ...digits]), content])
}

export const sequence = (...members: readonly Uint8Array[]) =>
  element(universal.sequence, Buffer.concat(members))
export const set = (member: Uint8Array) => element(universal.set, member)
export const nothing = () => element(universal.null, Buffer.alloc(0))
/** Only `true` is written: members that are false by default are left out in DER. */
export const yes = () => element(universal.boolean, Buffer.from([0xff]))
export const octets = (content: Uint8Array) => element(universal.octetString, content)
export const utf8 = (text: string) => element(universal.utf8String, Buffer.from(text, 'utf8'))

/** @param bytes of a number that is not negative, the highest first */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const shortest = first < 0 ? Buffer.from([0]) : bytes.subarray(first)
  const isNegative = (shortest[0]! & 0x80) !== 0
  return element(universal.integer, isNegative ? Buffer.concat([Buffer.from([0]), shortest]) : shortest)
}

/** @param unused bits at the end of the last byte */
export const bits = (content: Uint8Array, unused = 0) =>
  element(universal.bitString, Buffer.concat([Buffer.from([unused]), content]))

/** @param dotted e.g. `2.5.29.17` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const content = [40 * first + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift(0x80 | (left & 0x7f))
    return digits
  })
  return element(universal.objectIdentifier, Buffer.from(content))
}

/** Whole seconds. Years before 2050 are written with two digits (RFC 5280, 4.1.2.5). */
export function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '')
  const isShort = Number(digits.slice(0, 4)) < 2050
  return isShort
    ? element(universal.utcTime, Buffer.from(digits.slice(2)))
    : element(universal.generalizedTime, Buffer.from(digits))
}

/** `[number]` of the context, around a whole element. */
export const explicit = (number: number, content: Uint8Array) => element(0xa0 | number, content)
/** `[number]` of the context in the place of a primitive element's own tag. */
export const implicit = (number: number, content: Uint8Array) => element(0x80 | number, content)
