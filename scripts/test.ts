/**
 * Runs the tests: `node scripts/test.ts <stage>...`, where `check` stands for types, lint, unit and vectors.
 * Prints a line per test file, failures and skips in full, and at the end one line
 * `N passed, N failed, N skipped`. Exit code 1 when anything failed or a stage has no tests.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { EventData } from 'node:test'
import { run } from 'node:test'
import { inspect } from 'node:util'

const root = dirname(import.meta.dirname)

interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

type Stage =
  /** A tool that says yes or no. */
  | { readonly title: string; readonly command: readonly string[] }
  | {
      readonly title: string
      /** In this order: what takes longest does not begin last. */
      readonly files: readonly string[]
      /** Of these the ones of another stage. */
      readonly but?: readonly string[]
      /** Test files that run at the same time. */
      readonly atOnce: number
      /** Milliseconds that one file may take: a guard against hanging, not a measure. */
      readonly limit: number
      /** Show what a passing file prints too. */
      readonly talks?: boolean
    }

const cores = availableParallelism()

/** Labs that wait most of their time, and whose limits are far from what they see: two of them do not disturb each other. */
const patientLabs = [
  'engine',
  'network',
  'conformance',
  'certificate',
  'engine-life',
  'diagnosis',
  'algorithms',
  'secrets',
].map((name) => `test/lab/${name}.lab.test.ts`)

const stages = {
  types: { title: 'types', command: ['tsc', '--noEmit', '-p', '.'] },
  consoleTypes: { title: 'types of the console', command: ['tsc', '--noEmit', '-p', 'console'] },
  lint: { title: 'lint and format', command: ['biome', 'check', '.'] },
  unit: {
    title: 'unit tests',
    files: [
      'src/**/*.test.ts',
      'console/src/**/*.test.ts',
      'scripts/**/*.test.{ts,mjs}',
      'test/*.test.ts',
      'test/support/**/*.test.ts',
    ],
    atOnce: cores,
    limit: 180_000,
  },
  vectors: { title: 'vectors', files: ['test/vectors/**/*.test.ts'], atOnce: cores, limit: 120_000 },
  clients: { title: 'official clients', files: ['test/clients/**/*.test.ts'], atOnce: cores, limit: 180_000 },
  // Not among `all`: what it installs and builds takes minutes the first time.
  others: {
    title: 'official clients in other languages',
    files: ['test/other-clients/**/*.test.ts'],
    atOnce: 1,
    limit: 900_000,
  },
  console: { title: 'console build', command: ['node', 'scripts/console.ts'] },
  browser: {
    title: 'console in Chromium',
    files: ['test/browser/**/*.browser.test.ts'],
    atOnce: Math.min(cores, 2),
    limit: 240_000,
  },
  patientLab: {
    title: 'lab: real tunnels',
    files: patientLabs,
    atOnce: Math.min(cores, 2),
    limit: 300_000,
    talks: true,
  },
  // One after the other: packets are counted by the hundredth of a second, and two would take the processor from each other.
  timedLab: {
    title: 'lab: real tunnels, to the millisecond',
    files: ['test/lab/**/*.lab.test.ts'],
    but: patientLabs,
    atOnce: 1,
    limit: 300_000,
    talks: true,
  },
} as const satisfies Record<string, Stage>

type StageName = keyof typeof stages

const groups: Record<string, readonly StageName[]> = {
  check: ['types', 'consoleTypes', 'lint', 'unit', 'vectors'],
  lab: ['patientLab', 'timedLab'],
  all: (Object.keys(stages) as StageName[]).filter((name) => name !== 'others'),
}

function namedStages(names: readonly string[]): StageName[] {
  const known = [...Object.keys(stages), ...Object.keys(groups)]
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined || names.length === 0) {
    console.error(unknown === undefined ? 'no stage named' : `there is no stage "${unknown}"`)
    console.error(`usage: node scripts/test.ts <stage>..., stages are ${known.join(', ')}`)
    process.exit(2)
  }
  return [...new Set(names.flatMap((name) => groups[name] ?? [name as StageName]))]
}

// --- One stage -----------------------------------------------------------------------------------------------

function runTool(stage: Extract<Stage, { command: unknown }>): Outcome {
  const [name, ...args] = stage.command
  const started = Date.now()
  const { status, error } = spawnSync(join(root, 'node_modules/.bin', name!), args, {
    cwd: root,
    stdio: 'inherit',
  })
  if (error) console.log(`  ${error.message}`)
  const passed = status === 0
  console.log(`${mark(passed)} ${stage.command.join(' ')}  ${seconds(Date.now() - started)}`)
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 }
}

