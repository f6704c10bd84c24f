/**
 * The main job on one machine, with nothing simulated:
 *
 *     host in the VPC ── VPN gateway (Suidao) ══ IPsec over the WAN bridge ══ strongSwan ── host on premises
 *        10.0.1.10          198.51.100.10                                    198.51.100.2     172.16.0.10
 *
 * Each side has network namespaces of its own. Suidao runs as a child process, as `npm start` runs it; the VPC, the
 * gateways and the connection are made by the official SDK. Stays up until Ctrl-C; with `--once` it ends when the
 * story is told. Everything it has made is removed however it ends.
 *
 * Exit codes: 0 all went as it should, 1 something did not, 3 this machine cannot do it, 130 stopped on the way.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import openapi from '@alicloud/openapi-core'
import RpcClient from '@alicloud/pop-core'
import vpc from '@alicloud/vpc20160428'
import { createNames } from '../src/engine/linux/names.ts'
import { teardown } from '../src/engine/strongswan/teardown.ts'
import { command } from '../test/lab/support/command.ts'
import { Lab } from '../test/lab/support/lab.ts'
import type { Peer, PeerSettings } from '../test/lab/support/peer.ts'

const regionId = 'cn-hangzhou'

/** Addresses of the documentation ranges (RFC 5737) outside, private ones (RFC 1918) inside. */
const addresses = {
  pool: '198.51.100.10-198.51.100.20',
  peer: '198.51.100.2',
  vpc: '10.0.0.0/16',
  vSwitch: '10.0.1.0/24',
  vpcHost: '10.0.1.10',
  office: '172.16.0.0/24',
  officeRouter: '172.16.0.1',
  officeHost: '172.16.0.10',
} as const

const rightKey = 'quickstart-right-key'
const wrongKey = 'quickstart-wrong-key'

const exitNotHere = 3
const exitStopped = 130

// --- What is printed -----------------------------------------------------------------------------------------

const started = performance.now()
const inColour = process.stdout.isTTY === true && !process.env['NO_COLOR']
const paint = (code: number, text: string) => (inColour ? `\x1b[${code}m${text}\x1b[0m` : text)
const bold = (text: string) => paint(1, text)
const dim = (text: string) => paint(2, text)
const green = (text: string) => paint(32, text)
const red = (text: string) => paint(31, text)

const clock = () => dim(`${((performance.now() - started) / 1000).toFixed(2).padStart(6)} s`)
const title = (text: string) => console.log(`\n${bold(text)}`)
const line = (text: string) => console.log(`${clock()}  ${text}`)
const block = (text: string) => console.log(text.replace(/^(?=.)/gm, '            '))

// --- Steps that are waited for, each with its limit -------------------------------------------------------------

/** What did not come true, in a sentence. */
class Disappointment extends Error {}

const stop = new AbortController()

/** Waits until `look` gives something. @throws Disappointment after `limit` milliseconds, and when it is stopped */
async function until<T>(
  what: string,
  limit: number,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + limit
  for (;;) {
    stop.signal.throwIfAborted()
    if (endingOf(made.server) !== null) throw new Disappointment(`Suidao has ended: ${what}`)
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Disappointment(`waited ${limit / 1000} s in vain: ${what}`)
    await pause(5)
  }
}

// --- The two sides -------------------------------------------------------------------------------------------

interface Server {
  readonly child: ChildProcess
  readonly dataDir: string
  readonly prefix: string
  readonly endpoint: string
  readonly key: { readonly AccountId: string; readonly AccessKeyId: string; readonly AccessKeySecret: string }
}

/** What there is to be removed at the end; filled as it comes into being. */
const made: { lab?: Lab; folder?: string; server?: Pick<Server, 'child' | 'dataDir' | 'prefix'> } = {}

/** Exit code or signal of Suidao; `null` while it runs or is not started. */
const endingOf = (server: typeof made.server) => server?.child.exitCode ?? server?.child.signalCode ?? null

