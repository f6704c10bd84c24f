/**
 * The namespace of one IKE daemon, behind the gateway's namespace.
 *
 *     gateway namespace                     engine namespace
 *     wan0   eng0 / e<peer> ─────────────── up0     lo: the gateway's outside address
 *
 * The daemon holds the gateway's own outside address, and no NAT is involved: identities and NAT detection see what
 * the peer sees. The link carries no addresses and does no ARP: both ends have fixed hardware addresses and know
 * each other's. So no private range is used up that a customer could want to route.
 *
 * Where several daemons serve one gateway (userspace ESP), the packets of each peer find theirs by the peer's address,
 * and by the gateway's address where it has two.
 */
import { addressNumber } from './address.ts'
import { routerSettings } from './gateway-network.ts'
import { applyHostSide, type HostWan, removeHostSide } from './host-network.ts'
import {
  ensureNamespace,
  hasLink,
  ip,
  ipBatch,
  ipJson,
  namespaceInode,
  removeNamespace,
  setSysctls,
} from './namespace.ts'

export interface EngineNetwork {
  /** Namespace of the daemon. */
  readonly netns: string
  /** Absent: the gateway is the host itself. */
  readonly gatewayNetns: string | undefined
  /** The outside of the host, where the gateway is the host itself. */
  readonly host?: HostWan
  /** Its end of the link in the gateway's namespace. */
  readonly link: string
  /** Outside addresses of the gateway that this daemon serves, the first one first. */
  readonly addresses: readonly string[]
  /** All outside addresses of the gateway. */
  readonly outside: readonly string[]
  /** The only peer this daemon speaks with; absent: it speaks with all of them. */
  readonly peer?: string
}

/** Locally administered (bit 2 of the first octet); they meet on a link of their own only. */
const gatewayEnd = '02:00:5e:00:00:01'
const engineEnd = '02:00:5e:00:00:02'
/** Next hop of the daemon: a name for the other end of the link, which nobody holds as an address. */
const nextHop = '169.254.255.254'
const peerPriority = 100
/**
 * Table of the daemon that serves a whole gateway. One of a peer is numbered by the peer's address; two daemons that
 * speak with the same peer share it, each for an outside address of its own.
 */
const engineTable = 101

const tableOf = (network: EngineNetwork) =>
  network.peer === undefined ? engineTable : addressNumber(network.peer)

export const engineLines = ({ addresses }: EngineNetwork): string[] => [
  ...addresses.map((address) => `addr replace ${address}/32 dev lo`),
  'link set up0 up',
  `neigh replace ${nextHop} lladdr ${gatewayEnd} dev up0 nud permanent`,
  `route replace default via ${nextHop} dev up0 onlink src ${addresses[0]}`,
]

export function gatewaySideLines(network: EngineNetwork): string[] {
  const { link, addresses } = network
  return [
    `link set ${link} up`,
    ...addresses.flatMap((address) => [
      `neigh replace ${address} lladdr ${engineEnd} dev ${link} nud permanent`,
      `route replace ${address}/32 dev ${link} scope link table ${tableOf(network)}`,
    ]),
  ]
}

interface PeerRule {
  readonly priority: number
  readonly src?: string
  readonly dst?: string
}

const peerOf = (network: EngineNetwork) => network.peer ?? 'all'

/** Lines that bring what the peers of this daemon send to it, and to nothing that was before. */
export function peerRuleLines(seen: readonly PeerRule[], network: EngineNetwork): string[] {
  const { addresses, outside } = network
  const from = peerOf(network)
  const ours = seen.filter((rule) => rule.priority === peerPriority && (rule.src ?? 'all') === from)
  const selector = (address: string | undefined) =>
    `pref ${peerPriority} iif wan0 from ${from} to ${address} lookup ${tableOf(network)}`
  return [
    ...ours
      .filter((rule) => !outside.includes(rule.dst ?? ''))
      .map((rule) => `rule del ${selector(rule.dst)}`),
    ...addresses
      .filter((address) => !ours.some((rule) => rule.dst === address))
      .map((address) => `rule add ${selector(address)}`),
  ]
}

