import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import * as kysely from 'kysely'
import { packedKysely } from '../bin/packed.mjs'

test('the packed form of Kysely is named after its version and exports the same', async () => {
  execFileSync(process.execPath, [join(import.meta.dirname, 'pack.mjs')], {
    cwd: dirname(import.meta.dirname),
  })
  const { file, version } = packedKysely()
  assert.ok(file.endsWith(`kysely-${version}.mjs`))
  const packed = await import(file)
  assert.deepEqual(Object.keys(packed).toSorted(), Object.keys(kysely).toSorted())
})
