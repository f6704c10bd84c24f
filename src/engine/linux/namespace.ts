/**
 * Network namespaces by name, and commands inside them. `undefined` as a namespace means our own.
 *
 * `ip -n` and `nsenter --net` only switch the network; `ip netns exec` would remount /sys as well and costs 5 ms more.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../engine.ts'
import { run } from './command.ts'

const namespaceDir = '/run/netns'

export const namespacePath = (name: string) => `${namespaceDir}/${name}`

/** Names of all network namespaces, those of others included. */
export async function listNamespaces(): Promise<string[]> {
  try {
    return await readdir(namespaceDir)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}

/**
 * The number by which /proc names the namespace in `ns/net` links; it changes when a namespace is made anew.
 * `undefined` when there is none of this name.
 */
export async function namespaceInode(name: string): Promise<number | undefined> {
  try {
    return (await stat(namespacePath(name))).ino
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

/** Makes the namespace unless it is there, loopback up, and puts the settings in place. */
export async function ensureNamespace(name: string, settings: Sysctls): Promise<void> {
  if ((await namespaceInode(name)) === undefined) await run('ip', ['netns', 'add', name])
  await Promise.all([setSysctls(name, settings), ip(name, ['link', 'set', 'lo', 'up'])])
}

/** Removes the namespace and with it every interface inside. One that is not there is fine. */
export async function removeNamespace(name: string): Promise<void> {
  if ((await namespaceInode(name)) !== undefined) await run('ip', ['netns', 'del', name])
}

/** A namespace as the place where `ip link set ... netns` puts an interface: a process stands for its own. */
export const netnsTarget = (netns: string | undefined): string => netns ?? String(process.pid)

const inNamespace = (netns: string | undefined) => (netns === undefined ? [] : ['-n', netns])

/** `ip` inside a namespace. */
export const ip = (netns: string | undefined, args: readonly string[]): Promise<string> =>
  run('ip', [...inNamespace(netns), ...args])

/** `ip` with JSON output; an empty output reads as an empty list. */
export async function ipJson<T>(netns: string | undefined, args: readonly string[]): Promise<T[]> {
  const text = await run('ip', [...inNamespace(netns), '-json', ...args])
  return text.trim() === '' ? [] : JSON.parse(text)
}

/**
 * Several `ip` commands in one process, in order; the first that fails ends it.
 *
 * @throws EngineError that quotes the line which failed
 */
export async function ipBatch(netns: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  try {
    await run('ip', [...inNamespace(netns), '-batch', '-'], { input: `${lines.join('\n')}\n` })
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause
    const number = /Command failed -:(\d+)/.exec(cause.message)?.[1]
    const line = number === undefined ? '' : `: "${lines[Number(number) - 1]}"`
    throw new EngineError(`${cause.message}${line}`, { retry: cause.retry, cause })
  }
}

/** A command of another program inside a namespace. */
export const runIn = (netns: string | undefined, file: string, args: readonly string[], input?: string) =>
  netns === undefined
    ? run(file, args, { input })
    : run('nsenter', [`--net=${namespacePath(netns)}`, file, ...args], { input })

export type Sysctls = { readonly [key: string]: number }

/** Keys without the leading `net.`; those that this kernel does not have (IPv6 switched off) are passed over. */
export async function setSysctls(netns: string | undefined, settings: Sysctls): Promise<void> {
  const assignments = Object.entries(settings).map(([key, value]) => `net.${key}=${value}`)
  if (assignments.length > 0) await runIn(netns, 'sysctl', ['--ignore', '--quiet', '--write', ...assignments])
}

/**
 * One interface by its name or one of its alternative names. Asking for one alone matters: a gateway may have
 * thousands of them.
 */
export async function findLink(netns: string | undefined, name: string): Promise<Link | undefined> {
  try {
    return (await ipJson<Link>(netns, ['-details', 'link', 'show', 'dev', name]))[0]
  } catch (error) {
    if (error instanceof EngineError && error.message.includes('does not exist')) return undefined
    throw error
  }
}

export const hasLink = async (netns: string | undefined, name: string): Promise<boolean> =>
  (await findLink(netns, name)) !== undefined

/** What `ip -json -details link show` says, as far as we read it. */
export interface Link {
  readonly ifname: string
  readonly address?: string
  readonly master?: string
  readonly altnames?: readonly string[]
  readonly flags: readonly string[]
  readonly linkinfo?: { readonly info_kind?: string }
  readonly stats64?: { readonly tx: { readonly packets: number }; readonly rx: { readonly packets: number } }
}

/** All interfaces, with their counters. */
export const listLinks = (netns: string | undefined): Promise<Link[]> =>
  ipJson<Link>(netns, ['-details', '-statistics', 'link', 'show'])

/** Processes whose network namespace is this one, ended ones that nobody has waited for left out. */
export async function processesIn(name: string): Promise<number[]> {
  const inode = await namespaceInode(name)
  if (inode === undefined) return []
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry)
    if (Number.isInteger(pid) && (await networkOf(pid)) === inode) found.push(pid)
  }
  return found
}

/**
 * Kills every process in the namespace and waits until none is left.
 *
 * @throws EngineError when one does not end, not even killed
 */
export async function endProcessesIn(name: string, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const pids = await processesIn(name)
    if (pids.length === 0) return
    if (Date.now() > deadline) {
      throw new EngineError(`${name}: process ${pids.join(', ')} does not end, not even killed`, {
        retry: true,
      })
    }
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended since.
      }
    }
    await delay(10)
  }
}

/** Inode of a process's network namespace; `undefined` when the process is gone. */
export async function networkOf(pid: number): Promise<number | undefined> {
  try {
    return (await stat(`/proc/${pid}/ns/net`)).ino
  } catch {
    return undefined
  }
}

/**
 * When a process started, in a form that no other process on this or any later boot of the machine shares.
 * `undefined` when it is gone or only a zombie.
 */
export async function processBirth(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    // The command stands in brackets and may hold blanks and brackets itself; proc(5) counts the fields behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return `${boot.trim()}/${fields[19]}`
  } catch {
    return undefined
  }
}