/** Lines that take away what a daemon of the whole gateway has on its loopback from earlier. */
export function staleLoopbackLines(
  seen: readonly { addr_info: readonly { local: string }[] }[],
  { addresses, peer }: EngineNetwork,
): string[] {
  // One of a single peer keeps its outside address for life, and has others for its selectors.
  if (peer !== undefined) return []
  return seen
    .flatMap(({ addr_info }) => addr_info.map(({ local }) => local))
    .filter((local) => !local.startsWith('127.') && !addresses.includes(local))
    .map((local) => `addr del ${local}/32 dev lo`)
}

/** Makes the namespace and its link, or mends them; what is right already is not touched. */
export async function applyEngineNetwork(network: EngineNetwork): Promise<void> {
  const { link } = network
  await ensureNamespace(network.netns, routerSettings)
  if (!(await hasLink(network.gatewayNetns, link))) {
    await ip(network.gatewayNetns, [
      ...['link', 'add', link, 'address', gatewayEnd, 'type', 'veth'],
      ...['peer', 'name', 'up0', 'address', engineEnd, 'netns', network.netns],
    ])
  }
  await Promise.all([
    applyEngineSide(network),
    network.host ? applyHostSide(network, network.host, engineEnd) : applyGatewaySide(network),
  ])
}

async function applyEngineSide(network: EngineNetwork): Promise<void> {
  const { netns } = network
  await ipBatch(netns, engineLines(network))
  const loopback = await ipJson<{ addr_info: { local: string }[] }>(netns, [
    ...['-4', 'addr', 'show', 'dev', 'lo'],
  ])
  await ipBatch(netns, staleLoopbackLines(loopback, network))
}

async function applyGatewaySide(network: EngineNetwork): Promise<void> {
  const { gatewayNetns, link } = network
  const [rules] = await Promise.all([
    ipJson<PeerRule>(gatewayNetns, ['rule', 'show']),
    // What comes from the daemon has the gateway's own address as its source.
    setSysctls(gatewayNetns, { [`ipv4.conf.${link}.accept_local`]: 1 }),
  ])
  await ipBatch(gatewayNetns, [...gatewaySideLines(network), ...peerRuleLines(rules, network)])
}

/** The daemon must have ended: a process inside would keep the namespace alive without its name. */
export async function removeEngineNetwork(network: EngineNetwork): Promise<void> {
  if (network.host) await removeHostSide(network)
  else if (network.gatewayNetns !== undefined && (await namespaceInode(network.gatewayNetns)) !== undefined) {
    const { link, addresses, outside } = network
    const [isLinked, rules] = await Promise.all([
      hasLink(network.gatewayNetns, link),
      ipJson<PeerRule>(network.gatewayNetns, ['rule', 'show']),
    ])
    const from = peerOf(network)
    const isOurs = ({ priority, src = 'all', dst = '' }: PeerRule) =>
      priority === peerPriority && src === from && (addresses.includes(dst) || !outside.includes(dst))
    await ipBatch(network.gatewayNetns, [
      ...rules.filter(isOurs).map((rule) => `rule del pref ${peerPriority} from ${from} to ${rule.dst}`),
      ...(isLinked ? [`link del ${link}`] : []),
    ])
  }
  await removeNamespace(network.netns)
}

/**
 * Puts addresses on the loopback of the daemon's namespace. libipsec (5.9.8) refuses a CHILD_SA when the namespace
 * has no address inside its local selector. Addresses are only added: an SA may still run with older settings.
 */
export async function addLoopbackAddresses(netns: string, addresses: readonly string[]): Promise<void> {
  await ipBatch(
    netns,
    addresses.map((address) => `addr replace ${address}/32 dev lo`),
  )
}
