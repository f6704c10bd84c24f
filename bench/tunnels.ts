/** Real tunnels: how soon the API shows what the daemon says, and what it takes to bring up many. Needs root. */
import { readdirSync, readFileSync } from 'node:fs'
import { ViciSession } from '../src/engine/strongswan/vici/session.ts'
import { Charon } from '../test/lab/support/charon.ts'
import { command } from '../test/lab/support/command.ts'
import { Lab } from '../test/lab/support/lab.ts'
import type { Peer } from '../test/lab/support/peer.ts'
import { connectionTo, Product, peerOf } from '../test/lab/support/product.ts'
import { until } from '../test/lab/support/until.ts'
import { memoryOf } from './server-process.ts'

const psk = 'a-key-for-the-bench'
const peerAddress = '198.51.100.2'

/** Milliseconds from an event at our own daemon to the first answer of the API that shows it, by way of HTTP. */
export async function measureEvents(rounds: number): Promise<number[]> {
  const product = await Product.create()
  try {
    const site = await product.site('h')
    const peer = await product.peer('p', peerAddress)
    await peer.load(peerOf(peerAddress, site.InternetIp, psk))
    const cgw = await product.customerGateway(peerAddress)
    const { VpnConnectionId } = await product.ask('CreateVpnConnection', connectionTo(site, cgw, psk))
    await product.up(VpnConnectionId)
    let heard: { status: string; at: number } | undefined
    const session = await product.watchDaemon(peerAddress, (event, message) => {
      const up = message['up'] === 'yes'
      const at = performance.now()
      if (event === 'child-updown' && up) heard = { status: 'ipsec_sa_established', at }
      if (event === 'ike-updown' && !up) heard = { status: 'ike_sa_not_established', at }
    })
    const delays: number[] = []
    for (let round = 0; round < rounds; round++) {
      for (const wanted of ['ike_sa_not_established', 'ipsec_sa_established']) {
        heard = undefined
        void (wanted === 'ike_sa_not_established' ? peer.terminate() : peer.initiate())
        const { at } = await until(`the daemon says ${wanted}`, () =>
          heard?.status === wanted ? heard : undefined,
        )
        await product.connection(VpnConnectionId, wanted, ({ Status }) => Status === wanted)
        delays.push(performance.now() - at)
      }
    }
    session.close()
    return delays
  } finally {
    await product.close()
  }
}

export interface ManyTunnels {
  readonly tunnels: number
  /** Seconds until every CHILD_SA is installed. */
  readonly seconds: number
  /** Bytes of the daemons of our side, pages shared by several counted once. */
  readonly pss: number
}

const addressOf = (index: number) => `198.51.101.${index + 1}`
const lanOf = (index: number) => `172.16.${index}.0/24`

/** One peer with an address of its own for each tunnel. */
async function loadPeer(peer: Peer, count: number, gateway: string): Promise<void> {
  for (let index = 0; index < count; index++) {
    await command('ip', '-n', peer.netns, 'addr', 'add', `${addressOf(index)}/32`, 'dev', 'wan0')
    // One address inside each network, which the userspace ESP of the lab needs.
    await command('ip', '-n', peer.netns, 'addr', 'add', lanOf(index).replace('0/24', '1/32'), 'dev', 'lo')
    await loadOne(peer.commands, index, addressOf(index), gateway, lanOf(index), '10.0.0.0/16')
  }
}

async function loadOne(
  session: ViciSession,
  index: number,
  local: string,
  remote: string,
  from: string,
  to: string,
): Promise<void> {
  const name = `c${index}`
  await session.request('load-shared', { id: name, type: 'IKE', data: psk, owners: [local, remote] })
  await session.request('load-conn', {
    [name]: {
      version: '2',
      local_addrs: [local],
      remote_addrs: [remote],
      proposals: ['aes128-sha1-modp1024'],
      mobike: 'no',
      local: { auth: 'psk', id: local },
      remote: { auth: 'psk', id: remote },
      children: { [name]: { local_ts: [from], remote_ts: [to], esp_proposals: ['aes128-sha1-modp1024'] } },
    },
  })
}

const peerSettings = { block_threshold: '1000', cookie_threshold: '1000', threads: '32' }

