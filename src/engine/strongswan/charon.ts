/**
 * One charon as a process: started so that our own end never touches it, known again after it, ended in order.
 *
 * It runs in a network namespace of its own and in a mount namespace of its own, in which its run folder stands in
 * the place of /var/run: charon refuses to start when it finds the pid file of a living process there.
 */
import { spawn } from 'node:child_process'
import { access, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../engine.ts'
import { namespaceInode, namespacePath, networkOf, processBirth } from '../linux/namespace.ts'
import { type CharonConf, charonLog, renderCharonConf, viciSocket } from './charon-conf.ts'
import { ViciSession } from './vici/session.ts'

/** What tells one process from every other, on this boot or another. */
export interface CharonProcess {
  readonly pid: number
  readonly birth: string
  /** Of the network namespace that it serves. */
  readonly netnsInode: number
}

/** Where distributions put it. */
const programs = [
  '/usr/lib/ipsec/charon',
  '/usr/libexec/ipsec/charon',
  '/usr/lib/strongswan/charon',
  '/usr/libexec/strongswan/charon',
]

const startLimitMs = 10_000
const stopLimitMs = 5_000
/** The log has no bound of its own: beyond this it is set aside, and the one set aside before is dropped. */
const maxLogBytes = 4 * 1024 * 1024

/** @throws EngineError when strongSwan's daemon is not installed */
export async function findCharon(): Promise<string> {
  for (const program of programs) {
    if (await exists(program)) return program
  }
  throw new EngineError(`charon is not installed (looked for ${programs.join(', ')})`, { retry: false })
}

/** @throws EngineError when a charon cannot run with this folder */
export async function checkRunDir(runDir: string): Promise<void> {
  const longest = 107
  if (Buffer.byteLength(viciSocket(runDir)) > longest) {
    throw new EngineError(`${viciSocket(runDir)}: a socket path has at most ${longest} bytes`, {
      retry: false,
    })
  }
  await mkdir(runDir, { recursive: true, mode: 0o700 })
  const [real, hidden] = await Promise.all([realpath(runDir), realpath('/var/run')])
  if (`${real}/`.startsWith(`${hidden}/`)) {
    throw new EngineError(`${runDir}: must not lie under ${hidden}, which charon sees as its run folder`, {
      retry: false,
    })
  }
}

/** Writes the file that charon reads at its start and at `reload-settings`. */
export async function writeCharonConf(conf: CharonConf): Promise<void> {
  await replaceFile(confFile(conf.runDir), renderCharonConf(conf))
}

const confFile = (runDir: string) => `${runDir}/strongswan.conf`

/**
 * Starts charon and waits until its socket answers.
 * `onSpawn` gets the process before it is waited for, so that one that outlives us is known.
 *
 * @throws EngineError with what charon said when it does not come up; it has been ended then
 */
export async function startCharon(
  netns: string,
  runDir: string,
  onSpawn: (process: CharonProcess) => Promise<void>,
): Promise<{ process: CharonProcess; commands: ViciSession }> {
  const [program, netnsInode] = await Promise.all([
    findCharon(),
    namespaceInode(netns),
    rm(`${runDir}/charon.pid`, { force: true }),
    rm(viciSocket(runDir), { force: true }),
  ])
  if (netnsInode === undefined) throw new EngineError(`no network namespace ${netns}`, { retry: true })
  const pid = await spawnDetached(netns, runDir, program)
  const birth = await processBirth(pid)
  if (birth === undefined) throw await notStarted(runDir, 'ended at once')
  const charon: CharonProcess = { pid, birth, netnsInode }
  try {
    await onSpawn(charon)
    return { process: charon, commands: await firstSession(charon, runDir) }
  } catch (error) {
    await killCharon(charon)
    throw error
  }
}

async function spawnDetached(netns: string, runDir: string, program: string): Promise<number> {
  const output = await open(`${runDir}/charon.out`, 'w', 0o600)
  try {
    // Each of these replaces itself by the next, so the process that is started is the one that becomes charon.
    // Debian's AppArmor profile of charon allows none of our folders: where AppArmor is on, what is executed next runs
    // without it. Elsewhere that file does not exist, and nothing is lost.
    const unconfine = '{ printf "exec unconfined" > /proc/self/attr/apparmor/exec; } 2>/dev/null'
    const script = `mount --bind "$1" /var/run || exit; ${unconfine}; exec "$2"`
    const child = spawn(
      'nsenter',
      [
        `--net=${namespacePath(netns)}`,
        ...['unshare', '--mount', '--propagation', 'private'],
        ...['sh', '-c', script, 'sh', runDir, program],
      ],
      {
        detached: true,
        stdio: ['ignore', output.fd, output.fd],
        // Nothing of our own environment: it may hold keys.
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', STRONGSWAN_CONF: confFile(runDir) },
      },
    )
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (cause) => reject(new EngineError('cannot run nsenter', { retry: false, cause })))
    })
    child.unref()
    return child.pid as number
  } finally {
    await output.close()
  }
}

