/** Both schemes against a plain reading of their documents, for any parameters. The captured requests: wire-vectors.test. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encode, signedPairs, signV3 } from '../../test/support/toy-api.ts'
import { headerMap } from './authenticate.ts'
import { HmacKey } from './hmac.ts'
import { parsePairs } from './params.ts'
import { mismatchV1, stringToSignV1, verifyV1 } from './signature-v1.ts'
import {
  canonicalRequestV3,
  mismatchV3,
  parseAuthorization,
  stringToSignV3,
  verifyV3,
} from './signature-v3.ts'

const key = { id: 'K', secret: 'secret' }
const keyV1 = new HmacKey('sha1', 'secret&')
const keyV3 = new HmacKey('sha256', 'secret')

const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const params = fc.dictionary(
  text.filter((name) => name !== '' && name !== 'Signature'),
  text,
  { maxKeys: 20, noNullPrototype: true },
)

describe('V1', () => {
  it('verifies what a plain implementation signed, in any order of the parameters', () => {
    fc.assert(
      fc.property(params, fc.constantFrom('GET', 'POST'), fc.boolean(), (given, method, reversed) => {
        const pairs = signedPairs('X', given, { key, method })
        if (reversed) pairs.reverse()
        const parsed = parsePairs(pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'))
        const signature = parsed.map.get('Signature')!
        assert.ok(verifyV1(method, parsed, keyV1, signature))
        const mac = createHmac('sha1', 'secret&').update(stringToSignV1(method, parsed)).digest('base64')
        assert.equal(mac, signature)
      }),
    )
  })
  it('takes no other signature, whatever its length or letters', () => {
    const pairs = parsePairs(
      signedPairs('X', {}, { key })
        .map(([name, value]) => `${encode(name)}=${encode(value)}`)
        .join('&'),
    )
    const right = pairs.map.get('Signature')!
    for (const wrong of [
      '',
      '=',
      right.slice(0, -1),
      `${right}=`,
      ` ${right}`,
      right.toLowerCase(),
      'ŁŁŁŁ',
      `${String.fromCharCode(right.charCodeAt(0) + 256)}${right.slice(1)}`,
    ]) {
      assert.ok(!verifyV1('GET', pairs, keyV1, wrong), wrong)
    }
    assert.ok(!verifyV1('GET', pairs, keyV3, right))
  })
  it('signs parameters larger than the common buffer', () => {
    const pairs = signedPairs('X', { A: '隧'.repeat(20_000) }, { key })
    const parsed = parsePairs(pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'))
    assert.ok(verifyV1('GET', parsed, keyV1, parsed.map.get('Signature')!))
  })
  it('a mismatch is explained in the form clients cut at the first colon', () => {
    const [before, after] = mismatchV1('GET&%2F&a').split(':')
    assert.equal(before, 'Specified signature is not matched with our calculation. server string to sign is')
    assert.equal(after, 'GET&%2F&a')
  })
})

describe('ACS3', () => {
  const asVerified = (request: ReturnType<typeof signV3>) => {
    const headers = headerMap(request.headers)
    const { signedHeaders, signature } = parseAuthorization(headers.get('authorization')!)
    const query = parsePairs(request.url, 2)
    return {
      signed: { method: request.method, query, headers, signedHeaders },
      body: request.body,
      signature,
    }
  }
  it('verifies what a plain implementation signed, with names encoded or not', () => {
    fc.assert(
      fc.property(params, text, (given, body) => {
        // The plain implementation encodes names; ordinary names read the same either way.
        const { signed, body: bytes, signature } = asVerified(signV3('X', given, { key, body }))
        assert.ok(verifyV3(signed, bytes, keyV3, signature))
        assert.ok(!verifyV3(signed, Buffer.concat([bytes, Buffer.from('x')]), keyV3, signature))
        assert.ok(!verifyV3(signed, bytes, keyV1, signature))
      }),
    )
  })
  it('accepts names that were signed as they are', () => {
    const { signed } = asVerified(signV3('X', { 'a b': 'c d' }, { key }))
    const canonical = canonicalRequestV3(signed)
    assert.match(canonical, /^POST\n\/\na b=c%20d\n/)
    const signature = createHmac('sha256', 'secret').update(stringToSignV3(canonical)).digest('hex')
    assert.ok(verifyV3(signed, Buffer.alloc(0), keyV3, signature))
  })
  it('reads the parts of Authorization in any order and with spaces', () => {
    assert.deepEqual(parseAuthorization('ACS3-HMAC-SHA256 Signature=ab, SignedHeaders=a;b , Credential=k'), {
      algorithm: 'ACS3-HMAC-SHA256',
      accessKeyId: 'k',
      signedHeaders: 'a;b',
      signature: 'ab',
    })
  })
  it('joins several lines of a header sorted, as they are signed', () => {
    const headers = headerMap(['X-Acs-Tag', ' b ', 'x-acs-tag', 'a', 'Host', 'h'])
    assert.deepEqual(
      [...headers],
      [
        ['x-acs-tag', 'a,b'],
        ['host', 'h'],
      ],
    )
  })
  it('a mismatch is explained with both texts', () => {
    assert.equal(
      mismatchV3('POST\n/'),
      `Specified signature does not match our calculation. server StringToSign is [${stringToSignV3('POST\n/')}] server CanonicalRequest is [POST\n/]`,
    )
  })
})
