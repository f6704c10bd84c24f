/** The words of fping 5. Pure. */
import { isIPv4 } from 'node:net'
import { EngineError, type TunnelProbe } from '../engine.ts'

/**
 * Octets behind the ICMP header. An odd number on purpose: by the length of its answer a probe is told from pings of
 * hosts between the same two addresses, which are to go on to them.
 */
const payloadLength = 61

/** Of a whole IPv4 packet of ours: header, ICMP header, payload. */
export const probeLength = 20 + 8 + payloadLength

/** Milliseconds after which an answer counts no more. */
const longestWait = 2_000

/**
 * Probes for ever, each fate on a line. The socket is tied to the interface of the tunnel: probes go there whatever
 * the routes say, also while those of the tunnel are taken away, and only what comes from there is an answer.
 *
 * @throws EngineError without retry for what is no address or no time
 */
export function fpingArguments(probe: TunnelProbe, interfaceName: string): string[] {
  const { source, destination, interval, retry } = probe
  for (const address of [source, destination]) {
    if (!isIPv4(address)) throw refused(`"${address}" is not an IPv4 address`)
  }
  if (!(interval >= 0.01 && interval <= 86_400)) throw refused(`an interval of ${interval} s`)
  if (!Number.isInteger(retry) || retry < 1) throw refused(`a verdict after ${retry} probes`)
  const period = Math.round(interval * 1_000)
  const wait = Math.min(period, longestWait)
  return [
    ...['-4', '-l', '-b', `${payloadLength}`, '-p', `${period}`, '-t', `${wait}`],
    ...['-I', interfaceName, '-S', source, destination],
  ]
}

const refused = (what: string) => new EngineError(`health check: ${what}`, { retry: false })

/** `lost`, or the round trip in milliseconds; `undefined` for a line that tells no fate. */
export function parseFate(line: string): number | 'lost' | undefined {
  const fate = /^\S+ +: \[\d+\], (?:timed out|\d+ bytes, ([\d.]+) ms)/.exec(line)
  if (!fate) return undefined
  return fate[1] === undefined ? 'lost' : Number(fate[1])
}