/** Connects as soon as charon listens, which takes it about 30 ms. */
async function firstSession(charon: CharonProcess, runDir: string): Promise<ViciSession> {
  const deadline = Date.now() + startLimitMs
  for (;;) {
    try {
      return await ViciSession.connect(viciSocket(runDir))
    } catch {
      if (!(await hasProcess(charon))) throw await notStarted(runDir, 'ended while starting')
      if (Date.now() > deadline) throw await notStarted(runDir, `no socket within ${startLimitMs} ms`)
      await delay(5)
    }
  }
}

async function notStarted(runDir: string, how: string): Promise<EngineError> {
  const texts = await Promise.all([`${runDir}/charon.out`, charonLog(runDir)].map(lastLines))
  return new EngineError(['charon', how, ...texts.flat()].join('; '), { retry: true })
}

async function lastLines(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').filter(Boolean).slice(-3)
}

/** Whether the process lives. A number that was given to another process does not count. */
const hasProcess = async (charon: CharonProcess) => (await processBirth(charon.pid)) === charon.birth

/** Whether this is our charon, alive and in its namespace, and the namespace is still the one of this name. */
export async function isOurs(charon: CharonProcess, netns: string): Promise<boolean> {
  const [alive, network, inode] = await Promise.all([
    hasProcess(charon),
    networkOf(charon.pid),
    namespaceInode(netns),
  ])
  return alive && network === charon.netnsInode && inode === charon.netnsInode
}

/** Ends charon in order: SAs are deleted at the peers. Kills it when that takes too long. */
export async function stopCharon(charon: CharonProcess): Promise<void> {
  await signal(charon, 'SIGTERM')
  if (!(await hasEnded(charon, stopLimitMs))) await killCharon(charon)
}

export async function killCharon(charon: CharonProcess): Promise<void> {
  await signal(charon, 'SIGKILL')
  if (!(await hasEnded(charon, stopLimitMs))) {
    throw new EngineError(`charon (pid ${charon.pid}) does not end, not even killed`, { retry: true })
  }
}

async function signal(charon: CharonProcess, name: NodeJS.Signals): Promise<void> {
  if (!(await hasProcess(charon))) return
  try {
    process.kill(charon.pid, name)
  } catch {
    // It has ended since.
  }
}

async function hasEnded(charon: CharonProcess, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs
  while (await hasProcess(charon)) {
    if (Date.now() > deadline) return false
    await delay(5)
  }
  return true
}

/** Sets a log aside that has grown too long, and has charon begin a new one. */
export async function rotateLog(runDir: string, commands: ViciSession): Promise<void> {
  const log = charonLog(runDir)
  const size = await stat(log).then(
    (file) => file.size,
    () => 0,
  )
  if (size < maxLogBytes) return
  await rename(log, `${log}.1`)
  await commands.request('reload-settings')
}

/** Writes a file of its owner's such that a reader sees the old or the new one, never a part. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const next = `${file}.next`
  await writeFile(next, text, { mode: 0o600 })
  await rename(next, file)
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
