/**
 * What a tunnel has carried since this process began to look, over all its CHILD_SAs. Pure but for what it counts.
 *
 * The daemon counts for each CHILD_SA, and a new one begins at nothing. A total that only added up those that are there
 * would fall at every re-key; Prometheus would take that for a restart and lose the rest.
 */
import type { ChildSa } from '../engine/engine.ts'

export interface Totals {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly packetsIn: number
  readonly packetsOut: number
  /** CHILD_SAs that have taken the place of another one of the same subnets. */
  readonly rekeys: number
}

export interface TrafficCounter {
  /** Takes what the daemon reports of all CHILD_SAs of one tunnel. */
  note(tunnelId: string, childSas: readonly ChildSa[]): void
  totals(tunnelId: string): Totals
  /** Forgets the tunnels that are not wanted any more. */
  keep(tunnelIds: ReadonlySet<string>): void
}

type Amount = 'bytesIn' | 'bytesOut' | 'packetsIn' | 'packetsOut'
const amounts = ['bytesIn', 'bytesOut', 'packetsIn', 'packetsOut'] as const satisfies readonly Amount[]

interface Counted {
  readonly totals: { -readonly [K in keyof Totals]: Totals[K] }
  /** Of the last report, by the daemon's number and SPI: a daemon that was started again begins to count at 1. */
  seen: ReadonlyMap<string, ChildSa>
}

const nothing: Totals = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0, rekeys: 0 }
const keyOf = ({ uniqueId, spiIn }: ChildSa) => `${uniqueId}/${spiIn ?? ''}`
const subnetsOf = ({ localSelectors, remoteSelectors }: ChildSa) =>
  `${[...localSelectors].sort()} ${[...remoteSelectors].sort()}`

export function createTrafficCounter(): TrafficCounter {
  const tunnels = new Map<string, Counted>()
  return {
    note(tunnelId, childSas) {
      let counted = tunnels.get(tunnelId)
      if (!counted) {
        counted = { totals: { ...nothing }, seen: new Map() }
        tunnels.set(tunnelId, counted)
      }
      const { totals, seen } = counted
      const before = new Set([...seen.values()].map(subnetsOf))
      const now = new Map<string, ChildSa>()
      for (const childSa of childSas) {
        const key = keyOf(childSa)
        const last = seen.get(key)
        for (const amount of amounts) {
          const since = last && last[amount] <= childSa[amount] ? last[amount] : 0
          totals[amount] += childSa[amount] - since
        }
        if (!last && before.has(subnetsOf(childSa))) totals.rekeys += 1
        now.set(key, childSa)
      }
      counted.seen = now
    },
    totals: (tunnelId) => tunnels.get(tunnelId)?.totals ?? nothing,
    keep(tunnelIds) {
      for (const id of tunnels.keys()) if (!tunnelIds.has(id)) tunnels.delete(id)
    },
  }
}
