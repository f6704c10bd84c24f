/**
 * Who is signed in to the console.
 *
 * A session stands in the store, so that a restart or another node of the deployment knows it. The browser holds a random
 * token; the store holds its HMAC under the secret of the access key. So neither alone opens anything, and a session ends with its
 * key: when that is disabled, deleted, or made again with another secret.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '../db/open.ts'
import type { Row } from '../db/schema.ts'
import type { Credential, FindCredential } from '../rpc/authorize.ts'
import { HmacKey } from '../rpc/hmac.ts'
import { createThrottle } from './throttle.ts'

/** A session nobody uses ends after this; one in use is prolonged, up to `longestLife`. Milliseconds. */
export const idleLife = 30 * 60_000
export const longestLife = 12 * 3600_000
/** Prolonging is a write, so it is done this seldom. */
const prolongAfter = 5 * 60_000

export interface SignInForm {
  readonly accessKeyId: string
  readonly secret: string
  /** Of a temporary (STS) key. */
  readonly securityToken: string
}

export interface Session {
  readonly id: string
  readonly credential: Credential
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number
}

export type SignIn =
  | { readonly outcome: 'opened'; readonly token: string; readonly session: Session }
  /** The key or its secret is wrong, the key is disabled or over: said alike, so that nobody learns which keys exist. */
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'slow-down'; readonly retryAfter: number }

export interface Sessions {
  signIn(form: SignInForm, remoteAddress: string): Promise<SignIn>
  /** The session of a token, prolonged when it is time; `undefined` when there is none any more. */
  find(token: string): Promise<Session | undefined>
  end(session: Session): Promise<void>
  /** Ends every session of the key; answers how many there were. */
  endAll(accessKeyId: string): Promise<number>
}

export function createSessions(db: Database, findCredential: FindCredential, now: () => number): Sessions {
  const findRow = db.prepared((q, id: string) =>
    q.selectFrom('console_session').selectAll().where('id', '=', id),
  )
  // One address that guesses, with whatever keys; and one key that is guessed, from wherever.
  const slow = { first: 1_000, longest: 60_000, memory: 15 * 60_000, subjects: 10_000 }
  const byAddress = createThrottle({ ...slow, free: 10 })
  const byKey = createThrottle({ ...slow, free: 5 })

  async function open(credential: Credential): Promise<Extract<SignIn, { outcome: 'opened' }>> {
    const at = now()
    const id = randomBytes(16).toString('base64url')
    const token = `${id}.${randomBytes(32).toString('base64url')}`
    const row: Row<'console_session'> = {
      id,
      access_key_id: credential.accessKeyId,
      proof: proofOf(credential, token),
      created_at: at,
      expires_at: expiry(at, at, credential),
    }
    await db.kysely.deleteFrom('console_session').where('expires_at', '<=', at).execute()
    await db.kysely.insertInto('console_session').values(row).execute()
    return { outcome: 'opened', token, session: sessionOf(row, credential) }
  }

  return {
    async signIn(form, remoteAddress) {
      const at = now()
      const retryAfter = Math.max(byAddress.wait(remoteAddress, at), byKey.wait(form.accessKeyId, at))
      if (retryAfter > 0) return { outcome: 'slow-down', retryAfter }
      const credential = await findCredential(form.accessKeyId)
      if (!credential || !isSecretOf(credential, form) || !isUsable(credential, at)) {
        byAddress.failed(remoteAddress, at)
        byKey.failed(form.accessKeyId, at)
        return { outcome: 'refused' }
      }
      byKey.succeeded(form.accessKeyId)
      return open(credential)
    },

    async find(token) {
      const id = token.slice(0, token.indexOf('.'))
      if (id === '') return undefined
      const row = await findRow(id)
      const at = now()
      if (!row || row.expires_at <= at) return undefined
      const credential = await findCredential(row.access_key_id)
      if (!credential || !isUsable(credential, at)) return undefined
      if (!isEqual(proofOf(credential, token), row.proof)) return undefined
      const expires_at = expiry(row.created_at, at, credential)
      if (expires_at - row.expires_at < prolongAfter) return sessionOf(row, credential)
      await db.kysely.updateTable('console_session').set({ expires_at }).where('id', '=', id).execute()
      return sessionOf({ ...row, expires_at }, credential)
    },

    async end({ id }) {
      await db.kysely.deleteFrom('console_session').where('id', '=', id).execute()
    },

    async endAll(accessKeyId) {
      const { numDeletedRows } = await db.kysely
        .deleteFrom('console_session')
        .where('access_key_id', '=', accessKeyId)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

const sessionOf = (row: Row<'console_session'>, credential: Credential): Session => ({
  id: row.id,
  credential,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

const expiry = (createdAt: number, now: number, { securityToken }: Credential): number =>
  Math.min(now + idleLife, createdAt + longestLife, securityToken?.expiresAt ?? Number.POSITIVE_INFINITY)

const isUsable = ({ active, securityToken }: Credential, now: number): boolean =>
  active && (securityToken === undefined || now < securityToken.expiresAt)

/** Whether the form holds the secret of the key: both sign the same random text alike. */
function isSecretOf(credential: Credential, { secret, securityToken }: SignInForm): boolean {
  const challenge = randomBytes(32)
  const mine = credential.keyV3.sign(challenge, 'hex')
  const given = new HmacKey('sha256', secret).sign(challenge, 'hex')
  return isEqual(mine, given) && isEqual(securityToken, credential.securityToken?.value ?? '')
}

const proofOf = ({ keyV3 }: Credential, token: string): string =>
  keyV3.sign(Buffer.from(`console session ${token}`), 'hex')

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
