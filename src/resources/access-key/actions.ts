import { type Action, action } from '../../rpc/action.ts'
import type { Principal } from '../../rpc/authorize.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { ramTime } from '../ram.ts'
import { getUserRow } from '../user/actions.ts'
import type { Source } from '../write.ts'
import * as spec from './spec.ts'
import { changeKey, insertAccessKey, keysOf, removeKey } from './store.ts'

/** The vendor's: two, so that one can be replaced by another. */
const mostKeys = 2

/** The user whose keys are meant; `null` for the account itself. @throws EntityNotExist.User, NoPermission.Session */
export async function ownerOf(
  source: Source,
  { accountId, userName, roleName }: Principal,
  named: string | undefined,
): Promise<string | null> {
  if (named !== undefined) return (await getUserRow(source, accountId, named)).name
  // The name of a session is no user's.
  if (roleName !== undefined) throw apiError('NoPermission.Session')
  return userName
}

export function accessKeyActions({ db, sealer }: Pick<ResourceContext, 'db' | 'sealer'>): Action[] {
  return [
    action(spec.createAccessKey, ({ UserName }, { principal, now }) =>
      db.transaction(async (trx) => {
        const { accountId } = principal
        const owner = await ownerOf(trx, principal, UserName)
        if ((await keysOf(trx, accountId, owner)).length >= mostKeys)
          throw apiError('LimitExceeded.User.AccessKey', { limit: mostKeys })
        const key = await insertAccessKey(trx, sealer, { accountId, userName: owner ?? undefined }, now)
        return {
          AccessKey: {
            AccessKeyId: key.id,
            AccessKeySecret: key.secret.reveal(),
            CreateDate: ramTime(now),
            Status: 'Active',
          },
        }
      }),
    ),

    action(spec.listAccessKeys, async ({ UserName }, { principal }) => {
      const owner = await ownerOf(db.kysely, principal, UserName)
      const keys = await keysOf(db.kysely, principal.accountId, owner)
      return {
        AccessKeys: keys.map(({ id, created_at, status }) => ({
          AccessKeyId: id,
          CreateDate: ramTime(created_at),
          Status: status,
        })),
      }
    }),

    action(spec.updateAccessKey, ({ UserName, UserAccessKeyId, Status }, { principal }) =>
      db.transaction(async (trx) => {
        const owner = await ownerOf(trx, principal, UserName)
        const keys = await keysOf(trx, principal.accountId, owner)
        if (!keys.some(({ id }) => id === UserAccessKeyId)) throw apiError('EntityNotExist.User.AccessKey')
        await changeKey(trx, UserAccessKeyId, { status: Status })
        return {}
      }),
    ),

    action(spec.deleteAccessKey, ({ UserName, UserAccessKeyId }, { principal }) =>
      db.transaction(async (trx) => {
        const owner = await ownerOf(trx, principal, UserName)
        const keys = await keysOf(trx, principal.accountId, owner)
        if (!keys.some(({ id }) => id === UserAccessKeyId)) throw apiError('EntityNotExist.User.AccessKey')
        await removeKey(trx, UserAccessKeyId)
        return {}
      }),
    ),
  ]
}
