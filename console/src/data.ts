/** What the pages show, as the API answers it, kept and refreshed by the query cache. */
import {
  keepPreviousData,
  type QueryClient,
  queryOptions,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { useCallback } from 'react'
import { listAccessKeys } from '../../src/resources/access-key/spec.ts'
import { lookupEvents } from '../../src/resources/audit-event/spec.ts'
import { describeCustomerGateways } from '../../src/resources/customer-gateway/spec.ts'
import { diagnoseVpnConnections, getVpnGatewayDiagnoseResult } from '../../src/resources/diagnosis/spec.ts'
import { suidaoListTunnelChanges, suidaoListTunnelSamples } from '../../src/resources/history/spec.ts'
import { suidaoListPeerConfigurations } from '../../src/resources/peer-config/spec.ts'
import { getPolicy, listPolicies, listPoliciesForUser } from '../../src/resources/policy/spec.ts'
import {
  suidaoGetAccessKeyRights,
  suidaoGetCallerRights,
  suidaoGetRoleRights,
} from '../../src/resources/rights/spec.ts'
import { getRole, listPoliciesForRole, listRoles } from '../../src/resources/role/spec.ts'
import { suidaoExplainRoute } from '../../src/resources/route-entry/spec.ts'
import { listUsers } from '../../src/resources/user/spec.ts'
import { describeVcoRouteEntries } from '../../src/resources/vco-route-entry/spec.ts'
import { describeVpcs } from '../../src/resources/vpc/spec.ts'
import {
  describeVpnConnection,
  describeVpnConnectionLogs,
  describeVpnConnections,
  downloadVpnConnectionConfig,
} from '../../src/resources/vpn-connection/spec.ts'
import { describeVpnGateways } from '../../src/resources/vpn-gateway/spec.ts'
import { describeVpnPbrRouteEntries } from '../../src/resources/vpn-pbr-route-entry/spec.ts'
import { describeVpnRouteEntries } from '../../src/resources/vpn-route-entry/spec.ts'
import { describeVSwitches } from '../../src/resources/vswitch/spec.ts'
import { suidaoListWebhooks } from '../../src/resources/webhook/spec.ts'
import type { ActionSpec } from '../../src/rpc/spec.ts'
import { type Answer, ApiFailure, call, readSession, type ServerFacts } from './api.ts'
import { serverNow } from './clock.ts'
import type { ConnectionExtra, ListExtra } from './health.ts'

/** Milliseconds after which an answer is asked for again, events or not. */
const refreshAfter = 15_000
const pageSize = 50
/** Pages asked for at the same time. */
const parallel = 4

type ListSpec = ActionSpec & {
  readonly params: { readonly PageNumber: unknown; readonly PageSize: unknown }
}

/** Every page of a list. `read` takes what it needs from each. */
async function everyPage<S extends ListSpec, T>(
  spec: S,
  params: object,
  read: (answer: Answer<S>) => readonly T[],
): Promise<readonly T[]> {
  const page = async (number: number) => {
    const asked = { ...params, PageNumber: number, PageSize: pageSize } as never
    const answer = await call(spec, asked)
    return { total: (answer as { TotalCount?: number }).TotalCount ?? 0, items: read(answer) }
  }
  const first = await page(1)
  const items = [...first.items]
  const pages = Math.ceil(first.total / pageSize)
  for (let next = 2; next <= pages; next += parallel) {
    const numbers = Array.from({ length: Math.min(parallel, pages - next + 1) }, (_, index) => next + index)
    for (const { items: more } of await Promise.all(numbers.map(page))) items.push(...more)
  }
  return items
}

type Listed<A, K extends keyof A, W extends string> =
  NonNullable<A[K]> extends { readonly [P in W]: readonly (infer I)[] } ? I : never

export type VpcItem = Listed<Answer<typeof describeVpcs>, 'Vpcs', 'Vpc'>
export type VSwitchItem = Listed<Answer<typeof describeVSwitches>, 'VSwitches', 'VSwitch'>
export type GatewayItem = Listed<Answer<typeof describeVpnGateways>, 'VpnGateways', 'VpnGateway'>
export type CustomerGatewayItem = Listed<
  Answer<typeof describeCustomerGateways>,
  'CustomerGateways',
  'CustomerGateway'
>
type PlainConnectionItem = Listed<Answer<typeof describeVpnConnections>, 'VpnConnections', 'VpnConnection'>
export type ConnectionItem = PlainConnectionItem & { readonly extra: ListExtra | undefined }
export type ConnectionAnswer = Answer<typeof describeVpnConnection, ConnectionExtra>
export type ChangeItem = Listed<Answer<typeof suidaoListTunnelChanges>, 'Changes', 'Change'>
export type SampleItem = Listed<Answer<typeof suidaoListTunnelSamples>, 'Samples', 'Sample'>

const live = { refetchInterval: refreshAfter, staleTime: 5_000 } as const

/** What the server is and how its daemons are; `first` is what was told at sign-in. */
export const serverFacts = (first: ServerFacts) =>
  queryOptions({
    queryKey: ['server'],
    queryFn: async () => (await readSession()).Server,
    initialData: first,
    ...live,
  })

export const vpcs = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'vpcs'],
    queryFn: () => everyPage(describeVpcs, { RegionId }, (answer) => answer.Vpcs?.Vpc ?? []),
    ...live,
  })

