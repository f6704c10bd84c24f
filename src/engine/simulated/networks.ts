/** IPv4 networks in CIDR, as selectors of simulated tunnels. Pure. */
import { isIPv4 } from 'node:net'

interface Range {
  readonly start: number
  readonly length: number
}

const addressNumber = (text: string) =>
  text.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)

const addressText = (number: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

/** Without host bits; `undefined` for what is no network. */
function parse(cidr: string): Range | undefined {
  const [host = '', length = '', ...rest] = cidr.split('/')
  if (!isIPv4(host) || !/^\d{1,2}$/.test(length) || Number(length) > 32 || rest.length > 0) return undefined
  const size = 2 ** (32 - Number(length))
  return { start: Math.floor(addressNumber(host) / size) * size, length: Number(length) }
}

const text = ({ start, length }: Range) => `${addressText(start)}/${length}`

/** `10.2.0.5/24` -> `10.2.0.0/24`; `undefined` for what is no network. */
export function networkOf(cidr: string): string | undefined {
  const range = parse(cidr)
  return range && text(range)
}

/** The networks, each once, in a fixed order. They are known to be networks. */
export const networksOf = (cidrs: readonly string[]): readonly string[] =>
  [...new Set(cidrs.map((cidr) => networkOf(cidr)!))].toSorted()

export const contains = (outer: string, inner: string): boolean =>
  intersect(outer, inner) === networkOf(inner)

/** Of two networks one lies in the other, or they have nothing in common. */
function intersect(a: string, b: string): string | undefined {
  const [wide, narrow] = [parse(a)!, parse(b)!].toSorted((left, right) => left.length - right.length)
  const size = 2 ** (32 - wide!.length)
  return Math.floor(narrow!.start / size) * size === wide!.start ? text(narrow!) : undefined
}

/** What both lists cover (RFC 7296, 2.9: narrowing). */
export const common = (left: readonly string[], right: readonly string[]): readonly string[] =>
  networksOf(left.flatMap((one) => right.flatMap((other) => intersect(one, other) ?? [])))
