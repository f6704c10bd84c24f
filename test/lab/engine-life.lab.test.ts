/** What the engine survives: its own death, that of its daemons, and damage to its networks. With real daemons. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Engine, Tunnel, TunnelReport } from '../../src/engine/engine.ts'
import { renderConnection } from '../../src/engine/strongswan/render.ts'
import { command } from './support/command.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false

const isUp = (report: TunnelReport | undefined): report is TunnelReport =>
  report !== undefined && report.failure === undefined

const whenUp = (engine: Engine, id = 'vco-1') =>
  until(`${id} up`, async () => {
    const report = await engine.tunnels.observe(id)
    return isUp(report) && report
  })

const spis = (report: TunnelReport) => report.childSas.map((child) => child.spiIn).toSorted()

/** The one process that runs in the namespace of the daemon that serves a peer. */
async function daemonPid(lab: GatewayLab, peer = lab.tunnel.remoteAddress): Promise<number> {
  const netns = lab.names.engine(
    lab.gateway.slot,
    lab.engine.describe().kernelMode === 'U' ? { peer, fromSecond: false } : undefined,
  )
  const pids = (await command('ip', 'netns', 'pids', netns)).split('\n').filter(Boolean)
  assert.equal(pids.length, 1, `processes in ${netns}: ${pids}`)
  return Number(pids[0])
}

