/**
 * The BGP speaker of one gateway: one BIRD in the gateway's namespace, with the sessions of all its tunnels.
 *
 * What is wanted is kept here as a whole and rendered as a whole; BIRD takes a new configuration entire or not at all
 * and restarts only the sessions that differ. BIRD outlives us. Its record holds the wanted sessions, without which the
 * first tunnel to be applied after a start would take the sessions of all the others away. Their keys stand in the
 * configuration alone, which BIRD takes them from, and are read back from there.
 *
 *     <run dir>/                mode 0700
 *       speaker.json            whose it is, which process, which sessions
 *       bird.conf, bird.ctl, bird.log, bird.out
 *
 * One session with BIRD asks, another hears its log as it is written, so that a change is seen when it happens. Once
 * in `pollEvery` everything is looked at all the same, which also tells whether BIRD still answers.
 */
import { readFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Secret } from '../../secret.ts'
import {
  type BgpReport,
  type DaemonHealth,
  EngineError,
  type LearnedPrefix,
  type TunnelBgp,
  type TunnelId,
} from '../engine.ts'
import { run } from '../linux/command.ts'
import { NamedTimers } from '../linux/named-timers.ts'
import { ipBatch, ipJson, namespaceInode } from '../linux/namespace.ts'
import {
  type DaemonProcess,
  isAlive,
  isOurs,
  killDaemon,
  type Log,
  replaceFile,
  startDaemon,
  stopDaemon,
} from '../linux/process.ts'
import {
  type BgpGateway,
  type BgpLimits,
  type BgpSession,
  kernelMetric,
  keysIn,
  renderBirdConfig,
  renderSession,
  sessionName,
} from './config.ts'
import {
  isSameMoment,
  observeAdvertised,
  observeLearned,
  observeSessions,
  parseComplaint,
  type SeenSession,
} from './observe.ts'
import { BirdSession } from './session.ts'

export interface SpeakerPlace {
  readonly gatewayId: string
  /** Network namespace of the gateway; absent: our own. */
  readonly netns: string | undefined
  /** Absolute, for this speaker alone. */
  readonly runDir: string
}

/** Milliseconds. */
export interface SpeakerTimes {
  readonly pollEvery: number
  /** How long BIRD may take to answer before it is taken for hung. */
  readonly answerLimit: number
  /** Before BIRD is started again after its first, second, ... death in a row; the last one repeats. */
  readonly respawnDelays: readonly number[]
}

export const defaultSpeakerTimes: SpeakerTimes = {
  pollEvery: 1_000,
  answerLimit: 3_000,
  respawnDelays: [100, 500, 2_000, 10_000],
}

export interface SpeakerSurroundings {
  readonly times: SpeakerTimes
  readonly limits: BgpLimits
  readonly log: Log
  readonly hint: (id: TunnelId) => void
  /** Networks that are learned and in use, whenever they are others than before. */
  readonly learned: (networks: readonly string[]) => void
}

/** What a tunnel wants of the speaker. */
export interface WantedSession {
  readonly slot: number
  readonly connectionId: string
  /** An empty key is one that is not known: it is the key of before, if there is one. */
  readonly bgp: TunnelBgp
  /** The tunnel carries packets. */
  readonly up: boolean
  /** It does, or would if somebody sent some. */
  readonly open: boolean
}

interface Held {
  session: BgpSession
  /** Why BIRD cannot be told of it; the others are not harmed. */
  refusal?: string
  seen?: SeenSession
  learned: readonly LearnedPrefix[]
  advertised: readonly string[]
  state: BgpReport['state']
  since: number
  /** The last complaint since the session was up. */
  complaint?: string
  /** Since when it is tried without anything being heard; epoch milliseconds. */
  tryingSince?: number
  /** That is too long. */
  isSilent?: boolean
}

const startLimitMs = 5_000
/** A peer that has another key never answers, and nothing tells us of it but time. */
const silenceMs = 10_000
/** Lines of the log come in bursts: what they tell of is looked at once. */
const gatherMs = 15

export class BgpSpeaker {
  #place: SpeakerPlace
  readonly #around: SpeakerSurroundings
  readonly #timers = new NamedTimers()
  readonly #held = new Map<TunnelId, Held>()
  #gateway: BgpGateway
  #process: DaemonProcess | undefined
  #isAdopted = false
  #asks: BirdSession | undefined
  #hears: BirdSession | undefined
  /** What BIRD was told last; absent: not known. */
  #loaded: string | undefined
  /** Sessions whose tunnel has fallen and which stay open: they begin anew. */
  readonly #toRestart = new Set<string>()
  #told: string | undefined
  #deaths = 0
  #starts = 0
  #queue: Promise<void> = Promise.resolve()
  #settling: Promise<void> | undefined
  #looking: Promise<void> | undefined
  #isClosed = false
  /** Why BIRD does not run, or has not taken what is wanted. */
  #trouble: string | undefined

