/**
 * The interface of a tunnel inside its gateway's namespace, and the routes to it.
 *
 * Whatever carries ESP, there is one interface `vco<slot>`:
 * - X: an xfrm device, made in the daemon's namespace, where the SAs are, and moved; packets cross over.
 * - V: a vti device, made and moved likewise; its key is the mark of the SAs.
 * - U: the TUN of the daemon itself, moved away from it. The daemon insists on routes to an interface of the old
 *   name, so a bridge of that name is left as a decoy. Tunnels that share a daemon share its TUN: it bears the name of
 *   one of them, and those of the others as alternative names.
 */
import { networkOf } from './address.ts'
import { tunnelMtu } from './gateway-network.ts'
import { ip, ipBatch, ipJson, type Link, listLinks, setSysctls } from './namespace.ts'

/** What kernel-libipsec calls its TUN when nothing else has the name. */
const tunName = 'ipsec0'

const isNamed = (link: Link, name: string) => link.ifname === name || (link.altnames ?? []).includes(name)

/** Takes the decoy away, so that a daemon about to start finds the name of its TUN free. */
export async function removeDecoy(engineNetns: string): Promise<void> {
  const decoy = (await listLinks(engineNetns)).find((link) => link.ifname === tunName)
  if (decoy?.linkinfo?.info_kind === 'bridge') await ip(engineNetns, ['link', 'del', tunName])
}

/**
 * Moves the TUN of a running daemon into the gateway's namespace, unless it is there, and gives it these names.
 * The first of them becomes its proper name when none of them is yet.
 */
export async function moveTun(
  engineNetns: string,
  gatewayNetns: string,
  names: readonly string[],
): Promise<void> {
  const [inEngine, inGateway] = await Promise.all([listLinks(engineNetns), listLinks(gatewayNetns)])
  const moved = inGateway.find((link) => names.some((name) => isNamed(link, name)))
  const name = moved?.ifname ?? names[0]
  if (name === undefined) return
  if (!moved) await ip(engineNetns, ['link', 'set', tunName, 'netns', gatewayNetns, 'name', name])
  if (!moved || !inEngine.some((link) => link.ifname === tunName)) {
    await ipBatch(engineNetns, [`link add ${tunName} type bridge`, `link set ${tunName} up`])
  }
  await ipBatch(gatewayNetns, [
    `link set ${name} up mtu ${tunnelMtu}`,
    ...names
      .filter((other) => !(moved ? isNamed(moved, other) : other === name))
      .map((other) => `link property add dev ${name} altname ${other}`),
  ])
}

/**
 * Takes one name away from a shared TUN. When it was the proper one, another takes its place; `renamed` says that
 * routes went with it and have to be put back.
 */
export async function dropTunName(gatewayNetns: string, name: string): Promise<{ renamed: boolean }> {
  const link = (await listLinks(gatewayNetns)).find((seen) => isNamed(seen, name))
  if (!link) return { renamed: false }
  if (link.ifname !== name) {
    await ip(gatewayNetns, ['link', 'property', 'del', 'dev', link.ifname, 'altname', name])
    return { renamed: false }
  }
  const heir = link.altnames?.[0]
  if (heir === undefined) return { renamed: false }
  await ipBatch(gatewayNetns, [
    `link property del dev ${name} altname ${heir}`,
    // Kernels before 6.2 rename only what is down.
    `link set ${name} down`,
    `link set ${name} name ${heir}`,
    `link set ${heir} up`,
  ])
  return { renamed: true }
}

/** @param ifId 1 to 2^32-1, unique in the daemon's namespace */
export async function ensureXfrmInterface(
  engineNetns: string,
  gatewayNetns: string,
  name: string,
  ifId: number,
): Promise<void> {
  const links = await listLinks(gatewayNetns)
  if (!links.some((link) => link.ifname === name)) {
    await ipBatch(engineNetns, [
      `link add ${name} type xfrm dev up0 if_id ${ifId}`,
      `link set ${name} netns ${gatewayNetns}`,
    ])
  }
  await ip(gatewayNetns, ['link', 'set', name, 'up', 'mtu', String(tunnelMtu)])
}

/** @param key mark of the SAs, 1 to 2^32-1, unique in the daemon's namespace */
export async function ensureVtiInterface(
  engineNetns: string,
  gatewayNetns: string,
  name: string,
  ends: { readonly local: string; readonly remote: string; readonly key: number },
): Promise<void> {
  const links = await listLinks(gatewayNetns)
  if (!links.some((link) => link.ifname === name)) {
    await ipBatch(engineNetns, [
      `link add ${name} type vti local ${ends.local} remote ${ends.remote} key ${ends.key}`,
      `link set ${name} netns ${gatewayNetns}`,
    ])
    // The policies of these SAs stand in the daemon's namespace and carry the mark, which a packet loses here.
    await setSysctls(gatewayNetns, { [`ipv4.conf.${name}.disable_policy`]: 1 })
  }
  await ip(gatewayNetns, ['link', 'set', name, 'up', 'mtu', String(tunnelMtu)])
}

export async function removeInterface(gatewayNetns: string, name: string): Promise<void> {
  const found = (await listLinks(gatewayNetns)).some((link) => link.ifname === name)
  if (found) await ip(gatewayNetns, ['link', 'del', name])
}

/** Routes of one tunnel. Tunnels to the same network stand by for each other, the lower metric first. */
export interface TunnelRoutes {
  readonly interface: string
  readonly networks: readonly string[]
  /** Tells the routes of tunnels that share an interface apart. */
  readonly metric: number
  /** Source address of what the gateway itself sends, e.g. probes. */
  readonly source: string
}

interface Route {
  readonly dst: string
  readonly metric?: number
}

/** Lines that turn the routes seen on the interface into the wanted ones of this tunnel. */
export function routeLines(seen: readonly Route[], wanted: TunnelRoutes): string[] {
  const full = (network: string) =>
    network === 'default' ? '0.0.0.0/0' : network.includes('/') ? network : `${network}/32`
  const present = new Set(
    seen.filter((route) => route.metric === wanted.metric).map((route) => full(route.dst)),
  )
  const networks = new Set(wanted.networks.map(networkOf))
  const rest = `dev ${wanted.interface} metric ${wanted.metric}`
  return [
    ...[...present]
      .filter((network) => !networks.has(network))
      .map((network) => `route del ${network} ${rest}`),
    ...[...networks]
      .filter((network) => !present.has(network))
      .map((network) => `route replace ${network} ${rest} src ${wanted.source}`),
  ]
}

/** Puts the routes of one tunnel in place; an interface that is gone has none, and that is fine for an empty list. */
export async function setTunnelRoutes(gatewayNetns: string, wanted: TunnelRoutes): Promise<void> {
  const links = wanted.networks.length === 0 ? await listLinks(gatewayNetns) : undefined
  if (links && !links.some((link) => isNamed(link, wanted.interface))) return
  const seen = await ipJson<Route>(gatewayNetns, ['-4', 'route', 'show', 'dev', wanted.interface])
  await ipBatch(gatewayNetns, routeLines(seen, wanted))
}

/** Packets that were sent into each tunnel interface of the gateway, by every name of the interface. */
export async function tunnelTraffic(gatewayNetns: string): Promise<ReadonlyMap<string, number>> {
  const links = await listLinks(gatewayNetns)
  return new Map(
    links.flatMap((link) =>
      [link.ifname, ...(link.altnames ?? [])].map((name): [string, number] => [
        name,
        link.stats64?.tx.packets ?? 0,
      ]),
    ),
  )
}
