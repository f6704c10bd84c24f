/** A whole server with a network behind it, for browsers: what an operator would have after some months. */
import { popCore, startTestApp, type TestApp, type TestAppOptions, until } from '../../support/app.ts'

export const region = 'cn-hangzhou'

type Params = Readonly<Record<string, unknown>>
type Answer = Readonly<Record<string, any>>

export interface World extends TestApp {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  ask(action: string, params?: Params): Promise<Answer>
  readonly vpcId: string
  readonly vSwitchId: string
  readonly gatewayId: string
  /** Makes a connection and waits until the engine has it. */
  connect(name: string, params?: Params): Promise<string>
  /** Makes an attachment. */
  attach(name: string): Promise<string>
}

export async function startWorld(options: TestAppOptions = {}): Promise<World> {
  const app = await startTestApp({
    ...options,
    settings: { QUOTAS_CONNECTIONS_PER_GATEWAY: '2000', ...options.settings },
  })
  const client = popCore(app.host, app.root)
  const ask = (action: string, params: Params = {}) =>
    client.request<Answer>(action, { RegionId: region, ...params }, { method: 'POST' })
  const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8', VpcName: 'production' })
  const { VSwitchId } = await ask('CreateVSwitch', {
    VpcId,
    CidrBlock: '10.1.0.0/24',
    ZoneId: 'cn-hangzhou-h',
    VSwitchName: 'gateways',
  })
  const { VpnGatewayId } = await ask('CreateVpnGateway', {
    VpcId,
    VSwitchId,
    Bandwidth: 100,
    Name: 'edge-hangzhou',
  })
  const isReady = () =>
    until('the gateway is active', async () => {
      const { Status } = await ask('DescribeVpnGateway', { VpnGatewayId })
      return Status === 'active'
    })
  await isReady()
  let peers = 0
  /** A new customer gateway, and a connection to it, but for what it is on. */
  const ends = async (name: string): Promise<Params> => {
    peers++
    const { CustomerGatewayId } = await ask('CreateCustomerGateway', {
      IpAddress: `198.51.${100 + Math.floor(peers / 250)}.${(peers % 250) + 1}`,
      Name: `${name}-router`,
    })
    return {
      CustomerGatewayId,
      Name: name,
      LocalSubnet: '10.1.0.0/24',
      RemoteSubnet: `192.168.${peers % 256}.0/24`,
      EffectImmediately: true,
      IkeConfig: JSON.stringify({
        Psk: 'a-rather-long-pre-shared-key',
        IkeVersion: 'ikev2',
        IkeEncAlg: 'aes256',
        IkeAuthAlg: 'sha256',
        IkePfs: 'group14',
      }),
      IpsecConfig: JSON.stringify({ IpsecEncAlg: 'aes256', IpsecAuthAlg: 'sha256', IpsecPfs: 'group14' }),
    }
  }
  return {
    ...app,
    origin: `http://${app.endpoint}`,
    ask,
    vpcId: VpcId,
    vSwitchId: VSwitchId,
    gatewayId: VpnGatewayId,
    async connect(name, params = {}) {
      const { VpnConnectionId } = await ask('CreateVpnConnection', {
        VpnGatewayId,
        ...(await ends(name)),
        ...params,
      })
      await isReady()
      return VpnConnectionId
    },
    async attach(name) {
      const { VpnConnectionId } = await ask('CreateVpnAttachment', await ends(name))
      return VpnConnectionId
    },
  }
}

/** What a daemon would report of a tunnel that carries traffic. */
export const upReport = (remote: string, bytes = 0) => ({
  ikeSas: [
    {
      uniqueId: '1',
      state: 'established' as const,
      version: 'ikev2' as const,
      initiator: true,
      localId: '203.0.113.1',
      remoteId: remote,
      remoteEndpoint: `${remote}:4500`,
      proposal: 'aes256-sha256-modp2048',
      establishedFor: 5_400,
      rekeyIn: 79_000,
      natBetween: false,
    },
  ],
  childSas: [
    {
      uniqueId: '2',
      ikeUniqueId: '1',
      state: 'installed' as const,
      spiIn: 'c1a2b3d4',
      spiOut: 'ce5f6a7b',
      proposal: 'aes256-sha256-modp2048',
      localSelectors: ['10.1.0.0/24'],
      remoteSelectors: ['192.168.1.0/24'],
      bytesIn: 52_428_800 + bytes,
      bytesOut: 10_485_760 + bytes,
      packetsIn: 41_000 + bytes / 1000,
      packetsOut: 9_000 + bytes / 1000,
      rekeyIn: 2_900,
      expiresIn: 3_500,
    },
  ],
})