export const vSwitches = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'vswitches'],
    queryFn: () => everyPage(describeVSwitches, { RegionId }, (answer) => answer.VSwitches?.VSwitch ?? []),
    ...live,
  })

export const gateways = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'gateways'],
    queryFn: () =>
      everyPage(describeVpnGateways, { RegionId }, (answer) => answer.VpnGateways?.VpnGateway ?? []),
    ...live,
  })

export const customerGateways = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'customer-gateways'],
    queryFn: () =>
      everyPage(
        describeCustomerGateways,
        { RegionId },
        (answer) => answer.CustomerGateways?.CustomerGateway ?? [],
      ),
    ...live,
  })

const connectionsIn = (answer: Answer<typeof describeVpnConnections>): readonly ConnectionItem[] => {
  const extra = answer['X-Suidao'] as Readonly<Record<string, ListExtra>> | undefined
  return (answer.VpnConnections?.VpnConnection ?? []).map((item) => ({
    ...item,
    extra: extra?.[item.VpnConnectionId!],
  }))
}

export const connections = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'connections'],
    queryFn: () => everyPage(describeVpnConnections, { RegionId }, connectionsIn),
    ...live,
  })

const namesIn = (rows: readonly ConnectionItem[]): Readonly<Record<string, string>> =>
  Object.fromEntries(rows.map((row) => [row.VpnConnectionId!, row.Name || row.VpnConnectionId!]))

/** What connections are called, by id. It stays the same, and nothing is drawn anew, while only their states change. */
export function useConnectionNames(RegionId: string): (id: string | undefined) => string {
  const { data } = useQuery({ ...connections(RegionId), select: namesIn })
  return useCallback((id = '') => data?.[id] ?? id, [data])
}

export const connection = (RegionId: string, VpnConnectionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'connection', VpnConnectionId],
    queryFn: () =>
      call<typeof describeVpnConnection, ConnectionExtra>(describeVpnConnection, {
        RegionId,
        VpnConnectionId,
      }),
    refetchInterval: 5_000,
    retry: (count, error) => count < 2 && !(error instanceof ApiFailure && error.status >= 400),
  })

export const changes = (RegionId: string, VpnConnectionId?: string) =>
  queryOptions({
    queryKey: [RegionId, 'changes', VpnConnectionId ?? ''],
    queryFn: async () =>
      (await call(suidaoListTunnelChanges, { RegionId, VpnConnectionId, MaxResults: 100 })).Changes?.Change ??
      [],
    ...live,
  })

/** `hours` back from now. */
export const samples = (RegionId: string, VpnConnectionId: string, hours: number) =>
  queryOptions({
    queryKey: [RegionId, 'samples', VpnConnectionId, hours],
    queryFn: async () => {
      const From = Math.floor(serverNow() / 1000) - hours * 3600
      const answer = await call(suidaoListTunnelSamples, { RegionId, VpnConnectionId, From })
      return {
        span: answer.Span ?? 60,
        from: From * 1000,
        to: serverNow(),
        items: answer.Samples?.Sample ?? [],
      }
    },
    ...live,
  })

