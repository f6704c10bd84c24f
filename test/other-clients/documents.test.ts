/** The blocks of docs/clients.md, run as they stand. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  aliyunProgram,
  goFolder,
  javaClasspath,
  otherClients,
  prepare,
  pythonProgram,
  scratch,
} from './driver.ts'

const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')
const run = promisify(execFile)

/** How a block of each language becomes a command: in a folder of its own, made anew. */
const languages: Record<
  string,
  { needs?: RegExp; file: string; command(folder: string): [string, string[]] }
> = {
  js: { file: 'block.mjs', command: (folder) => [process.execPath, [join(folder, 'block.mjs')]] },
  python: {
    needs: /^Python/,
    file: 'block.py',
    command: (folder) => [pythonProgram, [join(folder, 'block.py')]],
  },
  go: {
    needs: /^Go/,
    file: 'main.go',
    command(folder) {
      for (const name of ['go.mod', 'go.sum']) cpSync(join(goFolder, name), join(folder, name))
      return ['go', ['run', '-C', folder, '-p=1', '.']]
    },
  },
  java: {
    needs: /^Java/,
    file: 'Connections.java',
    command: (folder) => ['java', ['-cp', javaClasspath(), join(folder, 'Connections.java')]],
  },
  bash: {
    needs: /aliyun CLI/,
    file: 'block.bash',
    // A home of its own: the tool would find and write the settings of whoever runs the tests.
    command(folder) {
      const script = 'aliyun() { "$0" "$@"; }; . "$1"'
      const shell = ['bash', '-ec', script, aliyunProgram, join(folder, 'block.bash')]
      return ['env', [`HOME=${folder}`, ...shell]]
    },
  },
}

const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text,
}))

test('the page has a block for each generation of each language', () => {
  const count = (language: string) => blocks.filter((block) => block.language === language).length
  assert.deepEqual(
    Object.keys(languages).map((language) => [language, count(language)]),
    [
      ['js', 2],
      ['python', 2],
      ['go', 2],
      ['java', 1],
      ['bash', 1],
    ],
  )
})

// Known before the first test: a test that waits for another's tools would find the server gone.
const reasons = new Map<string, string | undefined>()
for (const [language, { needs }] of Object.entries(languages)) {
  const client = needs && otherClients.find(({ name }) => needs.test(name))
  reasons.set(language, client && (await prepare(client)))
}

describe('blocks', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  for (const [index, { language, text }] of blocks.entries()) {
    const how = languages[language!]
    if (!how) continue
    test(`block ${index}, ${language}`, { skip: reasons.get(language!) }, async () => {
      const folder = join(scratch, `block-${index}`)
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, how.file), text!)
      const { stdout } = await run(...how.command(folder), {
        env: {
          ...process.env,
          VPN_ENDPOINT: app.host,
          VPN_KEY_ID: app.root.id,
          VPN_KEY_SECRET: app.root.secret,
        },
      })
      assert.match(stdout, /^connections: 0$/m)
    })
  }
})
