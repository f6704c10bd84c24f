import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  contains,
  formatIpv4,
  networkSize,
  overlap,
  parseIpv4,
  parseNetwork,
  parseNetworkList,
} from './ipv4.ts'

test('an address is four plain decimal octets', () => {
  assert.equal(parseIpv4('10.0.0.1'), 0x0a000001)
  assert.equal(parseIpv4('255.255.255.255'), 0xffffffff)
  for (const text of [
    '',
    '10.0.0',
    '10.0.0.0.1',
    '256.0.0.1',
    '010.0.0.1',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '-1.0.0.0',
    'a.b.c.d',
  ]) {
    assert.equal(parseIpv4(text), undefined, text)
  }
})

test('an address written is the address read', () => {
  for (const text of ['0.0.0.0', '192.168.1.254', '255.255.255.255', '128.0.0.1']) {
    assert.equal(formatIpv4(parseIpv4(text)!), text)
  }
})

test('a network has no host bits', () => {
  assert.deepEqual(parseNetwork('10.0.0.0/8'), { address: 0x0a000000, prefixLength: 8 })
  assert.deepEqual(parseNetwork('0.0.0.0/0'), { address: 0, prefixLength: 0 })
  assert.deepEqual(parseNetwork('10.0.0.1/32'), { address: 0x0a000001, prefixLength: 32 })
  for (const text of [
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '/8',
    '1.2.3.4/24',
  ]) {
    assert.equal(parseNetwork(text), undefined, text)
  }
})

test('containment and overlap', () => {
  const net = (text: string) => parseNetwork(text)!
  assert.ok(contains(net('10.0.0.0/8'), net('10.1.0.0/16')))
  assert.ok(!contains(net('10.1.0.0/16'), net('10.0.0.0/8')))
  assert.ok(contains(net('0.0.0.0/0'), net('200.0.0.0/8')))
  assert.ok(overlap(net('10.1.0.0/16'), net('10.0.0.0/8')))
  assert.ok(!overlap(net('10.1.0.0/16'), net('10.2.0.0/16')))
  assert.equal(networkSize(net('10.0.0.0/24')), 256)
  assert.equal(networkSize(net('0.0.0.0/0')), 2 ** 32)
})

test('a list refuses empty items and repetitions, and lets blanks through', () => {
  assert.equal(parseNetworkList('10.0.0.0/8, 192.168.0.0/16')?.length, 2)
  for (const text of ['', '10.0.0.0/8,', ',10.0.0.0/8', '10.0.0.0/8,10.0.0.0/8', '10.0.0.0/8;11.0.0.0/8']) {
    assert.equal(parseNetworkList(text), undefined, text)
  }
})