/** Through the API: create every connection, one change of the gateway at a time, until all are up. */
export async function bringUpThroughApi(count: number): Promise<ManyTunnels> {
  const product = await Product.create({
    QUOTAS_CONNECTIONS_PER_GATEWAY: '1000',
    QUOTAS_CUSTOMER_GATEWAYS: '1000',
  })
  try {
    const site = await product.site('h')
    const peer = await product.lab.peer('p', '198.51.100.2/16', [], peerSettings)
    await loadPeer(peer, count, site.InternetIp)
    const gateways: string[] = []
    for (let index = 0; index < count; index++) gateways.push(await product.customerGateway(addressOf(index)))
    const began = performance.now()
    for (const [index, cgw] of gateways.entries()) {
      const params = { ...connectionTo(site, cgw, psk), RemoteSubnet: lanOf(index) }
      await until('the gateway takes a connection', () =>
        product.ask('CreateVpnConnection', params).catch((error: { code: string }) => {
          if (error.code === 'VpnGateway.Configuring') return undefined
          throw error
        }),
      )
    }
    await until('all tunnels are up', async () => (await countUp(product)) === count, { timeoutMs: 120_000 })
    const seconds = (performance.now() - began) / 1000
    return { tunnels: count, seconds, pss: await daemonsPss(product) }
  } finally {
    await product.close()
  }
}

async function daemonsPss(product: Product): Promise<number> {
  let pss = 0
  for (const netns of (await command('ip', 'netns', 'list')).split('\n').map((line) => line.split(' ')[0]!)) {
    if (netns === '' || product.names.kindOf(netns) !== 'engine') continue
    for (const pid of (await command('ip', 'netns', 'pids', netns)).split('\n').filter(Boolean)) {
      if (isCharon(pid)) pss += memoryOf(Number(pid)).pss
    }
  }
  return pss
}

const isCharon = (pid: string) =>
  readdirSync('/proc').includes(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'charon'

export interface Scale {
  readonly tunnels: number
  readonly gateways: number
  /** Seconds until every tunnel is up. */
  readonly seconds: number
  /** Bytes of our daemons, shared pages counted once, and of Suidao itself. */
  readonly pss: number
  readonly rss: number
  /** Milliseconds of one describe after the other with one tunnel, and with all of them: the median. */
  readonly describeOne: number
  readonly describeAll: number
  /** Milliseconds from an event at one of our daemons to the API, with all tunnels up. */
  readonly events: readonly number[]
}

const perGateway = 10

/** Many real tunnels on one node: ten to a gateway, all gateways built at the same time, one peer for all of them. */
export async function measureScale(count: number): Promise<Scale> {
  const gateways = Math.ceil(count / perGateway)
  const product = await Product.create({
    QUOTAS_VPN_GATEWAYS: String(gateways),
    QUOTAS_CUSTOMER_GATEWAYS: String(count),
    ADDRESS_POOL: '198.51.200.1-198.51.201.254',
  })
  try {
    const peer = await product.lab.peer('p', '198.51.0.2/16', [], peerSettings)
    const { VpcId } = await product.ask('CreateVpc', { CidrBlock: '10.0.0.0/16' })
    const network = { VpcId, CidrBlock: '10.0.1.0/24', ZoneId: 'cn-hangzhou-h' }
    const { VSwitchId } = await product.ask('CreateVSwitch', network)
    const began = performance.now()
    const ids: string[] = []
    let describeOne = 0

    /** One gateway with its connections, one after the other, as the API wants it. */
    const build = async (gateway: number): Promise<void> => {
      const { VpnGatewayId } = await product.ask('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 })
      const { InternetIp } = await until(
        'the gateway is active',
        async () => {
          const answer = await product.ask('DescribeVpnGateway', { VpnGatewayId })
          return answer.Status === 'active' && answer
        },
        { timeoutMs: 300_000 },
      )
      const last = Math.min(count, (gateway + 1) * perGateway)
      for (let index = gateway * perGateway; index < last; index++) {
        const local = `198.51.${101 + (index >> 8)}.${index & 255}`
        const lan = `172.${16 + (index >> 8)}.${index & 255}`
        await command('ip', '-n', peer.netns, 'addr', 'add', `${local}/32`, 'dev', 'wan0')
        await command('ip', '-n', peer.netns, 'addr', 'add', `${lan}.1/32`, 'dev', 'lo')
        await loadOne(peer.commands, index, local, InternetIp, `${lan}.0/24`, '10.0.0.0/16')
        const cgw = await product.customerGateway(local)
        const site = { VpcId, VpnGatewayId, InternetIp, secondIp: '', host: '' }
        const params = { ...connectionTo(site, cgw, psk), RemoteSubnet: `${lan}.0/24` }
        const { VpnConnectionId } = await until(
          'the gateway takes a connection',
          () =>
            product.ask('CreateVpnConnection', params).catch((error: { code: string }) => {
              if (error.code === 'VpnGateway.Configuring') return undefined
              throw error
            }),
          { timeoutMs: 300_000 },
        )
        ids.push(VpnConnectionId)
        if (describeOne === 0) {
          await product.up(VpnConnectionId, 60_000)
          describeOne = await describeMedian(product, VpnConnectionId)
        }
      }
    }
    await build(0)
    const waiting = Array.from({ length: gateways - 1 }, (_, index) => index + 1)
    const builders = Array.from({ length: 8 }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await build(next)
    })
    await Promise.all(builders)
    await until('all tunnels are up', async () => (await countUp(product)) === count, { timeoutMs: 600_000 })
    const seconds = (performance.now() - began) / 1000

    const describeAll = await describeMedian(product, ids[ids.length >> 1]!)
    const events: number[] = []
    for (let round = 0; round < 10; round++) {
      const index = Math.floor((round * count) / 10)
      const local = `198.51.${101 + (index >> 8)}.${index & 255}`
      const id = (await connectionOf(product, local))!
      let at: number | undefined
      const session = await product.watchDaemon(local, (event, message) => {
        if (event === 'ike-updown' && message['up'] !== 'yes') at ??= performance.now()
      })
      await peer.commands.request('terminate', { ike: `c${index}`, timeout: '-1' })
      const began = await until('our daemon says that it is down', () => at)
      await product.connection(id, 'it is down', ({ Status }) => Status === 'ike_sa_not_established')
      events.push(performance.now() - began)
      session.close()
    }
    return {
      tunnels: count,
      gateways,
      seconds,
      pss: await daemonsPss(product),
      rss: memoryOf(product.server.pid).rss,
      describeOne,
      describeAll,
      events,
    }
  } finally {
    await product.close()
  }
}

async function countUp(product: Product): Promise<number> {
  let up = 0
  for (let PageNumber = 1; ; PageNumber++) {
    const { VpnConnections } = await product.ask('DescribeVpnConnections', { PageNumber, PageSize: 50 })
    const page: { Status: string }[] = VpnConnections.VpnConnection
    up += page.filter(({ Status }) => Status === 'ipsec_sa_established').length
    if (page.length < 50) return up
  }
}

/** Of the customer gateway with this address. */
async function connectionOf(product: Product, IpAddress: string): Promise<string | undefined> {
  for (let PageNumber = 1; ; PageNumber++) {
    const { CustomerGateways } = await product.ask('DescribeCustomerGateways', { PageNumber, PageSize: 50 })
    const page: { IpAddress: string; CustomerGatewayId: string }[] = CustomerGateways.CustomerGateway
    const found = page.find((one) => one.IpAddress === IpAddress)
    if (found) {
      const { CustomerGatewayId } = found
      const { VpnConnections } = await product.ask('DescribeVpnConnections', { CustomerGatewayId })
      return VpnConnections.VpnConnection[0]?.VpnConnectionId
    }
    if (page.length < 50) return undefined
  }
}

/** Milliseconds of one describe, the extra object left out; the median of many. */
async function describeMedian(product: Product, VpnConnectionId: string): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < 400; turn++) {
    const began = performance.now()
    await product.ask('DescribeVpnConnection', { VpnConnectionId })
    times.push(performance.now() - began)
  }
  // The first ones are slow for reasons that have nothing to do with the number of tunnels.
  return times.slice(100).sort((a, b) => a - b)[150]!
}

