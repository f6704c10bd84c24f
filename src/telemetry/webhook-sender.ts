/**
 * Delivers the events that wait in the store: for each webhook one at a time, in order, again and again until they
 * arrive or enough has been tried. What was queued when the process ended goes on at the next start, so an event may
 * arrive twice; its id tells.
 */
import type { Clock, Timer } from '../clock.ts'
import type { Database } from '../db/open.ts'
import { retryAfter } from '../resources/webhook/model.ts'
import { postEvent } from '../resources/webhook/post.ts'
import {
  endDelivery,
  type Head,
  postponeDelivery,
  queueHeads,
  secretContext,
} from '../resources/webhook/store.ts'
import type { Sealer } from '../seal.ts'

export interface WebhookSender {
  /** Something may wait. Returns at once. */
  wake(): void
  /** Waits for attempts under way, and for those that are due when these have ended. */
  idle(): Promise<void>
  /** Waits for attempts under way. */
  stop(): Promise<void>
}

export function createWebhookSender(
  db: Database,
  sealer: Sealer,
  clock: Clock,
  log: (entry: object) => void,
): WebhookSender {
  /** Webhooks that are being sent to. */
  const busy = new Map<string, Promise<void>>()
  let timer: Timer | undefined
  let looking: Promise<void> | undefined
  let again = false
  let stopped = false

  async function look(): Promise<void> {
    // What ends while the queues are being read may still stand in what was read: it would be sent twice. The end of a
    // delivery wakes, so nothing is left behind.
    const underWay = new Set(busy.keys())
    const heads = await queueHeads(db.kysely)
    const now = clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const head of heads) {
      if (underWay.has(head.webhook_id)) continue
      if (head.next_at > now) {
        next = Math.min(next, head.next_at)
        continue
      }
      const done = deliver(head)
        .catch((cause) =>
          log({ level: 'warn', message: `a webhook cannot be served: ${cause}`, webhook: head.webhook_id }),
        )
        .finally(() => {
          busy.delete(head.webhook_id)
          wake()
        })
      busy.set(head.webhook_id, done)
    }
    timer?.cancel()
    timer = Number.isFinite(next) && !stopped ? clock.after(next - now, wake) : undefined
  }

  async function deliver(head: Head): Promise<void> {
    const attempts = head.attempts + 1
    const secret = sealer.open(head.secret_sealed, secretContext(head.webhook_id))
    const event = { id: head.event_id, body: head.body }
    const { arrived, status } = await postEvent(head.url, secret, event, attempts)
    const at = clock.now()
    const delay = arrived ? undefined : retryAfter(attempts)
    if (delay !== undefined) return postponeDelivery(db, head, { status, at }, attempts, at + delay)
    if (!arrived) {
      log({
        level: 'warn',
        message: 'an event is given up',
        webhook: head.webhook_id,
        event: head.event_id,
        status,
        attempts,
      })
    }
    return endDelivery(db, head, { status, at }, arrived)
  }

  function wake(): void {
    if (stopped) return
    if (looking) {
      again = true
      return
    }
    again = false
    looking = look()
      .catch((cause) => log({ level: 'warn', message: `webhooks cannot be looked at: ${cause}` }))
      .finally(() => {
        looking = undefined
        if (again) wake()
      })
  }

  return {
    wake,
    async idle() {
      while (looking || busy.size > 0) await Promise.all([looking, ...busy.values()])
    },
    async stop() {
      stopped = true
      timer?.cancel()
      await looking
      await Promise.all(busy.values())
    },
  }
}
