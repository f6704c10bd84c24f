/** IPv4 addresses and networks in dotted form, as far as routes and interfaces need them. Pure. */
import { EngineError } from '../engine.ts'

/** An address as a number of 32 bits. @throws EngineError for anything that is not four decimal numbers */
export function addressNumber(address: string): number {
  const parts = address.split('.')
  const numbers = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256))
  if (numbers.length !== 4 || numbers.some((number) => number > 255)) {
    throw new EngineError(`not an IPv4 address: "${address}"`, { retry: false })
  }
  return numbers.reduce((sum, number) => sum * 256 + number, 0)
}

const addressText = (number: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

function parseCidr(cidr: string): { address: number; length: number } {
  const [address, length = '32', ...rest] = cidr.split('/')
  if (rest.length > 0 || !/^\d{1,2}$/.test(length) || Number(length) > 32) {
    throw new EngineError(`not an IPv4 network: "${cidr}"`, { retry: false })
  }
  return { address: addressNumber(address ?? ''), length: Number(length) }
}

/** The address of `10.1.0.254/24` without its length. */
export function hostOf(cidr: string): string {
  return addressText(parseCidr(cidr).address)
}

/** `10.2.0.5/24` -> `10.2.0.0/24`; an address alone is a network of one. */
export function networkOf(cidr: string): string {
  const { address, length } = parseCidr(cidr)
  const size = 2 ** (32 - length)
  return `${addressText(Math.floor(address / size) * size)}/${length}`
}

/** An address that lies in the network: its first host, or the address itself where there is only one or two. */
export function addressInside(cidr: string): string {
  const { address, length } = parseCidr(cidr)
  const size = 2 ** (32 - length)
  const first = Math.floor(address / size) * size
  return addressText(size > 2 ? first + 1 : first)
}

/**
 * The address of the VPC's router in the vSwitch of a host: the third from the end, as the vendor has it (the last
 * three addresses of a vSwitch are the system's). `undefined` where a network has fewer than eight.
 */
export function routerOf(cidr: string): string | undefined {
  const { address, length } = parseCidr(cidr)
  if (length > 29) return undefined
  const size = 2 ** (32 - length)
  return addressText(Math.floor(address / size) * size + size - 3)
}

/** The prefix length of `10.1.0.254/24`. */
export const lengthOf = (cidr: string): number => parseCidr(cidr).length

/** Whether every address of the second network is one of the first. */
export function contains(outer: string, inner: string): boolean {
  const [wide, narrow] = [parseCidr(outer), parseCidr(inner)]
  const size = 2 ** (32 - wide.length)
  return wide.length <= narrow.length && Math.floor(wide.address / size) === Math.floor(narrow.address / size)
}

/** Two networks have an address in common exactly when one contains the other. */
export const overlap = (a: string, b: string): boolean => contains(a, b) || contains(b, a)

/** `198.51.100.2` -> `c6336402`, short enough for the name of an interface. */
export const addressHex = (address: string) => addressNumber(address).toString(16).padStart(8, '0')
