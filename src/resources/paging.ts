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

type Eventually<T> = T | Promise<T>

/** A filtered list in the order of `seq`. */
export interface ListSource<R extends { readonly seq: number }> {
  /** The first rows behind a `seq`. */
  rows(after: number, limit: number): Eventually<R[]>
  /** The row that stands behind `offset` others behind a `seq`. */
  at(after: number, offset: number): Eventually<{ readonly seq: number } | undefined>
}

/**
 * @param seq the column that orders the list, e.g. `vpn_connection.seq`
 * @param filtered the query without selection
 * @param select adds the selection, which gives rows of type R
 */
export function queried<R extends { readonly seq: number }>(
  seq: string,
  filtered: Filtered,
  select: (query: Filtered) => { execute(): Promise<unknown[]> },
): ListSource<R> {
  const behind = (after: number) => filtered.where(seq, '>', after).orderBy(seq)
  return {
    rows: (after, limit) => select(behind(after).limit(limit)).execute() as Promise<R[]>,
    at: (after, offset) =>
      behind(after).select(`${seq} as seq`).offset(offset).limit(1).executeTakeFirst() as Promise<
        R | undefined
      >,
  }
}

export interface Paging {
  /**
   * Rows of one page, oldest first.
   * @param list names the filtered list: the same text for the same filter, account and region
   */
  page<R extends { readonly seq: number }>(list: string, page: Page, source: ListSource<R>): Promise<R[]>
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
    const pages = remembered.get(key)
    let nearest = { page: 0, last: 0 }
    if (!pages) return nearest
    const before = pages.get(pageNumber - 1)
    if (before !== undefined) return { page: pageNumber - 1, last: before }
    for (const [page, last] of pages) {
      if (page < pageNumber && page > nearest.page) nearest = { page, last }
    }
    return nearest
  }

  return {
    async page(list, { PageNumber, PageSize }, source) {
      const key = `${PageSize} ${list}`
      const { page, last } = nearestBefore(key, PageNumber)
      let after = last
      const skip = (PageNumber - 1 - page) * PageSize
      if (skip > 0) {
        const before = await source.at(last, skip - 1)
        if (!before) return []
        after = before.seq
      }
      const rows = await source.rows(after, PageSize)
      const end = rows.at(-1)
      if (end && rows.length === PageSize) remember(key, PageNumber, end.seq)
      return rows
    },
  }
}
