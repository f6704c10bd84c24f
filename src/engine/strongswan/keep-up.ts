/**
 * When to negotiate, and which IKE_SAs are one too many. Pure.
 *
 * charon itself is told to try once and to start nothing: whether and when to try again is decided here, where the
 * reason of the last failure and the wish of the user (EffectImmediately) are known.
 */
import type { ChildSa, IkeSa } from '../engine.ts'
import { carriesTraffic, isEstablished } from './observe.ts'

/** What a tunnel looks like to the decision. */
export interface Situation {
  /** Names of the children that the settings ask for. */
  readonly wanted: readonly string[]
  /** Names of those that carry traffic. */
  readonly installed: ReadonlySet<string>
  /** A negotiation is under way, whoever began it. */
  readonly negotiating: boolean
  /** IKE_SAs that were told to go and are still there. */
  readonly closing: boolean
  /** The tunnel is to be up now: it always is (EffectImmediately), or traffic has asked for it. */
  readonly asked: boolean
}

/** The attempts since the tunnel was last up for a while. Times are epoch milliseconds. */
export interface Attempts {
  readonly count: number
  /** Not before this. */
  readonly nextAt: number
  /** An attempt has begun and its end was not seen yet. */
  readonly running: boolean
}

export const noAttempts: Attempts = { count: 0, nextAt: 0, running: false }

export type Decision =
  | { readonly do: 'rest' }
  /** Look again at this time. */
  | { readonly do: 'wait'; readonly until: number }
  | { readonly do: 'initiate'; readonly children: readonly string[] }

/** Milliseconds before the second, third, ... attempt. */
export const retryDelays: readonly number[] = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000]

/**
 * One step: what to do now, and how the attempts stand after it.
 *
 * @param random 0 up to 1: spreads the retries by 20 % both ways, so that a thousand tunnels do not try as one
 */
export function decide(
  situation: Situation,
  attempts: Attempts,
  now: number,
  random: number,
  delays: readonly number[] = retryDelays,
): { decision: Decision; attempts: Attempts } {
  const rest = { do: 'rest' } as const
  const missing = situation.wanted.filter((child) => !situation.installed.has(child))
  if (missing.length === 0) {
    // How long it stays up decides whether the next failure is a new one: see `settled`.
    return { decision: rest, attempts: { ...attempts, running: false } }
  }
  if (situation.closing || situation.negotiating) return { decision: rest, attempts }
  if (attempts.running) {
    const base = delays[Math.min(attempts.count, delays.length) - 1] ?? 0
    const nextAt = now + base * (0.8 + 0.4 * random)
    return decide(situation, { ...attempts, nextAt, running: false }, now, random, delays)
  }
  if (!situation.asked) return { decision: rest, attempts }
  if (now < attempts.nextAt) return { decision: { do: 'wait', until: attempts.nextAt }, attempts }
  return {
    decision: { do: 'initiate', children: missing },
    attempts: { count: attempts.count + 1, nextAt: attempts.nextAt, running: true },
  }
}

/** A tunnel that falls sooner after it came up goes on with the delays where it was; otherwise they start anew. */
export const settledAfterMs = 10_000

/** The attempts of a tunnel that was up and is not any more: the first try comes after the shortest delay. */
export function fallen(
  attempts: Attempts,
  upForMs: number,
  now: number,
  random: number,
  delays = retryDelays,
) {
  const count = upForMs >= settledAfterMs ? 0 : attempts.count
  const base = delays[Math.min(Math.max(count, 1), delays.length) - 1] ?? 0
  return { count, nextAt: now + base * (0.8 + 0.4 * random), running: false } satisfies Attempts
}

/**
 * IKE_SAs of one tunnel to be terminated when they are still there after a while: all that are established but
 * one. The one to keep is the newest with a child that carries traffic; without any such, the newest.
 *
 * Both ends starting at once make two (strongSwan issue 1801), and IKEv1 ends that re-key at the same moment add one
 * each time. One that is being re-keyed is on its way out by itself.
 */
export function duplicates(ikeSas: readonly IkeSa[], childSas: readonly ChildSa[]): readonly string[] {
  const established = ikeSas.filter((ikeSa) => isEstablished(ikeSa) && ikeSa.state !== 'rekeying')
  if (established.length < 2) return []
  const carrying = new Set(childSas.filter(carriesTraffic).map((child) => child.ikeUniqueId))
  const byAge = established.toSorted((a, b) => Number(b.uniqueId) - Number(a.uniqueId))
  const keep = byAge.find((ikeSa) => carrying.has(ikeSa.uniqueId)) ?? byAge[0]
  return byAge.filter((ikeSa) => ikeSa !== keep).map((ikeSa) => ikeSa.uniqueId)
}
