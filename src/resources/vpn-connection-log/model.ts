/** Which lines of a tunnel's log a caller means, and how they are shown. Pure. */
import { apiError } from '../../rpc/errors.ts'

/** Epoch milliseconds, `from` included, `to` not. */
export interface LogRange {
  readonly from: number
  readonly to: number
}

const minute = 60_000
/** Times of today in seconds have ten digits, in milliseconds thirteen. */
const surelyMilliseconds = 100_000_000_000

/**
 * Both ends, or one end and a number of minutes, or the last minutes alone: the combinations of the vendor's page of
 * DescribeVpnConnectionLogs (2026). Its text says milliseconds and its examples are seconds; both are taken. The
 * second of `To` is part of the range.
 *
 * @throws ApiError for any other combination, and for a range that ends before it begins
 */
export function parseRange(
  asked: { readonly From?: number; readonly To?: number; readonly MinutePeriod?: number },
  now: number,
): LogRange {
  const { MinutePeriod } = asked
  const from = asked.From === undefined ? undefined : toMilliseconds(asked.From)
  const to = asked.To === undefined ? undefined : toMilliseconds(asked.To) + 1_000
  if (from !== undefined && to !== undefined) {
    if (MinutePeriod !== undefined) {
      throw apiError('IllegalParam.MinutePeriod', {
        value: MinutePeriod,
        reason: 'Give two of From, To and MinutePeriod.',
      })
    }
    if (from >= to) {
      throw apiError('IllegalParam.From', { value: asked.From!, reason: 'From lies behind To.' })
    }
    return { from, to }
  }
  if (MinutePeriod === undefined) {
    throw apiError('MissingMinutePeriod', {
      reason: 'Give From and To, or one of them and MinutePeriod, or MinutePeriod alone.',
    })
  }
  const period = MinutePeriod * minute
  if (from !== undefined) return { from, to: from + period }
  const end = to ?? now + 1
  return { from: end - period, to: end }
}

const toMilliseconds = (time: number) => (time >= surelyMilliseconds ? time : time * 1_000)

/** `2026-11-25T23:50:01.123Z [IKE] received NO_PROPOSAL_CHOSEN error notify` */
export const renderLogLine = ({ at, text }: { readonly at: number; readonly text: string }): string =>
  `${new Date(at).toISOString()} ${text}`
