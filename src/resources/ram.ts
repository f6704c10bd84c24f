/**
 * What the actions of RAM (Resource Access Management) have alike: users, their keys, policies and roles. RAM knows no
 * regions, and its lists go on behind a marker.
 *
 * Shapes are those of the SDK model 1.2.1 of version 2015-05-01 (read 2026-11).
 */
import type { Product } from '../rpc/spec.ts'

export const ram: Product = { code: 'ram', version: '2015-05-01' }

export const ramSource = 'RAM API reference and SDK model 1.2.1, version 2015-05-01 (read 2026-11)'

/** The answer to what only does something. */
export const nothing = {} as const

/** A line of text. */
export const line = (maxLength: 64 | 128 | 1024) =>
  ({ type: 'string', maxLength, pattern: /^[^\p{Cc}]*$/u }) as const

export const markerParams = {
  Marker: { type: 'string', note: 'From the page before' },
  MaxItems: { type: 'integer', min: 1, max: 1000, default: 100 },
} as const

export const markerResult = {
  IsTruncated: { type: 'boolean' },
  Marker: { type: 'string', note: 'Absent on the last page' },
} as const

/** The part of a list, which is in order of its names, behind the marker. */
export function pageBehind<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  { Marker = '', MaxItems }: { readonly Marker?: string; readonly MaxItems: number },
) {
  const rest = items.filter((item) => nameOf(item) > Marker)
  const page = rest.slice(0, MaxItems)
  const last = page.at(-1)
  const isTruncated = rest.length > page.length
  return { page, IsTruncated: isTruncated, ...(isTruncated && last && { Marker: nameOf(last) }) }
}

/** `2026-11-01T12:00:00Z` */
export const ramTime = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`

/** The trust policy of a role that names nobody: every user of the account, whom `sts:AssumeRole` in a policy lets. */
export const trustOfAccount = (accountId: string): string =>
  JSON.stringify({
    Version: '1',
    Statement: [
      { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: [`acs:ram::${accountId}:root`] } },
    ],
  })
