/** Writes what engines report. Only reconcile does; actions read it. */
import type { Database } from '../db/open.ts'
import type { Row } from '../db/schema.ts'
import type { Failure, TunnelReport } from '../engine/engine.ts'
import { deriveRates } from '../resources/history/model.ts'
import { insideFailure } from './inside-failure.ts'

export interface Observations {
  gateway(
    id: string,
    observedGeneration: number | null,
    condition: string | undefined,
    at: number,
  ): Promise<void>
  /** `observedGeneration` is that of the report, or of the attempt that failed. */
  tunnel(
    id: string,
    report: Omit<TunnelReport, 'id' | 'generation'>,
    observedGeneration: number,
  ): Promise<void>
}

/** A report that has been stored: what stood there before, and what stands there now. */
export interface StoredReport {
  /** Whose connection it is. */
  readonly owner: Pick<Row<'vpn_connection'>, 'account_id' | 'region'>
  readonly before: Row<'tunnel_observation'> | undefined
  readonly after: Row<'tunnel_observation'>
}

const isUp = ({ state }: { state: string }) =>
  state === 'established' || state === 'installed' || state === 'rekeying'

/** @param stored told of every report of a tunnel after its commit; must not throw */
export function createObservations(db: Database, stored?: (report: StoredReport) => void): Observations {
  return {
    async gateway(id, observedGeneration, condition, at) {
      await db.transaction(async (trx) => {
        const exists = await trx
          .selectFrom('vpn_gateway')
          .select('id')
          .where('id', '=', id)
          .executeTakeFirst()
        if (!exists) return
        if (observedGeneration === null) {
          // Not in place: what was true before is so no longer.
          await trx.deleteFrom('gateway_observation').where('gateway_id', '=', id).execute()
          return
        }
        const seen = {
          observed_generation: observedGeneration,
          condition_code: condition === undefined ? null : 'EngineError',
          condition_message: condition ?? null,
          at,
        }
        await trx
          .insertInto('gateway_observation')
          .values({ gateway_id: id, ...seen })
          .onConflict((conflict) => conflict.column('gateway_id').doUpdateSet(seen))
          .execute()
      })
    },

    async tunnel(id, report, observedGeneration) {
      const seen: Omit<Row<'tunnel_observation'>, 'version' | 'connection_id' | 'rate_in' | 'rate_out'> = {
        tunnel_id: id,
        observed_generation: observedGeneration,
        facts: JSON.stringify({
          ikeSas: report.ikeSas,
          childSas: report.childSas,
          childrenWanted: report.childrenWanted,
          pendingReconnect: report.pendingReconnect,
          heardAt: report.heardAt,
          bgp: report.bgp,
          probe: report.probe,
        }),
        ike_established: report.ikeSas.filter(isUp).length,
        child_installed: report.childSas.filter(isUp).length,
        phase2_failed: Number(report.phase2Failed),
        bgp_established: report.bgp ? Number(report.bgp.state === 'established') : null,
        probe_succeeding: report.probe ? Number(report.probe.succeeding ?? false) : null,
        ...reasonColumns(report.failure ?? insideFailure(report)),
        reported_at: report.at,
      }
      const written = await db.transaction(async (trx): Promise<StoredReport | undefined> => {
        // A report may come while its connection is being forgotten; it must not bring half of it back.
        const owner = await trx
          .selectFrom('vpn_tunnel')
          .innerJoin('vpn_connection', 'vpn_connection.id', 'vpn_tunnel.connection_id')
          .select(['vpn_connection.account_id', 'vpn_connection.region', 'vpn_tunnel.connection_id'])
          .where('vpn_tunnel.id', '=', id)
          .executeTakeFirst()
        if (!owner) return undefined
        const before = await trx
          .selectFrom('tunnel_observation')
          .selectAll()
          .where('tunnel_id', '=', id)
          .executeTakeFirst()
        const report = { ...seen, connection_id: owner.connection_id, version: (before?.version ?? 0) + 1 }
        const after = { ...report, ...deriveRates(before, report) }
        await trx
          .insertInto('tunnel_observation')
          .values(after)
          .onConflict((conflict) => conflict.column('tunnel_id').doUpdateSet(after))
          .execute()
        return { owner, before, after }
      })
      if (written) stored?.(written)
    },
  }
}

/** Whether a reader of the connection would see a difference, but for counters and times. */
export function hasChanged({ before, after }: StoredReport): boolean {
  const shown = [
    'observed_generation',
    'ike_established',
    'child_installed',
    'phase2_failed',
    'bgp_established',
    'probe_succeeding',
    'reason_code',
  ] as const
  return before === undefined || shown.some((column) => before[column] !== after[column])
}

function reasonColumns(failure: Failure | undefined) {
  return {
    reason_code: failure?.code ?? null,
    reason_since: failure?.since ?? null,
    reason_evidence: failure ? JSON.stringify(failure.evidence) : null,
  }
}
