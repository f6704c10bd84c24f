/** What is written down of a call that changes something, or that was not permitted. */
import type { Principal } from './authorize.ts'
import { stars } from './secrets.ts'
import type { ActionSpec, FieldSpec, ParamFields, ParamSpec, ResultFields } from './spec.ts'

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
  /** Fields that are not what they were before, where the action has a read that shows them. */
  readonly changes?: Changes
}

/** By the path of the field, `VpnBgpConfig.LocalAsn`. A side on which it was not there has no value. */
export type Changes = Readonly<Record<string, { readonly before?: unknown; readonly after?: unknown }>>

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

/**
 * What differs between two answers of one read. Secrets are stars on both sides, and what was only observed is left out.
 * Lists of objects of the same length are compared item by item (`TunnelOptionsSpecification.1.Role`), others as a whole.
 */
export function changesBetween(fields: ResultFields, before: object, after: object): Changes {
  const changes: Record<string, { before?: unknown; after?: unknown }> = {}
  const note = (path: string, a: unknown, b: unknown) => {
    changes[path] = { ...(a !== undefined && { before: a }), ...(b !== undefined && { after: b }) }
  }
  const compare = (spec: FieldSpec, path: string, a: unknown, b: unknown): void => {
    if (spec.type === 'object') {
      compareMembers(spec.fields, `${path}.`, a, b)
      return
    }
    if (spec.type !== 'list') {
      if (spec.observed || plainValue(spec.type, a) === plainValue(spec.type, b)) return
      note(path, shownValue(spec, a), shownValue(spec, b))
      return
    }
    const [was, is] = [(a ?? []) as unknown[], (b ?? []) as unknown[]]
    if (spec.item.type === 'object' && was.length === is.length) {
      for (const [index, item] of was.entries()) compare(spec.item, `${path}.${index}`, item, is[index])
      return
    }
    const sides = [was, is].map((items) => items.map((item) => shownValue(spec.item, item)))
    if (JSON.stringify(sides[0]) !== JSON.stringify(sides[1])) note(path, sides[0], sides[1])
  }
  const compareMembers = (members: ResultFields, path: string, a: unknown, b: unknown): void => {
    const [was, is] = [(a ?? {}) as Record<string, unknown>, (b ?? {}) as Record<string, unknown>]
    for (const [name, spec] of Object.entries(members)) compare(spec, `${path}${name}`, was[name], is[name])
  }
  compareMembers(fields, '', before, after)
  return changes
}

/** Kept answers have text where the spec says number or boolean. */
function plainValue(type: 'string' | 'number' | 'boolean', value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (type === 'number') return Number(value)
  return type === 'boolean' ? String(value) === 'true' : String(value)
}

function shownValue(spec: FieldSpec, value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (spec.type === 'list') return (value as unknown[]).map((item) => shownValue(spec.item, item))
  if (spec.type === 'object') {
    const members = Object.entries(spec.fields).flatMap(([name, field]) => {
      const member = shownValue(field, (value as Record<string, unknown>)[name])
      return member === undefined ? [] : [[name, member]]
    })
    return Object.fromEntries(members)
  }
  if (spec.observed) return undefined
  return spec.secret ? stars : plainValue(spec.type, value)
}

/** The answer may hold secrets: only what names things is taken from it. */
export function idsIn(answer: object): Record<string, string> | undefined {
  const ids = Object.entries(answer).filter(
    (member): member is [string, string] => member[0].endsWith('Id') && typeof member[1] === 'string',
  )
  return ids.length === 0 ? undefined : Object.fromEntries(ids)
}
