import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { Client } from 'pg'
import { eachDatabase } from '../../test/support/postgres.ts'
import { migrations } from './migrations.ts'
import { type Database, type DatabaseConfig, openDatabase } from './open.ts'
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

/** Makes a database as it was when there were only the first `count` migrations, with some rows in it. */
async function before(config: DatabaseConfig, count: number, inserts: readonly string[]): Promise<void> {
  const done = migrations.slice(0, count)
  const statements = [
    'create table migration (name text primary key not null, applied_at bigint not null)',
    ...done.flatMap((migration) => migration.statements(config.kind)),
    ...done.map(({ name }) => `insert into migration values ('${name}', 1)`),
    ...inserts,
  ]
  if (config.kind === 'sqlite') {
    const db = new DatabaseSync(config.file)
    for (const statement of statements) db.exec(statement)
    db.close()
    return
  }
  const client = new Client({ connectionString: config.url })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

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

    test('give a connection of the first version its tunnel', async () => {
      const config = await place()
      const common = `'1', 'cn-hangzhou', 'n', 9, 1`
      await before(config, 1, [
        `insert into customer_gateway values (1, 'cgw-1', ${common}, '', '198.51.100.9', null, null, '')`,
        `insert into vpn_connection values (2, 'vco-1', ${common}, 'vpn-1', 'cgw-1', '10.0.0.0/8', '172.16.0.0/12',
          1, 1, 0, 1, 'ikev2', 'main', 'aes', 'sha1', 'group2', 3600, 'here', 'there', 'sealed', 'aes256', 'sha256',
          'disabled', 1800, 0, '', '', 0, 0, 'revoke_route', 0, null, '169.254.10.0/30', null, null, 'rg', 7, null, 5)`,
        `insert into resource_count values ('1', 'cn-hangzhou', 'vpn_connection', 'cgw-1', 1)`,
      ])
      const db = await openDatabase(config)
      const connection = await db.kysely.selectFrom('vpn_connection').selectAll().executeTakeFirstOrThrow()
      assert.equal(connection.remote_subnet, '172.16.0.0/12')
      const prepared = db.prepared((q) => q.selectFrom('vpn_connection').selectAll())
      assert.equal((await prepared())?.remote_subnet, '172.16.0.0/12')
      assert.deepEqual([connection.seq, connection.dual, connection.resource_group_id], [2, 0, 'rg'])
      const tunnel = await db.kysely.selectFrom('vpn_tunnel').selectAll().executeTakeFirstOrThrow()
      const { id, connection_id, position, role, customer_gateway_id, enable_nat_traversal } = tunnel
      assert.deepEqual(
        { id, connection_id, position, role, customer_gateway_id, enable_nat_traversal },
        {
          id: 'vco-1',
          connection_id: 'vco-1',
          position: 1,
          role: 'master',
          customer_gateway_id: 'cgw-1',
          enable_nat_traversal: 0,
        },
      )
      const { psk_sealed, ipsec_lifetime, bgp_tunnel_cidr, slot, generation } = tunnel
      assert.deepEqual(
        [psk_sealed, ipsec_lifetime, bgp_tunnel_cidr, slot, generation],
        ['sealed', 1800, '169.254.10.0/30', 7, 5],
      )
      assert.equal((await db.kysely.selectFrom('resource_count').selectAll().execute()).length, 0)
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
