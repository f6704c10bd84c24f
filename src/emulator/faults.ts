/** Faults that are armed, and when each of them strikes. */
import { seededRandom, type Timer } from '../clock.ts'
import type { Tunnel } from '../engine/engine.ts'
import { type ReasonCode, reasons } from '../engine/reason.ts'
import type { Network } from '../engine/simulated/tunnel.ts'
import { type Place, placeOf } from '../engine/simulated/words.ts'
import type { TaskFault as StruckTask, World } from '../engine/simulated/world.ts'
import { apiError, errorTable } from '../rpc/errors.ts'
import type { Gate, Passage } from '../rpc/gate.ts'
import { ControlError } from './errors.ts'
import type { Kept, Struck } from './kept.ts'
import type { ApiFault, Fault, FaultRequest, NetworkFault, TaskFault, TunnelFault } from './types.ts'

interface Armed {
  readonly id: string
  readonly fault: FaultRequest
  readonly random: () => number
  hits: number
  armed: boolean
  timer?: Timer
  until?: number
  struck?: Struck
}

export interface Faults {
  arm(fault: FaultRequest): Promise<Fault>
  disarm(id: string): void
  disarmAll(): void
  list(): readonly Fault[]
  find(id: string): Fault
  /** What it takes to go on after a restart; what is drawn begins anew. */
  keep(): Pick<Kept, 'faults' | 'faultCount'>
  restore(kept: Pick<Kept, 'faults' | 'faultCount'>): void
  /** Stands before every call of a client. */
  readonly gate: (call: Parameters<Gate>[0]) => Promise<Passage>
}

/** @param addressesOfZone outside addresses of VPN gateways whose daemons are in a zone */
export function createFaults(
  world: World,
  seed: number,
  addressesOfZone: (zone: string) => Promise<readonly string[]>,
): Faults {
  const all = new Map<string, Armed>()
  let count = 0

  const show = ({ id, fault, hits, armed }: Armed): Fault => ({ id, fault, hits, armed })

  /** Whether it strikes now; counts it, and disarms it after its last time. */
  function strikes(one: Armed): boolean {
    const { times, probability } = one.fault
    if (!one.armed || (probability !== undefined && one.random() >= probability)) return false
    one.hits += 1
    if (times !== undefined && one.hits >= times && one.fault.layer !== 'network') one.armed = false
    return true
  }

  const armed = <Layer extends FaultRequest['layer']>(layer: Layer) =>
    [...all.values()].filter(
      (one): one is Armed & { fault: Extract<FaultRequest, { layer: Layer }> } =>
        one.armed && one.fault.layer === layer,
    )

  function tunnelReason(tunnel: Tunnel, place: Place): ReasonCode | undefined {
    const one = armed('tunnel').find(
      ({ fault }) => placeOf(fault.reason) === place && isAbout(fault.target, tunnel),
    )
    return one && strikes(one) ? one.fault.reason : undefined
  }

  function task(what: NonNullable<TaskFault['what']>, id: string): StruckTask | undefined {
    const one = armed('task').find(({ fault }) => (fault.what ?? what) === what && (fault.id ?? id) === id)
    if (!one || !strikes(one)) return undefined
    const { kind, delay, message } = one.fault
    return { kind, delay, message }
  }

  world.interference = { tunnel: tunnelReason, task }

  async function strikeNetwork(one: Armed & { fault: NetworkFault }): Promise<void> {
    const { kind, target, times = Number.POSITIVE_INFINITY } = one.fault
    if (kind === 'zone-lost') {
      const lost = (await addressesOfZone(target!)).filter(
        (address) => !world.lostAddresses().has(address) && one.hits < times && strikes(one),
      )
      for (const address of lost) world.setDaemon(address, false)
      one.struck = { addresses: lost }
      return
    }
    const change = networkChange(one.fault)
    // A peer that has no tunnel yet is struck as such; tunnels one by one.
    const isSpread = one.fault.times !== undefined || one.fault.probability !== undefined
    const keys = isSpread ? world.find(target ?? '*').map(({ id }) => id) : [target ?? '*']
    const struck = keys.filter(() => one.hits < times && strikes(one))
    if (!isSpread) one.hits = world.find(target ?? '*').length
    const before = struck.map((key) => [key, world.networks().get(key) ?? {}] as const)
    for (const [key, network] of before) world.setNetwork(key, { ...network, ...change })
    one.struck = { networks: before }
  }

  function undo(struck: Struck): void {
    if ('networks' in struck) for (const [key, network] of struck.networks) world.setNetwork(key, network)
    else for (const address of struck.addresses) world.setDaemon(address, true)
  }

  const randomOf = (number: number) => seededRandom(seed * 104_729 + number)

  function endAt(one: Armed, time: number): void {
    one.until = time
    one.timer = world.clock.after(time - world.clock.now(), () => end(one))
  }

  function end(one: Armed): void {
    one.armed = false
    one.timer?.cancel()
    if (one.struck) undo(one.struck)
    delete one.struck
    world.faultsChanged()
  }

  return {
    async arm(fault) {
      check(fault)
      count += 1
      const one: Armed = {
        id: `fault-${count}`,
        fault,
        random: randomOf(count),
        hits: 0,
        armed: true,
      }
      all.set(one.id, one)
      world.note('fault armed', { id: one.id, ...fault })
      if (fault.for !== undefined) endAt(one, world.clock.now() + fault.for)
      if (fault.layer === 'network') await strikeNetwork(one as Armed & { fault: NetworkFault })
      if (fault.layer === 'tunnel' && placeOf(fault.reason) !== 'negotiation') world.faultsChanged()
      else if (fault.layer === 'tunnel' && fault.renegotiate !== false) {
        for (const { id } of world.find(fault.target ?? '*')) world.renegotiate(id)
      }
      return show(one)
    },
    disarm(id) {
      const one = all.get(id)
      if (!one) throw new ControlError(404, `there is no fault ${id}`)
      end(one)
      all.delete(id)
    },
    disarmAll() {
      for (const one of all.values()) end(one)
      all.clear()
    },
    list: () => [...all.values()].map(show),
    find(id) {
      const one = all.get(id)
      if (!one) throw new ControlError(404, `there is no fault ${id}`)
      return show(one)
    },
    keep: () => ({
      faultCount: count,
      faults: [...all.values()].map(({ id, fault, hits, armed, until, struck }) => ({
        ...{ id, fault, hits, armed, until, struck },
      })),
    }),
    restore({ faultCount, faults }) {
      count = faultCount
      for (const kept of faults) {
        const one: Armed = { ...kept, random: randomOf(Number(kept.id.slice('fault-'.length))) }
        all.set(one.id, one)
        if (one.struck && 'addresses' in one.struck)
          for (const address of one.struck.addresses) world.setDaemon(address, false)
        if (one.armed && one.until !== undefined) endAt(one, one.until)
      }
    },
    async gate({ spec, principal }) {
      const passage: { loseAnswer?: boolean } = {}
      for (const one of armed('api')) {
        const { kind, action, account, code, delay } = one.fault
        if (!isNamed(action, spec.name) || (account ?? principal.accountId) !== principal.accountId) continue
        if (!strikes(one)) continue
        switch (kind) {
          case 'error':
            throw apiError(code as keyof typeof errorTable)
          case 'throttle':
            throw apiError('Throttling.User')
          case 'latency':
            await new Promise((resolve) => setTimeout(resolve, delay))
            break
          case 'answer-lost':
            passage.loseAnswer = true
        }
      }
      return passage
    },
  }
}

