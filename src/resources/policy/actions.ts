import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { AccessKeyError, parsePolicy } from '../access-key/model.ts'
import type { ResourceContext } from '../context.ts'
import { pageBehind, ramTime } from '../ram.ts'
import { rolesOf } from '../role/store.ts'
import { getUserRow } from '../user/actions.ts'
import { listUserRows } from '../user/store.ts'
import type { Source, Trx } from '../write.ts'
import type { PolicyType } from './model.ts'
import * as spec from './spec.ts'
import {
  type Attachment,
  attach,
  attachmentsOfPolicies,
  detach,
  type EntityKind,
  findPolicy,
  insertPolicy,
  listPolicyRows,
  type Policy,
  policiesAttachedTo,
  removePolicy,
  replaceDocument,
} from './store.ts'

const named = (policy: Policy) => ({
  DefaultVersion: `v${policy.version}`,
  Description: policy.description,
  PolicyName: policy.name,
  PolicyType: policy.type,
})
const plain = (policy: Policy) => ({ ...named(policy), CreateDate: ramTime(policy.createdAt) })
const counted = (policy: Policy, attachments: readonly Attachment[]) => ({
  ...plain(policy),
  AttachmentCount: attachments.filter((one) => isOf(one, policy)).length,
  UpdateDate: ramTime(policy.updatedAt),
})
const isOf = (attachment: Attachment, { type, name }: Policy) =>
  attachment.policy_type === type && attachment.policy_name === name
const version = (policy: Policy) => ({
  CreateDate: ramTime(policy.updatedAt),
  IsDefaultVersion: true,
  PolicyDocument: policy.document,
  VersionId: `v${policy.version}`,
})

/** @throws InvalidParameter.PolicyDocument that says where it is wrong */
function checkPolicyDocument(document: string): void {
  try {
    parsePolicy(document)
  } catch (error) {
    if (!(error instanceof AccessKeyError)) throw error
    throw apiError('InvalidParameter.PolicyDocument', { reason: error.message })
  }
}

/** @throws EntityNotExist.Policy */
async function getPolicyRow(
  source: Source,
  accountId: string,
  type: PolicyType,
  name: string,
): Promise<Policy> {
  const policy = await findPolicy(source, accountId, type, name)
  if (!policy) throw apiError('EntityNotExist.Policy')
  return policy
}

/** As the lists of a user's and of a role's policies show them. */
export async function attachedPolicies(source: Source, accountId: string, kind: EntityKind, name: string) {
  const attached = await policiesAttachedTo(source, accountId, kind, name)
  return attached.map(({ policy, attachedAt }) => ({ ...named(policy), AttachDate: ramTime(attachedAt) }))
}

interface Given {
  readonly PolicyType: PolicyType
  readonly PolicyName: string
}

/** @throws EntityNotExist.Policy; whoever it is given to exists */
export async function givePolicy(
  trx: Trx,
  accountId: string,
  { PolicyType, PolicyName }: Given,
  kind: EntityKind,
  name: string,
  now: number,
): Promise<void> {
  const policy = await getPolicyRow(trx, accountId, PolicyType, PolicyName)
  const isNew = await attach(trx, {
    account_id: accountId,
    policy_type: policy.type,
    policy_name: policy.name,
    entity_kind: kind,
    entity_name: name,
    attached_at: now,
  })
  if (!isNew)
    throw apiError(kind === 'user' ? 'EntityAlreadyExists.User.Policy' : 'EntityAlreadyExists.Role.Policy')
}

/** @throws EntityNotExist.Policy, and when it was not attached */
export async function takePolicy(
  trx: Trx,
  accountId: string,
  { PolicyType, PolicyName }: Given,
  kind: EntityKind,
  name: string,
): Promise<void> {
  const policy = await getPolicyRow(trx, accountId, PolicyType, PolicyName)
  const was = await detach(trx, {
    account_id: accountId,
    policy_type: policy.type,
    policy_name: policy.name,
    entity_kind: kind,
    entity_name: name,
  })
  if (!was) throw apiError(kind === 'user' ? 'EntityNotExist.User.Policy' : 'EntityNotExist.Role.Policy')
}

