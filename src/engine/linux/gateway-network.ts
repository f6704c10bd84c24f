/**
 * The network of one VPN gateway.
 *
 *      WAN bridge                gateway namespace                          VPC namespace
 *     ──┬────────            ┌───────────────────────────┐              ┌──────────────────┐
 *       └─ <prefix>w<n> ─── wan0  outside address        │         ┌─ gw<n> ─ br0 ─ hosts  │
 *                            │  eng0/e<peer> ─── daemon  │         │    └──────────────────┘
 *                            │  vco<n>  tunnels         vpc0 ──────┘
 *                            └───────────────────────────┘  inside address
 *
 * What is routed where is decided by rules, first match:
 *
 *     100  from wan0, peer -> outside address   to the IKE daemon (table of its link, see engine-network.ts)
 *     110  from wan0 to the outside address     local: the gateway answers pings
 *     120  from wan0, anything else             dropped: nothing enters the VPC in clear
 *     130  from vpc0 with the outside address   refused: nobody inside speaks for the gateway
 *     140  from the outside address             table `wan`: IKE and ESP leave by wan0
 *     200  local
 *     main: the VPC and the tunnels. It has no way to the WAN, so that packets for a tunnel which is down are
 *           refused at once instead of leaving in clear.
 */
import { createHash } from 'node:crypto'
import { EngineError, type Gateway } from '../engine.ts'
import { hostOf, networkOf } from './address.ts'
import { type Names, vpcPort } from './names.ts'
import {
  ensureNamespace,
  findLink,
  hasLink,
  ip,
  ipBatch,
  ipJson,
  listLinks,
  namespaceInode,
  removeNamespace,
  setSysctls,
} from './namespace.ts'

/** The network in front of the gateways. */
export interface Wan {
  /** Bridge into which every gateway puts one port. */
  readonly bridge: string
  /** Namespace of the bridge; absent: our own. */
  readonly netns?: string
  /** Next hop towards the peers; absent: they are all reachable on the bridge. */
  readonly gateway?: string
}

/** Mask of the routing tables inside a gateway namespace; tables of peers are numbered by the peer's address. */
export const wanTable = 100

/** Path MTU that leaves room for ESP in UDP with any of the supported algorithms on an Ethernet WAN. */
export const tunnelMtu = 1400

interface Rule {
  readonly priority: number
  readonly src?: string
  readonly srclen?: number
  readonly dst?: string
  readonly iif?: string
}

const ipv6Off = { 'ipv6.conf.all.disable_ipv6': 1, 'ipv6.conf.default.disable_ipv6': 1 }

/** Settings of a namespace that forwards between links whose routes are asymmetric on purpose. */
export const routerSettings = {
  'ipv4.ip_forward': 1,
  'ipv4.conf.all.rp_filter': 0,
  'ipv4.conf.default.rp_filter': 0,
  'ipv4.conf.all.send_redirects': 0,
  'ipv4.conf.default.send_redirects': 0,
  // Router solicitations of a tunnel interface would count as traffic that wants a tunnel.
  ...ipv6Off,
}

/** Lines of `ip -batch` that put addresses and routes in place; each may be repeated. */
export function gatewayLines(gateway: Gateway, wan: Wan): string[] {
  const inside = hostOf(gateway.insideAddress)
  const nextHop = wan.gateway === undefined ? '' : `via ${wan.gateway} onlink `
  return [
    `addr replace ${gateway.address}/32 dev wan0`,
    `addr replace ${gateway.insideAddress} dev vpc0`,
    'link set wan0 up',
    'link set vpc0 up',
    `route replace default ${nextHop}dev wan0 src ${gateway.address} table ${wanTable}`,
    `route replace ${networkOf(gateway.vpcCidr)} dev vpc0 src ${inside}`,
  ]
}

/** Rules as `ip rule add` takes them, by priority. */
export const gatewayRules = (gateway: Gateway): ReadonlyMap<number, string> =>
  new Map([
    [110, `iif wan0 to ${gateway.address} lookup local`],
    [120, 'iif wan0 blackhole'],
    [130, `iif vpc0 from ${gateway.address} prohibit`],
    [140, `from ${gateway.address} lookup ${wanTable}`],
    [200, 'lookup local'],
  ])

/** Lines that turn the rules seen into the rules wanted. Those of peers (100) belong to their daemons. */
export function ruleLines(seen: readonly Rule[], gateway: Gateway): string[] {
  const lines: string[] = []
  const present = new Set<number>()
  for (const rule of seen) {
    const names = rule.priority === 110 ? rule.dst : rule.src
    const stale = [110, 130, 140].includes(rule.priority) && names !== gateway.address
    if (stale) lines.push(`rule del pref ${rule.priority}`)
    else present.add(rule.priority)
  }
  for (const [priority, rule] of gatewayRules(gateway)) {
    if (!present.has(priority)) lines.push(`rule add pref ${priority} ${rule}`)
  }
  // Only when ours is in place: without any local rule the namespace would not know its own addresses.
  if (present.has(0)) lines.push('rule del pref 0')
  return lines
}

/** Lines that take away addresses which are not the gateway's any more. */
export function staleAddressLines(
  seen: readonly { ifname: string; addr_info: readonly { local: string; prefixlen: number }[] }[],
  gateway: Gateway,
): string[] {
  const wanted: Record<string, string> = { wan0: `${gateway.address}/32`, vpc0: gateway.insideAddress }
  return seen.flatMap(({ ifname, addr_info }) =>
    addr_info
      .map((address) => `${address.local}/${address.prefixlen}`)
      .filter((address) => wanted[ifname] !== undefined && address !== wanted[ifname])
      .map((address) => `addr del ${address} dev ${ifname}`),
  )
}