  /** Begins with what an earlier process of ours has left in the run folder. */
  constructor(place: SpeakerPlace, gateway: BgpGateway, around: SpeakerSurroundings) {
    this.#place = place
    this.#gateway = gateway
    this.#around = around
    const record = readRecord(place.runDir)
    if (!record) return
    this.#process = record.process
    // A folder is named after the slot of a gateway: one that went without a word may have had it before.
    if (record.gatewayId !== place.gatewayId) return
    for (const { id, session } of record.sessions) this.#held.set(id, hold(session))
  }

  /** Empty while no session is wanted: then there is no daemon. */
  get health(): readonly DaemonHealth[] {
    if (this.#held.size === 0) return []
    const { gatewayId } = this.#place
    return [{ name: `bgp-${gatewayId}`, kind: 'bgp', up: this.#asks !== undefined, starts: this.#starts }]
  }

  /** Wants exactly these sessions. Returns at once; what cannot be done now is tried again. */
  update(place: SpeakerPlace, gateway: BgpGateway, wanted: ReadonlyMap<TunnelId, WantedSession>): void {
    this.#place = place
    this.#gateway = gateway
    for (const id of this.#held.keys()) if (!wanted.has(id)) this.#held.delete(id)
    for (const [id, one] of wanted) this.#want(id, one)
    this.#settle()
  }

  #want(id: TunnelId, { slot, connectionId, bgp: wantedBgp, up, open }: WantedSession): void {
    const before = this.#held.get(id)
    const isKeyKnown = wantedBgp.authKey?.reveal() !== ''
    const authKey = (isKeyKnown ? undefined : before?.session.bgp.authKey) ?? wantedBgp.authKey
    const bgp = { ...wantedBgp, authKey }
    const session: BgpSession = { name: sessionName(slot), connectionId, bgp, up, open }
    const held = before ?? hold(session)
    if (JSON.stringify(clear(held.session).bgp) !== JSON.stringify(clear(session).bgp)) {
      // What was said was said of another session.
      held.complaint = undefined
      held.tryingSince = undefined
    }
    if (held.session.up && !up && open) this.#toRestart.add(session.name)
    held.session = session
    try {
      renderSession(this.#gateway, session, this.#around.limits)
      held.refusal = undefined
    } catch (error) {
      held.refusal = messageOf(error)
    }
    this.#held.set(id, held)
  }

  /** Ends BIRD and removes what it has on the disk. */
  async remove(): Promise<void> {
    this.#held.clear()
    this.#isClosed = true
    this.#timers.clearAll()
    await this.#queue
    await this.#end()
  }

  /** The session as it was last seen, at most `pollEvery` ago; `undefined` when none is wanted. */
  report(id: TunnelId): BgpReport | undefined {
    const held = this.#held.get(id)
    if (!held) return undefined
    const { state, since, learned, advertised } = held
    const lastError = this.#lastError(held)
    return { state, since, learned, advertised, ...(lastError !== undefined && { lastError }) }
  }

  /** Resolves when BIRD has been told, or asked, what stands to be done now. */
  settled(): Promise<void> {
    return this.#queue
  }

  /** Ends our side only: BIRD goes on. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timers.clearAll()
    await this.#queue
    this.#disconnect()
    this.#timers.clearAll()
  }

  #lastError({ seen, state, session, complaint, refusal, isSilent }: Held): string | undefined {
    if (state === 'established') {
      return seen?.limitReached
        ? `the peer announces more than ${this.#around.limits.importLimit} networks; the others are not taken`
        : undefined
    }
    if (refusal !== undefined) return refusal
    if (!session.open) return complaint ?? 'the tunnel carries no packets'
    const silence = isSilent ? 'no answer from the peer' : undefined
    return this.#trouble ?? complaint ?? seen?.lastError ?? silence
  }

  // --- What BIRD is told ---------------------------------------------------------------------------------------

  /** However many changes come before it is its turn, BIRD is told once. */
  #settle(): Promise<void> {
    this.#settling ??= this.#enqueue(async () => {
      this.#settling = undefined
      await this.#converge()
    })
    return this.#settling
  }

  async #converge(): Promise<void> {
    if (this.#isClosed) return
    try {
      await this.#adopt()
      if (this.#held.size === 0) await this.#end()
      else if (this.#asks) await this.#configure(this.#asks)
      else await this.#start()
      this.#trouble = undefined
    } catch (error) {
      this.#trouble = messageOf(error)
      this.#around.log('error', 'cannot tell the BGP daemon what is wanted', {
        gateway: this.#place.gatewayId,
        error: this.#trouble,
      })
      this.#plan()
      for (const id of this.#held.keys()) this.#around.hint(id)
    }
  }

  /** Once: takes over a BIRD that still runs. And always: lets go of one whose namespace was made anew. */
  async #adopt(): Promise<void> {
    const { gatewayId, netns } = this.#place
    const isRunning = this.#process !== undefined && (await isOurs(this.#process, netns))
    if (!isRunning) this.#disconnect()
    if (this.#isAdopted) return
    this.#isAdopted = true
    if (!isRunning) return
    await this.#connect().then(
      () => this.#around.log('info', 'adopted a running BGP daemon', { gateway: gatewayId }),
      (error) =>
        this.#around.log('warn', 'a running BGP daemon does not answer', {
          gateway: gatewayId,
          error: messageOf(error),
        }),
    )
  }

  #render(): string {
    const sessions = [...this.#held.values()]
      .filter(({ refusal }) => refusal === undefined)
      .map(({ session }) => session)
    return renderBirdConfig(this.#gateway, sessions, this.#around.limits, this.#place.runDir)
  }

  async #configure(asks: BirdSession): Promise<void> {
    const config = this.#render()
    if (config !== this.#loaded) {
      const { runDir } = this.#place
      const next = `${confFile(runDir)}.next`
      await writeFile(next, config, { mode: 0o600 })
      await asks.ask(`configure check "${next}"`)
      await rename(next, confFile(runDir))
      await asks.ask(`configure "${confFile(runDir)}"`)
      this.#loaded = config
      await this.#writeRecord()
    }
    const toRestart = [...this.#toRestart]
    this.#toRestart.clear()
    // One that BIRD does not know needs no restart.
    for (const name of toRestart) await asks.ask(`restart ${name}`).catch(() => {})
    await this.#look()
  }

  async #start(): Promise<void> {
    const { netns, runDir, gatewayId } = this.#place
    const { log } = this.#around
    this.#timers.clear('again')
    this.#disconnect()
    this.#toRestart.clear()
    if (this.#process) await killDaemon(this.#process)
    this.#process = undefined
    await mkdir(runDir, { recursive: true, mode: 0o700 })
    await rm(socketFile(runDir), { force: true })
    const config = this.#render()
    await replaceFile(confFile(runDir), config)
    const program = await findBird()
    // In the foreground: the process that is started is the one that stays. UTC is what its times are read in.
    const command = [program, '-f', '-c', confFile(runDir), '-s', socketFile(runDir)]
    const started = await startDaemon(netns, ['sh', '-c', 'umask 077; exec "$0" "$@"', ...command], {
      output: outFile(runDir),
      env: { TZ: 'UTC' },
    })
    this.#process = started
    await this.#writeRecord()
    if (!started) throw await notStarted(runDir, 'ended at once')
    const deadline = Date.now() + startLimitMs
    for (;;) {
      try {
        await this.#connect()
        break
      } catch (error) {
        if (!(await isAlive(started))) throw await notStarted(runDir, 'ended while starting')
        if (Date.now() > deadline) {
          await killDaemon(started)
          throw await notStarted(runDir, `${error}`)
        }
        await delay(5)
      }
    }
    this.#loaded = config
    this.#starts += 1
    log('info', 'started a BGP daemon', { gateway: gatewayId, pid: started.pid })
    await this.#look()
  }

  /** Without sessions there is no BIRD, and nothing of it on the disk. Told to end, it takes its routes away. */
  async #end(): Promise<void> {
    this.#timers.clearAll()
    this.#disconnect()
    this.#tellLearned()
    if (!this.#process) return
    await stopDaemon(this.#process)
    this.#process = undefined
    this.#loaded = undefined
    this.#trouble = undefined
    await rm(this.#place.runDir, { recursive: true, force: true })
    this.#around.log('info', 'ended a BGP daemon', { gateway: this.#place.gatewayId })
  }

  async #writeRecord(): Promise<void> {
    const record: SpeakerRecord = {
      gatewayId: this.#place.gatewayId,
      netns: this.#place.netns,
      process: this.#process,
      sessions: [...this.#held].map(([id, { session }]) => ({ id, session })),
    }
    await replaceFile(recordFile(this.#place.runDir), renderRecord(record))
  }

  // --- What BIRD says ------------------------------------------------------------------------------------------

  async #connect(): Promise<void> {
    const socket = socketFile(this.#place.runDir)
    const options = { timeoutMs: this.#around.times.answerLimit }
    const hears = await BirdSession.connect(socket, options)
    try {
      await hears.listen((line) => this.#heard(line))
      this.#asks = await BirdSession.connect(socket, options)
    } catch (error) {
      hears.close()
      throw error
    }
    this.#hears = hears
    const current = this.#asks
    for (const end of [hears, current]) {
      end.closed.then((cause) => {
        if (this.#asks === current) this.#lost(cause.message)
      })
    }
    this.#planPoll()
  }

  #disconnect(): void {
    const sessions = [this.#asks, this.#hears]
    this.#asks = undefined
    this.#hears = undefined
    this.#loaded = undefined
    this.#timers.clear('poll')
    for (const session of sessions) session?.close()
  }

  #planPoll(): void {
    this.#timers.set('poll', this.#around.times.pollEvery, async () => {
      await this.#lookSoon()
      if (!this.#asks) return
      // It has answered for a while: the next death is a new one.
      this.#deaths = 0
      this.#planPoll()
    })
  }

  #heard(line: string): void {
    const complaint = parseComplaint(line)
    if (complaint) {
      for (const held of this.#held.values()) {
        if (held.session.name === complaint.session) held.complaint = complaint.text
      }
    }
    if (!this.#timers.has('heard')) this.#timers.set('heard', gatherMs, () => this.#lookSoon())
  }

  #lookSoon(): Promise<void> {
    this.#looking ??= this.#look()
      // The session has ended: `#lost` sees to it.
      .catch(() => {})
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  /** Reads everything that may have changed, and says at which tunnels something has. */
  async #look(): Promise<void> {
    const asks = this.#asks
    if (!asks) return
    const sessions = observeSessions(await asks.ask('show protocols all "vco_*"'))
    const isNew = ({ session, seen }: Held) => {
      const now = sessions.get(session.name)
      return now?.routesMark !== seen?.routesMark || now?.state !== seen?.state
    }
    const changed = [...this.#held].filter(([, held]) => isNew(held))
    const learned =
      changed.length > 0 ? observeLearned(await asks.ask('show route all where source = RTS_BGP')) : undefined
    for (const [id, held] of this.#held) {
      const seen = sessions.get(held.session.name)
      const before = JSON.stringify(this.report(id))
      const state = seen?.state ?? 'idle'
      if (learned) {
        held.learned = learned.get(held.session.name) ?? []
        const isTold = state === 'established' && isNew(held)
        if (isTold) held.advertised = await this.#advertised(asks, held.session.name)
        else if (state !== 'established') held.advertised = []
      }
      const upSince = state === 'established' ? seen?.since : undefined
      if (state !== held.state || (upSince !== undefined && !isSameMoment(upSince, held.since))) {
        held.state = state
        held.since = upSince ?? Date.now()
      }
      if (state === 'established') held.complaint = undefined
      held.seen = seen
      const isTried = held.session.open && (state === 'connect' || state === 'active')
      held.tryingSince = isTried ? (held.tryingSince ?? Date.now()) : undefined
      held.isSilent = held.tryingSince !== undefined && Date.now() - held.tryingSince > silenceMs
      if (JSON.stringify(this.report(id)) !== before) this.#around.hint(id)
    }
    this.#tellLearned()
  }

  /** The session may have ended since it was seen up. */
  #advertised(asks: BirdSession, name: string): Promise<readonly string[]> {
    return asks.ask(`show route export ${name}`).then(observeAdvertised, () => [])
  }

  #lost(cause: string): void {
    this.#disconnect()
    if (this.#isClosed) return
    this.#around.log('warn', 'lost a BGP daemon', { gateway: this.#place.gatewayId, cause })
    this.#trouble = `the BGP daemon has ended (${cause})`
    for (const [id, held] of this.#held) {
      held.seen = undefined
      held.learned = []
      held.advertised = []
      if (held.state !== 'idle') held.since = Date.now()
      held.state = 'idle'
      this.#around.hint(id)
    }
    // A daemon that was killed has left its routes in the kernel, and their sessions are over.
    this.#enqueue(async () => {
      const process = this.#process
      if (process && (await isAlive(process))) await killDaemon(process)
      const { netns } = this.#place
      if (netns !== undefined && (await namespaceInode(netns)) === undefined) return
      await clearRoutes(netns)
    }).catch((error) => {
      this.#around.log('error', 'cannot clear up after a BGP daemon', {
        gateway: this.#place.gatewayId,
        error: messageOf(error),
      })
    })
    this.#tellLearned()
    this.#plan()
  }

  #plan(): void {
    const delays = this.#around.times.respawnDelays
    const wait = delays[Math.min(this.#deaths, delays.length - 1)] ?? 0
    this.#deaths += 1
    this.#timers.set('again', wait, () => this.#settle())
  }

  #tellLearned(): void {
    const networks = new Set(
      [...this.#held.values()].flatMap(({ learned }) =>
        learned.filter(({ best }) => best).map(({ prefix }) => prefix),
      ),
    )
    const text = JSON.stringify([...networks].sort())
    if (text === this.#told) return
    this.#told = text
    this.#around.learned(JSON.parse(text))
  }

  #enqueue(job: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(job)
    this.#queue = done.catch(() => {})
    return done
  }
}

