/** An audited call as it is written down and shown: the vendor's event, in the fields that are known here. */
import type { AuditEvent } from '../../rpc/audit.ts'
import { vpcProduct } from '../../rpc/spec.ts'
import { identityOf } from '../identity/model.ts'

export interface AuditRecord {
  readonly acsRegion: string
  readonly apiVersion: string
  /** Ours: what it changed, `{"LocalSubnet":{"before":...,"after":...}}`. Absent where nothing is known to have changed. */
  readonly changesJson?: string
  /** Absent where the call succeeded. */
  readonly errorCode?: string
  readonly eventId: string
  readonly eventName: string
  readonly eventRW: 'Read' | 'Write'
  /** ISO 8601 with milliseconds, UTC. */
  readonly eventTime: string
  readonly eventType: 'ApiCall'
  readonly eventVersion: '1'
  readonly requestId: string
  readonly requestParameterJson: string
  readonly resourceName: string
  readonly resourceType: string
  readonly serviceName: string
  readonly sourceIpAddress: string
  readonly userAgent: string
  readonly userIdentity: {
    readonly accessKeyId: string
    readonly accountId: string
    readonly principalId: string
    readonly type: 'root-account' | 'ram-user' | 'assumed-role'
    readonly userName: string
  }
}

const serviceNames: Readonly<Record<string, string>> = {
  vpc: 'Vpc',
  sts: 'Sts',
  ram: 'Ram',
  actiontrail: 'Actiontrail',
}

/** `acs:vpc:<region>:<account>:<type>/<id>` -> type and id; for what was made, the id in the answer. */
function resourcesOf(event: AuditEvent): { types: string[]; names: string[] } {
  const named = event.resources.map((resource) => /:([\w-]+)\/([^/:]+)$/.exec(resource))
  const types = named.flatMap((match) => match?.[1] ?? [])
  const names = named.flatMap((match) => (match && match[2] !== '*' ? [match[2]!] : []))
  if (names.length > 0 || !event.results) return { types, names }
  // `CreateVpnGateway` answers with an order as well: the id is that of what the action names.
  const made = Object.entries(event.results).find(
    ([name]) => event.action.name === `Create${name.slice(0, -2)}`,
  )
  return { types, names: made ? [made[1]] : [] }
}

export function recordOf(event: AuditEvent): AuditRecord {
  const { action, principal, requestId } = event
  const { code, version } = action.product ?? vpcProduct
  const { types, names } = resourcesOf(event)
  const identity = identityOf(principal)
  return {
    eventId: requestId,
    eventVersion: '1',
    eventType: 'ApiCall',
    eventTime: new Date(event.time).toISOString(),
    eventName: action.name,
    eventRW: action.kind === 'write' ? 'Write' : 'Read',
    serviceName: serviceNames[code] ?? code,
    apiVersion: version,
    acsRegion: event.region,
    requestId,
    ...(event.code !== 'OK' && { errorCode: event.code }),
    sourceIpAddress: event.remoteAddress,
    userAgent: event.userAgent,
    userIdentity: {
      type: auditedAs[identity.type],
      accountId: principal.accountId,
      principalId: identity.principalId,
      accessKeyId: principal.accessKeyId,
      userName: principal.userName ?? 'root',
    },
    resourceType: [...new Set(types)].join(';'),
    resourceName: names.join(';'),
    requestParameterJson: JSON.stringify(event.parameters),
    ...(event.changes &&
      Object.keys(event.changes).length > 0 && { changesJson: JSON.stringify(event.changes) }),
  }
}

const auditedAs = { Account: 'root-account', RAMUser: 'ram-user', AssumedRoleUser: 'assumed-role' } as const

export interface Lookup {
  readonly accountId: string
  readonly region: string
  /** ISO 8601 with milliseconds, both included. */
  readonly from: string
  readonly to: string
  readonly attributes: readonly { readonly Key: AttributeKey; readonly Value: string }[]
}

export type AttributeKey = keyof typeof attributes

const attributes = {
  EventAccessKeyId: (record: AuditRecord) => [record.userIdentity.accessKeyId],
  EventId: (record: AuditRecord) => [record.eventId],
  EventName: (record: AuditRecord) => [record.eventName],
  EventRW: (record: AuditRecord) => [record.eventRW],
  ResourceName: (record: AuditRecord) => record.resourceName.split(';'),
  ResourceType: (record: AuditRecord) => record.resourceType.split(';'),
  ServiceName: (record: AuditRecord) => [record.serviceName],
  User: (record: AuditRecord) => [record.userIdentity.userName],
}

/** Whether an event is among those that are looked for: all attributes must be as given. */
export const matches = (
  record: AuditRecord,
  { accountId, region, from, to, attributes: wanted }: Lookup,
): boolean =>
  record.userIdentity.accountId === accountId &&
  record.acsRegion === region &&
  record.eventTime >= from &&
  record.eventTime <= to &&
  wanted.every(({ Key, Value }) => attributes[Key](record).includes(Value))
