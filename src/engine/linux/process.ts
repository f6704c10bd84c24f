/**
 * Daemons as processes: started so that our own end never touches them, known again after it, ended in order.
 */
import { spawn } from 'node:child_process'
import { open, rename, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../engine.ts'
import { namespaceInode, namespacePath, networkOf, processBirth } from './namespace.ts'

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void

/** What tells one process from every other, on this boot or another. */
export interface DaemonProcess {
  readonly pid: number
  readonly birth: string
  /** Of the network namespace that it serves. */
  readonly netnsInode: number
}

const stopLimitMs = 5_000

/**
 * Starts a program inside a network namespace (`undefined`: our own), away from our own end. What it prints goes into
 * `output`, which is made anew. `command` may be a chain of programs that replace themselves by the next: the process stays the same.
 *
 * @throws EngineError when nothing could be started
 * @returns `undefined` when it has ended before it could be looked at
 */
export async function startDaemon(
  netns: string | undefined,
  command: readonly string[],
  options: { readonly output: string; readonly env?: Readonly<Record<string, string>> },
): Promise<DaemonProcess | undefined> {
  const netnsInode = await inodeOf(netns)
  if (netnsInode === undefined) throw new EngineError(`no network namespace ${netns}`, { retry: true })
  const output = await open(options.output, 'w', 0o600)
  try {
    const line = netns === undefined ? command : ['nsenter', `--net=${namespacePath(netns)}`, ...command]
    const child = spawn(line[0] ?? '', line.slice(1), {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      // Nothing of our own environment: it may hold keys.
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...options.env },
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (cause) =>
        reject(new EngineError(`cannot run ${line[0]}`, { retry: false, cause })),
      )
    })
    child.unref()
    const pid = child.pid as number
    const birth = await processBirth(pid)
    return birth === undefined ? undefined : { pid, birth, netnsInode }
  } finally {
    await output.close()
  }
}

/** Whether the process lives. A number that was given to another process does not count. */
export const isAlive = async (daemon: DaemonProcess) => (await processBirth(daemon.pid)) === daemon.birth

/** Whether this is our daemon, alive and in its namespace, and the namespace is still the one of this name. */
export async function isOurs(daemon: DaemonProcess, netns: string | undefined): Promise<boolean> {
  const [alive, network, inode] = await Promise.all([isAlive(daemon), networkOf(daemon.pid), inodeOf(netns)])
  return alive && network === daemon.netnsInode && inode === daemon.netnsInode
}

const inodeOf = (netns: string | undefined) =>
  netns === undefined ? networkOf(process.pid) : namespaceInode(netns)

/** Ends a daemon in order. Kills it when that takes too long. */
export async function stopDaemon(daemon: DaemonProcess): Promise<void> {
  await signal(daemon, 'SIGTERM')
  if (!(await hasEnded(daemon, stopLimitMs))) await killDaemon(daemon)
}

/** @throws EngineError when it does not end */
export async function killDaemon(daemon: DaemonProcess): Promise<void> {
  await signal(daemon, 'SIGKILL')
  if (!(await hasEnded(daemon, stopLimitMs))) {
    throw new EngineError(`process ${daemon.pid} does not end, not even killed`, { retry: true })
  }
}

async function signal(daemon: DaemonProcess, name: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(daemon))) return
  try {
    process.kill(daemon.pid, name)
  } catch {
    // It has ended since.
  }
}

async function hasEnded(daemon: DaemonProcess, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs
  while (await isAlive(daemon)) {
    if (Date.now() > deadline) return false
    await delay(5)
  }
  return true
}

/** Writes a file of its owner's such that a reader sees the old or the new one, never a part. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const next = `${file}.next`
  await writeFile(next, text, { mode: 0o600 })
  await rename(next, file)
}
