/**
 * Answers kept until a row that they show changes. Who reads the rows has them watched (`Database.watch`) and this told.
 */
import type { ChangeListener } from '../db/watch.ts'
import type { Scope } from './counts.ts'

/** Answers kept at most. A packed answer takes about 350 bytes with its place here. */
const capacity = 131_072

export interface Kept<T> extends ChangeListener {
  /** `scope` is of whoever may see the answer, `id` the resource it is about. */
  find(scope: Scope, id: string): T | undefined
  keep(scope: Scope, id: string, value: T): void
}

/** The map under a key, made when it is not there yet. */
function mapAt<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let map = maps.get(key)
  if (!map) {
    map = new Map()
    maps.set(key, map)
  }
  return map
}

export function createKept<T>(): Kept<T> {
  /** Account -> region -> id. */
  const accounts = new Map<string, Map<string, Map<string, T>>>()
  let size = 0

  const forgetAll = () => {
    accounts.clear()
    size = 0
  }
  return {
    find: ({ accountId, region }, id) => accounts.get(accountId)?.get(region)?.get(id),
    keep({ accountId, region }, id, value) {
      // Choosing what to drop would cost more than reading again what is asked for again.
      if (size >= capacity) forgetAll()
      const own = mapAt(mapAt(accounts, accountId), region)
      size += own.has(id) ? 0 : 1
      own.set(id, value)
    },
    forget(id) {
      for (const regions of accounts.values()) {
        for (const own of regions.values()) if (own.delete(id)) size--
      }
    },
    forgetAll,
  }
}
