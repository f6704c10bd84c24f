/**
 * VICI on the wire: messages, packets, segments. Pure.
 *
 * Follows `README.md` of strongSwan's vici plugin (5.9.8). Where the daemon differs from it: a log event carries
 * `ikesa-uniqueid` (the document says `ikesa-uniqued`), and keys that would say "no" are simply absent.
 *
 *   segment   u32 length (big-endian, at most 512 KiB), then one packet
 *   packet    u8 type; types with a name: u8 length + name; then the message, if the type has one
 *   message   elements, each u8 type:  1 section start (name)   2 section end
 *                                      3 key/value (name, value)
 *                                      4 list start (name)      5 list item (value)   6 list end
 *             name: u8 length + bytes, value: u16 length (big-endian) + bytes
 */

/** Names to values, lists of values, or further sections. `undefined` members are not sent. */
export interface Section<V> {
  readonly [name: string]: V | readonly V[] | Section<V> | undefined
}

/** What may be sent: text goes out as UTF-8, bytes as they are. */
export type ViciSection = Section<string | Uint8Array>
/** What is received, values read as UTF-8. Sections have no prototype: any name is safe to look up. */
export type ViciMessage = Section<string>

/** Bytes that are not VICI, or a value that VICI cannot carry. Never quotes a value: it may be a key. */
export class ViciProtocolError extends Error {
  override readonly name = 'ViciProtocolError'
}

export const maxSegmentLength = 512 * 1024
/** charon's own messages nest four deep; the limit keeps a hostile one from exhausting the stack of its readers. */
const maxDepth = 64

const element = {
  sectionStart: 1,
  sectionEnd: 2,
  keyValue: 3,
  listStart: 4,
  listItem: 5,
  listEnd: 6,
} as const

const isSection = <V>(value: V | readonly V[] | Section<V>): value is Section<V> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

// --- Messages ------------------------------------------------------------------------------------------------

/** @throws ViciProtocolError for a name above 255 bytes, a value above 65,535, or nesting beyond what is decoded. */
export function encodeMessage(message: ViciSection): Uint8Array {
  const parts: Uint8Array[] = []

  const name = (type: number, text: string) => {
    const bytes = Buffer.from(text, 'utf8')
    if (bytes.length > 0xff) throw new ViciProtocolError(`name of ${bytes.length} bytes, 255 is the limit`)
    parts.push(Uint8Array.of(type, bytes.length), bytes)
  }
  const value = (key: string, content: unknown) => {
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
      throw new ViciProtocolError(`value of ${key} is neither text nor bytes`)
    }
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
    if (bytes.length > 0xffff) {
      throw new ViciProtocolError(`value of ${key} has ${bytes.length} bytes, 65535 is the limit`)
    }
    parts.push(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes)
  }
  const members = (section: ViciSection, depth: number) => {
    if (depth > maxDepth) throw new ViciProtocolError(`sections nest deeper than ${maxDepth}`)
    for (const [key, content] of Object.entries(section)) {
      if (content === undefined) continue
      if (Array.isArray(content)) {
        name(element.listStart, key)
        for (const item of content) {
          parts.push(Uint8Array.of(element.listItem))
          value(key, item)
        }
        parts.push(Uint8Array.of(element.listEnd))
      } else if (isSection(content)) {
        name(element.sectionStart, key)
        members(content as ViciSection, depth + 1)
        parts.push(Uint8Array.of(element.sectionEnd))
      } else {
        name(element.keyValue, key)
        value(key, content)
      }
    }
  }
  members(message, 0)
  return Buffer.concat(parts)
}

/**
 * Reads a whole message. A name that comes twice in a section keeps its last value.
 * `raw` leaves the values as bytes, for those that are not text.
 *
 * @throws ViciProtocolError for anything that is not a complete message.
 */
export function decodeMessage(bytes: Uint8Array, options: { raw: true }): Section<Uint8Array>
export function decodeMessage(bytes: Uint8Array): ViciMessage
export function decodeMessage(bytes: Uint8Array, options?: { raw: true }): ViciSection {
  type Open = { [name: string]: string | Uint8Array | (string | Uint8Array)[] | Open }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0

  const take = (length: number): Buffer => {
    if (at + length > buffer.length) {
      throw new ViciProtocolError(
        `message ends at byte ${buffer.length}, an element reaches to ${at + length}`,
      )
    }
    at += length
    return buffer.subarray(at - length, at)
  }
  const name = () => take(take(1)[0]!).toString('utf8')
  const value = () => {
    const content = take(take(2).readUInt16BE(0))
    return options?.raw ? Uint8Array.from(content) : content.toString('utf8')
  }

  const message: Open = Object.create(null)
  const outer: Open[] = []
  let section = message
  let list: (string | Uint8Array)[] | undefined
  while (at < buffer.length) {
    const start = at
    const type = take(1)[0]!
    const inList = type === element.listItem || type === element.listEnd
    if (inList !== (list !== undefined)) {
      throw new ViciProtocolError(`element ${type} ${list ? 'inside' : 'outside'} a list at byte ${start}`)
    }
    switch (type) {
      case element.sectionStart: {
        const inner: Open = Object.create(null)
        section[name()] = inner
        outer.push(section)
        if (outer.length > maxDepth) throw new ViciProtocolError(`sections nest deeper than ${maxDepth}`)
        section = inner
        break
      }
      case element.sectionEnd: {
        const parent = outer.pop()
        if (!parent) throw new ViciProtocolError(`section end without a section at byte ${start}`)
        section = parent
        break
      }
      case element.keyValue: {
        const key = name()
        section[key] = value()
        break
      }
      case element.listStart:
        list = []
        section[name()] = list
        break
      case element.listItem:
        list!.push(value())
        break
      case element.listEnd:
        list = undefined
        break
      default:
        throw new ViciProtocolError(`unknown element ${type} at byte ${start}`)
    }
  }
  if (list) throw new ViciProtocolError('message ends inside a list')
  if (outer.length > 0) throw new ViciProtocolError('message ends inside a section')
  return message
}

