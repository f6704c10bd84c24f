/**
 * Answers as text: the fields of a spec, compiled once into a writer of JSON and one of XML.
 *
 * The type in the spec decides how a value is written, never the value's JavaScript type: the vendor has `EnableDpd` as
 * text at one level and as a native boolean at another. JSON is compact (a white space after `[` misleads Java's reader).
 * XML has one element per member, no attributes and no indentation; lists repeat the item's element inside the
 * container's; a value that is not there has no element. (VPC and VPN API samples, read 2026-11.)
 */
import type { ApiError } from './errors.ts'
import type { ActionSpec, FieldSpec, ResultFields } from './spec.ts'
import { TextBuffer } from './text-buffer.ts'

export type Format = 'json' | 'xml'

/** Exactly as clients compare it. */
export const contentTypes: Readonly<Record<Format, string>> = {
  json: 'application/json;charset=utf-8',
  xml: 'text/xml;charset=utf-8',
}

const extraName = 'X-Suidao'
const prolog = "<?xml version='1.0' encoding='UTF-8'?>"

export interface ResultWriter {
  /** Throws a TypeError naming the field where a value does not fit its spec: that is our fault, an InternalError. */
  json(value: object, requestId: string): string
  xml(value: object, requestId: string): string
}

/**
 * A value as it is written: text, number (or its decimal text), boolean, the items of a list; `null` where there is none.
 * `true` stands for an object that is there, and the leaves of its members follow it; an item that is an object has
 * leaves of its own.
 */
type Leaf = string | number | boolean | null | readonly Leaf[]
type Leaves = readonly Leaf[]

/** A field with its place among the leaves. */
interface Field {
  readonly name: string
  readonly path: string
  readonly type: FieldSpec['type']
  readonly place: number
  readonly key: string
  readonly startTag: string
  readonly endTag: string
  readonly emptyTag: string
  /** Of an object. */
  readonly members: readonly Field[]
  /** Of a list. */
  readonly item: Field | undefined
  readonly open: string
  readonly close: string
  readonly wrapped: boolean
}

function compileFields(fields: ResultFields, path: string, first = 0): readonly Field[] {
  let place = first
  return Object.entries(fields).map(([name, spec]) => {
    const field = compileField(name, spec, `${path}.${name}`, place)
    place += leafCount(field)
    return field
  })
}

function compileField(name: string, spec: FieldSpec, path: string, place: number): Field {
  const list = spec.type === 'list' ? spec : undefined
  const wrapper = list?.wrapper ?? null
  const item = list && compileField(wrapper ?? name, list.item, `${path}[]`, 0)
  return {
    name,
    path,
    type: spec.type,
    place,
    key: `${JSON.stringify(name)}:`,
    startTag: `<${name}>`,
    endTag: `</${name}>`,
    emptyTag: `<${name}/>`,
    members: spec.type === 'object' ? compileFields(spec.fields, path, place + 1) : [],
    item,
    open: wrapper === null ? '[' : `{${JSON.stringify(wrapper)}:[`,
    close: wrapper === null ? ']' : ']}',
    wrapped: wrapper !== null,
  }
}

const leafCount = ({ members }: Field): number => members.reduce((sum, member) => sum + leafCount(member), 1)

/** Throws a TypeError that names the field where a value does not fit its spec. */
function flatten(fields: readonly Field[], value: object, into: Leaf[]): Leaf[] {
  const members = value as Readonly<Record<string, unknown>>
  for (const field of fields) {
    const member = members[field.name]
    if (member === undefined || member === null) {
      for (let left = leafCount(field); left > 0; left--) into.push(null)
    } else if (field.type === 'object') {
      into.push(true)
      flatten(field.members, membersOf(member, field.path), into)
    } else {
      into.push(leafOf(field, member))
    }
  }
  return into
}

function leafOf(field: Field, value: unknown): Leaf {
  switch (field.type) {
    case 'string':
      return textOf(value, field.path)
    case 'number':
      return numberOf(value, field.path)
    case 'boolean':
      return booleanOf(value, field.path)
    case 'object':
      return flatten(field.members, membersOf(value, field.path), [true])
    case 'list':
      return itemsOf(value, field.path).map((item) => leafOf(field.item!, item))
  }
}

// --- Writing ----------------------------------------------------------------------------------------------------

/** Answers are written one at a time, without a pause. */
const text = new TextBuffer()

/** Stands for a leaf, or the request id, that is another one each time: the text is cut there. */
const hole = Symbol('hole')
type MaybeHole = Leaf | typeof hole

