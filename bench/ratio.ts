/**
 * Servers side by side: slices of load in turns, each set against the baseline's slices just before and after it, so
 * that a machine whose speed changes from second to second changes both.
 *
 * Round of four targets:  baseline  A  B  baseline  C  D  baseline
 */

import type { RequestKind, Slice, SliceResult } from './load.ts'
import type { LoadGenerator, ServerProcess } from './server-process.ts'

export interface Target {
  readonly name: string
  readonly server: Pick<ServerProcess, 'pid' | 'port'>
  readonly kind: RequestKind
  /** Connections in the store. */
  readonly size: number
}

export interface Spread {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const place = (sorted.length - 1) * share
    const below = sorted[Math.floor(place)]!
    return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place))
  }
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) }
}

export interface TargetResult {
  readonly name: string
  readonly size: number
  /** Requests per second, and the server's processor time per request in microseconds: medians of the slices. */
  readonly perSecond: number
  readonly cpuMicroseconds: number
  /** Against the baseline, of requests per second and of processor time: 1 is as fast as bare. */
  readonly ratio: Spread
  readonly cpuRatio: Spread
  /** Share of the time in which the server had a processor; the generator's likewise. */
  readonly serverBusy: number
  readonly generatorBusy: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

export interface RatioOptions {
  readonly seconds: number
  readonly rounds: number
  readonly sockets: number
}

const perSecondOf = (result: SliceResult) => result.answered / result.seconds
const cpuOf = (result: SliceResult) => (result.serverCpu / result.answered) * 1e6

/** Requests prepared for the first slice, and what is kept in hand over the last one's number. */
const firstGuess = 8_000
const inHand = 1.5

/**
 * Measures all targets against one baseline. One round that does not count warms everything up.
 *
 * @returns the baseline first, then the targets in their order.
 */
export async function measureRatios(
  load: LoadGenerator,
  baseline: Target,
  targets: readonly Target[],
  { seconds, rounds, sockets }: RatioOptions,
): Promise<TargetResult[]> {
  const half = Math.ceil(targets.length / 2)
  const order = [baseline, ...targets.slice(0, half), baseline, ...targets.slice(half), baseline]
  const speed = new Map<Target, number>()
  const results = new Map<Target, SliceResult[]>([baseline, ...targets].map((target) => [target, []]))
  const ratios = new Map<Target, { perSecond: number[]; cpu: number[] }>(
    targets.map((target) => [target, { perSecond: [], cpu: [] }]),
  )

  for (let round = 0; round <= rounds; round++) {
    const slices: { target: Target; result: SliceResult }[] = []
    for (const target of order) {
      const { server, kind, size } = target
      const prepare = Math.ceil((speed.get(target) ?? firstGuess) * inHand * seconds)
      const slice: Slice = { ...server, kind, size, sockets, seconds, prepare }
      const result = await load.run(slice)
      speed.set(target, perSecondOf(result))
      slices.push({ target, result })
    }
    if (round === 0) continue
    const bare = slices.filter(({ target }) => target === baseline).map(({ result }) => result)
    let passed = 0
    for (const { target, result } of slices) {
      results.get(target)!.push(result)
      if (target === baseline) {
        passed++
        continue
      }
      const beside = [bare[passed - 1]!, bare[passed]!]
      const mean = (of: (result: SliceResult) => number) => (of(beside[0]!) + of(beside[1]!)) / 2
      ratios.get(target)!.perSecond.push(perSecondOf(result) / mean(perSecondOf))
      ratios.get(target)!.cpu.push(mean(cpuOf) / cpuOf(result))
    }
  }

  return [baseline, ...targets].map((target) => {
    const own = results.get(target)!
    const median = (of: (result: SliceResult) => number) => spreadOf(own.map(of)).median
    const one: Spread = { median: 1, lower: 1, upper: 1 }
    const ratio = ratios.get(target)
    return {
      name: target.name,
      size: target.size,
      perSecond: median(perSecondOf),
      cpuMicroseconds: median(cpuOf),
      ratio: ratio ? spreadOf(ratio.perSecond) : one,
      cpuRatio: ratio ? spreadOf(ratio.cpu) : one,
      serverBusy: median((result) => result.serverCpu / result.seconds),
      generatorBusy: median((result) => result.ownCpu / result.seconds),
      p50: median((result) => result.p50),
      p99: median((result) => result.p99),
    }
  })
}
