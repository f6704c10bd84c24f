/** What is kept of the past of a tunnel: what its state changed to, what it carried, how its probes fared. Pure. */
import type { Row } from '../../db/schema.ts'
import type { ProbeReport, ProbeTotal } from '../../engine/engine.ts'
import { type ConnectionStatus, deriveConnectionStatus } from '../vpn-connection/status.ts'

type Observation = Row<'tunnel_observation'>
/** A report before it is known what passed since the last one. */
type Seen = Omit<Observation, 'rate_in' | 'rate_out'>

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

export interface Probes {
  readonly probesAnswered: number
  readonly probesLost: number
  /** Microseconds, of all round trips together. */
  readonly rttUs: number
}

export interface Interval extends Traffic, Probes {
  /** Epoch milliseconds. */
  readonly from: number
  readonly to: number
  readonly up: boolean
}

/**
 * The time between two reports of one tunnel, as the first one found it, with what went through. Counters belong to a
 * CHILD_SA and end with it: what an SA carried after the last look at it is not known.
 */
export function deriveInterval(before: Seen | undefined, after: Seen): Interval | undefined {
  if (before === undefined) return undefined
  const gap = after.reported_at - before.reported_at
  if (gap <= 0 || gap > longestGap) return undefined
  return {
    from: before.reported_at,
    to: after.reported_at,
    up: deriveConnectionStatus(before) === 'ipsec_sa_established',
    ...between(JSON.parse(before.facts), JSON.parse(after.facts)),
  }
}

/** What of the facts of a report counts upwards. */
interface Facts {
  readonly childSas?: readonly Counters[]
  readonly probe?: Pick<ProbeReport, 'total'>
}

const between = (before: Facts, after: Facts): Traffic & Probes => ({
  ...trafficBetween(before.childSas ?? [], after.childSas ?? []),
  ...probesBetween(before.probe?.total, after.probe?.total),
})

interface Counters extends Traffic {
  readonly uniqueId: string
  readonly spiIn?: string
}

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

/** Probes are counted from another begin when their settings were changed, or the program was started again. */
export function probesBetween(before: ProbeTotal | undefined, after: ProbeTotal | undefined): Probes {
  if (after === undefined) return { probesAnswered: 0, probesLost: 0, rttUs: 0 }
  const from = before?.begun === after.begun ? before : { answered: 0, lost: 0, rtt: 0 }
  return {
    probesAnswered: after.answered - from.answered,
    probesLost: after.lost - from.lost,
    rttUs: Math.round((after.rtt - from.rtt) * 1000),
  }
}

/** Milliseconds; what is shorter makes wild rates. */
const shortest = 2_000

/** Bit/s up to the report `after`, for its row; `null` when that is not known. */
export function deriveRates(
  before: Observation | undefined,
  after: Seen,
): Pick<Observation, 'rate_in' | 'rate_out'> {
  const interval = deriveInterval(before, after)
  if (before === undefined || interval === undefined) return { rate_in: null, rate_out: null }
  const { from, to, bytesIn, bytesOut } = interval
  if (to - from < shortest) return { rate_in: before.rate_in, rate_out: before.rate_out }
  const rate = (bytes: number) => Math.round((bytes * 8_000) / (to - from))
  return { rate_in: rate(bytesIn), rate_out: rate(bytesOut) }
}

export interface Share extends Traffic, Probes {
  /** Begin of the span, epoch milliseconds. */
  readonly at: number
  readonly observedMs: number
  readonly upMs: number
}

/**
 * Cuts an interval at the borders of spans; what was counted is shared out by time, and none of it is lost to rounding.
 * Round trips go where their answers go, so that the mean stays what it was.
 */
export function cut(interval: Interval, spanSeconds: number): readonly Share[] {
  const span = spanSeconds * 1000
  const { from, to, up } = interval
  const shares: Share[] = []
  for (let begin = from; begin < to; ) {
    const at = Math.floor(begin / span) * span
    const end = Math.min(to, at + span)
    const part = (value: number) =>
      Math.round((value * (end - from)) / (to - from)) - Math.round((value * (begin - from)) / (to - from))
    const probesAnswered = part(interval.probesAnswered)
    const rtt = interval.probesAnswered === 0 ? 0 : interval.rttUs / interval.probesAnswered
    shares.push({
      at,
      observedMs: end - begin,
      upMs: up ? end - begin : 0,
      bytesIn: part(interval.bytesIn),
      bytesOut: part(interval.bytesOut),
      packetsIn: part(interval.packetsIn),
      packetsOut: part(interval.packetsOut),
      probesAnswered,
      probesLost: part(interval.probesLost),
      rttUs: Math.round(rtt * probesAnswered),
    })
    begin = end
  }
  return shares
}
