/** Who a caller is, in the words of RAM and STS (Alibaba Cloud help, 2026-08). */
import type { Principal } from '../../rpc/authorize.ts'

export interface Identity {
  readonly type: 'Account' | 'RAMUser' | 'AssumedRoleUser'
  readonly arn: string
  readonly principalId: string
}

/** Names stand where the vendor has numbers: users and roles have no numbers here. */
export function identityOf({ accountId, userName, roleName }: Principal): Identity {
  if (userName === null) return { type: 'Account', arn: `acs:ram::${accountId}:root`, principalId: accountId }
  if (roleName === undefined) {
    return { type: 'RAMUser', arn: `acs:ram::${accountId}:user/${userName}`, principalId: userName }
  }
  return {
    type: 'AssumedRoleUser',
    arn: `acs:ram::${accountId}:assumed-role/${roleName}/${userName}`,
    principalId: `${roleName}:${userName}`,
  }
}
