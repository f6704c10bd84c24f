import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { TextBuffer } from './text-buffer.ts'

const piece = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 20_000, maxLength: 40_000 }),
)

it('gives back what was written, whatever its letters and its length', () => {
  const text = new TextBuffer()
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.boolean()), { maxLength: 12 }), (pieces) => {
      text.begin()
      for (const [one, asJson] of pieces) {
        if (asJson) text.putJsonString(one)
        else text.put(one)
      }
      const wanted = pieces.map(([one, asJson]) => (asJson ? JSON.stringify(one) : one)).join('')
      assert.equal(text.slice(), wanted)
      assert.equal(text.length, Buffer.byteLength(wanted))
      const gap = Buffer.byteLength(pieces[0]?.[1] ? JSON.stringify(pieces[0][0]) : (pieces[0]?.[0] ?? ''))
      assert.equal(text.slice(0, gap) + text.slice(gap), wanted)
    }),
  )
})

it('forgets what lies behind the length that is set', () => {
  const text = new TextBuffer()
  text.begin()
  text.put('<a>')
  const before = text.length
  text.put('<b>')
  text.length = before
  text.put('</a>')
  assert.equal(text.slice(), '<a></a>')
})
