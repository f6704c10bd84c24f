/**
 * Situations by one word: resources made by the API, and a world that treats them so.
 *
 * The resources are there when a scenario begins, so they are made at once, whatever the profile says.
 */

import { generateKeyPairSync } from 'node:crypto'
import { issueCertificate } from '../certificates/x509.ts'
import type { Text } from '../engine/reason.ts'
import type { World } from '../engine/simulated/world.ts'
import type { Call } from './caller.ts'
import { ControlError } from './errors.ts'
import type { Faults } from './faults.ts'
import type { Fixture } from './types.ts'

export interface Stage {
  readonly call: Call
  readonly world: World
  readonly faults: Faults
  /** Waits until nothing is under way. */
  settle(): Promise<void>
}

interface Scenario {
  readonly summary: Text
  /** What the connections are made with beside what all have. */
  readonly connection?: (number: number) => Readonly<Record<string, string>>
  /** Comes when they are there and up. */
  readonly after?: (stage: Stage, fixture: Fixture) => unknown
}

const second = 1_000

const day = 24 * 60 * 60 * second

/** The CA of peers, which need nothing of it but its certificate: whoever has its key is forgotten. */
function remoteCa(): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { organization: 'Suidao', commonName: 'CA of emulated peers' }
  const [notBefore, notAfter] = [Date.UTC(2000), Date.UTC(2100)]
  return issueCertificate({ subject, publicKey, issuer: { subject, key: privateKey }, notBefore, notAfter })
}

const silent = (stage: Stage, peer: string) =>
  stage.faults.arm({ layer: 'network', kind: 'partition', target: peer })

export const scenarios = {
  'both-up': {
    summary: {
      en: 'two connections of one VPN gateway, both up',
      zh: '同一VPN网关的两个连接，均已连通',
    },
  },
  'one-up': {
    summary: {
      en: 'the first connection is up, the peer of the second does not answer',
      zh: '第一个连接已连通，第二个连接的对端无响应',
    },
    after: (stage, { peerAddresses: [, peer] }) => silent(stage, peer!),
  },
  'both-down': {
    summary: {
      en: 'neither peer answers',
      zh: '两个对端均无响应',
    },
    after: async (stage, { peerAddresses }) => {
      for (const peer of peerAddresses) await silent(stage, peer)
    },
  },
  flapping: {
    summary: {
      en: 'the peer of the second connection closes the tunnel every 20 seconds',
      zh: '第二个连接的对端每20秒关闭一次隧道',
    },
    after({ world }, { peerAddresses: [, peer] }) {
      const again = () => {
        if (world.find(peer!).length === 0) return
        world.peerCloses(peer!)
        world.clock.after(20 * second, again)
      }
      world.clock.after(20 * second, again)
    },
  },
  'psk-wrong': {
    summary: {
      en: 'the peer of the second connection has another pre-shared key',
      zh: '第二个连接的对端使用另一预共享密钥',
    },
    after: ({ world }, { peerAddresses: [, peer] }) => world.setPeer(peer!, { psk: 'another key' }, true),
  },
  'ike-mismatch': {
    summary: {
      en: 'the peer of the second connection offers other phase-1 algorithms',
      zh: '第二个连接的对端提议其他第一阶段算法',
    },
    after: ({ world }, { peerAddresses: [, peer] }) =>
      world.setPeer(peer!, { proposals: ['aes256-sha512-modp2048'] }, true),
  },
  'subnets-mismatch': {
    summary: {
      en: 'the peer of the second connection protects another network',
      zh: '第二个连接的对端保护另一网段',
    },
    after: ({ world }, { peerAddresses: [, peer] }) =>
      world.setPeer(peer!, { localSubnets: ['10.99.0.0/24'] }, true),
  },
  'cert-expired': {
    summary: {
      en: 'both tunnels use certificates, and that of the second peer has expired',
      zh: '两条隧道均使用证书认证，其中第二个对端的证书已过期',
    },
    connection: () => ({ RemoteCaCertificate: remoteCa() }),
    after: ({ world }, { peerAddresses: [, peer] }) =>
      world.setPeer(peer!, { certificate: { notAfter: world.clock.now() - day } }, true),
  },
  'bgp-only-down': {
    summary: {
      en: 'both tunnels are up, and the BGP session of the second is not',
      zh: '两条隧道均已连通，第二条的BGP会话未建立',
    },
    connection: (number) => ({
      EnableTunnelsBgp: 'true',
      BgpConfig: JSON.stringify({
        EnableBgp: 'true',
        LocalAsn: '65530',
        TunnelCidr: `169.254.${10 + number}.0/30`,
        LocalBgpIp: `169.254.${10 + number}.1`,
      }),
    }),
    after: ({ world }, { peerAddresses: [, peer] }) => world.setPeer(peer!, { bgp: { enabled: false } }),
  },
  'peer-reboot': {
    summary: {
      en: 'the peer of the second connection starts anew and is back after a minute',
      zh: '第二个连接的对端重启，一分钟后恢复',
    },
    after: ({ world }, { peerAddresses: [, peer] }) => world.peerReboots(peer!, 60 * second),
  },
  lossy: {
    summary: {
      en: 'every fifth packet to the second peer is lost',
      zh: '发往第二个对端的报文每五个丢失一个',
    },
    after: (stage, { peerAddresses: [, peer] }) =>
      stage.faults.arm({ layer: 'network', kind: 'loss', loss: 0.2, target: peer! }),
  },
  'zone-lost': {
    summary: {
      en: 'the zone of the VPN gateway is lost, and all its tunnels with it',
      zh: 'VPN网关所在可用区故障，其所有隧道中断',
    },
    after: (stage) => stage.faults.arm({ layer: 'network', kind: 'zone-lost', target: 'cn-hangzhou-h' }),
  },
  'slow-create': {
    summary: {
      en: 'making a VPN gateway takes a minute more from now on',
      zh: '此后创建VPN网关多耗时一分钟',
    },
    after: (stage) => stage.faults.arm({ layer: 'task', kind: 'slow', what: 'gateway', delay: 60 * second }),
  },
  'stuck-create': {
    summary: {
      en: 'a VPN gateway that is made from now on stays provisioning',
      zh: '此后创建的VPN网关一直处于创建中',
    },
    after: (stage) => stage.faults.arm({ layer: 'task', kind: 'stuck', what: 'gateway' }),
  },
  throttled: {
    summary: {
      en: 'every second call, drawn by the seed, is refused with Throttling.User',
      zh: '按种子随机，半数调用以Throttling.User拒绝',
    },
    after: (stage) => stage.faults.arm({ layer: 'api', kind: 'throttle', probability: 0.5 }),
  },
  'answers-lost': {
    summary: {
      en: 'the next three writes are done, and their answers are lost',
      zh: '接下来的三次写操作会执行，但应答丢失',
    },
    after: (stage) => stage.faults.arm({ layer: 'api', kind: 'answer-lost', action: 'Create*', times: 3 }),
  },
} as const satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios
export const scenarioNames = Object.keys(scenarios) as readonly ScenarioName[]

