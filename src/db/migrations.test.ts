import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { eachDatabase } from '../../test/support/postgres.ts'
import { migrations } from './migrations.ts'
import { type Database, openDatabase } from './open.ts'
import { tables } from './schema.ts'

type Shape = Record<string, Record<string, string>>

const word = (type: string, nullable: boolean) => `${type}${nullable ? ' null' : ''}`

const wanted = (): Shape =>
  Object.fromEntries(
    Object.entries(tables).map(([table, columns]) => [
      table,
      Object.fromEntries(
        Object.entries(columns).map(([name, column]) => [name, word(column.type, column.nullable)]),
      ),
    ]),
  )

/** What the database says of itself, in the words of the schema. */
async function found(db: Database): Promise<Shape> {
  const columns =
    db.kind === 'sqlite'
      ? sql<{ table: string; name: string; type: string; nullable: number }>`
          select t.name as "table", c.name, lower(c.type) as type, c."notnull" = 0 and c.pk = 0 as nullable
          from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'`
      : sql<{ table: string; name: string; type: string; nullable: boolean }>`
          select table_name as "table", column_name as name, data_type as type, is_nullable = 'YES' as nullable
          from information_schema.columns where table_schema = current_schema()`
  const shape: Shape = {}
  for (const column of (await columns.execute(db.kysely)).rows) {
    shape[column.table] ??= {}
    shape[column.table]![column.name] = word(column.type, Boolean(column.nullable))
  }
  return shape
}

/** SQLite has one type for whole numbers of any size. */
const asSqlite = (shape: Shape): Shape => JSON.parse(JSON.stringify(shape).replaceAll('bigint', 'integer'))

describe('migrations', () => {
  eachDatabase((kind, open, place) => {
    test('lead to the tables of the schema, column by column', async () => {
      const want = kind === 'sqlite' ? asSqlite(wanted()) : wanted()
      assert.deepEqual(await found(await open()), want)
    })

    test('run once, however often and from however many sides a database is opened', async () => {
      const config = await place()
      const together = await Promise.all(
        Array.from({ length: 4 }, (_, index) => openDatabase(config, 1_000 + index)),
      )
      await together[0]!.kysely.insertInto('setting').values({ name: 'kept', value: 'yes' }).execute()
      for (const db of together) await db.close()
      const db = await openDatabase(config, 2_000)
      const ran = await db.kysely.selectFrom('migration').selectAll().orderBy('name').execute()
      assert.deepEqual(
        ran.map((row) => row.name),
        migrations.map((migration) => migration.name),
      )
      assert.ok(ran.every((row) => row.applied_at >= 1_000 && row.applied_at < 2_000))
      assert.equal((await db.kysely.selectFrom('setting').selectAll().execute()).length, 1)
      await db.close()
    })

    test('of a newer version are not run over, and the database is left as it is', async () => {
      const config = await place()
      const db = await openDatabase(config)
      await db.kysely.insertInto('migration').values({ name: '9999-tomorrow', applied_at: 1 }).execute()
      await db.close()
      await assert.rejects(
        openDatabase(config),
        /migrated with 9999-tomorrow, which this version does not know/,
      )
      await assert.rejects(openDatabase(config), /9999-tomorrow/)
    })
  })

  test('are named in the order in which they run', () => {
    const names = migrations.map((migration) => migration.name)
    assert.deepEqual(names, [...new Set(names)].sort())
  })
})
