/**
 * The routes of one gateway's tunnels in its namespace.
 *
 * Destination routes stand in the main table. Policy routes come before it: all of one source and one priority share
 * a table, and a rule leads to it:
 *
 *     1000 + 33 * priority + (32 - length of the source)   from <source>   table 1000000 and up
 *
 * So the lower priority comes first, then the longer source, then the longer destination, then the lower metric. What
 * a table has nothing for goes on to the next rule. Destinations inside the VPC always do, unless a route is closer
 * than the VPC itself: what comes out of a tunnel must not go back into one.
 *
 * The metric of a route holds the slot of its tunnel, so that tunnels which share an interface can be told apart and
 * no tunnel replaces the route of another.
 */
import { EngineError, type Gateway, type TunnelRoute } from '../engine.ts'
import { contains, lengthOf, networkOf } from './address.ts'
import { hasLink, ipBatch, ipJson } from './namespace.ts'

/** A route of a tunnel, as the kernel has it. */
export interface KernelRoute {
  /** Without host bits. */
  readonly destination: string
  readonly metric: number
  /** Of policy routes. */
  readonly policy?: { readonly source: string; readonly priority: number }
}

/** Metrics of routes that nobody has asked for, one for each remote subnet: the tunnel of the lowest slot first. */
const plainMetric = 100
/** Added to the metrics of a tunnel that waits for traffic. */
const waitingMetric = 20_000
/** A metric that was asked for is multiplied by this, and the slot of the tunnel added. */
const slots = 100_000
const firstTable = 1_000_000
const firstRule = 1_000
const lastRule = firstRule + 33 * 101

/** One route for a remote subnet of the tunnel of this slot. */
export const plainRoute = (subnet: string, slot: number): KernelRoute => ({
  destination: networkOf(subnet),
  metric: plainMetric + slot,
})

/**
 * @param waiting the tunnel waits for traffic: its routes come after those of tunnels that are up
 * @throws EngineError without retry for what is no network, priority or metric
 */
export function kernelRoute(route: TunnelRoute, slot: number, { waiting = false } = {}): KernelRoute {
  const { source, priority = 10, metric } = route
  if (!Number.isInteger(priority) || priority < 1 || priority > 100) {
    throw new EngineError(`route to ${route.destination}: priority ${priority} is not 1 to 100`, {
      retry: false,
    })
  }
  if (!Number.isInteger(metric) || metric < 1 || metric > 10_000) {
    throw new EngineError(`route to ${route.destination}: metric ${metric} is not 1 to 10000`, {
      retry: false,
    })
  }
  return {
    destination: networkOf(route.destination),
    metric: (metric + (waiting ? waitingMetric : 0)) * slots + (slot % slots),
    ...(source !== undefined && { policy: { source: networkOf(source), priority } }),
  }
}

const isOfSlot = (metric: number, slot: number) =>
  metric < slots ? metric === plainMetric + slot : metric % slots === slot % slots

/** Says whether two lists hold the same routes, given in the same order. */
export const areSameRoutes = (a: readonly KernelRoute[], b: readonly KernelRoute[]): boolean =>
  a.length === b.length && a.every((route, index) => keyOf(route) === keyOf(b[index]))

const keyOf = (route: KernelRoute | undefined) =>
  route && [route.destination, route.metric, groupOf(route) ?? 'main'].join(' ')

/** Names the table of a policy route; `undefined`: the main table. */
const groupOf = ({ policy }: KernelRoute) => policy && `${policy.priority} ${policy.source}`

/** Each once, in an order that depends on nothing but the routes. */
export function canonical(routes: readonly KernelRoute[]): readonly KernelRoute[] {
  const byKey = new Map(routes.map((route) => [keyOf(route) as string, route]))
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, route]) => route)
}

/** The tables of policy routes by group. */
export type PolicyTables = ReadonlyMap<string, number>

interface SeenRule {
  readonly priority: number
  readonly src?: string
  readonly srclen?: number
  readonly table?: string
}

export function policyTables(rules: readonly SeenRule[]): PolicyTables {
  const tables = new Map<string, number>()
  for (const { priority: place, src = 'all', srclen = 32, table } of rules) {
    if (place < firstRule || place >= lastRule || !(Number(table) >= firstTable)) continue
    const source = src === 'all' ? '0.0.0.0/0' : `${src}/${srclen}`
    tables.set(`${Math.floor((place - firstRule) / 33)} ${source}`, Number(table))
  }
  return tables
}

const ruleOf = ({ source, priority }: NonNullable<KernelRoute['policy']>, table: number) =>
  `pref ${firstRule + 33 * priority + 32 - lengthOf(source)} from ${source} lookup ${table}`

