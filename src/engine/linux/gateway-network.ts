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
 * In the VPC's namespace `br0` is the router of the vSwitch as well (its third address from the end): it sends published
 * networks to the gateway's inside address, so that hosts need a default route only.
 *
 * What is routed where is decided by rules, first match:
 *
 *     100  from wan0, peer -> outside address   to the IKE daemon (table of its link, see engine-network.ts)
 *     110  from wan0 to an outside address      local: the gateway answers pings
 *     120  from wan0, anything else             dropped: nothing enters the VPC in clear
 *     130  from vpc0 with an outside address    refused: nobody inside speaks for the gateway
 *     140  from an outside address              table `wan`: IKE and ESP leave by wan0
 *     200  local
 *     main: the VPC and the tunnels. It has no way to the WAN, so that packets for a tunnel which is down are
 *           refused at once instead of leaving in clear.
 */
import { createHash } from 'node:crypto'
import { EngineError, type Gateway } from '../engine.ts'
import { hostOf, lengthOf, networkOf, routerOf } from './address.ts'
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
import { outsideAddresses } from './outside-addresses.ts'

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
    ...outsideAddresses(gateway).map((address) => `addr replace ${address}/32 dev wan0`),
    `addr replace ${gateway.insideAddress} dev vpc0`,
    'link set wan0 up',
    'link set vpc0 up',
    `route replace default ${nextHop}dev wan0 src ${gateway.address} table ${wanTable}`,
    `route replace ${networkOf(gateway.vpcCidr)} dev vpc0 src ${inside}`,
  ]
}

interface WantedRule {
  readonly priority: number
  /** The outside address that it is about; absent: any. */
  readonly address?: string
  /** As `ip rule add` takes it. */
  readonly rule: string
}

/** By priority, without those of peers. */
export function gatewayRules(gateway: Gateway): readonly WantedRule[] {
  const outside = outsideAddresses(gateway)
  return [
    ...outside.map((address) => ({ priority: 110, address, rule: `iif wan0 to ${address} lookup local` })),
    { priority: 120, rule: 'iif wan0 blackhole' },
    ...outside.map((address) => ({ priority: 130, address, rule: `iif vpc0 from ${address} prohibit` })),
    ...outside.map((address) => ({ priority: 140, address, rule: `from ${address} lookup ${wanTable}` })),
    { priority: 200, rule: 'lookup local' },
  ]
}

/** Priorities of rules that are about an outside address. */
const addressed = [110, 130, 140]

/** Lines that turn the rules seen into the rules wanted. Those of peers (100) belong to their daemons. */
export function ruleLines(seen: readonly Rule[], gateway: Gateway): string[] {
  const lines: string[] = []
  const outside = outsideAddresses(gateway)
  const nameOf = ({ priority, src, dst }: Rule) =>
    addressed.includes(priority) ? (priority === 110 ? dst : src) : undefined
  const present = new Set<string>()
  for (const rule of seen) {
    const address = nameOf(rule)
    if (address === undefined || outside.includes(address)) present.add(`${rule.priority} ${address}`)
    else lines.push(`rule del pref ${rule.priority} ${rule.priority === 110 ? 'to' : 'from'} ${address}`)
  }
  for (const { priority, address, rule } of gatewayRules(gateway)) {
    if (!present.has(`${priority} ${address}`)) lines.push(`rule add pref ${priority} ${rule}`)
  }
  // Only when ours is in place: without any local rule the namespace would not know its own addresses.
  if (seen.some((rule) => rule.priority === 0)) lines.push('rule del pref 0')
  return lines
}

/** Lines that take away addresses which are not the gateway's any more. */
export function staleAddressLines(
  seen: readonly { ifname: string; addr_info: readonly { local: string; prefixlen: number }[] }[],
  gateway: Gateway,
): string[] {
  const wanted: Record<string, readonly string[]> = {
    wan0: outsideAddresses(gateway).map((address) => `${address}/32`),
    vpc0: [gateway.insideAddress],
  }
  return seen.flatMap(({ ifname, addr_info }) =>
    addr_info
      .map((address) => `${address.local}/${address.prefixlen}`)
      .filter((address) => wanted[ifname] !== undefined && !wanted[ifname].includes(address))
      .map((address) => `addr del ${address} dev ${ifname}`),
  )
}

/** Lines that make the bridge of a VPC the router of the gateway's vSwitch. */
export function routerLines({ insideAddress }: Gateway): string[] {
  const router = routerOf(insideAddress)
  if (router === undefined || router === hostOf(insideAddress)) return []
  return [`addr replace ${router}/${lengthOf(insideAddress)} dev br0`]
}

interface VpcRoute {
  readonly dst: string
  readonly gateway?: string
  readonly metric?: number
}

export interface PublishOptions {
  /** Only adds. */
  readonly keepOthers?: boolean
}

/** Lines that turn the routes of a VPC to this gateway into the wanted ones; new ones come before old ones go. */
export function publishLines(
  seen: readonly VpcRoute[],
  gateway: Gateway,
  networks: readonly string[],
  { keepOthers = false }: PublishOptions = {},
): string[] {
  const inside = hostOf(gateway.insideAddress)
  // Of two gateways that publish the same network the one with the lower slot has it.
  const metric = 100 + gateway.slot
  const present = seen
    .filter((route) => route.gateway === inside && route.metric === metric)
    .map(({ dst }) => networkOf(dst === 'default' ? '0.0.0.0/0' : dst))
  const wanted = new Set(networks.map(networkOf))
  return [
    ...[...wanted]
      .filter((network) => !present.includes(network))
      .map((network) => `route replace ${network} via ${inside} dev br0 onlink metric ${metric}`),
    ...present
      .filter((network) => !keepOthers && !wanted.has(network))
      .map((network) => `route del ${network} via ${inside} dev br0 metric ${metric}`),
  ]
}

/** Has the VPC send these networks to the gateway, and no others. A VPC that is gone has no routes. */
export async function publish(
  names: Names,
  gateway: Gateway,
  networks: readonly string[],
  options?: PublishOptions,
): Promise<void> {
  const vpc = names.vpc(gateway.vpcId)
  if ((await namespaceInode(vpc)) === undefined) return
  const seen = await ipJson<VpcRoute>(vpc, ['-4', 'route', 'show', 'dev', 'br0'])
  await ipBatch(vpc, publishLines(seen, gateway, networks, options))
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

async function ensureVpc(netns: string, gateway: Gateway): Promise<void> {
  await ensureNamespace(netns, routerSettings)
  if (!(await hasLink(netns, 'br0'))) await ip(netns, ['link', 'add', 'br0', 'type', 'bridge'])
  // Hosts that were redirected to a gateway would stay with it when the route goes to another.
  await setSysctls(netns, { 'ipv4.conf.br0.send_redirects': 0, 'ipv4.conf.br0.rp_filter': 0 })
  await ipBatch(netns, [...routerLines(gateway), 'link set br0 up'])
}

/** Makes the network, or mends what differs from it; what is right already is not touched. */
export async function applyGatewayNetwork(names: Names, wan: Wan, gateway: Gateway): Promise<void> {
  const netns = names.gateway(gateway.slot)
  const vpc = names.vpc(gateway.vpcId)
  const port = names.wanPort(gateway.slot)
  await ensureNamespace(netns, routerSettings)
  await ensureVpc(vpc, gateway)
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
