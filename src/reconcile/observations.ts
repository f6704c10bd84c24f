/** Writes what engines report. Only reconcile does; actions read it. */
import type { Database } from '../db/open.ts'
import type { NewRow } from '../db/schema.ts'
import type { Failure, TunnelReport } from '../engine/engine.ts'

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
    connectionId: string,
    report: Omit<TunnelReport, 'id' | 'generation'>,
    observedGeneration: number,
  ): Promise<void>
}

const isUp = ({ state }: { state: string }) =>
  state === 'established' || state === 'installed' || state === 'rekeying'

export function createObservations(db: Database): Observations {
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

    async tunnel(id, connectionId, report, observedGeneration) {
      const seen: Omit<NewRow<'tunnel_observation'>, 'tunnel_id' | 'version'> = {
        connection_id: connectionId,
        observed_generation: observedGeneration,
        facts: JSON.stringify({
          ikeSas: report.ikeSas,
          childSas: report.childSas,
          childrenWanted: report.childrenWanted,
          pendingReconnect: report.pendingReconnect,
        }),
        ike_established: report.ikeSas.filter(isUp).length,
        child_installed: report.childSas.filter(isUp).length,
        phase2_failed: Number(report.phase2Failed),
        ...reasonColumns(report.failure),
        reported_at: report.at,
      }
      await db.transaction(async (trx) => {
        // A report may come while its connection is being forgotten; it must not bring half of it back.
        const exists = await trx
          .selectFrom('vpn_connection')
          .select('id')
          .where('id', '=', connectionId)
          .executeTakeFirst()
        if (!exists) return
        await trx
          .insertInto('tunnel_observation')
          .values({ tunnel_id: id, version: 1, ...seen })
          .onConflict((conflict) =>
            conflict
              .column('tunnel_id')
              .doUpdateSet((eb) => ({ ...seen, version: eb('tunnel_observation.version', '+', 1) })),
          )
          .execute()
      })
    },
  }
}

function reasonColumns(failure: Failure | undefined) {
  return {
    reason_code: failure?.code ?? null,
    reason_since: failure?.since ?? null,
    reason_evidence: failure ? JSON.stringify(failure.evidence) : null,
  }
}
