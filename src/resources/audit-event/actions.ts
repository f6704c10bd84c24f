import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { type Lookup, matches } from './model.ts'
import { lookupEvents } from './spec.ts'
import type { AuditTrail, Place } from './store.ts'

/** The vendor's span where no start is given. */
const defaultSpan = 7 * 24 * 3600 * 1000

/** `2026-11-01T12:00:00Z` */
function parseTime(param: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw apiError('InvalidParameter', { param, reason: 'It must be as 2026-11-01T12:00:00Z.' })
  return time
}

const renderToken = ({ file, line }: Place) => Buffer.from(`${file}.${line}`).toString('base64url')

function parseToken(token: string | undefined): Place | undefined {
  if (token === undefined) return undefined
  const match = /^(\d{1,8})\.(\d{1,9})$/.exec(Buffer.from(token, 'base64url').toString('latin1'))
  if (!match) throw apiError('InvalidNextToken')
  return { file: Number(match[1]), line: Number(match[2]) }
}

const toSecond = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`

export function auditEventActions(trail: AuditTrail): Action[] {
  return [
    action(lookupEvents, async (input, call) => {
      const to = parseTime('EndTime', input.EndTime, call.now)
      const from = parseTime('StartTime', input.StartTime, to - defaultSpan)
      if (from > to)
        throw apiError('InvalidParameter', { param: 'StartTime', reason: 'It is after EndTime.' })
      const lookup: Lookup = {
        accountId: call.principal.accountId,
        region: call.region,
        from: new Date(from).toISOString(),
        // The end is named by its second and means all of it.
        to: new Date(to + 999).toISOString(),
        attributes: (input.LookupAttribute ?? []).map(({ Key, Value = '' }, index) => {
          if (Key === undefined)
            throw apiError('InvalidParameter', { param: `LookupAttribute.${index + 1}.Key` })
          return { Key, Value }
        }),
      }
      const { records, next } = await trail.find(
        (record) => matches(record, lookup),
        input.Direction,
        input.MaxResults,
        parseToken(input.NextToken),
      )
      return {
        StartTime: toSecond(from),
        EndTime: toSecond(to),
        Events: records,
        ...(next && { NextToken: renderToken(next) }),
      }
    }),
  ]
}
