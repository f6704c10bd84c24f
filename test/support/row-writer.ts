/** Writes rows until it is killed; prints the name of each one after the database has acknowledged it. */
import { openDatabase } from '../../src/db/open.ts'

const [config, count] = process.argv.slice(2)
const db = await openDatabase(JSON.parse(config!))
const names = Array.from({ length: Number(count) }, (_, index) => `row-${index}`)

async function write(): Promise<void> {
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const row = { name, value: 'x'.repeat(200) }
    // Every other row comes alone, the rest in transactions, some of which share a commit.
    if (names.length % 2) await db.kysely.insertInto('setting').values(row).execute()
    else await db.transaction((trx) => trx.insertInto('setting').values(row).execute())
    process.stdout.write(`${name}\n`)
  }
}

await Promise.all([write(), write(), write(), write()])
await db.close()
