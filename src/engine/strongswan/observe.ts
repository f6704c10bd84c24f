/**
 * What charon says of its SAs, in the words of `engine.ts`. Pure.
 *
 * Reads the `list-sa` events of `list-sas` (strongSwan 5.9.8). Absent keys mean "no" or "not yet".
 */
import { isIPv4 } from 'node:net'
import type { ChildSa, IkeSa, Tunnel, TunnelId } from '../engine.ts'
import { listOf, sectionOf, sectionsOf, textOf, type ViciMessage } from './vici/message.ts'

export interface ObservedIkeSa extends IkeSa {
  /** Seconds since the last packet came in through its CHILD_SAs; absent: none has. */
  readonly quietFor?: number
}

export interface ObservedSas {
  readonly ikeSas: readonly ObservedIkeSa[]
  readonly childSas: readonly ChildSa[]
}

/**
 * The SAs of all tunnels, by tunnel: the connection of a tunnel has its id for a name.
 * SAs of unknown connections are listed too, under the name they have.
 */
export function observeSas(events: readonly ViciMessage[]): ReadonlyMap<TunnelId, ObservedSas> {
  const tunnels = new Map<TunnelId, { ikeSas: ObservedIkeSa[]; childSas: ChildSa[] }>()
  for (const event of events) {
    for (const [name, section] of sectionsOf(event)) {
      const tunnel = tunnels.get(name) ?? { ikeSas: [], childSas: [] }
      tunnels.set(name, tunnel)
      const ikeSa = observeIkeSa(section)
      tunnel.ikeSas.push(ikeSa)
      for (const [, child] of sectionsOf(sectionOf(section, 'child-sas'))) {
        tunnel.childSas.push(observeChildSa(child, ikeSa.uniqueId))
      }
    }
  }
  return tunnels
}

function observeIkeSa(section: ViciMessage): ObservedIkeSa {
  const host = textOf(section, 'remote-host')
  const quiet = sectionsOf(sectionOf(section, 'child-sas')).flatMap(
    ([, child]) => numberOf(child, 'use-in') ?? [],
  )
  return {
    uniqueId: textOf(section, 'uniqueid') ?? '',
    state: ikeStates[textOf(section, 'state') ?? ''] ?? 'connecting',
    version: textOf(section, 'version') === '1' ? 'ikev1' : 'ikev2',
    initiator: textOf(section, 'initiator') === 'yes',
    localId: identity(section, 'local-id'),
    remoteId: identity(section, 'remote-id'),
    remoteEndpoint: host && `${host}:${textOf(section, 'remote-port') ?? '500'}`,
    proposal: proposal(section),
    establishedFor: numberOf(section, 'established'),
    rekeyIn: numberOf(section, 'rekey-time'),
    natBetween: textOf(section, 'nat-local') === 'yes' || textOf(section, 'nat-remote') === 'yes',
    ...(quiet.length > 0 && { quietFor: Math.min(...quiet) }),
  }
}

function observeChildSa(section: ViciMessage, ikeUniqueId: string): ChildSa {
  return {
    uniqueId: textOf(section, 'uniqueid') ?? '',
    ikeUniqueId,
    state: childStates[textOf(section, 'state') ?? ''] ?? 'negotiating',
    spiIn: textOf(section, 'spi-in'),
    spiOut: textOf(section, 'spi-out'),
    proposal: proposal(section),
    localSelectors: listOf(section, 'local-ts'),
    remoteSelectors: listOf(section, 'remote-ts'),
    bytesIn: numberOf(section, 'bytes-in') ?? 0,
    bytesOut: numberOf(section, 'bytes-out') ?? 0,
    packetsIn: numberOf(section, 'packets-in') ?? 0,
    packetsOut: numberOf(section, 'packets-out') ?? 0,
    rekeyIn: numberOf(section, 'rekey-time'),
    expiresIn: numberOf(section, 'life-time'),
  }
}

/** A CHILD_SA carries traffic: installed, or being replaced by a new one. */
export const carriesTraffic = (child: ChildSa): boolean =>
  child.state === 'installed' || child.state === 'rekeying'

/** Established for `Status`, which a re-key does not interrupt. */
export const isEstablished = (ikeSa: IkeSa): boolean =>
  ikeSa.state === 'established' || ikeSa.state === 'rekeying'

