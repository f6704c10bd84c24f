/**
 * Keeps the past of tunnels as reports come in. What is told here has been stored already; a change is written within
 * moments, traffic in one transaction every ten seconds, and whoever reports waits for neither. A crash costs the
 * charts those seconds.
 */
import type { Database } from '../../db/open.ts'
import type { Row } from '../../db/schema.ts'
import { cut, deriveChange, deriveInterval, spans } from './model.ts'
import { addSamples, insertChange, type NewChange, prune, type SampleRow } from './store.ts'

export interface HistoryRecorder {
  /** `before` is what stood there until `after` was stored. Never throws. */
  stored(report: {
    readonly owner: NewChange['owner']
    readonly before: Row<'tunnel_observation'> | undefined
    readonly after: Row<'tunnel_observation'>
  }): void
  /** Writes what is held. */
  flush(): Promise<void>
}

/** Milliseconds. */
const changesWithin = 100
const samplesWithin = 10_000
const pruneEvery = 3600_000

export function createHistoryRecorder(
  db: Database,
  now: () => number,
  log: (entry: object) => void,
): HistoryRecorder {
  let changes: NewChange[] = []
  /** Sums by tunnel, span and begin. */
  let samples = new Map<string, SampleRow>()
  let changeTimer: NodeJS.Timeout | undefined
  let sampleTimer: NodeJS.Timeout | undefined
  let prunedAt = Number.NEGATIVE_INFINITY
  /** One write after the other. */
  let writing: Promise<void> = Promise.resolve()

  const write = (work: Parameters<Database['transaction']>[0]): Promise<void> => {
    writing = writing.then(async () => {
      try {
        await db.transaction(work)
      } catch (cause) {
        const message = `a part of the history is lost: ${cause instanceof Error ? cause.message : cause}`
        log({ level: 'warn', message })
      }
    })
    return writing
  }

  function writeChanges(): Promise<void> {
    clearTimeout(changeTimer)
    changeTimer = undefined
    const held = changes
    changes = []
    if (held.length === 0) return writing
    return write(async (trx) => {
      for (const change of held) await insertChange(db, trx, change)
    })
  }

  function writeSamples(): Promise<void> {
    clearTimeout(sampleTimer)
    sampleTimer = undefined
    const held = [...samples.values()]
    samples = new Map()
    const at = now()
    const isTimeToPrune = at - prunedAt >= pruneEvery
    if (isTimeToPrune) prunedAt = at
    if (held.length === 0) return writing
    return write(async (trx) => {
      await addSamples(trx, held)
      if (isTimeToPrune) await prune(trx, spans, at)
    })
  }

  function add(row: SampleRow): void {
    const key = `${row.tunnel_id} ${row.span} ${row.at}`
    const sum = samples.get(key)
    if (!sum) {
      samples.set(key, row)
      return
    }
    sum.observed_ms += row.observed_ms
    sum.up_ms += row.up_ms
    sum.bytes_in += row.bytes_in
    sum.bytes_out += row.bytes_out
    sum.packets_in += row.packets_in
    sum.packets_out += row.packets_out
    sum.probes_answered += row.probes_answered
    sum.probes_lost += row.probes_lost
    sum.rtt_us += row.rtt_us
  }

  return {
    stored({ owner, before, after }) {
      const { tunnel_id, connection_id } = after
      const change = deriveChange(before, after)
      if (change) {
        changes.push({
          ...change,
          owner,
          connectionId: connection_id,
          tunnelId: tunnel_id,
          at: after.reported_at,
        })
        changeTimer ??= setTimeout(() => void writeChanges(), changesWithin)
      }
      const interval = deriveInterval(before, after)
      if (!interval) return
      for (const { seconds } of spans) {
        for (const share of cut(interval, seconds)) {
          add({
            tunnel_id,
            connection_id,
            span: seconds,
            at: share.at,
            observed_ms: share.observedMs,
            up_ms: share.upMs,
            bytes_in: share.bytesIn,
            bytes_out: share.bytesOut,
            packets_in: share.packetsIn,
            packets_out: share.packetsOut,
            probes_answered: share.probesAnswered,
            probes_lost: share.probesLost,
            rtt_us: share.rttUs,
          })
        }
      }
      sampleTimer ??= setTimeout(() => void writeSamples(), samplesWithin).unref()
    },
    async flush() {
      void writeChanges()
      await writeSamples()
    },
  }
}