/** Texts by kind of device. */
type DeviceTexts = Readonly<Record<string, string>>

/** For devices at the other end, with stars for keys. */
export const peerConfigurations = (RegionId: string, VpnConnectionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'peer', VpnConnectionId],
    queryFn: async (): Promise<DeviceTexts> => {
      const answer = await call(suidaoListPeerConfigurations, { RegionId, VpnConnectionId })
      const listed = answer.PeerConfigurations?.PeerConfiguration ?? []
      return Object.fromEntries(listed.map(({ Device, Text }) => [Device!, Text!]))
    },
    ...live,
  })

/** The same with the keys. The call stands in the audit trail, and nothing of its answer is kept here. */
export async function revealPeerConfigurations(
  RegionId: string,
  VpnConnectionId: string,
): Promise<DeviceTexts> {
  const answer = await call<typeof downloadVpnConnectionConfig, { PeerConfigurations: DeviceTexts }>(
    downloadVpnConnectionConfig,
    { RegionId, VpnConnectionId },
  )
  return answer['X-Suidao']?.PeerConfigurations ?? {}
}

/** Lines of the last `minutes`, oldest first. */
export const logLines = (
  RegionId: string,
  VpnConnectionId: string,
  TunnelId: string,
  minutes: number,
  tail: boolean,
) =>
  queryOptions({
    queryKey: [RegionId, 'logs', TunnelId, minutes],
    queryFn: async () => {
      const To = Math.floor(serverNow() / 1000)
      const range = { RegionId, VpnConnectionId, TunnelId, From: To - minutes * 60, To, PageSize: pageSize }
      const lines: string[] = []
      for (let PageNumber = 1; PageNumber <= mostLogPages; PageNumber++) {
        const { Data, IsCompleted } = await call(describeVpnConnectionLogs, { ...range, PageNumber })
        lines.push(...(Data?.Logs ?? []))
        if (IsCompleted || !Data?.Logs.length) break
      }
      return lines
    },
    refetchInterval: tail ? 2_000 : false,
  })

const mostLogPages = 20

export const diagnosis = (RegionId: string, VpnConnectionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'connection', VpnConnectionId, 'diagnosis'],
    queryFn: async () =>
      (await call(diagnoseVpnConnections, { RegionId, VpnConnectionIds: [VpnConnectionId] }))
        .VpnConnections ?? [],
    refetchInterval: 5_000,
  })

export type GatewayDiagnosis = Answer<typeof getVpnGatewayDiagnoseResult>

/**
 * A diagnosis that somebody has started, asked for again until it is finished; `null`: none.
 *
 * @param DiagnoseId absent: the last one of the gateway, if it was of this connection
 */
export const gatewayDiagnosis = (
  RegionId: string,
  VpnGatewayId: string,
  VpnConnectionId: string,
  DiagnoseId: string | undefined,
) =>
  queryOptions({
    queryKey: [RegionId, 'gateway-diagnosis', VpnConnectionId, DiagnoseId ?? ''],
    queryFn: async (): Promise<GatewayDiagnosis | null> => {
      try {
        const answer = await call(getVpnGatewayDiagnoseResult, { RegionId, VpnGatewayId, DiagnoseId })
        return answer.ResourceInstanceId === VpnConnectionId ? answer : null
      } catch (error) {
        if (error instanceof ApiFailure && error.code === 'InvalidDiagnoseId.NotFound') return null
        throw error
      }
    },
    refetchInterval: ({ state }) => (state.data && state.data.FinishTime === undefined ? 1_000 : false),
  })

export type AuditItem = NonNullable<Answer<typeof lookupEvents>['Events']>[number]

/** Calls that changed something, newest first; of one resource when its id is given. */
export const auditEvents = (RegionId: string, resource?: string) =>
  queryOptions({
    queryKey: [RegionId, 'audit', resource ?? ''],
    queryFn: async () => {
      const of =
        resource === undefined ? {} : { LookupAttribute: [{ Key: 'ResourceName' as const, Value: resource }] }
      return (await call(lookupEvents, { RegionId, MaxResults: 50, ...of })).Events ?? []
    },
    ...live,
  })

/** Of what is kept, the newest part. */
export interface Past<T> {
  /** Newest first. */
  readonly items: readonly T[]
  /** Epoch milliseconds: from then on nothing is missing. 0: nothing is. */
  readonly since: number
  /** More of it can be asked for. */
  readonly hasMore: boolean
}

