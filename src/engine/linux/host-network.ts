/**
 * The one VPN gateway of a host that is itself the gateway: no namespace of its own, an interface of the host outside,
 * the host's own networks inside.
 *
 *      interface of the host                                                  LAN
 *     ── eth0  outside address ──┬── the host's own stack ── vco<n> tunnels ── eth1 ── hosts
 *                                │ at ingress: IKE and ESP of peers
 *                                └── eng0/e<peer> ─── up0  daemon in its namespace
 *
 * The daemons live in namespaces of their own as everywhere. What peers send to them is taken at the ingress of the
 * outside interface (nftables, netdev): IKE and ESP alone, so that everything else of the same address stays with the
 * host, whose local table, rules and filters are not touched. What the daemons send is forwarded by a table of its
 * own, which the routes to tunnels cannot turn back into one.
 *
 * A host has a default route. So that packets for a tunnel that is down are refused and do not leave in clear by it,
 * every destination of a tunnel has an unreachable route behind all others: see GatewayRoutes.
 */
import { EngineError, type Gateway } from '../engine.ts'
import { hostOf, networkOf } from './address.ts'
import type { EngineNetwork } from './engine-network.ts'
import type { Names } from './names.ts'
import { findLink, hasLink, ip, ipBatch, ipJson, listLinks, runIn, setSysctls } from './namespace.ts'
import { outsideAddresses } from './outside-addresses.ts'
import { guardMetric } from './tunnel-routes.ts'

/** The outside of a host that is the gateway itself. */
export interface HostWan {
  /** An Ethernet interface of the host that has the outside addresses. */
  readonly interface: string
  /** Next hop towards the peers; absent: that of the default route by this interface, if there is one. */
  readonly gateway?: string
}

/** Table by which the daemons send. */
export const hostTable = 999_999
const daemonPriority = 140
/** Without any address a link may not receive what loose reverse path filtering (2) lets through elsewhere. */
const linkAddress = '169.254.255.254/32'

interface HostRule {
  readonly priority: number
  readonly iif?: string
  readonly table?: string
}

/** Input of `nft -f -`: brings what peers send to the daemon of this network, in place of what was said before. */
export function renderSteering(network: EngineNetwork, outside: string, daemonEnd: string): string {
  const { netns, link, addresses, peer } = network
  const from = peer === undefined ? '' : `ip saddr ${peer} `
  const match = `${from}ip daddr { ${addresses.join(', ')} }`
  const take = `ether daddr set ${daemonEnd} fwd to "${link}"`
  return `add table netdev ${netns}
delete table netdev ${netns}
table netdev ${netns} {
  chain peers {
    type filter hook ingress device "${outside}" priority -150;
    ${match} udp dport { 500, 4500 } ${take}
    ${match} ip protocol esp ${take}
  }
}
`
}

/** Lines that let a daemon send to its peers. */
export function daemonRuleLines(seen: readonly HostRule[], link: string): string[] {
  const isThere = seen.some((rule) => rule.priority === daemonPriority && rule.iif === link)
  return isThere ? [] : [`rule add pref ${daemonPriority} iif ${link} lookup ${hostTable}`]
}

/** The host's side of a daemon's link, which is there. */
export async function applyHostSide(
  network: EngineNetwork,
  { interface: outside }: HostWan,
  daemonEnd: string,
): Promise<void> {
  const { link } = network
  const [rules] = await Promise.all([
    ipJson<HostRule>(undefined, ['-4', 'rule', 'show']),
    setSysctls(undefined, {
      // What comes from the daemon has the host's own address as its source.
      [`ipv4.conf.${link}.accept_local`]: 1,
      [`ipv4.conf.${link}.rp_filter`]: 0,
      [`ipv4.conf.${link}.send_redirects`]: 0,
      [`ipv6.conf.${link}.disable_ipv6`]: 1,
    }),
  ])
  await ipBatch(undefined, [
    `addr replace ${linkAddress} dev ${link} scope link`,
    `link set ${link} up`,
    ...daemonRuleLines(rules, link),
  ])
  await runIn(undefined, 'nft', ['-f', '-'], renderSteering(network, outside, daemonEnd))
}

export async function removeHostSide({ netns, link }: EngineNetwork): Promise<void> {
  await removeSteering([netns])
  await removeLink(link)
  const rules = await ipJson<HostRule>(undefined, ['-4', 'rule', 'show'])
  const isOurs = (rule: HostRule) => rule.priority === daemonPriority && rule.iif === link
  await ipBatch(
    undefined,
    rules.filter(isOurs).map(() => `rule del pref ${daemonPriority} iif ${link}`),
  )
}

/** One whose other end was in a namespace that has been removed goes by itself some time later. */
async function removeLink(name: string): Promise<void> {
  await ip(undefined, ['link', 'del', name]).catch(async (error: unknown) => {
    if (await hasLink(undefined, name)) throw error
  })
}

async function removeSteering(tables: readonly string[]): Promise<void> {
  const lines = tables.flatMap((table) => [`add table netdev ${table}`, `delete table netdev ${table}`])
  if (lines.length > 0) await runIn(undefined, 'nft', ['-f', '-'], `${lines.join('\n')}\n`)
}

