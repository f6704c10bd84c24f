/**
 * How a negotiation between two ends goes, computed from the settings of both. Pure.
 *
 * The order of the checks and the words of both ends are those of charon 5.9.8, as its logs show them: every cause in
 * `test/support/causes.ts` gives the same code and the same first line here as between two real daemons.
 */
import type { ReasonCode } from '../reason.ts'
import { arrival, distrust, isShown, keyWord, methodOf, trustedLine } from './certificate.ts'
import { common, networksOf } from './networks.ts'
import { identityOf, type PeerSettings } from './peer.ts'

/** What one end complains of. */
export interface Complaint {
  readonly code: ReasonCode
  /** The line of its log that names the cause, then what helps to understand it. */
  readonly lines: readonly string[]
  /** It is known only when nobody has answered for a while. */
  readonly bySilence?: true
}

interface Complaints {
  readonly initiator?: Complaint
  readonly responder?: Complaint
}

/** A CHILD_SA to be made, or made, from the initiator's point of view. */
export interface Selectors {
  readonly local: readonly string[]
  readonly remote: readonly string[]
}

export type PhaseOne =
  /** `halfUp`: one end takes the IKE_SA for established, and the other never hears of it. */
  | { readonly failed: Complaints; readonly halfUp?: true }
  | { readonly proposal: string; readonly failed?: undefined }

export type PhaseTwo =
  | { readonly failed: Complaints }
  | { readonly proposal: string; readonly selectors: Selectors; readonly failed?: undefined }

export interface Path {
  /** UDP 4500 passes. */
  readonly port4500: boolean
  /** Epoch milliseconds: certificates end. */
  readonly now: number
}

type Mode = 'main' | 'aggressive' | 'ikev2'

export const modeOf = ({ version, aggressive }: PeerSettings): Mode =>
  version === 2 ? 'ikev2' : aggressive ? 'aggressive' : 'main'

// --- Words ---------------------------------------------------------------------------------------------------

const transforms: Readonly<Record<string, string>> = {
  aes128: 'AES_CBC_128',
  aes192: 'AES_CBC_192',
  aes256: 'AES_CBC_256',
  des: 'DES_CBC',
  '3des': '3DES_CBC',
  md5: 'HMAC_MD5_96',
  sha1: 'HMAC_SHA1_96',
  sha256: 'HMAC_SHA2_256_128',
  sha384: 'HMAC_SHA2_384_192',
  sha512: 'HMAC_SHA2_512_256',
  modp768: 'MODP_768',
  modp1024: 'MODP_1024',
  modp1536: 'MODP_1536',
  modp2048: 'MODP_2048',
}

const named = (word: string) => transforms[word] ?? word.toUpperCase()
const prf = (hash: string) => `PRF_${named(hash).replace(/_\d+$/, '')}`

type Protocol = 'IKE' | 'ESP' | 'AH'

/** `aes128-sha1-modp1024` as charon logs it. */
function words(proposal: string, protocol: Protocol): string {
  if (protocol === 'AH') return `AH:${[...proposal.split('-').map(named), 'NO_EXT_SEQ'].join('/')}`
  const [encryption = '', hash = '', ...groups] = proposal.split('-')
  const parts =
    protocol === 'IKE'
      ? [named(encryption), named(hash), prf(hash), ...groups.map(named)]
      : [named(encryption), named(hash), ...groups.map(named), 'NO_EXT_SEQ']
  return `${protocol}:${parts.join('/')}`
}

const list = (proposals: readonly string[], protocol: Protocol) =>
  proposals.map((proposal) => words(proposal, protocol)).join(', ')

const bothLists = (
  received: readonly string[],
  configured: readonly string[],
  protocol: Protocol,
  configuredProtocol = protocol,
): string[] => [
  `received proposals: ${list(received, protocol)}`,
  `configured proposals: ${list(configured, configuredProtocol)}`,
]

const notify = (version: 1 | 2, name: string) =>
  version === 1 ? `received ${name} error notify` : `received ${name} notify error`

const asksForTransport =
  'parsed IKE_AUTH request 1 [ IDi N(INIT_CONTACT) IDr AUTH N(USE_TRANSP) SA TSi TSr N(MULT_AUTH) N(EAP_ONLY) N(MSG_ID_SYN_SUP) ]'

// --- Phase 1 -------------------------------------------------------------------------------------------------

const ikeMismatches = [
  'IKE_ENCRYPTION_MISMATCH',
  'IKE_AUTHENTICATION_MISMATCH',
  'IKE_DH_GROUP_MISMATCH',
] as const
const espMismatches = ['ESP_ENCRYPTION_MISMATCH', 'ESP_AUTHENTICATION_MISMATCH', 'PFS_MISMATCH'] as const

