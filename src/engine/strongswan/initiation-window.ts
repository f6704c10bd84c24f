/**
 * How many negotiations of ours are under way at once. A thousand tunnels that all start together starve each
 * other's retransmissions and dead peer detection.
 */
export class InitiationWindow {
  readonly #size: number
  readonly #holdMs: number
  readonly #taken = new Map<string, NodeJS.Timeout>()
  readonly #waiting = new Map<string, () => void>()

  /** @param holdMs a place is given back after this time at the latest: a silent peer must not hold up the others */
  constructor(size: number, holdMs: number) {
    this.#size = size
    this.#holdMs = holdMs
  }

  /** Takes a place. When there is none, `retry` is called once as soon as there may be. */
  take(id: string, retry: () => void): boolean {
    if (!this.#taken.has(id) && this.#taken.size >= this.#size) {
      this.#waiting.set(id, retry)
      return false
    }
    clearTimeout(this.#taken.get(id))
    this.#taken.set(id, setTimeout(() => this.release(id), this.#holdMs).unref())
    return true
  }

  /** Gives a place back, and forgets one that waits. Repeating it is fine. */
  release(id: string): void {
    clearTimeout(this.#taken.get(id))
    this.#waiting.delete(id)
    if (!this.#taken.delete(id)) return
    const next = this.#waiting.entries().next().value
    if (!next) return
    this.#waiting.delete(next[0])
    next[1]()
  }
}
