/**
 * Why a tunnel does not come up, read from the daemon's log. Pure.
 *
 * charon 5.9.8 has no event that names the cause of a failed negotiation; its `log` events do, line by line. This
 * collects the lines of each IKE_SA (by unique id), recognises the ones that name a cause, and keeps the best of
 * them for each tunnel. The texts are those of strongSwan 5.9.8, recorded from real daemons in `testdata/`.
 *
 * Which line wins: in phase 1 the one that stands higher in `rules`, for it is an attempt with one end; afterwards
 * the latest, except that lines within a second of each other count as one report and the higher one wins.
 */
import type { Failure, IkeSa, Tunnel, TunnelId } from '../engine.ts'
import { offered } from '../offered.ts'
import { type ReasonCode, reasons, tellingOf } from '../reason.ts'
import { textOf, type ViciMessage } from './vici/message.ts'

export interface LogLine {
  readonly group: string
  readonly level: number
  readonly text: string
  /** The daemon's number of the IKE_SA the line speaks of. */
  readonly ikeUniqueId?: string
  /** Its connection; absent while the peer is not identified. */
  readonly ikeName?: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** Reads one `log` event. */
export function parseLogEvent(message: ViciMessage, at: number): LogLine {
  const ikeName = textOf(message, 'ikesa-name')
  return {
    group: textOf(message, 'group') ?? '',
    level: Number(textOf(message, 'level') ?? 0),
    text: textOf(message, 'msg') ?? '',
    ikeUniqueId: textOf(message, 'ikesa-uniqueid'),
    ikeName: ikeName === '(unnamed)' ? undefined : ikeName,
    at,
  }
}

/** The failures of the tunnels of one daemon. Make a new one for each start of the daemon: its numbers start again. */
export interface FailureLog {
  /** Looks out for this tunnel from now on. What was seen under earlier settings is forgotten. */
  watch(tunnel: Tunnel): void
  forget(id: TunnelId): void
  /** Takes the next line of the log. Returns the tunnels whose failure may have changed. */
  line(line: LogLine): readonly TunnelId[]
  /** The tunnels that a line speaks of, once `line` has taken it: every one with that peer while it is not known whose. */
  tunnelsOf(line: LogLine): readonly TunnelId[]
  /**
   * What the tunnel's SAs are now. `up` says that everything wanted is up: no failure is shown then, and what was
   * seen of earlier attempts is forgotten. `newestIke` is the unique id of the newest established IKE_SA. Repeating it is fine.
   */
  observed(id: TunnelId, sas: { readonly up: boolean; readonly newestIke?: string }, at: number): void
  /** A CHILD_SA was re-keyed: an earlier failure to do so is over. */
  rekeyed(id: TunnelId): void
  failure(id: TunnelId): Failure | undefined
  /** A phase-2 failure has been seen on the newest IKE_SA, and the tunnel is not up. */
  phase2Failed(id: TunnelId): boolean
}

/** One IKE_SA, from its first line on. */
interface Attempt {
  readonly uniqueId: string
  tunnelId?: TunnelId
  peerAddress?: string
  initiator?: boolean
  version?: IkeSa['version']
  aggressive?: boolean
  established: boolean
  /** A CHILD_SA of it has been up. */
  childUp: boolean
  packetsReceived: number
  natSeen: boolean
  /** The peer has shown a certificate. */
  certificateSeen: boolean
  /** The last CHILD_SA that the peer asked for was to be in transport mode (IKEv2, RFC 7296, 1.3.1). */
  transportAsked: boolean
  /** Of the last retransmitted packet: `seq` in IKEv1, message id in IKEv2. */
  retransmitting?: number
  /** When we last asked to delete something of it: the peer's DELETE that follows is its answer. */
  deletedAt: number
  /** Lines worth showing with a failure. */
  readonly context: string[]
  lastSent?: string
  hit?: Hit
}

interface Hit {
  readonly rank: number
  readonly rule: Rule
  readonly text: string
  readonly at: number
}

interface Rule {
  readonly match: RegExp
  /** Whether the line means this here. */
  readonly when?: (attempt: Attempt, at: number) => boolean
  readonly code: ReasonCode | ((attempt: Attempt, tunnel: Tunnel) => ReasonCode)
}

// --- What the lines mean -------------------------------------------------------------------------------------

const phase1 = (attempt: Attempt) => !attempt.established
const phase1V1 = (attempt: Attempt) => !attempt.established && attempt.version !== 'ikev2'
const mainMode = (attempt: Attempt) => phase1V1(attempt) && !attempt.aggressive

type Difference = 'encryption' | 'integrity' | 'dh' | 'unclear'

const ikeMismatches = {
  encryption: 'IKE_ENCRYPTION_MISMATCH',
  integrity: 'IKE_AUTHENTICATION_MISMATCH',
  dh: 'IKE_DH_GROUP_MISMATCH',
  unclear: 'IKE_PROPOSAL_MISMATCH',
} as const satisfies Record<Difference, ReasonCode>

const espMismatches = {
  encryption: 'ESP_ENCRYPTION_MISMATCH',
  integrity: 'ESP_AUTHENTICATION_MISMATCH',
  dh: 'PFS_MISMATCH',
  unclear: 'ESP_PROPOSAL_MISMATCH',
} as const satisfies Record<Difference, ReasonCode>

/** First match from the top wins. */
const rules: readonly Rule[] = [
  {
    match: /^no shared key found for /,
    code: (_, { ike }) => (ike.certificate ? 'AUTH_METHOD_MISMATCH' : 'PSK_MISSING'),
  },
  { match: /^constraint check failed: peer not authenticated by CA/, code: 'CERT_WRONG_CA' },
  {
    match: /^no issuer certificate found for /,
    // A peer may show its certificate to an end that uses a pre-shared key.
    code: (_, { ike }) => (ike.certificate ? 'CERT_UNKNOWN_CA' : 'AUTH_METHOD_MISMATCH'),
  },
  { match: /^subject certificate invalid \(valid from/, code: 'CERT_EXPIRED' },
  { match: /^issuer certificate invalid \(valid from/, code: 'CERT_CA_EXPIRED' },
  {
    match: /^(certificate was revoked|path length of \d+ violates |certificate .* violates )/,
    code: 'CERT_INVALID',
  },
  {
    match: /^no trusted .*public key found for /,
    code: ({ certificateSeen }, { ike }) => {
      if (!ike.certificate) return 'AUTH_METHOD_MISMATCH'
      return certificateSeen ? 'CERT_NAME_MISMATCH' : 'CERT_MISSING'
    },
  },
  {
    match: /^no \w+ private key found for /,
    when: (attempt) => phase1V1(attempt) && attempt.initiator === false,
    code: 'CERT_KIND_MISMATCH',
  },
  {
    match: /but none allows .* using (Aggressive|Main) Mode/,
    code: ({ aggressive }, { ike }) =>
      aggressive === (ike.mode === 'aggressive') ? 'AUTH_METHOD_MISMATCH' : 'MODE_MISMATCH',
  },
  { match: /^tried \d+ shared keys? for .*, but MAC mismatched/, code: 'PSK_MISMATCH' },
  { match: /^calculated HASH does not match HASH payload/, when: phase1V1, code: 'PSK_MISMATCH' },
  // Main mode has no better sign: the key is part of the encryption, so the other end sees only noise.
  {
    match: /^invalid (HASH|ID)_V1 payload length, decryption failed\?/,
    when: phase1V1,
    code: 'PSK_MISMATCH',
  },
  { match: /^could not decrypt payloads/, when: mainMode, code: 'PSK_MISMATCH' },
  {
    match: /^received (PAYLOAD_MALFORMED|INVALID_HASH_INFORMATION) error notify/,
    when: phase1V1,
    code: 'PSK_MISMATCH',
  },
  { match: /^received INVALID_KE_PAYLOAD error notify/, when: phase1V1, code: 'PEER_HAS_NO_PSK' },

  { match: /^received AUTHENTICATION_FAILED (error notify|notify error)/, code: rejection },
  // An initiator of IKEv2 rejects us when for us the IKE_SA is up already.
  { match: /^parsed INFORMATIONAL request \d+ \[ N\(AUTH_FAILED\) \]/, code: rejection },
  // An aggressive-mode initiator that rejects us says so unencrypted, and the daemon may not act on that.
  {
    match: /^queueing INFORMATIONAL_V1 request as tasks still active/,
    when: (attempt) => phase1V1(attempt) && attempt.aggressive === true && attempt.initiator === false,
    code: 'PEER_REJECTED_AUTH',
  },
  { match: /^no (matching )?peer config found/, code: 'ID_MISMATCH' },
  { match: /^IDi?r '.*' does not match to /, code: 'ID_MISMATCH' },
  { match: /^constraint check failed: identity .* required/, code: 'ID_MISMATCH' },
  { match: /^received INVALID_ID_INFORMATION error notify/, when: phase1V1, code: 'ID_MISMATCH' },
  // The daemon allows aggressive mode only where a tunnel of its own asks for it.
  { match: /^Aggressive Mode PSK disabled for security reasons/, code: 'MODE_MISMATCH' },

  { match: /INVALID_MAJOR_VERSION/, when: phase1, code: 'IKE_VERSION_MISMATCH' },
  {
    match: /^received NO_PROPOSAL_CHOSEN (error notify|notify error)/,
    when: phase1,
    code: 'IKE_PROPOSAL_OR_UNKNOWN_PEER',
  },
  {
    match: /^(no proposal found|received proposals unacceptable)/,
    when: phase1,
    code: (attempt) => ikeMismatches[difference(attempt, 'IKE')],
  },
  {
    match: /^no IKE config found for /,
    code: (attempt, tunnel) =>
      attempt.version && attempt.version !== tunnel.ike.version ? 'IKE_VERSION_MISMATCH' : 'UNKNOWN_PEER',
  },

  { match: /^unable to install (IPsec policies|inbound and outbound IPsec SA)/, code: 'LOCAL_KERNEL' },
  {
    match: /^received NO_PROPOSAL_CHOSEN (error notify|notify, no CHILD_SA built)/,
    // In IKEv2 the first CHILD_SA has no group of its own; when a later one is refused, the group is what is new.
    code: (attempt) =>
      attempt.version === 'ikev2' && attempt.childUp ? 'PFS_MISMATCH' : 'ESP_PROPOSAL_MISMATCH',
  },
  {
    match: /^(no matching proposal found, sending NO_PROPOSAL_CHOSEN|no acceptable proposal found)/,
    code: (attempt) =>
      isOtherProtocol(attempt) ? 'SECURITY_PROTOCOL_MISMATCH' : espMismatches[difference(attempt, 'ESP')],
  },
  {
    match: /^received (INVALID_ID_INFORMATION error notify|TS_UNACCEPTABLE notify, no CHILD_SA built)/,
    code: 'SUBNET_MISMATCH',
  },
  {
    match: /^(no matching CHILD_SA config found for |traffic selectors .* unacceptable)/,
    // Transport mode is for the two hosts themselves, so it is their addresses that are asked for instead of subnets.
    code: ({ transportAsked }) => (transportAsked ? 'ENCAPSULATION_MODE_MISMATCH' : 'SUBNET_MISMATCH'),
  },

  { match: /^ignoring IKE_SA setup from .*, per-IP half-open IKE_SA limit/, code: 'HALF_OPEN_LIMIT' },
  { match: /^error writing to socket: (Network is unreachable|No route to host)/, code: 'NO_ROUTE' },
  { match: /^giving up after \d+ retransmits/, code: silence },
  { match: /^deleting half open IKE_SA with .* after timeout/, code: 'IKE_TIMEOUT' },
  { match: /^DPD check timed out/, code: 'DPD_TIMEOUT' },
  { match: /^CHILD_SA rekeying failed/, code: 'REKEY_FAILED' },
  {
    match: /^received DELETE for (IKE_SA|ESP CHILD_SA)/,
    when: (attempt, at) => at - attempt.deletedAt > answerWindow,
    code: (attempt, tunnel) => (isRejection(attempt, tunnel) ? 'PEER_REJECTED_CERTIFICATE' : 'PEER_CLOSED'),
  },
  { match: /^received \w+ (error notify|notify error)/, code: 'NEGOTIATION_FAILED' },
]

/** What it means that the peer says no to what we proved ourselves with. */
function rejection(_: Attempt, { ike }: Tunnel): ReasonCode {
  return ike.certificate ? 'PEER_REJECTED_CERTIFICATE' : 'PEER_REJECTED_AUTH'
}

/** An initiator of IKEv1 that rejects our certificate, which comes last, says so by closing what is up for us. */
const isRejection = (attempt: Attempt, { ike }: Tunnel) =>
  ike.certificate !== undefined &&
  attempt.version === 'ikev1' &&
  attempt.initiator === false &&
  !attempt.childUp

/** What it means that retransmission ended without an answer. */
function silence(attempt: Attempt, tunnel: Tunnel): ReasonCode {
  if (attempt.established && attempt.childUp) return 'DPD_TIMEOUT'
  if (attempt.packetsReceived === 0) return 'PEER_SILENT'
  if (attempt.natSeen && !tunnel.natTraversal) return 'NAT_T_DISABLED'
  if (attempt.established) return 'CHILD_TIMEOUT'
  // Messages 1 to 4 of main mode were answered, the fifth, which proves that we know the key, was not.
  const authenticating = attempt.version === 'ikev1' && attempt.initiator && attempt.retransmitting === 3
  return authenticating ? 'AUTH_SILENT' : 'IKE_TIMEOUT'
}

/**
 * Where the peer's proposals and ours part: a kind of transform for which no word of the peer's is one of ours,
 * when it is the only one.
 */
function difference(attempt: Attempt, protocol: 'IKE' | 'ESP'): Difference {
  const words = (whose: string) => {
    const line = attempt.context.findLast((text) => text.startsWith(`${whose} proposals: ${protocol}:`))
    const proposals = line?.slice(`${whose} proposals: `.length).split(', ') ?? []
    const kinds = { encryption: new Set<string>(), integrity: new Set<string>(), dh: new Set<string>() }
    for (const proposal of proposals) {
      const transforms = proposal.replace(/^\w+:/, '').split('/')
      const groups = transforms.filter((word) => /^(MODP|ECP|CURVE)_/.test(word))
      for (const word of groups.length > 0 ? groups : ['none']) kinds.dh.add(word)
      for (const word of transforms) {
        if (/^(3?DES|AES|CAMELLIA|CHACHA|BLOWFISH|CAST|NULL)_?/.test(word)) kinds.encryption.add(word)
        else if (/^(HMAC|AES_XCBC|AES_CMAC)_/.test(word)) kinds.integrity.add(word)
      }
    }
    return kinds
  }
  const received = words('received')
  const configured = words('configured')
  const parted = (['encryption', 'integrity', 'dh'] as const).filter((kind) => {
    // The proposal that comes with IKE_AUTH never names a group, whatever PFS is set to.
    if (kind === 'dh' && protocol === 'ESP' && attempt.version === 'ikev2' && !attempt.childUp) return false
    return ![...received[kind]].some((word) => configured[kind].has(word))
  })
  return parted.length === 1 ? parted[0]! : 'unclear'
}

/** The peer's last proposals of phase 2 are for another protocol than ours: AH, that is. */
function isOtherProtocol({ context }: Attempt): boolean {
  const protocol = (whose: string) =>
    context
      .map((text) => new RegExp(`^${whose} proposals: (ESP|AH):`).exec(text)?.[1])
      .findLast((found) => found !== undefined)
  return protocol('received') !== protocol('configured')
}

/** Lines that help to understand a failure of a phase. */
const contextLines = {
  1: /^((received|configured) proposals: IKE:|looking for .*peer configs matching|(local|remote) host is behind NAT|received end entity cert| {2}using trusted ca certificate| {2}issuer is |no trusted .*public key)/,
  2: /^((received|configured) proposals: (ESP|AH):|parsed \w+ request \d+ \[.* N\(USE_TRANSP\)|error installing |CHILD_SA rekeying failed)/,
} as const

/** First exchanges, which say version and mode. */
const exchanges: Readonly<Record<string, Pick<Attempt, 'version' | 'aggressive'>>> = {
  ID_PROT: { version: 'ikev1', aggressive: false },
  AGGRESSIVE: { version: 'ikev1', aggressive: true },
  IKE_SA_INIT: { version: 'ikev2' },
}

const packetSent = /^sending packet: from \S+\[\d+\] to (\S+)\[\d+\]/
const ikeUp = /^IKE_SA \S+\[(\d+)\] (?:established|rekeyed) between /

/** Lines that tell how a negotiation goes. */
const facts: readonly {
  readonly match: RegExp
  readonly learn: (attempt: Attempt, found: RegExpExecArray, at: number) => void
}[] = [
  {
    match: packetSent,
    learn(attempt, [text, peer]) {
      attempt.peerAddress ??= peer!
      // The next attempt's first packet goes out in the name of the one that gave up.
      if (attempt.hit?.rule.code !== silence) attempt.lastSent = text
    },
  },
  {
    match: /^received packet: from (\S+)\[\d+\] to /,
    learn(attempt, [, peer]) {
      attempt.peerAddress ??= peer!
      attempt.packetsReceived++
    },
  },
  {
    match: /^(generating|parsed) (ID_PROT|AGGRESSIVE|IKE_SA_INIT) request 0 /,
    learn(attempt, [, direction, exchange]) {
      attempt.initiator ??= direction === 'generating'
      Object.assign(attempt, exchanges[exchange!])
    },
  },
  {
    match: /^(?:inbound |outbound )?CHILD_SA \S+\{\d+\} established /,
    learn(attempt) {
      attempt.childUp = true
    },
  },
  {
    match: /retransmit \d+ of request (?:with )?message ID (\d+)(?:, seq (\d+))?/,
    learn(attempt, [, messageId, sequence]) {
      attempt.retransmitting = Number(sequence ?? messageId)
    },
  },
  {
    match: /^sending DELETE for /,
    learn(attempt, _, at) {
      attempt.deletedAt = at
    },
  },
  {
    match: /^parsed (?:IKE_AUTH|CREATE_CHILD_SA) request \d+ /,
    learn(attempt, { input }) {
      attempt.transportAsked = input.includes(' N(USE_TRANSP) ')
    },
  },
  {
    match: /^received end entity cert /,
    learn(attempt) {
      attempt.certificateSeen = true
    },
  },
  {
    match: /^(?:local|remote) host is behind NAT/,
    learn(attempt) {
      attempt.natSeen = true
    },
  },
]

// --- Keeping them --------------------------------------------------------------------------------------------

interface Watched {
  readonly tunnel: Tunnel
  up: boolean
  newestIke?: string
  /** The last attempt of each end that had something to say. */
  asInitiator?: Attempt
  asResponder?: Attempt
  shown?: { readonly code: ReasonCode; readonly since: number }
}

/** Milliseconds. Lines of one report, e.g. "no CHILD_SA built" and "rekeying failed", come together. */
const reportWindow = 1_000
/** Milliseconds within which a DELETE of the peer answers ours. */
const answerWindow = 5_000
/** Milliseconds between the line that says why an SA ends and the event that it ended. */
const endWindow = 5_000
/** Enough for the SAs of a daemon with a thousand tunnels, half-open ones included. */
const maxAttempts = 4_096
const maxContext = 12
const maxEvidenceLength = 400

export function createFailureLog(): FailureLog {
  const tunnels = new Map<TunnelId, Watched>()
  const attempts = new Map<string, Attempt>()
  /** The attempt that sent a packet last: errors of the socket carry no SA. */
  let lastSender: Attempt | undefined

  function attemptOf(key: string): Attempt {
    let attempt = attempts.get(key)
    if (!attempt) {
      attempt = {
        uniqueId: key,
        established: [...tunnels.values()].some((watched) => watched.newestIke === key),
        childUp: false,
        packetsReceived: 0,
        natSeen: false,
        certificateSeen: false,
        transportAsked: false,
        deletedAt: Number.NEGATIVE_INFINITY,
        context: [],
      }
      attempts.set(key, attempt)
      if (attempts.size > maxAttempts) attempts.delete(attempts.keys().next().value!)
    }
    return attempt
  }

  /** The tunnel of an identified SA; before that, whichever are not up and have this peer. */
  function concerned(attempt: Attempt): readonly Watched[] {
    if (attempt.tunnelId !== undefined) {
      const named = tunnels.get(attempt.tunnelId)
      return named ? [named] : []
    }
    return [...tunnels.values()].filter(
      (watched) => !watched.up && watched.tunnel.remoteAddress === attempt.peerAddress,
    )
  }

  function attemptFor(line: LogLine): Attempt | undefined {
    if (line.ikeUniqueId !== undefined) return attemptOf(line.ikeUniqueId)
    if (line.text.startsWith('error writing to socket')) return lastSender
    const refused = /^ignoring IKE_SA setup from (\S+),/.exec(line.text)
    if (!refused) return undefined
    const attempt = attemptOf(`from ${refused[1]}`)
    attempt.peerAddress = refused[1]!
    attempt.initiator = false
    return attempt
  }

  /** Learns who, which version and how far from the lines of a negotiation. Says whether it learned anything. */
  function learn(attempt: Attempt, { text, at }: LogLine): boolean {
    const context = Object.values(contextLines).some((pattern) => pattern.test(text))
    if (context) {
      attempt.context.push(text.slice(0, maxEvidenceLength))
      if (attempt.context.length > maxContext) attempt.context.shift()
    }
    const fact = facts.find(({ match }) => match.test(text))
    if (fact) fact.learn(attempt, fact.match.exec(text)!, at)
    if (fact?.match === packetSent) lastSender = attempt
    const [, uniqueId] = ikeUp.exec(text) ?? []
    if (uniqueId !== undefined) {
      const established = attemptOf(uniqueId)
      established.established = true
      established.version ??= attempt.version
      established.tunnelId ??= attempt.tunnelId
      // After a re-key the children go along to the new IKE_SA.
      established.childUp ||= attempt.childUp
      delete established.hit
      for (const watched of concerned(established)) {
        watched.newestIke = uniqueId
        show(watched)
      }
    }
    return context || fact !== undefined || uniqueId !== undefined
  }

  /** Puts a recognised line in the place of the one that is kept, if it says more. */
  function judge(attempt: Attempt, { text, at }: LogLine): boolean {
    const rank = rules.findIndex((rule) => rule.match.test(text) && (rule.when?.(attempt, at) ?? true))
    if (rank < 0) return false
    const kept = attempt.hit
    const oneReport = !attempt.established || (kept !== undefined && at - kept.at < reportWindow)
    if (kept && oneReport && kept.rank < rank) return false
    attempt.hit = { rank, rule: rules[rank]!, text: text.slice(0, maxEvidenceLength), at }
    return true
  }

  const codeOf = (attempt: Attempt, tunnel: Tunnel): ReasonCode | undefined => {
    const code = attempt.hit?.rule.code
    return typeof code === 'function' ? code(attempt, tunnel) : code
  }

  function telling({ tunnel, asInitiator, asResponder }: Watched): Attempt | undefined {
    const seen = [asInitiator, asResponder].map((attempt) => {
      const code = attempt && codeOf(attempt, tunnel)
      return code && { attempt, code, at: attempt.hit!.at }
    })
    return tellingOf(seen)?.attempt
  }

  function show(watched: Watched): void {
    const attempt = telling(watched)
    const code = attempt && codeOf(attempt, watched.tunnel)
    if (!code) delete watched.shown
    else if (watched.shown?.code !== code) watched.shown = { code, since: attempt.hit!.at }
  }

  function drop(watched: Watched, unwanted: (attempt: Attempt, code: ReasonCode) => boolean): void {
    for (const attempt of [watched.asInitiator, watched.asResponder]) {
      const code = attempt && codeOf(attempt, watched.tunnel)
      if (code && unwanted(attempt, code)) delete attempt.hit
    }
    show(watched)
  }

  return {
    watch(tunnel) {
      const before = tunnels.get(tunnel.id)
      if (before) drop(before, () => true)
      tunnels.set(tunnel.id, { tunnel, up: before?.up ?? false, newestIke: before?.newestIke })
    },

    forget(id) {
      tunnels.delete(id)
    },

    line(line) {
      // Above level 1 the daemon prints what keys are made of.
      if (line.level > 1) return []
      const attempt = attemptFor(line)
      if (!attempt) return []
      attempt.tunnelId = line.ikeName ?? attempt.tunnelId
      const learned = learn(attempt, line)
      // A line may come after the one it explains, so what is learned late can change the verdict.
      if (!judge(attempt, line) && !(learned && attempt.hit)) return []
      const watched = concerned(attempt)
      for (const each of watched) {
        if (attempt.initiator) each.asInitiator = attempt
        else each.asResponder = attempt
        show(each)
      }
      return watched.map(({ tunnel }) => tunnel.id)
    },

    tunnelsOf(line) {
      if (line.ikeName !== undefined && tunnels.has(line.ikeName)) return [line.ikeName]
      const attempt = attemptFor(line)
      if (!attempt) return []
      const named = concerned(attempt)
      const peers = [...tunnels.values()].filter(({ tunnel }) => tunnel.remoteAddress === attempt.peerAddress)
      const meant = named.length > 0 || attempt.tunnelId !== undefined ? named : peers
      return meant.map(({ tunnel }) => tunnel.id)
    },

    observed(id, { up, newestIke }, at) {
      const watched = tunnels.get(id)
      if (!watched) return
      if (newestIke !== undefined) {
        watched.newestIke = newestIke
        attemptOf(newestIke).established = true
        attemptOf(newestIke).tunnelId = id
        attemptOf(newestIke).childUp ||= up
      }
      // What is said of the end of the very SA that is up is newer than this look at it.
      if (up && !watched.up) {
        drop(watched, (attempt, code) => attempt.uniqueId !== newestIke || reasons[code].phase === 2)
      }
      // A DELETE seen while it was up belonged to a re-key, unless it is what brought the tunnel down.
      if (!up && watched.up) {
        drop(watched, (attempt, code) => reasons[code].phase === 0 && at - attempt.hit!.at > endWindow)
      }
      watched.up = up
    },

    rekeyed(id) {
      const watched = tunnels.get(id)
      if (watched) drop(watched, (_, code) => reasons[code].phase === 2)
    },

    failure(id) {
      const watched = tunnels.get(id)
      if (!watched || watched.up || !watched.shown) return undefined
      const attempt = telling(watched)
      // An attempt that another tunnel to the same peer shares may have come to a good end.
      if (!attempt?.hit) return undefined
      const { code, since } = watched.shown
      const { phase } = reasons[code]
      const { hit } = attempt
      const evidence = [
        hit.text,
        offered(code, watched.tunnel),
        hit.rule.code === silence ? attempt.lastSent : undefined,
        ...(phase === 0 ? [] : attempt.context.filter((text) => contextLines[phase].test(text)).slice(-4)),
      ]
      return { code, since, evidence: [...new Set(evidence.filter((text) => text !== undefined))] }
    },

    phase2Failed(id) {
      const watched = tunnels.get(id)
      if (!watched || watched.up || watched.newestIke === undefined) return false
      const newest = attempts.get(watched.newestIke)
      const code = newest && codeOf(newest, watched.tunnel)
      return code !== undefined && reasons[code].phase === 2
    },
  }
}
