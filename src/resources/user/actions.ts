import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { keysOf } from '../access-key/store.ts'
import type { ResourceContext } from '../context.ts'
import { attachmentsOf } from '../policy/store.ts'
import { pageBehind, ramTime } from '../ram.ts'
import type { Source } from '../write.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from './spec.ts'
import { changeUser, findUser, insertUser, listUserRows, removeUser, type User } from './store.ts'

const plain = (user: User) => ({
  Comments: user.comments,
  CreateDate: ramTime(user.created_at),
  DisplayName: user.display_name,
  Email: user.email,
  MobilePhone: user.mobile_phone,
  UserId: user.name,
  UserName: user.name,
})
const withUpdate = (user: User) => ({ ...plain(user), UpdateDate: ramTime(user.updated_at) })

/** @throws EntityNotExist.User */
export async function getUserRow(source: Source, accountId: string, name: string): Promise<User> {
  const user = await findUser(source, accountId, name)
  if (!user) throw apiError('EntityNotExist.User')
  return user
}

export function userActions({ db }: Pick<ResourceContext, 'db'>): Action[] {
  return [
    action(createUser, async (input, { principal: { accountId }, now }) => {
      const user: User = {
        account_id: accountId,
        name: input.UserName,
        display_name: input.DisplayName ?? input.UserName,
        email: input.Email ?? '',
        mobile_phone: input.MobilePhone ?? '',
        comments: input.Comments ?? '',
        created_at: now,
        updated_at: now,
      }
      await db.transaction(async (trx) => {
        if (await findUser(trx, accountId, user.name)) throw apiError('EntityAlreadyExists.User')
        await insertUser(trx, user)
      })
      return { User: plain(user) }
    }),

    action(getUser, async ({ UserName }, { principal: { accountId } }) => ({
      User: { ...withUpdate(await getUserRow(db.kysely, accountId, UserName)), LastLoginDate: '' },
    })),

    action(listUsers, async (input, { principal: { accountId } }) => {
      const all = await listUserRows(db.kysely, accountId)
      const { page, ...rest } = pageBehind(all, ({ name }) => name, input)
      return { Users: page.map(withUpdate), ...rest }
    }),

    action(updateUser, async (input, { principal: { accountId }, now }) =>
      db.transaction(async (trx) => {
        const user = await getUserRow(trx, accountId, input.UserName)
        if (input.NewUserName !== undefined && input.NewUserName !== user.name) {
          throw apiError('InvalidParameter', {
            param: 'NewUserName',
            reason: 'The name of a user stands for the user everywhere and cannot change here.',
          })
        }
        const after: User = {
          ...user,
          display_name: input.NewDisplayName ?? user.display_name,
          email: input.NewEmail ?? user.email,
          mobile_phone: input.NewMobilePhone ?? user.mobile_phone,
          comments: input.NewComments ?? user.comments,
          updated_at: now,
        }
        await changeUser(trx, user, after)
        return { User: withUpdate(after) }
      }),
    ),

    action(deleteUser, async ({ UserName }, { principal: { accountId } }) =>
      db.transaction(async (trx) => {
        const user = await getUserRow(trx, accountId, UserName)
        if ((await keysOf(trx, accountId, user.name)).length > 0)
          throw apiError('DeleteConflict.User.AccessKey')
        if ((await attachmentsOf(trx, accountId, 'user', user.name)).length > 0)
          throw apiError('DeleteConflict.User.Policy')
        await removeUser(trx, user)
        return {}
      }),
    ),
  ]
}