/** Takes away what a dead BIRD has left in the kernel; by the metric, for another BIRD may run on the same machine. */
async function clearRoutes(netns: string | undefined): Promise<void> {
  const routes = await ipJson<{ dst: string; metric?: number }>(netns, [
    '-4',
    'route',
    'show',
    'proto',
    'bird',
  ])
  const ours = routes.filter(({ metric }) => metric === kernelMetric)
  await ipBatch(
    netns,
    ours.map(({ dst }) => `route del ${dst} proto bird metric ${kernelMetric}`),
  )
}

const hold = (session: BgpSession): Held => ({
  session,
  learned: [],
  advertised: [],
  state: 'idle',
  since: Date.now(),
})

/** With the key in clear, to be compared. */
const clear = ({ bgp, ...session }: BgpSession) => ({
  ...session,
  bgp: { ...bgp, authKey: bgp.authKey?.reveal() },
})

// --- Files -----------------------------------------------------------------------------------------------------

const recordFile = (runDir: string) => `${runDir}/speaker.json`
const confFile = (runDir: string) => `${runDir}/bird.conf`
const socketFile = (runDir: string) => `${runDir}/bird.ctl`
const outFile = (runDir: string) => `${runDir}/bird.out`

interface SpeakerRecord {
  readonly gatewayId: string
  readonly netns: string | undefined
  readonly process: DaemonProcess | undefined
  readonly sessions: readonly { readonly id: TunnelId; readonly session: BgpSession }[]
}

