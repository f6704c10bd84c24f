import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../engine.ts'
import { createNames, engineLink, fileName, tunnelInterface } from './names.ts'

test('names are known again by their own prefix and by no other', () => {
  const names = createNames('sd')
  const peer = '198.51.100.2'
  const made = [
    names.gateway(7),
    names.vpc('vpc-bp1'),
    names.engine(7),
    names.engine(7, { peer, fromSecond: false }),
    names.engine(7, { peer, fromSecond: true }),
  ]
  assert.deepEqual(made, ['sdgw7', 'sdvpc-bp1', 'sden7', 'sden7-c6336402', 'sden7_c6336402'])
  assert.deepEqual(
    made.map((name) => names.kindOf(name)),
    ['gateway', 'vpc', 'engine', 'engine', 'engine'],
  )
  for (const fromSecond of [false, true]) {
    assert.equal(names.gatewayOf(names.engine(7, { peer, fromSecond })), names.gateway(7))
  }
  assert.equal(names.gatewayOf(names.gateway(7)), undefined)
  for (const other of [createNames('sdx'), createNames('s')]) {
    for (const name of made) assert.equal(other.kindOf(name), undefined, `${name} for ${other.prefix}`)
  }
  for (const stranger of ['default', 'sdgw', 'sdgw7x', 'xsdgw7', 'sden7-c633640', 'cni-1234']) {
    assert.equal(names.kindOf(stranger), undefined, stranger)
  }
})

test('names of interfaces have at most 15 characters', () => {
  const names = createNames('abcdef')
  for (const name of [
    names.wanPort(99_999_999),
    tunnelInterface(999_999_999),
    engineLink({ peer: '203.0.113.255', fromSecond: true }),
  ]) {
    assert(name.length <= 15, name)
  }
})

test('a prefix that leaves no room or is no name is refused', () => {
  for (const bad of ['', 'abcdefg', 'Ab', '1a', 'a-b', 'a/b']) {
    assert.throws(() => createNames(bad), EngineError, bad)
  }
})

test('an id that is no safe file name is replaced by a digest, a different one for each', () => {
  assert.equal(fileName('vco-bp1k'), 'vco-bp1k')
  const digests = ['../x', '.hidden', 'a/b', '', 'x'.repeat(65), 'ä'].map(fileName)
  for (const digest of digests) assert.match(digest, /^[0-9a-f]{32}$/)
  assert.equal(new Set(digests).size, digests.length)
})
