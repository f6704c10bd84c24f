import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEchos } from './echo.ts'

for (const [name, text, want] of [
  ['all answered', '10.2.0.1 : 0.2 0.4 0.3 0.3 0.3\n', { received: 5, rtt: 0.3 }],
  ['some lost', '\n10.2.0.1 : 1.5 - - 2.5 -\n', { received: 2, rtt: 2 }],
  ['all lost', '10.2.0.1 : - - - - -\n', { received: 0 }],
  [
    'a message of a router before it',
    'ICMP Host Unreachable from 10.1.0.1\n10.2.0.1 : - 3 - - -\n',
    { received: 1, rtt: 3 },
  ],
  [
    'nothing but a complaint',
    "fping: can't bind source address : Cannot assign requested address\n",
    { received: 0 },
  ],
] as const) {
  test(`echos: ${name}`, () => assert.deepEqual(parseEchos(text, '10.2.0.1'), want))
}
