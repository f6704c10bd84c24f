/**
 * The whole product in the lab, as its users meet it: Suidao as a process, asked by an official client.
 *
 *     host 10.0.1.10 ── VPC ── VPN gateway ── bridge ── peer 198.51.100.2 ── its LAN 172.16.0.1
 */
import { join } from 'node:path'
import { createNames, type Names } from '../../../src/engine/linux/names.ts'
import { teardown } from '../../../src/engine/strongswan/teardown.ts'
import { ViciSession } from '../../../src/engine/strongswan/vici/session.ts'
import { popCore } from '../../support/app.ts'
import { ServerProcess } from '../../support/server-process.ts'
import { command } from './command.ts'
import { Lab } from './lab.ts'
import type { Peer, PeerSettings } from './peer.ts'
import { until } from './until.ts'

export const RegionId = 'cn-hangzhou'

export interface Site {
  readonly VpcId: string
  readonly VpnGatewayId: string
  readonly InternetIp: string
  /** Empty on a gateway for connections with one tunnel. */
  readonly secondIp: string
  /** Namespace of a host of the VPC. */
  readonly host: string
}

type Answer = Record<string, any>

let count = 0

export class Product {
  readonly lab: Lab
  readonly server: ServerProcess
  readonly #prefix: string

  private constructor(lab: Lab, server: ServerProcess, prefix: string) {
    this.lab = lab
    this.server = server
    this.#prefix = prefix
  }

  /** `settings` as in the environment, without the prefix `SUIDAO_`. */
  static async create(settings: Readonly<Record<string, string>> = {}): Promise<Product> {
    const lab = await Lab.create()
    const prefix = `${'abcdefghijk'[count++ % 11]}${(process.pid % 36 ** 4).toString(36)}`
    const server = new ServerProcess({
      PREFIX: prefix,
      WAN_BRIDGE: lab.wan.bridge,
      WAN_NETNS: lab.wan.netns,
      ...settings,
    })
    const product = new Product(lab, server, prefix)
    await server.start()
    return product
  }

  async ask(action: string, params: Answer = {}): Promise<Answer> {
    const { host, root } = this.server
    // A machine that builds hundreds of daemons at once may need longer than the client's own 3 s.
    const answer = await popCore(host, root).request(action, { RegionId, ...params }, { timeout: 30_000 })
    return JSON.parse(JSON.stringify(answer))
  }

  /** One connection with the extra object. */
  describe(VpnConnectionId: string): Promise<Answer> {
    return this.ask('DescribeVpnConnection', { VpnConnectionId, 'X-Suidao': 'true' })
  }

  /** Waits for an answer about a connection. */
  connection(
    VpnConnectionId: string,
    what: string,
    wanted: (answer: Answer) => boolean,
    timeoutMs = 15_000,
  ): Promise<Answer> {
    return until(
      what,
      async () => {
        const answer = await this.describe(VpnConnectionId)
        return wanted(answer) && answer
      },
      { timeoutMs },
    )
  }

  up(VpnConnectionId: string, timeoutMs?: number): Promise<Answer> {
    const wanted = ({ Status, State }: Answer) => Status === 'ipsec_sa_established' && State === 'active'
    return this.connection(VpnConnectionId, `${VpnConnectionId} is up`, wanted, timeoutMs)
  }

  /**
   * A VPC 10.0.0.0/16 with a VPN gateway and a host 10.0.1.10; the same networks each time.
   *
   * @param dual a gateway with two addresses, for connections with two tunnels
   */
  async site(suffix: string, { dual = false } = {}): Promise<Site> {
    const { VpcId } = await this.ask('CreateVpc', { CidrBlock: '10.0.0.0/16' })
    const { VSwitchId } = await this.ask('CreateVSwitch', {
      VpcId,
      CidrBlock: '10.0.1.0/24',
      ZoneId: 'cn-hangzhou-h',
    })
    const { VpnGatewayId } = await this.ask('CreateVpnGateway', {
      VpcId,
      VSwitchId,
      ...(dual ? { DisasterRecoveryVSwitchId: VSwitchId } : {}),
      Bandwidth: 10,
    })
    const { InternetIp, DisasterRecoveryInternetIp } = await until('the gateway is active', async () => {
      const answer = await this.ask('DescribeVpnGateway', { VpnGatewayId })
      return answer.Status === 'active' && answer
    })
    const host = await this.lab.namespace(suffix)
    const vpc = this.names.vpc(VpcId)
    const link = `link add eth0 netns ${host} type veth peer name ${suffix} netns ${vpc}`
    await command('ip', ...link.split(' '))
    await command('ip', '-n', vpc, 'link', 'set', 'dev', suffix, 'master', 'br0', 'up')
    await command('ip', '-n', host, 'addr', 'add', '10.0.1.10/24', 'dev', 'eth0')
    await command('ip', '-n', host, 'link', 'set', 'eth0', 'up')
    // The gateway takes the last address of the vSwitch that is not the vendor's own.
    await command('ip', '-n', host, 'route', 'add', 'default', 'via', '10.0.1.251')
    return { VpcId, VpnGatewayId, InternetIp, secondIp: DisasterRecoveryInternetIp ?? '', host }
  }