/** Says which sessions have a key, and no key. */
const renderRecord = ({ sessions, ...record }: SpeakerRecord) =>
  JSON.stringify({
    ...record,
    sessions: sessions.map(({ id, session: { bgp, ...session } }) => ({
      id,
      session: { ...session, bgp: { ...bgp, authKey: bgp.authKey && '' } },
    })),
  })

/** `undefined` when there is none or it cannot be read. A key that the configuration does not hold is empty. */
export function readRecord(runDir: string): SpeakerRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordFile(runDir), 'utf8'))
    const keys = readKeys(runDir)
    const sessions = record.sessions.map(({ id, session }: SpeakerRecord['sessions'][number]) => {
      const authKey =
        session.bgp.authKey === undefined ? undefined : (keys.get(session.name) ?? new Secret(''))
      return { id, session: { ...session, bgp: { ...session.bgp, authKey } } }
    })
    return { ...record, sessions }
  } catch {
    return undefined
  }
}

function readKeys(runDir: string): ReadonlyMap<string, Secret> {
  try {
    return keysIn(readFileSync(confFile(runDir), 'utf8'))
  } catch {
    return new Map()
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const programs = ['/usr/sbin/bird', '/usr/local/sbin/bird', '/sbin/bird']

/** @throws EngineError when BIRD 2 is not installed */
export async function findBird(): Promise<string> {
  for (const program of programs) {
    const version = await run(program, ['--version']).catch(() => undefined)
    if (version !== undefined) return program
  }
  throw new EngineError(`BIRD is not installed (looked for ${programs.join(', ')})`, { retry: false })
}

async function notStarted(runDir: string, how: string): Promise<EngineError> {
  const said = await readFile(outFile(runDir), 'utf8').catch(() => '')
  const lines = said.split('\n').filter(Boolean).slice(-3)
  return new EngineError(['BIRD', how, ...lines].join('; '), { retry: true })
}
