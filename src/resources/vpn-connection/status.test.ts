import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  deriveAttachmentState,
  deriveBgpStatus,
  deriveConnectionState,
  deriveConnectionStatus,
  deriveFreshness,
  deriveGatewayStatus,
  deriveHealthCheckStatus,
  deriveStatusOfBoth,
} from './status.ts'

const seen = (ike: number | null, child: number | null, failed = 0) => ({
  observed_generation: 1,
  ike_established: ike,
  child_installed: child,
  phase2_failed: failed,
  reported_at: 1,
})

test('Status follows the SAs', () => {
  const cases = [
    ['no engine has reported', seen(null, null), 'ike_sa_not_established'],
    ['no IKE_SA', seen(0, 0), 'ike_sa_not_established'],
    ['no IKE_SA after a failed phase 2', seen(0, 0, 1), 'ike_sa_not_established'],
    ['an IKE_SA, phase 2 under way', seen(1, 0), 'ike_sa_established'],
    ['an IKE_SA, phase 2 failed', seen(1, 0, 1), 'ipsec_sa_not_established'],
    ['a CHILD_SA', seen(1, 1), 'ipsec_sa_established'],
    ['one of several CHILD_SAs, another failed', seen(1, 1, 1), 'ipsec_sa_established'],
    ['a CHILD_SA that outlives its IKE_SA', seen(0, 1), 'ipsec_sa_established'],
    ['two IKE_SAs during a re-key', seen(2, 1), 'ipsec_sa_established'],
  ] as const
  for (const [name, given, want] of cases) assert.equal(deriveConnectionStatus(given), want, name)
})

test('State is active once the generation has been observed', () => {
  assert.equal(
    deriveConnectionState({ deleted_at: null }, { generation: 1, observed_generation: null }),
    'updating',
  )
  assert.equal(
    deriveConnectionState({ deleted_at: null }, { generation: 2, observed_generation: 1 }),
    'updating',
  )
  assert.equal(
    deriveConnectionState({ deleted_at: null }, { generation: 2, observed_generation: 2 }),
    'active',
  )
  assert.equal(
    deriveConnectionState({ deleted_at: 5 }, { generation: 2, observed_generation: 2 }),
    'deleting',
  )
})

test('an attachment is bound to nothing once it is made', () => {
  const state = (generation: number, observed_generation: number | null, deleted_at: number | null = null) =>
    deriveAttachmentState({ deleted_at }, { generation, observed_generation })
  assert.equal(state(1, null), 'provisioning')
  assert.equal(state(1, 1), 'init')
  assert.equal(state(2, 1), 'updating')
  assert.equal(state(2, 2, 5), 'deleting')
})

test('Status of a pair is that of its better tunnel', () => {
  const none = seen(0, 0)
  const failed = seen(1, 0, 1)
  const words = [
    [none, none, 'ike_sa_not_established'],
    [none, failed, 'ipsec_sa_not_established'],
    [seen(1, 0), failed, 'ike_sa_established'],
    [none, seen(1, 1), 'ipsec_sa_established'],
    [seen(1, 1), none, 'ipsec_sa_established'],
  ] as const
  for (const [first, second, want] of words) assert.equal(deriveStatusOfBoth(first, second), want)
})

test('a gateway is updating while one of its connections is', () => {
  const row = { deleted_at: null, generation: 1 }
  const status = (observed_generation: number | null, busyConnections = false) =>
    deriveGatewayStatus(row, { observed_generation, busyConnections })
  assert.equal(status(null), 'provisioning')
  assert.equal(status(null, true), 'provisioning')
  assert.equal(status(1), 'active')
  assert.equal(status(1, true), 'updating')
  assert.equal(status(0), 'updating')
  assert.equal(
    deriveGatewayStatus({ deleted_at: 1, generation: 1 }, { observed_generation: 1, busyConnections: false }),
    'deleting',
  )
})

test('BGP and health check words', () => {
  assert.equal(deriveBgpStatus(1), 'success')
  assert.equal(deriveBgpStatus(0), 'false')
  assert.equal(deriveBgpStatus(null), 'false')
  assert.equal(deriveHealthCheckStatus(false, null), 'success')
  assert.equal(deriveHealthCheckStatus(true, null), 'failed')
  assert.equal(deriveHealthCheckStatus(true, 0), 'failed')
  assert.equal(deriveHealthCheckStatus(true, 1), 'success')
})

test('an old report is stale and no report is unknown, which is not the same as down', () => {
  assert.equal(deriveFreshness(null, 100, 10), 'unknown')
  assert.equal(deriveFreshness(90, 100, 10), 'current')
  assert.equal(deriveFreshness(89, 100, 10), 'stale')
})
