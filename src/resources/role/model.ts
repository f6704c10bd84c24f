/**
 * Who may take on a role: its trust policy (`AssumeRolePolicyDocument`), as "Trust policy" of Resource Access Management has
 * it (Alibaba Cloud help, 2026-08). What is not enforced here (`Service`, `Federated`, `Condition`, sessions of roles) is refused
 * when it is set, since it would trust nobody or more than was meant.
 */
import type { Principal } from '../../rpc/authorize.ts'
import { parseStatements, textsOf, wrong } from '../access-key/model.ts'

export interface TrustStatement {
  readonly Effect: 'Allow' | 'Deny'
  /** `acs:ram::<account>:root`, which stands for all users of the account, or `acs:ram::<account>:user/<name>`. */
  readonly RAM: readonly string[]
}

/** @throws AccessKeyError that says where the document is wrong */
export const parseTrust = (document: string): readonly TrustStatement[] =>
  parseStatements(document, ['Effect', 'Action', 'Principal'], (statement, effect, path) => {
    textsOf(statement['Action'], `${path}.Action`, /^sts:AssumeRole$/i, 'sts:AssumeRole')
    const principal = statement['Principal']
    if (typeof principal !== 'object' || principal === null || !('RAM' in principal))
      throw wrong(`${path}.Principal`, 'must be {"RAM": [...]}')
    const other = Object.keys(principal).find((name) => name !== 'RAM')
    if (other !== undefined)
      throw wrong(`${path}.Principal`, `has ${JSON.stringify(other)}, which is not supported (RAM is)`)
    const shape = /^acs:ram::[\w-]+:(root|user\/[\w.-]{1,64})$/
    return {
      Effect: effect,
      RAM: textsOf(principal.RAM, `${path}.Principal.RAM`, shape, 'acs:ram::1000000000000001:user/ann'),
    }
  })

/** Whether a user is trusted: by name or with the account, and by no Deny not. */
export function trusts(
  statements: readonly TrustStatement[],
  { accountId, userName }: Pick<Principal, 'accountId' | 'userName'>,
): boolean {
  const names = [`acs:ram::${accountId}:root`, `acs:ram::${accountId}:user/${userName}`]
  const concerns = ({ RAM }: TrustStatement) => RAM.some((name) => names.includes(name))
  const effects = statements.filter(concerns).map(({ Effect }) => Effect)
  return effects.includes('Allow') && !effects.includes('Deny')
}
