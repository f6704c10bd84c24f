/** The few words of JSON Schema that the control listener speaks, and the check of a value against them. */

export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  readonly description?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly nullable?: boolean
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  /** Absent: members that are not named are refused. */
  readonly additionalProperties?: Schema | boolean
  readonly oneOf?: readonly Schema[]
  /** `#/components/schemas/Name` */
  readonly $ref?: string
}

export type Components = Readonly<Record<string, Schema>>

/** @returns a sentence that says what is wrong, or `undefined` */
export function faultOf(
  schema: Schema,
  value: unknown,
  components: Components,
  at = 'the body',
): string | undefined {
  if (schema.$ref) return faultOf(components[schema.$ref.split('/').at(-1)!]!, value, components, at)
  if (schema.nullable && value === null) return undefined
  if (schema.oneOf) {
    const faults = schema.oneOf.map((each) => faultOf(each, value, components, at))
    if (faults.includes(undefined)) return undefined
    // Of the one that the value is meant to be, told by a member with one value alone.
    return faults[schema.oneOf.findIndex((each) => isMeant(each, value, components))] ?? faults.at(-1)
  }
  switch (schema.type) {
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${at} is not an object`
      const missing = schema.required?.find((name) => !Object.hasOwn(value, name))
      if (missing !== undefined) return `${at} has no ${missing}`
      for (const [name, member] of Object.entries(value)) {
        const known = schema.properties?.[name] ?? schema.additionalProperties ?? false
        if (known === false) return `${at} has a member ${name}, which is not known`
        const fault = known === true ? undefined : faultOf(known, member, components, name)
        if (fault !== undefined) return fault
      }
      return undefined
    }
    case 'array': {
      if (!Array.isArray(value)) return `${at} is not a list`
      for (const item of value) {
        const fault = faultOf(schema.items ?? {}, item, components, `an item of ${at}`)
        if (fault !== undefined) return fault
      }
      return undefined
    }
    case 'string':
      if (typeof value !== 'string') return `${at} is not a text`
      if (schema.enum && !schema.enum.includes(value)) return `${at} is not one of ${schema.enum.join(', ')}`
      return undefined
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `${at} is not true or false`
    case 'integer':
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value)) return `${at} is not a number`
      if (schema.type === 'integer' && !Number.isInteger(value)) return `${at} is not a whole number`
      if (schema.minimum !== undefined && value < schema.minimum)
        return `${at} is less than ${schema.minimum}`
      if (schema.maximum !== undefined && value > schema.maximum)
        return `${at} is more than ${schema.maximum}`
      return undefined
    }
    default:
      return undefined
  }
}

function isMeant(schema: Schema, value: unknown, components: Components): boolean {
  const { properties = {} } = schema.$ref ? components[schema.$ref.split('/').at(-1)!]! : schema
  return Object.entries(properties).some(
    ([name, member]) =>
      member.enum?.length === 1 && (value as Record<string, unknown> | null)?.[name] === member.enum[0],
  )
}
