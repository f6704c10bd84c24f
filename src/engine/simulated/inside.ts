/** What runs inside a simulated tunnel: its BGP session and its health check. */
import type { Clock, Timer } from '../../clock.ts'
import {
  addProbe,
  type BgpReport,
  type ProbeReport,
  type ProbeTotal,
  type TunnelBgp,
  type TunnelProbe,
} from '../engine.ts'
import type { PeerBgp } from './peer.ts'

/** What is inside a tunnel sees of it. */
export interface Inside {
  readonly clock: Clock
  readonly random: () => number
  /** Packets pass, at least now and then. */
  isOpen(): boolean
  /** Share of packets that are lost, 0 to 1. */
  loss(): number
  /** Milliseconds there and back. */
  rtt(): number
  /** Somebody wants the attempt that is made now to fail; how the log would say it. */
  interfere(place: 'bgp' | 'probe'): string | undefined
  event(name: string, detail?: Readonly<Record<string, unknown>>): void
}

/** BIRD's `connect retry time` as the strongSwan engine sets it, in milliseconds. */
const connectRetry = 5_000
/** Networks that are taken from a peer, as in the strongSwan engine. */
const importLimit = 50

export class SimulatedBgp {
  readonly #inside: Inside
  readonly #peer: () => PeerBgp
  readonly #delay: () => number
  #wanted: TunnelBgp
  #state: BgpReport['state'] = 'idle'
  #since: number
  #lastError: string | undefined
  #timer: Timer | undefined

  constructor(inside: Inside, wanted: TunnelBgp, peer: () => PeerBgp, delay: () => number) {
    this.#inside = inside
    this.#wanted = wanted
    this.#peer = peer
    this.#delay = delay
    this.#since = inside.clock.now()
  }

  /** The settings of an end, the tunnel or the network may have changed. */
  look(wanted = this.#wanted): void {
    const changed = sessionOf(wanted) !== sessionOf(this.#wanted)
    this.#wanted = wanted
    if (!this.#inside.isOpen()) {
      // A tunnel that still stands while nothing passes ends the session by its hold timer alone.
      if (this.#state === 'established' && this.#tunnelStands) this.#holdOut()
      else this.#become('idle')
      return
    }
    if (this.#state === 'established') {
      const forced = this.#inside.interfere('bgp')
      const problem = forced ?? this.#problem()
      if (problem) this.#become('active', forced ?? 'Received: Administrative shutdown')
      else if (!changed) {
        this.#timer?.cancel()
        return
      } else this.#become('connect')
    }
    this.#connect(this.#delay())
  }

  #tunnelStands = false

  /** The tunnel has come up or is gone. */
  stand(stands: boolean): void {
    this.#tunnelStands = stands
    this.look()
  }

  end(): void {
    this.#timer?.cancel()
  }

  report(): BgpReport {
    const { asn, announced } = this.#peer()
    const established = this.#state === 'established'
    const lastError = this.#errorNow(announced.length)
    return {
      state: this.#state,
      since: this.#since,
      ...(lastError !== undefined && { lastError }),
      learned: established
        ? announced
            .slice(0, importLimit)
            .map((prefix) => ({ prefix, asPath: String(asn), communities: '', best: true }))
        : [],
      advertised: established ? this.#wanted.advertised : [],
    }
  }

  #errorNow(announced: number): string | undefined {
    if (this.#state !== 'established')
      return this.#lastError ?? (this.#inside.isOpen() ? undefined : 'the tunnel carries no packets')
    return announced > importLimit
      ? `the peer announces more than ${importLimit} networks; the others are not taken`
      : undefined
  }

  #connect(delay: number): void {
    this.#timer?.cancel()
    if (this.#state === 'idle') this.#become('connect')
    this.#timer = this.#inside.clock.after(delay, () => {
      if (!this.#inside.isOpen()) return
      const problem = this.#inside.interfere('bgp') ?? this.#problem()
      if (problem === undefined) {
        this.#lastError = undefined
        this.#become('established')
        return
      }
      this.#become('active', problem)
      this.#connect(connectRetry)
    })
  }

  #holdOut(): void {
    this.#timer?.cancel()
    const holdTime = Math.min(30, this.#peer().holdTime) * 1_000
    this.#timer = this.#inside.clock.after(holdTime, () => {
      if (this.#inside.isOpen() || this.#state !== 'established') return
      this.#become('active', 'Hold timer expired')
    })
  }

