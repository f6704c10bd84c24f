import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../db/open.ts'
import type { Row } from '../../db/schema.ts'
import type { Credential, FindCredential, PolicyStatement } from '../../rpc/authorize.ts'
import { HmacKey } from '../../rpc/hmac.ts'
import type { Sealer } from '../../seal.ts'
import type { Secret } from '../../secret.ts'
import { systemPolicies } from '../policy/model.ts'
import { ensureUser } from '../user/store.ts'
import type { Source, Trx } from '../write.ts'
import {
  type AccessKey,
  AccessKeyError,
  type AccessKeyStatus,
  assertIdentifier,
  assertSecret,
  newAccessKeyId,
  newSecret,
  newSecurityToken,
  newTemporaryKeyId,
  parsePolicy,
} from './model.ts'

export type KeyRow = Row<'access_key'>

/** @returns whether the account is new; one that exists is left as it is. */
export async function createAccount(
  db: Database,
  account: { readonly id: string; readonly name: string },
  now: number,
): Promise<boolean> {
  assertIdentifier('account', account.id)
  const inserted = await db.kysely
    .insertInto('account')
    .values({ ...account, created_at: now })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return Number(inserted.numInsertedOrUpdatedRows) > 0
}

/** Ids of all accounts, oldest first. */
export async function listAccounts(db: Database): Promise<readonly string[]> {
  const rows = await db.kysely
    .selectFrom('account')
    .select('id')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

export interface NewAccessKey {
  readonly accountId: string
  /** A RAM user; the account itself when left out. */
  readonly userName?: string
  /** The role whose session this is, named by `userName`, and the session's own policy. */
  readonly role?: { readonly name: string; readonly within?: readonly PolicyStatement[] }
  /** What the key may do. A key of a RAM user without statements may do nothing, one of the account everything. */
  readonly statements?: readonly PolicyStatement[]
  /** Both chosen by the operator, for a key that exists elsewhere already; made up when left out. */
  readonly known?: { readonly id: string; readonly secret: Secret }
  /** Makes a temporary key, with a security token, that ends then (epoch milliseconds). */
  readonly expiresAt?: number
}

const endedFor = 24 * 3600 * 1000

interface MadeAccessKey {
  readonly id: string
  readonly secret: Secret
  readonly securityToken?: Secret
}

/**
 * The secret is in the answer and cannot be had again.
 *
 * @throws AccessKeyError when the account does not exist, the id is taken, or a name cannot be one.
 */
export const createAccessKey = (
  db: Database,
  sealer: Sealer,
  key: NewAccessKey,
  now: number,
): Promise<MadeAccessKey> => db.transaction((trx) => insertAccessKey(trx, sealer, key, now))

/** As `createAccessKey`, in the transaction of the caller. A user who is not there is made. */
export async function insertAccessKey(
  trx: Trx,
  sealer: Sealer,
  key: NewAccessKey,
  now: number,
): Promise<MadeAccessKey> {
  const temporary = key.expiresAt !== undefined
  const id = key.known?.id ?? (temporary ? newTemporaryKeyId() : newAccessKeyId())
  const secret = key.known?.secret ?? newSecret()
  const securityToken = temporary ? newSecurityToken() : undefined
  assertIdentifier('access key', id)
  assertSecret(secret)
  if (key.userName !== undefined) assertIdentifier(key.role ? 'session' : 'user', key.userName)
  const row: KeyRow = {
    id,
    account_id: key.accountId,
    user_name: key.userName ?? null,
    status: 'Active',
    secret_sealed: sealer.seal(secret.reveal(), place(id, 'secret')),
    statements: JSON.stringify(key.statements ?? []),
    security_token_sealed: securityToken
      ? sealer.seal(securityToken.reveal(), place(id, 'security_token'))
      : null,
    expires_at: key.expiresAt ?? null,
    created_at: now,
    role_name: key.role?.name ?? null,
    session_policy: key.role?.within ? JSON.stringify(key.role.within) : null,
  }
  // A key that has ended is known a day longer, so that its holder is told why it is refused.
  await trx
    .deleteFrom('access_key')
    .where('expires_at', '<', now - endedFor)
    .execute()
  const account = await trx
    .selectFrom('account')
    .select('id')
    .where('id', '=', key.accountId)
    .executeTakeFirst()
  if (!account) throw new AccessKeyError(`account ${key.accountId} does not exist`)
  const taken = await trx.selectFrom('access_key').select('id').where('id', '=', id).executeTakeFirst()
  if (taken) throw new AccessKeyError(`access key ${id} exists already`)
  if (key.userName !== undefined && !key.role) await ensureUser(trx, key.accountId, key.userName, now)
  await trx.insertInto('access_key').values(row).execute()
  return { id, secret, securityToken }
}

/**
 * A second key of the same owner with the same rights; the first goes on until it is disabled or deleted.
 *
 * @throws AccessKeyError when there is no such key, or it is temporary.
 */
export async function rotateAccessKey(db: Database, sealer: Sealer, id: string, now: number) {
  const row = await findKey(db.kysely, id)
  if (!row) throw new AccessKeyError(`access key ${id} does not exist`)
  if (row.expires_at !== null) throw new AccessKeyError(`access key ${id} is temporary and ends by itself`)
  const owner = { accountId: row.account_id, ...(row.user_name !== null && { userName: row.user_name }) }
  const made = await createAccessKey(db, sealer, { ...owner, statements: parseStatements(row) }, now)
  return { ...owner, ...made }
}

export const findKey = (source: Source, id: string): Promise<KeyRow | undefined> =>
  source.selectFrom('access_key').selectAll().where('id', '=', id).executeTakeFirst()

/** Oldest first. */
export async function listAccessKeys(db: Database, accountId: string): Promise<readonly AccessKey[]> {
  const rows = await db.kysely
    .selectFrom('access_key')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    userName: row.user_name,
    ...(row.role_name !== null && { roleName: row.role_name }),
    status: row.status,
    statements: parseStatements(row),
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  }))
}

