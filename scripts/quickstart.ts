/**
 * The main job on one machine:
 *
 *     host in the VPC ── VPN gateway (Suidao) ══ IPsec over the WAN bridge ══ strongSwan ── host on premises
 *        10.0.1.10          198.51.100.10                                    198.51.100.2     172.16.0.10
 *
 * Each side has network namespaces of its own. Suidao runs as a child process, as `npm start` runs it; the VPC, the
 * gateways and the connection are made by the official SDK. Stays up until Ctrl-C; with `--once` it ends when the
 * story is told. Everything it has made is removed however it ends.
 *
 * Without root, where real tunnels cannot be had, or with `--simulated`, the same story is played over the simulated engine, and the first
 * line says so.
 *
 * Exit codes: 0 all went as it should, 1 something did not, 130 stopped on the way.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import openapi from '@alicloud/openapi-core'
import RpcClient from '@alicloud/pop-core'
import vpc from '@alicloud/vpc20160428'
import {
  addresses,
  Disappointment,
  type Ground,
  rightKey,
  type Server,
  wrongKey,
} from './quickstart/ground.ts'
import { missing, realGround } from './quickstart/real.ts'
import { block, bold, dim, green, line, red, title } from './quickstart/screen.ts'
import { simulatedGround } from './quickstart/simulated.ts'

const regionId = 'cn-hangzhou'
const exitStopped = 130

// --- Steps that are waited for, each with its limit -------------------------------------------------------------

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
    if (ground.ending() !== null) throw new Disappointment(`Suidao has ended: ${what}`)
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Disappointment(`waited ${limit / 1000} s in vain: ${what}`)
    await pause(5)
  }
}

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    simulated: { type: 'boolean', default: false },
  },
})
/** Why real tunnels cannot be had. */
function lackingHere(): string | undefined {
  const what = missing()
  return what === undefined ? undefined : `real ones: this machine ${what}`
}
const lacking = options.simulated ? 'it was asked for' : lackingHere()
const ground: Ground = lacking === undefined ? realGround(until, stop.signal) : simulatedGround(lacking)

async function ping(count: number): Promise<number> {
  const { sent, received } = await ground.ping(count)
  const text = `${addresses.vpcHost} -> ${addresses.officeHost}: ${sent} sent, ${received} received`
  line(`ping ${received === sent ? green(text) : received === 0 ? red(text) : text}`)
  return received
}

// --- The story -----------------------------------------------------------------------------------------------

async function tell(): Promise<Server> {
  title(ground.peerTitle)
  await ground.preparePeer()

  title(ground.serverTitle)
  stop.signal.throwIfAborted()
  const server = await ground.startServer()
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
  await ground.attach(gateway.internetIp!, vpcId!)
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
  if ((await ping(5)) === 0) throw new Disappointment('the tunnel is up, yet no ping came back')

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
  if ((await ping(2)) > 0) throw new Disappointment('a ping came back although the tunnel is down')

  title('8. The right key again')
  await modifyKey(rightKey)
  await watch('the tunnel is established again', 60_000, (status) => status === 'ipsec_sa_established')
  if ((await ping(5)) === 0) throw new Disappointment('the tunnel is up again, yet no ping came back')
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

// --- The end -------------------------------------------------------------------------------------------------

function stayUp({ endpoint, key }: Server): void {
  title('It stays up. Use it with any client of the VPN Gateway API:')
  block(
    [
      `endpoint         http://${endpoint}`,
      `RegionId         ${regionId}`,
      `AccessKeyId      ${key.AccessKeyId}`,
      `AccessKeySecret  ${key.AccessKeySecret}`,
      ...ground.facts(),
    ].join('\n'),
  )
  console.log('\nCtrl-C ends it and removes everything.')
}

/** Removes what has been made, each part also when another one cannot be removed. */
async function cleanUp(): Promise<void> {
  for (const [name, remove] of ground.remains()) {
    try {
      await remove()
    } catch (error) {
      process.exitCode = 1
      console.error(red(`could not remove ${name}: ${messageOf(error)}`))
    }
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

async function explainFailure(error: unknown): Promise<void> {
  // That a process has ended is told a moment after its connections have broken.
  await pause(100)
  const ending = ground.ending()
  if (ending !== null) console.error(red(`\nThe quickstart failed: Suidao has ended by itself (${ending}).`))
  else if (error instanceof Disappointment) console.error(red(`\nThe quickstart failed: ${error.message}`))
  else console.error(red(`\nThe quickstart failed: ${(error as Error).stack}`))
  const lines = await ground.lastWords()
  if (lines.length > 0)
    console.error(`The last lines of Suidao's log:\n${lines.map((text) => `    ${text}`).join('\n')}`)
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  // Nobody reads any more (a closed pipe): nothing is told, and everything is removed all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort())
  console.log(bold(ground.headline))
  try {
    const server = await tell()
    if (!options.once) {
      stayUp(server)
      const keepAlive = setInterval(() => {}, 60_000)
      await new Promise<void>((resolve) => {
        stop.signal.addEventListener('abort', () => resolve())
        void ground.ended().then(() => resolve())
        if (stop.signal.aborted || ground.ending() !== null) resolve()
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
