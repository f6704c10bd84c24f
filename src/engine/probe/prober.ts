/**
 * Probes one tunnel for as long as it is told to: one fping that never ends, in the namespace of the gateway.
 *
 * It writes into a pipe of ours, so it does not outlive us. While the tunnel has no interface every probe is lost.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TunnelProbe } from '../engine.ts'
import { NamedTimers } from '../linux/named-timers.ts'
import { namespacePath } from '../linux/namespace.ts'
import { fpingArguments, parseFate } from './fping.ts'

export interface ProberPlace {
  /** Network namespace of the gateway; absent: our own. */
  readonly netns: string | undefined
  /** Of the tunnel; absent: there is none at the moment. */
  readonly interface: string | undefined
}

export interface ProberOwner {
  /** Milliseconds; absent: no answer. */
  fate(rtt: number | undefined): void
  /** fping has ended by itself; it is being started again. */
  ended(cause: string): void
}

/** Before fping is started again after its first, second, ... end in a row; the last one repeats. */
const respawnDelays = [100, 1_000, 10_000]

export class Prober {
  readonly #place: ProberPlace
  readonly #probe: TunnelProbe
  readonly #owner: ProberOwner
  readonly #timers = new NamedTimers()
  #child: ChildProcess | undefined
  #ends = 0
  #isOver = false

  /** @throws EngineError without retry when there is no such probe */
  constructor(place: ProberPlace, probe: TunnelProbe, owner: ProberOwner) {
    this.#place = place
    this.#probe = probe
    this.#owner = owner
    const line = fpingArguments(probe, place.interface ?? 'none')
    if (place.interface === undefined) this.#loseEach()
    else this.#start(line)
  }

  /** No more fates. */
  stop(): void {
    this.#isOver = true
    this.#timers.clearAll()
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  #loseEach(): void {
    this.#timers.set('lost', this.#probe.interval * 1_000, () => {
      this.#owner.fate(undefined)
      if (!this.#isOver) this.#loseEach()
    })
  }

  #start(args: readonly string[]): void {
    const { netns } = this.#place
    const line =
      netns === undefined
        ? ['fping', ...args]
        : ['nsenter', `--net=${namespacePath(netns)}`, 'fping', ...args]
    const child = spawn(line[0] ?? '', line.slice(1), {
      // Ctrl-C at the terminal is for us: what we make of it is up to us.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    })
    this.#child = child
    let complaint = ''
    child.stderr.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-500)
    })
    createInterface({ input: child.stdout }).on('line', (text) => {
      const fate = parseFate(text)
      if (fate === undefined || this.#isOver) return
      this.#ends = 0
      this.#owner.fate(fate === 'lost' ? undefined : fate)
    })
    const ended = (cause: string) => {
      if (this.#isOver || this.#child !== child) return
      this.#child = undefined
      const wait = respawnDelays[Math.min(this.#ends, respawnDelays.length - 1)] ?? 0
      this.#ends += 1
      this.#timers.set('again', wait, () => this.#start(args))
      this.#owner.ended(cause)
    }
    child.once('error', (error) => ended(error.message))
    child.once('close', (code, signal) =>
      ended([`${signal ?? `exit ${code}`}`, complaint.trim()].filter(Boolean).join(': ')),
    )
  }
}