async function newestPages<T>(
  pages: number,
  ask: (next: string | undefined) => Promise<{ items: readonly T[]; next: string | undefined }>,
  timeOf: (item: T) => number,
): Promise<Past<T>> {
  const items: T[] = []
  let next: string | undefined
  for (let page = 0; page < pages && (page === 0 || next); page++) {
    const answer = await ask(next)
    items.push(...answer.items)
    next = answer.next
  }
  return { items, since: next ? timeOf(items.at(-1)!) : 0, hasMore: Boolean(next) }
}

/** @param pages of 100 changes each */
export const tunnelHistory = (RegionId: string, VpnConnectionId: string, pages: number) =>
  queryOptions({
    queryKey: [RegionId, 'changes', VpnConnectionId, 'history', pages],
    queryFn: () =>
      newestPages(
        pages,
        async (NextToken) => {
          const asked = { RegionId, VpnConnectionId, MaxResults: 100, NextToken }
          const answer = await call(suidaoListTunnelChanges, asked)
          return { items: answer.Changes?.Change ?? [], next: answer.NextToken }
        },
        ({ At }) => At ?? 0,
      ),
    placeholderData: keepPreviousData,
    ...live,
  })

/** As long as samples of tunnels are kept, milliseconds. */
const pastOfCalls = 31 * 24 * 3600_000

/**
 * Calls of the last 31 days that name one of the resources.
 *
 * @param pages of 50 calls each, for each resource
 */
export const callHistory = (RegionId: string, resources: readonly string[], pages: number) =>
  queryOptions({
    queryKey: [RegionId, 'audit', ...resources, 'history', pages],
    queryFn: async (): Promise<Past<AuditItem>> => {
      const begin = serverNow() - pastOfCalls
      const StartTime = `${new Date(begin).toISOString().slice(0, 19)}Z`
      const ofEach = resources.map((Value) =>
        newestPages(
          pages,
          async (NextToken) => {
            const LookupAttribute = [{ Key: 'ResourceName' as const, Value }]
            const asked = { RegionId, MaxResults: 50, StartTime, LookupAttribute, NextToken }
            const answer = await call(lookupEvents, asked)
            return { items: answer.Events ?? [], next: answer.NextToken }
          },
          ({ eventTime }) => Date.parse(eventTime ?? ''),
        ),
      )
      const all = await Promise.all(ofEach)
      // A call may name two of them.
      const items = [
        ...new Map(all.flatMap((past) => past.items.map((item) => [item.eventId, item]))).values(),
      ]
      const since = Math.max(begin, ...all.map((past) => past.since))
      return { items, since, hasMore: all.some(({ hasMore }) => hasMore) }
    },
    placeholderData: keepPreviousData,
    ...live,
  })

export type RouteItem = Listed<Answer<typeof describeVpnRouteEntries>, 'VpnRouteEntries', 'VpnRouteEntry'>
export type PolicyRouteItem = Listed<
  Answer<typeof describeVpnPbrRouteEntries>,
  'VpnPbrRouteEntries',
  'VpnPbrRouteEntry'
>

export const routes = (RegionId: string, VpnGatewayId: string) =>
  queryOptions({
    queryKey: [RegionId, 'routes', VpnGatewayId],
    queryFn: async () => {
      const [byDestination, byPolicy] = await Promise.all([
        everyPage(
          describeVpnRouteEntries,
          { RegionId, VpnGatewayId },
          (answer) => answer.VpnRouteEntries?.VpnRouteEntry ?? [],
        ),
        everyPage(
          describeVpnPbrRouteEntries,
          { RegionId, VpnGatewayId },
          (answer) => answer.VpnPbrRouteEntries?.VpnPbrRouteEntry ?? [],
        ),
      ])
      return { byDestination, byPolicy }
    },
    ...live,
  })

export type AttachmentRouteItem = NonNullable<
  Answer<typeof describeVcoRouteEntries>['VcoRouteEntries']
>[number]

