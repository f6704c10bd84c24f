/** The package as those have it who install it: nothing of it needs its types stripped, and its helper loads everywhere. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'

const root = dirname(import.meta.dirname)

describe('the package', () => {
  /** A project that has it, and what it depends on, in `node_modules`. */
  const project = mkdtempSync(join(tmpdir(), 'suidao-user-'))
  const installed = join(project, 'node_modules/suidao')
  after(() => rmSync(project, { recursive: true }))

  // A test runner inside a test runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const node = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', env })

  before(async () => {
    writeFileSync(join(project, 'package.json'), '{ "name": "user", "type": "module" }')
    const packed = node(join(root, 'scripts/package.ts'), '--without-console', '--out', project).trim()
    mkdirSync(installed, { recursive: true })
    execFileSync('tar', ['-xzf', packed, '-C', installed, '--strip-components=1'])
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    for (const name of [...Object.keys(dependencies), '@alicloud', 'vitest'])
      await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name))
  })

  test('has nothing whose types Node would have to strip, and no test', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      files.filter((file) => /(?<!\.d)\.ts$|\.test\.|testdata/.test(file)),
      [],
    )
    for (const file of ['bin/suidao.mjs', 'src/testing.d.ts', 'LICENSE', 'README.md'])
      assert.ok(files.includes(file), file)
  })

  test('has the command', () => {
    assert.match(node(join(installed, 'bin/suidao.mjs'), '--version'), /^suidao \d+\.\d+\.\d+ /)
  })

  test('its helper is loaded by a runner that knows CommonJS alone', () => {
    const story = `const { startEmulator } = require('suidao/testing')
    startEmulator({ scenario: 'psk-wrong' }).then(async (emulator) => {
      const tunnels = await emulator.control.tunnels()
      console.log(tunnels.map(({ report }) => report.failure?.code ?? 'up').join())
      await emulator.stop()
    })`
    writeFileSync(join(project, 'story.cjs'), story)
    assert.equal(node('story.cjs'), 'up,PEER_REJECTED_AUTH\n')
  })

  test('the example with vitest passes with it', () => {
    for (const file of ['alert.ts', 'alert.vitest.ts', 'vitest.config.ts']) {
      cpSync(join(root, 'examples', file), join(project, 'examples', file), { recursive: true })
    }
    const printed = node('node_modules/vitest/vitest.mjs', 'run', '--config', 'examples/vitest.config.ts')
    assert.match(printed, /1 passed/)
  })
})