/** The text up to a hole, and whose it is; the request id has no field. */
interface Cut {
  readonly before: string
  readonly field: Field | undefined
}

/** A text with its holes in their order. */
interface Outline {
  readonly cuts: readonly Cut[]
  readonly rest: string
}

let cuts: Cut[] = []
let cutAt = 0

function cut(field: Field | undefined): void {
  cuts.push({ before: text.slice(cutAt), field })
  cutAt = text.length
}

/** Writes the members of an answer; what the caller adds (the extra object) stands behind them. */
type Write = (leaves: readonly MaybeHole[], requestId: string | typeof hole, extra: string) => string

interface Compiled {
  readonly fields: readonly Field[]
  readonly json: Write
  readonly xml: Write
}

function putRequestId(requestId: string | typeof hole): void {
  if (requestId === hole) cut(undefined)
  else text.put(requestId)
}

/** `RequestId` is no value of the action's and has no leaf. Where the spec does not name it, it comes first. */
function compile({ name, result }: ActionSpec): Compiled {
  const others = Object.entries(result).filter(([member]) => member !== 'RequestId')
  const fields = compileFields(Object.fromEntries(others), name)
  const at = Math.max(Object.keys(result).indexOf('RequestId'), 0)
  const before = fields.slice(0, at)
  const after = fields.slice(at)
  const root = `${name}Response`
  return {
    fields,
    json(leaves, requestId, extra) {
      text.begin()
      text.put('{')
      jsonMembers(before, leaves, 1)
      text.put(text.length > 1 ? ',"RequestId":"' : '"RequestId":"')
      putRequestId(requestId)
      text.put('"')
      jsonMembers(after, leaves, 1)
      text.put(extra)
      text.put('}')
      return text.slice()
    },
    xml(leaves, requestId, extra) {
      text.begin()
      text.put(prolog)
      text.put(`<${root}>`)
      xmlMembers(before, leaves)
      text.put('<RequestId>')
      putRequestId(requestId)
      text.put('</RequestId>')
      xmlMembers(after, leaves)
      text.put(extra)
      text.put(`</${root}>`)
      return text.slice()
    },
  }
}

export function compileResult(spec: ActionSpec): ResultWriter {
  const { fields, json, xml } = compile(spec)
  return {
    json(value, requestId) {
      if (value instanceof PackedResult) return value.write(spec, 'json', requestId)
      return json(flatten(fields, value, []), requestId, jsonExtra(value))
    },
    xml(value, requestId) {
      if (value instanceof PackedResult) return value.write(spec, 'xml', requestId)
      return xml(flatten(fields, value, []), requestId, xmlExtra(value))
    },
  }
}

// --- Results that are kept --------------------------------------------------------------------------------------

/** Between the values of a packed result. */
const separator = '\0'

/** Forms that results of one action may have, by which of their members are there: more than any has are not packed. */
const mostForms = 64

/** What results of one form have alike, and the places where they have been seen to differ. */
class Pattern {
  readonly spec: ActionSpec
  readonly usual: Leaves
  readonly varying: readonly number[]
  readonly #compiled: Compiled
  readonly #outlines = new Map<Format, Outline>()

  constructor(spec: ActionSpec, compiled: Compiled, usual: Leaves, varying: readonly number[]) {
    this.spec = spec
    this.usual = usual
    this.varying = varying
    this.#compiled = compiled
  }

