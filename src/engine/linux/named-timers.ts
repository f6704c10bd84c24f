/** Timers by name, so that one of a name replaces the one before, and all can be ended together. */
export class NamedTimers {
  readonly #timers = new Map<string, NodeJS.Timeout>()

  set(name: string, ms: number, run: () => void): void {
    clearTimeout(this.#timers.get(name))
    const fire = () => {
      this.#timers.delete(name)
      run()
    }
    this.#timers.set(name, setTimeout(fire, Math.max(0, ms)).unref())
  }

  has(name: string): boolean {
    return this.#timers.has(name)
  }

  clear(name: string): void {
    clearTimeout(this.#timers.get(name))
    this.#timers.delete(name)
  }

  clearAll(): void {
    for (const name of [...this.#timers.keys()]) this.clear(name)
  }
}
