/**
 * The interface of a tunnel inside its gateway's namespace.
 *
 * Whatever carries ESP, there is one interface `vco<slot>`:
 * - X: an xfrm device, made in the daemon's namespace, where the SAs are, and moved; packets cross over.
 * - V: a vti device, made and moved likewise; its key is the mark of the SAs.
 * - U: the TUN of the daemon itself, moved away from it. The daemon insists on routes to an interface of the old
 *   name, so a bridge of that name is left as a decoy. Tunnels that share a daemon share its TUN: it bears the name of
 *   one of them, and those of the others as alternative names.
 */
import { tunnelMtu } from './gateway-network.ts'
import {
  findLink,
  hasLink,
  ip,
  ipBatch,
  ipJson,
  type Link,
  listLinks,
  netnsTarget,
  setSysctls,
} from './namespace.ts'

/** What kernel-libipsec calls its TUN when nothing else has the name. */
const tunName = 'ipsec0'

const isNamed = (link: Link, name: string) => link.ifname === name || (link.altnames ?? []).includes(name)

/** Takes the decoy away, so that a daemon about to start finds the name of its TUN free. */
export async function removeDecoy(engineNetns: string): Promise<void> {
  const decoy = await findLink(engineNetns, tunName)
  if (decoy?.linkinfo?.info_kind === 'bridge') await ip(engineNetns, ['link', 'del', tunName])
}

/**
 * Moves the TUN of a running daemon into the gateway's namespace, unless it is there, and gives it these names.
 * The first of them becomes its proper name when none of them is yet.
 */
export async function moveTun(
  engineNetns: string,
  gatewayNetns: string | undefined,
  names: readonly string[],
): Promise<void> {
  const moved = await findTun(gatewayNetns, names)
  const name = moved?.ifname ?? names[0]
  if (name === undefined) return
  if (!moved)
    await ip(engineNetns, ['link', 'set', tunName, 'netns', netnsTarget(gatewayNetns), 'name', name])
  if (!moved || !(await hasLink(engineNetns, tunName))) {
    await ipBatch(engineNetns, [`link add ${tunName} type bridge`, `link set ${tunName} up`])
  }
  await settle(gatewayNetns, name)
  await ipBatch(gatewayNetns, [
    `link set ${name} up mtu ${tunnelMtu}`,
    ...names
      .filter((other) => !(moved ? isNamed(moved, other) : other === name))
      .map((other) => `link property add dev ${name} altname ${other}`),
  ])
}

/** The TUN in the gateway's namespace, by any of its names. */
export async function findTun(
  gatewayNetns: string | undefined,
  names: readonly string[],
): Promise<Link | undefined> {
  for (const name of names) {
    const link = await findLink(gatewayNetns, name)
    if (link) return link
  }
  return undefined
}

/**
 * Takes one name away from a shared TUN. When it was the proper one, another takes its place; `renamed` says that
 * routes went with it and have to be put back.
 */
export async function dropTunName(
  gatewayNetns: string | undefined,
  name: string,
): Promise<{ renamed: boolean }> {
  const link = await findLink(gatewayNetns, name)
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

/** In the host's own namespace an interface needs for itself what a gateway's namespace has for all of its interfaces. */
async function settle(gatewayNetns: string | undefined, name: string): Promise<void> {
  if (gatewayNetns !== undefined) return
  await setSysctls(undefined, {
    [`ipv4.conf.${name}.rp_filter`]: 0,
    [`ipv4.conf.${name}.send_redirects`]: 0,
    [`ipv6.conf.${name}.disable_ipv6`]: 1,
  })
}

/** @param ifId 1 to 2^32-1, unique in the daemon's namespace */
export async function ensureXfrmInterface(
  engineNetns: string,
  gatewayNetns: string | undefined,
  name: string,
  ifId: number,
): Promise<{ isNew: boolean }> {
  const isNew = !(await hasLink(gatewayNetns, name))
  if (isNew) {
    await ipBatch(engineNetns, [
      `link add ${name} type xfrm dev up0 if_id ${ifId}`,
      `link set ${name} netns ${netnsTarget(gatewayNetns)}`,
    ])
  }
  await settle(gatewayNetns, name)
  await ip(gatewayNetns, ['link', 'set', name, 'up', 'mtu', String(tunnelMtu)])
  return { isNew }
}

/** @param key mark of the SAs, 1 to 2^32-1, unique in the daemon's namespace */
export async function ensureVtiInterface(
  engineNetns: string,
  gatewayNetns: string | undefined,
  name: string,
  ends: { readonly local: string; readonly remote: string; readonly key: number },
): Promise<{ isNew: boolean }> {
  const isNew = !(await hasLink(gatewayNetns, name))
  if (isNew) {
    await ipBatch(engineNetns, [
      `link add ${name} type vti local ${ends.local} remote ${ends.remote} key ${ends.key}`,
      `link set ${name} netns ${netnsTarget(gatewayNetns)}`,
    ])
    // The policies of these SAs stand in the daemon's namespace and carry the mark, which a packet loses here.
    await setSysctls(gatewayNetns, { [`ipv4.conf.${name}.disable_policy`]: 1 })
  }
  await settle(gatewayNetns, name)
  await ip(gatewayNetns, ['link', 'set', name, 'up', 'mtu', String(tunnelMtu)])
  return { isNew }
}

export async function removeInterface(gatewayNetns: string | undefined, name: string): Promise<void> {
  if (await hasLink(gatewayNetns, name)) await ip(gatewayNetns, ['link', 'del', name])
}

/** Lines that turn the addresses of an interface into the wanted ones, both with prefix lengths. */
export const addressLines = (
  name: string,
  present: readonly string[],
  wanted: readonly string[],
): string[] => [
  ...wanted
    .filter((address) => !present.includes(address))
    .map((address) => `addr add ${address} dev ${name}`),
  ...present
    .filter((address) => !wanted.includes(address))
    .map((address) => `addr del ${address} dev ${name}`),
]

/** @param name any name of the interface */
export async function setInsideAddresses(
  gatewayNetns: string | undefined,
  name: string,
  wanted: readonly string[],
): Promise<void> {
  const [link] = await ipJson<{
    ifname: string
    addr_info: { local: string; prefixlen: number }[]
  }>(gatewayNetns, ['-4', 'addr', 'show', 'dev', name])
  // Without any address nothing at all is shown.
  const present = (link?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  await ipBatch(gatewayNetns, addressLines(link?.ifname ?? name, present, wanted))
}

/** Packets that were sent into each tunnel interface of the gateway, by every name of the interface. */
export async function tunnelTraffic(gatewayNetns: string | undefined): Promise<ReadonlyMap<string, number>> {
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
