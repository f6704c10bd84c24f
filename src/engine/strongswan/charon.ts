/**
 * One charon as a process: started so that our own end never touches it, known again after it, ended in order.
 *
 * It runs in a network namespace of its own and in a mount namespace of its own, in which its run folder stands in
 * the place of /var/run: charon refuses to start when it finds the pid file of a living process there.
 */
import { access, mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../engine.ts'
import { type DaemonProcess, isAlive, killDaemon, replaceFile, startDaemon } from '../linux/process.ts'
import { type CharonConf, charonLog, renderCharonConf, viciSocket } from './charon-conf.ts'
import { ViciSession } from './vici/session.ts'

/** Where distributions put it. */
const programs = [
  '/usr/lib/ipsec/charon',
  '/usr/libexec/ipsec/charon',
  '/usr/lib/strongswan/charon',
  '/usr/libexec/strongswan/charon',
]

const startLimitMs = 10_000
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
  onSpawn: (process: DaemonProcess) => Promise<void>,
): Promise<{ process: DaemonProcess; commands: ViciSession }> {
  const [program] = await Promise.all([
    findCharon(),
    rm(`${runDir}/charon.pid`, { force: true }),
    rm(viciSocket(runDir), { force: true }),
  ])
  const charon = await startDaemon(netns, commandOf(runDir, program), {
    output: `${runDir}/charon.out`,
    env: { STRONGSWAN_CONF: confFile(runDir) },
  })
  if (charon === undefined) throw await notStarted(runDir, 'ended at once')
  try {
    await onSpawn(charon)
    return { process: charon, commands: await firstSession(charon, runDir) }
  } catch (error) {
    await killDaemon(charon)
    throw error
  }
}

/**
 * Debian's AppArmor profile of charon allows none of our folders: where AppArmor is on, what is executed next runs
 * without it. Elsewhere that file does not exist, and nothing is lost.
 */
function commandOf(runDir: string, program: string): string[] {
  const unconfine = '{ printf "exec unconfined" > /proc/self/attr/apparmor/exec; } 2>/dev/null'
  const script = `mount --bind "$1" /var/run || exit; ${unconfine}; exec "$2"`
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', runDir, program]
}

/** Connects as soon as charon listens, which takes it about 30 ms. */
async function firstSession(charon: DaemonProcess, runDir: string): Promise<ViciSession> {
  const deadline = Date.now() + startLimitMs
  for (;;) {
    try {
      return await ViciSession.connect(viciSocket(runDir))
    } catch {
      if (!(await isAlive(charon))) throw await notStarted(runDir, 'ended while starting')
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

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