  /** Why no session can be, in the words of BIRD 2.0.12. */
  #problem(): string | undefined {
    const { localAsn, peerAsn, localIp, peerIp, authKey } = this.#wanted
    const peer = this.#peer()
    if (!peer.enabled) return 'Socket: Connection refused'
    // With different keys the other end drops every segment without a word (RFC 2385, 2.0).
    const isDeaf = (authKey?.reveal() ?? null) !== peer.authKey
    if (isDeaf || peer.localIp !== peerIp || peer.remoteIp !== localIp) return 'Socket: Connection timed out'
    if (peer.asn !== peerAsn) return `Bad peer AS: ${peer.asn}`
    if (peer.remoteAsn !== localAsn) return 'Received: Bad peer AS'
    return undefined
  }

  #become(state: BgpReport['state'], error?: string): void {
    if (state === 'idle') this.#timer?.cancel()
    if (error !== undefined) this.#lastError = error
    if (state === this.#state) return
    this.#state = state
    this.#since = this.#inside.clock.now()
    this.#inside.event(`bgp ${state}`, error === undefined ? undefined : { error })
  }
}

const sessionOf = ({ localAsn, peerAsn, localIp, peerIp, authKey }: TunnelBgp) =>
  JSON.stringify([localAsn, peerAsn, localIp, peerIp, authKey?.reveal()])

const probesKept = 100

export class SimulatedProbe {
  readonly #inside: Inside
  readonly #wanted: TunnelProbe
  readonly #answers: () => boolean
  /** The last ones, oldest first. */
  readonly #results: boolean[] = []
  #succeeding: boolean | undefined
  #since: number | undefined
  #rtt: number | undefined
  #total: ProbeTotal | undefined
  #timer: Timer | undefined

  constructor(inside: Inside, wanted: TunnelProbe, answers: () => boolean) {
    this.#inside = inside
    this.#wanted = wanted
    this.#answers = answers
    this.#schedule()
  }

  isOf(wanted: TunnelProbe | undefined): boolean {
    return JSON.stringify(wanted) === JSON.stringify(this.#wanted)
  }

  end(): void {
    this.#timer?.cancel()
  }

  report(): ProbeReport {
    return {
      ...(this.#succeeding !== undefined && { succeeding: this.#succeeding, since: this.#since }),
      sent: this.#results.length,
      received: this.#results.filter(Boolean).length,
      ...(this.#rtt !== undefined && { rtt: this.#rtt }),
      ...(this.#total && { total: this.#total }),
    }
  }

  #schedule(): void {
    this.#timer = this.#inside.clock.after(this.#wanted.interval * 1_000, () => {
      this.#probe()
      this.#schedule()
    })
  }

  #probe(): void {
    const { clock, random } = this.#inside
    const isLost = this.#inside.interfere('probe') !== undefined
    const isAnswered = !isLost && this.#inside.isOpen() && this.#answers() && random() >= this.#inside.loss()
    if (isAnswered) this.#rtt = Math.round(this.#inside.rtt() * (0.9 + 0.2 * random()) * 10) / 10
    this.#total = addProbe(this.#total, isAnswered ? this.#rtt : undefined, clock.now())
    this.#results.push(isAnswered)
    if (this.#results.length > probesKept) this.#results.shift()
    const last = this.#results.slice(-this.#wanted.retry)
    if (last.length < this.#wanted.retry || last.some((result) => result !== isAnswered)) return
    if (this.#succeeding === isAnswered) return
    this.#succeeding = isAnswered
    this.#since = clock.now()
    this.#inside.event(isAnswered ? 'health check succeeds' : 'health check fails')
  }
}