async function startServer(lab: Lab, folder: string): Promise<Server> {
  const dataDir = join(folder, 'data')
  // Namespaces of two quickstarts side by side must not have the same names.
  const prefix = `q${(process.pid % 36 ** 4).toString(36)}`.padEnd(2, '0')
  const listen = (await isFree(8480)) ? '127.0.0.1:8480' : '127.0.0.1:0'
  const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/suidao.mjs'), 'start'], {
    env: {
      PATH: process.env['PATH'],
      SUIDAO_LISTEN: listen,
      SUIDAO_DATA_DIR: dataDir,
      SUIDAO_PREFIX: prefix,
      SUIDAO_WAN_BRIDGE: lab.wan.bridge,
      SUIDAO_WAN_NETNS: lab.wan.netns,
      SUIDAO_ADDRESS_POOL: addresses.pool,
      SUIDAO_LOG_FILE: join(folder, 'suidao.log'),
    },
    // In a process group of its own: Ctrl-C is for us, and we tell it when its time has come.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  made.server = { child, dataDir, prefix }
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  try {
    await until('Suidao answers and has made a key', 60_000, () => /^key +\S+\n/m.test(output))
  } finally {
    block(output.trim())
  }
  const endpoint = /^endpoint +http:\/\/(\S+)$/m.exec(output)![1]!
  const key = JSON.parse(await readFile(join(dataDir, 'root-access-key.json'), 'utf8'))
  return { child, dataDir, prefix, endpoint, key }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** A namespace with one link into another one, the other end named `port`. */
async function attachedHost(
  lab: Lab,
  suffix: string,
  address: string,
  router: string,
  port: string,
): Promise<string> {
  const netns = await lab.namespace(suffix)
  await command(
    'ip',
    ...`link add eth0 netns ${netns} type veth peer name ${port} netns ${router}`.split(' '),
  )
  await command('ip', '-n', netns, 'addr', 'add', address, 'dev', 'eth0')
  await command('ip', '-n', netns, 'link', 'set', 'eth0', 'up')
  return netns
}

/** The on-premises side: strongSwan on the WAN bridge as a router, and a host behind it. */
async function startPeer(lab: Lab): Promise<{ peer: Peer; officeHost: string }> {
  const peer = await lab.peer('peer', `${addresses.peer}/24`, [])
  const officeHost = await attachedHost(lab, 'office', `${addresses.officeHost}/24`, peer.netns, 'lan0')
  await command('ip', '-n', peer.netns, 'addr', 'add', `${addresses.officeRouter}/24`, 'dev', 'lan0')
  await command('ip', '-n', peer.netns, 'link', 'set', 'lan0', 'up')
  await lab.in(peer.netns, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
  await command('ip', '-n', officeHost, 'route', 'add', 'default', 'via', addresses.officeRouter)
  return { peer, officeHost }
}

const peerSettings = (gateway: string): PeerSettings => ({
  version: 1,
  local: addresses.peer,
  remote: gateway,
  psk: rightKey,
  proposals: ['aes256-sha256-modp2048'],
  espProposals: ['aes256-sha256-modp2048'],
  localSubnets: [addresses.office],
  remoteSubnets: [addresses.vpc],
})

/** A host of the VPC, attached to the bridge that the gateway has made for it. */
async function startVpcHost(lab: Lab, prefix: string, vpcId: string, gatewayInside: string): Promise<string> {
  const vpcNetns = createNames(prefix).vpc(vpcId)
  const netns = await attachedHost(lab, 'host', `${addresses.vpcHost}/24`, vpcNetns, 'host0')
  await command('ip', '-n', vpcNetns, 'link', 'set', 'host0', 'master', 'br0', 'up')
  await command('ip', '-n', netns, 'route', 'add', 'default', 'via', gatewayInside)
  return netns
}

async function ping(lab: Lab, from: string, count: number): Promise<number> {
  const { sent, received } = await lab.ping(from, addresses.vpcHost, addresses.officeHost, { count })
  const text = `${addresses.vpcHost} -> ${addresses.officeHost}: ${sent} sent, ${received} received`
  line(`ping ${received === sent ? green(text) : received === 0 ? red(text) : text}`)
  return received
}

// --- The story -----------------------------------------------------------------------------------------------

async function tell(): Promise<Server> {
  title('1. On premises: strongSwan as a router, and a host behind it')
  const folder = await mkdtemp(join(tmpdir(), 'suidao-quickstart-'))
  made.folder = folder
  const lab = await Lab.create()
  made.lab = lab
  stop.signal.throwIfAborted()
  const { peer } = await startPeer(lab)
  line(`WAN bridge ${lab.wan.bridge} in namespace ${lab.wan.netns}`)
  line(`strongSwan at ${addresses.peer} in namespace ${peer.netns}, host ${addresses.officeHost} behind it`)

  title('2. Suidao, with an embedded store, on loopback')
  stop.signal.throwIfAborted()
  const server = await startServer(lab, folder)
  line(`ready at http://${server.endpoint}`)

  title('3. VPC, gateways and connection, by the official SDK (@alicloud/vpc20160428)')
  const config = new openapi.$OpenApiUtil.Config({
    accessKeyId: server.key.AccessKeyId,
    accessKeySecret: server.key.AccessKeySecret,
    endpoint: server.endpoint,
    protocol: 'HTTP',
  })
  const client = new vpc.default(config as never)
  const { vpcId } = (
    await client.createVpc(
      new vpc.CreateVpcRequest({ regionId, cidrBlock: addresses.vpc, vpcName: 'quickstart' }),
    )
  ).body!
  line(`CreateVpc              ${vpcId}`)
  const { vSwitchId } = (
    await client.createVSwitch(
      new vpc.CreateVSwitchRequest({
        regionId,
        vpcId,
        cidrBlock: addresses.vSwitch,
        zoneId: 'cn-hangzhou-h',
      }),
    )
  ).body!
  line(`CreateVSwitch          ${vSwitchId}`)
  const { vpnGatewayId } = (
    await client.createVpnGateway(
      new vpc.CreateVpnGatewayRequest({
        regionId,
        vpcId,
        vSwitchId,
        bandwidth: 10,
        name: 'quickstart',
        autoPay: true,
      }),
    )
  ).body!
  const gateway = await until('the VPN gateway is active', 60_000, async () => {
    const { body } = await client.describeVpnGateway(
      new vpc.DescribeVpnGatewayRequest({ regionId, vpnGatewayId }),
    )
    return body?.status === 'active' && body
  })
  line(`CreateVpnGateway       ${vpnGatewayId}, active at ${gateway.internetIp}`)
  await peer.load(peerSettings(gateway.internetIp!))
  const vpcHost = await startVpcHost(lab, server.prefix, vpcId!, await insideAddress(server.prefix, vpcId!))
  line(`attached a host to the VPC: ${addresses.vpcHost} in namespace ${vpcHost}`)
  const { customerGatewayId } = (
    await client.createCustomerGateway(
      new vpc.CreateCustomerGatewayRequest({ regionId, ipAddress: addresses.peer, name: 'office' }),
    )
  ).body!
  line(`CreateCustomerGateway  ${customerGatewayId}`)
  const { vpnConnectionId } = (
    await client.createVpnConnection(
      new vpc.CreateVpnConnectionRequest({
        regionId,
        vpnGatewayId,
        customerGatewayId,
        name: 'to the office',
        localSubnet: addresses.vpc,
        remoteSubnet: addresses.office,
        effectImmediately: true,
        ikeConfig: ikeConfig(rightKey),
        ipsecConfig: JSON.stringify({ IpsecEncAlg: 'aes256', IpsecAuthAlg: 'sha256', IpsecPfs: 'group14' }),
      }),
    )
  ).body!
  line(`CreateVpnConnection    ${vpnConnectionId}`)

  const describe = async () =>
    (
      await client.describeVpnConnection(new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId }))
    ).body!.toMap()
  let lastStatus = ''
  /** Looks at the connection and prints its Status whenever it has changed. */
  const watch = (what: string, limit: number, isReached: (status: string) => boolean | Promise<boolean>) =>
    until(what, limit, async () => {
      const { State, Status } = await describe()
      const status = String(Status)
      if (status !== lastStatus) {
        line(
          `Status = ${status === 'ipsec_sa_established' ? green(status) : status}   ${dim(`State = ${State}`)}`,
        )
        lastStatus = status
      }
      return isReached(status)
    })

  title('4. DescribeVpnConnection, while the tunnel comes up')
  await watch('the tunnel is established', 60_000, (status) => status === 'ipsec_sa_established')

  title('5. Ping a host behind the peer from a host in the VPC, through the tunnel')
  if ((await ping(lab, vpcHost, 5)) === 0) throw new Disappointment('the tunnel is up, yet no ping came back')

  title('6. What DescribeVpnConnection answers')
  block(JSON.stringify(await describe(), null, 2))

  title('7. ModifyVpnConnectionAttribute with another pre-shared key')
  const modifyKey = (psk: string) =>
    client.modifyVpnConnectionAttribute(
      new vpc.ModifyVpnConnectionAttributeRequest({ regionId, vpnConnectionId, ikeConfig: ikeConfig(psk) }),
    )
  await modifyKey(wrongKey)
  const plainClient = new RpcClient({
    endpoint: `http://${server.endpoint}`,
    apiVersion: '2016-04-28',
    accessKeyId: server.key.AccessKeyId,
    accessKeySecret: server.key.AccessKeySecret,
  })
  /** The extra object of Suidao, which is in the answer only when it is asked for. */
  const reasonNow = async () => {
    const parameters = { RegionId: regionId, VpnConnectionId: vpnConnectionId, 'X-Suidao': 'true' }
    const answer = await plainClient.request<Extra>('DescribeVpnConnection', parameters, { method: 'POST' })
    return answer['X-Suidao'].Reason
  }
  let reason: Reason | undefined
  await watch('the tunnel is down and the reason is the key', 60_000, async (status) => {
    reason = status === 'ipsec_sa_established' ? undefined : await reasonNow()
    return reason?.Code === 'PSK_MISMATCH'
  })
  const { Code, FailedReasonCode, Phase, Title, Remedy, Evidence } = reason!
  line(`X-Suidao.Reason = ${red(Code)} (${FailedReasonCode}, phase ${Phase})`)
  block([Title.en, Remedy.en, ...Evidence.map(dim)].join('\n'))
  if ((await ping(lab, vpcHost, 2)) > 0)
    throw new Disappointment('a ping came back although the tunnel is down')

  title('8. The right key again')
  await modifyKey(rightKey)
  await watch('the tunnel is established again', 60_000, (status) => status === 'ipsec_sa_established')
  if ((await ping(lab, vpcHost, 5)) === 0)
    throw new Disappointment('the tunnel is up again, yet no ping came back')
  return server
}