/** The keys of a user, or of the account itself, that do not end by themselves; oldest first. */
export async function keysOf(source: Source, accountId: string, userName: string | null): Promise<KeyRow[]> {
  const rows = await source
    .selectFrom('access_key')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('user_name', userName === null ? 'is' : '=', userName)
    .where('role_name', 'is', null)
    .where('expires_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows
}

/** @throws AccessKeyError when there is no such key. */
export const setAccessKeyStatus = (db: Database, id: string, status: AccessKeyStatus) =>
  changeKey(db.kysely, id, { status })

/** Replaces what the key may do. @throws AccessKeyError when there is no such key. */
export const setAccessKeyPolicy = (db: Database, id: string, statements: readonly PolicyStatement[]) =>
  changeKey(db.kysely, id, { statements: JSON.stringify(statements) })

/** @throws AccessKeyError when there is no such key. */
export async function changeKey(source: Source, id: string, change: Partial<KeyRow>): Promise<void> {
  const { numUpdatedRows } = await source
    .updateTable('access_key')
    .set(change)
    .where('id', '=', id)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new AccessKeyError(`access key ${id} does not exist`)
}

/** @throws AccessKeyError when there is no such key. */
export const deleteAccessKey = (db: Database, id: string): Promise<void> => removeKey(db.kysely, id)

/** @throws AccessKeyError when there is no such key. */
export async function removeKey(source: Source, id: string): Promise<void> {
  const { numDeletedRows } = await source.deleteFrom('access_key').where('id', '=', id).executeTakeFirst()
  if (numDeletedRows === 0n) throw new AccessKeyError(`access key ${id} does not exist`)
}

/** How long a credential is used without asking the database, in milliseconds: so long does a revoked key live. */
const credentialLife = 1_000

/** Credentials kept. An unknown key is asked for each time and keeps nothing. */
const credentialLimit = 10_000

/** A key with the policies of its user or role: `[type, name, document][]`, the document null for a system policy. */
type FoundRow = KeyRow & { readonly attached: string }

/** As JSON, in an order that changes only when they do. */
function attachedAsJson(kind: Database['kind']): RawBuilder<string> {
  const of = sql`from ram_attachment a left join ram_policy p
    on a.policy_type = 'Custom' and p.account_id = a.account_id and p.name = a.policy_name
    where a.account_id = access_key.account_id
      and a.entity_kind = case when access_key.role_name is null then 'user' else 'role' end
      and a.entity_name = coalesce(access_key.role_name, access_key.user_name)`
  const order = sql`order by policy_type, policy_name`
  return kind === 'sqlite'
    ? sql`(select json_group_array(json_array(policy_type, policy_name, document))
        from (select a.policy_type, a.policy_name, p.document ${of} ${order}))`
    : sql`(select coalesce(json_agg(json_build_array(policy_type, policy_name, document) ${order})::text, '[]')
        from (select a.policy_type, a.policy_name, p.document ${of}) as attached)`
}

function attachedStatements({ attached }: FoundRow): readonly PolicyStatement[] {
  const policies: [type: string, name: string, document: string | null][] = JSON.parse(attached)
  return policies.flatMap(([type, name, document]) =>
    type === 'System'
      ? (systemPolicies.find((policy) => policy.name === name)?.statements ?? [])
      : parsePolicy(document!),
  )
}

interface Kept {
  readonly row: FoundRow
  readonly credential: Credential
  readonly readAt: number
}

/**
 * The look-up of the signature check. A key that is disabled, deleted or changed, by whatever process, is seen within
 * a second. On SQLite it answers at once; on PostgreSQL the first call of each second for a key is a promise, which
 * calls that come meanwhile share.
 *
 * @param now epoch milliseconds.
 */
export function createCredentialSource(db: Database, sealer: Sealer, now: () => number): FindCredential {
  const find = db.prepared((q, id: string) =>
    q
      .selectFrom('access_key')
      .selectAll()
      .select(attachedAsJson(db.kind).as('attached'))
      .where('id', '=', id),
  )
  const kept = new Map<string, Kept>()
  const asked = new Map<string, Promise<Credential | undefined>>()

  function keep(id: string, row: FoundRow | undefined, readAt: number): Credential | undefined {
    const before = kept.get(id)
    kept.delete(id)
    if (!row) return undefined
    const credential = before && unchanged(before.row, row) ? before.credential : openCredential(row, sealer)
    if (kept.size >= credentialLimit) kept.delete(kept.keys().next().value!)
    kept.set(id, { row, credential, readAt })
    return credential
  }

  return (id) => {
    const at = now()
    const known = kept.get(id)
    if (known && at >= known.readAt && at - known.readAt < credentialLife) return known.credential
    const pending = asked.get(id)
    if (pending) return pending
    const row = find(id)
    if (!(row instanceof Promise)) return keep(id, row, at)
    const answer = row.then((found) => keep(id, found, at)).finally(() => asked.delete(id))
    asked.set(id, answer)
    return answer
  }
}

const unchanged = (a: FoundRow, b: FoundRow) =>
  a.attached === b.attached &&
  a.status === b.status &&
  a.statements === b.statements &&
  a.secret_sealed === b.secret_sealed &&
  a.security_token_sealed === b.security_token_sealed &&
  a.expires_at === b.expires_at

function openCredential(row: FoundRow, sealer: Sealer): Credential {
  const secret = sealer.open(row.secret_sealed, place(row.id, 'secret')).reveal()
  return {
    accessKeyId: row.id,
    accountId: row.account_id,
    userName: row.user_name,
    ...(row.role_name !== null && { roleName: row.role_name }),
    ...(row.session_policy !== null && {
      within: JSON.parse(row.session_policy) as readonly PolicyStatement[],
    }),
    // What is given to the key alone, and what is given to its user or role.
    statements: [...parseStatements(row), ...attachedStatements(row)],
    active: row.status === 'Active',
    keyV1: new HmacKey('sha1', `${secret}&`),
    keyV3: new HmacKey('sha256', secret),
    ...(row.security_token_sealed !== null && {
      securityToken: {
        value: sealer.open(row.security_token_sealed, place(row.id, 'security_token')).reveal(),
        expiresAt: row.expires_at!,
      },
    }),
  }
}

const parseStatements = (row: KeyRow): readonly PolicyStatement[] => JSON.parse(row.statements)

/** The place of a sealed value, authenticated with it. */
const place = (id: string, column: 'secret' | 'security_token') => `access_key/${id}/${column}`
