/**
 * The emulator for test suites:
 *
 *     const emulator = await startEmulator({ scenario: 'one-up' })
 *     // emulator.endpoint, .accessKeyId, .accessKeySecret for any SDK; emulator.control for faults, peers and the clock
 *     await emulator.stop()
 *
 * It runs as a process of its own, on loopback, without root, and ends with the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type ControlClient, createControlClient } from './emulator/client.ts'
import type { Fixture, State } from './emulator/types.ts'

export { type ControlClient, createControlClient } from './emulator/client.ts'
export type * from './emulator/types.ts'

export interface StartOptions {
  /** One of docs/emulator.md; absent: nothing is there yet. */
  readonly scenario?: string
  readonly profile?: 'instant' | 'fast' | 'like-the-cloud'
  readonly seed?: number
  /** Seconds of the emulator in a real one; 0: its clock stands still until it is stepped. */
  readonly speed?: number
  /** Folder that is kept; absent: nothing is left behind. */
  readonly data?: string
}

export interface StartedEmulator {
  /** Of the API, without scheme, as SDKs want it: `127.0.0.1:43210`. Plain HTTP. */
  readonly endpoint: string
  readonly regionId: string
  readonly accountId: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
  /** What the scenario has made. */
  readonly fixture?: Fixture
  readonly control: ControlClient
  stop(): Promise<void>
}

/** Milliseconds; it needs a fraction of a second, and a busy machine needs more. */
const startLimit = 30_000

const command = fileURLToPath(new URL('../bin/suidao.mjs', import.meta.url))

/** @throws with what the process has said when it does not start */
export async function startEmulator(options: StartOptions = {}): Promise<StartedEmulator> {
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  const child = spawn(process.execPath, [command, 'emulator', '--port', '0', '--parent', ...args], {
    // Its input ends when we do: that ends it too.
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ready = await firstLine(child)
  const { state, fixture } = JSON.parse(ready) as { state: State; fixture?: Fixture }
  const { endpoint, regionId, account } = state
  // It keeps nobody's test process alive.
  for (const handle of [child, child.stdin, child.stdout, child.stderr] as { unref?: () => void }[])
    handle.unref?.()
  return {
    endpoint,
    regionId,
    ...account,
    ...(fixture && { fixture }),
    control: createControlClient(state.control),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.ref()
      child.stdin!.end()
      await ended
    },
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    let errors = ''
    const fail = (why: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`the emulator ${why}\n${errors}${output}`.trim()))
    }
    const timer = setTimeout(() => fail(`was not ready after ${startLimit} ms`), startLimit)
    child.on('error', (error) => fail(`cannot be started: ${error.message}`))
    child.on('exit', (code) => fail(`has ended with code ${code}`))
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      errors += text
    })
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      output += text
      if (!output.includes('\n')) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve(output.slice(0, output.indexOf('\n')))
    })
  })
}
