import { randomBytes } from 'node:crypto'
import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { newId } from '../ids.ts'
import { scopeOf } from '../scope.ts'
import { eventNames } from './events.ts'
import { checkUrl, renderEvent, webhookLimit } from './model.ts'
import { postEvent } from './post.ts'
import {
  suidaoCreateWebhook,
  suidaoDeleteWebhook,
  suidaoListWebhooks,
  suidaoTestWebhook,
  suidaoUpdateWebhook,
} from './spec.ts'
import {
  changeWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  removeWebhook,
  secretContext,
  type Webhook,
} from './store.ts'

const eventsOf = ({ events }: Webhook): readonly string[] => {
  const names: readonly string[] = JSON.parse(events)
  return names.length === 0 ? eventNames : names
}

/** All of them are kept as none, and are all of them when there are more one day. */
const storedEvents = (names: readonly string[]): string => {
  const distinct = [...new Set(names)]
  return JSON.stringify(distinct.length === eventNames.length ? [] : distinct)
}

export function webhookActions({ db, sealer, write }: ResourceContext): Action[] {
  return [
    action(suidaoCreateWebhook, (input, call) =>
      write(suidaoCreateWebhook, input, call, async (trx) => {
        const scope = scopeOf(call)
        const url = checkUrl(input.Url)
        if ((await listWebhooks(trx, scope)).length >= webhookLimit) throw apiError('Resource.QuotaFull')
        const id = newId('whk', call.region)
        const secret = input.Secret ?? randomBytes(24).toString('base64url')
        await insertWebhook(trx, {
          seq: await db.nextSeq(trx),
          id,
          account_id: scope.accountId,
          region: scope.region,
          url,
          secret_sealed: sealer.seal(secret, secretContext(id)),
          events: storedEvents(input.Events ?? []),
          created_at: call.now,
          last_status: null,
          last_at: null,
          delivered: 0,
          dropped: 0,
        })
        return { Secret: secret, WebhookId: id }
      }),
    ),

    action(suidaoListWebhooks, async (_, call) => ({
      Webhooks: (await listWebhooks(db.kysely, scopeOf(call))).map((row) => ({
        CreateTime: row.created_at,
        Delivered: row.delivered,
        Dropped: row.dropped,
        Events: eventsOf(row),
        LastStatus: row.last_status ?? '',
        LastTime: row.last_at ?? 0,
        Url: row.url,
        Waiting: row.waiting,
        WebhookId: row.id,
      })),
    })),

    action(suidaoUpdateWebhook, (input, call) =>
      write(suidaoUpdateWebhook, input, call, async (trx) => {
        const { WebhookId: id, Url, Secret, Events } = input
        if (!(await findWebhook(trx, scopeOf(call), id))) throw apiError('InvalidWebhookId.NotFound')
        await changeWebhook(trx, id, {
          ...(Url !== undefined && { url: checkUrl(Url) }),
          ...(Secret !== undefined && { secret_sealed: sealer.seal(Secret, secretContext(id)) }),
          ...(Events !== undefined && Events.length > 0 && { events: storedEvents(Events) }),
        })
        return {}
      }),
    ),

    action(suidaoDeleteWebhook, (input, call) =>
      write(suidaoDeleteWebhook, input, call, async (trx) => {
        if (!(await findWebhook(trx, scopeOf(call), input.WebhookId)))
          throw apiError('InvalidWebhookId.NotFound')
        await removeWebhook(trx, input.WebhookId)
        return {}
      }),
    ),

    action(suidaoTestWebhook, async ({ WebhookId }, call) => {
      const row = await findWebhook(db.kysely, scopeOf(call), WebhookId)
      if (!row) throw apiError('InvalidWebhookId.NotFound')
      const event = renderEvent({
        name: 'WebhookTest',
        accountId: row.account_id,
        region: row.region,
        resource: `webhook/${row.id}`,
        instanceName: '',
        at: call.now,
        content: { webhookId: row.id },
      })
      const begin = performance.now()
      const secret = sealer.open(row.secret_sealed, secretContext(row.id))
      const { arrived, status } = await postEvent(row.url, secret, event, 1)
      return { DurationMs: Math.round(performance.now() - begin), Status: status, Succeeded: arrived }
    }),
  ]
}
