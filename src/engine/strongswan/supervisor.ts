/**
 * Keeps one charon alive and in conversation: starts it, takes over one that runs, watches whether it answers, and
 * starts it again when it has died.
 *
 * Two sessions are held, one for commands and one for events. When either ends, both do, and the owner is told.
 */
import { NamedTimers } from '../linux/named-timers.ts'
import { endProcessesIn } from '../linux/namespace.ts'
import { type DaemonProcess, isOurs, killDaemon, type Log, stopDaemon } from '../linux/process.ts'
import { checkRunDir, rotateLog, startCharon, writeCharonConf } from './charon.ts'
import { type CharonConf, viciSocket } from './charon-conf.ts'
import type { Timers } from './timers.ts'
import type { ViciMessage } from './vici/message.ts'
import { ViciSession } from './vici/session.ts'

/** What the owner of a supervisor does at the turns of the daemon's life. */
export interface CharonOwner {
  /** Settings of the daemon now. */
  conf(): CharonConf
  /** Before a start: the namespace must be there, and nothing in the way. */
  prepare(): Promise<void>
  /** The process is known and must be remembered, for it may outlive us; `undefined`: there is none any more. */
  remember(process: DaemonProcess | undefined): Promise<void>
  /** A new daemon answers, and holds nothing yet. */
  started(): Promise<void>
  /** The daemon answers again after a broken conversation, and holds what it held. */
  resumed(): Promise<void>
  event(name: string, message: ViciMessage): void
  /** The daemon has gone; it is being started again. */
  lost(cause: string): void
  /** Runs a job when nothing else is done with this daemon. */
  enqueue(job: () => Promise<void>): Promise<void>
}

/** Misses in a row after which a daemon is taken for hung. */
const hungAfterMisses = 3

const events = ['log', 'ike-updown', 'child-updown', 'ike-rekey', 'child-rekey', 'ike-update']

export class CharonSupervisor {
  readonly #name: string
  readonly #netns: string
  readonly #owner: CharonOwner
  readonly #times: Timers
  readonly #log: Log
  readonly #timers = new NamedTimers()
  #process: DaemonProcess | undefined
  #commands: ViciSession | undefined
  #events: ViciSession | undefined
  #deaths = 0
  #starts = 0
  #misses = 0

  /** @param place namespace and run folder are named after the daemon */
  constructor(
    place: { readonly name: string; readonly netns: string },
    owner: CharonOwner,
    times: Timers,
    log: Log,
  ) {
    this.#name = place.name
    this.#netns = place.netns
    this.#owner = owner
    this.#times = times
    this.#log = log
  }

  /** The conversation with the daemon; `undefined` while there is none. */
  get commands(): ViciSession | undefined {
    return this.#commands
  }

  /** How often it has been started here. */
  get starts(): number {
    return this.#starts
  }

  get hasProcess(): boolean {
    return this.#process !== undefined
  }

