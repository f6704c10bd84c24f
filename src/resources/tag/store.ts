import { type ExpressionBuilder, sql } from 'kysely'
import type { Schema } from '../../db/schema.ts'
import type { Scope } from '../counts.ts'
import type { Source, Trx } from '../write.ts'
import type { Tag, TagFilter, TaggedKind } from './model.ts'

/** Tags of many resources at once, in order of their keys. */
export async function tagsOf(
  source: Source,
  scope: Scope,
  kind: TaggedKind,
  ids: readonly string[],
): Promise<Map<string, Tag[]>> {
  const tags = new Map<string, Tag[]>(ids.map((id) => [id, []]))
  if (ids.length === 0) return tags
  const rows = await source
    .selectFrom('tag')
    .select(['resource_id', 'key', 'value'])
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('resource_type', '=', kind)
    .where('resource_id', 'in', ids)
    .orderBy('key')
    .execute()
  for (const row of rows) tags.get(row.resource_id)?.push({ Key: row.key, Value: row.value })
  return tags
}

/** Adds tags; an existing key gets the new value. */
export async function putTags(
  trx: Trx,
  scope: Scope,
  kind: TaggedKind,
  id: string,
  tags: readonly Tag[],
): Promise<void> {
  if (tags.length === 0) return
  await trx
    .insertInto('tag')
    .values(
      tags.map(({ Key, Value }) => ({
        account_id: scope.accountId,
        region: scope.region,
        resource_type: kind,
        resource_id: id,
        key: Key,
        value: Value,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'region', 'resource_type', 'resource_id', 'key'])
        .doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
    )
    .execute()
}

/** `keys: 'all'` removes every tag of the resource. */
export async function removeTags(
  trx: Trx,
  scope: Scope,
  kind: TaggedKind,
  id: string,
  keys: readonly string[] | 'all',
): Promise<void> {
  let query = trx
    .deleteFrom('tag')
    .where('account_id', '=', scope.accountId)
    .where('region', '=', scope.region)
    .where('resource_type', '=', kind)
    .where('resource_id', '=', id)
  if (keys !== 'all') query = query.where('key', 'in', keys)
  await query.execute()
}

/** For a list filter: the resource whose id is in `idColumn` carries every given tag. */
export function carries<DB extends Schema, TB extends keyof DB>(
  eb: ExpressionBuilder<DB, TB>,
  scope: Scope,
  kind: TaggedKind,
  idColumn: string,
  filters: readonly TagFilter[],
) {
  return eb.and(
    filters.map(
      ({ Key, Value }) =>
        sql<boolean>`${sql.ref(idColumn)} in (select tag.resource_id from tag where tag.account_id = ${scope.accountId}
          and tag.region = ${scope.region} and tag.resource_type = ${kind} and tag.key = ${Key}
          ${Value === undefined ? sql`` : sql`and tag.value = ${Value}`})`,
    ),
  )
}

/** Tags in order of resource and key, after the given position. */
export async function listTags(
  source: Source,
  scope: Scope,
  kind: TaggedKind,
  ids: readonly string[] | undefined,
  filters: readonly TagFilter[],
  after: { readonly id: string; readonly key: string },
  limit: number,
): Promise<{ resource_id: string; key: string; value: string }[]> {
  let query = source
    .selectFrom('tag')
    .select(['tag.resource_id', 'tag.key', 'tag.value'])
    .where('tag.account_id', '=', scope.accountId)
    .where('tag.region', '=', scope.region)
    .where('tag.resource_type', '=', kind)
    .where((eb) =>
      eb.or([
        eb('tag.resource_id', '>', after.id),
        eb.and([eb('tag.resource_id', '=', after.id), eb('tag.key', '>', after.key)]),
      ]),
    )
  if (ids) query = query.where('tag.resource_id', 'in', ids)
  if (filters.length > 0) {
    query = query.where((eb) =>
      eb.and(
        filters.map(({ Key, Value }) =>
          eb.exists(
            eb
              .selectFrom('tag as other')
              .select('other.key')
              .whereRef('other.account_id', '=', 'tag.account_id')
              .whereRef('other.region', '=', 'tag.region')
              .whereRef('other.resource_type', '=', 'tag.resource_type')
              .whereRef('other.resource_id', '=', 'tag.resource_id')
              .where('other.key', '=', Key)
              .$if(Value !== undefined, (q) => q.where('other.value', '=', Value!)),
          ),
        ),
      ),
    )
  }
  return query.orderBy('tag.resource_id').orderBy('tag.key').limit(limit).execute()
}