/** The one kind of transform that the lists do not share, or `otherwise` when there is not exactly one. */
function parted<Code extends ReasonCode>(
  received: readonly string[],
  configured: readonly string[],
  codes: readonly [Code, Code, Code],
  otherwise: Code | ReasonCode,
): ReasonCode {
  const kindOf = (proposals: readonly string[], kind: number) =>
    new Set(proposals.map((proposal) => proposal.split('-')[kind] ?? 'none'))
  const apart = codes.filter((_, kind) => {
    const theirs = kindOf(received, kind)
    return ![...kindOf(configured, kind)].some((word) => theirs.has(word))
  })
  return apart.length === 1 ? apart[0]! : otherwise
}

/** @param initiator and `responder` each from its own point of view */
export function negotiateIke(initiator: PeerSettings, responder: PeerSettings, path: Path): PhaseOne {
  const { version } = initiator
  const ends = `${responder.local}...${initiator.local}`
  if (responder.version !== version) {
    return {
      failed: {
        initiator: refusedProposal(version),
        responder: {
          code: 'IKE_VERSION_MISMATCH',
          lines: [`no IKE config found for ${ends}, sending NO_PROPOSAL_CHOSEN`],
        },
      },
    }
  }
  const proposal = initiator.proposals.find((each) => responder.proposals.includes(each))
  if (proposal === undefined) {
    return {
      failed: {
        initiator: refusedProposal(version),
        responder: {
          code: parted(initiator.proposals, responder.proposals, ikeMismatches, 'IKE_PROPOSAL_MISMATCH'),
          lines: [
            version === 1 ? 'no proposal found' : 'received proposals unacceptable',
            ...bothLists(initiator.proposals, responder.proposals, 'IKE'),
          ],
        },
      },
    }
  }
  for (const check of order[modeOf(initiator)]) {
    const failed = checks[check](initiator, responder, path)
    if (failed) return failed
  }
  return { proposal }
}

const refusedProposal = (version: 1 | 2): Complaint => ({
  code: 'IKE_PROPOSAL_OR_UNKNOWN_PEER',
  lines: [notify(version, 'NO_PROPOSAL_CHOSEN')],
})

type Check =
  | 'responderKey'
  | 'initiatorKey'
  | 'port4500'
  | 'keys'
  | 'initiatorId'
  | 'mode'
  | 'initiatorProof'
  | 'responderKind'
  | 'responderId'
  | 'responderProof'

/** Who looks at what first. */
const order: Readonly<Record<Mode, readonly Check[]>> = {
  // The key is part of the encryption from message 5 on, so it is needed before identities are read. Messages 5 and 6
  // have the certificates.
  main: [
    ...(['responderKey', 'initiatorKey', 'port4500', 'keys', 'initiatorId', 'mode'] as const),
    ...(['initiatorProof', 'responderKind', 'responderId', 'responderProof'] as const),
  ],
  // Identities come in clear in message 1. There are no certificates.
  aggressive: ['initiatorId', 'mode', 'responderKey', 'initiatorKey', 'responderId', 'keys', 'port4500'],
  ikev2: [
    ...(['initiatorKey', 'port4500', 'initiatorId', 'responderId'] as const),
    ...(['responderKey', 'keys', 'initiatorProof', 'responderProof'] as const),
  ],
}

const nat = ({ nat: own }: PeerSettings, other: PeerSettings): string[] =>
  own ? ['local host is behind NAT, sending keep alives'] : other.nat ? ['remote host is behind NAT'] : []

const looking = (mode: Mode, initiator: PeerSettings, responder: PeerSettings) =>
  mode === 'ikev2'
    ? `looking for peer configs matching ${responder.local}[${identityOf(initiator.remoteId)}]...${initiator.local}[${identityOf(initiator.localId)}]`
    : `looking for ${methodOf(initiator.certificate)} peer configs matching ${responder.local}...${initiator.local}[${identityOf(initiator.localId)}]`

/** What the initiator sees when the responder does not take its proof. */
const rejected = ({ version, certificate }: PeerSettings, more: readonly string[] = []): Complaint => ({
  code: certificate ? 'PEER_REJECTED_CERTIFICATE' : 'PEER_REJECTED_AUTH',
  lines: [notify(version, 'AUTHENTICATION_FAILED'), ...more],
})

