/**
 * Answers kept for as long as nothing in the database changes.
 *
 * The key is the database's own change stamp, not the versions of what an answer shows: whatever is committed, by
 * whomever, ends everything that was kept. A gateway changes a few times a second at most and is asked thousands of times.
 *
 * Only what is asked for a second time is worth keeping: a reader who goes through the whole store would otherwise push
 * out what others ask for all the time, and leave the collector a heap of answers that were old when they died.
 */

/** Answers, and names of answers asked for once, in each of two generations. An answer with its texts takes about 5 kB. */
const capacity = 2_048

export interface Kept<T> {
  find(stamp: number, id: string): T | undefined
  /** `make` is called when the value is going to be kept. */
  keep(stamp: number, id: string, make: () => T): void
}

export function createKept<T>(): Kept<T> {
  let values = new Map<string, T>()
  let before = new Map<string, T>()
  let asked = new Set<string>()
  let askedBefore = new Set<string>()
  let current: number | undefined

  const follow = (stamp: number) => {
    if (stamp === current) return
    values = new Map()
    before = new Map()
    current = stamp
  }
  const put = (id: string, value: T) => {
    if (values.size >= capacity) {
      before = values
      values = new Map()
    }
    values.set(id, value)
  }
  /** Whether it has been asked for lately, whatever has changed since. */
  const isKnown = (id: string): boolean => {
    if (asked.has(id) || askedBefore.has(id)) return true
    if (asked.size >= capacity) {
      askedBefore = asked
      asked = new Set()
    }
    asked.add(id)
    return false
  }

  return {
    find(stamp, id) {
      follow(stamp)
      const value = values.get(id)
      if (value !== undefined) return value
      const old = before.get(id)
      if (old !== undefined) put(id, old)
      return old
    },
    keep(stamp, id, make) {
      follow(stamp)
      if (isKnown(id)) put(id, make())
    },
  }
}
