/** BGP for the tunnels of all gateways: one BIRD for each gateway that has a session. */
import { readdir, rm } from 'node:fs/promises'
import type { DaemonHealth, GatewayId, TunnelId, TunnelReport } from '../engine.ts'
import type {
  GatewayService,
  GatewayServiceFactory,
  GatewayServiceOwner,
  ServedGateway,
  ServedTunnel,
} from '../gateway-service.ts'
import { hostOf } from '../linux/address.ts'
import { ip } from '../linux/namespace.ts'
import { killDaemon, type Log } from '../linux/process.ts'
import { type BgpGateway, type BgpLimits, defaultBgpLimits } from './config.ts'
import {
  BgpSpeaker,
  defaultSpeakerTimes,
  readRecord,
  type SpeakerTimes,
  type WantedSession,
} from './speaker.ts'

export interface BgpServiceConfig {
  /** Absolute; run folders are made below `<dataDir>/bgp`. */
  readonly dataDir: string
  readonly limits?: Partial<BgpLimits>
  readonly times?: Partial<SpeakerTimes>
  readonly log: Log
}

export const bgpDir = (dataDir: string) => `${dataDir}/bgp`

/** Named after the slot, which is short: the path of a socket has few bytes. */
const runDirOf = (dataDir: string, slot: number) => `${bgpDir(dataDir)}/gw${slot}`

export const createBgpService =
  (config: BgpServiceConfig): GatewayServiceFactory =>
  (owner) =>
    new BgpService(config, owner)

/**
 * Ends the BGP daemon of a host that is itself the gateway, whose namespace does not go and take it along. No server may
 * run. What it has put into the kernel goes with it.
 */
export async function endHostSpeakers(dataDir: string): Promise<void> {
  const root = bgpDir(dataDir)
  for (const name of await readdir(root).catch(() => [])) {
    const record = readRecord(`${root}/${name}`)
    if (!record || record.netns !== undefined) continue
    if (record.process) await killDaemon(record.process)
    await ip(undefined, ['route', 'flush', 'proto', 'bird'])
  }
}

class BgpService implements GatewayService {
  readonly #config: BgpServiceConfig
  readonly #owner: GatewayServiceOwner
  readonly #speakers = new Map<GatewayId, BgpSpeaker>()
  readonly #gatewayOf = new Map<TunnelId, GatewayId>()

  constructor(config: BgpServiceConfig, owner: GatewayServiceOwner) {
    this.#config = config
    this.#owner = owner
  }

  update({ gateway, netns, tunnels }: ServedGateway): void {
    const { dataDir, limits, times, log } = this.#config
    const { id } = gateway
    const place = { gatewayId: id, netns, runDir: runDirOf(dataDir, gateway.slot) }
    const shared: BgpGateway = {
      routerId: gateway.address,
      source: hostOf(gateway.insideAddress),
      ownNetworks: [gateway.vpcCidr],
    }
    let speaker = this.#speakers.get(id)
    if (!speaker) {
      speaker = new BgpSpeaker(place, shared, {
        times: { ...defaultSpeakerTimes, ...times },
        limits: { ...defaultBgpLimits, ...limits },
        log,
        hint: (tunnel) => this.#owner.hint(tunnel),
        learned: (networks) => this.#owner.learned(id, networks),
      })
      this.#speakers.set(id, speaker)
    }
    const wanted = new Map(tunnels.flatMap((served) => wantedSession(served)))
    for (const tunnel of wanted.keys()) this.#gatewayOf.set(tunnel, id)
    speaker.update(place, shared, wanted)
  }

  async remove(id: GatewayId): Promise<void> {
    const speaker = this.#speakers.get(id)
    this.#speakers.delete(id)
    for (const [tunnel, gateway] of this.#gatewayOf) if (gateway === id) this.#gatewayOf.delete(tunnel)
    if (speaker) return speaker.remove()
    // One that nobody has told us of, by its id or by the name of its namespace.
    const root = bgpDir(this.#config.dataDir)
    for (const name of await readdir(root).catch(() => [])) {
      const record = readRecord(`${root}/${name}`)
      if (record?.gatewayId !== id && record?.netns !== id) continue
      if (record.process) await killDaemon(record.process)
      await rm(`${root}/${name}`, { recursive: true, force: true })
    }
  }

  daemons(): readonly DaemonHealth[] {
    return [...this.#speakers.values()].flatMap((speaker) => speaker.health)
  }

  report(id: TunnelId): Pick<TunnelReport, 'bgp'> {
    const gateway = this.#gatewayOf.get(id)
    const bgp = gateway === undefined ? undefined : this.#speakers.get(gateway)?.report(id)
    return bgp ? { bgp } : {}
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#speakers.values()].map((speaker) => speaker.settled()))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#speakers.values()].map((speaker) => speaker.close()))
  }
}

/**
 * A session is open while its tunnel carries packets, and while the tunnel waits for some: BGP is traffic that asks
 * for it. A failed health check does not close it: the peer may know the way back for the probes from it alone.
 */
function wantedSession({ tunnel, up, made }: ServedTunnel): [TunnelId, WantedSession][] {
  const { id, connectionId, slot, bgp, effectImmediately, stoppedAt } = tunnel
  if (!bgp) return []
  const open = up || (!effectImmediately && stoppedAt === undefined && made > 0)
  return [[id, { slot, connectionId, bgp, up, open }]]
}