/** What the responder has seen of an initiator that has told who it is. */
function seenOf(initiator: PeerSettings, responder: PeerSettings): string[] {
  const mode = modeOf(initiator)
  const { certificate } = initiator
  return [
    ...(mode === 'aggressive' ? [] : nat(responder, initiator)),
    ...(certificate && isShown(certificate, responder.certificate) ? [arrival(certificate)] : []),
    looking(mode, initiator, responder),
  ]
}

/** An aggressive-mode initiator that rejects says so unencrypted, and the responder may not act on that. */
const rejectedInAggressive = (initiator: PeerSettings, responder: PeerSettings): Complaint => ({
  code: 'PEER_REJECTED_AUTH',
  lines: [
    'queueing INFORMATIONAL_V1 request as tasks still active',
    looking('aggressive', initiator, responder),
  ],
})

const sent = ({ local, remote }: PeerSettings, port: 500 | 4500) =>
  `sending packet: from ${local}[${port}] to ${remote}[${port}]`
const gaveUp = 'giving up after 4 retransmits'

/** Nobody has answered a request of this end. */
export const silence = (
  code: ReasonCode,
  own: PeerSettings,
  port: 500 | 4500,
  context: string[] = [],
): Complaint => ({
  code,
  lines: [gaveUp, sent(own, port), ...context],
  bySilence: true,
})

const checks: Readonly<
  Record<Check, (initiator: PeerSettings, responder: PeerSettings, path: Path) => PhaseOne | undefined>