/** Addresses of the documentation range (RFC 5737), a pair for each time. */
const peersOf = (time: number) => [1, 2].map((number) => `203.0.113.${((2 * time) % 250) + number}`)

/** @param time how many scenarios were played before: each has peers of its own */
export async function playScenario(
  name: string,
  stage: Stage,
  place: { readonly accountId: string; readonly regionId: string; readonly time: number },
): Promise<Fixture> {
  if (!Object.hasOwn(scenarios, name)) {
    throw new ControlError(404, `there is no scenario "${name}"; there are ${scenarioNames.join(', ')}`)
  }
  const scenario: Scenario = scenarios[name as ScenarioName]
  const { world } = stage
  const peerAddresses = peersOf(place.time)
  const { profile } = world.pace
  world.pace.change({
    ...profile,
    durations: { gateway: 0, tunnel: 0, removal: 0, ike: 0, child: 0, silence: 0, dpd: 0, bgp: 0 },
  })
  const fixture = await build(name, scenario, stage, place, peerAddresses).finally(() =>
    world.pace.change(profile),
  )
  world.note('scenario', { name })
  await scenario.after?.(stage, fixture)
  await stage.settle()
  return fixture
}

async function build(
  name: string,
  scenario: Scenario,
  { call, settle }: Stage,
  { accountId, regionId, time }: { accountId: string; regionId: string; time: number },
  peerAddresses: readonly string[],
): Promise<Fixture> {
  const { VpcId: vpcId } = await call('CreateVpc', { CidrBlock: '10.0.0.0/16', VpcName: name })
  const { VSwitchId: vSwitchId } = await call('CreateVSwitch', {
    VpcId: vpcId,
    CidrBlock: '10.0.1.0/24',
    ZoneId: `${regionId}-h`,
  })
  const { VpnGatewayId: vpnGatewayId } = await call('CreateVpnGateway', {
    VpcId: vpcId,
    VSwitchId: vSwitchId,
    Bandwidth: '10',
    Name: name,
    AutoPay: 'true',
  })
  await settle()
  const customerGatewayIds: string[] = []
  const vpnConnectionIds: string[] = []
  for (const [index, peer] of peerAddresses.entries()) {
    const { CustomerGatewayId } = await call('CreateCustomerGateway', {
      IpAddress: peer,
      Asn: '65001',
      Name: `${name}-${index + 1}`,
    })
    customerGatewayIds.push(CustomerGatewayId)
    const { VpnConnectionId } = await call('CreateVpnConnection', {
      VpnGatewayId: vpnGatewayId,
      CustomerGatewayId,
      Name: `${name}-${index + 1}`,
      LocalSubnet: '10.0.0.0/16',
      RemoteSubnet: `172.16.${((2 * time) % 250) + index}.0/24`,
      EffectImmediately: 'true',
      IkeConfig: JSON.stringify({ Psk: 'emulator-psk', IkeVersion: 'ikev2' }),
      ...scenario.connection?.(index + 1),
    })
    vpnConnectionIds.push(VpnConnectionId)
    await settle()
  }
  return {
    scenario: name,
    accountId,
    regionId,
    vpcId,
    vSwitchId,
    vpnGatewayId,
    customerGatewayIds,
    vpnConnectionIds,
    peerAddresses,
  }
}