  /** The pattern that `leaves` fit into: this one, or one with more places. */
  including(leaves: Leaves): Pattern {
    const { spec, usual, varying } = this
    const places = usual.flatMap((leaf, place) =>
      varying.includes(place) || !same(leaf, leaves[place]!) ? [place] : [],
    )
    return places.length === varying.length ? this : new Pattern(spec, this.#compiled, usual, places)
  }

  members(values: readonly string[]): Record<string, unknown> {
    const leaves = [...this.usual]
    for (const [at, place] of this.varying.entries()) {
      leaves[place] = typeof leaves[place] === 'object' ? JSON.parse(values[at]!) : values[at]!
    }
    return unflatten(this.#compiled.fields, leaves)
  }

  outline(format: Format): Outline {
    let outline = this.#outlines.get(format)
    if (!outline) {
      cuts = []
      cutAt = 0
      const leaves: MaybeHole[] = [...this.usual]
      for (const place of this.varying) leaves[place] = hole
      this.#compiled[format](leaves, hole, '')
      outline = { cuts, rest: text.slice(cutAt) }
      this.#outlines.set(format, outline)
    }
    return outline
  }
}

/**
 * A result in little space, for keeping many and writing each often: what it does not have in common with others. It prints
 * nothing of itself, since it may hold keys.
 */
export class PackedResult {
  readonly #pattern: Pattern
  readonly #values: string

  constructor(pattern: Pattern, values: string) {
    this.#pattern = pattern
    this.#values = values
  }

  /** @throws TypeError for another action than the one whose result it is. */
  write(spec: ActionSpec, format: Format, requestId: string): string {
    if (spec !== this.#pattern.spec)
      throw new TypeError(`a result of ${this.#pattern.spec.name} is not one of ${spec.name}`)
    const { cuts, rest } = this.#pattern.outline(format)
    const values = this.#values.split(separator)
    let next = 0
    text.begin()
    for (const { before, field } of cuts) {
      text.put(before)
      if (!field) text.put(requestId)
      else putValue(format, field, values[next++]!)
    }
    text.put(rest)
    return text.slice()
  }

  /** The result as an object, as far as it is written: to be a part of another one. */
  members(): Record<string, unknown> {
    return this.#pattern.members(this.#values.split(separator))
  }
}

/** The members that `flatten` made leaves of; numbers and booleans may have become text. */
function unflatten(fields: readonly Field[], leaves: Leaves): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const field of fields) {
    const leaf = leaves[field.place]!
    if (leaf !== null) members[field.name] = memberOf(field, leaf, leaves)
  }
  return members
}

function memberOf(field: Field, leaf: Leaf, leaves: Leaves): unknown {
  if (field.type === 'object') return unflatten(field.members, leaves)
  if (field.type === 'list')
    return (leaf as Leaves).map((item) => memberOf(field.item!, item, item as Leaves))
  return leaf
}

function putValue(format: Format, field: Field, value: string): void {
  const leaf: Leaf = field.type === 'list' ? JSON.parse(value) : value
  if (format === 'json') jsonValue(field, leaf, leaf as Leaves)
  else xmlElement(field, leaf, leaf as Leaves)
}

const same = (a: Leaf, b: Leaf): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b))

/**
 * Packs results of one action, without the extra object. They are written like the results themselves. A result that
 * cannot be packed gives `undefined`.
 */
export function createPacker(spec: ActionSpec): (value: object) => PackedResult | undefined {
  const compiled = compile(spec)
  const patterns = new Map<string, Pattern>()
  return (value) => {
    const leaves = flatten(compiled.fields, value, [])
    // A list without items may leave no trace in XML.
    const form = leaves
      .map((leaf) => (leaf === null ? '-' : Array.isArray(leaf) && leaf.length === 0 ? '0' : '1'))
      .join('')
    const known = patterns.get(form)
    if (!known && patterns.size === mostForms) return undefined
    const pattern = known?.including(leaves) ?? new Pattern(spec, compiled, leaves, [])
    if (pattern !== known) patterns.set(form, pattern)
    const values = pattern.varying.map((place) => {
      const leaf = leaves[place]!
      return typeof leaf === 'object' ? JSON.stringify(leaf) : String(leaf)
    })
    if (values.some((one) => one.includes(separator))) return undefined
    return new PackedResult(pattern, values.join(separator))
  }
}

// --- What a value of each type is -----------------------------------------------------------------------------

const mismatch = (path: string, type: string, value: unknown): TypeError =>
  new TypeError(`${path} must be a ${type}, the action returned a ${value === null ? 'null' : typeof value}`)

function textOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return String(value)
  throw mismatch(path, 'string', value)
}

/** Plain decimal text: strict clients read neither exponents nor quotes. */
function numberOf(value: unknown, path: string): number | string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  if (typeof text !== 'string' || !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text))
    throw mismatch(path, 'finite number', value)
  return text
}

function booleanOf(value: unknown, path: string): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw mismatch(path, 'boolean', value)
}

function membersOf(value: unknown, path: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw mismatch(path, 'plain object', value)
  return value
}

function itemsOf(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw mismatch(path, 'list', value)
  return value
}

// --- JSON -----------------------------------------------------------------------------------------------------

/** Members of an object whose first byte is at `start`; a comma stands before all but its first member. */
function jsonMembers(fields: readonly Field[], leaves: readonly MaybeHole[], start: number): void {
  for (const field of fields) {
    const leaf = leaves[field.place]!
    if (leaf === null) continue
    if (text.length > start) text.put(',')
    text.put(field.key)
    jsonValue(field, leaf, leaves)
  }
}

