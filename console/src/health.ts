/** One word for how a connection is, from what the API says of it. Pure. */
import type { BgpReport, ChildSa, IkeSa, ProbeReport } from '../../src/engine/engine.ts'
import { type ReasonCode, reasons } from '../../src/engine/reason.ts'

export interface ReasonExtra {
  readonly Code: ReasonCode
  readonly Severity: 'Critical' | 'Warn' | 'Normal'
  /** Epoch milliseconds. */
  readonly Since: number
  /** In the answer for one connection only. */
  readonly Evidence?: readonly string[]
}

/** What `X-Suidao` of the list says of a tunnel. */
export interface TunnelSummary {
  readonly Freshness: 'current' | 'stale' | 'unknown'
  /** Epoch milliseconds of the last report. */
  readonly AsOf?: number
  readonly Reason?: ReasonExtra
  /** Bit/s up to the last report; absent where it is not known. */
  readonly RateIn?: number
  readonly RateOut?: number
}

/** What `X-Suidao` of `DescribeVpnConnection` says of a tunnel. */
export interface TunnelExtra extends TunnelSummary {
  readonly Generation: number
  readonly ObservedGeneration?: number
  /** An operator keeps it down since then, epoch milliseconds. */
  readonly StoppedAt?: number
  /** Of the peer, by an IKE_SA that may have ended; epoch milliseconds. Absent: not known. */
  readonly HeardAt?: number
  readonly PendingReconnect: boolean
  readonly ChildSasWanted: number
  readonly IkeSas: readonly IkeSa[]
  readonly ChildSas: readonly ChildSa[]
  readonly Bgp?: BgpReport
  readonly Probe?: ProbeReport
}

/** Of the only tunnel of a connection, or of each of two. */
export type OfTunnels<T> = T | { readonly Tunnels: readonly (T & { readonly TunnelId: string })[] }
export type ListExtra = OfTunnels<TunnelSummary>
export type ConnectionExtra = OfTunnels<TunnelExtra>

export const eachOf = <T extends object>(extra: OfTunnels<T> | undefined): readonly T[] =>
  extra === undefined ? [] : 'Tunnels' in extra ? extra.Tunnels : [extra]

/**
 * - `up`: ESP is in place and nothing is wrong
 * - `degraded`: ESP is in place, and something is wrong all the same
 * - `negotiating`, `waiting`: on its way, or for want of traffic not begun; nothing is wrong
 * - `stopped`: an operator keeps it down
 * - `down`: it should be up and is not
 * - `unknown`: nobody has looked for too long, or ever. Not down.
 */
export type Health = 'up' | 'degraded' | 'negotiating' | 'waiting' | 'stopped' | 'down' | 'unknown'

/** Worst first: the order in which somebody should look. */
export const healths: readonly Health[] = [
  'down',
  'degraded',
  'negotiating',
  'waiting',
  'stopped',
  'unknown',
  'up',
]

export function deriveTunnelHealth(status: string | undefined, seen: TunnelSummary | undefined): Health {
  if (seen !== undefined && seen.Freshness !== 'current') return 'unknown'
  const reason = seen?.Reason
  if (status === 'ipsec_sa_established') return reason && reason.Severity !== 'Normal' ? 'degraded' : 'up'
  if (reason?.Code === 'WAITING_FOR_TRAFFIC') return 'waiting'
  if (reason?.Code === 'STOPPED_BY_OPERATOR') return 'stopped'
  if (reason === undefined || reason.Severity === 'Normal') {
    return status === 'ipsec_sa_not_established' ? 'down' : 'negotiating'
  }
  return 'down'
}

interface Connection {
  readonly Status?: string
  readonly TunnelOptionsSpecification?: {
    readonly TunnelOptions: readonly { readonly TunnelId?: string; readonly Status?: string }[]
  }
}

/** Of each tunnel, in the order of the answer. */
export function tunnelHealths(connection: Connection, extra: ListExtra | undefined): readonly Health[] {
  const options = connection.TunnelOptionsSpecification?.TunnelOptions
  const seen = eachOf(extra)
  if (!options?.length) return [deriveTunnelHealth(connection.Status, seen[0])]
  return options.map((option, index) => deriveTunnelHealth(option.Status, seen[index]))
}

/** With one of two tunnels in place, packets flow: degraded, not down. */
export function deriveHealth(connection: Connection, extra: ListExtra | undefined): Health {
  const all = tunnelHealths(connection, extra)
  const worst = healths.find((health) => all.includes(health))!
  const carries = all.some((health) => health === 'up' || health === 'degraded')
  return carries && all.length > 1 && worst !== 'up' ? 'degraded' : worst
}

/** The reason of the tunnel that is worst off, of those that have one. */
export function worstReason(connection: Connection, extra: ListExtra | undefined): ReasonExtra | undefined {
  const order = tunnelHealths(connection, extra)
  return eachOf(extra)
    .map((seen, index) => ({ reason: seen.Reason, health: order[index] ?? 'unknown' }))
    .filter(({ reason }) => reason !== undefined)
    .sort((a, b) => healths.indexOf(a.health) - healths.indexOf(b.health))[0]?.reason
}

/** Those that are as badly off for the same reason, worst and then most first: what one deed may mend stands together. */
export function groupByReason<
  T extends { readonly health: Health; readonly reason: ReasonExtra | undefined },
>(all: readonly T[]): readonly (readonly T[])[] {
  const groups = Map.groupBy(all, ({ health, reason }) => `${health} ${reason?.Code}`)
  const order = ([first]: readonly T[]) => healths.indexOf(first!.health)
  return [...groups.values()].sort((a, b) => order(a) - order(b) || b.length - a.length)
}

/** The oldest of the reports that the answer stands on; absent when one has never come. */
export function asOf(extra: ListExtra | undefined): number | undefined {
  const times = eachOf(extra).map((seen) => seen.AsOf)
  return times.length === 0 || times.includes(undefined) ? undefined : Math.min(...(times as number[]))
}

/** What passes through all tunnels together, in bit/s; of those alone whose last report still holds. */
export function rateOf(
  extra: ListExtra | undefined,
): { readonly in: number; readonly out: number } | undefined {
  const known = eachOf(extra).filter((seen) => seen.Freshness === 'current' && seen.RateIn !== undefined)
  if (known.length === 0) return undefined
  const sum = (name: 'RateIn' | 'RateOut') => known.reduce((total, seen) => total + (seen[name] ?? 0), 0)
  return { in: sum('RateIn'), out: sum('RateOut') }
}

export const reasonOf = (code: string) =>
  reasons[code as ReasonCode] as (typeof reasons)[ReasonCode] | undefined

/** Algorithms and groups that no new tunnel should use (RFC 8247, RFC 8221, NIST SP 800-131A). */
const weak = new Set(['des', '3des', 'md5', 'sha1', 'group1', 'group2', 'group5'])

export const isWeak = (value: string | undefined): boolean => value !== undefined && weak.has(value)
