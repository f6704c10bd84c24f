/** What is wrong inside a tunnel that is up itself: its health check, its BGP session. Pure. */
import type { BgpReport, Failure, ProbeReport, TunnelReport } from '../engine/engine.ts'
import type { ReasonCode } from '../engine/reason.ts'

/** The words are BIRD's (2.0.12), of what the daemon itself found, and of what the peer has told it. */
const bgpWords: readonly [RegExp, ReasonCode][] = [
  [/Bad peer AS/, 'BGP_WRONG_ASN'],
  [/Hold timer expired/, 'BGP_HOLD_TIMER'],
  [/^Received:|Connection closed/, 'BGP_CLOSED'],
  [/Connection (refused|reset)/, 'BGP_REFUSED'],
  [/^(the BGP daemon|BIRD|BGP: )/, 'BGP_DAEMON'],
  [/^(nothing has gone wrong|the tunnel carries no packets)/, 'BGP_CONNECTING'],
]

/** `undefined` when all is well, or nothing is wanted inside. */
export function insideFailure({ probe, bgp }: Pick<TunnelReport, 'probe' | 'bgp'>): Failure | undefined {
  return (bgp && bgpFailure(bgp)) ?? (probe && probeFailure(probe))
}

function probeFailure({ succeeding, since, sent, received }: ProbeReport): Failure | undefined {
  if (succeeding !== false) return undefined
  return {
    code: 'HEALTH_CHECK_FAILED',
    since: since ?? 0,
    evidence: [`${received} of the last ${sent} probes were answered`],
  }
}

function bgpFailure({ state, since, lastError }: BgpReport): Failure | undefined {
  if (state === 'established') return undefined
  const told = lastError ?? 'nothing has gone wrong yet'
  const code = bgpWords.find(([words]) => words.test(told))?.[1] ?? 'BGP_NO_ANSWER'
  return { code, since, evidence: [told, `state of the session: ${state}`] }
}
