import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeMessage,
  decodePacket,
  encodeMessage,
  encodePacket,
  listOf,
  maxSegmentLength,
  type Packet,
  type Section,
  SegmentReader,
  sectionOf,
  sectionsOf,
  textOf,
  ViciProtocolError,
  type ViciSection,
} from './message.ts'

/** The same content with ordinary objects, for comparing by value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('the example of the protocol document, byte by byte', () => {
  const text = (value: string) => [...Buffer.from(value)]
  const bytes = Uint8Array.from([
    ...[3, 4, ...text('key1'), 0, 6, ...text('value1')],
    ...[1, 8, ...text('section1')],
    ...[1, 11, ...text('sub-section')],
    ...[3, 4, ...text('key2'), 0, 6, ...text('value2')],
    ...[2],
    ...[4, 5, ...text('list1')],
    ...[5, 0, 5, ...text('item1')],
    ...[5, 0, 5, ...text('item2')],
    ...[6],
    ...[2],
  ])
  const message = {
    key1: 'value1',
    section1: { 'sub-section': { key2: 'value2' }, list1: ['item1', 'item2'] },
  }
  assert.deepEqual(Buffer.from(encodeMessage(message)), Buffer.from(bytes))
  assert.deepEqual(plain(decodeMessage(bytes)), message)
})

test('undefined members are not sent, bytes go out as they are', () => {
  assert.deepEqual(
    Buffer.from(encodeMessage({ a: undefined, b: Uint8Array.of(0, 255) })),
    Buffer.from([3, 1, 98, 0, 2, 0, 255]),
  )
})

test('a name that every object inherits is an ordinary name', () => {
  const bytes = encodeMessage(JSON.parse('{"__proto__": {"toString": "x"}, "constructor": "y"}'))
  const message = decodeMessage(bytes)
  assert.equal(textOf(sectionOf(message, '__proto__'), 'toString'), 'x')
  assert.equal(textOf(message, 'constructor'), 'y')
  assert.equal(textOf(message, 'hasOwnProperty'), undefined)
})

test('reading a member as what it is not gives nothing', () => {
  const message = decodeMessage(encodeMessage({ t: 'x', l: ['y'], s: { z: '1' } }))
  assert.deepEqual(
    [textOf(message, 'l'), textOf(message, 's'), textOf(undefined, 't')],
    [undefined, undefined, undefined],
  )
  assert.deepEqual([listOf(message, 't'), listOf(message, 's'), listOf(message, 'l')], [[], [], ['y']])
  assert.deepEqual([sectionOf(message, 't'), sectionOf(message, 'l')], [undefined, undefined])
  assert.deepEqual(
    sectionsOf(message).map(([name]) => name),
    ['s'],
  )
})

for (const [name, message, says] of [
  ['a name of 256 bytes', { ['n'.repeat(256)]: 'v' }, /256 bytes/],
  ['a value of 64 KiB', { data: 'secret'.repeat(10923) }, /value of data has 65538 bytes/],
  ['a number', { n: 1 } as unknown as ViciSection, /value of n/],
  ['a list in a list', { l: [['x']] } as unknown as ViciSection, /value of l/],
  ['a bottomless section', nest(70), /deeper than 64/],
] as const) {
  test(`refuses to encode ${name}`, () => {
    assert.throws(
      () => encodeMessage(message),
      (error: unknown) => {
        assert(error instanceof ViciProtocolError)
        assert.match(error.message, says)
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  })
}

for (const [name, bytes, says] of [
  ['an unknown element', [9], /unknown element 9/],
  ['a cut name', [3, 4, 97], /ends at byte 3/],
  ['a cut value', [3, 1, 97, 0, 5, 98], /ends at byte 6/],
  ['a cut length', [3, 1, 97, 0], /ends at byte 4/],
  ['a section that is not closed', [1, 1, 97], /ends inside a section/],
  ['a list that is not closed', [4, 1, 97], /ends inside a list/],
  ['a section end too many', [2], /without a section/],
  ['a list item outside a list', [5, 0, 0], /element 5 outside a list/],
  ['a list end outside a list', [6], /element 6 outside a list/],
  ['a key inside a list', [4, 1, 97, 3, 1, 98, 0, 0], /element 3 inside a list/],
  ['a list inside a list', [4, 1, 97, 4, 1, 98], /element 4 inside a list/],
  ['65 sections in each other', Array.from({ length: 65 }, () => [1, 0]).flat(), /deeper than 64/],
] as const) {
  test(`refuses to decode ${name}`, () => {
    assert.throws(() => decodeMessage(Uint8Array.from(bytes)), { name: 'ViciProtocolError', message: says })
  })
}

function nest(depth: number): ViciSection {
  return depth === 0 ? { k: 'v' } : { s: nest(depth - 1) }
}

// Names that look like array indexes are left out: JavaScript moves them to the front, VICI has no such names.
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/^\d+$/.test(text))
const section = <V>(value: fc.Arbitrary<V>) =>
  fc.letrec<{ section: Section<V> }>((tie) => ({
    section: fc.dictionary(
      name,
      fc.oneof({ maxDepth: 4 }, value, fc.array(value), tie('section') as fc.Arbitrary<Section<V>>),
    ) as fc.Arbitrary<Section<V>>,
  })).section

test('text survives encoding and decoding', () => {
  fc.assert(
    fc.property(section(fc.string({ unit: 'grapheme' })), (message) => {
      assert.deepEqual(plain(decodeMessage(encodeMessage(message))), plain(message))
    }),
  )
})

test('bytes survive encoding and decoding, and encode to the same message again', () => {
  fc.assert(
    fc.property(section(fc.uint8Array()), (message) => {
      const bytes = encodeMessage(message)
      assert.deepEqual(encodeMessage(decodeMessage(bytes, { raw: true })), bytes)
    }),
  )
})

/** Well-formed elements in any order, so that the fuzzer gets past the first byte. */
const elements = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        [2],
        [6],
        [1, 1, 97],
        [4, 1, 98],
        [5, 0, 1, 99],
        [3, 1, 100, 0, 1, 101],
        [3, 1],
        [5, 1],
      ),
      fc.array(fc.nat(255), { maxLength: 6 }),
    ),
    { maxLength: 200 },
  )
  .map((parts) => Uint8Array.from(parts.flat()))

