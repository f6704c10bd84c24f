/**
 * What the outside is told of tunnels as it happens: the log of the process, the log of the tunnel, webhooks; and what
 * it can ask for: metrics. Told of every stored report, it never delays who reports.
 */
import type { Database } from '../db/open.ts'
import type { Row } from '../db/schema.ts'
import type { DaemonHealth } from '../engine/engine.ts'
import { reasons } from '../engine/reason.ts'
import type { Logbook } from '../logbook/logbook.ts'
import { deriveChange, type TunnelChange } from './changes.ts'
import { renderFamilies } from './exposition.ts'
import { createTrafficCounter } from './traffic.ts'
import { tunnelFamilies } from './tunnel-metrics.ts'

export interface TelemetryOptions {
  readonly db: Database
  readonly logbook: Pick<Logbook, 'append'>
  readonly log: (entry: object) => void
  /** Epoch milliseconds. */
  readonly now: () => number
}

export interface Telemetry {
  /** A report has been stored in the place of another one. Never throws. */
  stored(report: {
    readonly before: Row<'tunnel_observation'> | undefined
    readonly after: Row<'tunnel_observation'>
  }): void
  /** Prometheus text. */
  renderMetrics(daemons: readonly DaemonHealth[]): Promise<string>
}

export function createTelemetry({ db, logbook, log, now }: TelemetryOptions): Telemetry {
  const traffic = createTrafficCounter()

  return {
    stored({ before, after }) {
      traffic.note(after.tunnel_id, JSON.parse(after.facts).childSas)
      const change = deriveChange(before, after)
      if (!change) return
      log(entryOf(change))
      logbook.append(change.tunnelId, { at: change.at, text: `[STATUS] ${sentenceOf(change)}` })
    },
    async renderMetrics(daemons) {
      const { families, tunnelIds } = await tunnelFamilies({
        db,
        totals: (id) => traffic.totals(id),
        daemons,
        now: now(),
      })
      traffic.keep(tunnelIds)
      return renderFamilies(families)
    },
  }
}

const entryOf = ({ connectionId, tunnelId, status, statusBefore, reason }: TunnelChange) => ({
  level: 'info',
  message: 'a tunnel has changed',
  connection: connectionId,
  tunnel: tunnelId,
  status,
  ...(statusBefore !== status && { before: statusBefore ?? null }),
  ...(reason && { reason }),
})

/** `ipsec_sa_established -> ike_sa_not_established, PSK_MISMATCH: The pre-shared keys differ` */
function sentenceOf({ status, statusBefore, reason }: TunnelChange): string {
  const step = statusBefore === undefined || statusBefore === status ? status : `${statusBefore} -> ${status}`
  return reason === undefined ? step : `${step}, ${reason}: ${reasons[reason].title.en}`
}
