import type { Database } from '../../db/open.ts'
import type { Row } from '../../db/schema.ts'
import type { Credential, FindCredential, PolicyStatement } from '../../rpc/authorize.ts'
import { HmacKey } from '../../rpc/hmac.ts'
import type { Sealer } from '../../seal.ts'
import type { Secret } from '../../secret.ts'
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
} from './model.ts'

type KeyRow = Row<'access_key'>

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

/**
 * The secret is in the answer and cannot be had again.
 *
 * @throws AccessKeyError when the account does not exist, the id is taken, or a name cannot be one.
 */
export async function createAccessKey(
  db: Database,
  sealer: Sealer,
  key: NewAccessKey,
  now: number,
): Promise<{ readonly id: string; readonly secret: Secret; readonly securityToken?: Secret }> {
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
  await db.transaction(async (trx) => {
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
    await trx.insertInto('access_key').values(row).execute()
  })
  return { id, secret, securityToken }
}

/**
 * A second key of the same owner with the same rights; the first goes on until it is disabled or deleted.
 *
 * @throws AccessKeyError when there is no such key, or it is temporary.
 */
export async function rotateAccessKey(db: Database, sealer: Sealer, id: string, now: number) {
  const row = await db.kysely.selectFrom('access_key').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw new AccessKeyError(`access key ${id} does not exist`)
  if (row.expires_at !== null) throw new AccessKeyError(`access key ${id} is temporary and ends by itself`)
  const owner = { accountId: row.account_id, ...(row.user_name !== null && { userName: row.user_name }) }
  const made = await createAccessKey(db, sealer, { ...owner, statements: parseStatements(row) }, now)
  return { ...owner, ...made }
}

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

/** @throws AccessKeyError when there is no such key. */
export const setAccessKeyStatus = (db: Database, id: string, status: AccessKeyStatus) =>
  update(db, id, { status })

/** Replaces what the key may do. @throws AccessKeyError when there is no such key. */
export const setAccessKeyPolicy = (db: Database, id: string, statements: readonly PolicyStatement[]) =>
  update(db, id, { statements: JSON.stringify(statements) })

async function update(db: Database, id: string, change: Partial<KeyRow>): Promise<void> {
  const { numUpdatedRows } = await db.kysely
    .updateTable('access_key')
    .set(change)
    .where('id', '=', id)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new AccessKeyError(`access key ${id} does not exist`)
}

/** @throws AccessKeyError when there is no such key. */
export async function deleteAccessKey(db: Database, id: string): Promise<void> {
  const { numDeletedRows } = await db.kysely.deleteFrom('access_key').where('id', '=', id).executeTakeFirst()
  if (numDeletedRows === 0n) throw new AccessKeyError(`access key ${id} does not exist`)
}

/** How long a credential is used without asking the database, in milliseconds: so long does a revoked key live. */
const credentialLife = 1_000

/** Credentials kept. An unknown key is asked for each time and keeps nothing. */
const credentialLimit = 10_000

interface Kept {
  readonly row: KeyRow
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
  const find = db.prepared((q, id: string) => q.selectFrom('access_key').selectAll().where('id', '=', id))
  const kept = new Map<string, Kept>()
  const asked = new Map<string, Promise<Credential | undefined>>()

  function keep(id: string, row: KeyRow | undefined, readAt: number): Credential | undefined {
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

const unchanged = (a: KeyRow, b: KeyRow) =>
  a.status === b.status &&
  a.statements === b.statements &&
  a.secret_sealed === b.secret_sealed &&
  a.security_token_sealed === b.security_token_sealed &&
  a.expires_at === b.expires_at

function openCredential(row: KeyRow, sealer: Sealer): Credential {
  const secret = sealer.open(row.secret_sealed, place(row.id, 'secret')).reveal()
  return {
    accessKeyId: row.id,
    accountId: row.account_id,
    userName: row.user_name,
    ...(row.role_name !== null && { roleName: row.role_name }),
    ...(row.session_policy !== null && {
      within: JSON.parse(row.session_policy) as readonly PolicyStatement[],
    }),
    statements: parseStatements(row),
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
