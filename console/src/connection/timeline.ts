/** What was done to a connection and what became of its tunnels, in one order of time. Pure. */
import type { AuditItem, ChangeItem } from '../data.ts'

/** A call that changed something, or was to. */
export interface Call {
  readonly id: string
  /** Epoch milliseconds at which it was accepted. */
  readonly at: number
  readonly name: string
  /** Of the user; absent: the account itself. */
  readonly user: string | undefined
  readonly address: string
  /** Code of the refusal. */
  readonly error: string | undefined
  readonly isWrite: boolean
  /** Ids of what it names. */
  readonly resources: readonly string[]
  readonly parameters: Readonly<Record<string, unknown>>
  /** By the path of the field. Secrets are stars on both sides. */
  readonly fields: readonly (readonly [path: string, before: unknown, after: unknown])[]
}

/** A change of a tunnel, and how long after the call under which it stands it came, in milliseconds. */
export interface Effect {
  readonly change: ChangeItem
  readonly after: number
}

/**
 * What came after a call:
 * - `changed`: at least one tunnel changed
 * - `none`: none did, as long as was waited
 * - `overtaken`: none did until the next call, which came before that
 * - `open`: none has so far, and the time is not over
 * - `untouched`: it was refused, or is of a kind that tunnels know nothing of
 */
export type Outcome = 'changed' | 'none' | 'overtaken' | 'open' | 'untouched'

export type Entry =
  | {
      readonly kind: 'call'
      readonly at: number
      readonly call: Call
      /** Oldest first. */
      readonly effects: readonly Effect[]
      readonly outcome: Outcome
    }
  /** No call came before it. */
  | { readonly kind: 'alone'; readonly at: number; readonly change: ChangeItem }

/**
 * For how long after a call a change of a tunnel is listed under it, in milliseconds. Long enough for a negotiation that is
 * not answered at once; short enough that an outage of the night does not stand under what was done in the evening.
 */
export const window = 60_000

export function callOf(item: AuditItem): Call {
  const changes = JSON.parse(item.changesJson ?? '{}') as Readonly<
    Record<string, { readonly before?: unknown; readonly after?: unknown }>
  >
  const { userIdentity } = item
  return {
    id: item.eventId!,
    at: Date.parse(item.eventTime!),
    name: item.eventName!,
    user: userIdentity?.type === 'root-account' ? undefined : userIdentity?.userName,
    address: item.sourceIpAddress ?? '',
    error: item.errorCode,
    isWrite: item.eventRW === 'Write',
    resources: (item.resourceName ?? '').split(';'),
    parameters: JSON.parse(item.requestParameterJson ?? '{}'),
    fields: Object.entries(changes).map(([path, { before, after }]) => [path, before, after] as const),
  }
}

/**
 * Whether a call is about a connection, of those that name it, its customer gateways or its VPN gateway: the last has other
 * connections, too.
 */
export function isAbout(call: Call, connectionId: string, gatewayId: string | undefined): boolean {
  if (gatewayId === undefined || !call.resources.includes(gatewayId)) return true
  const { NextHop, ResourceId, TagKey, Tag } = call.parameters
  const named = NextHop ?? ((TagKey ?? Tag) ? undefined : ResourceId)
  return named === undefined || named === connectionId
}

/** Of these no tunnel knows. */
const withoutTunnels = /^(Un)?TagResources$|^Diagnose|RouteEntry|^Create(?!VpnConnection$|VpnAttachment$)/i
const wordsOnly = /^(Name|Description|Tags?)(\.|$)/
/** Beside the tunnels that a call is for. */
const naming = new Set(['RegionId', 'VpnConnectionId', 'TunnelId', 'ClientToken', 'Mode', 'Name'])

function tunnelIdsIn({ parameters }: Call): ReadonlySet<unknown> | 'all' {
  const options = parameters['TunnelOptionsSpecification']
  const listed = Array.isArray(options) ? options : [options]
  const ids = [parameters['TunnelId'], ...listed.map((option) => option?.TunnelId)].filter(
    (id) => id !== undefined,
  )
  const isForAll = Object.keys(parameters).some(
    (name) => !naming.has(name) && name !== 'TunnelOptionsSpecification',
  )
  return ids.length === 0 || isForAll ? 'all' : new Set(ids)
}

function touches(call: Call): boolean {
  if (!call.isWrite || call.error !== undefined || withoutTunnels.test(call.name)) return false
  return call.fields.length === 0 || call.fields.some(([path]) => !wordsOnly.test(path))
}

/**
 * Newest first. A change stands under the last call before it that could have touched its tunnel, when that was at most
 * `window` before; otherwise alone. That it came after the call is all that is said.
 *
 * @param changes newest first, also those of one millisecond
 * @param now epoch milliseconds
 */
export function timelineOf(
  calls: readonly Call[],
  changes: readonly ChangeItem[],
  now: number,
): readonly Entry[] {
  const touching = calls
    .filter(touches)
    .map((call) => ({ call, tunnels: tunnelIdsIn(call) }))
    .sort((a, b) => a.call.at - b.call.at)
  const effects = new Map<Call, Effect[]>(touching.map(({ call }) => [call, []]))
  const alone: Entry[] = []
  for (const change of changes) {
    const at = change.At!
    const last = touching.findLast(
      ({ call, tunnels }) => call.at <= at && (tunnels === 'all' || tunnels.has(change.TunnelId)),
    )
    if (last && at - last.call.at <= window) {
      effects.get(last.call)!.push({ change, after: at - last.call.at })
    } else alone.push({ kind: 'alone', at, change })
  }
  const outcomeOf = (call: Call): Outcome => {
    const found = effects.get(call)
    if (!found) return 'untouched'
    if (found.length > 0) return 'changed'
    const next = touching.find((other) => other.call.at > call.at)
    if (next && next.call.at - call.at < window) return 'overtaken'
    return now - call.at < window ? 'open' : 'none'
  }
  const called = calls.map(
    (call): Entry => ({
      kind: 'call',
      at: call.at,
      call,
      effects: (effects.get(call) ?? []).toReversed().sort((a, b) => a.after - b.after),
      outcome: outcomeOf(call),
    }),
  )
  return [...called, ...alone].sort((a, b) => b.at - a.at)
}

/** A value of a field in one line. */
export const written = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