> = {
  responderKey(initiator, responder) {
    if (initiator.certificate || keyOf(responder) !== null) return undefined
    const mode = modeOf(initiator)
    const missing: Complaint = {
      code: responder.certificate ? 'AUTH_METHOD_MISMATCH' : 'PSK_MISSING',
      lines: [
        noKey(responder, mode),
        ...(mode === 'main' ? nat(responder, initiator) : seenOf(initiator, responder)),
      ],
    }
    if (mode === 'ikev2')
      return { failed: { initiator: rejected(initiator, nat(initiator, responder)), responder: missing } }
    const told: Complaint = { code: 'PEER_HAS_NO_PSK', lines: [notify(1, 'INVALID_KE_PAYLOAD')] }
    return { failed: { initiator: told, responder: missing } }
  },

  initiatorKey(initiator, responder) {
    if (initiator.certificate || keyOf(initiator) !== null) return undefined
    const mode = modeOf(initiator)
    const missing: Complaint = { code: 'PSK_MISSING', lines: [noKey(initiator, mode)] }
    if (mode !== 'aggressive') return { failed: { initiator: missing } }
    return { failed: { initiator: missing, responder: rejectedInAggressive(initiator, responder) } }
  },

  port4500(initiator, responder, { port4500 }) {
    if (port4500) return undefined
    const context = nat(initiator, responder)
    switch (modeOf(initiator)) {
      case 'main':
        return { failed: { initiator: silence('AUTH_SILENT', initiator, 4500, context) } }
      case 'aggressive':
        return {
          halfUp: true,
          failed: {
            initiator: silence('CHILD_TIMEOUT', initiator, 4500),
            responder: silence('IKE_TIMEOUT', responder, 500, [looking('aggressive', initiator, responder)]),
          },
        }
      case 'ikev2':
        return { failed: { initiator: silence('IKE_TIMEOUT', initiator, 4500, context) } }
    }
  },

  keys(initiator, responder) {
    if (initiator.certificate || responder.certificate || initiator.psk === responder.psk) return undefined
    const mismatch = (line: string, context: readonly string[]): Complaint => ({
      code: 'PSK_MISMATCH',
      lines: [line, ...context],
    })
    const here = nat(initiator, responder)
    const there = nat(responder, initiator)
    switch (modeOf(initiator)) {
      case 'main':
        return {
          failed: {
            initiator: mismatch('invalid HASH_V1 payload length, decryption failed?', here),
            responder: mismatch('invalid ID_V1 payload length, decryption failed?', there),
          },
        }
      case 'aggressive':
        return {
          failed: {
            initiator: mismatch('calculated HASH does not match HASH payload', []),
            responder: rejectedInAggressive(initiator, responder),
          },
        }
      case 'ikev2':
        return {
          failed: {
            initiator: rejected(initiator, here),
            responder: mismatch(
              `tried 1 shared key for '${identityOf(responder.localId)}' - '${identityOf(responder.remoteId)}', but MAC mismatched`,
              seenOf(initiator, responder),
            ),
          },
        }
    }
  },

  initiatorId(initiator, responder) {
    if (identityOf(initiator.localId) === identityOf(responder.remoteId)) return undefined
    return unknownIdentity(initiator, responder)
  },

  mode(initiator, responder) {
    const isOtherMode = initiator.aggressive !== responder.aggressive
    // Of two certificates the kinds are looked at later.
    const isOtherMethod = (initiator.certificate === null) !== (responder.certificate === null)
    if (!isOtherMode && !isOtherMethod) return undefined
    const method = methodOf(initiator.certificate)
    const mode = modeOf(initiator)
    const name = mode === 'main' ? 'Main' : 'Aggressive'
    return {
      failed: {
        initiator: rejected(initiator, mode === 'main' ? nat(initiator, responder) : []),
        responder: {
          code: isOtherMode ? 'MODE_MISMATCH' : 'AUTH_METHOD_MISMATCH',
          lines: [
            `found 1 matching config, but none allows ${method} authentication using ${name} Mode`,
            ...seenOf(initiator, responder),
          ],
        },
      },
    }
  },

  initiatorProof(initiator, responder, { now }) {
    const { certificate } = initiator
    if (!certificate) return undefined
    const found = distrust(responder.certificate, certificate, identityOf(initiator.localId), now)
    if (!found) return undefined
    const { code, line, before, after } = found
    return {
      failed: {
        initiator: rejected(initiator, nat(initiator, responder)),
        responder: { code, lines: [line, ...seenOf(initiator, responder), ...before, ...after] },
      },
    }
  },

  /** In IKEv1 both ends sign by the method that the initiator has proposed. */
  responderKind(initiator, responder) {
    const [theirs, own] = [initiator.certificate, responder.certificate]
    if (!theirs || !own || methodOf(theirs) === methodOf(own)) return undefined
    return {
      failed: {
        initiator: rejected(initiator, nat(initiator, responder)),
        responder: {
          code: 'CERT_KIND_MISMATCH',
          lines: [
            `no ${keyWord(theirs)} private key found for '${identityOf(responder.localId)}'`,
            ...seenOf(initiator, responder),
            trustedLine(theirs.issuer),
          ],
        },
      },
    }
  },

  /** It comes last, when for the responder everything is up already. */
  responderProof(initiator, responder, { now }) {
    const { certificate } = responder
    if (!certificate) return undefined
    const found = distrust(initiator.certificate, certificate, identityOf(responder.localId), now)
    if (!found) return undefined
    const { code, line, before, after } = found
    const shown = isShown(certificate, initiator.certificate) ? [arrival(certificate)] : []
    const told =
      initiator.version === 1
        ? 'received DELETE for IKE_SA'
        : 'parsed INFORMATIONAL request 2 [ N(AUTH_FAILED) ]'
    const believed = initiator.certificate ? [trustedLine(initiator.certificate.issuer)] : []
    return {
      failed: {
        initiator: { code, lines: [line, ...nat(initiator, responder), ...shown, ...before, ...after] },
        responder: {
          code: 'PEER_REJECTED_CERTIFICATE',
          lines: [told, ...seenOf(initiator, responder), ...believed],
        },
      },
    }
  },

  responderId(initiator, responder) {
    if (identityOf(initiator.remoteId) === identityOf(responder.localId)) return undefined
    const mode = modeOf(initiator)
    // In IKEv2 the initiator says whom it wants, and the responder finds that it is somebody else.
    if (mode === 'ikev2') return unknownIdentity(initiator, responder)
    const wrong: Complaint = {
      code: 'ID_MISMATCH',
      lines: [
        `IDir '${identityOf(responder.localId)}' does not match to '${identityOf(initiator.remoteId)}'`,
        ...(mode === 'main' ? nat(initiator, responder) : []),
      ],
    }
    return {
      failed: {
        initiator: wrong,
        responder:
          mode === 'main'
            ? { code: 'PEER_CLOSED', lines: ['received DELETE for IKE_SA'] }
            : rejectedInAggressive(initiator, responder),
      },
    }
  },
}

/** An end that uses a certificate has no key for the other. */
const keyOf = ({ psk, certificate }: PeerSettings) => (certificate ? null : psk)

const noKey = (own: PeerSettings, mode: Mode) =>
  mode === 'ikev2'
    ? `no shared key found for '${identityOf(own.localId)}' - '${identityOf(own.remoteId)}'`
    : `no shared key found for ${own.local} - ${own.remote}`

function unknownIdentity(initiator: PeerSettings, responder: PeerSettings): PhaseOne {
  const mode = modeOf(initiator)
  return {
    failed: {
      initiator: rejected(initiator, mode === 'aggressive' ? [] : nat(initiator, responder)),
      responder: {
        code: 'ID_MISMATCH',
        lines: [
          mode === 'ikev2' ? 'no matching peer config found' : 'no peer config found',
          ...seenOf(initiator, responder),
        ],
      },
    },
  }
}

