/**
 * Answers kept for as long as nothing in the database changes.
 *
 * The key is the database's own change stamp, not the versions of what an answer shows: whatever is committed, by
 * whomever, ends everything that was kept.
 */

/** Answers kept at most. A packed answer takes about 400 bytes with its place here. */
const capacity = 131_072

export interface Kept<T> {
  /** `owner` is whoever may see the answer, `id` the resource it is about. */
  find(stamp: number, owner: string, id: string): T | undefined
  keep(stamp: number, owner: string, id: string, value: T): void
}

export function createKept<T>(): Kept<T> {
  const owners = new Map<string, Map<string, T>>()
  let size = 0
  let current: number | undefined

  const forget = () => {
    owners.clear()
    size = 0
  }
  const follow = (stamp: number) => {
    if (stamp === current) return
    forget()
    current = stamp
  }
  return {
    find(stamp, owner, id) {
      follow(stamp)
      return owners.get(owner)?.get(id)
    },
    keep(stamp, owner, id, value) {
      follow(stamp)
      // Choosing what to drop would cost more than reading again what is asked for again.
      if (size >= capacity) forget()
      let own = owners.get(owner)
      if (!own) {
        own = new Map()
        owners.set(owner, own)
      }
      size += own.has(id) ? 0 : 1
      own.set(id, value)
    },
  }
}
