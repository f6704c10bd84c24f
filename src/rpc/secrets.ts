/** Stars in place of the secrets of an answer, by its spec. */
import type { FieldSpec, ResultFields } from './spec.ts'

export const stars = '******'

type Hide = (value: unknown) => unknown

/** The same value with stars; `undefined` where an answer of that spec holds no secret. An empty secret stays empty. */
export const compileHiding = (fields: ResultFields): ((value: object) => object) | undefined =>
  hideMembers(fields) as ((value: object) => object) | undefined

function hideMembers(fields: ResultFields): Hide | undefined {
  const members = Object.entries(fields).flatMap(([name, spec]) => {
    const hide = hideField(spec)
    return hide ? [[name, hide] as const] : []
  })
  if (members.length === 0) return undefined
  return (value) => {
    if (typeof value !== 'object' || value === null) return value
    const hidden: Record<string, unknown> = { ...value }
    for (const [name, hide] of members) if (hidden[name] !== undefined) hidden[name] = hide(hidden[name])
    return hidden
  }
}

function hideField(spec: FieldSpec): Hide | undefined {
  if (spec.type === 'object') return hideMembers(spec.fields)
  if (spec.type === 'list') {
    const hide = hideField(spec.item)
    return hide && ((items) => (Array.isArray(items) ? items.map(hide) : items))
  }
  return spec.secret && ((value) => (value === null || value === '' ? value : stars))
}
