/**
 * Accounts' access keys: what one is, how one is made, and the policy that a RAM user's key carries.
 *
 * Policies follow "Policy structure and syntax" of Resource Access Management (Alibaba Cloud help, 2026-08). What is
 * not enforced here (`NotAction`, `NotResource`, most keys of `Condition`) is refused rather than ignored: leaving it out
 * would allow more than the author meant.
 */
import { randomInt } from 'node:crypto'
import type { PolicyStatement } from '../../rpc/authorize.ts'
import { type Condition, compileCondition } from '../../rpc/condition.ts'
import { Secret } from '../../secret.ts'

/** The account that the first start makes. Others are made by `suidao keys create --account`. */
export const firstAccount = { id: '1000000000000001', name: 'root' } as const

export type AccessKeyStatus = 'Active' | 'Inactive'

/** An access key as operators see it; the secret is shown once, when it is made. */
export interface AccessKey {
  readonly id: string
  readonly accountId: string
  /** `null` for a key of the account itself. */
  readonly userName: string | null
  /** Of a session of a role, whose name is then `userName`. */
  readonly roleName?: string
  readonly status: AccessKeyStatus
  readonly statements: readonly PolicyStatement[]
  /** Epoch milliseconds; `null` unless the key is temporary. */
  readonly expiresAt: number | null
  readonly createdAt: number
}

/** A mistake of whoever administers accounts and keys. The text is for them and holds no secret. */
export class AccessKeyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AccessKeyError'
  }
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const random = (length: number) => {
  let text = ''
  while (text.length < length) text += alphanumeric[randomInt(alphanumeric.length)]
  return text
}

/** The vendor's shapes: `LTAI` and 20 characters, for a temporary key `STS.` and 25; a secret has 30. */
export const newAccessKeyId = () => `LTAI${random(20)}`
export const newTemporaryKeyId = () => `STS.${random(25)}`
export const newSecret = () => new Secret(random(30))
export const newSecurityToken = () => new Secret(random(256))

const identifiers = {
  account: /^[A-Za-z0-9_-]{1,64}$/,
  user: /^[A-Za-z0-9._-]{1,64}$/,
  role: /^[A-Za-z0-9._-]{1,64}$/,
  session: /^[A-Za-z0-9._@-]{2,64}$/,
  'access key': /^[A-Za-z0-9._-]{1,128}$/,
} as const

/** @throws AccessKeyError unless the name can stand in a resource name (`acs:vpc:<region>:<account>:...`) and a URL. */
export function assertIdentifier(of: keyof typeof identifiers, value: string): void {
  if (identifiers[of].test(value)) return
  throw new AccessKeyError(
    `${JSON.stringify(value)} cannot name an ${of}: it must match ${identifiers[of].source}`,
  )
}

/** @throws AccessKeyError unless the secret is 1 to 128 printable ASCII characters without a space. */
export function assertSecret(secret: Secret): void {
  if (/^[!-~]{1,128}$/.test(secret.reveal())) return
  throw new AccessKeyError('an access key secret is 1 to 128 printable ASCII characters without spaces')
}

const documentLimit = 6_144
const members = {
  policy: ['Version', 'Statement'],
  statement: ['Effect', 'Action', 'Resource', 'Condition'],
} as const

/**
 * The statements of a policy document: `{"Version": "1", "Statement": [{"Effect", "Action", "Resource", "Condition"}]}`,
 * where `Action`, `Resource` and each value of `Condition` are a string or a list of strings.
 *
 * @throws AccessKeyError that says where the document is wrong.
 */
export const parsePolicy = (document: string): readonly PolicyStatement[] =>
  parseStatements(document, members.statement, parseStatement)

/**
 * The statements of a document of whatever kind, each read by `parse`, which is told its effect and its place.
 *
 * @throws AccessKeyError that says where the document is wrong.
 */
export function parseStatements<T>(
  document: string,
  known: readonly string[],
  parse: (statement: Readonly<Record<string, unknown>>, effect: 'Allow' | 'Deny', path: string) => T,
): readonly T[] {
  if (document.length > documentLimit) throw wrong('', `is longer than ${documentLimit} characters`)
  let parsed: unknown
  try {
    parsed = JSON.parse(document)
  } catch {
    throw wrong('', 'is not JSON')
  }
  const policy = object(parsed, '', members.policy)
  if (policy['Version'] !== '1') throw wrong('Version', 'must be "1"')
  const statements = policy['Statement']
  if (!Array.isArray(statements) || statements.length === 0)
    throw wrong('Statement', 'must be a list, not empty')
  return statements.map((value, index) => {
    const path = `Statement[${index}]`
    const statement = object(value, path, known)
    const effect = statement['Effect']
    if (effect !== 'Allow' && effect !== 'Deny') throw wrong(`${path}.Effect`, 'must be "Allow" or "Deny"')
    return parse(statement, effect, path)
  })
}

function parseStatement(
  statement: Readonly<Record<string, unknown>>,
  effect: 'Allow' | 'Deny',
  path: string,
): PolicyStatement {
  return {
    Effect: effect,
    Action: textsOf(
      statement['Action'],
      `${path}.Action`,
      /^(\*|[\w-]+:[\w*?-]+)$/,
      'vpc:DescribeVpnConnection',
    ),
    Resource: textsOf(
      statement['Resource'],
      `${path}.Resource`,
      /^(\*|acs:\S+)$/,
      'acs:vpc:*:*:vpnconnection/*',
    ),
    ...('Condition' in statement && {
      Condition: parseCondition(statement['Condition'], `${path}.Condition`),
    }),
  }
}

function parseCondition(value: unknown, path: string): Condition {
  const operators = Object.entries(object(value, path)).map(([operator, keys]) => {
    const at = `${path}.${operator}`
    const parsed = Object.entries(object(keys, at)).map(([key, values]) => [
      key,
      textsOf(values, `${at}.${key}`, /^\S+$/, '203.0.113.0/24'),
    ])
    // It would always hold, or never.
    if (parsed.length === 0) throw wrong(at, 'must name a key')
    return [operator, Object.fromEntries(parsed)]
  })
  const condition: Condition = Object.fromEntries(operators)
  try {
    compileCondition(condition)
  } catch (error) {
    throw wrong(path, (error as Error).message)
  }
  return condition
}

function object(value: unknown, path: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(path, 'must be an object')
  const other = known && Object.keys(value).find((name) => !known.includes(name))
  if (other !== undefined) {
    throw wrong(path, `has ${JSON.stringify(other)}, which is not supported (${known!.join(', ')} are)`)
  }
  return value as Record<string, unknown>
}

/** A text or a list of texts, each of that shape. */
export function textsOf(value: unknown, path: string, shape: RegExp, example: string): readonly string[] {
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list) || list.length === 0)
    throw wrong(path, 'must be a string or a list of strings, not empty')
  const bad = list.find((entry) => typeof entry !== 'string' || !shape.test(entry))
  if (bad !== undefined) throw wrong(path, `has ${JSON.stringify(bad)}; a member reads e.g. "${example}"`)
  return list
}

export const wrong = (path: string, what: string) =>
  new AccessKeyError(`policy${path ? `: ${path}` : ''} ${what}`)