const ikeConfig = (psk: string) =>
  JSON.stringify({
    Psk: psk,
    IkeVersion: 'ikev1',
    IkeEncAlg: 'aes256',
    IkeAuthAlg: 'sha256',
    IkePfs: 'group14',
  })

interface Reason {
  readonly Code: string
  readonly FailedReasonCode: string
  readonly Phase: number
  readonly Title: { readonly en: string }
  readonly Remedy: { readonly en: string }
  readonly Evidence: readonly string[]
}

interface Extra {
  readonly 'X-Suidao': { readonly Reason?: Reason }
}

/** The gateway's own address inside the VPC, where hosts send what is for the tunnel. */
async function insideAddress(prefix: string, vpcId: string): Promise<string> {
  const namespaces: { name: string }[] = JSON.parse(await command('ip', '-json', 'netns', 'list'))
  const names = createNames(prefix)
  const gateway = namespaces.find(({ name }) => names.kindOf(name) === 'gateway')
  if (gateway === undefined) throw new Disappointment(`no namespace of a gateway of ${vpcId}`)
  const links: { addr_info: { local: string }[] }[] = JSON.parse(
    await command('ip', '-n', gateway.name, '-json', '-4', 'addr', 'show', 'dev', 'vpc0'),
  )
  const address = links[0]?.addr_info[0]?.local
  if (address === undefined) throw new Disappointment(`${gateway.name} has no address inside the VPC`)
  return address
}