function jsonValue(field: Field, leaf: MaybeHole, leaves: readonly MaybeHole[]): void {
  if (leaf === hole) {
    cut(field)
    return
  }
  switch (field.type) {
    case 'string':
      text.putJsonString(leaf as string)
      return
    case 'number':
    case 'boolean':
      text.put(String(leaf))
      return
    case 'object':
      text.put('{')
      jsonMembers(field.members, leaves, text.length)
      text.put('}')
      return
    case 'list': {
      const items = leaf as readonly Leaf[]
      text.put(field.open)
      for (let at = 0; at < items.length; at++) {
        if (at > 0) text.put(',')
        jsonValue(field.item!, items[at]!, items[at] as Leaves)
      }
      text.put(field.close)
    }
  }
}

/** The extra object, JSON as it is; empty when the action gave none. */
function jsonExtra(value: object): string {
  const extra = (value as Readonly<Record<string, unknown>>)[extraName]
  return extra === undefined ? '' : `,"${extraName}":${JSON.stringify(extra)}`
}

// --- XML ------------------------------------------------------------------------------------------------------

/** Text of an element. Characters that XML 1.0 cannot hold become U+FFFD; CR would be read back as LF. */
export function xmlText(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 || unit === 0x26 || unit === 0x3c || unit === 0x3e || unit >= 0xd800)
      return escapeXml(text)
  }
  return text
}

const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>\r]/g, (sign) =>
      sign === '&' ? '&amp;' : sign === '<' ? '&lt;' : sign === '>' ? '&gt;' : '&#13;',
    )

const element = (name: string, content: string): string =>
  content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`

function xmlMembers(fields: readonly Field[], leaves: readonly MaybeHole[]): void {
  for (const field of fields) {
    const leaf = leaves[field.place]!
    if (leaf !== null) xmlElement(field, leaf, leaves)
  }
}

/** A value inside its element; a bare list is its element repeated. */
function xmlElement(field: Field, leaf: MaybeHole, leaves: readonly MaybeHole[]): void {
  if (leaf === hole) {
    cut(field)
    return
  }
  if (field.type === 'list' && !field.wrapped) {
    xmlItems(field, leaf as readonly Leaf[])
    return
  }
  const before = text.length
  text.put(field.startTag)
  const start = text.length
  const holes = cuts.length
  if (field.type === 'object') xmlMembers(field.members, leaves)
  else if (field.type === 'list') xmlItems(field, leaf as readonly Leaf[])
  else text.put(field.type === 'string' ? xmlText(leaf as string) : String(leaf))
  if (text.length > start || cuts.length > holes) {
    text.put(field.endTag)
  } else {
    text.length = before
    text.put(field.emptyTag)
  }
}

function xmlItems({ item }: Field, items: readonly Leaf[]): void {
  for (const one of items) xmlElement(item!, one, one as Leaves)
}

function xmlExtra(value: object): string {
  const extra = (value as Readonly<Record<string, unknown>>)[extraName]
  // What JSON would make of it, so that both formats say the same.
  return extra === undefined ? '' : xmlAny(extraName, JSON.parse(JSON.stringify(extra)))
}

/** Any JSON value as an element: members as elements, items of lists as `Item` elements, null as an empty one. */
function xmlAny(name: string, value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return element(name, xmlText(value === null ? '' : String(value)))
  if (Array.isArray(value)) return element(name, value.map((item) => xmlAny('Item', item)).join(''))
  return element(
    name,
    Object.entries(value)
      .map(([key, member]) => xmlAny(xmlName(key), member))
      .join(''),
  )
}

/** A key as an element name: whatever a name cannot hold becomes an underscore. */
const xmlName = (key: string): string => key.replace(/[^A-Za-z0-9_.-]/g, '_').replace(/^(?![A-Za-z_])/, '_')

// --- Errors ---------------------------------------------------------------------------------------------------

/** All members are strings: Go's old SDK panics on anything else. */
export function renderError(
  format: Format,
  error: ApiError,
  { requestId, hostId, recommend }: { requestId: string; hostId: string; recommend: string | undefined },
): string {
  if (format === 'json') {
    return JSON.stringify({
      RequestId: requestId,
      Message: error.message.toWellFormed(),
      Recommend: recommend,
      HostId: hostId,
      Code: error.code,
    })
  }
  const link =
    recommend === undefined
      ? ''
      : element('Recommend', `<![CDATA[${recommend.replaceAll(']]>', ']]&gt;')}]]>`)
  return (
    `${prolog}<Error>${element('RequestId', requestId)}${element('HostId', xmlText(hostId))}` +
    `${element('Code', xmlText(error.code))}${element('Message', xmlText(error.message))}${link}</Error>`
  )
}