const isAbout = (target: string | undefined, tunnel: Tunnel) =>
  target === undefined || [tunnel.id, tunnel.connectionId, tunnel.remoteAddress].includes(target)

/** `Describe*` stands for every action that begins so. */
const isNamed = (pattern: string | undefined, name: string) =>
  pattern === undefined ||
  new RegExp(`^${pattern.replace(/[^A-Za-z*]/g, '').replaceAll('*', '.*')}$`).test(name)

function networkChange({ kind, loss = 0.1, delay = 300 }: NetworkFault): Partial<Network> {
  switch (kind) {
    case 'loss':
      return { loss }
    case 'latency':
      return { rtt: delay }
    case 'port-4500-closed':
      return { port4500: false }
    case 'no-route':
      return { route: false }
    default:
      return { silent: true }
  }
}

const kindsOf = {
  api: ['error', 'throttle', 'latency', 'answer-lost'],
  task: ['stuck', 'slow', 'failed'],
  network: ['loss', 'partition', 'latency', 'port-4500-closed', 'no-route', 'zone-lost'],
} as const satisfies {
  api: readonly ApiFault['kind'][]
  task: readonly TaskFault['kind'][]
  network: readonly NetworkFault['kind'][]
}

/** @throws ControlError with a sentence that says what is wrong */
function check(fault: FaultRequest): void {
  const refuse = (message: string): never => {
    throw new ControlError(400, message)
  }
  const { times, probability, for: duration } = fault
  if (times !== undefined && !(Number.isInteger(times) && times > 0))
    refuse('times is a whole number above 0')
  if (duration !== undefined && !(duration > 0)) refuse('for is a number of milliseconds above 0')
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) refuse('probability is 0 to 1')
  if (fault.layer === 'tunnel') {
    checkReason(fault, refuse)
    return
  }
  const kinds: readonly string[] = kindsOf[fault.layer] ?? refuse('layer is api, task, tunnel or network')
  if (!kinds.includes(fault.kind)) refuse(`kind of a fault at the ${fault.layer} is ${kinds.join(', ')}`)
  const needsDelay = fault.kind === 'latency' ? fault.layer === 'api' : fault.kind === 'slow'
  if ('delay' in fault || needsDelay) {
    const { delay } = fault as { delay?: number }
    if (!(typeof delay === 'number' && delay >= 0)) refuse('delay is a number of milliseconds')
  }
  if (fault.layer === 'api' && fault.kind === 'error' && !Object.hasOwn(errorTable, fault.code ?? '')) {
    refuse(`code is one of docs/errors.md; "${fault.code}" is none`)
  }
  if (fault.layer === 'network' && fault.kind === 'zone-lost' && !fault.target)
    refuse('target names the zone')
  if (fault.layer === 'network' && fault.loss !== undefined && !(fault.loss >= 0 && fault.loss <= 1))
    refuse('loss is 0 to 1')
}

function checkReason({ reason }: TunnelFault, refuse: (message: string) => never): void {
  if (!Object.hasOwn(reasons, reason)) refuse(`reason is a code of docs/reasons.md; "${reason}" is none`)
}
