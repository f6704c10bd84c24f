/** What the actions of every noun are given, once, at start. */
import type { Database } from '../db/open.ts'
import type { Logbook } from '../logbook/logbook.ts'
import type { Sealer } from '../seal.ts'
import type { AuditTrail } from './audit-event/store.ts'
import type { Paging } from './paging.ts'
import type { Write } from './write.ts'

export interface Quotas {
  readonly vpnGateways: number
  readonly connectionsPerGateway: number
  readonly customerGateways: number
  readonly destinationRoutesPerGateway: number
  readonly policyRoutesPerGateway: number
  readonly networksPerBgpSession: number
  readonly subnetsPerSide: number
  readonly tagsPerResource: number
}

export interface ResourceContext {
  readonly db: Database
  readonly sealer: Sealer
  readonly write: Write
  readonly paging: Paging
  readonly audit: AuditTrail
  /** What happened to each tunnel; absent on a node that runs none. */
  readonly logs?: Pick<Logbook, 'read'>
  readonly quotas: Quotas
  /** Outside addresses that VPN gateways are given, as unsigned numbers, first and last included. */
  readonly addressPool: { readonly first: number; readonly last: number }
  /** A stored report older than this many milliseconds is called stale. */
  readonly staleAfter: number
}

/** What changed, told to reconcile after the commit. */
export type ChangeKey = `gateway:${string}` | `tunnel:${string}` | `diagnosis:${string}`
