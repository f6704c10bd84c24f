import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createApiMetrics } from './metrics.ts'

it('counts by action and code, and sorts durations into cumulative buckets', () => {
  const metrics = createApiMetrics()
  metrics.count('DescribeVpnConnection', 'OK', 400)
  metrics.count('DescribeVpnConnection', 'OK', 500)
  metrics.count('DescribeVpnConnection', 'InvalidRegionId.NotFound', 501)
  metrics.count('', 'MissingAction', 4_000_000)
  const lines = metrics.renderMetrics().trimEnd().split('\n')
  assert.deepEqual(
    lines.filter((line) => line.includes('requests_total{')),
    [
      'suidao_api_requests_total{action="DescribeVpnConnection",code="OK"} 2',
      'suidao_api_requests_total{action="DescribeVpnConnection",code="InvalidRegionId.NotFound"} 1',
      'suidao_api_requests_total{action="unknown",code="MissingAction"} 1',
    ],
  )
  const bucket = (le: string): string | undefined =>
    lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1]
  assert.deepEqual(['0.0005', '0.001', '3', '+Inf'].map(bucket), ['2', '3', '3', '4'])
  assert.ok(lines.includes('suidao_api_request_duration_seconds_count 4'))
  assert.ok(lines.includes('suidao_api_request_duration_seconds_sum 4.001401'))
  for (const line of lines) assert.match(line, /^(# (HELP|TYPE) .+|\w+(\{[^}]*\})? [\d.]+)$/)
})