async function runFiles(stage: Extract<Stage, { files: unknown }>): Promise<Outcome> {
  const named = stage.files.flatMap((pattern) => globSync(pattern, { cwd: root }).sort())
  const files = named.filter((file) => !stage.but?.includes(file))
  if (files.length === 0) {
    console.log(`${mark(false)} no file matches ${stage.files.join(', ')}`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
  const reports = new Map<string, FileReport>()
  const reportOf = (file: string | undefined) => {
    const key = file === undefined ? '' : relative(root, file)
    const report = reports.get(key) ?? { failures: [], skips: [], output: '' }
    reports.set(key, report)
    return report
  }
  // A test that is over its limit fails by itself; a file whose process does not end (something is left open)
  // is seen by the silence that follows.
  const stop = new AbortController()
  const silence = setTimeout(() => stop.abort(), stage.limit + 10_000)
  let outcome: Outcome = { passed: 0, failed: 0, skipped: 0 }
  const stream = run({
    cwd: root,
    files: files.map((file) => join(root, file)),
    concurrency: stage.atOnce,
    timeout: stage.limit,
    signal: stop.signal,
  })
  for await (const { type, data } of stream) {
    silence.refresh()
    if (type === 'test:fail') reportOf(data.file).failures.push(data)
    else if (type === 'test:pass' && data.skip) reportOf(data.file).skips.push(data)
    else if (type === 'test:stdout' || type === 'test:stderr') reportOf(data.file).output += data.message
    else if (type === 'test:summary') {
      if (data.file === undefined) {
        const { passed, failed, cancelled, skipped, todo } = data.counts
        // A hook that fails (the contract of answers is held in one) fails the run, and no test is counted for it.
        const hooks = data.success || failed + cancelled + todo > 0 ? 0 : 1
        outcome = { passed, failed: failed + cancelled + todo + hooks, skipped }
      } else {
        const file = relative(root, data.file)
        printFile(file, data, reportOf(data.file), stage.talks === true)
        reports.delete(file)
      }
    }
  }
  clearTimeout(silence)
  if (stop.signal.aborted) {
    console.log('FAIL a test file did not end after its last test (something is left open) and was stopped:')
  }
  // What never came to a summary of its own: a file that could not be loaded or was stopped at the limit.
  for (const [file, { failures, output }] of reports) {
    if (failures.every(isEcho)) continue
    console.log(`${mark(false)} ${file}`)
    printFailures(failures)
    process.stdout.write(indent(output))
  }
  return outcome
}

interface FileReport {
  readonly failures: EventData.TestFail[]
  readonly skips: EventData.TestPass[]
  output: string
}

function printFile(file: string, summary: EventData.TestSummary, report: FileReport, talks: boolean): void {
  const { passed, skipped } = summary.counts
  const counts = [`${passed} passed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(', ')
  console.log(`${mark(report.failures.length === 0)} ${file}  ${counts}  ${seconds(summary.duration_ms)}`)
  if (talks || report.failures.length > 0) process.stdout.write(indent(report.output))
  for (const { name, skip } of report.skips) {
    console.log(`    skipped: ${name}${typeof skip === 'string' ? ` (${skip})` : ''}`)
  }
  printFailures(report.failures)
}

function printFailures(failures: readonly EventData.TestFail[]): void {
  for (const failure of failures) {
    if (isEcho(failure)) continue
    const { name, line, details } = failure
    console.log(`    failed: ${name}${line === undefined ? '' : ` (line ${line})`}`)
    console.log(indent(indent(inspect(details.error.cause ?? details.error, { depth: 4 }))).trimEnd())
  }
}

/** A test whose only fault is a failed test inside it says nothing new. */
const isEcho = ({ details }: EventData.TestFail) =>
  (details.error as { failureType?: string }).failureType === 'subtestsFailed'

const mark = (passed: boolean) => (passed ? 'ok  ' : 'FAIL')
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`
const indent = (text: string) => text.replace(/^(?=.)/gm, '    ')

// --- All of them ---------------------------------------------------------------------------------------------

const started = Date.now()
const total = { passed: 0, failed: 0, skipped: 0 }
for (const name of namedStages(process.argv.slice(2))) {
  const stage: Stage = stages[name]
  console.log(`\n${stage.title}`)
  const outcome = 'command' in stage ? runTool(stage) : await runFiles(stage)
  total.passed += outcome.passed
  total.failed += outcome.failed
  total.skipped += outcome.skipped
}
console.log(
  `\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped  (${seconds(Date.now() - started)})`,
)
process.exitCode = total.failed > 0 ? 1 : 0