export function policyActions({ db }: Pick<ResourceContext, 'db'>): Action[] {
  return [
    action(spec.createPolicy, (input, { principal: { accountId }, now }) => {
      checkPolicyDocument(input.PolicyDocument)
      return db.transaction(async (trx) => {
        for (const type of ['System', 'Custom'] as const)
          if (await findPolicy(trx, accountId, type, input.PolicyName))
            throw apiError('EntityAlreadyExists.Policy')
        await insertPolicy(trx, {
          account_id: accountId,
          name: input.PolicyName,
          description: input.Description ?? '',
          document: input.PolicyDocument,
          version: 1,
          created_at: now,
          updated_at: now,
        })
        return { Policy: plain((await findPolicy(trx, accountId, 'Custom', input.PolicyName))!) }
      })
    }),

    action(spec.getPolicy, async ({ PolicyType, PolicyName }, { principal: { accountId } }) => {
      const policy = await getPolicyRow(db.kysely, accountId, PolicyType, PolicyName)
      const attachments = await attachmentsOfPolicies(db.kysely, accountId, policy)
      return {
        DefaultPolicyVersion: version(policy),
        Policy: { ...counted(policy, attachments), PolicyDocument: policy.document },
      }
    }),

    action(spec.listPolicies, async (input, { principal: { accountId } }) => {
      const [all, attachments] = await Promise.all([
        listPolicyRows(db.kysely, accountId),
        attachmentsOfPolicies(db.kysely, accountId),
      ])
      const asked = all.filter(({ type }) => input.PolicyType === undefined || type === input.PolicyType)
      const { page, ...rest } = pageBehind(asked, ({ name }) => name, input)
      return { Policies: page.map((policy) => counted(policy, attachments)), ...rest }
    }),

    action(spec.deletePolicy, (input, { principal: { accountId } }) =>
      db.transaction(async (trx) => {
        const policy = await getPolicyRow(trx, accountId, 'Custom', input.PolicyName)
        const [attached] = await attachmentsOfPolicies(trx, accountId, policy)
        if (attached && !input.CascadingDelete) {
          throw apiError(
            attached.entity_kind === 'user' ? 'DeleteConflict.Policy.User' : 'DeleteConflict.Policy.Role',
            { name: attached.entity_name },
          )
        }
        await removePolicy(trx, accountId, policy.name)
        return {}
      }),
    ),

    action(spec.createPolicyVersion, (input, { principal: { accountId }, now }) => {
      checkPolicyDocument(input.PolicyDocument)
      if (!input.SetAsDefault) {
        throw apiError('InvalidParameter', {
          param: 'SetAsDefault',
          reason: 'A policy has one version here: it must be true.',
        })
      }
      return db.transaction(async (trx) => {
        const policy = await getPolicyRow(trx, accountId, 'Custom', input.PolicyName)
        await replaceDocument(trx, accountId, policy, input.PolicyDocument, now)
        return { PolicyVersion: version((await findPolicy(trx, accountId, 'Custom', policy.name))!) }
      })
    }),

    action(spec.listPolicyVersions, async ({ PolicyType, PolicyName }, { principal: { accountId } }) => ({
      PolicyVersions: [version(await getPolicyRow(db.kysely, accountId, PolicyType, PolicyName))],
    })),

    action(spec.listEntitiesForPolicy, async ({ PolicyType, PolicyName }, { principal: { accountId } }) => {
      const policy = await getPolicyRow(db.kysely, accountId, PolicyType, PolicyName)
      const attachments = await attachmentsOfPolicies(db.kysely, accountId, policy)
      const users = new Map((await listUserRows(db.kysely, accountId)).map((user) => [user.name, user]))
      const roles = new Map((await rolesOf(db.kysely, accountId)).map((role) => [role.name, role]))
      const of = (kind: EntityKind) => attachments.filter(({ entity_kind }) => entity_kind === kind)
      return {
        Groups: [],
        Roles: of('role').map(({ entity_name, attached_at }) => ({
          Arn: `acs:ram::${accountId}:role/${entity_name}`,
          AttachDate: ramTime(attached_at),
          Description: roles.get(entity_name)?.description ?? '',
          RoleId: entity_name,
          RoleName: entity_name,
        })),
        Users: of('user').map(({ entity_name, attached_at }) => ({
          AttachDate: ramTime(attached_at),
          DisplayName: users.get(entity_name)?.display_name ?? '',
          UserId: entity_name,
          UserName: entity_name,
        })),
      }
    }),

    action(spec.attachPolicyToUser, (input, { principal: { accountId }, now }) =>
      db.transaction(async (trx) => {
        const user = await getUserRow(trx, accountId, input.UserName)
        await givePolicy(trx, accountId, input, 'user', user.name, now)
        return {}
      }),
    ),

    action(spec.detachPolicyFromUser, (input, { principal: { accountId } }) =>
      db.transaction(async (trx) => {
        const user = await getUserRow(trx, accountId, input.UserName)
        await takePolicy(trx, accountId, input, 'user', user.name)
        return {}
      }),
    ),

    action(spec.listPoliciesForUser, async ({ UserName }, { principal: { accountId } }) => {
      const user = await getUserRow(db.kysely, accountId, UserName)
      return { Policies: await attachedPolicies(db.kysely, accountId, 'user', user.name) }
    }),
  ]
}