/** The lowest numbers that no group has yet, for the groups of these routes that have none. */
export function withTables(tables: PolicyTables, routes: readonly KernelRoute[]): PolicyTables {
  const all = new Map(tables)
  const taken = new Set(tables.values())
  let next = firstTable
  for (const route of routes) {
    const group = groupOf(route)
    if (group === undefined || all.has(group)) continue
    while (taken.has(next)) next += 1
    taken.add(next)
    all.set(group, next)
  }
  return all
}

/** Where routes of a tunnel lead, and what tells them from those of others. */
export interface RouteTarget {
  readonly interface: string
  readonly slot: number
  /** Source address of what the gateway itself sends, e.g. probes. */
  readonly source: string
}

/**
 * Lines that turn the routes there are into the wanted ones. New ones come before old ones go: at no moment is a
 * packet without a route that has one before and after.
 *
 * @param known tables that have their rule already
 * @param tables those, and the ones of new groups
 * @param inside networks of the VPC
 */
export function routeLines(
  present: readonly KernelRoute[],
  wanted: readonly KernelRoute[],
  target: RouteTarget,
  known: PolicyTables,
  tables: PolicyTables,
  inside: readonly string[],
): string[] {
  const tableOf = (route: KernelRoute) => {
    const group = groupOf(route)
    return group === undefined ? '' : ` table ${tables.get(group)}`
  }
  const rest = (route: KernelRoute) => `dev ${target.interface} metric ${route.metric}${tableOf(route)}`
  const [has, wants] = [present, wanted].map((routes) => new Set(routes.map(keyOf)))
  const fresh = [...tables].filter(([group]) => !known.has(group))
  const policies = new Map(wanted.flatMap((route) => (route.policy ? [[groupOf(route), route.policy]] : [])))
  return [
    ...fresh.flatMap(([, table]) => inside.map((network) => `route replace throw ${network} table ${table}`)),
    ...wanted
      .filter((route) => !has?.has(keyOf(route)))
      .map((route) => `route replace ${route.destination} ${rest(route)} src ${target.source}`),
    ...fresh.flatMap(([group, table]) => {
      const policy = policies.get(group)
      return policy ? [`rule add ${ruleOf(policy, table)}`] : []
    }),
    ...present
      .filter((route) => !wants?.has(keyOf(route)))
      .map((route) => `route del ${route.destination} ${rest(route)}`),
  ]
}

interface SeenRoute {
  readonly dst: string
  readonly metric?: number
  readonly table?: string
  readonly protocol?: string
}

/** The routes of one tunnel among all to its interface. */
export function tunnelRoutes(
  seen: readonly SeenRoute[],
  slot: number,
  tables: PolicyTables,
): readonly KernelRoute[] {
  const groups = new Map([...tables].map(([group, table]) => [table, group]))
  return canonical(
    seen.flatMap(({ dst, metric = 0, table = 'main', protocol }) => {
      if (protocol === 'kernel' || protocol === 'bird' || !isOfSlot(metric, slot)) return []
      const destination = dst === 'default' ? '0.0.0.0/0' : networkOf(dst)
      if (table === 'main') return [{ destination, metric }]
      const [priority, source] = groups.get(Number(table))?.split(' ') ?? []
      return source === undefined
        ? []
        : [{ destination, metric, policy: { source, priority: Number(priority) } }]
    }),
  )
}

/** Behind every route that leads anywhere: see `kernelRoute`. */
export const guardMetric = 4_000_000_000

/** Lines that turn the guards of a tunnel into the wanted ones. */
export function guardLines(present: readonly string[], wanted: readonly string[], slot: number): string[] {
  const metric = guardMetric + slot
  return [
    ...wanted
      .filter((network) => !present.includes(network))
      .map((network) => `route replace unreachable ${network} metric ${metric}`),
    ...present
      .filter((network) => !wanted.includes(network))
      .map((network) => `route del unreachable ${network} metric ${metric}`),
  ]
}

/** The networks of a gateway's inside, of which none contains another. */
export function insideNetworks({
  vpcCidr,
  insideAddress,
}: Pick<Gateway, 'insideAddress' | 'vpcCidr'>): readonly string[] {
  const [vpc, vSwitch] = [networkOf(vpcCidr), networkOf(insideAddress)]
  return contains(vpc, vSwitch) ? [vpc] : [vpc, vSwitch]
}

/** Routes of the tunnels of one gateway; all of its daemons share one of these. */
export class GatewayRoutes {
  readonly #netns: string | undefined
  readonly #inside: readonly string[]
  /** Destinations that are guarded for a tunnel, by slot. */
  readonly #guarded = new Map<number, readonly string[]>()
  #tables: PolicyTables | undefined
  #queue: Promise<unknown> = Promise.resolve()

