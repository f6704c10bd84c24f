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

// --- Results that are kept --------------------------------------------------------------------------------------

/** How many kept results have their text at hand, and how many others may be asked for before one counts as forgotten. */
const atHand = 1024
const soonAgain = 4096

/** A text around the request id, the only part that is another one each time. */
interface Surroundings {
  readonly before: string
  readonly after: string
}

/** Results whose text is at hand, the one that has been longest first to go; and the results asked for so far. */
const texts: PackedResult[] = []
let oldest = 0
let asked = soonAgain

/** The first result of an action that was packed; most of the others differ from it in a few values. */
interface Usual {
  readonly spec: ActionSpec
  readonly leaves: Leaves
}

/**
 * A result in little space, for keeping many and writing each often: what differs from the usual one. It prints nothing of
 * itself, since it may hold keys.
 */
export class PackedResult {
  readonly #usual: Usual
  /** JSON: place, leaf, place, leaf. */
  readonly #different: string
  /** The number `asked` had when this one was asked for last. */
  #asked = 0
  #json: Surroundings | undefined
  #xml: Surroundings | undefined

  constructor(usual: Usual, leaves: Leaves) {
    const different: Leaf[] = []
    for (const [place, leaf] of leaves.entries()) {
      if (!same(leaf, usual.leaves[place]!)) different.push(place, leaf)
    }
    this.#usual = usual
    this.#different = JSON.stringify(different)
  }

  leaves(): Leaves {
    const leaves = [...this.#usual.leaves]
    const different: Leaf[] = JSON.parse(this.#different)
    for (let at = 0; at < different.length; at += 2) leaves[different[at] as number] = different[at + 1]!
    return leaves
  }

  /**
   * Its text, written once for as long as it is asked for again and again.
   *
   * @throws TypeError for another action than the one whose result it is.
   */
  surroundings(spec: ActionSpec, format: Format, write: (result: this) => Surroundings): Surroundings {
    if (spec !== this.#usual.spec)
      throw new TypeError(`a result of ${this.#usual.spec.name} is not one of ${spec.name}`)
    const known = format === 'json' ? this.#json : this.#xml
    if (known) return known
    const again = asked - this.#asked < soonAgain
    this.#asked = asked++
    const written = write(this)
    if (again) this.#keep(format, written)
    return written
  }

  #keep(format: Format, written: Surroundings): void {
    if (!this.#json && !this.#xml) {
      const former = texts[oldest]
      if (former) former.#json = former.#xml = undefined
      texts[oldest] = this
      oldest = (oldest + 1) % atHand
    }
    if (format === 'json') this.#json = written
    else this.#xml = written
  }
}

const same = (a: Leaf, b: Leaf): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b))

/** Packs results of one action, without the extra object. They are written like the results themselves. */
export function createPacker(spec: ActionSpec): (value: object) => PackedResult {
  const fields = compileRoot(spec)
  let usual: Usual | undefined
  return (value) => {
    const leaves = flatten(fields, value, [])
    usual ??= { spec, leaves }
    return new PackedResult(usual, leaves)
  }
}

// --- Writing ----------------------------------------------------------------------------------------------------

/** Answers are written one at a time, without a pause. */
const text = new TextBuffer()

/** `RequestId` is no value of the action's and has no leaf. */
const compileRoot = ({ name, result }: ActionSpec): readonly Field[] =>
  compileFields(Object.fromEntries(Object.entries(result).filter(([member]) => member !== 'RequestId')), name)

export function compileResult(spec: ActionSpec): ResultWriter {
  const fields = compileRoot(spec)
  // Where the spec does not name it, RequestId comes first.
  const at = Math.max(Object.keys(spec.result).indexOf('RequestId'), 0)
  const before = fields.slice(0, at)
  const after = fields.slice(at)
  const root = `${spec.name}Response`
  const leavesOf = (value: object): Leaves =>
    value instanceof PackedResult ? value.leaves() : flatten(fields, value, [])

  function json(value: object): Surroundings {
    const leaves = leavesOf(value)
    text.begin()
    text.put('{')
    jsonMembers(before, leaves, 1)
    text.put(text.length > 1 ? ',"RequestId":"' : '"RequestId":"')
    const gap = text.length
    text.put('"')
    jsonMembers(after, leaves, 1)
    text.put(jsonExtra(value))
    text.put('}')
    return around(gap)
  }

  function xml(value: object): Surroundings {
    const leaves = leavesOf(value)
    text.begin()
    text.put(prolog)
    text.put(`<${root}>`)
    xmlMembers(before, leaves)
    text.put('<RequestId>')
    const gap = text.length
    text.put('</RequestId>')
    xmlMembers(after, leaves)
    text.put(xmlExtra(value))
    text.put(`</${root}>`)
    return around(gap)
  }

  const writerOf = (format: Format, write: (value: object) => Surroundings) => {
    return (value: object, requestId: string) => {
      const { before, after } =
        value instanceof PackedResult ? value.surroundings(spec, format, write) : write(value)
      return before + requestId + after
    }
  }
  return { json: writerOf('json', json), xml: writerOf('xml', xml) }
}

const around = (gap: number): Surroundings => ({
  before: text.slice(0, gap),
  after: text.slice(gap, text.length),
})

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
function jsonMembers(fields: readonly Field[], leaves: Leaves, start: number): void {
  for (const field of fields) {
    const leaf = leaves[field.place]!
    if (leaf === null) continue
    if (text.length > start) text.put(',')
    text.put(field.key)
    jsonValue(field, leaf, leaves)
  }
}

function jsonValue(field: Field, leaf: Leaf, leaves: Leaves): void {
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

function xmlMembers(fields: readonly Field[], leaves: Leaves): void {
  for (const field of fields) {
    const leaf = leaves[field.place]!
    if (leaf !== null) xmlElement(field, leaf, leaves)
  }
}

/** A value inside its element; a bare list is its element repeated. */
function xmlElement(field: Field, leaf: Leaf, leaves: Leaves): void {
  if (field.type === 'list' && !field.wrapped) {
    xmlItems(field, leaf as readonly Leaf[])
    return
  }
  const before = text.length
  text.put(field.startTag)
  const start = text.length
  if (field.type === 'object') xmlMembers(field.members, leaves)
  else if (field.type === 'list') xmlItems(field, leaf as readonly Leaf[])
  else text.put(field.type === 'string' ? xmlText(leaf as string) : String(leaf))
  if (text.length > start) {
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
