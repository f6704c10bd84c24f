import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BirdProtocolError, type Heard, ReplyReader } from './reply.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const read = (...chunks: string[]): Heard[] => {
  const reader = new ReplyReader()
  return chunks.flatMap((chunk) => reader.push(bytes(chunk)))
}

test('answers of one line and of many, with notices in between', () => {
  assert.deepEqual(read('0001 BIRD 2.0.12 ready.\n'), [
    { kind: 'reply', lines: [{ code: 1, text: 'BIRD 2.0.12 ready.' }] },
  ])
  assert.deepEqual(read('2002-Name\n1002-a\n+vco_1: x\n b\n1006-  c\n0000 \n0003 Reconfigured\n'), [
    { kind: 'notice', text: 'vco_1: x' },
    {
      kind: 'reply',
      lines: [
        { code: 2002, text: 'Name' },
        { code: 1002, text: 'a' },
        { code: 1002, text: 'b' },
        { code: 1006, text: '  c' },
        { code: 0, text: '' },
      ],
    },
    { kind: 'reply', lines: [{ code: 3, text: 'Reconfigured' }] },
  ])
})

test('nothing is lost or said twice, however the bytes are cut', () => {
  const plain = { noNullPrototype: true }
  const line = fc.record(
    { code: fc.integer({ min: 0, max: 9999 }), text: fc.stringMatching(/^[\x20-\x7e]{0,40}$/) },
    plain,
  )
  const replies = fc.array(
    fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
      notice: fc.stringMatching(/^[\x20-\x7e]{0,20}$/),
    }),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(replies, fc.array(fc.nat(400), { maxLength: 20 }), (wanted, cuts) => {
      const text = wanted
        .map(({ lines, notice }) => {
          const written = lines.map(({ code, text }, index) => {
            const before = lines[index - 1]
            const isLast = index === lines.length - 1
            if (!isLast && before?.code === code) return ` ${text}\n`
            return `${String(code).padStart(4, '0')}${isLast ? ' ' : '-'}${text}\n`
          })
          return `+${notice}\n${written.join('')}`
        })
        .join('')
      const reader = new ReplyReader()
      const heard: Heard[] = []
      let from = 0
      for (const cut of cuts.map((at) => at % (text.length + 1)).toSorted((a, b) => a - b)) {
        heard.push(...reader.push(bytes(text.slice(from, cut))))
        from = cut
      }
      heard.push(...reader.push(bytes(text.slice(from))))
      assert.deepEqual(
        heard,
        wanted.flatMap(({ lines, notice }) => [
          { kind: 'notice', text: notice },
          { kind: 'reply', lines },
        ]),
      )
    }),
  )
})

test('anything else is an error of its own kind, and never endless', () => {
  for (const [what, text] of Object.entries({
    'no code': 'hello\n',
    'a continuation of nothing': ' hello\n',
    'a short code': '12 x\n',
    'another mark': '0000_x\n',
    'an empty line': '\n',
    'a line without end': 'x'.repeat(70_000),
  })) {
    assert.throws(() => read(text), BirdProtocolError, what)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      try {
        new ReplyReader().push(noise)
        return true
      } catch (error) {
        return error instanceof BirdProtocolError
      }
    }),
  )
})
