/** Child processes of a benchmark: Suidao itself, the baseline, the load generator; and what the system says of them. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { FixedAnswer } from './bare.ts'
import type { Slice, SliceReply, SliceResult } from './load.ts'

const root = dirname(import.meta.dirname)
const quiet = '--disable-warning=ExperimentalWarning'
/**
 * As `npm start` runs it: the collector's young half-spaces at most 4 MiB, and the old space collected when it has grown
 * by 30 %. That costs little speed and saves some 60 MiB.
 */
const asNpmStart = [quiet, '--max-semi-space-size=4', '--heap-growing-percent=30']

export interface ServerProcess {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

export interface SuidaoOptions {
  readonly dataDir: string
  /** Further settings, as in the environment. */
  readonly settings?: Readonly<Record<string, string>>
  /** Folder for a profile of the processor, written when the server ends. */
  readonly profile?: string
}

/**
 * `suidao start` on the data folder: the command itself, with its log in a file and its metrics served.
 *
 * @throws with what it said when it does not start.
 */
export async function startSuidao(options: SuidaoOptions): Promise<ServerProcess> {
  const { dataDir, settings, profile } = options
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = spawn(
    process.execPath,
    [...asNpmStart, ...profiling, join(root, 'bin/suidao.mjs'), 'start'],
    {
      env: {
        PATH: process.env['PATH'],
        SUIDAO_DATA_DIR: dataDir,
        SUIDAO_LISTEN: '127.0.0.1:0',
        SUIDAO_METRICS_LISTEN: '127.0.0.1:0',
        SUIDAO_LOG_FILE: join(dataDir, 'suidao.log'),
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const said: string[] = []
  createInterface({ input: child.stderr! }).on('line', (line) => said.push(line))
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      said.push(line)
      const found = /^endpoint\s+http:\/\/\S+:(\d+)$/.exec(line)
      if (found) resolve(Number(found[1]))
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`suidao has ended:\n${said.join('\n')}`)))
  })
  return { pid: child.pid!, port, stop: () => end(child) }
}

export interface Bare {
  readonly pid: number
  /** Opens a listener with this answer. */
  answering(answer: FixedAnswer): Promise<number>
  stop(): Promise<void>
}

export function startBare(): Bare {
  const child = fork(join(root, 'bench/bare.ts'), { execArgv: [quiet] })
  return {
    pid: child.pid!,
    async answering(answer) {
      child.send(answer)
      const [port] = await once(child, 'message')
      return port as number
    },
    stop: () => end(child),
  }
}

export interface LoadGenerator {
  /** One slice of load. @throws when an answer was not 200 or a connection broke. */
  run(slice: Slice): Promise<SliceResult>
  stop(): Promise<void>
}

export function startLoadGenerator(): LoadGenerator {
  const child = fork(join(root, 'bench/load.ts'), { execArgv: [quiet] })
  return {
    async run(slice) {
      child.send(slice)
      const [reply] = (await once(child, 'message')) as [SliceReply]
      if ('failure' in reply) throw new Error(`the load on ${slice.port} failed: ${reply.failure}`)
      return reply
    },
    stop: () => end(child),
  }
}

// --- What the system says of a process (proc(5)) --------------------------------------------------------------

/** Processor time that all threads of a process have had, in seconds, exact to the nanosecond. */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0])
  }
  return nanoseconds / 1e9
}

export interface Memory {
  /** Bytes resident, and of these the ones that are no pages of files. */
  readonly rss: number
  readonly anonymous: number
  /** Bytes resident, pages shared with other processes counted by their share. */
  readonly pss: number
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)![1]) * 1024
  return { rss: bytes('Rss'), anonymous: bytes('Anonymous'), pss: bytes('Pss') }
}