// --- Reading what was decoded --------------------------------------------------------------------------------

/** The text under a name; `undefined` when it is absent or something else. */
export function textOf(section: ViciMessage | undefined, name: string): string | undefined {
  const value = section?.[name]
  return typeof value === 'string' ? value : undefined
}

/** The list under a name; empty when it is absent or something else. */
export function listOf(section: ViciMessage | undefined, name: string): readonly string[] {
  const value = section?.[name]
  return Array.isArray(value) ? value : []
}

/** The section under a name; `undefined` when it is absent or something else. */
export function sectionOf(section: ViciMessage | undefined, name: string): ViciMessage | undefined {
  const value = section?.[name]
  return value !== undefined && isSection(value) ? value : undefined
}

/** All sections directly inside, with their names. */
export function sectionsOf(section: ViciMessage | undefined): [name: string, inner: ViciMessage][] {
  return Object.entries(section ?? {}).filter(
    (entry): entry is [string, ViciMessage] => entry[1] !== undefined && isSection(entry[1]),
  )
}

// --- Packets and segments ------------------------------------------------------------------------------------

/** One packet; `message` is still encoded. */
export type Packet =
  | { readonly type: 'request' | 'event'; readonly name: string; readonly message: Uint8Array }
  | { readonly type: 'register' | 'unregister'; readonly name: string }
  | { readonly type: 'response'; readonly message: Uint8Array }
  | { readonly type: 'unknown-command' | 'confirm' | 'unknown-event' }

const packetTypes = [
  'request',
  'response',
  'unknown-command',
  'register',
  'unregister',
  'confirm',
  'unknown-event',
  'event',
] as const satisfies readonly Packet['type'][]

/** The packet as one segment, length included. */
export function encodePacket(packet: Packet): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(packetTypes.indexOf(packet.type))]
  if ('name' in packet) {
    const name = Buffer.from(packet.name, 'utf8')
    if (name.length > 0xff) throw new ViciProtocolError(`name of ${name.length} bytes, 255 is the limit`)
    parts.push(Uint8Array.of(name.length), name)
  }
  if ('message' in packet) parts.push(packet.message)
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length > maxSegmentLength) {
    throw new ViciProtocolError(`packet of ${length} bytes, ${maxSegmentLength} is the limit`)
  }
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  return Buffer.concat([header, ...parts])
}

/** Reads what a segment holds, without the length in front. @throws ViciProtocolError */
export function decodePacket(segment: Uint8Array): Packet {
  const type = packetTypes[segment[0] ?? -1]
  if (!type) throw new ViciProtocolError(`unknown packet type ${segment[0] ?? '(empty segment)'}`)
  let rest = segment.subarray(1)
  const name = () => {
    const length = rest[0]
    if (length === undefined || rest.length < 1 + length) {
      throw new ViciProtocolError(`${type} packet ends inside its name`)
    }
    const bytes = rest.subarray(1, 1 + length)
    rest = rest.subarray(1 + length)
    return Buffer.from(bytes).toString('utf8')
  }
  const nothingLeft = () => {
    if (rest.length > 0) throw new ViciProtocolError(`${type} packet with ${rest.length} bytes too many`)
  }
  switch (type) {
    case 'request':
    case 'event':
      return { type, name: name(), message: rest }
    case 'register':
    case 'unregister': {
      const event = name()
      nothingLeft()
      return { type, name: event }
    }
    case 'response':
      return { type, message: rest }
    default:
      nothingLeft()
      return { type }
  }
}

/** Cuts a byte stream into segments. Keeps what is incomplete until the rest arrives. */
export class SegmentReader {
  #pieces: Uint8Array[] = []
  #buffered = 0
  /** Bytes needed before anything can be returned: the length field, or length field and segment. */
  #needed = 4

  /** Bytes of a segment that has begun and is not complete. */
  get pending(): number {
    return this.#buffered
  }

  /** The segments that are complete now, length removed. @throws ViciProtocolError for a length above the limit. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#pieces.push(chunk)
    this.#buffered += chunk.length
    if (this.#buffered < this.#needed) return []

    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const segments: Uint8Array[] = []
    let at = 0
    this.#needed = 4
    while (bytes.length - at >= 4) {
      const length = view.getUint32(at)
      if (length > maxSegmentLength) {
        throw new ViciProtocolError(`segment of ${length} bytes, ${maxSegmentLength} is the limit`)
      }
      if (bytes.length - at < 4 + length) {
        this.#needed = 4 + length
        break
      }
      segments.push(bytes.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    const rest = bytes.subarray(at)
    this.#pieces = rest.length > 0 ? [rest] : []
    this.#buffered = rest.length
    return segments
  }
}
