/** The verdict of a health check, counted from the fates of its probes. Pure. */
import { addProbe, type ProbeReport, type ProbeTotal } from '../engine.ts'

export interface Tally {
  /** Absent: no verdict yet. */
  readonly verdict?: { readonly succeeding: boolean; readonly since: number }
  /** Probes in a row that had the same fate, the last one included. */
  readonly run: { readonly answered: boolean; readonly length: number }
  /** Fates of the last probes, the oldest first. */
  readonly fates: readonly boolean[]
  /** Milliseconds, of the last answer. */
  readonly rtt?: number
  readonly total?: ProbeTotal
}

export const noTally: Tally = { run: { answered: false, length: 0 }, fates: [] }

const remembered = 100

/**
 * One more probe. The verdict changes when `retry` probes in a row speak against it, so that neither a lost packet nor
 * a lucky one changes it.
 *
 * @param rtt milliseconds; absent: no answer in time
 * @param at epoch milliseconds
 */
export function count(tally: Tally, rtt: number | undefined, at: number, retry: number): Tally {
  const answered = rtt !== undefined
  const length = tally.run.answered === answered ? tally.run.length + 1 : 1
  const isDecided = length >= retry && tally.verdict?.succeeding !== answered
  return {
    verdict: isDecided ? { succeeding: answered, since: at } : tally.verdict,
    run: { answered, length },
    fates: [...tally.fates, answered].slice(-remembered),
    rtt: rtt ?? tally.rtt,
    total: addProbe(tally.total, rtt, at),
  }
}

/** Nobody counts any more: what was true before is not known now. */
export const lose = ({ fates, rtt, total }: Tally): Tally => ({ ...noTally, fates, rtt, total })

export const reportTally = ({ verdict, fates, rtt, total }: Tally): ProbeReport => ({
  ...(verdict && { succeeding: verdict.succeeding, since: verdict.since }),
  sent: fates.length,
  received: fates.filter(Boolean).length,
  ...(rtt !== undefined && { rtt }),
  ...(total && { total }),
})