/** @throws EngineError when the host cannot be a gateway with this interface */
export async function checkHost({ interface: outside }: HostWan): Promise<void> {
  if ((await findLink(undefined, outside)) === undefined) {
    throw new EngineError(`WAN: interface ${outside} does not exist`, { retry: true })
  }
  const filter = (await runIn(undefined, 'sysctl', ['--values', 'net.ipv4.conf.all.rp_filter'])).trim()
  if (filter === '1') {
    throw new EngineError(
      'net.ipv4.conf.all.rp_filter is 1 on this host, which drops what comes out of tunnels: set it to 2 or 0',
      { retry: true },
    )
  }
}

interface SeenAddresses {
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[]
}

/** Lines of the table by which the daemons send: the networks on the outside link itself, and what is behind them. */
export function hostTableLines(
  outside: string,
  addresses: SeenAddresses['addr_info'],
  nextHop: string | undefined,
): string[] {
  const via = nextHop === undefined ? '' : `via ${nextHop} onlink `
  const networks = addresses
    .filter(({ prefixlen }) => prefixlen < 32)
    .map(({ local, prefixlen }) => networkOf(`${local}/${prefixlen}`))
  return [
    ...[...new Set(networks)].map((network) => `route replace ${network} dev ${outside} table ${hostTable}`),
    `route replace default ${via}dev ${outside} table ${hostTable}`,
  ]
}

/** Makes the host the gateway. @param before what it was, when its inside address was another */
export async function applyHostGateway(
  { interface: outside, gateway: nextHop }: HostWan,
  gateway: Gateway,
  before: Gateway | undefined,
): Promise<void> {
  const [links, defaults] = await Promise.all([
    ipJson<SeenAddresses>(undefined, ['-4', 'addr', 'show', 'dev', outside]),
    ipJson<{ gateway?: string }>(undefined, ['-4', 'route', 'show', 'default', 'dev', outside]),
    setSysctls(undefined, { 'ipv4.ip_forward': 1 }),
  ])
  const addresses = links.flatMap(({ addr_info = [] }) => addr_info)
  for (const address of outsideAddresses(gateway)) {
    if (!addresses.some(({ local }) => local === address)) {
      throw new EngineError(`gateway ${gateway.id}: the host has no address ${address} on ${outside}`, {
        retry: true,
      })
    }
  }
  const inside = hostOf(gateway.insideAddress)
  const old = before && hostOf(before.insideAddress)
  await ipBatch(undefined, [
    // What the gateway itself sends into tunnels has an address of the VPC.
    `addr replace ${inside}/32 dev lo`,
    ...(old !== undefined && old !== inside ? [`addr del ${old}/32 dev lo`] : []),
    ...hostTableLines(outside, addresses, nextHop ?? defaults[0]?.gateway),
  ])
}

/** The host is no gateway any more; what daemons and tunnels had goes with them. */
export async function removeHostGateway({ insideAddress }: Gateway): Promise<void> {
  const inside = hostOf(insideAddress)
  const loopback = await ipJson<SeenAddresses>(undefined, ['-4', 'addr', 'show', 'dev', 'lo'])
  const has = loopback.some(({ addr_info = [] }) => addr_info.some(({ local }) => local === inside))
  await ipBatch(undefined, [
    ...(has ? [`addr del ${inside}/32 dev lo`] : []),
    // Flushing a table that was never made fails.
    `route replace unreachable 0.0.0.0/0 metric 1 table ${hostTable}`,
    `route flush table ${hostTable}`,
  ])
}

/**
 * Removes what a deployment whose daemons have been ended has left on the host itself.
 *
 * @param gateways as they were recorded
 */
export async function removeHostLeftovers(names: Names, gateways: readonly Gateway[]): Promise<void> {
  const tables = await runIn(undefined, 'nft', ['list', 'tables', 'netdev'])
  const ours = [...tables.matchAll(/^table netdev (\S+)$/gm)].map(([, name = '']) => name)
  await removeSteering(ours.filter((name) => names.kindOf(name) === 'engine'))
  const links = await listLinks(undefined)
  for (const { ifname } of links.filter((link) => /^(vco\d+|eng0|[ef][0-9a-f]{8})$/.test(link.ifname))) {
    await removeLink(ifname)
  }
  const rules = await ipJson<HostRule & { src?: string; srclen?: number }>(undefined, ['-4', 'rule', 'show'])
  const routes = await ipJson<{ type?: string; dst: string; metric?: number }>(undefined, [
    ...['-4', 'route', 'show', 'type', 'unreachable'],
  ])
  const isOurs = ({ table }: HostRule) => Number(table) >= hostTable && Number(table) < 2_000_000
  await ipBatch(undefined, [
    ...rules.filter(isOurs).map(({ priority, table, iif, src = 'all', srclen = 32 }) => {
      const from = src === 'all' ? 'all' : `${src}/${srclen}`
      return `rule del pref ${priority} from ${from}${iif === undefined ? '' : ` iif ${iif}`} lookup ${table}`
    }),
    ...[...new Set(rules.filter(isOurs).map(({ table }) => table))]
      .filter((table) => Number(table) !== hostTable)
      .map((table) => `route flush table ${table}`),
    ...routes
      .filter(({ metric = 0 }) => metric >= guardMetric)
      .map(({ dst, metric }) => `route del unreachable ${dst} metric ${metric}`),
  ])
  for (const gateway of gateways) await removeHostGateway(gateway)
}
