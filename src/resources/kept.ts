/**
 * Answers kept for as long as nothing in the database changes.
 *
 * The key is the database's own change stamp, not the versions of what an answer shows: whatever is committed, by
 * whomever, ends everything that was kept. A gateway changes a few times a second at most and is asked thousands of times.
 */

/** Answers kept at most; the oldest goes first. An answer with both its texts takes about 5 kB. */
const capacity = 4_096

export interface Kept<T> {
  find(stamp: number, id: string): T | undefined
  keep(stamp: number, id: string, value: T): void
}

export function createKept<T>(): Kept<T> {
  const values = new Map<string, T>()
  let current: number | undefined
  const follow = (stamp: number) => {
    if (stamp === current) return
    values.clear()
    current = stamp
  }
  return {
    find(stamp, id) {
      follow(stamp)
      return values.get(id)
    },
    keep(stamp, id, value) {
      follow(stamp)
      if (values.size >= capacity) values.delete(values.keys().next().value!)
      values.set(id, value)
    },
  }
}
