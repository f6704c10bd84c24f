/**
 * Pages by number over rows ordered by `seq`, found by key.
 *
 * `PageNumber` says nothing of keys, so the last key of each page that was read is remembered for a while: the next
 * page starts right after it, whatever was created or deleted meanwhile (a reader who walks the pages sees every
 * row that stayed exactly once). A page reached without its neighbour is found by stepping from the nearest page known,
 * over the index alone.
 */
import type { SelectQueryBuilder } from 'kysely'
import type { Schema } from '../db/schema.ts'

export interface Page {
  readonly PageNumber: number
  readonly PageSize: number
}

/** A filtered query over something that has `seq`, without order, limit or selection. */
// biome-ignore lint/suspicious/noExplicitAny: the tables and selections of the query are the caller's business
type Filtered = SelectQueryBuilder<Schema, any, any>

export interface Paging {
  /**
   * Rows of one page, oldest first.
   * @param list names the filtered list: the same text for the same filter, account and region
   * @param seq the column that orders the list, e.g. `vpn_connection.seq`
   * @param filtered the query without selection
   * @param select adds the selection, which gives rows of type R
   */
  page<R extends { seq: number }>(
    list: string,
    page: Page,
    seq: string,
    filtered: Filtered,
    select: (query: Filtered) => { execute(): Promise<unknown[]> },
  ): Promise<R[]>
}

const capacity = 4096

export function createPaging(): Paging {
  /** `list` and page size -> page number -> last `seq` of that page. */
  const remembered = new Map<string, Map<number, number>>()
  let size = 0

  function remember(key: string, pageNumber: number, last: number): void {
    if (size >= capacity) {
      remembered.clear()
      size = 0
    }
    let pages = remembered.get(key)
    if (!pages) {
      pages = new Map()
      remembered.set(key, pages)
    }
    if (!pages.has(pageNumber)) size++
    pages.set(pageNumber, last)
  }

  function nearestBefore(key: string, pageNumber: number): { page: number; last: number } {
    let nearest = { page: 0, last: 0 }
    for (const [page, last] of remembered.get(key) ?? []) {
      if (page < pageNumber && page > nearest.page) nearest = { page, last }
    }
    return nearest
  }

  return {
    async page(list, { PageNumber, PageSize }, seq, filtered, select) {
      const key = `${PageSize} ${list}`
      const { page, last } = nearestBefore(key, PageNumber)
      let after = filtered.where(seq, '>', last)
      const skip = (PageNumber - 1 - page) * PageSize
      if (skip > 0) {
        const before = (await after
          .select(`${seq} as seq`)
          .orderBy(seq)
          .offset(skip - 1)
          .limit(1)
          .executeTakeFirst()) as { seq: number } | undefined
        if (!before) return []
        after = filtered.where(seq, '>', before.seq)
      }
      const rows = (await select(after.orderBy(seq).limit(PageSize)).execute()) as { seq: number }[]
      const end = rows.at(-1)
      if (end && rows.length === PageSize) remember(key, PageNumber, end.seq)
      return rows as never
    },
  }
}
