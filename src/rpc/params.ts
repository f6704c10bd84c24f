/**
 * Parameters of a request: from bytes to a typed object.
 *
 *   query, form or JSON body -> pairs -> one map of names and values -> tree (`Tags.1.Key`) -> typed input of the action
 *
 * What clients really send, and the rules taken from it: names are case-sensitive, `+` is a space in query and form
 * alike, lists are `Name.N` from 1 or one JSON text, members of JSON texts come in any letter case, numbers and booleans
 * come as text and the reverse, an empty value means "not given" (Alibaba Cloud RPC clients of pop-core 1.8.0,
 * openapi-core 1.0.8, Java and Python cores, Terraform provider 1.289.0; observed 2026-11).
 */
import { isUtf8 } from 'node:buffer'
import { type ApiError, apiError, type ErrorCode } from './errors.ts'
import type { BooleanParam, IntegerParam, ParamFields, ParamSpec, StringParam } from './spec.ts'

/** More parameters than this in one request are refused; the largest real call has about 300. */
export const maxParameters = 2000
/** Highest index of a flattened list, and deepest nesting of a name. */
const maxIndex = 1000
const maxDepth = 8

// --- Bytes to pairs -------------------------------------------------------------------------------------------

/** Decoded names and values of one part of a request, in the order in which they came. */
export interface ParamPairs {
  readonly names: readonly string[]
  readonly map: ReadonlyMap<string, string>
  /** Every name is ASCII, so that comparing strings is comparing bytes. */
  readonly ascii: boolean
}

export const noPairs: ParamPairs = { names: [], map: new Map(), ascii: true }

const malformed = (reason: string): ApiError =>
  apiError('InvalidParameter', { param: 'in the request', reason })

