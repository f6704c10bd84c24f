import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../engine.ts'
import { addressHex, addressInside, addressNumber, hostOf, networkOf } from './address.ts'

test('a network loses its host bits', () => {
  for (const [given, want] of [
    ['10.2.0.5/24', '10.2.0.0/24'],
    ['10.2.3.255/22', '10.2.0.0/22'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['1.2.3.4/32', '1.2.3.4/32'],
    ['1.2.3.4', '1.2.3.4/32'],
  ] as const) {
    assert.equal(networkOf(given), want, given)
  }
})

test('an address inside a network lies inside it and is not its broadcast address', () => {
  for (const [given, want] of [
    ['10.1.0.0/24', '10.1.0.1'],
    ['10.1.0.200/25', '10.1.0.129'],
    ['10.1.0.6/31', '10.1.0.6'],
    ['10.1.0.7/32', '10.1.0.7'],
  ] as const) {
    assert.equal(addressInside(given), want, given)
  }
})

test('an address is a number, and a name in hexadecimal', () => {
  assert.equal(addressNumber('198.51.100.2'), 3325256706)
  assert.equal(addressHex('198.51.100.2'), 'c6336402')
  assert.equal(addressHex('1.2.3.4'), '01020304')
  assert.equal(hostOf('10.1.0.254/24'), '10.1.0.254')
})

test('what is no address or network is refused and named', () => {
  for (const bad of [
    '',
    'peer.example',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.4.5',
    ' 1.2.3.4',
    '1.2.3.-4',
  ]) {
    assert.throws(
      () => addressNumber(bad),
      (error: unknown) => error instanceof EngineError && !error.retry && error.message.includes(`"${bad}"`),
    )
  }
  for (const bad of ['1.2.3.4/33', '1.2.3.4/', '1.2.3.4/2/3', '1.2.3.4/-1', 'x/24']) {
    assert.throws(() => networkOf(bad), EngineError, bad)
  }
})
