/**
 * When the peer of each IKE_SA was last heard: an IKE message or an ESP packet that only the peer can have made. Pure.
 *
 * charon decides by the same whether it has to ask at all (dead peer detection by traffic, RFC 3706, 5.1), and tells
 * nobody. What can be had of it (strongSwan 5.9.8):
 *
 * - `list-sas` has for each CHILD_SA how many seconds ago its last packet came in, in every kernel mode. Packets count
 *   once their integrity is proven.
 * - A `log` line `parsed INFORMATIONAL response 4 [ ]` for each IKE message. In IKEv2 it comes when the message is the
 *   one that is due and its integrity is proven (RFC 7296, 2.2). In IKEv1 it comes before the HASH is compared; a line
 *   about the same message id tells when it was wrong. Lines of one moment may come in any order, so a message of IKEv1
 *   counts a little later.
 *
 * IKEv1 has nothing against replay but the sequence numbers of DPD: other messages recorded on the way and sent once
 * more are believed, here as by charon. Its numbers of R-U-THERE are not in the log.
 */
import type { IkeSa, TunnelId } from '../engine.ts'
import type { LogLine } from './failure-log.ts'
import type { ObservedIkeSa } from './observe.ts'

/** The IKE_SAs of one daemon. Make a new one for each start of the daemon, and when lines may have been missed. */
export interface Liveness {
  /** Takes the next line of the log. */
  line(line: LogLine): void
  /**
   * The same IKE_SAs, with what is known of each by now. Unknown stays what nobody has watched: an IKE_SA that was
   * there before, until its peer is heard.
   *
   * @param at when they were looked at, epoch milliseconds
   */
  seen(id: TunnelId, ikeSas: readonly ObservedIkeSa[], at: number): readonly IkeSa[]
  /** When the peer of a tunnel was last heard by any of these, which may have ended. Epoch milliseconds. */
  heardAt(id: TunnelId, uniqueIds: readonly string[], at: number): number | undefined
}

/** One IKE_SA whose peer is known. */
interface Watched {
  tunnelId?: TunnelId | undefined
  heardAt?: number
  dpdAnsweredAt?: number
  /** IKEv2: message id of our last empty request. */
  asked?: string
  /** IKEv1: messages whose HASH may turn out to be wrong. */
  readonly unsettled: Message[]
  /** IKEv1: ids of the last messages that failed. */
  readonly failed: string[]
  /** IKEv1: when an answer to DPD had a wrong sequence number. */
  staleAnswerAt?: number
}

interface Message {
  readonly id: string
  readonly at: number
  readonly answersDpd: boolean
}

/** Milliseconds within which lines of one moment have come, in whatever order. */
const settleAfter = 500
/** Milliseconds. The daemon tells whole seconds: what happened began up to one second before. */
const second = 1_000
/** Enough for the SAs of a daemon with a thousand tunnels. */
const maxWatched = 4_096
const maxUnsettled = 16

const established = /^IKE_SA \S+\[(\d+)\] (?:established|rekeyed) between /
const message =
  /^parsed (INFORMATIONAL|CREATE_CHILD_SA|INFORMATIONAL_V1|QUICK_MODE) (request|response) (\d+) \[ (.*)\]$/
const emptyRequest = /^generating INFORMATIONAL request (\d+) \[ \]$/
const failure = / with message ID (\d+) processing failed$/

