/**
 * The strongSwan engine in the lab:
 *
 *     host 10.1.0.10 ── VPC ── gateway of the engine ── bridge ── peer ── its LAN, e.g. 10.2.0.1
 *                              198.51.100.1                       198.51.100.2
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BgpLimits } from '../../../src/engine/bird/config.ts'
import { createBgpService } from '../../../src/engine/bird/service.ts'
import type { Engine, Gateway, Tunnel, TunnelReport } from '../../../src/engine/engine.ts'
import { createNames, type Names } from '../../../src/engine/linux/names.ts'
import type { Log } from '../../../src/engine/linux/process.ts'
import { createProbeService } from '../../../src/engine/probe/service.ts'
import { createStrongswanEngine } from '../../../src/engine/strongswan/engine.ts'
import type { LogLine } from '../../../src/engine/strongswan/failure-log.ts'
import { parseLogEvent } from '../../../src/engine/strongswan/failure-log.ts'
import type { KernelMode } from '../../../src/engine/strongswan/kernel-mode.ts'
import { carriesTraffic, isEstablished } from '../../../src/engine/strongswan/observe.ts'
import { teardown } from '../../../src/engine/strongswan/teardown.ts'
import type { Timers } from '../../../src/engine/strongswan/timers.ts'
import { ViciSession } from '../../../src/engine/strongswan/vici/session.ts'
import { Secret } from '../../../src/secret.ts'
import { command } from './command.ts'
import { Lab, type PingResult } from './lab.ts'
import type { PeerSettings } from './peer.ts'

/** Everything happens within seconds. */
const timers = {
  retryDelays: [300, 600, 1_000],
  dpd: { delay: 1, timeout: 3 },
  retransmit: { timeout: 0.5, base: 1, tries: 4 },
}

/** The lowest that BGP allows. */
const shortestHold = { holdTime: 3 }

let count = 0

