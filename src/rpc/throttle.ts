/**
 * The vendor's limits: calls per minute of one account to one action in one region, by the clock's minutes.
 */

/** Milliseconds until a call may come again; 0 for a call that may be answered now, which is then counted. */
export type Throttle = (account: string, region: string, action: string, limit: number, now: number) => number

const minute = 60_000

export function createThrottle(): Throttle {
  let began = 0
  // One minute's counts: what is longer ago is of no use, so the map is as small as a minute's callers are many.
  let counts = new Map<string, number>()
  return (account, region, action, limit, now) => {
    if (now >= began + minute || now < began) {
      began = now - (now % minute)
      counts = new Map()
    }
    const key = `${account}/${region}/${action}`
    const count = counts.get(key) ?? 0
    if (count >= limit) return began + minute - now
    counts.set(key, count + 1)
    return 0
  }
}
