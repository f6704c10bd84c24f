/** IPv4 addresses and networks as unsigned 32-bit numbers. Text forms are the strict dotted ones (RFC 6943, 3.1.1). */

export interface Ipv4Network {
  readonly address: number
  readonly prefixLength: number
}

const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const dotted = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`)

/** Refuses leading zeros, since readers disagree on whether they mean octal. */
export function parseIpv4(text: string): number | undefined {
  const match = dotted.exec(text)
  if (!match) return undefined
  return (
    ((Number(match[1]) << 24) | (Number(match[2]) << 16) | (Number(match[3]) << 8) | Number(match[4])) >>> 0
  )
}

export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

function mask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0
}

/** A network; set host bits are refused. */
export function parseNetwork(text: string): Ipv4Network | undefined {
  const slash = text.indexOf('/')
  if (slash < 0 || !/^(0|[1-9]\d?)$/.test(text.slice(slash + 1))) return undefined
  const address = parseIpv4(text.slice(0, slash))
  const prefixLength = Number(text.slice(slash + 1))
  if (address === undefined || prefixLength > 32) return undefined
  return (address & ~mask(prefixLength)) === 0 ? { address, prefixLength } : undefined
}

/** Address and prefix length (`10.1.0.251/24`) -> its network (`10.1.0.0/24`). */
export function networkOf(text: string): string {
  const [host = '', prefixLength = ''] = text.split('/')
  return `${formatIpv4((parseIpv4(host)! & mask(Number(prefixLength))) >>> 0)}/${prefixLength}`
}

export function contains(outer: Ipv4Network, inner: Ipv4Network): boolean {
  return (
    inner.prefixLength >= outer.prefixLength &&
    (inner.address & mask(outer.prefixLength)) >>> 0 === outer.address
  )
}

export function overlap(a: Ipv4Network, b: Ipv4Network): boolean {
  return contains(a, b) || contains(b, a)
}

export function networkSize(network: Ipv4Network): number {
  return 2 ** (32 - network.prefixLength)
}

/**
 * A comma-separated list of networks (`LocalSubnet`), or `undefined` when an item is empty, malformed, has host
 * bits set, or stands there twice. Blanks around an item are let through.
 */
export function parseNetworkList(text: string): readonly Ipv4Network[] | undefined {
  const networks: Ipv4Network[] = []
  for (const item of text.split(',')) {
    const network = parseNetwork(item.trim())
    if (!network) return undefined
    if (networks.some((n) => n.address === network.address && n.prefixLength === network.prefixLength)) {
      return undefined
    }
    networks.push(network)
  }
  return networks
}