  /** @param netns absent: the host's own, whose default route would take what is for a tunnel that is down */
  constructor(netns: string | undefined, inside: readonly string[]) {
    this.#netns = netns
    this.#inside = inside
  }

  /** Somebody may have changed the rules. */
  distrust(): void {
    this.#tables = undefined
  }

  /**
   * Where there is a default route: has what is for these destinations refused while no tunnel carries it. Destinations
   * that are everything have to be left out, or the host would be cut off with its default route.
   */
  async guard(slot: number, destinations: readonly string[]): Promise<void> {
    if (this.#netns !== undefined) return
    const present = this.#guarded.get(slot) ?? (await this.#guards(slot))
    this.#guarded.delete(slot)
    const wanted = [...new Set(destinations.map(networkOf))].filter((network) => !network.endsWith('/0'))
    await ipBatch(undefined, guardLines(present, wanted, slot))
    if (wanted.length > 0) this.#guarded.set(slot, wanted)
  }

  async #guards(slot: number): Promise<readonly string[]> {
    const seen = await ipJson<SeenRoute>(undefined, ['-4', 'route', 'show', 'type', 'unreachable'])
    return seen.filter(({ metric }) => metric === guardMetric + slot).map(({ dst }) => networkOf(dst))
  }

  /**
   * Puts the routes of one tunnel in place. Without an interface there are none, and that is fine when none are wanted.
   *
   * @param present what this function is known to have put there last; absent: look
   */
  set(target: RouteTarget, wanted: readonly KernelRoute[], present?: readonly KernelRoute[]): Promise<void> {
    const hasPolicies = [...wanted, ...(present ?? [])].some((route) => route.policy)
    const run = () => this.#set(target, wanted, present)
    // Tunnels that share tables take turns; the others need not wait for them.
    if (present && !hasPolicies) return run()
    const done = this.#queue.then(run)
    this.#queue = done.catch(() => {})
    return done
  }

  async #set(
    target: RouteTarget,
    wanted: readonly KernelRoute[],
    given: readonly KernelRoute[] | undefined,
  ): Promise<void> {
    try {
      const isPlain = given && ![...wanted, ...given].some((route) => route.policy)
      const known = isPlain ? new Map<string, number>() : await this.#knownTables()
      const present = given ?? (await this.#look(target, known))
      const tables = withTables(known, wanted)
      await ipBatch(this.#netns, routeLines(present, wanted, target, known, tables, this.#inside))
      if (!isPlain) this.#tables = tables
      const left = new Set(wanted.map(groupOf))
      const policies = present.filter((route) => route.policy && !left.has(groupOf(route)))
      for (const [group, route] of new Map(policies.map((one) => [groupOf(one) as string, one]))) {
        if (route.policy) await this.#removeWhenEmpty(group, route.policy)
      }
    } catch (error) {
      this.distrust()
      const isWithout = wanted.length === 0 && !(await hasLink(this.#netns, target.interface))
      if (!isWithout) throw error
      await this.#removeEmpty()
    }
  }

  /** The routes of an interface that has gone went with it, and their rules did not. */
  async #removeEmpty(): Promise<void> {
    for (const group of (await this.#knownTables()).keys()) {
      const [priority, source = ''] = group.split(' ')
      await this.#removeWhenEmpty(group, { source, priority: Number(priority) })
    }
  }

  async #knownTables(): Promise<PolicyTables> {
    this.#tables ??= policyTables(await ipJson<SeenRule>(this.#netns, ['-4', 'rule', 'show']))
    return this.#tables
  }

  async #look({ interface: name, slot }: RouteTarget, tables: PolicyTables): Promise<readonly KernelRoute[]> {
    const seen = await ipJson<SeenRoute>(this.#netns, ['-4', 'route', 'show', 'table', 'all', 'dev', name])
    return tunnelRoutes(seen, slot, tables)
  }

  /** A table that only says "not here" needs no rule. */
  async #removeWhenEmpty(group: string, policy: NonNullable<KernelRoute['policy']>): Promise<void> {
    const table = this.#tables?.get(group)
    if (table === undefined) return
    const routes = await ipJson<{ type?: string }>(this.#netns, [
      '-4',
      'route',
      'show',
      'table',
      String(table),
    ])
    if (routes.some((route) => route.type !== 'throw')) return
    await ipBatch(this.#netns, [`rule del ${ruleOf(policy, table)}`, `route flush table ${table}`])
    this.#tables = new Map([...(this.#tables ?? [])].filter(([name]) => name !== group))
  }
}