// --- The end -------------------------------------------------------------------------------------------------

function stayUp({ endpoint, key, prefix, dataDir }: Server): void {
  title('It stays up. Use it with any client of the VPN Gateway API:')
  block(
    [
      `endpoint         http://${endpoint}`,
      `RegionId         ${regionId}`,
      `AccessKeyId      ${key.AccessKeyId}`,
      `AccessKeySecret  ${key.AccessKeySecret}`,
      `ping             ip netns exec ${made.lab!.name}host ping ${addresses.officeHost}`,
      `data             ${dataDir}, namespaces ${prefix}...`,
    ].join('\n'),
  )
  console.log('\nCtrl-C ends it and removes everything.')
}

/** Removes what has been made, each part also when another one cannot be removed. */
async function cleanUp(): Promise<void> {
  const { server, lab, folder } = made
  const parts: [string, () => Promise<unknown>][] = []
  if (server) {
    parts.push(['Suidao', () => endProcess(server.child)])
    parts.push(['gateways and daemons', () => teardown(server)])
  }
  if (lab) parts.push(['the on-premises side', () => lab.close()])
  if (folder) parts.push(['its folder', () => rm(folder, { recursive: true, force: true })])
  for (const [name, remove] of parts) {
    try {
      await remove()
    } catch (error) {
      process.exitCode = 1
      console.error(red(`could not remove ${name}: ${messageOf(error)}`))
    }
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

async function explainFailure(error: unknown): Promise<void> {
  // That a process has ended is told a moment after its connections have broken.
  await pause(100)
  const ending = endingOf(made.server)
  if (ending !== null) console.error(red(`\nThe quickstart failed: Suidao has ended by itself (${ending}).`))
  else if (error instanceof Disappointment) console.error(red(`\nThe quickstart failed: ${error.message}`))
  else console.error(red(`\nThe quickstart failed: ${(error as Error).stack}`))
  if (!made.folder) return
  const log = await readFile(join(made.folder, 'suidao.log'), 'utf8').catch(() => '')
  const lines = log
    .split('\n')
    .filter((text) => text !== '' && !text.includes('"code":"OK"'))
    .slice(-15)
  if (lines.length > 0)
    console.error(`The last lines of Suidao's log:\n${lines.map((text) => `    ${text}`).join('\n')}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
  const missing = Lab.missing()
  if (missing !== undefined) {
    console.error(
      `The quickstart runs real tunnels, and that is not to be had here: it ${missing}.\n` +
        'As root on Debian 12 or newer, `npm run quickstart` installs what it needs by itself.\n' +
        '`node bin/suidao.mjs doctor` says in detail what this machine can do.',
    )
    process.exitCode = exitNotHere
    return
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  // Nobody reads any more (a closed pipe): nothing is told, and everything is removed all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort())
  console.log(bold('Suidao quickstart: a VPN gateway and an on-premises router, both with a real strongSwan'))
  try {
    const server = await tell()
    if (!values.once) {
      stayUp(server)
      const keepAlive = setInterval(() => {}, 60_000)
      await new Promise<void>((resolve) => {
        stop.signal.addEventListener('abort', () => resolve())
        server.child.once('exit', () => resolve())
        if (stop.signal.aborted || endingOf(server) !== null) resolve()
      })
      clearInterval(keepAlive)
      if (!stop.signal.aborted) throw new Disappointment('it could not stay up')
    }
  } catch (error) {
    if (stop.signal.aborted) process.exitCode = exitStopped
    else {
      process.exitCode = 1
      await explainFailure(error)
    }
  }
  title('Cleaning up')
  await cleanUp()
  line('no namespace, process or file of this run is left')
}

await main()
