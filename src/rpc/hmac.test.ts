import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { HmacKey } from './hmac.ts'

const algorithms = ['sha1', 'sha256'] as const

describe('HMAC', () => {
  it('gives what RFC 2202 and RFC 4231 say, test case 2', () => {
    const message = Buffer.from('what do ya want for nothing?')
    assert.equal(new HmacKey('sha1', 'Jefe').sign(message, 'hex'), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')
    assert.equal(
      new HmacKey('sha256', 'Jefe').sign(message, 'hex'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  it('agrees with node:crypto for any key and message, in both encodings', () => {
    const encoding = fc.constantFrom('base64' as const, 'hex' as const)
    fc.assert(
      fc.property(
        fc.constantFrom(...algorithms),
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.uint8Array({ maxLength: 20_000 }),
        encoding,
        (algorithm, secret, bytes, as) => {
          const message = Buffer.from(bytes)
          const wanted = createHmac(algorithm, secret).update(message).digest(as)
          assert.equal(new HmacKey(algorithm, secret).sign(message, as), wanted)
        },
      ),
    )
  })

  it('verifies the signature it makes, and no other text', () => {
    const message = Buffer.from('message')
    fc.assert(
      fc.property(
        fc.constantFrom(...algorithms),
        fc.constantFrom('base64' as const, 'hex' as const),
        fc.nat(63),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
        (algorithm, encoding, place, letters) => {
          const key = new HmacKey(algorithm, 'secret')
          const right = key.sign(message, encoding)
          assert.ok(key.verify(message, encoding, right))
          const at = place % right.length
          const others = [
            right.slice(0, at) + letters + right.slice(at + letters.length),
            right.slice(0, at) + letters + right.slice(at),
            right.slice(0, at),
            right.slice(0, at) + String.fromCharCode(0x100 + right.charCodeAt(at)) + right.slice(at + 1),
          ]
          for (const other of others) assert.equal(key.verify(message, encoding, other), other === right)
        },
      ),
    )
  })

  it('keys do not disturb each other, and print nothing', () => {
    const [one, other] = [new HmacKey('sha1', 'one'), new HmacKey('sha256', 'other')]
    const first = one.sign(Buffer.from('a'), 'hex')
    other.sign(Buffer.alloc(10_000), 'hex')
    assert.equal(one.sign(Buffer.from('a'), 'hex'), first)
    assert.equal(inspect(one, { showHidden: true, depth: null }), 'HmacKey {}')
    assert.equal(JSON.stringify(one), '{}')
  })
})
