/**
 * Health checks for the tunnels of all gateways: one fping for each tunnel that wants one.
 *
 * Verdicts are kept on disk, so that a new process of ours does not begin by knowing nothing: what was taken away stays
 * away, and a good tunnel is not called anything else meanwhile.
 *
 *     <dataDir>/probes.json    the last verdict of each health check
 */
import { readFileSync } from 'node:fs'
import type { GatewayId, Tunnel, TunnelId, TunnelProbe, TunnelReport } from '../engine.ts'
import type {
  GatewayService,
  GatewayServiceFactory,
  GatewayServiceOwner,
  ServedGateway,
  ServedTunnel,
} from '../gateway-service.ts'
import { hostOf } from '../linux/address.ts'
import { type Log, replaceFile } from '../linux/process.ts'
import { applyProbePath, type ProbePair, removeProbePath } from './path.ts'
import { Prober } from './prober.ts'
import { count, lose, noTally, reportTally, type Tally } from './verdict.ts'

export interface ProbeServiceConfig {
  /** Absolute. */
  readonly dataDir: string
  readonly log: Log
}

export const createProbeService =
  (config: ProbeServiceConfig): GatewayServiceFactory =>
  (owner) =>
    new ProbeService(config, owner)

interface Check {
  tunnel: Tunnel
  readonly gatewayId: GatewayId
  probe: TunnelProbe
  /** Changes when the running fping is not the wanted one any more. */
  readonly mark: string
  prober?: Prober
  tally: Tally
}

/** How the gateway speaks with addresses that are not its own. */
interface Path {
  wanted: string
  queue: Promise<void>
}

