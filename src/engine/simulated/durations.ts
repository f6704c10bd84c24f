/** How long things take in the simulated world. */

/** All in milliseconds. */
export interface Durations {
  /** Making a gateway's network, or changing it. */
  readonly gateway: Duration
  /** Putting the settings of a tunnel in place. */
  readonly tunnel: Duration
  /** Removing a gateway or a tunnel. */
  readonly removal: Duration
  /** Phase 1, and phase 2. */
  readonly ike: Duration
  readonly child: Duration
  /** Until an end gives up that gets no answer. */
  readonly silence: Duration
  /** Until a peer that has fallen silent is taken for dead (DPD). */
  readonly dpd: Duration
  /** From a tunnel that is up to a BGP session that is established. */
  readonly bgp: Duration
}

/** A list is used up one by one; its last one stands for all that come later. */
export type Duration = number | readonly number[]

export interface Profile {
  readonly durations: Durations
  /** Before the second, third, ... attempt of a tunnel; the last one repeats. */
  readonly retryDelays: readonly number[]
}

export const profiles = {
  /** Nothing takes time but what is asked for. */
  instant: {
    durations: { gateway: 0, tunnel: 0, removal: 0, ike: 0, child: 0, silence: 0, dpd: 0, bgp: 0 },
    retryDelays: [1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
  },
  /** In the order of the real thing, and short enough to watch. */
  fast: {
    durations: {
      gateway: 400,
      tunnel: 60,
      removal: 100,
      ike: 40,
      child: 20,
      silence: 1_500,
      dpd: 1_000,
      bgp: 300,
    },
    retryDelays: [200, 500, 1_000, 2_000],
  },
  /**
   * A gateway takes minutes (VPN Gateway, "Create a VPN gateway": 1 to 5 minutes, August 2026). The rest are the times
   * of the strongSwan engine: 4 retransmissions from 2 s on, each 1.6 times as late; DPD after 10 and 30 s.
   */
  'like-the-cloud': {
    durations: {
      gateway: 150_000,
      tunnel: 3_000,
      removal: 20_000,
      ike: 120,
      child: 40,
      silence: 31_600,
      dpd: 30_000,
      bgp: 5_000,
    },
    retryDelays: [1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
  },
} as const satisfies Readonly<Record<string, Profile>>

export type ProfileName = keyof typeof profiles
export const profileNames = Object.keys(profiles) as readonly ProfileName[]

/** The durations of a profile, drawn one after the other. */
export class Pace {
  #profile: Profile
  readonly #drawn = new Map<keyof Durations, number>()

  constructor(profile: Profile) {
    this.#profile = profile
  }

  /** From now on these; lists begin anew. */
  change(profile: Profile): void {
    this.#profile = profile
    this.#drawn.clear()
  }

  get profile(): Profile {
    return this.#profile
  }

  next(name: keyof Durations): number {
    const duration = this.#profile.durations[name]
    if (typeof duration === 'number') return duration
    const drawn = this.#drawn.get(name) ?? 0
    this.#drawn.set(name, drawn + 1)
    return duration[Math.min(drawn, duration.length - 1)] ?? 0
  }

  /** Before attempt `count + 1`. */
  retry(count: number): number {
    const { retryDelays } = this.#profile
    return retryDelays[Math.min(Math.max(count, 1), retryDelays.length) - 1] ?? 1_000
  }
}
