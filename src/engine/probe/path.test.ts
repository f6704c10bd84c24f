import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressLines, renderAnswers } from './path.ts'

const loopback = { local: '127.0.0.1', label: 'lo' }
const held = (local: string) => ({ local, label: 'lo:probe' })

test('an address is held without being listened to', () => {
  assert.deepEqual(addressLines([loopback], [], ['10.1.0.10']), [
    'addr add 10.1.0.10/32 dev lo label lo:probe',
    'route del local 10.1.0.10 dev lo table local',
  ])
  assert.deepEqual(addressLines([loopback, held('10.1.0.10')], [], ['10.1.0.10']), [])
  assert.deepEqual(addressLines([loopback, held('10.1.0.10')], ['10.1.0.10'], ['10.1.0.10']), [
    'route del local 10.1.0.10 dev lo table local',
  ])
})

test('one that is not wanted any more goes; those of others stay', () => {
  assert.deepEqual(addressLines([loopback, { local: '10.9.9.9', label: 'lo' }, held('10.1.0.10')], [], []), [
    'addr del 10.1.0.10/32 dev lo label lo:probe',
  ])
})

test('answers to probes are marked, by their length; without probes there are no rules', () => {
  const rules = renderAnswers([
    { source: '10.1.0.10', destination: '10.2.0.1' },
    { source: '10.1.0.10', destination: '10.2.0.1' },
  ])
  assert.equal(
    rules.match(/ip saddr 10\.2\.0\.1 ip daddr 10\.1\.0\.10 icmp type echo-reply ip length 89/g)?.length,
    1,
  )
  assert.equal(renderAnswers([]), 'table ip suidao_probe\ndelete table ip suidao_probe\n')
})