test('any bytes are a message or a ViciProtocolError', () => {
  fc.assert(
    fc.property(fc.oneof(elements, fc.uint8Array({ maxLength: 2_000 })), (bytes) => {
      let raw: Section<Uint8Array>
      try {
        raw = decodeMessage(bytes, { raw: true })
      } catch (error) {
        assert(error instanceof ViciProtocolError)
        return
      }
      assert.deepEqual(Object.keys(decodeMessage(bytes)), Object.keys(raw))
      // Names that are not UTF-8 are readable and cannot be written back.
      if (JSON.stringify(raw).includes('\ufffd')) return
      assert.deepEqual(decodeMessage(encodeMessage(raw), { raw: true }), raw)
    }),
    { numRuns: 2_000 },
  )
})

const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({ type: fc.constantFrom('request' as const, 'event' as const), name, message: fc.uint8Array() }),
  fc.record({ type: fc.constantFrom('register' as const, 'unregister' as const), name }),
  fc.record({ type: fc.constant('response' as const), message: fc.uint8Array() }),
  fc.record({
    type: fc.constantFrom('unknown-command' as const, 'confirm' as const, 'unknown-event' as const),
  }),
)
const comparable = (value: Packet) => ({
  ...value,
  ...('message' in value && { message: Buffer.from(value.message).toString('hex') }),
})

test('packet types have the numbers of the document', () => {
  const none = new Uint8Array()
  for (const [number, value] of [
    [0, { type: 'request', name: 'a', message: none }],
    [1, { type: 'response', message: none }],
    [2, { type: 'unknown-command' }],
    [3, { type: 'register', name: 'a' }],
    [4, { type: 'unregister', name: 'a' }],
    [5, { type: 'confirm' }],
    [6, { type: 'unknown-event' }],
    [7, { type: 'event', name: 'a', message: none }],
  ] as const) {
    const length = 'name' in value ? 3 : 1
    assert.deepEqual(
      [...encodePacket(value)],
      [0, 0, 0, length, number, ...('name' in value ? [1, 97] : [])],
      value.type,
    )
  }
})

test('packets survive however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 60 })),
      (packets, cuts) => {
        const stream = Buffer.concat(packets.map(encodePacket))
        const reader = new SegmentReader()
        const got: Packet[] = []
        for (let at = 0; at < stream.length; ) {
          const { value } = cuts.next()
          got.push(...reader.push(stream.subarray(at, at + value)).map(decodePacket))
          at += value
        }
        assert.equal(reader.pending, 0)
        assert.deepEqual(got.map(comparable), packets.map(comparable))
      },
    ),
  )
})

test('any segment is a packet or a ViciProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(9), (bytes, type) => {
      const segment = Uint8Array.of(type, ...bytes)
      let read: Packet
      try {
        read = decodePacket(segment)
      } catch (error) {
        assert(error instanceof ViciProtocolError)
        return
      }
      // A name that is not UTF-8 is readable and cannot be written back.
      if ('name' in read && read.name.includes('\ufffd')) return
      assert.deepEqual(Buffer.from(encodePacket(read)).subarray(4), Buffer.from(segment))
    }),
    { numRuns: 2_000 },
  )
})

test('any stream gives segments or a ViciProtocolError, and nothing beyond the limit is waited for', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
      const reader = new SegmentReader()
      let bytes = 0
      try {
        for (const chunk of chunks) {
          for (const segment of reader.push(chunk)) bytes += 4 + segment.length
        }
        const sent = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        assert.equal(bytes + reader.pending, sent)
      } catch (error) {
        assert(error instanceof ViciProtocolError)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a segment of exactly the limit is read, one byte more is refused from its length alone', () => {
  const header = (length: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(length)
    return bytes
  }
  const reader = new SegmentReader()
  assert.deepEqual(reader.push(header(maxSegmentLength)), [])
  assert.equal(reader.push(Buffer.alloc(maxSegmentLength, 1))[0]?.length, maxSegmentLength)
  assert.throws(() => new SegmentReader().push(header(maxSegmentLength + 1)), ViciProtocolError)
  assert.throws(
    () => encodePacket({ type: 'response', message: new Uint8Array(maxSegmentLength) }),
    ViciProtocolError,
  )
})

test('a packet with bytes behind its end is refused', () => {
  assert.throws(() => decodePacket(Uint8Array.of(5, 0)), /1 bytes too many/)
  assert.throws(() => decodePacket(Uint8Array.of(3, 1, 97, 0)), /1 bytes too many/)
  assert.throws(() => decodePacket(new Uint8Array()), /empty segment/)
  assert.throws(() => decodePacket(Uint8Array.of(0, 5, 97)), /inside its name/)
})
