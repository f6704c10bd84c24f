import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tunnel } from '../engine.ts'
import { peersWithoutNatTraversal, renderNatDrop } from './nat-drop.ts'

const tunnel = (remoteAddress: string, natTraversal: boolean) => ({ remoteAddress, natTraversal }) as Tunnel

test('a peer is cut off port 4500 only when none of its tunnels wants NAT traversal', () => {
  const peers = peersWithoutNatTraversal([
    tunnel('203.0.113.2', false),
    tunnel('203.0.113.1', false),
    tunnel('203.0.113.3', true),
    tunnel('203.0.113.4', false),
    tunnel('203.0.113.4', true),
    tunnel('203.0.113.5', true),
    tunnel('203.0.113.5', false),
  ])
  assert.deepEqual(peers, ['203.0.113.1', '203.0.113.2'])
})

test('the rules replace those before, also when none are left', () => {
  const clear = 'add table inet suidao_nat_t\ndelete table inet suidao_nat_t\n'
  assert.equal(renderNatDrop([]), clear)
  const rules = renderNatDrop(['203.0.113.1', '203.0.113.2'])
  assert(rules.startsWith(clear))
  assert.match(rules, /elements = \{ 203\.0\.113\.1, 203\.0\.113\.2 \}/)
})
