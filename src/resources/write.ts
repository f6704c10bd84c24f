/**
 * The frame of every write: one transaction, `ClientToken`, `DryRun`, and word to reconcile after the commit.
 *
 * `ClientToken` (help page "How to ensure idempotence", 2026): the same token with the same parameters gives the first
 * answer again and has no second effect; with other parameters it is refused. A token belongs to an account, a region
 * and an action, lives 24 hours, and a refused call does not use it up.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../db/open.ts'
import type { Schema } from '../db/schema.ts'
import type { Call } from '../rpc/action.ts'
import { apiError } from '../rpc/errors.ts'
import type { ActionSpec } from '../rpc/spec.ts'
import type { Sealer } from '../seal.ts'
import type { ChangeKey } from './context.ts'

export type Trx = Transaction<Schema>
/** Where a store reads from: the database, or the transaction under way. */
export type Source = Kysely<Schema>

const tokenLifetimeMs = 24 * 3600 * 1000

export type Write = <R extends object>(
  spec: ActionSpec,
  input: object,
  call: Call,
  run: (trx: Trx, changed: (key: ChangeKey) => void) => Promise<R>,
) => Promise<R>

export function createWrite(
  db: Database,
  sealer: Sealer,
  announce: (keys: readonly ChangeKey[], call: Call) => void,
): Write {
  return async (spec, input, call, run) => {
    const {
      ClientToken: token,
      DryRun: dryRun,
      ...asked
    } = input as { ClientToken?: string; DryRun?: boolean }
    const changed = new Set<ChangeKey>()
    const result = await db.transaction(async (trx) => {
      changed.clear()
      if (token === undefined) {
        const answer = await run(trx, (key) => changed.add(key))
        if (dryRun) throw apiError('DryRunOperation')
        return answer
      }
      const owner = { account_id: call.principal.accountId, region: call.region, action: spec.name, token }
      const fingerprint = sealer.fingerprint(JSON.stringify(asked))
      const context = `client_token/${owner.account_id}/${owner.region}/${owner.action}/${token}`
      await trx
        .deleteFrom('client_token')
        .where('created_at', '<', call.now - tokenLifetimeMs)
        .execute()
      const earlier = await trx
        .selectFrom('client_token')
        .select(['params_hash', 'result'])
        .where('account_id', '=', owner.account_id)
        .where('region', '=', owner.region)
        .where('action', '=', owner.action)
        .where('token', '=', token)
        .executeTakeFirst()
      if (earlier) {
        if (earlier.params_hash !== fingerprint) throw apiError('IdempotentParameterMismatch')
        return JSON.parse(sealer.open(earlier.result, context).reveal())
      }
      const answer = await run(trx, (key) => changed.add(key))
      if (dryRun) throw apiError('DryRunOperation')
      await trx
        .insertInto('client_token')
        // Sealed, because the answer of a modify holds the pre-shared key.
        .values({
          ...owner,
          params_hash: fingerprint,
          result: sealer.seal(JSON.stringify(answer), context),
          created_at: call.now,
        })
        .execute()
      return answer
    })
    if (changed.size > 0) announce([...changed], call)
    return result
  }
}
