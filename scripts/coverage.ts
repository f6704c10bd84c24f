/**
 * Writes the documents that are made from the code: `npm run coverage`. With `--check` it writes nothing and says
 * which of them are out of date.
 *
 * Exit codes: 0 up to date or written, 1 something is out of date, 2 wrong usage.
 */
import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { settings } from '../src/config.ts'
import { openApiDocument } from '../src/emulator/openapi.ts'
import { scenarios } from '../src/emulator/scenarios.ts'
import { readGiven } from '../test/other-clients/given.ts'
import { exercise } from './coverage/exercise.ts'
import { renderFidelity } from './coverage/fidelity.ts'
import {
  type CallersOf,
  renderCoverage,
  renderErrors,
  renderReasons,
  renderScenarios,
  renderSettings,
  replaceBlock,
} from './coverage/render.ts'

const root = dirname(import.meta.dirname)
const configuration = 'docs/configuration.md'
const emulator = 'docs/emulator.md'

interface Document {
  /** From the root of the project. */
  readonly path: string
  readonly text: string
}

const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => '')

/** The life cycle is one script for many clients; its test file names no action. */
const lifeCycle = 'test/support/life-cycle.ts'

async function readClientTests(): Promise<CallersOf> {
  const files = [lifeCycle, ...globSync('test/clients/*.test.ts', { cwd: root })].sort()
  const texts = await Promise.all(
    files.map(async (file) => [basename(file).replace(/(\.test)?\.ts$/, ''), await read(file)] as const),
  )
  return (action) => {
    const called = texts
      .filter(([, text]) => text.includes(`'${action}'`) || text.includes(`ram.${action}Request(`))
      .map(([name]) => name)
    return [...new Set(called)].sort()
  }
}

/** Clients whose tests not every machine can run, by what a run of them has left. */
const othersOf: CallersOf = (action) =>
  Object.entries(readGiven()).flatMap(([client, given]) => (given[action] ? [client] : []))

/** Every generated document as it should be. */
export async function generateDocuments(): Promise<readonly Document[]> {
  const answers = await exercise()
  return [
    { path: 'docs/coverage.md', text: renderCoverage(answers, await readClientTests(), othersOf) },
    { path: 'docs/fidelity.md', text: renderFidelity(answers) },
    { path: 'docs/errors.md', text: renderErrors() },
    { path: 'docs/reasons.md', text: renderReasons() },
    { path: emulator, text: replaceBlock(await read(emulator), 'scenarios', renderScenarios(scenarios)) },
    { path: 'docs/emulator-openapi.json', text: `${JSON.stringify(openApiDocument(), null, 2)}\n` },
    {
      path: configuration,
      text: replaceBlock(await read(configuration), 'settings', renderSettings(settings)),
    },
  ]
}

/** Those that differ from what lies on the disk. */
export async function staleDocuments(): Promise<readonly Document[]> {
  const documents = await generateDocuments()
  const onDisk = await Promise.all(documents.map(({ path }) => read(path)))
  return documents.filter(({ text }, index) => text !== onDisk[index])
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
  const stale = await staleDocuments()
  for (const { path, text } of stale) {
    if (!values.check) await writeFile(join(root, path), text)
    console.log(values.check ? `${path} is out of date: run npm run coverage` : `wrote ${path}`)
  }
  if (stale.length === 0) console.log('all generated documents are up to date')
  return values.check && stale.length > 0 ? 1 : 0
}

if (import.meta.main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) throw error
    console.error((error as Error).message)
    process.exitCode = 2
  }
}