// --- Phase 2 -------------------------------------------------------------------------------------------------

/** The CHILD_SAs that an end asks for: in IKEv2 one with all networks, in IKEv1 one for each pair. */
export function childrenOf(own: PeerSettings): readonly Selectors[] {
  const local = networksOf(own.localSubnets)
  const remote = networksOf(own.remoteSubnets)
  if (own.version === 2) return [{ local, remote }]
  return local.flatMap((one) => remote.map((other) => ({ local: [one], remote: [other] })))
}

const withoutGroup = (proposal: string) => proposal.replace(/-(modp|ecp|curve)\w+$/, '')
const pair = ({ local, remote }: Selectors) => `${local.join(' ')} === ${remote.join(' ')}`

/**
 * @param wanted one of `childrenOf(initiator)`
 * @param rekey the CHILD_SA replaces another one; in IKEv2 only then the group of PFS is spoken of (RFC 7296, 1.3.1)
 */
export function negotiateChild(
  initiator: PeerSettings,
  responder: PeerSettings,
  wanted: Selectors,
  rekey: boolean,
): PhaseTwo {
  const { version } = initiator
  const selectors = agreed(initiator, responder, wanted)
  if (!selectors) {
    return {
      failed: {
        initiator: {
          code: 'SUBNET_MISMATCH',
          lines: [
            version === 1
              ? 'received INVALID_ID_INFORMATION error notify'
              : 'received TS_UNACCEPTABLE notify, no CHILD_SA built',
          ],
        },
        responder:
          version === 2 && initiator.mode === 'transport'
            ? {
                code: 'ENCAPSULATION_MODE_MISMATCH',
                lines: ['traffic selectors  ===  unacceptable', asksForTransport],
              }
            : {
                code: 'SUBNET_MISMATCH',
                lines: [
                  version === 1
                    ? `no matching CHILD_SA config found for ${pair(wanted)}`
                    : `traffic selectors ${pair({ local: wanted.remote, remote: wanted.local })} unacceptable`,
                ],
              },
      },
    }
  }
  const speaksOfGroup = version === 1 || rekey
  const word = (proposal: string) => (speaksOfGroup ? proposal : withoutGroup(proposal))
  const [theirs, own] = [protects(initiator), protects(responder)]
  const [received, acceptable] = [theirs.proposals.map(word), own.proposals.map(word)]
  const isOneProtocol = theirs.protocol === own.protocol
  const proposal = isOneProtocol ? received.find((each) => acceptable.includes(each)) : undefined
  if (proposal !== undefined) return { proposal, selectors }

  const code = isOneProtocol
    ? parted(received, acceptable, espMismatches, 'ESP_PROPOSAL_MISMATCH')
    : 'SECURITY_PROTOCOL_MISMATCH'
  return {
    failed: {
      initiator: {
        // When a later one is refused in IKEv2, the group is what is new.
        code: version === 2 && rekey ? 'PFS_MISMATCH' : 'ESP_PROPOSAL_MISMATCH',
        lines: [
          version === 1
            ? 'received NO_PROPOSAL_CHOSEN error notify'
            : 'received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built',
          ...(rekey ? ['CHILD_SA rekeying failed, trying again in 15 seconds'] : []),
        ],
      },
      responder: {
        code,
        lines: [
          version === 1
            ? 'no matching proposal found, sending NO_PROPOSAL_CHOSEN'
            : 'no acceptable proposal found',
          ...bothLists(received, own.proposals, theirs.protocol, own.protocol),
        ],
      },
    },
  }
}

const protects = ({ ahProposals, espProposals }: PeerSettings) =>
  ahProposals.length > 0
    ? ({ protocol: 'AH', proposals: ahProposals } as const)
    : ({ protocol: 'ESP', proposals: espProposals } as const)

/** IKEv1 has no narrowing: both ends need the same pair. */
function agreed(initiator: PeerSettings, responder: PeerSettings, wanted: Selectors): Selectors | undefined {
  if (initiator.mode === 'transport' || responder.mode === 'transport') return undefined
  const [local, remote] = [networksOf(responder.remoteSubnets), networksOf(responder.localSubnets)]
  if (initiator.version === 1) {
    return local.includes(wanted.local[0]!) && remote.includes(wanted.remote[0]!) ? wanted : undefined
  }
  const narrowed = { local: common(wanted.local, local), remote: common(wanted.remote, remote) }
  return narrowed.local.length > 0 && narrowed.remote.length > 0 ? narrowed : undefined
}
