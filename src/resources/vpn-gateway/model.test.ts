import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpv4 } from '../ipv4.ts'
import { chooseInsideAddress, chooseOutsideAddress } from './model.ts'

const pool = { first: parseIpv4('198.51.100.10')!, last: parseIpv4('198.51.100.12')! }

test('the outside address is the lowest free one of the pool', () => {
  assert.equal(chooseOutsideAddress(pool, new Set()), '198.51.100.10')
  assert.equal(chooseOutsideAddress(pool, new Set(['198.51.100.10', '198.51.100.12'])), '198.51.100.11')
  assert.equal(
    chooseOutsideAddress(pool, new Set(['198.51.100.10', '198.51.100.11', '198.51.100.12'])),
    undefined,
  )
})

test('the inside address comes from the end of the vSwitch, before the addresses the vendor keeps', () => {
  assert.equal(chooseInsideAddress('10.1.0.0/24', new Set()), '10.1.0.251/24')
  assert.equal(chooseInsideAddress('10.1.0.0/24', new Set(['10.1.0.251/24'])), '10.1.0.250/24')
  assert.equal(chooseInsideAddress('10.1.0.0/29', new Set()), '10.1.0.3/29')
  assert.equal(chooseInsideAddress('10.1.0.0/29', new Set(['10.1.0.3/29', '10.1.0.2/29'])), undefined)
})