describe('the engine and its daemons', { skip }, () => {
  let lab: GatewayLab
  let peer: Peer

  before(async () => {
    // A daemon on a busy machine is to be told from one that hangs.
    lab = await GatewayLab.create({ watchdogEvery: 200, watchdogLimit: 700, reapAfter: 500 })
    peer = await lab.lab.peer('peer', '198.51.100.2/24', ['10.2.0.1/24', '10.3.0.1/24'])
    await lab.applyGateway()
  })
  after(() => lab.close())
  beforeEach(async () => {
    await peer.load(agreeing(lab.tunnel))
    await lab.engine.gateways.apply(lab.gateway)
    await lab.engine.tunnels.apply(lab.tunnel)
    await whenUp(lab.engine)
  })

  const ping = (to = '10.2.0.1', count = 3) =>
    lab.lab.ping(lab.host, '10.1.0.10', to, { count, interval: 0.02 })
  const passes = (to?: string) => until(`a ping to ${to}`, async () => (await ping(to, 1)).received === 1)

  test('the engine is killed and comes back under traffic: no packet is lost, nothing is negotiated', async () => {
    const psk = lab.tunnel.ike.psk.reveal()
    const args = [lab.engineConfig, lab.gateway, lab.tunnel, psk].map((value) => JSON.stringify(value))
    await lab.engine.close()
    const program = join(import.meta.dirname, 'support/engine-process.ts')
    const other: ChildProcess = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(other.stdout!, 'data')
      const [pid, known] = [await daemonPid(lab), await whenUp(lab.engine).catch(() => undefined)]
      const pings = ping('10.2.0.1', 100)
      const exit = once(other, 'exit')
      other.kill('SIGKILL')
      await exit
      const tookOverAt = Date.now()
      const engine = await lab.restart()
      const [found] = await engine.tunnels.list()
      assert.equal(found?.generation, lab.tunnel.generation)
      // What nobody has watched is not known.
      assert.ok((found.heardAt ?? tookOverAt) >= tookOverAt, `${found.heardAt}, ${tookOverAt}`)
      await engine.gateways.apply(lab.gateway)
      await engine.tunnels.apply(lab.tunnel)
      assert.deepEqual(await pings, { sent: 100, received: 100 })
      assert.equal(await daemonPid(lab), pid)
      const report = await whenUp(engine)
      assert.deepEqual(spis(report), found && spis(found))
      if (known) assert.deepEqual(spis(report), spis(known))
      await until('the peer to be heard', async () => (await engine.tunnels.observe('vco-1'))?.heardAt)
    } finally {
      other.kill('SIGKILL')
    }
  })

  test('a daemon that is killed is started again, and its tunnel with it', async () => {
    const before = await daemonPid(lab)
    const report = await whenUp(lab.engine)
    process.kill(before, 'SIGKILL')
    await until('other SAs', async () => {
      const now = await lab.engine.tunnels.observe('vco-1')
      return isUp(now) && !spis(now).some((spi) => spis(report).includes(spi))
    })
    assert.notEqual(await daemonPid(lab), before)
    await passes()
  })

  test('a daemon that hangs is killed and started again', async () => {
    const before = await daemonPid(lab)
    process.kill(before, 'SIGSTOP')
    await until('another daemon', async () => {
      const netns = lab.names.engine(1, { peer: lab.tunnel.remoteAddress, fromSecond: false })
      const pids = (await command('ip', 'netns', 'pids', netns)).split('\n').filter(Boolean)
      return pids.length === 1 && Number(pids[0]) !== before
    })
    await whenUp(lab.engine)
    await passes()
  })

  test('a daemon that died while no engine ran is started at the next apply', async () => {
    await lab.engine.close()
    process.kill(await daemonPid(lab), 'SIGKILL')
    const engine = await lab.restart()
    const [orphan] = await engine.tunnels.list()
    assert.equal(orphan?.id, 'vco-1')
    assert.equal(orphan.failure?.code, 'CHARON_DOWN')
    await engine.tunnels.apply(lab.tunnel)
    await whenUp(engine)
    await passes()
  })

  test('a process that took the number of our daemon is neither adopted nor harmed', async () => {
    await lab.engine.close()
    process.kill(await daemonPid(lab), 'SIGKILL')
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      await once(stranger, 'spawn')
      const name = lab.names.engine(1, { peer: lab.tunnel.remoteAddress, fromSecond: false })
      const file = join(lab.engineConfig.dataDir, 'engines', name, 'daemon.json')
      const record = JSON.parse(await readFile(file, 'utf8'))
      await writeFile(file, JSON.stringify({ ...record, process: { ...record.process, pid: stranger.pid } }))
      const engine = await lab.restart()
      await engine.tunnels.apply(lab.tunnel)
      await whenUp(engine)
      assert.equal(stranger.exitCode, null)
      assert.equal(stranger.signalCode, null)
      assert.notEqual(await daemonPid(lab), stranger.pid)
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  test('a gateway whose namespace was removed is whole again after apply', async () => {
    const netns = lab.names.gateway(1)
    for (const link of ['wan0', 'vpc0', 'vco1']) await command('ip', '-n', netns, 'link', 'del', link)
    await command('ip', 'netns', 'del', netns)
    await lab.engine.gateways.apply(lab.gateway)
    await lab.engine.tunnels.apply(lab.tunnel)
    await whenUp(lab.engine)
    await passes()
  })

  test('a lost port of the WAN is mended by apply without a new negotiation', async () => {
    const before = await whenUp(lab.engine)
    await command('ip', '-n', lab.names.gateway(1), 'link', 'del', 'wan0')
    await lab.engine.gateways.apply(lab.gateway)
    await passes()
    assert.deepEqual(spis(await whenUp(lab.engine)), spis(before))
  })

  test('two tunnels to one peer: each has its networks, and one goes without the other', async () => {
    const second: Tunnel = { ...lab.tunnel, id: 'vco-2', slot: 2, remoteSubnets: ['10.3.0.0/24'] }
    const settings = agreeing(lab.tunnel)
    await peer.load({ ...settings, localSubnets: [...settings.localSubnets, ...second.remoteSubnets] })
    await lab.engine.tunnels.apply(second)
    await whenUp(lab.engine, 'vco-2')
    await passes('10.2.0.1')
    await passes('10.3.0.1')
    await lab.engine.tunnels.remove('vco-1')
    await passes('10.3.0.1')
    assert.equal((await ping('10.2.0.1', 1)).received, 0)
    await lab.engine.tunnels.apply(lab.tunnel)
    await whenUp(lab.engine)
    await passes('10.2.0.1')
    await lab.engine.tunnels.remove('vco-2')
    await passes('10.2.0.1')
  })

  test('the log of a daemon does not grow for ever', async () => {
    const name = lab.names.engine(1, { peer: lab.tunnel.remoteAddress, fromSecond: false })
    const log = join(lab.engineConfig.dataDir, 'engines', name, 'charon.log')
    await appendFile(log, 'x'.repeat(5_000_000))
    const size = (file: string) =>
      stat(file).then(
        (found) => found.size,
        () => undefined,
      )
    await until('the log to be set aside', async () => ((await size(`${log}.1`)) ?? 0) > 5_000_000)
    await peer.terminate()
    await until('the daemon to write a new one', async () => {
      const now = await size(log)
      return now !== undefined && now > 0 && now < 5_000_000
    })
  })

  test('a setting that userspace ESP cannot obey is remarked upon', async () => {
    const tunnel = { ...lab.tunnel, natTraversal: false }
    await lab.engine.tunnels.apply(tunnel)
    const report = await whenUp(lab.engine)
    assert.equal(report.remarks?.length, lab.engine.describe().kernelMode === 'U' ? 1 : undefined)
  })

  test('what would go into a tunnel that is down is refused at once, not sent on in clear', async () => {
    await lab.engine.tunnels.remove('vco-1')
    // The kernel says what it would do with the packet; the ICMP message itself is held back when there are many.
    const query = ['route', 'get', '10.2.0.1', 'from', '10.1.0.10', 'iif', 'vpc0']
    await assert.rejects(command('ip', '-n', lab.names.gateway(1), ...query), /Network is unreachable/)
  })

  test('of two IKE_SAs of one tunnel one is left', async () => {
    // As after both ends have begun at the same moment: neither gives up an older one for a newer one, and to the
    // peer it is another connection, for which it does not use the IKE_SA that it has.
    const { session } = await lab.daemon(lab.tunnel.remoteAddress)
    const twin = renderConnection(lab.tunnel, { mode: 'U' }, undefined, 0)
    assert.equal((await session.request('load-conn', twin))['success'], 'yes')
    session.close()
    await peer.load({ ...agreeing(lab.tunnel), connection: { unique: 'never', rand_time: '77s' } })
    await peer.initiate()
    const count = async () => (await lab.engine.tunnels.observe('vco-1'))?.ikeSas.length
    await until('two IKE_SAs', async () => (await count()) === 2)
    await until('one IKE_SA again', async () => (await count()) === 1)
    await whenUp(lab.engine)
    await passes()
  })

  test('from the word of the daemon to a report it takes less than 50 ms', async () => {
    const { session } = await lab.daemon(lab.tunnel.remoteAddress)
    let saidAt = 0
    let seen: (at: number) => void = () => {}
    await session.subscribe(['ike-updown'], (_, message) => {
      if (message['up'] === undefined) saidAt = performance.now()
    })
    lab.engine.tunnels.onHint(async (id) => {
      const report = await lab.engine.tunnels.observe(id)
      if (report?.childSas.length === 0) seen(performance.now())
    })
    const took: number[] = []
    for (let round = 1; round <= 5; round += 1) {
      const seenAt = new Promise<number>((resolve) => {
        seen = resolve
      })
      await peer.terminate()
      const at = await seenAt
      await until('the word of the daemon', () => saidAt > 0)
      took.push(at - saidAt)
      saidAt = 0
      await whenUp(lab.engine)
    }
    session.close()
    const median = took.toSorted((a, b) => a - b)[2]
    assert(median !== undefined && median < 50, `milliseconds: ${took}`)
  })
})
