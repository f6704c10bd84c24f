/** All SQL of webhooks and of the events that wait for them. */
import type { Database } from '../../db/open.ts'
import type { NewRow, Row, RowChange } from '../../db/schema.ts'
import type { Sealer } from '../../seal.ts'
import type { Secret } from '../../secret.ts'
import type { Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'
import type { EventName } from './events.ts'
import { queueLimit, type RenderedEvent } from './model.ts'

export type Webhook = Row<'webhook'>
export type Delivery = Row<'webhook_delivery'>

/** The place a secret is sealed for. */
export const secretContext = (webhookId: string) => `webhook/${webhookId}/secret`

export const insertWebhook = (trx: Trx, row: NewRow<'webhook'>) =>
  trx.insertInto('webhook').values(row).execute()

export async function listWebhooks(source: Source, scope: Scope): Promise<(Webhook & { waiting: number })[]> {
  const rows = await source
    .selectFrom('webhook as w')
    .selectAll('w')
    .select((eb) =>
      eb
        .selectFrom('webhook_delivery as d')
        .select((inner) => inner.fn.countAll<number>().as('n'))
        .whereRef('d.webhook_id', '=', 'w.id')
        .as('waiting'),
    )
    .where('w.account_id', '=', scope.accountId)
    .where('w.region', '=', scope.region)
    .orderBy('w.seq')
    .execute()
  return rows.map((row) => ({ ...row, waiting: Number(row.waiting ?? 0) }))
}

export async function findWebhook(source: Source, scope: Scope, id: string): Promise<Webhook | undefined> {
  return source
    .selectFrom('webhook')
    .selectAll()
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** @param change may be empty */
export async function changeWebhook(
  trx: Trx,
  id: string,
  change: Pick<RowChange<'webhook'>, 'url' | 'secret_sealed' | 'events'>,
): Promise<void> {
  if (Object.keys(change).length === 0) return
  await trx.updateTable('webhook').set(change).where('id', '=', id).execute()
}

export async function removeWebhook(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('webhook').where('id', '=', id).execute()
  await trx.deleteFrom('webhook_delivery').where('webhook_id', '=', id).execute()
}

// --- The one of the configuration ------------------------------------------------------------------------------

const configuredId = 'whk-configured'
/** Of every account and region; ids of these have at least a character, so nobody's list has it. */
const everybody = ''

/** Makes the webhook that the settings name, changes it, or takes it away. */
export async function configureWebhook(
  db: Database,
  sealer: Sealer,
  wanted: { readonly url: string; readonly secret: Secret } | undefined,
  now: number,
): Promise<void> {
  await db.transaction(async (trx) => {
    if (!wanted) return removeWebhook(trx, configuredId)
    const change = {
      url: wanted.url,
      secret_sealed: sealer.seal(wanted.secret.reveal(), secretContext(configuredId)),
    }
    const known = await trx
      .selectFrom('webhook')
      .select('id')
      .where('id', '=', configuredId)
      .executeTakeFirst()
    if (known) {
      await trx.updateTable('webhook').set(change).where('id', '=', configuredId).execute()
      return
    }
    await insertWebhook(trx, {
      seq: await db.nextSeq(trx),
      id: configuredId,
      account_id: everybody,
      region: everybody,
      events: '[]',
      created_at: now,
      last_status: null,
      last_at: null,
      delivered: 0,
      dropped: 0,
      ...change,
    })
  })
}

// --- The queue -------------------------------------------------------------------------------------------------

/** Puts events into the queues of those who want them. Answers whether anybody does. */
export async function enqueue(
  db: Database,
  owner: { readonly accountId: string; readonly region: string },
  events: readonly RenderedEvent[],
  now: number,
): Promise<boolean> {
  const hooks = await db.kysely
    .selectFrom('webhook')
    .select(['id', 'events'])
    .where('account_id', 'in', [owner.accountId, everybody])
    .where('region', 'in', [owner.region, everybody])
    .execute()
  const wanted = hooks.flatMap(({ id, events: asked }) => {
    const names: readonly EventName[] = JSON.parse(asked)
    return events
      .filter(({ name }) => names.length === 0 || names.includes(name as EventName))
      .map((event) => ({ webhookId: id, event }))
  })
  if (wanted.length === 0) return false
  await db.transaction(async (trx) => {
    for (const { webhookId, event } of wanted) {
      await trx
        .insertInto('webhook_delivery')
        .values({
          seq: await db.nextSeq(trx),
          webhook_id: webhookId,
          event_id: event.id,
          body: event.body,
          attempts: 0,
          next_at: now,
          created_at: now,
        })
        .execute()
    }
    for (const id of new Set(wanted.map(({ webhookId }) => webhookId))) await shorten(trx, id)
  })
  return true
}

/** A receiver that is away for long costs its oldest events, not the disk. */
async function shorten(trx: Trx, webhookId: string): Promise<void> {
  const first = await trx
    .selectFrom('webhook_delivery')
    .select('seq')
    .where('webhook_id', '=', webhookId)
    .orderBy('seq', 'desc')
    .offset(queueLimit)
    .limit(1)
    .executeTakeFirst()
  if (!first) return
  const { numDeletedRows } = await trx
    .deleteFrom('webhook_delivery')
    .where('webhook_id', '=', webhookId)
    .where('seq', '<=', first.seq)
    .executeTakeFirst()
  await trx
    .updateTable('webhook')
    .set((eb) => ({ dropped: eb('dropped', '+', Number(numDeletedRows)) }))
    .where('id', '=', webhookId)
    .execute()
}

export type Head = Delivery & Pick<Webhook, 'url' | 'secret_sealed'>

/** The oldest event of each webhook: the later ones wait behind it, so that a receiver sees them in order. */
export async function queueHeads(source: Source): Promise<Head[]> {
  return source
    .selectFrom('webhook_delivery as d')
    .innerJoin('webhook as w', 'w.id', 'd.webhook_id')
    .selectAll('d')
    .select(['w.url', 'w.secret_sealed'])
    .where('d.seq', 'in', (eb) =>
      eb
        .selectFrom('webhook_delivery as e')
        .select((inner) => inner.fn.min('e.seq').as('seq'))
        .groupBy('e.webhook_id'),
    )
    .orderBy('d.seq')
    .execute()
}

export interface Outcome {
  /** HTTP status, or what was in the way. */
  readonly status: string
  readonly at: number
}

/** It arrived, or enough has been tried. */
export async function endDelivery(
  db: Database,
  { seq, webhook_id }: Delivery,
  { status, at }: Outcome,
  arrived: boolean,
): Promise<void> {
  await db.transaction(async (trx) => {
    await trx.deleteFrom('webhook_delivery').where('seq', '=', seq).execute()
    await trx
      .updateTable('webhook')
      .set((eb) => ({
        last_status: status,
        last_at: at,
        ...(arrived ? { delivered: eb('delivered', '+', 1) } : { dropped: eb('dropped', '+', 1) }),
      }))
      .where('id', '=', webhook_id)
      .execute()
  })
}

export async function postponeDelivery(
  db: Database,
  { seq, webhook_id }: Delivery,
  { status, at }: Outcome,
  attempts: number,
  nextAt: number,
): Promise<void> {
  await db.transaction(async (trx) => {
    await trx
      .updateTable('webhook_delivery')
      .set({ attempts, next_at: nextAt })
      .where('seq', '=', seq)
      .execute()
    await trx
      .updateTable('webhook')
      .set({ last_status: status, last_at: at })
      .where('id', '=', webhook_id)
      .execute()
  })
}

/** Of all accounts, for the metrics. */
export async function webhookCounts(
  source: Source,
): Promise<{ id: string; delivered: number; dropped: number; waiting: number }[]> {
  const rows = await source
    .selectFrom('webhook as w')
    .select(['w.id', 'w.delivered', 'w.dropped'])
    .select((eb) =>
      eb
        .selectFrom('webhook_delivery as d')
        .select((inner) => inner.fn.countAll<number>().as('n'))
        .whereRef('d.webhook_id', '=', 'w.id')
        .as('waiting'),
    )
    .orderBy('w.seq')
    .execute()
  return rows.map((row) => ({ ...row, waiting: Number(row.waiting ?? 0) }))
}
