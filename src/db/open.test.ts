import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { type Compilable, CompiledQuery, sql, type Transaction } from 'kysely'
import { eachDatabase, onPostgres } from '../../test/support/postgres.ts'
import { type Database, openDatabase } from './open.ts'
import type { NewRow, Schema } from './schema.ts'

const vpc = (seq: number, change: Partial<NewRow<'vpc'>> = {}): NewRow<'vpc'> => ({
  seq,
  id: `vpc-${seq}`,
  account_id: '1',
  region: 'cn-hangzhou',
  name: `name ${seq}`,
  description: '',
  cidr: '10.0.0.0/8',
  created_at: 1_795_396_405_742,
  version: 1,
  ...change,
})

const insertVpc = async (db: Database) =>
  db.transaction(async (trx) => {
    const row = vpc(await db.nextSeq(trx))
    await trx.insertInto('vpc').values(row).execute()
    return row
  })

/** A promise and the function that fulfils it. */
const gate = () => Promise.withResolvers<void>()

const count = async (db: Database, table: 'vpc' | 'setting') => {
  const row = await db.kysely
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow()
  return row.rows
}

describe('a database', () => {
  eachDatabase((kind, open, place) => {
    test('what is written is read back with the same types', async () => {
      const db = await open()
      const row = await insertVpc(db)
      const read = await db.kysely.selectFrom('vpc').selectAll().executeTakeFirstOrThrow()
      assert.deepEqual({ ...read }, row)
      assert.equal(await count(db, 'vpc'), 1)
    })

    test('a write outside a transaction reports how many rows it touched', async () => {
      const db = await open()
      await db.kysely
        .insertInto('vpc')
        .values([vpc(1), vpc(2), vpc(3)])
        .execute()
      const updated = await db.kysely
        .updateTable('vpc')
        .set({ name: 'new' })
        .where('seq', '<', 3)
        .executeTakeFirst()
      assert.equal(updated.numUpdatedRows, 2n)
      const deleted = await db.kysely.deleteFrom('vpc').where('name', '=', 'new').executeTakeFirst()
      assert.equal(deleted.numDeletedRows, 2n)
    })

    test('a prepared read answers what the same query answers', async () => {
      const db = await open()
      await db.kysely
        .insertInto('vpc')
        .values([vpc(1, { name: 'b' }), vpc(2, { name: 'a' }), vpc(3, { name: 'a', description: 'x' })])
        .execute()
      const cases: { name: string; prepared: unknown; query: unknown }[] = [
        {
          name: 'one value',
          prepared: db.prepared((q, id: string) => q.selectFrom('vpc').selectAll().where('id', '=', id))(
            'vpc-2',
          ),
          query: db.kysely.selectFrom('vpc').selectAll().where('id', '=', 'vpc-2').executeTakeFirst(),
        },
        {
          name: 'values in another order than asked, one of them twice, and constants between',
          prepared: db.prepared((q, seq: number, name: string) =>
            q
              .selectFrom('vpc')
              .select(['id', 'seq', 'name'])
              .where('name', '=', name)
              .where('region', '=', 'cn-hangzhou')
              .where((eb) => eb.or([eb('seq', '=', seq), eb('version', '=', seq)])),
          )(3, 'a'),
          query: Promise.resolve({ id: 'vpc-3', seq: 3, name: 'a' }),
        },
        {
          name: 'a key to page from, and a limit',
          prepared: db.prepared((q, seq: number, limit: number) =>
            q.selectFrom('vpc').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit),
          )(1, 1),
          query: db.kysely.selectFrom('vpc').selectAll().where('seq', '=', 2).executeTakeFirst(),
        },
        {
          name: 'no value',
          prepared: db.prepared((q) => q.selectFrom('vpc').select('id').orderBy('seq', 'desc'))(),
          query: Promise.resolve({ id: 'vpc-3' }),
        },
        {
          name: 'no row',
          prepared: db.prepared((q, id: string) => q.selectFrom('vpc').selectAll().where('id', '=', id))(
            'vpc-9',
          ),
          query: Promise.resolve(undefined),
        },
      ]
      for (const { name, prepared, query } of cases) {
        const want = await query
        assert.deepEqual(await prepared, want && { ...want }, name)
      }
    })

    test('a prepared read of all rows answers them in their order', async () => {
      const db = await open()
      const behind = db.preparedAll((q, seq: number, limit: number) =>
        q.selectFrom('vpc').select(['seq', 'id']).where('seq', '>', seq).orderBy('seq').limit(limit),
      )
      assert.deepEqual(await behind(0, 9), [])
      await db.kysely
        .insertInto('vpc')
        .values([vpc(3), vpc(1), vpc(2)])
        .execute()
      const rows = [1, 2, 3].map((seq) => ({ seq, id: `vpc-${seq}` }))
      assert.deepEqual(await behind(0, 9), rows)
      assert.deepEqual(await behind(1, 1), [rows[1]])
    })

    test('a prepared read sees a write as soon as it is acknowledged, and never before', async () => {
      const db = await open()
      const find = db.prepared((q, id: string) => q.selectFrom('vpc').select('id').where('id', '=', id))
      const [written, goOn] = [gate(), gate()]
      const writing = db.transaction(async (trx) => {
        await trx.insertInto('vpc').values(vpc(1)).execute()
        written.resolve()
        await goOn.promise
      })
      await written.promise
      assert.equal(await find('vpc-1'), undefined)
      assert.equal(await count(db, 'vpc'), 0)
      goOn.resolve()
      await writing
      assert.deepEqual(await find('vpc-1'), { id: 'vpc-1' })
      assert.equal(await count(db, 'vpc'), 1)
    })

    if (kind === 'sqlite') {
      test('a prepared read has no promise in it', async () => {
        const db = await open()
        await insertVpc(db)
        const find = db.prepared((q, id: string) => q.selectFrom('vpc').select('name').where('id', '=', id))
        assert.deepEqual(find('vpc-1'), { name: 'name 1' })
      })
    }

    test('a transaction that throws leaves nothing behind, and its neighbours everything', async () => {
      const db = await open()
      const work = Array.from({ length: 40 }, (_, index) =>
        db.transaction(async (trx) => {
          await trx.insertInto('vpc').values(vpc(index)).execute()
          if (index % 4 === 1) throw new Error(`no ${index}`)
          if (index % 4 === 2) await trx.insertInto('vpc').values(vpc(index)).execute()
        }),
      )
      const outcomes = await Promise.allSettled(work)
      for (const [index, outcome] of outcomes.entries()) {
        const failed = index % 4 === 1 || index % 4 === 2
        assert.equal(outcome.status, failed ? 'rejected' : 'fulfilled', `transaction ${index}`)
        if (index % 4 === 1)
          assert.match(String((outcome as PromiseRejectedResult).reason), new RegExp(`no ${index}$`))
      }
      const rows = await db.kysely.selectFrom('vpc').select('seq').orderBy('seq').execute()
      const want = Array.from({ length: 40 }, (_, index) => index).filter(
        (index) => index % 4 === 0 || index % 4 === 3,
      )
      assert.deepEqual(
        rows.map((row) => row.seq),
        want,
      )
    })

    test('what a transaction has read is still so when it writes, whoever else writes', async () => {
      const config = await place()
      const dbs = [await openDatabase(config), await openDatabase(config)]
      await dbs[0]!.kysely.insertInto('setting').values({ name: 'sum', value: '0' }).execute()
      const addOne = async (trx: Transaction<Schema>) => {
        const { value } = await trx
          .selectFrom('setting')
          .select('value')
          .where('name', '=', 'sum')
          .executeTakeFirstOrThrow()
        const next = String(Number(value) + 1)
        await trx.updateTable('setting').set({ value: next }).where('name', '=', 'sum').execute()
      }
      await Promise.all(Array.from({ length: 60 }, (_, index) => dbs[index % 2]!.transaction(addOne)))
      const { value } = await dbs[0]!.kysely.selectFrom('setting').select('value').executeTakeFirstOrThrow()
      assert.equal(value, '60')
      for (const db of dbs) await db.close()
    })

    test('the order of creation has no two alike, and what failed uses none up', async () => {
      const db = await open()
      await Promise.all(Array.from({ length: 30 }, () => insertVpc(db)))
      await assert.rejects(
        db.transaction(async (trx) => {
          await db.nextSeq(trx)
          throw new Error('no')
        }),
      )
      await insertVpc(db)
      const rows = await db.kysely.selectFrom('vpc').select('seq').orderBy('seq').execute()
      assert.deepEqual(
        rows.map((row) => row.seq),
        Array.from({ length: 31 }, (_, index) => index + 1),
      )
    })

    test('a row that breaks a rule of the table is refused', async () => {
      const db = await open()
      await db.kysely.insertInto('vpc').values(vpc(1)).execute()
      const broken: { name: string; write: () => Promise<unknown> }[] = [
        {
          name: 'same id',
          write: () =>
            db.kysely
              .insertInto('vpc')
              .values(vpc(2, { id: 'vpc-1' }))
              .execute(),
        },
        {
          name: 'same seq',
          write: () =>
            db.kysely
              .insertInto('vpc')
              .values(vpc(1, { id: 'vpc-2' }))
              .execute(),
        },
        {
          name: 'text in a number',
          write: () =>
            db.kysely
              .insertInto('vpc')
              .values(vpc(2, { version: 'many' as never }))
              .execute(),
        },
        {
          name: 'nothing in a required column',
          write: () =>
            db.kysely
              .insertInto('vpc')
              .values(vpc(2, { cidr: null as never }))
              .execute(),
        },
        {
          name: 'a key without an account',
          write: () =>
            db.kysely
              .insertInto('access_key')
              .values({
                id: 'k',
                account_id: '9',
                status: 'Active',
                secret_sealed: 's',
                statements: '[]',
                created_at: 1,
              })
              .execute(),
        },
      ]
      for (const { name, write } of broken) await assert.rejects(write(), name)
      assert.equal(await count(db, 'vpc'), 1)
      await db.kysely.insertInto('vpc').values(vpc(2)).execute()
    })

    test('closing waits for the writes under way, and refuses later ones', async () => {
      const config = await place()
      const db = await openDatabase(config)
      const writes = Array.from({ length: 100 }, () => insertVpc(db))
      await db.close()
      await Promise.all(writes)
      await db.close()
      await assert.rejects(insertVpc(db))
      const again = await openDatabase(config)
      assert.equal(await count(again, 'vpc'), 100)
      await again.close()
    })

    test('a killed writer loses nothing that was acknowledged', async () => {
      const config = await place()
      const total = 1_000
      const writer = fileURLToPath(new URL('../../test/support/row-writer.ts', import.meta.url))
      const child = spawn(process.execPath, [writer, JSON.stringify(config), String(total)], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
      })
      const exited = once(child, 'exit')
      const acknowledged: string[] = []
      const killAt = randomInt(1, total)
      for await (const name of createInterface({ input: child.stdout })) {
        acknowledged.push(name)
        if (acknowledged.length === killAt) child.kill('SIGKILL')
      }
      await exited
      assert.ok(acknowledged.length >= killAt)
      const db = await openDatabase(config)
      const rows = await db.kysely.selectFrom('setting').select(['name', 'value']).execute()
      const found = new Map(rows.map((row) => [row.name, row.value]))
      for (const name of acknowledged)
        assert.equal(found.get(name), 'x'.repeat(200), `${name}, killed at ${killAt}`)
      await db.close()
    })
  })
})

