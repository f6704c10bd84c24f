import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { AccessKeyError, parsePolicy } from '../access-key/model.ts'
import { createAccessKey } from '../access-key/store.ts'
import type { ResourceContext } from '../context.ts'
import { parseTrust, trusts } from '../role/model.ts'
import { findRole } from '../role/store.ts'
import { identityOf } from './model.ts'
import { assumeRole, getCallerIdentity } from './spec.ts'

export function identityActions({ db, sealer }: ResourceContext): Action[] {
  return [
    action(getCallerIdentity, (_input, { principal }) => {
      const { type, arn, principalId } = identityOf(principal)
      return {
        AccountId: principal.accountId,
        Arn: arn,
        IdentityType: type,
        PrincipalId: principalId,
        ...(type === 'AssumedRoleUser' ? { RoleId: principal.roleName } : { UserId: principalId }),
      }
    }),

    action(assumeRole, async (input, { principal, now }) => {
      // Documented: neither the account itself nor a temporary key can take on a role.
      if (principal.userName === null || principal.roleName !== undefined) throw apiError('NoPermission')
      const [, accountId, name] = /^acs:ram::([^:]+):role\/(.+)$/.exec(input.RoleArn)!
      const role = await findRole(db.kysely, accountId!, name!)
      const isTrusted = role && trusts(parseTrust(role.trust), principal)
      // Whether another account has such a role is for those to know whom it trusts.
      if (!role || (!isTrusted && accountId !== principal.accountId)) throw apiError('EntityNotExist.Role')
      if (!isTrusted) {
        throw apiError('NoPermission', { reason: `The trust policy of ${name} does not name you.` })
      }
      if (input.DurationSeconds > role.maxSession) {
        throw apiError('IllegalParam.DurationSeconds', { value: input.DurationSeconds })
      }
      const expiresAt = now + input.DurationSeconds * 1000
      const key = await createAccessKey(
        db,
        sealer,
        {
          accountId: role.accountId,
          userName: input.RoleSessionName,
          role: {
            name: role.name,
            ...(input.Policy !== undefined && { within: parseSessionPolicy(input.Policy) }),
          },
          statements: role.statements,
          expiresAt,
        },
        now,
      )
      const session = {
        ...principal,
        accountId: role.accountId,
        userName: input.RoleSessionName,
        roleName: role.name,
      }
      const { arn, principalId } = identityOf(session)
      return {
        AssumedRoleUser: { Arn: arn, AssumedRoleId: principalId },
        Credentials: {
          AccessKeyId: key.id,
          AccessKeySecret: key.secret.reveal(),
          SecurityToken: key.securityToken!.reveal(),
          Expiration: `${new Date(expiresAt).toISOString().slice(0, 19)}Z`,
        },
      }
    }),
  ]
}

function parseSessionPolicy(text: string) {
  try {
    return parsePolicy(text)
  } catch (error) {
    if (error instanceof AccessKeyError)
      throw apiError('InvalidParameter.PolicyGrammar', { reason: error.message })
    throw error
  }
}
