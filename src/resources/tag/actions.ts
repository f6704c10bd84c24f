import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import type { Scope } from '../counts.ts'
import { scopeOf } from '../scope.ts'
import type { Source } from '../write.ts'
import { checkTagFilters, checkTags, type TaggedKind } from './model.ts'
import { listTagResources, type resourceTypes, tagResources, unTagResources } from './spec.ts'
import { listTags, putTags, removeTags, tagsOf } from './store.ts'

type ResourceType = (typeof resourceTypes)[number]

const nouns = {
  VpnGateway: { kind: 'vpngateway', table: 'vpn_gateway', unknown: 'InvalidVpnGatewayInstanceId.NotFound' },
  VPNCONNECTION: {
    kind: 'vpnconnection',
    table: 'vpn_connection',
    unknown: 'InvalidVpnConnectionInstanceId.NotFound',
  },
  CUSTOMERGATEWAY: {
    kind: 'customergateway',
    table: 'customer_gateway',
    unknown: 'InvalidCustomerGatewayInstanceId.NotFound',
  },
  VPC: { kind: 'vpc', table: 'vpc', unknown: 'InvalidVpcId.NotFound' },
  VSWITCH: { kind: 'vswitch', table: 'vswitch', unknown: 'InvalidVSwitchId.NotFound' },
} as const

/** An attachment is a connection that is on no VPN gateway, and tagged like one. */
const nounOf = (type: ResourceType) => nouns[type === 'VPNATTACHMENT' ? 'VPNCONNECTION' : type]

async function checkExist(
  source: Source,
  scope: Scope,
  noun: (typeof nouns)[keyof typeof nouns],
  ids: readonly string[],
) {
  const rows = await source
    .selectFrom(noun.table)
    .select('id')
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('id', 'in', ids)
    .execute()
  const found = new Set(rows.map(({ id }) => id))
  if (ids.some((id) => !found.has(id))) throw apiError(noun.unknown)
}

/** The position after which the next page begins; opaque to callers. */
function parseNextToken(token: string | undefined): { id: string; key: string } {
  if (token === undefined) return { id: '', key: '' }
  try {
    const [id, key] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (typeof id === 'string' && typeof key === 'string') return { id, key }
  } catch {}
  throw apiError('InvalidNextToken')
}

export function tagActions({ db, write, quotas }: ResourceContext): Action[] {
  return [
    action(tagResources, (input, call) =>
      write(tagResources, input, call, async (trx) => {
        const scope = scopeOf(call)
        const noun = nounOf(input.ResourceType)
        const ids = [...new Set(input.ResourceId)]
        const tags = checkTags(input.Tag, quotas.tagsPerResource)
        await checkExist(trx, scope, noun, ids)
        const present = await tagsOf(trx, scope, noun.kind as TaggedKind, ids)
        for (const id of ids) {
          const keys = new Set([...(present.get(id) ?? []), ...tags].map(({ Key }) => Key))
          if (keys.size > quotas.tagsPerResource) {
            throw apiError('QuotaExceeded.TagNum', { limit: quotas.tagsPerResource })
          }
          await putTags(trx, scope, noun.kind, id, tags)
        }
        return {}
      }),
    ),

    action(unTagResources, (input, call) =>
      write(unTagResources, input, call, async (trx) => {
        const scope = scopeOf(call)
        const noun = nounOf(input.ResourceType)
        const ids = [...new Set(input.ResourceId)]
        if (!input.TagKey && !input.All) throw apiError('MissingTagKey')
        await checkExist(trx, scope, noun, ids)
        for (const id of ids) await removeTags(trx, scope, noun.kind, id, input.TagKey ?? 'all')
        return {}
      }),
    ),

    action(listTagResources, async (input, call) => {
      const noun = nounOf(input.ResourceType)
      if (!input.ResourceId && !input.Tag) throw apiError('MissingResourceId')
      const filters = checkTagFilters(input.Tag ?? [])
      const after = parseNextToken(input.NextToken)
      const rows = await listTags(
        db.kysely,
        scopeOf(call),
        noun.kind,
        input.ResourceId,
        filters,
        after,
        input.MaxResults + 1,
      )
      const page = rows.slice(0, input.MaxResults)
      const last = page.at(-1)
      return {
        ...(rows.length > page.length && last
          ? { NextToken: Buffer.from(JSON.stringify([last.resource_id, last.key])).toString('base64url') }
          : {}),
        TagResources: page.map((row) => ({
          ResourceId: row.resource_id,
          ResourceType: input.ResourceType,
          TagKey: row.key,
          TagValue: row.value,
        })),
      }
    }),
  ]
}
