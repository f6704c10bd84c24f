/**
 * A tunnel as its daemon's keeper holds it, and the report made of it. The functions are pure.
 */
import type { Failure, Tunnel, TunnelReport } from '../engine.ts'
import { overlap } from '../linux/address.ts'
import {
  areSameRoutes,
  canonical,
  type KernelRoute,
  kernelRoute,
  plainRoute,
} from '../linux/tunnel-routes.ts'
import { type Attempts, noAttempts, type Situation } from './keep-up.ts'
import { narrowing, type ObservedSas, observeSas } from './observe.ts'
import { children } from './render.ts'
import { listOf, sectionOf, sectionsOf, textOf, type ViciMessage } from './vici/message.ts'

/** What the daemon said of one tunnel. */
export interface Seen extends ObservedSas {
  /** Names of the children that carry traffic. */
  readonly installed: ReadonlySet<string>
  readonly negotiating: boolean
  /** Epoch milliseconds. */
  readonly at: number
}

export interface HeldTunnel {
  tunnel: Tunnel
  /** The settings come from a record on disk, which holds no key: they can be kept up but not loaded again. */
  keyKnown: boolean
  /** `definitionHash` of what the running daemon has loaded; absent when it has nothing of this tunnel. */
  loadedHash?: string
  loadedGeneration?: number
  /** Sets it apart from other tunnels between the same identities. */
  twin?: number
  /** IKE_SAs that run with settings from before the last change. */
  stale: Set<string>
  /** They are with another peer than the one that is wanted. */
  staleIsOther: boolean
  /** IKE_SAs that were told to go. */
  closing: Set<string>
  /** It was up or negotiating and has been told to go, to begin again at once. */
  replacing: boolean
  seen: Seen
  attempts: Attempts
  /** Since when at least one child carries traffic; epoch milliseconds. */
  upSince?: number
  /** Traffic has asked for the tunnel (EffectImmediately=false). */
  woken: boolean
  /** Packets sent into its interface when it began to wait for traffic; absent: not counted yet. */
  sentBefore?: number
  /** Its routes at the moment; absent: not known. */
  routed?: readonly KernelRoute[]
  /** Its routes are taken away although it is up: its health check has failed. */
  revoked?: boolean
  /** Since when it waits or negotiates without any failure; epoch milliseconds. */
  quietSince: number
  /** When the peer that is wanted was last heard, by an IKE_SA that may have ended; epoch milliseconds. */
  heardAt?: number
}

const nothingSeen: Seen = {
  ikeSas: [],
  childSas: [],
  installed: new Set(),
  negotiating: false,
  at: 0,
}

export const holdTunnel = (tunnel: Tunnel, keyKnown: boolean, now: number): HeldTunnel => ({
  tunnel,
  keyKnown,
  stale: new Set(),
  staleIsOther: false,
  closing: new Set(),
  replacing: false,
  seen: nothingSeen,
  attempts: noAttempts,
  woken: false,
  quietSince: now,
})

/** Tasks of an IKE_SA that make a CHILD_SA or the IKE_SA itself, in the daemon's words. */
const negotiations = new Set([
  'QUICK_MODE',
  'CHILD_CREATE',
  'MAIN_MODE',
  'AGGRESSIVE_MODE',
  'IKE_INIT',
  'IKE_AUTH',
])
const carrying = new Set(['INSTALLED', 'UPDATING', 'REKEYING'])

/** Reads the `list-sa` events of `list-sas` for one tunnel. */
export function seeTunnel(events: readonly ViciMessage[], id: string, at: number): Seen {
  const sections = events.flatMap(sectionsOf).flatMap(([name, section]) => (name === id ? [section] : []))
  const installed = sections
    .flatMap((section) => sectionsOf(sectionOf(section, 'child-sas')))
    .filter(([, child]) => carrying.has(textOf(child, 'state') ?? ''))
    .map(([, child]) => textOf(child, 'name') ?? '')
  const negotiating = sections.some(
    (section) =>
      ['CREATED', 'CONNECTING'].includes(textOf(section, 'state') ?? '') ||
      ['tasks-active', 'tasks-queued', 'tasks-passive'].some((tasks) =>
        listOf(section, tasks).some((task) => negotiations.has(task)),
      ),
  )
  const sas = observeSas(events).get(id) ?? nothingSeen
  return { ikeSas: sas.ikeSas, childSas: sas.childSas, installed: new Set(installed), negotiating, at }
}

