import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from '../../../test/support/postgres.ts'
import type { Row } from '../../db/schema.ts'
import { createHistoryRecorder } from './recorder.ts'
import { insertChange, listChanges, listSamples, prune } from './store.ts'

const owner = { account_id: '1', region: 'cn-hangzhou' }
const scope = { accountId: '1', region: 'cn-hangzhou' }
/** The begin of an hour. */
const start = 1_795_395_600_000

const observation = (columns: Partial<Row<'tunnel_observation'>>): Row<'tunnel_observation'> => ({
  tunnel_id: 'tun-1',
  connection_id: 'vco-1',
  observed_generation: 1,
  facts: JSON.stringify({ childSas: [] }),
  ike_established: 0,
  child_installed: 0,
  phase2_failed: 0,
  bgp_established: null,
  probe_succeeding: null,
  rate_in: null,
  rate_out: null,
  reason_code: null,
  reason_since: null,
  reason_evidence: null,
  reported_at: start,
  version: 1,
  ...columns,
})

const carrying = (reported_at: number, bytesIn: number) =>
  observation({
    reported_at,
    ike_established: 1,
    child_installed: 1,
    facts: JSON.stringify({
      childSas: [{ uniqueId: '1', spiIn: 'a', bytesIn, bytesOut: 2 * bytesIn, packetsIn: 1, packetsOut: 1 }],
      probe: { total: { begun: 1, answered: bytesIn / 100, lost: bytesIn / 50, rtt: bytesIn / 10 } },
    }),
  })

eachDatabase((_, open) => {
  test('what is reported is there to be read, sums in every span, and again after a restart', async () => {
    const db = await open()
    const logged: object[] = []
    const record = () =>
      createHistoryRecorder(
        db,
        () => start + 120_000,
        (entry) => logged.push(entry),
      )
    const first = record()
    first.stored({ owner, before: undefined, after: carrying(start, 0) })
    first.stored({ owner, before: carrying(start, 0), after: carrying(start + 30_000, 100) })
    first.stored({ owner, before: carrying(start + 30_000, 100), after: carrying(start + 90_000, 700) })
    await first.flush()
    const second = record()
    const failed = observation({
      reported_at: start + 100_000,
      reason_code: 'PSK_MISMATCH',
      reason_evidence: '["the line"]',
    })
    second.stored({ owner, before: carrying(start + 90_000, 700), after: failed })
    await second.flush()

    const minutes = await listSamples(db.kysely, ['tun-1'], 60, start, start + 120_000)
    assert.deepEqual(
      minutes.map(({ at, observed_ms, up_ms, bytes_in, bytes_out }) => [
        at - start,
        observed_ms,
        up_ms,
        bytes_in,
        bytes_out,
      ]),
      [
        [0, 60_000, 60_000, 400, 800],
        [60_000, 40_000, 40_000, 300, 600],
      ],
    )
    assert.deepEqual(
      minutes.map(({ probes_answered, probes_lost, rtt_us }) => [probes_answered, probes_lost, rtt_us]),
      [
        [4, 8, 40_000],
        [3, 6, 30_000],
      ],
    )
    const [hour, ...none] = await listSamples(db.kysely, ['tun-1'], 3600, start, start)
    assert.deepEqual([hour!.bytes_in, hour!.observed_ms, none.length], [700, 100_000, 0])
    assert.deepEqual(await listSamples(db.kysely, ['tun-2'], 60, 0, start * 2), [])

    const changes = await listChanges(db.kysely, scope, {}, 10)
    assert.deepEqual(
      changes.map(({ at, status, reason_code, evidence }) => [at - start, status, reason_code, evidence]),
      [
        [100_000, 'ike_sa_not_established', 'PSK_MISMATCH', '["the line"]'],
        [0, 'ipsec_sa_established', null, null],
      ],
    )
    assert.deepEqual(await listChanges(db.kysely, { ...scope, accountId: '2' }, {}, 10), [])
    assert.deepEqual(await listChanges(db.kysely, scope, { connectionId: 'vco-2' }, 10), [])
    const earlier = await listChanges(db.kysely, scope, { before: changes[0]!.seq }, 10)
    assert.deepEqual(
      earlier.map(({ seq }) => seq),
      [changes[1]!.seq],
    )
    assert.deepEqual(logged, [])
  })

  test('what is too old, or too much of one connection, goes', async () => {
    const db = await open()
    await db.transaction(async (trx) => {
      for (const [connectionId, count] of [
        ['vco-loud', 1_005],
        ['vco-quiet', 1],
      ] as const) {
        for (let index = 0; index < count; index++) {
          await insertChange(db, trx, {
            ...{ owner, connectionId, tunnelId: connectionId, at: start + index },
            ...{ status: 'ike_sa_not_established', reasonCode: null, evidence: null },
          })
        }
      }
    })
    const recorder = createHistoryRecorder(
      db,
      () => start + 60_000,
      (entry) => assert.fail(JSON.stringify(entry)),
    )
    recorder.stored({ owner, before: carrying(start, 0), after: carrying(start + 30_000, 100) })
    await recorder.flush()
    const count = async (connectionId: string) =>
      (await listChanges(db.kysely, scope, { connectionId }, 5_000)).length
    assert.deepEqual([await count('vco-loud'), await count('vco-quiet')], [1_000, 1])
    const [newest] = await listChanges(db.kysely, scope, { connectionId: 'vco-loud' }, 1)
    assert.equal(newest!.at, start + 1_004)

    const kept = [
      { seconds: 60, kept: 10_000 },
      { seconds: 600, kept: 1e9 },
      { seconds: 3600, kept: 1e9 },
    ] as never
    await db.transaction((trx) => prune(trx, kept, start + 60_000))
    assert.deepEqual(await listSamples(db.kysely, ['tun-1'], 60, 0, start * 2), [])
    assert.equal((await listSamples(db.kysely, ['tun-1'], 600, 0, start * 2)).length, 1)
  })
})
