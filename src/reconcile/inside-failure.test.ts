import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BgpReport } from '../engine/engine.ts'
import { insideFailure } from './inside-failure.ts'

const session = (change: Partial<BgpReport> = {}): BgpReport => ({
  state: 'active',
  since: 1_000,
  learned: [],
  advertised: [],
  ...change,
})

test('why a BGP session is not there, from what the daemon said', () => {
  const cases: [lastError: string | undefined, want: string][] = [
    ['Bad peer AS: 65002', 'BGP_WRONG_ASN'],
    ['Received: Bad peer AS: 65001', 'BGP_WRONG_ASN'],
    ['Hold timer expired', 'BGP_HOLD_TIMER'],
    ['Received: Administrative shutdown', 'BGP_CLOSED'],
    ['Socket: Connection refused', 'BGP_REFUSED'],
    ['Socket: Connection timed out', 'BGP_NO_ANSWER'],
    ['the BGP daemon has ended (BIRD closed its socket)', 'BGP_DAEMON'],
    ['BIRD is not installed (looked for /usr/sbin/bird)', 'BGP_DAEMON'],
    ['Socket: Connection closed', 'BGP_CLOSED'],
    ['no answer from the peer', 'BGP_NO_ANSWER'],
    ['the tunnel carries no packets', 'BGP_CONNECTING'],
    [undefined, 'BGP_CONNECTING'],
  ]
  for (const [lastError, want] of cases) {
    const failure = insideFailure({ bgp: session({ lastError }) })
    assert.equal(failure?.code, want, lastError)
    assert.equal(failure?.since, 1_000)
    assert(failure?.evidence.includes(lastError ?? 'state of the session: active'))
  }
  assert.equal(insideFailure({ bgp: session({ state: 'established', lastError: 'x' }) }), undefined)
})

test('a health check that fails; without a verdict it is no failure, and a session that is down comes first', () => {
  const probe = { sent: 10, received: 4, succeeding: false, since: 7 }
  const failed = {
    code: 'HEALTH_CHECK_FAILED',
    since: 7,
    evidence: ['4 of the last 10 probes were answered'],
  }
  assert.deepEqual(insideFailure({ probe }), failed)
  assert.deepEqual(insideFailure({ probe, bgp: session({ state: 'established' }) }), failed)
  assert.equal(insideFailure({ probe, bgp: session() })?.code, 'BGP_CONNECTING')
  assert.equal(insideFailure({ probe: { sent: 1, received: 0 } }), undefined)
  assert.equal(insideFailure({}), undefined)
})
