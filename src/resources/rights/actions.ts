import { type Action, action } from '../../rpc/action.ts'
import type { PolicyStatement } from '../../rpc/authorize.ts'
import { apiError } from '../../rpc/errors.ts'
import { ownerOf } from '../access-key/actions.ts'
import { parsePolicy } from '../access-key/model.ts'
import { findKey, type KeyRow, keysOf } from '../access-key/store.ts'
import type { ResourceContext } from '../context.ts'
import { type EntityKind, type Policy, policiesAttachedTo } from '../policy/store.ts'
import { getRoleRow } from '../role/actions.ts'
import * as spec from './spec.ts'

type GivenTo = 'Key' | 'User' | 'Role'

const view = (
  statements: readonly PolicyStatement[],
  GivenTo: GivenTo,
  policy?: Pick<Policy, 'name' | 'type'>,
) =>
  statements.map(({ Effect, Action, Resource, Condition }) => ({
    Actions: Action,
    Condition: Condition ? JSON.stringify(Condition) : '',
    Effect,
    GivenTo,
    PolicyName: policy?.name ?? '',
    PolicyType: policy?.type ?? '',
    Resources: Resource,
  }))

export function rightsActions({ db }: Pick<ResourceContext, 'db'>): Action[] {
  async function attached(accountId: string, kind: EntityKind, name: string) {
    const policies = await policiesAttachedTo(db.kysely, accountId, kind, name)
    return policies.flatMap(({ policy }) =>
      view(parsePolicy(policy.document), kind === 'user' ? 'User' : 'Role', policy),
    )
  }

  /** Of a session the user's name is that of the session, and what it may do is what its role may. */
  async function ofKey({ id, account_id, user_name, role_name, statements, session_policy }: KeyRow) {
    const given =
      role_name !== null
        ? await attached(account_id, 'role', role_name)
        : user_name !== null
          ? await attached(account_id, 'user', user_name)
          : []
    return {
      AccessKeyId: id,
      Everything: user_name === null,
      Statements: [...view(JSON.parse(statements), 'Key'), ...given],
      Within: session_policy === null ? [] : view(JSON.parse(session_policy), 'Key'),
    }
  }

  return [
    action(spec.suidaoGetAccessKeyRights, async ({ UserName, UserAccessKeyId }, { principal }) => {
      const owner = await ownerOf(db.kysely, principal, UserName)
      const keys = await keysOf(db.kysely, principal.accountId, owner)
      const key = keys.find(({ id }) => id === UserAccessKeyId)
      if (!key) throw apiError('EntityNotExist.User.AccessKey')
      return ofKey(key)
    }),

    action(spec.suidaoGetCallerRights, async (_input, { principal }) => {
      const key = await findKey(db.kysely, principal.accessKeyId)
      // It was there when the call was proven.
      if (!key) throw apiError('InvalidAccessKeyId.NotFound')
      return ofKey(key)
    }),

    action(spec.suidaoGetRoleRights, async ({ RoleName }, { principal: { accountId } }) => {
      const role = await getRoleRow(db.kysely, accountId, RoleName)
      const given = await attached(accountId, 'role', role.name)
      return { Statements: [...view(role.statements, 'Role'), ...given] }
    }),
  ]
}
