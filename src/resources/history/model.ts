/** What is kept of the past of a tunnel: what its state changed to, and what it carried. Pure. */
import type { Row } from '../../db/schema.ts'
import { type ConnectionStatus, deriveConnectionStatus } from '../vpn-connection/status.ts'

type Observation = Row<'tunnel_observation'>

/**
 * Spans into which time is cut, in seconds, and for how long each is kept, in milliseconds. Every span is written as things
 * happen, so that nothing has to be summed up later; 1 900 rows for a tunnel in all.
 */
export const spans = [
  { seconds: 60, kept: 12 * 3600_000 },
  { seconds: 600, kept: 4 * 24 * 3600_000 },
  { seconds: 3600, kept: 31 * 24 * 3600_000 },
] as const

/** Changes kept for one connection, and in all. */
export const changesPerConnection = 1_000
export const changesInAll = 100_000

/** A report counts until the next one, but no longer than this: what nobody looked at is unknown. Milliseconds. */
export const longestGap = 90_000

/** The finest span that still holds what happened at `from` (epoch milliseconds). */
export function spanFor(from: number, now: number): (typeof spans)[number]['seconds'] {
  return (spans.find(({ kept }) => now - from <= kept) ?? spans.at(-1)!).seconds
}

export interface TunnelChange {
  readonly status: ConnectionStatus
  readonly reasonCode: string | null
  /** JSON, `string[]`. */
  readonly evidence: string | null
}

/** What changed between two reports of one tunnel, or `undefined` when neither Status nor reason did. */
export function deriveChange(before: Observation | undefined, after: Observation): TunnelChange | undefined {
  const status = deriveConnectionStatus(after)
  const same =
    before !== undefined &&
    deriveConnectionStatus(before) === status &&
    before.reason_code === after.reason_code
  return same ? undefined : { status, reasonCode: after.reason_code, evidence: after.reason_evidence }
}

export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly packetsIn: number
  readonly packetsOut: number
}

export interface Interval extends Traffic {
  /** Epoch milliseconds. */
  readonly from: number
  readonly to: number
  readonly up: boolean
}

/**
 * The time between two reports of one tunnel, as the first one found it, with what went through. Counters belong to a
 * CHILD_SA and end with it: what an SA carried after the last look at it is not known.
 */
export function deriveInterval(before: Observation | undefined, after: Observation): Interval | undefined {
  if (before === undefined) return undefined
  const gap = after.reported_at - before.reported_at
  if (gap <= 0 || gap > longestGap) return undefined
  return {
    from: before.reported_at,
    to: after.reported_at,
    up: deriveConnectionStatus(before) === 'ipsec_sa_established',
    ...trafficBetween(countersOf(before.facts), countersOf(after.facts)),
  }
}

interface Counters extends Traffic {
  readonly uniqueId: string
  readonly spiIn?: string
}

const countersOf = (facts: string): readonly Counters[] => JSON.parse(facts).childSas ?? []

export function trafficBetween(before: readonly Counters[], after: readonly Counters[]): Traffic {
  const identity = ({ uniqueId, spiIn }: Counters) => `${uniqueId} ${spiIn}`
  const known = new Map(before.map((sa) => [identity(sa), sa]))
  const grown = (name: keyof Traffic) =>
    after.reduce((sum, sa) => sum + Math.max(0, sa[name] - (known.get(identity(sa))?.[name] ?? 0)), 0)
  return {
    bytesIn: grown('bytesIn'),
    bytesOut: grown('bytesOut'),
    packetsIn: grown('packetsIn'),
    packetsOut: grown('packetsOut'),
  }
}

export interface Share extends Traffic {
  /** Begin of the span, epoch milliseconds. */
  readonly at: number
  readonly observedMs: number
  readonly upMs: number
}

/** Cuts an interval at the borders of spans; traffic is shared out by time, and none of it is lost to rounding. */
export function cut(interval: Interval, spanSeconds: number): readonly Share[] {
  const span = spanSeconds * 1000
  const { from, to, up } = interval
  const shares: Share[] = []
  for (let begin = from; begin < to; ) {
    const at = Math.floor(begin / span) * span
    const end = Math.min(to, at + span)
    const part = (value: number) =>
      Math.round((value * (end - from)) / (to - from)) - Math.round((value * (begin - from)) / (to - from))
    shares.push({
      at,
      observedMs: end - begin,
      upMs: up ? end - begin : 0,
      bytesIn: part(interval.bytesIn),
      bytesOut: part(interval.bytesOut),
      packetsIn: part(interval.packetsIn),
      packetsOut: part(interval.packetsOut),
    })
    begin = end
  }
  return shares
}
