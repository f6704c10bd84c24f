/**
 * Numbers of the API for Prometheus (text format 0.0.4): answered calls by action and code, and how long they took.
 * Action and code come from our own tables, so callers cannot make up series.
 */

/** Upper bounds of the histogram, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3] as const

export interface ApiMetrics {
  /** `action` from the table (empty when the request named none of them), `code` as answered (`OK` for success). */
  count(action: string, code: string, microseconds: number): void
  renderMetrics(): string
}

export function createApiMetrics(): ApiMetrics {
  const calls = new Map<string, Map<string, number>>()
  const buckets = new Array<number>(bounds.length + 1).fill(0)
  let microsecondsTotal = 0

  return {
    count(action, code, microseconds) {
      let codes = calls.get(action)
      if (!codes) {
        codes = new Map()
        calls.set(action, codes)
      }
      codes.set(code, (codes.get(code) ?? 0) + 1)
      const seconds = microseconds / 1e6
      let at = 0
      while (at < bounds.length && seconds > bounds[at]!) at++
      buckets[at]!++
      microsecondsTotal += microseconds
    },
    renderMetrics() {
      const lines = [
        '# HELP suidao_api_requests_total Answered API requests by action and code.',
        '# TYPE suidao_api_requests_total counter',
      ]
      for (const [action, codes] of calls) {
        for (const [code, count] of codes) {
          lines.push(`suidao_api_requests_total{action="${action || 'unknown'}",code="${code}"} ${count}`)
        }
      }
      lines.push(
        '# HELP suidao_api_request_duration_seconds Time from the whole request to its answer.',
        '# TYPE suidao_api_request_duration_seconds histogram',
      )
      let below = 0
      for (const [at, bound] of bounds.entries()) {
        below += buckets[at]!
        lines.push(`suidao_api_request_duration_seconds_bucket{le="${bound}"} ${below}`)
      }
      below += buckets[bounds.length]!
      lines.push(
        `suidao_api_request_duration_seconds_bucket{le="+Inf"} ${below}`,
        `suidao_api_request_duration_seconds_sum ${microsecondsTotal / 1e6}`,
        `suidao_api_request_duration_seconds_count ${below}`,
      )
      return `${lines.join('\n')}\n`
    },
  }
}