describe('a PostgreSQL server', () => {
  test('that cannot be reached is named, without the password', async () => {
    for (const [url, want] of [
      ['postgres://ann:hidden@localhost/vpn?host=/nowhere', /database vpn at \/nowhere: connect ENOENT/],
      ['postgres://ann:hidden@127.0.0.1:1/vpn', /database vpn at 127\.0\.0\.1:1: connect ECONNREFUSED/],
      ['postgres://ann:hidden@:x/', /^Error: the address of the PostgreSQL database is not a URL$/],
    ] as const) {
      await assert.rejects(openDatabase({ kind: 'postgres', url }), (error) => {
        assert.match(String(error), want)
        return !inspect(error, { depth: null }).includes('hidden')
      })
    }
  })

  onPostgres((open, place) => {
    const terminate = async (db: Database, state: 'idle' | 'idle in transaction') => {
      const ended = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'suidao' and state = ${state} and pid <> pg_backend_pid()`.execute(db.kysely)
      assert.ok(ended.rows.length > 0)
    }

    test('that ends idle connections is connected to again', async () => {
      const config = await place()
      const [db, other] = [await openDatabase(config), await open()]
      await terminate(other, 'idle')
      const find = db.prepared((q) => q.selectFrom('migration').select('name'))
      // The end may be noticed by the first query on the old connection, never later.
      assert.ok(await Promise.resolve(find()).catch(() => find()))
      await insertVpc(db)
      await db.close()
    })

    test('that gives up waiting for the turn to write leaves the connection as good as new', async () => {
      const config = await place()
      const [db, other] = [await openDatabase(config), await openDatabase(config)]
      const [holding, goOn] = [gate(), gate()]
      const held = other.transaction(async () => {
        holding.resolve()
        await goOn.promise
      })
      await holding.promise
      const refused = assert.rejects(insertVpc(db), /canceling statement/)
      const cancelWaiting = async () => {
        const canceled = await sql`
          select pg_cancel_backend(pid) from pg_locks where locktype = 'advisory' and not granted`.execute(
          other.kysely,
        )
        return canceled.rows.length > 0
      }
      while (!(await cancelWaiting()));
      await refused
      await Promise.all(Array.from({ length: 20 }, () => count(db, 'vpc')))
      goOn.resolve()
      await held
      await insertVpc(db)
      assert.equal(await count(db, 'vpc'), 1)
      await db.close()
      await other.close()
    })

    test('that ends a connection takes its transaction back and lets others write', async () => {
      const config = await place()
      const [db, other] = [await openDatabase(config), await openDatabase(config)]
      const [written, goOn] = [gate(), gate()]
      const lost = db.transaction(async (trx) => {
        await trx.insertInto('vpc').values(vpc(7)).execute()
        written.resolve()
        await goOn.promise
        await trx.insertInto('vpc').values(vpc(8)).execute()
      })
      await written.promise
      const waiting = insertVpc(other)
      await terminate(other, 'idle in transaction')
      await waiting
      goOn.resolve()
      await assert.rejects(lost)
      await insertVpc(db)
      assert.equal(await count(db, 'vpc'), 2)
      await db.close()
      await other.close()
    })
  })
})

describe('a SQLite file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'suidao-file-'))
  const inFolder = (name: string) => join(folder, name)
  after(() => rmSync(folder, { recursive: true }))

  test('can be read by its owner alone, and so can its logs', async () => {
    const file = inFolder('mode.db')
    const db = await openDatabase({ kind: 'sqlite', file })
    await insertVpc(db)
    for (const name of [file, `${file}-wal`, `${file}-shm`])
      assert.equal(statSync(name).mode & 0o777, 0o600, name)
    await db.close()
  })

  test('that cannot be opened, or is none, is named', async () => {
    const file = inFolder('text.db')
    writeFileSync(file, 'this is a letter to a friend, not a database\n'.repeat(100))
    for (const [path, why] of [
      [join(file, 'below.db'), /cannot open the database file .*below\.db: (ENOTDIR|EEXIST)/],
      [file, /text\.db: file is not a database/],
      [folder, /cannot open the database file .*EISDIR/],
    ] as const) {
      await assert.rejects(openDatabase({ kind: 'sqlite', file: path }), why)
    }
    assert.match(readFileSync(file, 'utf8'), /^this is a letter/)
  })

  test('reads of one turn see one state, and this process its own commits at once', async () => {
    const file = inFolder('turn.db')
    const [one, other] = [await openDatabase({ kind: 'sqlite', file }), new DatabaseSync(file)]
    const find = one.prepared((q, name: string) =>
      q.selectFrom('setting').select('value').where('name', '=', name),
    )
    const insert = (name: string) => other.exec(`insert into setting (name, value) values ('${name}', '')`)
    const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

    insert('before')
    assert.ok(find('before'))
    insert('meanwhile')
    assert.equal(find('meanwhile'), undefined)
    await nextTurn()
    assert.ok(find('meanwhile'))

    let turned = false
    setImmediate(() => (turned = true))
    assert.equal(find('own'), undefined)
    await one.kysely.insertInto('setting').values({ name: 'own', value: '' }).execute()
    assert.ok(find('own'))
    assert.equal(turned, false)
    other.close()
    await one.close()
  })

  test('in memory leaves no file, holds more than its log, and is not shared', async () => {
    const [one, other] = [
      await openDatabase({ kind: 'sqlite', file: ':memory:' }),
      await openDatabase({ kind: 'sqlite', file: ':memory:' }),
    ]
    for (let batch = 0; batch < 20; batch++) {
      const rows = Array.from({ length: 1_000 }, (_, index) => ({
        name: `${batch}-${index}`,
        value: 'v'.repeat(1_000),
      }))
      await one.kysely.insertInto('setting').values(rows).execute()
    }
    assert.equal(await count(one, 'setting'), 20_000)
    assert.equal(await count(other, 'setting'), 0)
    await one.close()
    await other.close()
  })

  test('another process that writes for a while is waited for', async () => {
    const file = inFolder('busy.db')
    const [db, other] = [
      await openDatabase({ kind: 'sqlite', file }),
      await openDatabase({ kind: 'sqlite', file }),
    ]
    const [writing, goOn] = [gate(), gate()]
    const slow = other.transaction(async (trx) => {
      await trx.insertInto('setting').values({ name: 'theirs', value: '' }).execute()
      writing.resolve()
      await goOn.promise
    })
    await writing.promise
    const ours = insertVpc(db)
    let ticks = 0
    while (ticks < 3) await new Promise((resolve) => setImmediate(() => resolve(++ticks)))
    goOn.resolve()
    await slow
    await ours
    assert.equal(await count(db, 'setting'), 1)
    assert.equal(await count(db, 'vpc'), 1)
    await db.close()
    await other.close()
  })

  test('lists are paged and looked up by an index, without sorting', async () => {
    const db = await openDatabase({ kind: 'sqlite', file: ':memory:' })
    const { kysely } = db
    const mine = (table: 'vpn_connection' | 'vpn_gateway' | 'customer_gateway' | 'vswitch') =>
      kysely
        .selectFrom(table)
        .select('name')
        .where('account_id', '=', '1')
        .where('region', '=', 'r')
        .where('seq', '>', 5)
        .orderBy('seq')
        .limit(10)
    const tagged = kysely
      .selectFrom('tag')
      .select('resource_id')
      .where('account_id', '=', '1')
      .where('region', '=', 'r')
      .where('resource_type', '=', 't')
      .where('key', '=', 'k')
      .where('value', '=', 'v')
    const cases: { query: Compilable; index: string }[] = [
      { query: mine('vpn_connection'), index: 'vpn_connection_list' },
      { query: mine('vpn_gateway'), index: 'vpn_gateway_list' },
      { query: mine('customer_gateway'), index: 'customer_gateway_list' },
      { query: mine('vswitch'), index: 'vswitch_list' },
      {
        query: mine('vpn_connection').where(sql.ref('vpn_gateway_id'), '=', 'g'),
        index: 'vpn_connection_of_vpn_gateway',
      },
      {
        query: kysely.selectFrom('vpn_tunnel').select('connection_id').where('customer_gateway_id', '=', 'c'),
        index: 'vpn_tunnel_of_customer_gateway',
      },
      { query: mine('vpn_gateway').where(sql.ref('vpc_id'), '=', 'v'), index: 'vpn_gateway_of_vpc' },
      { query: mine('vswitch').where(sql.ref('vpc_id'), '=', 'v'), index: 'vswitch_of_vpc' },
      {
        query: kysely.selectFrom('vpn_connection').select('name').where('vpn_gateway_id', '=', 'g'),
        index: 'vpn_connection_of_vpn_gateway',
      },
      {
        query: kysely.selectFrom('vpn_gateway').select('name').where('vswitch_id', '=', 's'),
        index: 'vpn_gateway_of_vswitch',
      },
      {
        query: kysely.selectFrom('vpn_gateway').select('name').where('second_vswitch_id', '=', 's'),
        index: 'vpn_gateway_of_second_vswitch',
      },
      { query: tagged, index: 'tag_lookup' },
    ]
    for (const { query, index } of cases) {
      const compiled = query.compile()
      const explain = CompiledQuery.raw(`explain query plan ${compiled.sql}`, [...compiled.parameters])
      const { rows } = await kysely.executeQuery(explain)
      const steps = (rows as { detail: string }[]).map((step) => step.detail).join('; ')
      assert.match(steps, new RegExp(`USING (COVERING )?INDEX ${index} `), index)
      assert.doesNotMatch(steps, /TEMP B-TREE|SCAN/)
    }
    await db.close()
  })
})