/** Routes of an attachment: those that somebody made, then those of BGP. */
export const attachmentRoutes = (RegionId: string, VpnConnectionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'routes', VpnConnectionId],
    queryFn: async () => {
      const both = (['custom', 'bgp'] as const).map((RouteEntryType) =>
        everyPage(
          describeVcoRouteEntries,
          { RegionId, VpnConnectionId, RouteEntryType },
          (answer) => answer.VcoRouteEntries ?? [],
        ),
      )
      return (await Promise.all(both)).flat()
    },
    ...live,
  })

export type RouteAnswer = Answer<typeof suidaoExplainRoute>

/** Which route carries a packet, and why. */
export const routeOf = (RegionId: string, VpnGatewayId: string, SourceIp: string, DestinationIp: string) =>
  queryOptions({
    queryKey: [RegionId, 'route', VpnGatewayId, SourceIp, DestinationIp],
    queryFn: () => call(suidaoExplainRoute, { RegionId, VpnGatewayId, SourceIp, DestinationIp }),
  })

export type WebhookItem = Listed<Answer<typeof suidaoListWebhooks>, 'Webhooks', 'Webhook'>

export const webhooks = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'webhooks'],
    queryFn: async () => (await call(suidaoListWebhooks, { RegionId })).Webhooks?.Webhook ?? [],
    ...live,
  })

// --- Users, roles, keys and their policies. Nobody is told of changes: they are asked for again, as the rest is. ---

export type UserItem = Listed<Answer<typeof listUsers>, 'Users', 'User'>
export type KeyItem = Listed<Answer<typeof listAccessKeys>, 'AccessKeys', 'AccessKey'>
export type PolicyItem = Listed<Answer<typeof listPolicies>, 'Policies', 'Policy'>
export type RoleItem = Listed<Answer<typeof listRoles>, 'Roles', 'Role'>
export type AttachedPolicyItem = Listed<Answer<typeof listPoliciesForUser>, 'Policies', 'Policy'>
/** Of a key, whose own policy of a session may be in it, or of a role. */
export type Rights = Pick<Answer<typeof suidaoGetCallerRights>, 'Everything' | 'Statements' | 'Within'>

/** Every page of a list that goes on behind a marker. */
async function everyMarker<A extends { readonly IsTruncated?: boolean; readonly Marker?: string }, T>(
  ask: (page: { Marker?: string; MaxItems: number }) => Promise<A>,
  read: (answer: A) => readonly T[],
): Promise<readonly T[]> {
  const items: T[] = []
  let answer = await ask({ MaxItems: 1000 })
  items.push(...read(answer))
  while (answer.IsTruncated && answer.Marker !== undefined) {
    answer = await ask({ MaxItems: 1000, Marker: answer.Marker })
    items.push(...read(answer))
  }
  return items
}

export const users = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'users'],
    queryFn: () =>
      everyMarker(
        (page) => call(listUsers, page),
        ({ Users }) => Users?.User ?? [],
      ),
    ...live,
  })

export const policies = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'policies'],
    queryFn: () =>
      everyMarker(
        (page) => call(listPolicies, page),
        ({ Policies }) => Policies?.Policy ?? [],
      ),
    ...live,
  })

export const policyDocument = (RegionId: string, PolicyType: PolicyKind, PolicyName: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'policy', PolicyType, PolicyName],
    queryFn: async () =>
      (await call(getPolicy, { PolicyType, PolicyName })).DefaultPolicyVersion?.PolicyDocument ?? '',
    gcTime: 0,
  })

export type PolicyKind = 'System' | 'Custom'

/** Of a user; without a name those of whoever asks. */
export const accessKeys = (RegionId: string, UserName: string | undefined) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'keys', UserName ?? ''],
    queryFn: async () =>
      (await call(listAccessKeys, UserName === undefined ? {} : { UserName })).AccessKeys?.AccessKey ?? [],
    ...live,
  })

export const roles = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'roles'],
    queryFn: () =>
      everyMarker(
        (page) => call(listRoles, page),
        ({ Roles }) => Roles?.Role ?? [],
      ),
    ...live,
  })

export const role = (RegionId: string, RoleName: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'role', RoleName],
    queryFn: async () => (await call(getRole, { RoleName })).Role ?? {},
    gcTime: 0,
  })