const ikeStates: Readonly<Record<string, IkeSa['state']>> = {
  CREATED: 'connecting',
  CONNECTING: 'connecting',
  ESTABLISHED: 'established',
  PASSIVE: 'established',
  REKEYING: 'rekeying',
  REKEYED: 'deleting',
  DELETING: 'deleting',
  DESTROYING: 'deleting',
}

const childStates: Readonly<Record<string, ChildSa['state']>> = {
  CREATED: 'negotiating',
  ROUTED: 'negotiating',
  INSTALLING: 'negotiating',
  RETRYING: 'negotiating',
  INSTALLED: 'installed',
  UPDATING: 'installed',
  REKEYING: 'rekeying',
  REKEYED: 'closing',
  DELETING: 'closing',
  DELETED: 'closing',
  DESTROYING: 'closing',
}

/** Transforms as they stand in `list-sa`, in the words of a proposal. Others are written as the daemon names them. */
const transformWords: Readonly<Record<string, string>> = {
  AES_CBC: 'aes',
  DES_CBC: 'des',
  '3DES_CBC': '3des',
  HMAC_MD5_96: 'md5',
  HMAC_SHA1_96: 'sha1',
  HMAC_SHA2_256_128: 'sha256',
  HMAC_SHA2_384_192: 'sha384',
  HMAC_SHA2_512_256: 'sha512',
}

function proposal(section: ViciMessage): string | undefined {
  const encryption = textOf(section, 'encr-alg')
  if (!encryption) return undefined
  const word = (name: string | undefined) => name && (transformWords[name] ?? name.toLowerCase())
  return [
    `${word(encryption)}${textOf(section, 'encr-keysize') ?? ''}`,
    word(textOf(section, 'integ-alg')),
    textOf(section, 'dh-group')?.toLowerCase().replace('_', ''),
  ]
    .filter(Boolean)
    .join('-')
}

/** `%any` stands for an identity that is not known yet. */
function identity(section: ViciMessage, name: string): string | undefined {
  const text = textOf(section, name)
  return text === '%any' ? undefined : text
}

function numberOf(section: ViciMessage, name: string): number | undefined {
  const text = textOf(section, name)
  return text === undefined ? undefined : Number(text)
}

/**
 * What was asked for and what was agreed, where the peer took a part of the subnets only: IKEv2 lets it, without a
 * word to us (RFC 7296, 2.9). `undefined` when some CHILD_SAs carry everything that the tunnel asks for.
 * A CHILD_SA that is missing altogether is not meant here.
 */
export function narrowing(
  tunnel: Pick<Tunnel, 'localSubnets' | 'remoteSubnets'>,
  childSas: readonly ChildSa[],
): readonly string[] | undefined {
  const carrying = childSas.filter(carriesTraffic)
  const agreed = {
    local: carrying.flatMap((child) => child.localSelectors),
    remote: carrying.flatMap((child) => child.remoteSelectors),
  }
  const covers = (selectors: readonly string[], subnets: readonly string[]) => {
    const ranges = selectors.map(rangeOf).filter((range) => range !== undefined)
    return subnets.map(rangeOf).every((wanted) => wanted && ranges.some((range) => contains(range, wanted)))
  }
  if (covers(agreed.local, tunnel.localSubnets) && covers(agreed.remote, tunnel.remoteSubnets))
    return undefined
  const unique = (texts: readonly string[]) => [...new Set(texts)].join(',')
  return [
    `asked for: ${unique(tunnel.localSubnets)} === ${unique(tunnel.remoteSubnets)}`,
    `agreed: ${unique(agreed.local)} === ${unique(agreed.remote)}`,
  ]
}

type Range = readonly [first: number, last: number]

const contains = (outer: Range, inner: Range) => outer[0] <= inner[0] && inner[1] <= outer[1]

/** A selector of all protocols and ports, `10.1.0.0/24` or `10.1.0.3..10.1.0.9`; others cover no subnet. */
function rangeOf(selector: string): Range | undefined {
  const [, first, length, last] = /^([\d.]+)(?:\/(\d+)|\.\.([\d.]+))$/.exec(selector) ?? []
  if (first === undefined || !isIPv4(first)) return undefined
  if (last !== undefined) return isIPv4(last) ? [numberOfAddress(first), numberOfAddress(last)] : undefined
  const size = 2 ** (32 - Number(length))
  const start = Math.floor(numberOfAddress(first) / size) * size
  return [start, start + size - 1]
}

const numberOfAddress = (address: string) =>
  address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)
