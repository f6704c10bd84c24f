/** What we are set to beside what the peer offered, or agreed to. Pure. */
import type { ReasonCode } from '../../../src/engine/reason.ts'
import { mainSa, type TunnelView } from './tunnels.ts'

export interface Word {
  readonly text: string
  /** The other side has no such word. */
  readonly differs: boolean
}

export interface Compared {
  readonly what: 'ike' | 'esp' | 'ids' | 'subnets'
  readonly ours: readonly Word[]
  /** Empty: nothing was heard of it. */
  readonly theirs: readonly Word[]
  /** `offered`: it was refused. `agreed`: it is in use. */
  readonly how: 'offered' | 'agreed' | undefined
}

/** What `DiagnoseVpnConnections` tells of both ends when they do not agree. */
export interface Refused {
  readonly MismatchLocalParam?: string
  readonly MismatchRemoteParam?: string
}

const concerns: Readonly<Partial<Record<ReasonCode, Compared['what']>>> = {
  IKE_ENCRYPTION_MISMATCH: 'ike',
  IKE_AUTHENTICATION_MISMATCH: 'ike',
  IKE_DH_GROUP_MISMATCH: 'ike',
  IKE_PROPOSAL_MISMATCH: 'ike',
  IKE_PROPOSAL_OR_UNKNOWN_PEER: 'ike',
  IKE_VERSION_MISMATCH: 'ike',
  MODE_MISMATCH: 'ike',
  ESP_ENCRYPTION_MISMATCH: 'esp',
  ESP_AUTHENTICATION_MISMATCH: 'esp',
  ESP_PROPOSAL_MISMATCH: 'esp',
  PFS_MISMATCH: 'esp',
  ID_MISMATCH: 'ids',
  PSK_MISSING: 'ids',
  SUBNET_MISMATCH: 'subnets',
  SUBNETS_NARROWED: 'subnets',
}

/** Our settings in the words in which daemons tell what was negotiated (strongSwan's proposals). */
const daemonWords: Readonly<Record<string, string>> = {
  aes: 'aes128',
  group1: 'modp768',
  group2: 'modp1024',
  group5: 'modp1536',
  group14: 'modp2048',
}

const proposalOf = (...settings: readonly (string | undefined)[]) =>
  settings
    .filter((one) => one !== undefined && one !== 'disabled')
    .map((one) => daemonWords[one!] ?? one)
    .join('-')

const isGroup = (word: string) => /^(modp|ecp|curve)/.test(word)

/** What stands between two settings; a network keeps its `/`. */
const between = /(\s+|,\s*|\/(?=[A-Za-z])|-(?=[a-z])|(?<=^|[\s,])(?:IKE|ESP|AH):|(?:LocalId|RemoteId) |↔)/

/** Settings and, between them, what stands there. */
const cut = (text: string): readonly string[] => text.split(between).filter((part) => part !== '')

const isSetting = (part: string) => /[\p{L}\p{N}]/u.test(part) && !between.test(part)

function marked(text: string, other: string, mayLack: (word: string) => boolean = () => false): Word[] {
  const known = new Set(cut(other).map((word) => word.toLowerCase()))
  return cut(text).map((word) => ({
    text: word,
    differs: other !== '' && isSetting(word) && !known.has(word.toLowerCase()) && !mayLack(word),
  }))
}

export function compareEnds(
  tunnel: TunnelView,
  local: string,
  remote: string,
  refused: Refused | undefined,
): readonly Compared[] {
  const { ike, ipsec, facts } = tunnel
  const concerned = refused && facts.Reason && concerns[facts.Reason.Code]
  const ikeSa = mainSa(facts.IkeSas)
  const childSa = mainSa(facts.ChildSas)
  const row = (what: Compared['what'], ours: string, agreed: string | undefined): Compared => {
    if (concerned === what && (refused?.MismatchLocalParam || refused?.MismatchRemoteParam)) {
      const [left, right] = [refused.MismatchLocalParam || ours, refused.MismatchRemoteParam ?? '']
      return {
        what,
        ours: marked(left, right),
        theirs: right === '' ? [] : marked(right, left),
        how: 'offered',
      }
    }
    if (!agreed) return { what, ours: marked(ours, ''), theirs: [], how: undefined }
    // The first CHILD_SA of IKEv2 takes its keys from IKE and names no group (RFC 7296, 1.2).
    const withoutGroup = !cut(agreed).some(isGroup)
    return {
      what,
      ours: marked(ours, agreed, (word) => withoutGroup && isGroup(word)),
      theirs: marked(agreed, ours),
      how: 'agreed',
    }
  }
  return [
    row(
      'ike',
      `${ike.IkeVersion ?? ''} ${proposalOf(ike.IkeEncAlg, ike.IkeAuthAlg, ike.IkePfs)}`,
      ikeSa?.proposal && `${ikeSa.version} ${ikeSa.proposal}`,
    ),
    row('esp', proposalOf(ipsec.IpsecEncAlg, ipsec.IpsecAuthAlg, ipsec.IpsecPfs), childSa?.proposal),
    row(
      'ids',
      `${ike.LocalId ?? ''} ↔ ${ike.RemoteId ?? ''}`,
      ikeSa?.remoteId && `${ikeSa.localId ?? ''} ↔ ${ikeSa.remoteId}`,
    ),
    row(
      'subnets',
      `${local} ↔ ${remote}`,
      childSa && `${childSa.localSelectors.join(',')} ↔ ${childSa.remoteSelectors.join(',')}`,
    ),
  ]
}
