import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ReasonCode, reasons } from '../../engine/reason.ts'
import { type DiagnosedTunnel, verdictOf, viewVerdict } from './model.ts'

const now = 1_764_115_200_000
const staleAfter = 90_000
const tunnel: DiagnosedTunnel = {
  connection_id: 'vco-1',
  tunnel_id: 'vco-1',
  dual: 0,
  ike_version: 'ikev1',
  ike_mode: 'main',
  local_id: '198.51.100.1',
  remote_id: '203.0.113.9',
  local_subnet: '10.0.0.0/16',
  remote_subnet: '172.16.0.0/24',
  observed_generation: 1,
  ike_established: 0,
  child_installed: 0,
  phase2_failed: 0,
  reason_code: null,
  reason_since: null,
  reason_evidence: null,
  reported_at: now - 1_000,
}
const view = (changes: Partial<DiagnosedTunnel>) =>
  viewVerdict(verdictOf({ ...tunnel, ...changes }, now, staleAfter))
const failed = (code: ReasonCode, ...evidence: string[]) =>
  view({ reason_code: code, reason_since: now - 5_000, reason_evidence: JSON.stringify(evidence) })

test('every reason is told by its vendor code and severity', () => {
  for (const [code, reason] of Object.entries(reasons)) {
    const told = failed(code as ReasonCode, 'a line of the daemon')
    assert.equal(told.FailedReasonCode, reason.vendorCode)
    assert.equal(told.Severity, reason.severity)
    assert.equal(told.FailedReason, reason.title.en)
    assert.equal(told.FailedTime, now - 5_000)
    assert.equal(told.SourceLog, 'a line of the daemon')
  }
})

test('an up tunnel with nothing to tell: no exception', () => {
  const told = view({ ike_established: 1, child_installed: 1 })
  assert.equal(told.FailedReasonCode, 'NoExceptionFound')
  assert.equal(told.Severity, 'Normal')
  assert.equal(told.FailedTime, undefined)
})

test('unknown and stale are not called well, whatever the last report said', () => {
  for (const reported_at of [null, now - staleAfter - 1]) {
    const told = view({ child_installed: 1, reported_at })
    assert.equal(told.FailedReasonCode, 'NegotiationFailed')
    assert.equal(told.Severity, 'Warn')
  }
})

const mismatches: readonly [
  ReasonCode,
  readonly string[],
  local: string | undefined,
  remote: string | undefined,
][] = [
  [
    'IKE_ENCRYPTION_MISMATCH',
    ['no proposal found', 'received proposals: IKE:AES_CBC_256', 'configured proposals: IKE:AES_CBC_128'],
    'IKE:AES_CBC_128',
    'IKE:AES_CBC_256',
  ],
  [
    'IKE_PROPOSAL_OR_UNKNOWN_PEER',
    ['received NO_PROPOSAL_CHOSEN error notify', 'offered: ikev1 aes-sha1-group2'],
    'ikev1 aes-sha1-group2',
    undefined,
  ],
  [
    'SUBNET_MISMATCH',
    ['traffic selectors 10.2.0.0/24 === 10.1.0.0/24 unacceptable'],
    '10.0.0.0/16 === 172.16.0.0/24',
    '10.2.0.0/24 === 10.1.0.0/24',
  ],
  [
    'ID_MISMATCH',
    ["IDir 'b.example' does not match to '203.0.113.9'"],
    'LocalId 198.51.100.1, RemoteId 203.0.113.9',
    'b.example',
  ],
  [
    'PSK_MISSING',
    [
      'no shared key found for x - y',
      'looking for pre-shared key peer configs matching 198.51.100.2...198.51.100.1[z]',
    ],
    'LocalId 198.51.100.1, RemoteId 203.0.113.9',
    '198.51.100.2...198.51.100.1[z]',
  ],
  ['IKE_VERSION_MISMATCH', ['x'], 'ikev1', 'ikev2'],
  ['MODE_MISMATCH', ['x'], 'main', 'aggressive'],
  ['PSK_MISMATCH', ['tried 1 shared key for a - b, but MAC mismatched'], undefined, undefined],
]
for (const [code, evidence, local, remote] of mismatches) {
  test(`${code}: what the two ends have`, () => {
    const told = failed(code, ...evidence)
    assert.deepEqual([told.MismatchLocalParam, told.MismatchRemoteParam], [local, remote])
  })
}