/** Nothing has come, gone or changed its state in between; counters and times apart. */
export const isSameSight = (a: Seen, b: Seen): boolean => outline(a) === outline(b)

const outline = ({ ikeSas, childSas }: Seen) =>
  [...ikeSas, ...childSas].map(({ uniqueId, state }) => `${uniqueId} ${state}`).join()

export const situationOf = ({ tunnel, seen, closing, woken }: HeldTunnel): Situation => ({
  wanted: children(tunnel).map((child) => child.name),
  installed: seen.installed,
  negotiating: seen.negotiating,
  closing: closing.size > 0,
  asked: tunnel.effectImmediately || woken,
})

/** An operator keeps it down: the daemon has nothing of it. */
export const isStopped = ({ tunnel }: Pick<HeldTunnel, 'tunnel'>) => tunnel.stoppedAt !== undefined

/** Not up, and nobody tries until traffic comes. */
export const waitsForTraffic = (held: HeldTunnel) =>
  !held.tunnel.effectImmediately && !isStopped(held) && !held.woken && held.seen.installed.size === 0

/** Up with settings from before the last change, and to change over when traffic comes. */
export const isPending = (held: HeldTunnel) => held.stale.size > 0 && held.closing.size === 0

/**
 * Routes to the tunnel now: to what its children carry that are up, so that nothing is sent into a dead tunnel; and
 * all of them while it waits for traffic, which could not be seen otherwise.
 */
export function wantedRoutes(held: HeldTunnel): readonly KernelRoute[] {
  const { tunnel, seen } = held
  if (held.revoked) return []
  const up = children(tunnel).filter((child) => seen.installed.has(child.name))
  const waiting = waitsForTraffic(held)
  const open = waiting ? tunnel.remoteSubnets : up.flatMap((child) => child.remoteSubnets)
  return canonical(
    tunnel.routes === undefined
      ? open.map((subnet) => plainRoute(subnet, tunnel.slot))
      : tunnel.routes
          .filter(({ destination }) => open.some((subnet) => overlap(subnet, destination)))
          .map((route) => kernelRoute(route, tunnel.slot, { waiting })),
  )
}

/** Every child that the settings ask for carries traffic. */
export const isUp = ({ tunnel, seen }: HeldTunnel) =>
  children(tunnel).every((child) => seen.installed.has(child.name))

/** The routes are as they are wanted. */
export const isRouted = (held: HeldTunnel): boolean =>
  held.routed !== undefined && areSameRoutes(held.routed, wantedRoutes(held))

/** @param failure why it is not up, as far as a cause has been seen */
export function reportTunnel(
  held: HeldTunnel,
  failure: Failure | undefined,
  phase2Failed: boolean,
  remarks: readonly string[] = [],
): TunnelReport {
  const { tunnel, seen } = held
  const quiet = (
    code: 'STOPPED_BY_OPERATOR' | 'WAITING_FOR_TRAFFIC' | 'CONNECTING',
    since = held.quietSince,
  ): Failure => ({ code, since, evidence: [] })
  // What went wrong before it was stopped, or would go wrong, is not why it is down.
  const cause = isStopped(held)
    ? quiet('STOPPED_BY_OPERATOR', tunnel.stoppedAt)
    : (failure ?? quiet(waitsForTraffic(held) ? 'WAITING_FOR_TRAFFIC' : 'CONNECTING'))
  return {
    id: tunnel.id,
    generation: held.loadedGeneration ?? 0,
    pendingReconnect: isPending(held),
    ikeSas: seen.ikeSas,
    childSas: seen.childSas,
    childrenWanted: children(tunnel).length,
    phase2Failed,
    failure: isUp(held) ? narrowed(held) : cause,
    ...(held.heardAt !== undefined && { heardAt: held.heardAt }),
    ...(remarks.length > 0 && { remarks }),
    at: seen.at,
  }
}

/** Up, with a part of the subnets only. Settings that wait for a reconnect have not been put to the peer yet. */
function narrowed({ tunnel, seen, stale, upSince }: HeldTunnel): Failure | undefined {
  const evidence = stale.size > 0 ? undefined : narrowing(tunnel, seen.childSas)
  return evidence && { code: 'SUBNETS_NARROWED', since: upSince ?? seen.at, evidence }
}
