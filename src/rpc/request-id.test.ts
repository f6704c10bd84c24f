import assert from 'node:assert/strict'
import { it } from 'node:test'
import { newRequestId } from './request-id.ts'

it('gives random UUIDs of version 4 in upper case, each once', () => {
  const ids = Array.from({ length: 1000 }, newRequestId)
  for (const id of ids)
    assert.match(id, /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/)
  assert.equal(new Set(ids).size, ids.length)
  // Every digit that is random takes every value somewhere.
  for (let at = 0; at < 36; at++) {
    const seen = new Set(ids.map((id) => id[at])).size
    assert.equal(seen, [8, 13, 14, 18, 23].includes(at) ? 1 : at === 19 ? 4 : 16, `digit ${at}`)
  }
})
