import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { onPostgres } from '../../test/support/postgres.ts'
import { type Database, openDatabase } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'suidao-watch-'))
after(() => rmSync(folder, { recursive: true }))

const shownIn = { setting: `select 'of ' || changed.name as key` } as const

function watchSettings(db: Database) {
  const told: string[] = []
  const read = db.prepared((q, name: string) => q.selectFrom('setting').selectAll().where('name', '=', name))
  const listener = { forget: (key: string) => told.push(key), forgetAll: () => told.push('all') }
  const look = db.watch([read], shownIn, listener)
  return { look, told: () => told.splice(0).sort() }
}

const put = (db: Database, ...names: string[]) =>
  db.transaction(async (trx) => {
    for (const name of names) await trx.insertInto('setting').values({ name, value: '' }).execute()
  })

describe('a watched table of SQLite', () => {
  test('tells the keys of every row that a commit has changed, and of nothing else', async () => {
    const db = await openDatabase({ kind: 'sqlite', file: join(folder, 'own.db') })
    const { look, told } = watchSettings(db)
    look!()
    assert.deepEqual(told(), ['all'])
    await put(db, 'a', 'b')
    assert.deepEqual(told(), ['of a', 'of b'])
    await db.kysely.updateTable('setting').set({ name: 'c' }).where('name', '=', 'b').execute()
    assert.deepEqual(told(), ['of b', 'of c'])
    await db.kysely.deleteFrom('setting').execute()
    assert.deepEqual(told(), ['of a', 'of c'])
    await db.kysely.insertInto('account').values({ id: '1', name: '', created_at: 1 }).execute()
    assert.deepEqual(told(), [])
    await nextTurn()
    look!()
    assert.deepEqual(told(), [])
    await db.close()
  })

  test('tells of a row that another one takes the place of', async () => {
    const db = await openDatabase({ kind: 'sqlite', file: join(folder, 'replaced.db') })
    const told: string[] = []
    const read = db.prepared((q) => q.selectFrom('vpc').select('id'))
    const listener = { forget: (key: string) => told.push(key), forgetAll() {} }
    db.watch([read], { vpc: 'select changed.id as key' }, listener)
    const noun = { account_id: '1', region: 'r', name: '', created_at: 1, version: 1 }
    for (const id of ['vpc-1', 'vpc-2']) {
      await db.kysely
        .replaceInto('vpc')
        .values({ ...noun, seq: 1, id, description: '', cidr: '' })
        .execute()
    }
    assert.deepEqual(told.sort(), ['vpc-1', 'vpc-1', 'vpc-2'])
    await db.close()
  })

  test('tells nothing before the commit, and everything of a change too large to be listed', async () => {
    const db = await openDatabase({ kind: 'sqlite', file: join(folder, 'large.db') })
    const { told } = watchSettings(db)
    await db.transaction(async (trx) => {
      await trx.insertInto('setting').values({ name: 'a', value: '' }).execute()
      assert.deepEqual(told(), [])
    })
    assert.deepEqual(told(), ['of a'])
    const many = Array.from({ length: 10_002 }, (_, at) => ({ name: `n${at}`, value: '' }))
    await db.transaction(async (trx) => {
      for (let at = 0; at < many.length; at += 5_000)
        await trx
          .insertInto('setting')
          .values(many.slice(at, at + 5_000))
          .execute()
    })
    assert.deepEqual(told(), ['all'])
    await db.close()
  })

  test('tells of what another process has committed, when it is looked for', async () => {
    const file = join(folder, 'other.db')
    const db = await openDatabase({ kind: 'sqlite', file })
    const { look, told } = watchSettings(db)
    look!()
    told()
    const other = new DatabaseSync(file)
    other.exec(`insert into setting values ('a', '')`)
    await nextTurn()
    assert.deepEqual(told(), [])
    look!()
    assert.deepEqual(told(), ['all'])
    await nextTurn()
    look!()
    assert.deepEqual(told(), [])
    other.close()
    await db.close()
  })

  test('leaves nothing in the file', async () => {
    const file = join(folder, 'trace.db')
    const db = await openDatabase({ kind: 'sqlite', file })
    watchSettings(db)
    await db.close()
    const plain = new DatabaseSync(file)
    plain.exec(`insert into setting values ('a', '')`)
    assert.deepEqual(plain.prepare(`select name from sqlite_schema where type = 'trigger'`).all(), [])
    plain.close()
  })

  test('must be named for every table that is read, also where only an index of it is', async () => {
    const db = await openDatabase({ kind: 'sqlite', file: join(folder, 'unnamed.db') })
    const read = db.prepared((q, id: string) =>
      q
        .selectFrom('vpc')
        .select((eb) => [
          'cidr',
          eb.selectFrom('vswitch').select('seq').whereRef('vpc_id', '=', 'vpc.id').limit(1).as('first'),
        ])
        .where('id', '=', id),
    )
    const listener = { forget() {}, forgetAll() {} }
    const vpc = 'select changed.id as key'
    assert.throws(() => db.watch([read], { vpc }, listener), /a read of vswitch, which is not watched/)
    db.watch([read], { vpc, vswitch: 'select changed.vpc_id as key' }, listener)
    await db.close()
  })
})

onPostgres((open) => {
  test('nothing can be told in time', async () => {
    assert.equal(watchSettings(await open()).look, undefined)
  })
})
