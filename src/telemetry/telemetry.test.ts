import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrometheus } from '../../test/support/prometheus.ts'
import type { Row } from '../db/schema.ts'
import type { ChildSa } from '../engine/engine.ts'
import type { EventName } from '../resources/webhook/events.ts'
import { deriveChange } from './changes.ts'
import { renderFamilies } from './exposition.ts'
import { createTrafficCounter } from './traffic.ts'

// --- Text ----------------------------------------------------------------------------------------------------

test('the text of metrics is what a strict reader takes, whatever stands in a label', () => {
  const odd = 'a "quoted" \\ text\nwith a line end'
  const text = renderFamilies([
    {
      name: 'suidao_x',
      type: 'gauge',
      help: 'A help\nof two lines.',
      samples: [{ labels: { odd }, value: 1.5 }],
    },
    { name: 'suidao_empty', type: 'gauge', help: 'Nothing.', samples: [] },
    { name: 'suidao_y_total', type: 'counter', help: 'No labels.', samples: [{ value: 7 }] },
    { name: 'suidao_age', type: 'gauge', help: 'Never.', samples: [{ value: Number.POSITIVE_INFINITY }] },
  ])
  assert.deepEqual(parsePrometheus(text), [
    { name: 'suidao_x', labels: { odd }, value: 1.5 },
    { name: 'suidao_y_total', labels: {}, value: 7 },
    { name: 'suidao_age', labels: {}, value: Number.POSITIVE_INFINITY },
  ])
})

test('the strict reader refuses what promtool would', () => {
  const head = '# HELP a A.\n# TYPE a gauge\n'
  for (const text of [
    'a 1\n',
    `${head}a 1\na 2\n`,
    `${head}a{b="1",b="2"} 1\n`,
    `${head}a{b=1} 1\n`,
    `${head}a one\n`,
    `${head}a 1`,
    `${head}a 1\n# HELP b B.\n# TYPE b gauge\nb 1\na{c="1"} 1\n`,
    '# HELP a A.\n# TYPE a counter\na 1\n',
  ]) {
    assert.throws(() => parsePrometheus(text), text)
  }
})

// --- Traffic -------------------------------------------------------------------------------------------------

const childSa = (uniqueId: string, bytesIn: number, more: Partial<ChildSa> = {}): ChildSa => ({
  uniqueId,
  ikeUniqueId: '1',
  state: 'installed',
  spiIn: `c${uniqueId}`,
  localSelectors: ['10.1.0.0/24'],
  remoteSelectors: ['10.2.0.0/24'],
  bytesIn,
  bytesOut: 2 * bytesIn,
  packetsIn: bytesIn / 10,
  packetsOut: bytesIn / 5,
  ...more,
})

test('what a tunnel carried grows over re-keys, and each is counted once', () => {
  const traffic = createTrafficCounter()
  const seen = [
    [childSa('1', 100)],
    [childSa('1', 150)],
    [childSa('1', 170), childSa('2', 0)],
    [childSa('2', 40)],
    [],
    [childSa('3', 10)],
  ]
  const bytes: number[] = []
  for (const childSas of seen) {
    traffic.note('vco-1', childSas)
    bytes.push(traffic.totals('vco-1').bytesIn)
  }
  assert.deepEqual(bytes, [100, 150, 170, 210, 210, 220])
  // The third one came after the tunnel had been down: that is no re-key.
  assert.deepEqual(traffic.totals('vco-1'), {
    bytesIn: 220,
    bytesOut: 440,
    packetsIn: 22,
    packetsOut: 44,
    rekeys: 1,
  })
})

test('a second pair of subnets is no re-key, a daemon that begins again no loss', () => {
  const traffic = createTrafficCounter()
  traffic.note('vco-1', [childSa('1', 100)])
  traffic.note('vco-1', [childSa('1', 100), childSa('2', 5, { remoteSelectors: ['10.3.0.0/24'] })])
  assert.equal(traffic.totals('vco-1').rekeys, 0)
  traffic.note('vco-1', [childSa('1', 30)])
  assert.equal(traffic.totals('vco-1').bytesIn, 135)
  traffic.keep(new Set(['vco-2']))
  assert.equal(traffic.totals('vco-1').bytesIn, 0)
})

// --- Changes and events --------------------------------------------------------------------------------------

const seen = (changes: Partial<Row<'tunnel_observation'>> = {}): Row<'tunnel_observation'> => ({
  tunnel_id: 'vco-1',
  connection_id: 'vco-1',
  observed_generation: 1,
  facts: '{}',
  ike_established: 0,
  child_installed: 0,
  phase2_failed: 0,
  bgp_established: null,
  probe_succeeding: null,
  rate_in: null,
  rate_out: null,
  reason_code: null,
  reason_since: null,
  reason_evidence: null,
  reported_at: 1,
  version: 1,
  ...changes,
})
const up = seen({ ike_established: 1, child_installed: 1 })

const steps: readonly [
  name: string,
  before: Row<'tunnel_observation'> | undefined,
  after: Row<'tunnel_observation'>,
  events: readonly EventName[],
][] = [
  ['comes up', seen(), up, ['IpsecPhase1NegoSuccess', 'IpsecPhase2NegoSuccess']],
  ['falls', up, seen({ reason_code: 'DPD_TIMEOUT' }), ['IpsecPhase1NegoFailed', 'IpsecPhase2NegoFailed']],
  ['phase 1 alone', seen(), seen({ ike_established: 1 }), ['IpsecPhase1NegoSuccess']],
  [
    'phase 2 is refused',
    seen({ ike_established: 1 }),
    seen({ ike_established: 1, phase2_failed: 1, reason_code: 'SUBNET_MISMATCH' }),
    ['IpsecPhase2NegoFailed'],
  ],
  [
    'never came up',
    seen({ reason_code: 'CONNECTING' }),
    seen({ reason_code: 'PSK_MISMATCH' }),
    ['IpsecPhase1NegoFailed'],
  ],
  ['fails as before', seen({ reason_code: 'PSK_MISMATCH' }), seen({ reason_code: 'PSK_MISMATCH' }), []],
  ['tries', seen({ reason_code: 'PSK_MISMATCH' }), seen({ reason_code: 'CONNECTING' }), []],
  ['is narrowed and up', up, { ...up, reason_code: 'SUBNETS_NARROWED' }, []],
  ['a check that begins failed', up, { ...up, probe_succeeding: 0 }, []],
  [
    'a check fails',
    { ...up, probe_succeeding: 1 },
    { ...up, probe_succeeding: 0 },
    ['IpsecHealthCheckFailed'],
  ],
  [
    'a check succeeds',
    { ...up, probe_succeeding: 0 },
    { ...up, probe_succeeding: 1 },
    ['IpsecHealthCheckSuccess'],
  ],
  ['BGP is lost', { ...up, bgp_established: 1 }, { ...up, bgp_established: 0 }, ['BgpSessionLost']],
  ['the first report of all', undefined, up, ['IpsecPhase1NegoSuccess', 'IpsecPhase2NegoSuccess']],
]
for (const [name, before, after, events] of steps) {
  test(`events of a tunnel that ${name}`, () =>
    assert.deepEqual(deriveChange(before, after)?.events ?? [], events))
}

test('counters alone are no change, a re-key neither', () => {
  assert.equal(deriveChange(up, { ...up, facts: '{"childSas":[]}', reported_at: 9, version: 2 }), undefined)
  assert.equal(deriveChange(up, { ...up, child_installed: 2 }), undefined)
})
