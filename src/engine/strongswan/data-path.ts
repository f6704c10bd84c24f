/**
 * What carries the packets of one daemon's tunnels: its namespace, the interfaces of the tunnels, their routes.
 * The three ways to carry ESP differ here and nowhere else.
 *
 * Not for concurrent use: its owner does one thing after the other.
 */
import type { Tunnel } from '../engine.ts'
import { addressInside, hostOf } from '../linux/address.ts'
import {
  addLoopbackAddresses,
  applyEngineNetwork,
  type EngineNetwork,
  removeEngineNetwork,
} from '../linux/engine-network.ts'
import { tunnelInterface } from '../linux/names.ts'
import { namespaceInode, runIn } from '../linux/namespace.ts'
import {
  dropTunName,
  ensureVtiInterface,
  ensureXfrmInterface,
  findTun,
  moveTun,
  removeDecoy,
  removeInterface,
  setInsideAddresses,
} from '../linux/tunnel-interface.ts'
import type { GatewayRoutes, KernelRoute } from '../linux/tunnel-routes.ts'
import { deleteXfrmStates, listXfrmStates, statesOfCarrier, type XfrmState } from '../linux/xfrm-state.ts'
import type { KernelMode } from './kernel-mode.ts'
import { peersWithoutNatTraversal, renderNatDrop } from './nat-drop.ts'
import type { Carrier } from './render.ts'

/** xfrm interfaces and marks are numbered from 1; slots may begin at 0. */
const carrierNumber = (tunnel: Tunnel) => tunnel.slot + 1

const hasInsideAddress = ({ insideAddress }: Tunnel) => insideAddress !== undefined

const interfaceOf = (tunnel: Tunnel) => tunnelInterface(tunnel.slot)

/** Where the daemon stands. */
export interface DataPlace {
  readonly mode: KernelMode
  readonly network: EngineNetwork
  /** Source address of what the gateway itself sends into tunnels. */
  readonly source: string
  /** Routes of all tunnels of the gateway. */
  readonly routes: GatewayRoutes
}

export class DataPath {
  readonly mode: KernelMode
  #network: EngineNetwork
  #source: string
  #routes: GatewayRoutes
  /** When the network was last found or made whole; epoch milliseconds. */
  #wholeAt = 0
  /** Names that the daemon's TUN is known to have. */
  #tunNames = new Set<string>()
  /** How often the interface of a tunnel was made, by its name; one that an earlier process has left counts as 1. */
  readonly #made = new Map<string, number>()
  /** The daemon's TUN has gone with it. */
  #isTunLost = false
  /** SAs in the kernel of a daemon that has died. */
  #leftovers: readonly XfrmState[] = []
  #natDrop = ''

  constructor({ mode, network, source, routes }: DataPlace) {
    this.mode = mode
    this.#network = network
    this.#source = source
    this.#routes = routes
  }

  carrier(tunnel: Tunnel): Carrier {
    const startAction = tunnel.effectImmediately ? 'none' : 'trap'
    switch (this.mode) {
      case 'X':
        return { mode: 'X', ifId: carrierNumber(tunnel), startAction }
      case 'V':
        return { mode: 'V', mark: carrierNumber(tunnel), startAction }
      case 'U':
        return { mode: 'U' }
    }
  }

  /** Nothing is taken for whole any more: the gateway's namespace was made anew, or the addresses are others. */
  distrust({ network, source, routes }: DataPlace): void {
    this.#network = network
    this.#source = source
    this.#routes = routes
    this.#wholeAt = 0
  }

  /** It was left whole by an earlier process of ours. */
  trust(): void {
    this.#wholeAt = Date.now()
  }

  /** How often the interface of this tunnel has been made; 0 while there is none. */
  made(tunnel: Tunnel): number {
    return this.#isTunLost ? 0 : (this.#made.get(interfaceOf(tunnel)) ?? 1)
  }

  /** The daemon does not answer any more, and has died most likely: see `started` and `resumed`. */
  lost(): void {
    this.#isTunLost = this.mode === 'U'
  }

  /** It answers again, and is the same as before. */
  resumed(): void {
    this.#isTunLost = false
  }

  /** Whether it was seen whole within this time. */
  isTrusted(withinMs: number): boolean {
    return Date.now() - this.#wholeAt <= withinMs
  }

