/** Slows whoever keeps guessing. Pure but for what it remembers. */

export interface Throttle {
  /** Milliseconds until this subject may try again; 0 when it may now. */
  wait(subject: string, now: number): number
  failed(subject: string, now: number): void
  succeeded(subject: string): void
}

export interface ThrottleOptions {
  /** Failures that cost nothing: people mistype. */
  readonly free: number
  /** Milliseconds after the first failure that costs; each further one doubles it. */
  readonly first: number
  readonly longest: number
  /** Failures are forgotten after this many milliseconds without another one. */
  readonly memory: number
  /** Subjects remembered; beyond it the one that failed longest ago is forgotten. */
  readonly subjects: number
}

interface Failures {
  readonly count: number
  readonly at: number
}

export function createThrottle({ free, first, longest, memory, subjects }: ThrottleOptions): Throttle {
  /** In the order of the last failure. */
  const known = new Map<string, Failures>()
  const current = (subject: string, now: number): Failures | undefined => {
    const failures = known.get(subject)
    if (failures && now - failures.at <= memory) return failures
    known.delete(subject)
    return undefined
  }
  return {
    wait(subject, now) {
      const failures = current(subject, now)
      if (!failures || failures.count <= free) return 0
      const delay = Math.min(longest, first * 2 ** (failures.count - free - 1))
      return Math.max(0, failures.at + delay - now)
    },
    failed(subject, now) {
      const count = (current(subject, now)?.count ?? 0) + 1
      known.delete(subject)
      if (known.size >= subjects) known.delete(known.keys().next().value!)
      known.set(subject, { count, at: now })
    },
    succeeded: (subject) => void known.delete(subject),
  }
}
