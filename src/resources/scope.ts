import type { Call } from '../rpc/action.ts'
import type { Scope } from './counts.ts'

/** What a caller can see: the resources of the account in the region. */
export const scopeOf = (call: Call): Scope => ({ accountId: call.principal.accountId, region: call.region })
