import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressLines } from './tunnel-interface.ts'

test('an interface has the addresses of its tunnels, and none is taken away before it is replaced', () => {
  assert.deepEqual(addressLines('vco3', ['169.254.10.1/30'], ['169.254.10.1/30']), [])
  assert.deepEqual(
    addressLines('vco3', ['169.254.10.1/30', '169.254.9.1/30'], ['169.254.11.1/30', '169.254.9.1/30']),
    ['addr add 169.254.11.1/30 dev vco3', 'addr del 169.254.10.1/30 dev vco3'],
  )
})
