/** What is written down of a call that changes something, or that was not permitted. */
import type { Principal } from './authorize.ts'
import type { ActionSpec, ParamFields, ParamSpec } from './spec.ts'

export interface AuditEvent {
  /** Epoch milliseconds at which the call was accepted. */
  readonly time: number
  readonly requestId: string
  readonly action: ActionSpec
  readonly region: string
  readonly principal: Principal
  readonly remoteAddress: string
  readonly userAgent: string
  /** Code of the error; `OK` for success. */
  readonly code: string
  /** Names of what the call touches: `acs:vpc:<region>:<account>:<type>/<id>`. */
  readonly resources: readonly string[]
  /** What the call set, as the action got it; secrets are stars. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** Ids in the answer: of what was made. */
  readonly results?: Readonly<Record<string, string>>
}

const stars = '******'

/** The input of an action without its secrets. */
export function withoutSecrets(fields: ParamFields, input: Readonly<Record<string, unknown>>) {
  const clean: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    const spec = fields[name]
    // What no spec describes may be anything.
    if (spec && value !== undefined) clean[name] = cleanValue(spec, value)
  }
  return clean
}

function cleanValue(spec: ParamSpec, value: unknown): unknown {
  if (spec.type === 'string') return spec.secret ? stars : value
  if (spec.type === 'list') return (value as unknown[]).map((item) => cleanValue(spec.item, item))
  if (spec.type === 'json' || spec.type === 'struct') {
    return withoutSecrets(spec.fields, value as Record<string, unknown>)
  }
  return value
}

/** The answer may hold secrets: only what names things is taken from it. */
export function idsIn(answer: object): Record<string, string> | undefined {
  const ids = Object.entries(answer).filter(
    (member): member is [string, string] => member[0].endsWith('Id') && typeof member[1] === 'string',
  )
  return ids.length === 0 ? undefined : Object.fromEntries(ids)
}
