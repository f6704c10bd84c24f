/**
 * Who calls, and whether they may.
 *
 * An access key belongs to an account, and there either to the account itself (root) or to one of its RAM users.
 * Rules are those of RAM: an explicit Deny always wins; root is allowed everything else; a RAM user needs an Allow.
 */
import { type Circumstances, type CompiledCondition, type Condition, compileCondition } from './condition.ts'
import type { ErrorCode } from './errors.ts'
import type { HmacKey } from './hmac.ts'

export interface PolicyStatement {
  readonly Effect: 'Allow' | 'Deny'
  /** `vpc:DescribeVpnConnection`, `vpc:Describe*`, `*`; compared without regard to letter case. */
  readonly Action: readonly string[]
  /** `acs:vpc:<region>:<account>:vpnconnection/<id>`, with `*` and `?`. */
  readonly Resource: readonly string[]
  readonly Condition?: Condition
}

export interface Principal {
  readonly accessKeyId: string
  readonly accountId: string
  /** The RAM user, or the name of the session where a role is played; `null` for the account itself. */
  readonly userName: string | null
  /** Of a temporary key that a role was assumed with. */
  readonly roleName?: string
  readonly statements: readonly PolicyStatement[]
  /** A session's own policy: what it may do is what both allow. */
  readonly within?: readonly PolicyStatement[]
}

/** An access key as the signature check needs it. Both HMAC keys are prepared once, not per request. */
export interface Credential extends Principal {
  readonly active: boolean
  /** HMAC-SHA1 key of RPC V1: the secret followed by `&`. */
  readonly keyV1: HmacKey
  /** HMAC-SHA256 key of ACS3: the secret. */
  readonly keyV3: HmacKey
  /** Set for a temporary (STS) key: the token that must come with it, and its end in epoch milliseconds. */
  readonly securityToken?: { readonly value: string; readonly expiresAt: number }
}

/** Finds a key by its id. Synchronous when it is cached: the hot path has no promise in it. */
export type FindCredential = (accessKeyId: string) => Credential | undefined | Promise<Credential | undefined>

interface Rule {
  readonly resource: RegExp
  readonly holds: CompiledCondition | undefined
}

/** What a key's statements say of one action. */
interface Rules {
  readonly deny: readonly Rule[]
  readonly allow: readonly Rule[]
}

/** A key's rules are made at its first call of an action and go with its statements. */
const compiled = new WeakMap<readonly PolicyStatement[], Map<string, Rules>>()

function rulesOf(statements: readonly PolicyStatement[], action: string): Rules {
  let byAction = compiled.get(statements)
  if (!byAction) {
    byAction = new Map()
    compiled.set(statements, byAction)
  }
  let rules = byAction.get(action)
  if (!rules) {
    const concerned = statements.filter(({ Action }) => oneOf(Action, 'is').test(action))
    const rulesFor = (effect: PolicyStatement['Effect']) =>
      concerned
        .filter(({ Effect }) => Effect === effect)
        .map(({ Resource, Condition }) => ({
          resource: oneOf(Resource, 's'),
          holds: Condition && compileCondition(Condition),
        }))
    rules = { deny: rulesFor('Deny'), allow: rulesFor('Allow') }
    byAction.set(action, rules)
  }
  return rules
}

function concerns(rules: readonly Rule[], resource: string, circumstances: Circumstances): boolean {
  for (const rule of rules)
    if (rule.resource.test(resource) && (rule.holds?.(circumstances) ?? true)) return true
  return false
}

function oneOf(patterns: readonly string[], flags: string): RegExp {
  const sources = patterns.map((pattern) =>
    pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.'),
  )
  return new RegExp(`^(?:${sources.join('|')})$`, flags)
}

/**
 * The code with which a call is refused, or `undefined` when it is allowed.
 *
 * `Forbidden` for an explicit Deny, `Forbbiden.SubUser` (sic, as documented) for a RAM user without an Allow.
 * A call that names several resources needs every one of them.
 */
export function refusal(
  principal: Principal,
  action: string,
  resources: readonly string[],
  circumstances: Circumstances,
): Extract<ErrorCode, 'Forbidden' | 'Forbbiden.SubUser'> | undefined {
  if (principal.userName === null && principal.statements.length === 0) return undefined
  if (principal.within) {
    const { within, ...rest } = principal
    const code = refusal({ ...rest, statements: within }, action, resources, circumstances)
    if (code) return code
  }
  const { deny, allow } = rulesOf(principal.statements, action)
  for (const resource of resources) if (concerns(deny, resource, circumstances)) return 'Forbidden'
  if (principal.userName === null) return undefined
  for (const resource of resources) if (!concerns(allow, resource, circumstances)) return 'Forbbiden.SubUser'
  return undefined
}
