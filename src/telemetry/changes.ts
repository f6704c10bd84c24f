/** What is new about a tunnel between two stored reports. Pure. */
import type { Row } from '../db/schema.ts'
import { type ReasonCode, reasons } from '../engine/reason.ts'
import { type ConnectionStatus, deriveConnectionStatus } from '../resources/vpn-connection/status.ts'
import type { EventName } from '../resources/webhook/events.ts'

type Observation = Row<'tunnel_observation'>

export interface TunnelChange {
  readonly connectionId: string
  readonly tunnelId: string
  /** Epoch milliseconds of the report. */
  readonly at: number
  /** Absent: nothing was reported before. */
  readonly statusBefore?: ConnectionStatus
  readonly status: ConnectionStatus
  readonly reasonBefore?: ReasonCode
  readonly reason?: ReasonCode
  readonly events: readonly EventName[]
}

/** `undefined` when a reader would see no difference but counters and times. */
export function deriveChange(before: Observation | undefined, after: Observation): TunnelChange | undefined {
  const statusBefore = before && deriveConnectionStatus(before)
  const status = deriveConnectionStatus(after)
  const reasonBefore = (before?.reason_code ?? undefined) as ReasonCode | undefined
  const reason = (after.reason_code ?? undefined) as ReasonCode | undefined
  const events = deriveEvents(before, after)
  if (status === statusBefore && reason === reasonBefore && events.length === 0) return undefined
  return {
    connectionId: after.connection_id,
    tunnelId: after.tunnel_id,
    at: after.reported_at,
    statusBefore,
    status,
    reasonBefore,
    reason,
    events,
  }
}

/**
 * Transitions alone, as the vendor's page on system events has it (June 2024). One thing goes beyond: a tunnel that
 * never came up tells each new reason, since otherwise nobody would hear of it.
 */
function deriveEvents(before: Observation | undefined, after: Observation): EventName[] {
  const found: EventName[] = []
  const step = (was: unknown, is: unknown, gained: EventName, lost: EventName) => {
    if (Boolean(was) !== Boolean(is)) found.push(is ? gained : lost)
  }
  step(before?.ike_established, after.ike_established, 'IpsecPhase1NegoSuccess', 'IpsecPhase1NegoFailed')
  step(before?.child_installed, after.child_installed, 'IpsecPhase2NegoSuccess', 'IpsecPhase2NegoFailed')
  const isKnown = (...flags: readonly (number | null | undefined)[]) =>
    flags.every((flag) => flag !== null && flag !== undefined)
  if (isKnown(before?.probe_succeeding, after.probe_succeeding)) {
    step(
      before!.probe_succeeding,
      after.probe_succeeding,
      'IpsecHealthCheckSuccess',
      'IpsecHealthCheckFailed',
    )
  }
  if (isKnown(before?.bgp_established, after.bgp_established)) {
    step(before!.bgp_established, after.bgp_established, 'BgpSessionEstablished', 'BgpSessionLost')
  }
  const code = after.reason_code as ReasonCode | null
  const isNew = code !== null && code !== before?.reason_code && reasons[code].severity !== 'Normal'
  if (isNew && !after.child_installed) {
    const failed = after.ike_established ? 'IpsecPhase2NegoFailed' : 'IpsecPhase1NegoFailed'
    if (!found.includes(failed)) found.push(failed)
  }
  return found
}
