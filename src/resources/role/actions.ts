import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { AccessKeyError } from '../access-key/model.ts'
import type { ResourceContext } from '../context.ts'
import { attachedPolicies, givePolicy, takePolicy } from '../policy/actions.ts'
import { attachmentsOf } from '../policy/store.ts'
import { pageBehind, ramTime } from '../ram.ts'
import type { Source } from '../write.ts'
import { parseTrust } from './model.ts'
import * as spec from './spec.ts'
import { changeRole, findRole, insertRole, type Role, removeRole, rolesOf } from './store.ts'

const listed = (role: Role) => ({
  Arn: `acs:ram::${role.accountId}:role/${role.name}`,
  CreateDate: ramTime(role.createdAt),
  Description: role.description,
  MaxSessionDuration: role.maxSession,
  RoleId: role.name,
  RoleName: role.name,
})
const created = (role: Role) => ({ ...listed(role), AssumeRolePolicyDocument: role.trust })
const updated = (role: Role) => ({ ...created(role), UpdateDate: ramTime(role.updatedAt) })

/** @throws EntityNotExist.Role */
export async function getRoleRow(source: Source, accountId: string, name: string): Promise<Role> {
  const role = await findRole(source, accountId, name)
  if (!role) throw apiError('EntityNotExist.Role')
  return role
}

/** @throws InvalidParameter.AssumeRolePolicyDocument that says where it is wrong */
function checkTrust(document: string): void {
  try {
    parseTrust(document)
  } catch (error) {
    if (!(error instanceof AccessKeyError)) throw error
    throw apiError('InvalidParameter.AssumeRolePolicyDocument', { reason: error.message })
  }
}

export function roleActions({ db }: Pick<ResourceContext, 'db'>): Action[] {
  return [
    action(spec.createRole, (input, { principal: { accountId }, now }) => {
      checkTrust(input.AssumeRolePolicyDocument)
      const role: Role = {
        accountId,
        name: input.RoleName,
        description: input.Description ?? '',
        statements: [],
        trust: input.AssumeRolePolicyDocument,
        maxSession: input.MaxSessionDuration,
        createdAt: now,
        updatedAt: now,
      }
      return db.transaction(async (trx) => {
        if (await findRole(trx, accountId, role.name)) throw apiError('EntityAlreadyExists.Role')
        await insertRole(trx, role)
        return { Role: created(role) }
      })
    }),

    action(spec.getRole, async ({ RoleName }, { principal: { accountId } }) => ({
      Role: updated(await getRoleRow(db.kysely, accountId, RoleName)),
    })),

    action(spec.listRoles, async (input, { principal: { accountId } }) => {
      const all = await rolesOf(db.kysely, accountId)
      const { page, ...rest } = pageBehind(all, ({ name }) => name, input)
      const items = page.map((role) => ({ ...listed(role), UpdateDate: ramTime(role.updatedAt) }))
      return { Roles: items, ...rest }
    }),

    action(spec.updateRole, async (input, { principal: { accountId }, now }) => {
      if (input.NewAssumeRolePolicyDocument !== undefined) checkTrust(input.NewAssumeRolePolicyDocument)
      return db.transaction(async (trx) => {
        const role = await getRoleRow(trx, accountId, input.RoleName)
        const after: Role = {
          ...role,
          trust: input.NewAssumeRolePolicyDocument ?? role.trust,
          description: input.NewDescription ?? role.description,
          maxSession: input.NewMaxSessionDuration ?? role.maxSession,
          updatedAt: now,
        }
        await changeRole(trx, after)
        return { Role: updated(after) }
      })
    }),

    action(spec.deleteRole, ({ RoleName }, { principal: { accountId } }) =>
      db.transaction(async (trx) => {
        const role = await getRoleRow(trx, accountId, RoleName)
        if ((await attachmentsOf(trx, accountId, 'role', role.name)).length > 0)
          throw apiError('DeleteConflict.Role.Policy')
        await removeRole(trx, accountId, role.name)
        return {}
      }),
    ),

    action(spec.attachPolicyToRole, (input, { principal: { accountId }, now }) =>
      db.transaction(async (trx) => {
        const role = await getRoleRow(trx, accountId, input.RoleName)
        await givePolicy(trx, accountId, input, 'role', role.name, now)
        return {}
      }),
    ),

    action(spec.detachPolicyFromRole, (input, { principal: { accountId } }) =>
      db.transaction(async (trx) => {
        const role = await getRoleRow(trx, accountId, input.RoleName)
        await takePolicy(trx, accountId, input, 'role', role.name)
        return {}
      }),
    ),

    action(spec.listPoliciesForRole, async ({ RoleName }, { principal: { accountId } }) => {
      const role = await getRoleRow(db.kysely, accountId, RoleName)
      return { Policies: await attachedPolicies(db.kysely, accountId, 'role', role.name) }
    }),
  ]
}