  /**
   * Makes or mends the namespace and, for tunnels that are loaded, the interfaces.
   * `dead`: the TUN is gone, and only a new daemon makes a new one.
   */
  async mend(loaded: readonly Tunnel[]): Promise<'whole' | 'dead'> {
    await applyEngineNetwork(this.#network)
    this.trust()
    this.#natDrop = ''
    if (this.mode === 'U') {
      const names = loaded.map(interfaceOf)
      if (names.length > 0 && !(await findTun(this.#network.gatewayNetns, names))) return 'dead'
    } else {
      for (const tunnel of loaded) await this.#ensureCarrierInterface(tunnel)
    }
    for (const tunnel of loaded.filter(hasInsideAddress)) await this.address(tunnel, loaded)
    return 'whole'
  }

  /** Before a daemon starts: the namespace is there, and nothing in the way. */
  async prepare(): Promise<void> {
    const { netns } = this.#network
    if (!this.isTrusted(Number.POSITIVE_INFINITY) || (await namespaceInode(netns)) === undefined) {
      await applyEngineNetwork(this.#network)
    }
    this.trust()
    if (this.mode === 'U') await removeDecoy(netns)
    else this.#leftovers = await listXfrmStates(netns)
  }

  /** After a daemon has started: its TUN becomes the interface of these tunnels. */
  async started(tunnels: readonly Tunnel[]): Promise<void> {
    if (this.mode !== 'U') return
    await this.#nameTun(tunnels)
    this.#isTunLost = false
    for (const tunnel of tunnels) this.#countMade(tunnel)
  }

  /** What the tunnel needs before it is loaded. @param all tunnels of the daemon, this one among them */
  async ensure(tunnel: Tunnel, all: readonly Tunnel[]): Promise<void> {
    if (this.mode !== 'U') await this.#ensureCarrierInterface(tunnel)
    else if (!this.#tunNames.has(interfaceOf(tunnel))) await this.#nameTun(all)
    if (hasInsideAddress(tunnel)) await this.address(tunnel, all)
    if (this.mode !== 'U') return
    // For everything may be narrowed by the peer to what there is, which the addresses of the gateway lie in.
    const ours = [this.#source, ...(tunnel.insideAddress === undefined ? [] : [hostOf(tunnel.insideAddress)])]
    const inside = tunnel.localSubnets.flatMap((subnet) =>
      subnet.endsWith('/0') ? ours : addressInside(subnet),
    )
    await addLoopbackAddresses(this.#network.netns, inside)
  }

  /**
   * Gives the interface of this tunnel its inside address, beside those of tunnels that share the interface.
   *
   * @param all tunnels of the daemon, this one among them
   */
  async address(tunnel: Tunnel, all: readonly Tunnel[]): Promise<void> {
    const sharing = this.mode === 'U' ? all : [tunnel]
    const addresses = sharing.flatMap(({ insideAddress }) => insideAddress ?? [])
    await setInsideAddresses(this.#network.gatewayNetns, interfaceOf(tunnel), addresses)
  }

  /**
   * Takes away what the tunnel alone has; an interface shared with others stays.
   * What comes back says whether the routes of the others went with it and have to be put back.
   *
   * @param others tunnels of the daemon that stay
   */
  async drop(tunnel: Tunnel, others: readonly Tunnel[]): Promise<{ others: boolean }> {
    const { gatewayNetns } = this.#network
    const name = interfaceOf(tunnel)
    await this.route(tunnel, [])
    await this.#routes.guard(tunnel.slot, [])
    this.#made.delete(name)
    if (this.mode !== 'U') {
      await removeInterface(gatewayNetns, name)
      return { others: false }
    }
    this.#tunNames.delete(name)
    const { renamed } = await dropTunName(gatewayNetns, name)
    const [heir] = others
    if (heir && tunnel.insideAddress !== undefined) await this.address(heir, others)
    return { others: renamed }
  }

  /** What is for this tunnel is refused while it is down, where it would go elsewhere otherwise. */
  async guard({ slot, routes, remoteSubnets }: Tunnel): Promise<void> {
    await this.#routes.guard(slot, routes?.map((route) => route.destination) ?? remoteSubnets)
  }

  /** @param present what was routed to it last; absent: look */
  async route(
    tunnel: Tunnel,
    wanted: readonly KernelRoute[],
    present?: readonly KernelRoute[],
  ): Promise<void> {
    const target = { interface: interfaceOf(tunnel), slot: tunnel.slot, source: this.#source }
    await this.#routes.set(target, wanted, present)
  }

  /** Removes what a dead daemon has left in the kernel for this tunnel, which has something in its place now. */
  async clearLeftovers(tunnel: Tunnel): Promise<void> {
    const ours = new Set(statesOfCarrier(this.#leftovers, carrierNumber(tunnel)))
    if (ours.size === 0) return
    await deleteXfrmStates(this.#network.netns, [...ours])
    this.#leftovers = this.#leftovers.filter((state) => !ours.has(state))
  }

  /** EnableNatTraversal, as far as it can be obeyed: see nat-drop.ts. */
  async limitNatTraversal(tunnels: readonly Tunnel[]): Promise<void> {
    if (this.mode === 'U') return
    const rules = renderNatDrop(peersWithoutNatTraversal(tunnels))
    if (rules === this.#natDrop) return
    await runIn(this.#network.netns, 'nft', ['-f', '-'], rules)
    this.#natDrop = rules
  }

  /** The daemon has ended. */
  async remove(): Promise<void> {
    await removeEngineNetwork(this.#network)
    this.#wholeAt = 0
    this.#tunNames.clear()
    this.#leftovers = []
    this.#natDrop = ''
  }

  async #nameTun(tunnels: readonly Tunnel[]): Promise<void> {
    const names = [...new Set(tunnels.map(interfaceOf))]
    await moveTun(this.#network.netns, this.#network.gatewayNetns, names)
    this.#tunNames = new Set(names)
  }

  #countMade(tunnel: Tunnel): void {
    const name = interfaceOf(tunnel)
    this.#made.set(name, (this.#made.get(name) ?? 0) + 1)
  }

  async #ensureCarrierInterface(tunnel: Tunnel): Promise<void> {
    const { netns, gatewayNetns } = this.#network
    const name = interfaceOf(tunnel)
    const number = carrierNumber(tunnel)
    const ends = { local: tunnel.localAddress, remote: tunnel.remoteAddress, key: number }
    const { isNew } =
      this.mode === 'X'
        ? await ensureXfrmInterface(netns, gatewayNetns, name, number)
        : await ensureVtiInterface(netns, gatewayNetns, name, ends)
    if (isNew) this.#countMade(tunnel)
  }
}

/** Another interface, or one with other ends: the old one has to go first. */
export const isOtherInterface = (before: Tunnel, after: Tunnel, mode: KernelMode): boolean =>
  before.slot !== after.slot ||
  (mode === 'V' &&
    (before.remoteAddress !== after.remoteAddress || before.localAddress !== after.localAddress))
