/**
 * The one clock. Whatever waits for a duration or notes a time takes it from here, so that a test or the emulator can
 * stop time, hurry it or step over a day.
 */

export interface Clock {
  /** Epoch milliseconds, whole. */
  now(): number
  /** Runs once, `milliseconds` from now. Keeps no process alive. */
  after(milliseconds: number, run: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const realClock: Clock = {
  now: Date.now,
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.max(0, milliseconds)).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

interface Waiting {
  readonly due: number
  readonly order: number
  readonly run: () => void
}

/** Node's timers take at most 31 bits; a longer wait is looked at again then. */
const longestWait = 2 ** 31 - 1

/**
 * A clock that goes as fast as it is told.
 *
 * Timers run in the order of their times, those of one time in the order in which they were set, each at exactly its
 * time: a callback that sets another timer within the same step sees it run in that step too. What is due already runs
 * also while the clock is paused, so that a duration of 0 never waits.
 */
export class VirtualClock implements Clock {
  /** A heap: the soonest first. */
  readonly #waiting: Waiting[] = []
  readonly #cancelled = new WeakSet<Waiting>()
  #order = 0
  #speed: number
  /** This clock's time at `#since` of the machine's monotonic one. */
  #base: number
  #since = performance.now()
  #stepping = false
  #timer: NodeJS.Timeout | undefined

  /**
   * @param start epoch milliseconds
   * @param speed seconds of this clock in a real second; 0 is paused
   */
  constructor(start: number, speed = 1) {
    this.#base = Math.floor(start)
    this.#speed = speed
  }

  get speed(): number {
    return this.#speed
  }

  now(): number {
    if (this.#stepping || this.#speed === 0) return this.#base
    return Math.floor(this.#base + (performance.now() - this.#since) * this.#speed)
  }

  after(milliseconds: number, run: () => void): Timer {
    const waiting: Waiting = {
      due: Math.round(this.now() + Math.max(0, milliseconds)),
      order: this.#order++,
      run,
    }
    this.#push(waiting)
    if (this.#waiting[0] === waiting) this.#arm()
    return { cancel: () => this.#cancelled.add(waiting) }
  }

  /** From now on it goes this fast; 0 pauses it. */
  setSpeed(speed: number): void {
    this.#base = this.now()
    this.#since = performance.now()
    this.#speed = speed
    this.#arm()
  }

  /** Steps over that many milliseconds at once, running everything that falls due on the way. */
  advance(milliseconds: number): void {
    this.#runUntil(this.now() + milliseconds)
    this.#arm()
  }

  #runUntil(end: number): void {
    this.#stepping = true
    try {
      for (let next = this.#waiting[0]; next && next.due <= end; next = this.#waiting[0]) {
        this.#pop()
        if (this.#cancelled.has(next)) continue
        this.#base = Math.max(this.#base, next.due)
        next.run()
      }
    } finally {
      this.#base = Math.max(this.#base, end)
      this.#since = performance.now()
      this.#stepping = false
    }
  }

  /** Sets the real timer for what is due first. */
  #arm(): void {
    clearTimeout(this.#timer)
    const next = this.#waiting[0]
    if (!next || this.#stepping) return
    const left = next.due - this.now()
    if (left > 0 && this.#speed === 0) return
    const wait = left <= 0 ? 0 : Math.min(Math.ceil(left / this.#speed), longestWait)
    this.#timer = setTimeout(() => {
      this.#runUntil(this.now())
      this.#arm()
    }, wait).unref()
  }

  #push(waiting: Waiting): void {
    const heap = this.#waiting
    let at = heap.push(waiting) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isSooner(heap[at]!, heap[parent]!)) return
      ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
      at = parent
    }
  }

  #pop(): void {
    const heap = this.#waiting
    const last = heap.pop()!
    if (heap.length === 0) return
    heap[0] = last
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isSooner(heap[child]!, heap[least]!)) least = child
      }
      if (least === at) return
      ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
      at = least
    }
  }
}

const isSooner = (a: Waiting, b: Waiting) => a.due < b.due || (a.due === b.due && a.order < b.order)

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). Not for secrets. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
