/** The times by which the strongSwan engine lives; tests shorten them. */
import type { Retransmit } from './charon-conf.ts'
import { defaultRetransmit } from './charon-conf.ts'
import { retryDelays } from './keep-up.ts'
import { type DpdTimes, defaultDpdTimes } from './render.ts'

/** All in milliseconds, except `dpd` and `retransmit`, which are the daemon's and in seconds. */
export interface Timers {
  /** Before the second, third, ... attempt of a tunnel; the last one repeats. */
  readonly retryDelays: readonly number[]
  /** Before a daemon is started again after its first, second, ... death in a row; the last one repeats. */
  readonly respawnDelays: readonly number[]
  /** How long more than one IKE_SA of a tunnel is let be. */
  readonly reapAfter: number
  /** How long an IKE_SA may take to go before it is removed without the peer's consent. */
  readonly forceAfter: number
  readonly watchdogEvery: number
  readonly watchdogLimit: number
  /** How often everything is looked at without being asked: an event may have been lost. */
  readonly lookEvery: number
  /** The same for a tunnel that is being negotiated. */
  readonly attemptLookEvery: number
  /** How long a daemon's network is taken for whole without looking. */
  readonly networkEvery: number
  readonly trafficEvery: number
  /** How long the last report stands after a daemon has gone: starting it again takes a fraction of this. */
  readonly freeze: number
  readonly dpd: DpdTimes
  readonly retransmit: Retransmit
}

export const defaultTimers: Timers = {
  retryDelays,
  respawnDelays: [100, 500, 2_000, 10_000],
  reapAfter: 5_000,
  forceAfter: 2_000,
  watchdogEvery: 5_000,
  watchdogLimit: 3_000,
  lookEvery: 30_000,
  attemptLookEvery: 1_000,
  networkEvery: 600_000,
  trafficEvery: 1_000,
  freeze: 700,
  dpd: defaultDpdTimes,
  retransmit: defaultRetransmit,
}
