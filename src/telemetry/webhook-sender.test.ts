import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../../test/support/app.ts'
import { eachDatabase } from '../../test/support/postgres.ts'
import { type Receiver, startReceiver } from '../../test/support/receiver.ts'
import { realClock } from '../clock.ts'
import { configureWebhook, enqueue, insertWebhook, secretContext } from '../resources/webhook/store.ts'
import { createSealer, loadMasterKey } from '../seal.ts'
import { Secret } from '../secret.ts'
import { createWebhookSender } from './webhook-sender.ts'

const secret = 'a-secret-of-the-webhook'

eachDatabase((kind, open) => {
  describe(`events on their way, on ${kind}`, () => {
    const receivers: Receiver[] = []
    before(async () => {
      for (let n = 0; n < 3; n++) receivers.push(await startReceiver(secret))
    })
    after(() => Promise.all(receivers.map((receiver) => receiver.close())))

    test('each arrives once and in order, however often the queues are looked at meanwhile', async () => {
      const db = await open()
      const sealer = createSealer(loadMasterKey('unused', new Secret('07'.repeat(32))))
      const [configured, ...own] = receivers
      await configureWebhook(db, sealer, { url: configured!.url, secret: new Secret(secret) }, 0)
      for (const [index, { url }] of own.entries()) {
        const id = `whk-${index}`
        await db.transaction(async (trx) =>
          insertWebhook(trx, {
            seq: await db.nextSeq(trx),
            id,
            account_id: '1',
            region: 'cn-hangzhou',
            url,
            secret_sealed: sealer.seal(secret, secretContext(id)),
            events: '[]',
            created_at: 0,
            last_status: null,
            last_at: null,
            delivered: 0,
            dropped: 0,
          }),
        )
      }
      const sender = createWebhookSender(db, sealer, realClock, () => {})
      const ids = Array.from({ length: 40 }, (_, index) => `event-${index}`)
      const owner = { accountId: '1', region: 'cn-hangzhou' }
      for (const id of ids) {
        await enqueue(
          db,
          owner,
          [{ id, name: 'BgpSessionLost', body: JSON.stringify({ id }) }],
          realClock.now(),
        )
        sender.wake()
      }
      try {
        await until(
          'all have arrived',
          async () => {
            sender.wake()
            return receivers.every(({ received }) => received.some(({ event }) => event['id'] === ids.at(-1)))
          },
          30_000,
        )
      } finally {
        await sender.stop()
      }
      for (const { received, faults } of receivers) {
        assert.deepEqual(faults, [])
        assert.deepEqual(
          received.map(({ event }) => event['id']),
          ids,
        )
      }
    })
  })
})