  /** A peer on the bridge with 172.16.0.1 behind it. */
  peer(suffix: string, address: string, lan = '172.16.0.1/32'): Promise<Peer> {
    return this.lab.peer(suffix, `${address}/24`, [lan])
  }

  async customerGateway(IpAddress: string): Promise<string> {
    return (await this.ask('CreateCustomerGateway', { IpAddress })).CustomerGatewayId
  }

  get names(): Names {
    return createNames(this.#prefix)
  }

  /** Watches our own daemon for a peer, beside Suidao. */
  async watchDaemon(
    peerAddress: string,
    heard: (event: string, message: Answer) => void,
  ): Promise<ViciSession> {
    const engines: { name: string }[] = JSON.parse(await command('ip', '-json', 'netns', 'list'))
    const hex = peerAddress
      .split('.')
      .map((octet) => Number(octet).toString(16).padStart(2, '0'))
      .join('')
    const engine = engines.find(({ name }) => this.names.kindOf(name) === 'engine' && name.endsWith(hex))
    if (!engine) throw new Error(`no daemon for ${peerAddress}`)
    const session = await ViciSession.connect(join(this.server.dataDir, 'engines', engine.name, 'vici.sock'))
    await session.subscribe(['ike-updown', 'child-updown'], heard)
    return session
  }

  async close(): Promise<void> {
    await this.server.stop()
    await teardown({ dataDir: this.server.dataDir, prefix: this.#prefix })
    await this.server.remove()
    await this.lab.close()
  }
}

/** What the peer has configured that agrees with a connection of `proposals` below. */
export const peerOf = (
  local: string,
  remote: string,
  psk: string,
  more: Partial<PeerSettings> = {},
): PeerSettings => ({
  version: 2,
  local,
  remote,
  psk,
  proposals: ['aes128-sha1-modp1024'],
  espProposals: ['aes128-sha1-modp1024'],
  localSubnets: ['172.16.0.0/24'],
  remoteSubnets: ['10.0.0.0/16'],
  ...more,
})

/** Parameters of CreateVpnConnection that agree with `peerOf`. */
export const connectionTo = (
  site: Site,
  CustomerGatewayId: string,
  psk: string,
  ike: Answer = {},
): Answer => ({
  VpnGatewayId: site.VpnGatewayId,
  CustomerGatewayId,
  LocalSubnet: '10.0.0.0/16',
  RemoteSubnet: '172.16.0.0/24',
  EffectImmediately: true,
  IkeConfig: JSON.stringify({ Psk: psk, IkeVersion: 'ikev2', IkeAuthAlg: 'sha1', ...ike }),
  IpsecConfig: JSON.stringify({ IpsecAuthAlg: 'sha1' }),
})

/** A connection that routes by BGP, ours at 169.254.10.1 and theirs at 169.254.10.2, and is watched by a health check. */
export const routedTo = (site: Site, CustomerGatewayId: string, psk: string): Answer => ({
  ...connectionTo(site, CustomerGatewayId, psk),
  LocalSubnet: '0.0.0.0/0',
  RemoteSubnet: '0.0.0.0/0',
  BgpConfig: JSON.stringify({
    EnableBgp: true,
    TunnelCidr: '169.254.10.0/30',
    LocalBgpIp: '169.254.10.1',
  }),
  HealthCheckConfig: JSON.stringify({
    Enable: true,
    Dip: '172.16.0.1',
    Sip: '10.0.1.10',
    Interval: 1,
    Retry: 2,
  }),
})
