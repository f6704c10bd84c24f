/**
 * What of the daemon's log is kept for each tunnel, and in which words. Pure.
 *
 * A tunnel that is up says four lines every ten seconds only to say that it is still there. Those exchanges are left
 * out when they went well; a retransmission, a failed one, and everything else stays.
 */
import type { Secret } from '../../secret.ts'
import type { LogLine } from './failure-log.ts'

/** The lines of one daemon. Make a new one for each start of the daemon: its numbers start again. */
export interface TunnelLog {
  /** Takes the next line of the daemon; gives what is to be kept now, in order. */
  line(line: LogLine): readonly LogLine[]
}

/** What one IKE_SA has under way. */
interface Pending {
  /** The line that says that a packet came, until the next one says what was in it. */
  received?: LogLine
  /** An empty message has been made: the packet that goes out now is that. */
  emptySent: boolean
}

/** Dead peer detection of IKEv2 (RFC 7296, 1.4: an empty INFORMATIONAL) and of IKEv1 (RFC 3706). */
const isEmptyMessage =
  /^(generating|parsed) INFORMATIONAL(?: (?:request|response) \d+ \[ \]|_V1 request \d+ \[ HASH N\(DPD(?:_ACK)?\) \])$/
const stillThere = /^(sending DPD request|sending keep alive to )/
const maxPending = 4_096

export function createTunnelLog(): TunnelLog {
  const pending = new Map<string, Pending>()

  return {
    line(line) {
      // Above level 1 the daemon prints what keys are made of.
      if (line.level > 1 || stillThere.test(line.text)) return []
      if (line.ikeUniqueId === undefined) return [line]
      const { received, emptySent } = pending.get(line.ikeUniqueId) ?? { emptySent: false }
      pending.delete(line.ikeUniqueId)
      const wait = (next: Pending): void => {
        pending.set(line.ikeUniqueId!, next)
        if (pending.size > maxPending) pending.delete(pending.keys().next().value!)
      }
      const before = received ? [received] : []
      if (line.text.startsWith('received packet: ')) {
        wait({ received: line, emptySent })
        return before
      }
      const [, direction] = isEmptyMessage.exec(line.text) ?? []
      if (direction === 'parsed') return []
      if (direction === 'generating') {
        wait({ emptySent: true })
        return before
      }
      if (emptySent && line.text.startsWith('sending packet: ')) return before
      return [...before, line]
    },
  }
}

/** Longest line that is kept, in characters. */
const maxLength = 1_000
/** A shorter key cannot be told from ordinary words, and stands in no line of level 1 anyway. */
const shortestKey = 6

/** One line of text, without any of the keys. */
export function renderLine(text: string, keys: readonly (Secret | undefined)[]): string {
  let clean = text
  for (const key of keys) {
    const clear = key?.reveal() ?? ''
    if (clear.length >= shortestKey) clean = clean.replaceAll(clear, `${key}`)
  }
  return clean.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, maxLength)
}