/**
 * Hardware address of one of the gateway's links: locally administered, and the same whenever the link is made anew,
 * so that neighbours need not learn it again.
 */
export function hardwareAddress(gateway: Gateway, link: string): string {
  const digest = createHash('sha256').update(`${gateway.id} ${gateway.address} ${link}`).digest('hex')
  return `02:${digest.slice(0, 10).replace(/..(?!$)/g, '$&:')}`
}

/** @throws EngineError when the WAN bridge is not there */
export async function checkWan(wan: Wan): Promise<void> {
  if (wan.netns !== undefined && (await namespaceInode(wan.netns)) === undefined) {
    throw new EngineError(`WAN: there is no network namespace ${wan.netns}`, { retry: true })
  }
  const bridge = await findLink(wan.netns, wan.bridge)
  if (bridge?.linkinfo?.info_kind !== 'bridge') {
    const where = wan.netns === undefined ? '' : ` in namespace ${wan.netns}`
    const what = bridge ? 'is not a bridge' : 'does not exist'
    throw new EngineError(`WAN: interface ${wan.bridge}${where} ${what}`, { retry: true })
  }
}

/** A pair of interfaces: `port` outside, `name` inside the gateway's namespace. */
async function makeLink(
  outside: string | undefined,
  port: string,
  netns: string,
  name: string,
  gateway: Gateway,
) {
  await ip(outside, [
    ...['link', 'add', port, 'type', 'veth'],
    ...['peer', 'name', name, 'address', hardwareAddress(gateway, name), 'netns', netns],
  ])
}

async function ensureVpc(netns: string): Promise<void> {
  await ensureNamespace(netns, ipv6Off)
  if (!(await hasLink(netns, 'br0'))) await ip(netns, ['link', 'add', 'br0', 'type', 'bridge'])
  await ip(netns, ['link', 'set', 'br0', 'up'])
}

/** Makes the network, or mends what differs from it; what is right already is not touched. */
export async function applyGatewayNetwork(names: Names, wan: Wan, gateway: Gateway): Promise<void> {
  const netns = names.gateway(gateway.slot)
  const vpc = names.vpc(gateway.vpcId)
  const port = names.wanPort(gateway.slot)
  await ensureNamespace(netns, routerSettings)
  await ensureVpc(vpc)
  if (!(await hasLink(netns, 'wan0'))) {
    await makeLink(wan.netns, port, netns, 'wan0', gateway)
    await setSysctls(netns, {
      // Switches in front learn where the address is now.
      'ipv4.conf.wan0.arp_notify': 1,
      // What a peer sends is routed to its daemon, so to its ARP the address is not local but one to be proxied.
      'ipv4.conf.wan0.proxy_arp': 1,
      'ipv4.neigh.wan0.proxy_delay': 0,
    })
  }
  await ip(wan.netns, ['link', 'set', port, 'master', wan.bridge, 'up'])
  const inside = vpcPort(gateway.slot)
  const hasInside = await hasLink(netns, 'vpc0')
  const isMoved = hasInside && !(await hasLink(vpc, inside))
  // To another VPC.
  if (isMoved) await ip(netns, ['link', 'del', 'vpc0'])
  if (!hasInside || isMoved) {
    await makeLink(vpc, inside, netns, 'vpc0', gateway)
    await setSysctls(netns, {
      'ipv4.conf.vpc0.arp_notify': 1,
      // Hosts that take a tunnel's subnet for a part of their own network ask for it by ARP: answer, and at once.
      'ipv4.conf.vpc0.proxy_arp': 1,
      'ipv4.neigh.vpc0.proxy_delay': 0,
    })
  }
  await ip(vpc, ['link', 'set', inside, 'master', 'br0', 'up'])
  const [rules, addresses] = await Promise.all([
    ipJson<Rule>(netns, ['rule', 'show']),
    ipJson<Parameters<typeof staleAddressLines>[0][number]>(netns, ['-4', 'addr', 'show']),
  ])
  await ipBatch(netns, [
    ...gatewayLines(gateway, wan),
    ...ruleLines(rules, gateway),
    ...staleAddressLines(addresses, gateway),
  ])
}

/** Removes the namespace of a gateway with every link in it, and so its ports outside. */
export async function removeGatewayNetwork(netns: string): Promise<void> {
  if ((await namespaceInode(netns)) !== undefined) {
    // A process inside would keep the namespace alive without its name; the links must not live on with it.
    for (const { ifname } of await listLinks(netns)) {
      if (ifname === 'lo') continue
      await ip(netns, ['link', 'del', ifname]).catch(async (error: unknown) => {
        // The other end of a pair may have gone just now, and this one with it.
        if (await hasLink(netns, ifname)) throw error
      })
    }
    await removeNamespace(netns)
  }
}

/** A VPC goes with the last port of its bridge; one with hosts of somebody else stays. */
export async function removeVpcWhenEmpty(names: Names, vpcId: string): Promise<void> {
  const vpc = names.vpc(vpcId)
  if ((await namespaceInode(vpc)) === undefined) return
  const ports = (await listLinks(vpc)).filter((link) => link.master === 'br0')
  if (ports.length === 0) await removeNamespace(vpc)
}
