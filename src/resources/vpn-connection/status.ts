/**
 * The only place where `State` and `Status` of gateways and connections are decided.
 *
 *   VPN gateway, Status                                      connection, State
 *
 *   provisioning ──observed──▶ active ◀──┐                   updating ──generation observed──▶ active
 *                                │       │ all observed         ▲                                │
 *                       changed, │       │                      └───────── modified ─────────────┤
 *              a connection of it│       │                                                       │
 *                       changed  ▼       │                                        deleting ◀─────┘ deleted
 *                             updating ──┘
 *   any ── deleted ──▶ deleting ──▶ (gone)
 *
 *   connection, Status: from the SAs of the running daemon
 *
 *   ike_sa_not_established      no IKE_SA: never tried, negotiating, refused, lost
 *   ike_sa_established          an IKE_SA and no CHILD_SA yet, phase 2 under way or about to be
 *   ipsec_sa_not_established    an IKE_SA, and phase 2 has failed since it came up
 *   ipsec_sa_established        at least one CHILD_SA is installed; one that is re-keyed counts
 *
 * Everything here is a pure function of stored facts. Nobody stores these words.
 */

export type ConnectionStatus =
  | 'ike_sa_not_established'
  | 'ike_sa_established'
  | 'ipsec_sa_not_established'
  | 'ipsec_sa_established'
export type ConnectionState = 'active' | 'updating' | 'deleting'
export type GatewayStatus = 'provisioning' | 'active' | 'updating' | 'deleting'

/** What reconcile has recorded of a tunnel; all `null` when no engine has reported yet. */
export interface ObservedTunnel {
  readonly observed_generation: number | null
  /** Number of established IKE_SAs and installed CHILD_SAs. */
  readonly ike_established: number | null
  readonly child_installed: number | null
  readonly phase2_failed: number | null
  readonly reported_at: number | null
}

/** Unknown is not up: without a report the answer is the lowest word, and the extra block says "unknown". */
export function deriveConnectionStatus(seen: ObservedTunnel): ConnectionStatus {
  if (seen.child_installed) return 'ipsec_sa_established'
  if (!seen.ike_established) return 'ike_sa_not_established'
  return seen.phase2_failed ? 'ipsec_sa_not_established' : 'ike_sa_established'
}

const fromWorst: readonly ConnectionStatus[] = [
  'ike_sa_not_established',
  'ipsec_sa_not_established',
  'ike_sa_established',
  'ipsec_sa_established',
]

/** Of a connection with two tunnels: the better of both, since one that is up carries the traffic. */
export function deriveStatusOfBoth(first: ObservedTunnel, second: ObservedTunnel): ConnectionStatus {
  const [a, b] = [deriveConnectionStatus(first), deriveConnectionStatus(second)]
  return fromWorst.indexOf(a) >= fromWorst.indexOf(b) ? a : b
}

/** Of a tunnel, and of the connection that has no other. */
export function deriveConnectionState(
  connection: { readonly deleted_at: number | null },
  tunnel: Pick<ObservedTunnel, 'observed_generation'> & { readonly generation: number },
): ConnectionState {
  if (connection.deleted_at !== null) return 'deleting'
  return tunnel.observed_generation === tunnel.generation ? 'active' : 'updating'
}

/** Of a connection that is on no VPN gateway: `init` is bound to nothing, which an attachment is here for good. */
export function deriveAttachmentState(
  connection: { readonly deleted_at: number | null },
  tunnel: Pick<ObservedTunnel, 'observed_generation'> & { readonly generation: number },
): 'init' | 'provisioning' | 'updating' | 'deleting' {
  const state = deriveConnectionState(connection, tunnel)
  if (state === 'active') return 'init'
  return state === 'updating' && tunnel.observed_generation === null ? 'provisioning' : state
}

export function deriveGatewayStatus(
  row: { readonly deleted_at: number | null; readonly generation: number },
  seen: { readonly observed_generation: number | null; readonly busyConnections: boolean },
): GatewayStatus {
  if (row.deleted_at !== null) return 'deleting'
  if (seen.observed_generation === null) return 'provisioning'
  return seen.observed_generation === row.generation && !seen.busyConnections ? 'active' : 'updating'
}

/**
 * `success` or `false` (sic, a text), as in the document of November 2021 and today's page of the modify action.
 * A session that is not wanted is not established.
 */
export function deriveBgpStatus(established: number | null): 'success' | 'false' {
  return established ? 'success' : 'false'
}

/** A check that is switched off reads `success`, as the document's example shows it. */
export function deriveHealthCheckStatus(enabled: boolean, succeeding: number | null): 'success' | 'failed' {
  return !enabled || succeeding ? 'success' : 'failed'
}

export type Freshness = 'current' | 'stale' | 'unknown'

/** `staleAfter` in milliseconds. */
export function deriveFreshness(reportedAt: number | null, now: number, staleAfter: number): Freshness {
  if (reportedAt === null) return 'unknown'
  return now - reportedAt <= staleAfter ? 'current' : 'stale'
}
