/** The documents: generated parts fit the code, links lead somewhere, and examples are accepted. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import packageJson from '../package.json' with { type: 'json' }
import { labFiles } from '../scripts/coverage/fidelity.ts'
import { replaceBlock } from '../scripts/coverage/render.ts'
import { staleDocuments } from '../scripts/coverage.ts'
import { readConfig, settings } from '../src/config.ts'
import { parsePolicy } from '../src/resources/access-key/model.ts'
import { variableName } from '../src/settings.ts'

const root = dirname(import.meta.dirname)
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort()
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

/** Blocks between ``` lines, by language. */
const blocksOf = (text: string, language: string) =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!)

test('generated documents are up to date (npm run coverage writes them)', async () => {
  assert.deepEqual(
    (await staleDocuments()).map(({ path }) => path),
    [],
  )
})

test('the lab tests that docs/fidelity.md names are there', () => {
  assert.deepEqual(
    labFiles.filter((path) => !existsSync(join(root, path))),
    [],
  )
})

test('a generated block replaces what stands between its marks, and needs them', () => {
  const marked = (inside: string) => `a\n<!-- generated: x -->\n${inside}\n<!-- end: x -->\nb`
  assert.equal(replaceBlock(marked('old\nlines'), 'x', 'new'), marked('new'))
  assert.throws(() => replaceBlock('a', 'x', 'new'), /no <!-- generated: x -->/)
})

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

test('every link inside the project leads to a file, and to a heading of it where it names one', () => {
  const dead: string[] = []
  for (const path of documents) {
    for (const [, target] of textOf(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue
      const [file = '', anchor] = target!.split('#')
      const place = file === '' ? path : join(dirname(path), file)
      const isThere = existsSync(join(root, place))
      const anchors = () =>
        [...textOf(place).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!))
      if (!isThere || (anchor !== undefined && !anchors().includes(anchor))) dead.push(`${path}: ${target}`)
    }
  }
  assert.deepEqual(dead, [])
})

test('every built action of Vpc is called by a test through an official SDK, and none is left to build', () => {
  const text = textOf('docs/coverage.md')
  assert.match(text, /^\| specified, not built \| 0 \|/m)
  const [, built] = /^## Built\n([\s\S]*?)^## /m.exec(text)!
  const [head, , ...rows] = built!
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const tests = head!.indexOf('Tests')
  // Other products stand beside the name of the action.
  const ofVpc = rows.filter(([, name]) => !name!.includes(' of '))
  assert.ok(ofVpc.length > 60)
  assert.deepEqual(
    ofVpc.filter((cells) => cells[tests] === '').map(([, name]) => name),
    [],
  )
})

test('every npm script and every setting that a document names exists', () => {
  // Beside the settings: what tests are told of clients that no registry has.
  const told = globSync('test/other-clients/*.ts', { cwd: root }).flatMap((path) =>
    [...textOf(path).matchAll(/process\.env\.(SUIDAO_\w+)/g)].map(([, name]) => name!),
  )
  const own = settings.map(({ name }) => variableName(name))
  const variables = new Set<string>([...own, ...told, 'SUIDAO_CONFIG'])
  const unknown: string[] = []
  for (const path of documents) {
    const text = textOf(path)
    for (const [, script] of text.matchAll(/npm run ([\w:]+)/g)) {
      if (!Object.hasOwn(packageJson.scripts, script!)) unknown.push(`${path}: npm run ${script}`)
    }
    for (const [variable] of text.matchAll(/SUIDAO_[A-Z_]+/g)) {
      if (!variables.has(variable)) unknown.push(`${path}: ${variable}`)
    }
  }
  assert.deepEqual(unknown, [])
})

test('the example of a configuration file is accepted, and only a policy example is one', () => {
  const where = { workingDirectory: '/', defaultDataDir: '/var/lib/suidao' }
  const [example] = blocksOf(textOf('docs/configuration.md'), 'json')
  const config = readConfig({}, { path: 'suidao.json', text: example! }, where)
  assert.deepEqual(config.warnings, [])
  for (const path of ['README.md', 'README.zh-CN.md']) {
    const policies = blocksOf(textOf(path), 'json').filter((block) => block.includes('Statement'))
    assert.equal(policies.length, 1, path)
    assert.equal(parsePolicy(policies[0]!).length, 2, path)
  }
})

test('both languages of the README show the same commands, code and tables', () => {
  const frame = (path: string) => {
    const text = textOf(path)
    return {
      headings: [...text.matchAll(/^(#+) /gm)].map(([, level]) => level),
      blocks: [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([block]) => block),
      commands: [...text.matchAll(/^ {4}\S.*$/gm)].map(([line]) => line),
      rows: [...text.matchAll(/^\|/gm)].length,
    }
  }
  assert.deepEqual(frame('README.zh-CN.md'), frame('README.md'))
})
