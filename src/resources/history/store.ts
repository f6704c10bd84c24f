/** All SQL of the past of tunnels. */
import { sql } from 'kysely'
import type { Database } from '../../db/open.ts'
import type { Row } from '../../db/schema.ts'
import type { Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'
import { changesInAll, changesPerConnection, type spans, type TunnelChange } from './model.ts'

export type ChangeRow = Row<'tunnel_change'>
export type SampleRow = Row<'tunnel_sample'>

export interface NewChange extends TunnelChange {
  readonly owner: Pick<ChangeRow, 'account_id' | 'region'>
  readonly connectionId: string
  readonly tunnelId: string
  readonly at: number
}

export async function insertChange(db: Database, trx: Trx, change: NewChange): Promise<void> {
  await trx
    .insertInto('tunnel_change')
    .values({
      seq: await db.nextSeq(trx),
      account_id: change.owner.account_id,
      region: change.owner.region,
      connection_id: change.connectionId,
      tunnel_id: change.tunnelId,
      at: change.at,
      status: change.status,
      reason_code: change.reasonCode,
      evidence: change.evidence,
    })
    .execute()
}

/** Rows of one statement: far below what either database binds. */
const rowsAtOnce = 200

/** Adds to what the spans hold already. */
export async function addSamples(trx: Trx, samples: readonly SampleRow[]): Promise<void> {
  for (let at = 0; at < samples.length; at += rowsAtOnce) {
    await trx
      .insertInto('tunnel_sample')
      .values(samples.slice(at, at + rowsAtOnce))
      .onConflict((conflict) =>
        conflict.columns(['tunnel_id', 'span', 'at']).doUpdateSet((eb) => {
          const sum = <C extends keyof SampleRow>(column: C) =>
            eb(`tunnel_sample.${column}`, '+', eb.ref(`excluded.${column}` as never))
          return {
            observed_ms: sum('observed_ms'),
            up_ms: sum('up_ms'),
            bytes_in: sum('bytes_in'),
            bytes_out: sum('bytes_out'),
            packets_in: sum('packets_in'),
            packets_out: sum('packets_out'),
            probes_answered: sum('probes_answered'),
            probes_lost: sum('probes_lost'),
            rtt_us: sum('rtt_us'),
          } as never
        }),
      )
      .execute()
  }
}

/** Removes what is older, or more, than is kept. */
export async function prune(trx: Trx, kept: typeof spans, now: number): Promise<void> {
  for (const { seconds, kept: age } of kept) {
    await trx
      .deleteFrom('tunnel_sample')
      .where('span', '=', seconds)
      .where('at', '<', now - age)
      .execute()
  }
  await sql`delete from tunnel_change where seq in (
    select seq from (
      select seq, row_number() over (partition by connection_id order by seq desc) as of_connection,
        row_number() over (order by seq desc) as of_all
      from tunnel_change
    ) as numbered
    where of_connection > ${changesPerConnection} or of_all > ${changesInAll})`.execute(trx)
}

/** Newest first. `before` is the `seq` of the last change that was read. */
export async function listChanges(
  source: Source,
  scope: Scope,
  filter: { readonly connectionId?: string; readonly tunnelId?: string; readonly before?: number },
  limit: number,
): Promise<readonly ChangeRow[]> {
  let query = source
    .selectFrom('tunnel_change')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
  if (filter.connectionId !== undefined) query = query.where('connection_id', '=', filter.connectionId)
  if (filter.tunnelId !== undefined) query = query.where('tunnel_id', '=', filter.tunnelId)
  if (filter.before !== undefined) query = query.where('seq', '<', filter.before)
  return query.orderBy('seq', 'desc').limit(limit).execute()
}

/** Of the connection's tunnels, oldest first. */
export async function listSamples(
  source: Source,
  tunnelIds: readonly string[],
  span: number,
  from: number,
  to: number,
): Promise<readonly SampleRow[]> {
  if (tunnelIds.length === 0) return []
  return source
    .selectFrom('tunnel_sample')
    .selectAll()
    .where('tunnel_id', 'in', tunnelIds)
    .where('span', '=', span)
    .where('at', '>=', from)
    .where('at', '<=', to)
    .orderBy('at')
    .orderBy('tunnel_id')
    .execute()
}

/** Ids of the tunnels that were ever reported for a connection. */
export async function tunnelsOf(source: Source, connectionId: string): Promise<readonly string[]> {
  const rows = await source
    .selectFrom('tunnel_observation')
    .select('tunnel_id')
    .where('connection_id', '=', connectionId)
    .orderBy('tunnel_id')
    .execute()
  return rows.map((row) => row.tunnel_id)
}
