import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { onPostgres } from '../../test/support/postgres.ts'
import { claimGateways } from './claim.ts'

const folder = mkdtempSync(join(tmpdir(), 'suidao-claim-'))
after(() => rmSync(folder, { recursive: true }))
const sqlite = { kind: 'sqlite', file: ':memory:' } as const

test('a data folder has one process that runs its gateways', async () => {
  const claim = await claimGateways(sqlite, join(folder, 'a'))
  await assert.rejects(claimGateways(sqlite, join(folder, 'a')), /another process runs the gateways/)
  // The same folder by another name is the same folder.
  await assert.rejects(claimGateways(sqlite, join(folder, 'b/../a')), /another process runs the gateways/)
  const other = await claimGateways(sqlite, join(folder, 'b'))
  await other.release()
  await claim.release()
  await (await claimGateways(sqlite, join(folder, 'a'))).release()
})

test('the claim of a killed process is free', async () => {
  const module = new URL('./claim.ts', import.meta.url).href
  const script = `
    const { claimGateways } = await import(${JSON.stringify(module)})
    await claimGateways({ kind: 'sqlite', file: ':memory:' }, ${JSON.stringify(join(folder, 'c'))})
    process.kill(process.pid, 'SIGKILL')`
  await assert.rejects(promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]), {
    signal: 'SIGKILL',
  })
  await (await claimGateways(sqlite, join(folder, 'c'))).release()
})

onPostgres((_open, place) => {
  test('a database has one node that runs its gateways, wherever it is', async () => {
    const config = await place()
    const claim = await claimGateways(config, join(folder, 'd'))
    await assert.rejects(
      claimGateways(config, join(folder, 'e')),
      /another node runs the gateways of this PostgreSQL/,
    )
    await claim.release()
    await (await claimGateways(config, join(folder, 'e'))).release()
  })

  test('a node whose session has ended is told that it has lost its claim', async () => {
    const config = await place()
    const claim = await claimGateways(config, join(folder, 'f'))
    const client = new pg.Client({ connectionString: config.kind === 'postgres' ? config.url : '' })
    await client.connect()
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'suidao gateways'",
    )
    await client.end()
    assert.match(await claim.lost, /has ended/)
    await claim.release()
  })
})