const hexValue = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) {
  hexValue[digit.toString(16).charCodeAt(0)] = digit
  hexValue[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

let scratch = Buffer.allocUnsafe(4096)

/** Decodes percent escapes and `+` of `text[start, end)`, whose characters are bytes. */
function decode(text: string, start: number, end: number): string {
  if (end - start > scratch.length) scratch = Buffer.allocUnsafe(end - start)
  let length = 0
  let high = 0
  for (let at = start; at < end; at++) {
    let byte = text.charCodeAt(at)
    if (byte === 0x2b) byte = 0x20
    else if (byte === 0x25) {
      const upper = at + 2 < end ? hexValue[text.charCodeAt(at + 1) & 0xff]! : -1
      const lower = at + 2 < end ? hexValue[text.charCodeAt(at + 2) & 0xff]! : -1
      if (upper < 0 || lower < 0) throw malformed('A percent sign is not followed by two hexadecimal digits.')
      byte = (upper << 4) | lower
      at += 2
    }
    high |= byte
    scratch[length++] = byte
  }
  if (high < 0x80) return scratch.toString('latin1', 0, length)
  if (!isUtf8(scratch.subarray(0, length))) throw malformed('A name or value is not UTF-8.')
  return scratch.toString('utf8', 0, length)
}

/**
 * Parses a query or an `application/x-www-form-urlencoded` body: `text[start...]`, one character per byte.
 * Refuses with `InvalidParameter`: bad escapes, bytes that are not UTF-8, a parameter without a name or given twice,
 * more than `maxParameters`.
 */
export function parsePairs(text: string, start = 0): ParamPairs {
  if (start >= text.length) return noPairs
  const names: string[] = []
  const map = new Map<string, string>()
  let ascii = true
  let from = start
  let equals = -1
  let plainName = true
  let plainValue = true
  // One pass: each byte is looked at once, however the signs are spread.
  for (let at = start; at <= text.length; at++) {
    const byte = at < text.length ? text.charCodeAt(at) : 0x26
    if (byte === 0x3d) {
      if (equals < 0) equals = at
    } else if (byte === 0x25 || byte === 0x2b || byte > 0x7f) {
      if (equals < 0) plainName = false
      else plainValue = false
    } else if (byte === 0x26) {
      if (at > from) {
        const nameEnd = equals < 0 ? at : equals
        if (nameEnd === from) throw malformed('A parameter has no name.')
        if (names.length === maxParameters)
          throw malformed(`There are more than ${maxParameters} parameters.`)
        const name = plainName ? text.slice(from, nameEnd) : decode(text, from, nameEnd)
        const valueStart = Math.min(nameEnd + 1, at)
        names.push(name)
        map.set(name, plainValue ? text.slice(valueStart, at) : decode(text, valueStart, at))
        if (map.size < names.length) throw twice(name)
        if (!plainName) ascii &&= isAscii(name)
      }
      from = at + 1
      equals = -1
      plainName = true
      plainValue = true
    }
  }
  return { names, map, ascii }
}

const twice = (name: string): ApiError =>
  apiError('InvalidParameter', { param: name, reason: 'It is given twice.' })

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/**
 * Members of a JSON body as the pairs a form would have had: `{"Tags":[{"Key":"a"}]}` is `Tags.1.Key=a`.
 * Generic calls of ACS3 clients send it; `null` is "not given".
 */
export function parseJsonPairs(body: string): ParamPairs {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    throw malformed('The body is not JSON.')
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw malformed('The body is not a JSON object.')
  }
  const names: string[] = []
  const map = new Map<string, string>()
  let ascii = true
  const add = (name: string, value: unknown, depth: number): void => {
    if (value === null || value === undefined) return
    if (typeof value === 'object') {
      if (depth === maxDepth) throw malformed('The JSON body is nested too deep.')
      const list = Array.isArray(value)
      for (const [key, member] of Object.entries(value)) {
        add(`${name}.${list ? Number(key) + 1 : key}`, member, depth + 1)
      }
      return
    }
    if (names.length === maxParameters) throw malformed(`There are more than ${maxParameters} parameters.`)
    names.push(name)
    map.set(name, String(value))
    if (map.size < names.length) throw twice(name)
    ascii &&= isAscii(name)
  }
  for (const [name, value] of Object.entries(document)) add(name, value, 1)
  return { names, map, ascii }
}

/** Query and body as one map; for a name in both, the value of `winner` counts. */
export function mergePairs(query: ParamPairs, body: ParamPairs, winner: 'query' | 'body'): ParamPairs {
  if (body.names.length === 0) return query
  if (query.names.length === 0) return body
  const map = winner === 'body' ? new Map([...query.map, ...body.map]) : new Map([...body.map, ...query.map])
  return { names: [...map.keys()], map, ascii: query.ascii && body.ascii }
}

// --- Pairs to a tree ------------------------------------------------------------------------------------------

/** Text at the leaves, lists for maps whose keys are numbers, objects without a prototype for all other maps. */
export type ParamTree = string | readonly ParamTree[] | { readonly [name: string]: ParamTree }
type Branch = { [name: string]: string | Branch }

const badName = (name: string, reason: string): ApiError =>
  apiError('InvalidParameter', { param: name, reason })

/**
 * Builds the tree of all names, or of those whose first segment is in `roots`. Refuses with `InvalidParameter`: empty
 * segments, an index of 0 or above 1000, more than 8 segments, a name that is value and structure at once.
 */
export function unflatten(
  params: ReadonlyMap<string, string>,
  roots?: ReadonlySet<string>,
): { readonly [name: string]: ParamTree } {
  const tree: Branch = Object.create(null)
  for (const [name, value] of params) {
    const dot = name.indexOf('.')
    if (roots && !roots.has(dot < 0 ? name : name.slice(0, dot))) continue
    const segments = dot < 0 ? [name] : name.split('.', maxDepth + 1)
    if (segments.length > maxDepth) throw badName(name, 'It is nested too deep.')
    let branch = tree
    for (let depth = 0; depth < segments.length - 1; depth++) {
      const segment = checkSegment(name, segments[depth]!, depth)
      const next: string | Branch = branch[segment] ?? Object.create(null)
      if (typeof next === 'string') throw badName(name, 'It is a value and a structure at once.')
      branch[segment] = next
      branch = next
    }
    const last = checkSegment(name, segments.at(-1)!, segments.length - 1)
    if (last in branch) throw badName(name, 'It is a value and a structure at once.')
    branch[last] = value
  }
  const closed: Record<string, ParamTree> = Object.create(null)
  for (const name of Object.keys(tree)) closed[name] = closeLists(tree[name]!)
  return closed
}

function checkSegment(name: string, segment: string, depth: number): string {
  if (segment === '') throw badName(name, 'A part of the name is empty.')
  if (depth > 0 && /^\d+$/.test(segment) && (segment.startsWith('0') || Number(segment) > maxIndex)) {
    throw badName(name, `An index is a number from 1 to ${maxIndex}.`)
  }
  return segment
}

/** Turns maps with number keys into lists, in the order of the numbers; holes are closed up. */
function closeLists(node: string | Branch): ParamTree {
  if (typeof node === 'string') return node
  const keys = Object.keys(node)
  // Number-like keys of an object are enumerated in ascending order.
  if (keys.every((key) => /^\d+$/.test(key))) return keys.map((key) => closeLists(node[key]!))
  const closed: Record<string, ParamTree> = Object.create(null)
  for (const key of keys) closed[key] = closeLists(node[key]!)
  return closed
}

// --- Tree to the input of an action ---------------------------------------------------------------------------

export interface DecodedParams {
  /** Typed by `ParamValues` of the spec; a value that breaks its rule is absent. */
  readonly input: Readonly<Record<string, unknown>>
  /** `Missing<Param>` of the first required parameter that is not given. */
  readonly missing: ApiError | undefined
  /** The refusal of the first value that breaks its rule. */
  readonly illegal: ApiError | undefined
}

/** Decodes the parameters of one action. `region` stands in for an absent `RegionId`, which many clients leave out. */
export type ParamDecoder = (params: ReadonlyMap<string, string>, region: string) => DecodedParams

/** Faults met on the way. Only the first of each kind is answered, the number tells a fault from "not given". */
interface Faults {
  missing: ApiError | undefined
  illegal: ApiError | undefined
  count: number
}

/** Reads one value: text from query, form or tree, or what JSON.parse made. `undefined`: not given, or a fault. */
type Reader = (value: unknown, path: string, faults: Faults) => unknown

interface Member {
  readonly name: string
  readonly aliases: readonly string[]
  readonly required: boolean
  readonly fallback: string | number | boolean | undefined
  /** An empty value clears; see StringParam. */
  readonly keepEmpty: boolean
  readonly read: Reader
}

function refuseValue(
  faults: Faults,
  spec: ParamSpec,
  path: string,
  reason: string,
  value?: string | number | boolean,
): undefined {
  faults.count++
  const leaf = path.slice(path.lastIndexOf('.') + 1)
  // An item of a list is refused under the name of the list.
  const name = /^\d+$/.test(leaf) ? path.split('.').findLast((segment) => !/^\d+$/.test(segment))! : leaf
  const code: ErrorCode = spec.illegal ?? `IllegalParam.${name}`
  const echo = value === undefined || ('secret' in spec && spec.secret) ? {} : { value: String(value) }
  faults.illegal ??= apiError(code, { param: path, ...echo, reason })
  return undefined
}

function stringReader(spec: StringParam): Reader {
  const { enum: allowed, anyCase, pattern, minLength, maxLength } = spec
  const exact = allowed && new Map(allowed.map((word) => [anyCase ? word.toLowerCase() : word, word]))
  return (value, path, faults) => {
    if (value === '' && spec.keepEmpty) return ''
    if (value === undefined || value === null || value === '') return undefined
    if (typeof value === 'number' || typeof value === 'boolean') value = String(value)
    if (typeof value !== 'string') return refuseValue(faults, spec, path, 'It must be text.')
    const text = value as string
    if (exact) {
      const word = exact.get(anyCase ? text.toLowerCase() : text)
      if (word === undefined) {
        return refuseValue(faults, spec, path, `It must be one of ${allowed!.join(', ')}.`, text)
      }
      return word
    }
    if (maxLength !== undefined && text.length > maxLength && [...text].length > maxLength) {
      return refuseValue(faults, spec, path, `It is longer than ${maxLength} characters.`, text)
    }
    if (minLength !== undefined && [...text].length < minLength) {
      return refuseValue(faults, spec, path, `It is shorter than ${minLength} characters.`, text)
    }
    if (text.includes('\0') || !text.isWellFormed()) {
      return refuseValue(faults, spec, path, 'It holds a character that is not allowed.')
    }
    if (pattern && !pattern.test(text))
      return refuseValue(faults, spec, path, 'It is not in the expected form.', text)
    return text
  }
}

function integerReader(spec: IntegerParam): Reader {
  const { enum: allowed, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = spec
  return (value, path, faults) => {
    if (value === undefined || value === null || value === '') return undefined
    const number =
      typeof value === 'number'
        ? value
        : typeof value === 'string' && /^-?\d{1,16}$/.test(value)
          ? Number(value)
          : NaN
    if (!Number.isSafeInteger(number)) {
      return refuseValue(faults, spec, path, 'It must be an integer.', scalar(value))
    }
    if (allowed && !allowed.includes(number)) {
      return refuseValue(faults, spec, path, `It must be one of ${allowed.join(', ')}.`, number)
    }
    if (number < min) return refuseValue(faults, spec, path, `It must be ${min} or more.`, number)
    if (number > max) return refuseValue(faults, spec, path, `It must be ${max} or less.`, number)
    return number
  }
}

function booleanReader(spec: BooleanParam): Reader {
  return (value, path, faults) => {
    if (value === undefined || value === null || value === '') return undefined
    if (typeof value === 'boolean') return value
    const word = typeof value === 'string' && value.length <= 5 ? value.toLowerCase() : ''
    if (word === 'true') return true
    if (word === 'false') return false
    return refuseValue(faults, spec, path, 'It must be true or false.', scalar(value))
  }
}

const scalar = (value: unknown): string | number | undefined =>
  typeof value === 'string' || typeof value === 'number' ? value : undefined

/** A text that should hold JSON; `undefined` where it does not. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// The refusals of structures repeat no value: keys may be anywhere inside.

function structReader(spec: ParamSpec & { readonly fields: ParamFields }): Reader {
  const members = compileMembers(spec.fields)
  const names = new Map<string, Member>()
  for (const member of members) {
    for (const name of [member.name, ...member.aliases]) names.set(name.toLowerCase(), member)
  }
  return (value, path, faults) => {
    if (value === undefined || value === null || value === '') return undefined
    const node = typeof value === 'string' ? parseJson(value) : value
    if (typeof node !== 'object' || node === null || Array.isArray(node)) {
      return refuseValue(faults, spec, path, 'It must be a JSON object.')
    }
    const given = new Map<Member, unknown>()
    for (const [key, member] of Object.entries(node)) {
      const target = names.get(key.toLowerCase())
      if (!target) continue
      if (given.has(target)) return refuseValue(faults, spec, path, `${target.name} is given twice.`)
      given.set(target, member)
    }
    return readMembers(members, (member) => given.get(member), `${path}.`, faults)
  }
}

function listReader(spec: Extract<ParamSpec, { type: 'list' }>): Reader {
  const readItem = compileReader(spec.item)
  const most = spec.maxItems ?? maxIndex
  return (value, path, faults) => {
    if (value === undefined || value === null || value === '') return undefined
    const node = typeof value === 'string' ? parseJson(value) : value
    if (!Array.isArray(node))
      return refuseValue(faults, spec, path, `It must be a list: ${path}.1, ${path}.2.`)
    if (node.length > most) return refuseValue(faults, spec, path, `It has more than ${most} items.`)
    const items: unknown[] = []
    for (let index = 0; index < node.length; index++) {
      const item = readItem(node[index], `${path}.${index + 1}`, faults)
      if (item !== undefined) items.push(item)
    }
    return items.length === 0 ? undefined : items
  }
}

function compileReader(spec: ParamSpec): Reader {
  switch (spec.type) {
    case 'string':
      return stringReader(spec)
    case 'integer':
      return integerReader(spec)
    case 'boolean':
      return booleanReader(spec)
    case 'json':
    case 'struct':
      return structReader(spec)
    case 'list':
      return listReader(spec)
  }
}

function compileMembers(fields: ParamFields): readonly Member[] {
  return Object.entries(fields).map(([name, spec]) => ({
    name,
    aliases: spec.aliases ?? [],
    required: spec.required ?? false,
    fallback: 'default' in spec ? spec.default : undefined,
    keepEmpty: 'keepEmpty' in spec && spec.keepEmpty === true,
    read: compileReader(spec),
  }))
}

function readMembers(
  members: readonly Member[],
  given: (member: Member) => unknown,
  prefix: string,
  faults: Faults,
): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const member of members) {
    const path = prefix === '' ? member.name : prefix + member.name
    const before = faults.count
    const value = member.read(given(member), path, faults) ?? member.fallback
    if (value !== undefined) input[member.name] = value
    else if (member.required && faults.count === before) {
      faults.missing ??= apiError(`Missing${member.name}`, { param: path })
    }
  }
  return input
}

/** Prepares the decoder of an action's parameters once; it knows every rule its spec states. */
export function compileParams(fields: ParamFields): ParamDecoder {
  const members = compileMembers(fields)
  const roots = new Set<string>()
  for (const [name, spec] of Object.entries(fields)) {
    if (spec.type === 'json' || spec.type === 'struct' || spec.type === 'list') {
      for (const spelling of [name, ...(spec.aliases ?? [])]) roots.add(spelling)
    }
  }
  const find = (
    values: ReadonlyMap<string, string>,
    tree: { readonly [name: string]: ParamTree },
    member: Member,
  ) => {
    const value = roots.has(member.name) ? tree[member.name] : values.get(member.name)
    if (value !== undefined && value !== '') return value
    for (const alias of member.aliases) {
      const other = roots.has(alias) ? tree[alias] : values.get(alias)
      if (other !== undefined && other !== '') return other
    }
    return member.keepEmpty ? value : undefined
  }
  return (params, region) => {
    const faults: Faults = { missing: undefined, illegal: undefined, count: 0 }
    const tree = roots.size === 0 ? {} : unflatten(params, roots)
    const input = readMembers(
      members,
      (member) => find(params, tree, member) ?? (member.name === 'RegionId' ? region : undefined),
      '',
      faults,
    )
    return { input, missing: faults.missing, illegal: faults.illegal }
  }
}