/** The same connections straight into one daemon over VICI. */
export async function bringUpDirectly(count: number): Promise<ManyTunnels> {
  const lab = await Lab.create()
  try {
    const peer = await lab.peer('p', '198.51.100.2/16', [], peerSettings)
    await loadPeer(peer, count, '198.51.100.10')
    const netns = await lab.host('g', '198.51.100.10/16')
    await command('ip', '-n', netns, 'addr', 'add', '10.0.1.251/16', 'dev', 'lo')
    const charon = await Charon.start(netns, peerSettings)
    const session = await ViciSession.connect(charon.socket)
    const began = performance.now()
    for (let index = 0; index < count; index++) {
      await loadOne(session, index, '198.51.100.10', addressOf(index), '10.0.0.0/16', lanOf(index))
      await session.request('initiate', { ike: `c${index}`, child: `c${index}`, timeout: '-1' })
    }
    await until(
      'all tunnels are up',
      async () => {
        const sas = await session.stream('list-sas', 'list-sa')
        const installed = sas.filter((sa) => JSON.stringify(sa).includes('"INSTALLED"'))
        return installed.length === count
      },
      { timeoutMs: 120_000 },
    )
    const seconds = (performance.now() - began) / 1000
    const pids = (await command('ip', 'netns', 'pids', netns)).split('\n').filter(Boolean)
    const pss = pids.filter(isCharon).reduce((sum, pid) => sum + memoryOf(Number(pid)).pss, 0)
    session.close()
    await charon.close()
    return { tunnels: count, seconds, pss }
  } finally {
    await lab.close()
  }
}