export class GatewayLab {
  readonly lab: Lab
  readonly gateway: Gateway
  readonly tunnel: Tunnel
  /** Namespace of a host of the VPC, 10.1.0.10. */
  host = ''
  /** Of the engine itself; `LAB_ECHO=1` prints them as they come. */
  readonly logged: string[] = []
  readonly #prefix: string
  readonly #dataDir: string
  readonly #timers: Partial<Timers>
  readonly #kernelMode: KernelMode | undefined
  readonly #bgpLimits: Partial<BgpLimits>
  readonly #onExit = () => this.#removeNow()
  #engine: Engine | undefined
  readonly #log: Log = (level, message, fields) => {
    const text = `${level} ${message} ${JSON.stringify(fields ?? {})}`
    this.logged.push(text)
    if (process.env['LAB_ECHO']) console.error(text)
  }

  private constructor(
    lab: Lab,
    dataDir: string,
    changes: Partial<Timers>,
    bgpLimits: Partial<BgpLimits>,
    kernelMode?: KernelMode,
  ) {
    this.lab = lab
    this.#kernelMode = kernelMode
    this.#bgpLimits = bgpLimits
    this.#dataDir = dataDir
    this.#timers = { ...timers, ...changes }
    this.#prefix = `${'lmnopqrstuvwxyz'[count++ % 15]}${process.pid.toString(36)}`
    process.on('exit', this.#onExit)
    this.gateway = {
      id: 'vpn-1',
      slot: 1,
      address: '198.51.100.1',
      vpcId: 'vpc-1',
      insideAddress: '10.1.0.254/24',
      vpcCidr: '10.1.0.0/16',
    }
    this.tunnel = {
      id: 'vco-1',
      connectionId: 'vco-1',
      gatewayId: 'vpn-1',
      slot: 1,
      generation: 1,
      localAddress: '198.51.100.1',
      remoteAddress: '198.51.100.2',
      ike: {
        version: 'ikev1',
        mode: 'main',
        encryption: 'aes',
        authentication: 'sha1',
        dhGroup: 'group2',
        lifetime: 86_400,
        localId: '198.51.100.1',
        remoteId: '198.51.100.2',
        psk: new Secret('a key for the lab'),
      },
      ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
      localSubnets: ['10.1.0.0/24'],
      remoteSubnets: ['10.2.0.0/24'],
      dpd: true,
      natTraversal: true,
      effectImmediately: true,
    }
  }

  /**
   * @param changes to the times of the engine, which are short already
   * @param kernelMode absent: the best that works here
   */
  static async create(
    changes: Partial<Timers> = {},
    kernelMode?: KernelMode,
    bgpLimits: Partial<BgpLimits> = shortestHold,
  ): Promise<GatewayLab> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gateway-lab-'))
    const lab = new GatewayLab(await Lab.create(), dataDir, changes, bgpLimits, kernelMode)
    await lab.#start()
    return lab
  }

  get engine(): Engine {
    if (!this.#engine) throw new Error('the engine does not run')
    return this.#engine
  }

  /** Ends the engine and makes a new one over what it left. */
  async restart(): Promise<Engine> {
    await this.#engine?.close()
    await this.#start()
    return this.engine
  }

  /** Applies the gateway and puts a host into its VPC. */
  async applyGateway(): Promise<void> {
    await this.engine.gateways.apply(this.gateway)
    this.host = await this.lab.namespace('host')
    const vpc = createNames(this.#prefix).vpc(this.gateway.vpcId)
    await command(
      'ip',
      'link',
      'add',
      'eth0',
      'netns',
      this.host,
      'type',
      'veth',
      'peer',
      'name',
      'host',
      'netns',
      vpc,
    )
    await command('ip', '-n', vpc, 'link', 'set', 'dev', 'host', 'master', 'br0', 'up')
    await command('ip', '-n', this.host, 'addr', 'add', '10.1.0.10/24', 'dev', 'eth0')
    await command('ip', '-n', this.host, 'link', 'set', 'eth0', 'up')
    await command('ip', '-n', this.host, 'route', 'add', 'default', 'via', '10.1.0.254')
  }

  /** What the engine is made with, for another process that takes its place. */
  get engineConfig() {
    return {
      dataDir: this.#dataDir,
      prefix: this.#prefix,
      wan: this.lab.wan,
      timers: this.#timers,
      kernelMode: this.#kernelMode,
    }
  }

  get names(): Names {
    return createNames(this.#prefix)
  }

  /** Gives the host of the VPC one more address, and the gateway the way back to it. */
  async ownAddress(address: string): Promise<void> {
    const network = address.replace(/\d+\/24$/, '0/24')
    await command('ip', '-n', this.host, 'addr', 'replace', address, 'dev', 'eth0')
    const gateway = createNames(this.#prefix).gateway(this.gateway.slot)
    await command('ip', '-n', gateway, 'route', 'replace', network, 'dev', 'vpc0')
  }

  /** Pings from an address of the host of the VPC. */
  ping(from: string, to: string, options?: { count?: number; interval?: number }): Promise<PingResult> {
    return this.lab.ping(this.host, from, to, options)
  }

  /** Whether one echo from an address of the host of the VPC is answered at once. */
  reaches(from: string, to: string): Promise<boolean> {
    return this.lab.reaches(this.host, from, to)
  }

  /** The log of the daemon that serves a peer, line by line as it comes, and a way to command it. */
  async daemon(peerAddress: string): Promise<{ session: ViciSession; lines: LogLine[] }> {
    const name = createNames(this.#prefix).engine(
      this.gateway.slot,
      this.engine.describe().kernelMode === 'U' ? { peer: peerAddress, fromSecond: false } : undefined,
    )
    const session = await ViciSession.connect(join(this.#dataDir, 'engines', name, 'vici.sock'))
    const lines: LogLine[] = []
    await session.subscribe(['log'], (_, message) => lines.push(parseLogEvent(message, Date.now())))
    return { session, lines }
  }

  async close(): Promise<void> {
    await this.#engine?.close()
    await teardown({ dataDir: this.#dataDir, prefix: this.#prefix })
    await this.lab.close()
    process.off('exit', this.#onExit)
    await rm(this.#dataDir, { recursive: true })
  }

  /** The engine's daemons outlive it on purpose, so they are ended here when a test ends without `close`. */
  #removeNow(): void {
    const ip = (...args: string[]) => execFileSync('ip', ['netns', ...args], { encoding: 'utf8' })
    const names = createNames(this.#prefix)
    for (const [, netns] of ip('list').matchAll(/^(\S+)/gm)) {
      if (!netns || names.kindOf(netns) === undefined) continue
      for (const pid of ip('pids', netns).split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
      ip('del', netns)
    }
    rmSync(this.#dataDir, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    this.#engine = await createStrongswanEngine({
      ...this.engineConfig,
      services: [
        createBgpService({ dataDir: this.#dataDir, log: this.#log, limits: this.#bgpLimits }),
        createProbeService({ dataDir: this.#dataDir, log: this.#log }),
      ],
      log: this.#log,
    })
  }
}

const words: Readonly<Record<string, string>> = {
  aes: 'aes128',
  group1: 'modp768',
  group2: 'modp1024',
  group5: 'modp1536',
  group14: 'modp2048',
}
const word = (name: string) => words[name] ?? name

/** What a peer has configured that agrees with a tunnel. Written independently of what our renderer does. */
export function agreeing(tunnel: Tunnel): PeerSettings {
  const { ike, ipsec } = tunnel
  return {
    version: ike.version === 'ikev1' ? 1 : 2,
    aggressive: ike.version === 'ikev1' && ike.mode === 'aggressive',
    local: tunnel.remoteAddress,
    remote: tunnel.localAddress,
    localId: ike.remoteId,
    remoteId: ike.localId,
    psk: ike.psk.reveal(),
    proposals: [`${word(ike.encryption)}-${ike.authentication}-${word(ike.dhGroup)}`],
    espProposals: [
      `${word(ipsec.encryption)}-${ipsec.authentication}${ipsec.pfs === 'disabled' ? '' : `-${word(ipsec.pfs)}`}`,
    ],
    localSubnets: tunnel.remoteSubnets,
    remoteSubnets: tunnel.localSubnets,
  }
}

export type Status =
  | 'ike_sa_not_established'
  | 'ike_sa_established'
  | 'ipsec_sa_not_established'
  | 'ipsec_sa_established'

/** The vendor's word for what a report says, by the rule that stands in the documents. */
export function statusOf(report: TunnelReport): Status {
  if (report.childSas.some(carriesTraffic)) return 'ipsec_sa_established'
  if (!report.ikeSas.some(isEstablished)) return 'ike_sa_not_established'
  return report.phase2Failed ? 'ipsec_sa_not_established' : 'ike_sa_established'
}
