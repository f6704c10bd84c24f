import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { until } from '../../test/support/app.ts'
import { onPostgres } from '../../test/support/postgres.ts'
import { openNews, type Piece } from './news.ts'
import type { DatabaseConfig } from './open.ts'

const owner = { accountId: '1', region: 'cn-hangzhou' }

/** A node and what it has heard. */
async function node(config: DatabaseConfig) {
  const pieces: Piece[] = []
  let missed = 0
  const news = await openNews(config, {
    heard: (piece) => pieces.push(piece),
    missed: () => missed++,
  })
  return { ...news!, keys: () => pieces.flatMap(({ keys }) => keys), pieces, missed: () => missed }
}

test('one node alone has nobody to tell', async () => {
  const never = () => assert.fail()
  assert.equal(
    await openNews({ kind: 'sqlite', file: ':memory:' }, { heard: never, missed: never }),
    undefined,
  )
})

onPostgres((_open, place) => {
  test('word reaches every other node, however much it is, and not who sent it', async () => {
    const config = await place()
    const [teller, one, other] = await Promise.all([node(config), node(config), node(config)])
    const keys = Array.from({ length: 1_000 }, (_, at) => `tunnel:${String(at).padStart(57, 'x')}`)
    teller.tell({ ...owner, keys, wanted: true })
    one.tell({ ...owner, keys: ['gateway:vpn-1'], wanted: false })
    await until('all has come', async () => one.keys().length === 1_000 && other.keys().length === 1_001)
    await until('the answer has come', async () => teller.keys().length === 1)
    assert.deepEqual(one.keys(), keys)
    assert.deepEqual(teller.pieces, [{ ...owner, keys: ['gateway:vpn-1'], wanted: false }])
    for (const each of [teller, one, other]) await each.close()
  })

  test('a broken connection is made again, and it is said that word may be lost', async () => {
    const config = await place()
    const [teller, reader] = await Promise.all([node(config), node(config)])
    const admin = new pg.Client(config.kind === 'postgres' ? config.url : '')
    await admin.connect()
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'suidao news'",
    )
    await admin.end()
    await until('both are back', async () => teller.missed() === 1 && reader.missed() === 1)
    teller.tell({ ...owner, keys: ['gateway:vpn-1'], wanted: true })
    await until('word comes again', async () => reader.keys().includes('gateway:vpn-1'))
    await teller.close()
    await reader.close()
    // What is closed says nothing and fails nothing.
    teller.tell({ ...owner, keys: ['gateway:vpn-1'], wanted: true })
  })
})
