/** From what was seen of a tunnel to a verdict. Pure. */
import { type ReasonCode, reasons, type Text } from '../../engine/reason.ts'
import {
  type ConnectionStatus,
  deriveConnectionStatus,
  deriveFreshness,
  type Freshness,
} from '../vpn-connection/status.ts'

/** A tunnel with its last report, as `store.ts` reads it. */
export interface DiagnosedTunnel {
  readonly connection_id: string
  readonly tunnel_id: string
  /** 1: its connection has two tunnels. */
  readonly dual: number
  readonly ike_version: string
  readonly ike_mode: string
  readonly local_id: string
  readonly remote_id: string
  readonly local_subnet: string
  readonly remote_subnet: string
  readonly observed_generation: number | null
  readonly ike_established: number | null
  readonly child_installed: number | null
  readonly phase2_failed: number | null
  readonly reason_code: string | null
  readonly reason_since: number | null
  readonly reason_evidence: string | null
  readonly reported_at: number | null
}

export interface Verdict {
  readonly connectionId: string
  readonly tunnelId: string
  readonly dual: boolean
  readonly status: ConnectionStatus
  readonly freshness: Freshness
  /** Epoch milliseconds of the last report. */
  readonly reportedAt?: number
  /** Absent: no exception was found, or nothing is known; see `freshness`. */
  readonly code?: ReasonCode
  /** Epoch milliseconds. */
  readonly since?: number
  readonly evidence: readonly string[]
  readonly mismatch: Mismatch
}

/** What the two ends have where they differ, as far as it was seen. Never a key. */
export interface Mismatch {
  readonly local?: string
  readonly remote?: string
}

/** @param staleAfter milliseconds */
export function verdictOf(tunnel: DiagnosedTunnel, now: number, staleAfter: number): Verdict {
  const code = (tunnel.reason_code ?? undefined) as ReasonCode | undefined
  const evidence: readonly string[] = JSON.parse(tunnel.reason_evidence ?? '[]')
  return {
    connectionId: tunnel.connection_id,
    tunnelId: tunnel.tunnel_id,
    dual: tunnel.dual === 1,
    status: deriveConnectionStatus(tunnel),
    freshness: deriveFreshness(tunnel.reported_at, now, staleAfter),
    reportedAt: tunnel.reported_at ?? undefined,
    code,
    since: tunnel.reason_since ?? undefined,
    evidence,
    mismatch: code ? mismatchOf(code, evidence, tunnel) : {},
  }
}

/**
 * An end that nobody reports of is no end at which nothing is wrong. The vendor has no word for it.
 */
const notReported: Readonly<Record<Exclude<Freshness, 'current'>, Text>> = {
  unknown: { en: 'No gateway node has reported on the tunnel yet', zh: '尚无网关节点上报该隧道的状态' },
  stale: { en: 'The gateway node does not report any more', zh: '网关节点已停止上报状态' },
}
const nothingWrong: Text = { en: 'No exception was found', zh: '未发现异常' }

/** How a verdict is told in the vendor's fields. */
export function viewVerdict(verdict: Verdict) {
  const { code, evidence, mismatch, freshness } = verdict
  const reason = code && reasons[code]
  const lost = freshness === 'current' ? undefined : notReported[freshness]
  const title = lost ?? reason?.title ?? nothingWrong
  return {
    FailedReason: title.en,
    FailedReasonCode: lost ? 'NegotiationFailed' : (reason?.vendorCode ?? 'NoExceptionFound'),
    FailedTime: lost ? verdict.reportedAt : verdict.since,
    MismatchLocalParam: mismatch.local,
    MismatchRemoteParam: mismatch.remote,
    Severity: lost ? 'Warn' : (reason?.severity ?? 'Normal'),
    SourceLog: evidence[0],
    TunnelId: verdict.dual ? verdict.tunnelId : undefined,
    VpnConnectionId: verdict.connectionId,
  }
}

/** The finer reason and what to do about it, in both languages. */
export function viewVerdictExtra({
  code,
  evidence,
  freshness,
  status,
  since,
  reportedAt,
  ...verdict
}: Verdict) {
  const reason = code && reasons[code]
  const lost = freshness === 'current' ? undefined : notReported[freshness]
  return {
    VpnConnectionId: verdict.connectionId,
    TunnelId: verdict.tunnelId,
    Status: status,
    Freshness: freshness,
    AsOf: reportedAt,
    Code: code,
    Phase: reason?.phase,
    Since: since,
    Title: lost ?? reason?.title ?? nothingWrong,
    Remedy: reason?.remedy,
    Evidence: evidence,
  }
}

const afterColon = (evidence: readonly string[], ...prefixes: readonly string[]): string | undefined => {
  for (const prefix of prefixes) {
    const line = evidence.find((text) => text.startsWith(prefix))
    if (line) return line.slice(prefix.length)
  }
  return undefined
}
const found = (evidence: readonly string[], pattern: RegExp): string | undefined =>
  evidence.map((text) => pattern.exec(text)?.[1]).find((text) => text !== undefined)

function mismatchOf(code: ReasonCode, evidence: readonly string[], tunnel: DiagnosedTunnel): Mismatch {
  switch (code) {
    case 'IKE_ENCRYPTION_MISMATCH':
    case 'IKE_AUTHENTICATION_MISMATCH':
    case 'IKE_DH_GROUP_MISMATCH':
    case 'IKE_PROPOSAL_MISMATCH':
    case 'IKE_PROPOSAL_OR_UNKNOWN_PEER':
    case 'ESP_ENCRYPTION_MISMATCH':
    case 'ESP_AUTHENTICATION_MISMATCH':
    case 'ESP_PROPOSAL_MISMATCH':
    case 'PFS_MISMATCH':
    case 'SECURITY_PROTOCOL_MISMATCH':
      return {
        local: afterColon(evidence, 'configured proposals: ', 'offered: '),
        remote: afterColon(evidence, 'received proposals: '),
      }
    case 'SUBNET_MISMATCH':
      // The daemon speaks of them from our side.
      return {
        local: `${tunnel.local_subnet} === ${tunnel.remote_subnet}`,
        remote: found(evidence, /^(?:traffic selectors|no matching CHILD_SA config found for) (\S+ === \S+)/),
      }
    case 'SUBNETS_NARROWED':
      return { local: `${tunnel.local_subnet} === ${tunnel.remote_subnet}`, remote: evidence[0] }
    case 'ID_MISMATCH':
    case 'PSK_MISSING':
      return {
        local: `LocalId ${tunnel.local_id}, RemoteId ${tunnel.remote_id}`,
        remote:
          found(evidence, /^IDi?r '(.*)' does not match to /) ??
          found(evidence, /^looking for .*peer configs matching (.+)$/),
      }
    case 'IKE_VERSION_MISMATCH':
      return { local: tunnel.ike_version, remote: tunnel.ike_version === 'ikev1' ? 'ikev2' : 'ikev1' }
    case 'ENCAPSULATION_MODE_MISMATCH':
      return { local: 'tunnel', remote: 'transport' }
    case 'MODE_MISMATCH':
      return { local: tunnel.ike_mode, remote: tunnel.ike_mode === 'main' ? 'aggressive' : 'main' }
    default:
      return {}
  }
}