class ProbeService implements GatewayService {
  readonly #config: ProbeServiceConfig
  readonly #owner: GatewayServiceOwner
  readonly #checks = new Map<TunnelId, Check>()
  readonly #paths = new Map<GatewayId, Path>()
  /** Gateways that are the host itself. */
  readonly #onHost = new Set<GatewayId>()
  /** Verdicts of an earlier process, until their checks are wanted again. */
  readonly #left: Map<TunnelId, StoredVerdict>
  #writing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(config: ProbeServiceConfig, owner: GatewayServiceOwner) {
    this.#config = config
    this.#owner = owner
    this.#left = readVerdicts(config.dataDir)
  }

  update({ gateway, netns, tunnels }: ServedGateway): void {
    if (netns === undefined) this.#onHost.add(gateway.id)
    if (this.#isClosed) return
    const own = hostOf(gateway.insideAddress)
    const pairs = tunnels.flatMap(({ tunnel: { probe } }) => (probe && probe.source !== own ? [probe] : []))
    const ready = this.#ensurePath(gateway.id, netns, pairs)
    for (const served of tunnels) this.#updateTunnel(gateway.id, netns, served, ready)
    const present = new Set(tunnels.map(({ tunnel }) => tunnel.id))
    for (const [id, check] of this.#checks) {
      if (check.gatewayId === gateway.id && !present.has(id)) this.#drop(id)
    }
  }

  async remove(id: GatewayId): Promise<void> {
    for (const [tunnel, check] of this.#checks) if (check.gatewayId === id) this.#drop(tunnel)
    await this.#paths.get(id)?.queue
    if (this.#onHost.delete(id)) await removeProbePath()
    this.#paths.delete(id)
  }

  report(id: TunnelId): Pick<TunnelReport, 'probe'> {
    const check = this.#checks.get(id)
    return check ? { probe: reportTally(check.tally) } : {}
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const { prober } of this.#checks.values()) prober?.stop()
    await Promise.all([...this.#paths.values()].map(({ queue }) => queue))
    await this.#writing
  }

  #updateTunnel(gatewayId: GatewayId, netns: string | undefined, served: ServedTunnel, ready: Promise<void>) {
    const { tunnel, made } = served
    const { id, probe } = tunnel
    const before = this.#checks.get(id)
    if (!probe) {
      if (before) this.#drop(id)
      return
    }
    const mark = JSON.stringify([netns, made > 0 && served.interface, made, definitionOf(probe)])
    if (before?.mark === mark) {
      before.tunnel = tunnel
      before.probe = probe
      return this.#revoke(before)
    }
    before?.prober?.stop()
    const isSame = before && definitionOf(before.probe) === definitionOf(probe)
    const check: Check = {
      tunnel,
      gatewayId,
      probe,
      mark,
      tally: isSame ? before.tally : this.#restore(tunnel),
    }
    this.#checks.set(id, check)
    this.#revoke(check)
    ready.then(() => this.#begin(check, netns, made > 0 ? served.interface : undefined))
  }

  #begin(check: Check, netns: string | undefined, interfaceName: string | undefined): void {
    const { id } = check.tunnel
    if (this.#isClosed || this.#checks.get(id) !== check) return
    const { log } = this.#config
    try {
      check.prober = new Prober({ netns, interface: interfaceName }, check.probe, {
        fate: (rtt) => this.#count(check, rtt),
        ended: (cause) => {
          log('warn', 'a health check was interrupted', { tunnel: id, cause })
          check.tally = lose(check.tally)
          this.#owner.hint(id)
        },
      })
    } catch (error) {
      log('error', 'a health check cannot begin', { tunnel: id, error: `${error}` })
    }
  }

  #count(check: Check, rtt: number | undefined): void {
    const { id } = check.tunnel
    const before = check.tally.verdict?.succeeding
    check.tally = count(check.tally, rtt, Date.now(), check.probe.retry)
    const { verdict, fates } = check.tally
    if (verdict && verdict.succeeding !== before) {
      this.#config.log('info', verdict.succeeding ? 'a health check succeeds' : 'a health check fails', {
        tunnel: id,
      })
      this.#write()
      this.#revoke(check)
      this.#owner.hint(id)
    } else if (fates.length === 1) this.#owner.hint(id)
  }

  /** Sticks to what was last known: only a verdict gives routes back that a verdict has taken. */
  #revoke({ tunnel, probe, tally: { verdict } }: Check): void {
    if (!probe.revokeRoutes) this.#owner.revokeRoutes(tunnel.id, false)
    else if (verdict) this.#owner.revokeRoutes(tunnel.id, !verdict.succeeding)
  }

  #drop(id: TunnelId): void {
    const check = this.#checks.get(id)
    check?.prober?.stop()
    this.#checks.delete(id)
    this.#owner.revokeRoutes(id, false)
    this.#owner.hint(id)
    if (check?.tally.verdict) this.#write()
  }

  /** Resolves when it is tried: a health check that cannot be sent fails, and that is the truth. */
  #ensurePath(id: GatewayId, netns: string | undefined, pairs: readonly ProbePair[]): Promise<void> {
    const wanted = JSON.stringify([netns, pairs.map(({ source, destination }) => [source, destination])])
    const path = this.#paths.get(id) ?? { wanted: JSON.stringify([netns, []]), queue: Promise.resolve() }
    this.#paths.set(id, path)
    if (path.wanted === wanted) return path.queue
    path.wanted = wanted
    path.queue = path.queue.then(async () => {
      try {
        await applyProbePath(netns, pairs)
      } catch (error) {
        path.wanted = ''
        this.#config.log('error', 'cannot make the way of health checks', { gateway: id, error: `${error}` })
      }
    })
    return path.queue
  }

  // --- Verdicts on disk ----------------------------------------------------------------------------------------

  #restore({ id, probe }: Tunnel): Tally {
    const stored = this.#left.get(id)
    this.#left.delete(id)
    if (!stored || !probe || stored.definition !== definitionOf(probe)) return noTally
    const { succeeding, since } = stored
    return { ...noTally, verdict: { succeeding, since } }
  }

  #write(): void {
    const verdicts = [...this.#checks.values()].flatMap(({ tunnel, probe, tally: { verdict } }) =>
      verdict ? [{ id: tunnel.id, definition: definitionOf(probe), ...verdict }] : [],
    )
    const text = JSON.stringify([...verdicts, ...this.#left.values()])
    this.#writing = this.#writing
      .then(() => replaceFile(verdictFile(this.#config.dataDir), text))
      .catch((error) => {
        this.#config.log('warn', 'verdicts of health checks cannot be kept', { error: `${error}` })
      })
  }
}

interface StoredVerdict {
  readonly id: TunnelId
  readonly definition: string
  readonly succeeding: boolean
  /** Epoch milliseconds. */
  readonly since: number
}

const verdictFile = (dataDir: string) => `${dataDir}/probes.json`

function readVerdicts(dataDir: string): Map<TunnelId, StoredVerdict> {
  try {
    const stored: StoredVerdict[] = JSON.parse(readFileSync(verdictFile(dataDir), 'utf8'))
    return new Map(stored.map((verdict) => [verdict.id, verdict]))
  } catch {
    return new Map()
  }
}

/** What makes a health check another one. */
const definitionOf = ({ source, destination, interval, retry }: TunnelProbe) =>
  JSON.stringify([source, destination, interval, retry])
