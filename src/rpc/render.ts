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

/** An answer before and after its request id. */
interface Halves {
  readonly head: string
  readonly tail: string
}

interface Kept {
  spec?: ActionSpec
  json?: Halves
  xml?: Halves
}

const keptHalves = new WeakMap<object, Kept>()

/**
 * Marks a result that will be answered again as the same object, e.g. one cached by the versions of the rows it shows:
 * it is written once per format and only the request id is put in. The object must not be changed afterwards, and
 * belongs to one action.
 */
export function reusable<T extends object>(value: T): T {
  keptHalves.set(value, {})
  return value
}

export function compileResult(spec: ActionSpec): ResultWriter {
  const names = Object.keys(spec.result)
  // Where the spec does not name it, RequestId comes first.
  const at = Math.max(names.indexOf('RequestId'), 0)
  const pick = (wanted: readonly string[]): ResultFields =>
    Object.fromEntries(
      wanted.filter((name) => name !== 'RequestId').map((name) => [name, spec.result[name]!]),
    )
  const before = pick(names.slice(0, at))
  const after = pick(names.slice(at))
  const jsonBefore = jsonMembers(before, spec.name)
  const jsonAfter = jsonMembers(after, spec.name)
  const xmlBefore = xmlMembers(before, spec.name)
  const xmlAfter = xmlMembers(after, spec.name)
  const root = `${spec.name}Response`

  function jsonHalves(value: object): Halves {
    const first = jsonBefore(value)
    const rest = jsonAfter(value)
    const extra = jsonExtra(value)
    return {
      head: `{${first}${first === '' ? '' : ','}"RequestId":"`,
      tail: `"${rest === '' ? '' : ','}${rest}${extra}}`,
    }
  }

  function xmlHalves(value: object): Halves {
    return {
      head: `${prolog}<${root}>${xmlBefore(value)}<RequestId>`,
      tail: `</RequestId>${xmlAfter(value)}${xmlExtra(value)}</${root}>`,
    }
  }

  function halves(value: object, format: Format): Halves {
    const write = format === 'json' ? jsonHalves : xmlHalves
    const kept = keptHalves.get(value)
    if (!kept || (kept.spec && kept.spec !== spec)) return write(value)
    kept.spec = spec
    kept[format] ??= write(value)
    return kept[format]
  }

  return {
    json(value, requestId) {
      const { head, tail } = halves(value, 'json')
      return head + requestId + tail
    },
    xml(value, requestId) {
      const { head, tail } = halves(value, 'xml')
      return head + requestId + tail
    },
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
function numberOf(value: unknown, path: string): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  if (typeof text !== 'string' || !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text))
    throw mismatch(path, 'finite number', value)
  return text
}

function booleanOf(value: unknown, path: string): string {
  if (value === true || value === 'true') return 'true'
  if (value === false || value === 'false') return 'false'
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

const absent = (value: unknown): boolean => value === undefined || value === null

/** Writes one value, or all members of an object. */
type Writer = (value: unknown) => string
type MembersWriter = (value: object) => string

function orderedFields<T>(
  fields: ResultFields,
  compile: (name: string, field: FieldSpec) => T,
): { readonly names: readonly string[]; readonly writers: readonly T[] } {
  const names = Object.keys(fields)
  return { names, writers: names.map((name) => compile(name, fields[name]!)) }
}

// --- JSON -----------------------------------------------------------------------------------------------------

function jsonString(text: string): string {
  // Most texts hold nothing to escape; looking is cheaper than JSON.stringify.
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit >= 0xd800) return JSON.stringify(text)
  }
  return `"${text}"`
}

function jsonMembers(fields: ResultFields, path: string): MembersWriter {
  const { names, writers } = orderedFields(fields, (name, field) => jsonWriter(field, `${path}.${name}`))
  const keys = names.map((name) => `${JSON.stringify(name)}:`)
  const count = names.length
  return (value) => {
    const members = value as Readonly<Record<string, unknown>>
    let text = ''
    for (let at = 0; at < count; at++) {
      const member = members[names[at]!]
      if (absent(member)) continue
      if (text !== '') text += ','
      text += keys[at]! + writers[at]!(member)
    }
    return text
  }
}

function jsonWriter(field: FieldSpec, path: string): Writer {
  switch (field.type) {
    case 'string':
      return (value) => jsonString(textOf(value, path))
    case 'number':
      return (value) => numberOf(value, path)
    case 'boolean':
      return (value) => booleanOf(value, path)
    case 'object': {
      const write = jsonMembers(field.fields, path)
      return (value) => `{${write(membersOf(value, path))}}`
    }
    case 'list': {
      const write = jsonWriter(field.item, `${path}[]`)
      const open = field.wrapper === null ? '[' : `{${JSON.stringify(field.wrapper)}:[`
      const close = field.wrapper === null ? ']' : ']}'
      return (value) => {
        let text = open
        const items = itemsOf(value, path)
        for (let at = 0; at < items.length; at++) text += at === 0 ? write(items[at]) : `,${write(items[at])}`
        return text + close
      }
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

function xmlMembers(fields: ResultFields, path: string): MembersWriter {
  const { names, writers } = orderedFields(fields, (name, field) => xmlWriter(name, field, `${path}.${name}`))
  return (value) => {
    const members = value as Readonly<Record<string, unknown>>
    let text = ''
    for (let at = 0; at < names.length; at++) {
      const member = members[names[at]!]
      if (!absent(member)) text += writers[at]!(member)
    }
    return text
  }
}

/** Writes a value inside its element; a bare list is its element repeated. */
function xmlWriter(name: string, field: FieldSpec, path: string): Writer {
  switch (field.type) {
    case 'string':
      return (value) => element(name, xmlText(textOf(value, path)))
    case 'number':
      return (value) => element(name, numberOf(value, path))
    case 'boolean':
      return (value) => element(name, booleanOf(value, path))
    case 'object': {
      const write = xmlMembers(field.fields, path)
      return (value) => element(name, write(membersOf(value, path)))
    }
    case 'list': {
      const write = xmlWriter(field.wrapper ?? name, field.item, `${path}[]`)
      const items: Writer = (value) => {
        let text = ''
        for (const item of itemsOf(value, path)) text += write(item)
        return text
      }
      return field.wrapper === null ? items : (value) => element(name, items(value))
    }
  }
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