export const attachedPolicies = (RegionId: string, kind: 'user' | 'role', name: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'attached', kind, name],
    queryFn: async () => {
      const { Policies } = await (kind === 'user'
        ? call(listPoliciesForUser, { UserName: name })
        : call(listPoliciesForRole, { RoleName: name }))
      return Policies?.Policy ?? []
    },
    ...live,
  })

/** Of whoever is signed in. */
export const callerRights = (RegionId: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'rights'],
    queryFn: (): Promise<Rights> => call(suidaoGetCallerRights, {}),
    ...live,
  })

export const keyRights = (RegionId: string, UserName: string | undefined, UserAccessKeyId: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'rights', 'key', UserAccessKeyId],
    queryFn: (): Promise<Rights> =>
      call(suidaoGetAccessKeyRights, {
        ...(UserName === undefined ? {} : { UserName }),
        UserAccessKeyId,
      }),
    ...live,
  })

export const roleRights = (RegionId: string, RoleName: string) =>
  queryOptions({
    queryKey: [RegionId, 'ram', 'rights', 'role', RoleName],
    queryFn: (): Promise<Rights> => call(suidaoGetRoleRights, { RoleName }),
    ...live,
  })

/** More changed connections than this are read with the whole list. */
const fewChanges = 30

/** Brings what is kept up to date with the keys that have changed. */
export async function refreshChanged(
  cache: QueryClient,
  region: string,
  keys: readonly string[],
): Promise<void> {
  const ids = keys
    .filter((key) => key.startsWith('connection:'))
    .map((key) => key.slice('connection:'.length))
  if (ids.length > 0) {
    for (const id of ids) {
      void cache.invalidateQueries({ queryKey: [region, 'connection', id] })
      // Without the call before it a change would look as if it had come by itself.
      void cache.invalidateQueries({ queryKey: [region, 'audit', id] })
    }
    void cache.invalidateQueries({ queryKey: [region, 'changes'] })
    await refreshRows(cache, region, ids)
  }
  if (keys.some((key) => key.startsWith('gateway:')) || ids.length > 0) {
    void cache.invalidateQueries({ queryKey: [region, 'gateways'] })
  }
}

async function refreshRows(cache: QueryClient, region: string, ids: readonly string[]): Promise<void> {
  const { queryKey } = connections(region)
  const read = cache.getQueryState(queryKey)
  if (read?.data === undefined) return
  // Rates and freshness change without a word. A list of which rows change all the time is read whole as often as any other.
  if (ids.length > fewChanges || Date.now() - read.dataUpdatedAt > refreshAfter) {
    await cache.invalidateQueries({ queryKey })
    return
  }
  const fresh = new Map<string, ConnectionItem | undefined>()
  await Promise.all(
    ids.map(async (VpnConnectionId) => {
      const answer = await call(describeVpnConnections, { RegionId: region, VpnConnectionId }).catch(
        () => undefined,
      )
      if (answer) fresh.set(VpnConnectionId, connectionsIn(answer)[0])
    }),
  )
  const putIn = () => {
    // The time of the whole list stays what it was: that of its oldest row.
    const updatedAt = cache.getQueryState(queryKey)?.dataUpdatedAt
    cache.setQueryData(queryKey, (rows) => rows && withFresh(rows, fresh), { updatedAt })
  }
  // A whole list that is on its way may have been read before these rows.
  const whole = cache.getQueryCache().find({ queryKey })
  if (whole?.state.fetchStatus === 'fetching') whole.promise?.then(putIn, () => undefined)
  putIn()
}

function withFresh(
  rows: readonly ConnectionItem[],
  fresh: ReadonlyMap<string, ConnectionItem | undefined>,
): readonly ConnectionItem[] {
  const known = new Set(rows.map(({ VpnConnectionId }) => VpnConnectionId!))
  const kept = rows.flatMap((row) => {
    const id = row.VpnConnectionId!
    if (!fresh.has(id)) return [row]
    const now = fresh.get(id)
    return now ? [now] : []
  })
  const added = [...fresh].flatMap(([id, row]) => (row && !known.has(id) ? [row] : []))
  return [...kept, ...added]
}

/** Everything of a region is read again; nobody waits for it. */
export const useRefreshRegion = (region: string) => {
  const cache = useQueryClient()
  return () => void cache.invalidateQueries({ queryKey: [region] })
}

export { useQuery }