  /** Takes over a process that a record tells of. False when it is not there any more, or is another. */
  async adopt(recorded: DaemonProcess): Promise<boolean> {
    if (!(await isOurs(recorded, this.#netns))) return false
    this.#process = recorded
    try {
      await this.#connect()
    } catch (error) {
      this.#log('warn', 'a running IKE daemon does not answer', { daemon: this.#name, error: `${error}` })
      return false
    }
    this.#log('info', 'adopted a running IKE daemon', { daemon: this.#name, pid: recorded.pid })
    return true
  }

  /** Starts a new daemon in the place of whatever runs there. */
  async start(): Promise<void> {
    const { runDir } = this.#owner.conf()
    this.#timers.clear('respawn')
    this.#disconnect()
    await checkRunDir(runDir)
    await this.#clearOut()
    await this.#owner.prepare()
    // Only now: what it is to be told is settled by preparing it.
    await writeCharonConf(this.#owner.conf())
    const { process, commands } = await startCharon(this.#netns, runDir, async (charon) => {
      this.#process = charon
      await this.#owner.remember(charon)
    })
    this.#starts += 1
    this.#log('info', 'started an IKE daemon', { daemon: this.#name, pid: process.pid })
    try {
      await this.#connect(commands)
      await this.#owner.started()
    } catch (error) {
      // Half set up it would pass for a good one.
      this.#disconnect()
      await killDaemon(process)
      throw error
    }
  }

  /** Ends the daemon for good: told to end, it deletes the SAs at the peers. */
  async stop(): Promise<void> {
    this.#timers.clearAll()
    this.#disconnect()
    if (this.#process) await stopDaemon(this.#process)
    await this.#clearOut()
    this.#process = undefined
    await this.#owner.remember(undefined)
  }

  /** Ends our side only. */
  close(): void {
    this.#timers.clearAll()
    this.#disconnect()
  }

  /** Has the daemon read its settings again. */
  async reloadSettings(): Promise<void> {
    await writeCharonConf(this.#owner.conf())
    await this.#commands?.request('reload-settings')
  }

  /** Ends the process we know, and any that an earlier process of ours has left in the namespace. */
  async #clearOut(): Promise<void> {
    if (this.#process) await killDaemon(this.#process)
    await endProcessesIn(this.#netns)
  }

  async #connect(commands?: ViciSession): Promise<void> {
    const socket = viciSocket(this.#owner.conf().runDir)
    const session = await ViciSession.connect(socket)
    await session.subscribe(events, (name, message) => this.#deliver(name, message))
    this.#events = session
    this.#commands = commands ?? (await ViciSession.connect(socket))
    this.#misses = 0
    const current = this.#commands
    for (const end of [session, current]) {
      end.closed.then((cause) => {
        if (this.#commands === current) this.#lost(cause.message)
      })
    }
    this.#timers.set('watchdog', this.#times.watchdogEvery, () => this.#watch())
  }

  /** An event that we stumble over must not end the whole program: the next look makes up for it. */
  #deliver(name: string, message: ViciMessage): void {
    try {
      this.#owner.event(name, message)
    } catch (error) {
      this.#log('error', 'cannot read an event', { daemon: this.#name, event: name, error: `${error}` })
    }
  }

  #disconnect(): void {
    const sessions = [this.#commands, this.#events]
    this.#commands = undefined
    this.#events = undefined
    this.#timers.clear('watchdog')
    for (const session of sessions) session?.close()
  }

  #lost(cause: string): void {
    this.#disconnect()
    this.#log('warn', 'lost an IKE daemon', { daemon: this.#name, cause })
    this.#owner.lost(cause)
    this.#planRespawn()
  }

  #planRespawn(): void {
    const delays = this.#times.respawnDelays
    const wait = delays[Math.min(this.#deaths, delays.length - 1)] ?? 0
    this.#deaths += 1
    this.#timers.set('respawn', wait, () => {
      this.#owner
        .enqueue(() => this.#recover())
        .catch((error: unknown) => {
          const message = error instanceof Error ? error.message : `${error}`
          this.#log('error', 'cannot start an IKE daemon again', { daemon: this.#name, error: message })
          this.#owner.lost(message)
          this.#planRespawn()
        })
    })
  }

  async #recover(): Promise<void> {
    // An apply in the meantime may have started it.
    if (this.#commands) return
    if (this.#process && (await isOurs(this.#process, this.#netns))) {
      const isBack = await this.#connect().then(
        () => true,
        () => false,
      )
      if (isBack) return this.#owner.resumed()
    }
    await this.start()
  }

  async #watch(): Promise<void> {
    const session = this.#commands
    if (!session) return
    try {
      await session.request('stats', {}, { timeoutMs: this.#times.watchdogLimit })
      this.#misses = 0
      // It has run for a while: the next death is a new one.
      this.#deaths = 0
      await rotateLog(this.#owner.conf().runDir, session)
    } catch (error) {
      this.#misses += 1
      if (this.#commands === session && this.#misses >= hungAfterMisses && this.#process) {
        this.#log('error', 'an IKE daemon hangs and is killed', { daemon: this.#name, error: `${error}` })
        await killDaemon(this.#process).catch((cause) => {
          this.#log('error', 'cannot kill an IKE daemon', { daemon: this.#name, error: `${cause}` })
        })
      }
    }
    if (this.#commands === session) {
      this.#timers.set('watchdog', this.#times.watchdogEvery, () => this.#watch())
    }
  }
}
