/** The story over real tunnels: a lab of network namespaces, with a real strongSwan at both ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNames } from '../../src/engine/linux/names.ts'
import { teardown } from '../../src/engine/strongswan/teardown.ts'
import { command } from '../../test/lab/support/command.ts'
import { Lab } from '../../test/lab/support/lab.ts'
import type { Peer } from '../../test/lab/support/peer.ts'
import { addresses, Disappointment, type Ground, peerSettings, type Server } from './ground.ts'
import { block, line } from './screen.ts'

/** What real tunnels lack here, e.g. `needs root`; `undefined` where they can be had. */
export const missing = () => Lab.missing()

interface Started extends Server {
  readonly child: ChildProcess
  readonly dataDir: string
  readonly prefix: string
}

/**
 * @param until waits until something comes true, and gives up with the story
 * @param stop ends the story on the way
 */
export function realGround(
  until: <T>(what: string, limit: number, look: () => Promise<T> | T) => Promise<T>,
  stop: AbortSignal,
): Ground {
  const made: { lab?: Lab; folder?: string; server?: Pick<Started, 'child' | 'dataDir' | 'prefix'> } = {}
  let peer: Peer
  let vpcHost = ''
  const ending = () => made.server?.child.exitCode ?? made.server?.child.signalCode ?? null

  async function startServer(lab: Lab, folder: string): Promise<Started> {
    const dataDir = join(folder, 'data')
    // Namespaces of two quickstarts side by side must not have the same names.
    const prefix = `q${(process.pid % 36 ** 4).toString(36)}`.padEnd(2, '0')
    const listen = (await isFree(8480)) ? '127.0.0.1:8480' : '127.0.0.1:0'
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/suidao.mjs'), 'start'], {
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

  return {
    headline: 'Suidao quickstart: a VPN gateway and an on-premises router, both with a real strongSwan',
    peerTitle: '1. On premises: strongSwan as a router, and a host behind it',
    serverTitle: '2. Suidao, with an embedded store, on loopback',
    async preparePeer() {
      made.folder = await mkdtemp(join(tmpdir(), 'suidao-quickstart-'))
      const lab = await Lab.create()
      made.lab = lab
      stop.throwIfAborted()
      ;({ peer } = await startPeer(lab))
      line(`WAN bridge ${lab.wan.bridge} in namespace ${lab.wan.netns}`)
      line(
        `strongSwan at ${addresses.peer} in namespace ${peer.netns}, host ${addresses.officeHost} behind it`,
      )
    },
    startServer: () => startServer(made.lab!, made.folder!),
    async attach(gatewayAddress, vpcId) {
      const { prefix } = made.server!
      await peer.load(peerSettings(gatewayAddress))
      vpcHost = await startVpcHost(made.lab!, prefix, vpcId, await insideAddress(prefix, vpcId))
      line(`attached a host to the VPC: ${addresses.vpcHost} in namespace ${vpcHost}`)
    },
    ping: (count) => made.lab!.ping(vpcHost, addresses.vpcHost, addresses.officeHost, { count }),
    ending,
    ended: () => once(made.server!.child, 'exit'),
    facts: () => [
      `ping             ip netns exec ${made.lab!.name}host ping ${addresses.officeHost}`,
      `data             ${made.server!.dataDir}, namespaces ${made.server!.prefix}...`,
    ],
    async lastWords() {
      if (!made.folder) return []
      const log = await readFile(join(made.folder, 'suidao.log'), 'utf8').catch(() => '')
      return log
        .split('\n')
        .filter((text) => text !== '' && !text.includes('"code":"OK"'))
        .slice(-15)
    },
    remains() {
      const { server, lab, folder } = made
      const parts: [string, () => Promise<unknown>][] = []
      if (server) {
        parts.push(['Suidao', () => endProcess(server.child)])
        parts.push(['gateways and daemons', () => teardown(server)])
      }
      if (lab) parts.push(['the on-premises side', () => lab.close()])
      if (folder) parts.push(['its folder', () => rm(folder, { recursive: true, force: true })])
      return parts
    },
  }
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

/** A host of the VPC, attached to the bridge that the gateway has made for it. */
async function startVpcHost(lab: Lab, prefix: string, vpcId: string, gatewayInside: string): Promise<string> {
  const vpcNetns = createNames(prefix).vpc(vpcId)
  const netns = await attachedHost(lab, 'host', `${addresses.vpcHost}/24`, vpcNetns, 'host0')
  await command('ip', '-n', vpcNetns, 'link', 'set', 'host0', 'master', 'br0', 'up')
  await command('ip', '-n', netns, 'route', 'add', 'default', 'via', gatewayInside)
  return netns
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

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}