/** @param since from when on every line is taken, epoch milliseconds */
export function createLiveness(since: number): Liveness {
  /** The one that was looked at longest ago first. */
  const all = new Map<string, Watched>()

  function watch(uniqueId: string, tunnelId: TunnelId | undefined): Watched {
    const watched = all.get(uniqueId) ?? { unsettled: [], failed: [] }
    watched.tunnelId ??= tunnelId
    all.delete(uniqueId)
    all.set(uniqueId, watched)
    if (all.size > maxWatched) all.delete(all.keys().next().value!)
    return watched
  }

  return {
    line({ text, level, at, ikeUniqueId, ikeName }) {
      if (level > 1 || ikeUniqueId === undefined) return
      const [, uniqueId] = text.startsWith('IKE_SA ') ? (established.exec(text) ?? []) : []
      if (uniqueId !== undefined) return hear(watch(uniqueId, ikeName), at)
      // Before that anybody can talk.
      const watched = all.get(ikeUniqueId)
      if (!watched) return
      if (text.startsWith('parsed ')) takeMessage(watched, text, at)
      else if (text.startsWith('generating ')) watched.asked = emptyRequest.exec(text)?.[1] ?? watched.asked
      else if (text.endsWith(' processing failed')) refuse(watched, failure.exec(text)?.[1])
      else if (text.startsWith('received invalid DPD sequence number ')) refuseAnswers(watched, at)
    },

    seen: (id, ikeSas, at) =>
      ikeSas.map(({ quietFor, ...ikeSa }) => {
        if (ikeSa.state === 'connecting') return ikeSa
        const watched = watch(ikeSa.uniqueId, id)
        settle(watched, at)
        for (const seconds of [ikeSa.establishedFor, quietFor]) {
          const began = seconds === undefined ? undefined : at - (seconds + 1) * second
          // Whole seconds must not make it look as if something had come.
          if (began !== undefined && began >= since && began >= (watched.heardAt ?? 0) + second)
            hear(watched, began)
        }
        const { heardAt, dpdAnsweredAt } = watched
        return {
          ...ikeSa,
          ...(heardAt !== undefined && { heardAt }),
          ...(dpdAnsweredAt !== undefined && { dpdAnsweredAt }),
        }
      }),

    heardAt(id, uniqueIds, at) {
      const times = uniqueIds.flatMap((uniqueId) => {
        const watched = all.get(uniqueId)
        if (watched?.tunnelId !== id) return []
        settle(watched, at)
        return watched.heardAt ?? []
      })
      return times.length === 0 ? undefined : Math.max(...times)
    },
  }
}

function hear(watched: Watched, at: number): void {
  watched.heardAt = Math.max(watched.heardAt ?? at, at)
}

function takeMessage(watched: Watched, text: string, at: number): void {
  const [, exchange, kind, id, payloads] = message.exec(text) ?? []
  if (exchange === undefined) return
  if (exchange === 'INFORMATIONAL' || exchange === 'CREATE_CHILD_SA') {
    hear(watched, at)
    if (kind === 'response' && id === watched.asked && payloads === '') watched.dpdAnsweredAt = at
    return
  }
  // Without a HASH in front it is from anybody.
  if (!payloads!.startsWith('HASH ') || watched.failed.includes(id!)) return
  const answersDpd = payloads!.includes('N(DPD_ACK)')
  if (answersDpd && watched.staleAnswerAt !== undefined && at - watched.staleAnswerAt < settleAfter) return
  settle(watched, at)
  watched.unsettled.push({ id: id!, at, answersDpd })
  if (watched.unsettled.length > maxUnsettled) watched.unsettled.shift()
}

function settle(watched: Watched, now: number): void {
  const { unsettled } = watched
  while (unsettled[0] && now - unsettled[0].at >= settleAfter) {
    const { at, answersDpd } = unsettled.shift()!
    hear(watched, at)
    if (answersDpd) watched.dpdAnsweredAt = at
  }
}

function refuse({ unsettled, failed }: Watched, id: string | undefined): void {
  if (id === undefined) return
  failed.push(id)
  if (failed.length > maxUnsettled) failed.shift()
  const kept = unsettled.filter((message) => message.id !== id)
  unsettled.splice(0, unsettled.length, ...kept)
}

function refuseAnswers(watched: Watched, at: number): void {
  watched.staleAnswerAt = at
  const kept = watched.unsettled.filter(({ answersDpd, at: came }) => !answersDpd || at - came >= settleAfter)
  watched.unsettled.splice(0, watched.unsettled.length, ...kept)
}
