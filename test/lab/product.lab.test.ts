/** The promise of the product, held against real daemons: the API tells what they do, soon, and keeps it up. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { connectionTo, Product, peerOf, type Site } from './support/product.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false
const peerAddress = '198.51.100.2'
const psk = 'a-key-for-the-lab'
/** Longest time from an event of the daemon to an answer that shows it, in milliseconds. */
const limit = 1000

describe('the product over real tunnels', { skip }, () => {
  let product: Product
  let site: Site
  let peer: Peer
  let cgw: string
  let vco: string

  before(async () => {
    product = await Product.create()
    site = await product.site('h1')
    peer = await product.peer('p1', peerAddress)
    await peer.load(peerOf(peerAddress, site.InternetIp, psk))
    cgw = await product.customerGateway(peerAddress)
  })
  after(() => product?.close())

  const ping = (count: number, interval = 0.2) =>
    product.lab.ping(site.host, '10.0.1.10', '172.16.0.1', { count, interval })
  /** The route comes a moment after the SA. */
  const whenRouted = () =>
    until('the way there', () => product.lab.reaches(site.host, '10.0.1.10', '172.16.0.1'))

  test('a connection comes up, its answer is what the daemons negotiated, and packets pass', async () => {
    const { VpnConnectionId } = await product.ask('CreateVpnConnection', connectionTo(site, cgw, psk))
    vco = VpnConnectionId
    const answer = await product.up(vco)
    const sas = await peer.sas()
    assert.equal(answer['X-Suidao'].Freshness, 'current')
    assert.equal(answer['X-Suidao'].ChildSas[0].spiOut, sas.childSas[0]!.spiIn)
    assert.equal(answer['X-Suidao'].IkeSas[0].proposal, sas.ikeSas[0]!.proposal)
    await whenRouted()
    assert.deepEqual(await ping(5), { sent: 5, received: 5 })
  })

  test(`each event of the daemon shows in the API within ${limit} ms`, async (t) => {
    const events: { at: number; status: string }[] = []
    const session = await product.watchDaemon(peerAddress, (event, message) => {
      const up = message['up'] === 'yes'
      if (event === 'child-updown' && up)
        events.push({ at: performance.now(), status: 'ipsec_sa_established' })
      if (event === 'ike-updown' && !up)
        events.push({ at: performance.now(), status: 'ike_sa_not_established' })
    })
    const delays: number[] = []
    for (let round = 0; round < 8; round++) {
      for (const wanted of ['ike_sa_not_established', 'ipsec_sa_established']) {
        events.length = 0
        // The peer calls again at once: our own next call comes later each time a tunnel does not last.
        void (wanted === 'ike_sa_not_established' ? peer.terminate() : peer.initiate())
        const event = await until(
          `the daemon says ${wanted}`,
          () => events.find(({ status }) => status === wanted),
          {
            timeoutMs: 20_000,
          },
        )
        await product.connection(vco, wanted, ({ Status }) => Status === wanted)
        delays.push(performance.now() - event.at)
      }
    }
    session.close()
    delays.sort((a, b) => a - b)
    const shown = delays.map((ms) => Math.round(ms))
    t.diagnostic(
      `event to API in ms, ${delays.length} events: median ${shown[delays.length >> 1]}, most ${shown.at(-1)}`,
    )
    assert.ok(delays.at(-1)! < limit)
  })

  test('a changed key takes the tunnel down with the right reason, and the old one brings it back', async () => {
    await product.up(vco)
    await product.ask('ModifyVpnConnectionAttribute', {
      VpnConnectionId: vco,
      IkeConfig: '{"Psk":"another-key"}',
    })
    const down = await product.connection(
      vco,
      'the reason is shown',
      ({ Status, 'X-Suidao': extra }) =>
        Status === 'ike_sa_not_established' && extra.Reason?.FailedReasonCode === 'PskMismatch',
    )
    assert.doesNotMatch(JSON.stringify(down['X-Suidao']), /another-key|a-key-for-the-lab/)
    assert.equal((await ping(2)).received, 0)
    await product.ask('ModifyVpnConnectionAttribute', {
      VpnConnectionId: vco,
      IkeConfig: JSON.stringify({ Psk: psk }),
    })
    const up = await product.up(vco)
    assert.equal('Reason' in up['X-Suidao'], false)
    await whenRouted()
    assert.deepEqual(await ping(3), { sent: 3, received: 3 })
  })

  test('selectors that do not match: phase 1 stands, phase 2 does not', async () => {
    await product.ask('ModifyVpnConnectionAttribute', {
      VpnConnectionId: vco,
      RemoteSubnet: '192.168.77.0/24',
    })
    const answer = await product.connection(
      vco,
      'phase 2 has failed',
      ({ Status, 'X-Suidao': extra }) =>
        Status === 'ipsec_sa_not_established' && extra.Reason?.Code === 'SUBNET_MISMATCH',
    )
    assert.equal(answer['X-Suidao'].Reason.FailedReasonCode, 'TrafficSelectorMismatch')
    await product.ask('ModifyVpnConnectionAttribute', { VpnConnectionId: vco, RemoteSubnet: '172.16.0.0/24' })
    await product.up(vco)
  })

  test('an operator has it re-keyed under traffic, stops it past a restart, and starts it', async (t) => {
    /** Of those that carry traffic: the one before stays for a moment, for packets under way. */
    const keysOf = (answer: Awaited<ReturnType<typeof product.up>>): string[] =>
      answer['X-Suidao'].ChildSas.flatMap((sa: Record<string, string>) =>
        sa['state'] === 'installed' ? sa['spiIn'] : [],
      )
    const before = await product.up(vco)
    await whenRouted()
    const running = ping(30, 0.1)
    await product.ask('SuidaoRenegotiateTunnel', { VpnConnectionId: vco })
    const isRekeyed = (answer: typeof before) =>
      keysOf(answer).length === 1 && keysOf(answer)[0] !== keysOf(before)[0]
    const rekeyed = await product.connection(vco, 'it has new keys', isRekeyed)
    assert.deepEqual(await running, { sent: 30, received: 30 })
    assert.equal(rekeyed['X-Suidao'].IkeSas[0].uniqueId, before['X-Suidao'].IkeSas[0].uniqueId)

    const isStopped = ({ Status, 'X-Suidao': extra }: typeof before) =>
      Status === 'ike_sa_not_established' && extra.Reason?.Code === 'STOPPED_BY_OPERATOR'
    const asked = performance.now()
    await product.ask('SuidaoStopTunnel', { VpnConnectionId: vco })
    await product.connection(vco, 'it is stopped', isStopped)
    const took = performance.now() - asked
    t.diagnostic(`stopped after ${Math.round(took)} ms`)
    assert.ok(took < limit)
    assert.deepEqual((await peer.sas()).childSas, [])
    await peer.initiate().catch(() => {})
    assert.equal((await ping(2)).received, 0)
    await product.server.stop('SIGTERM')
    await product.server.start()
    await product.connection(vco, 'it is stopped still', isStopped)
    assert.equal((await ping(1)).received, 0)
    await product.ask('SuidaoStartTunnel', { VpnConnectionId: vco })
    await product.up(vco)
    await whenRouted()
    assert.deepEqual(await ping(3), { sent: 3, received: 3 })
  })

  test('Suidao is killed and started again under traffic: not one packet is lost, nothing is negotiated', async (t) => {
    const before = (await product.up(vco))['X-Suidao'].ChildSas[0].spiIn
    const running = ping(60, 0.1)
    await product.server.stop('SIGKILL')
    await product.server.start()
    const answer = await product.up(vco)
    const result = await running
    t.diagnostic(`${result.sent} sent, ${result.received} received`)
    assert.deepEqual(result, { sent: 60, received: 60 })
    assert.equal(answer['X-Suidao'].ChildSas[0].spiIn, before)
  })

  test('an orderly restart loses nothing either', async () => {
    const running = ping(40, 0.1)
    await product.server.stop('SIGTERM')
    await product.server.start()
    await product.up(vco)
    assert.deepEqual(await running, { sent: 40, received: 40 })
  })

  test('what changed while Suidao was dead is told at once when it is back', async () => {
    await product.server.stop('SIGKILL')
    await peer.terminate()
    // The peer refuses to come back, so that the tunnel stays down.
    await peer.load(peerOf(peerAddress, site.InternetIp, 'a key of somebody else'))
    await product.server.start()
    const down = await product.connection(
      vco,
      'it is down',
      ({ Status }) => Status === 'ike_sa_not_established',
    )
    assert.equal(down.State, 'active')
    await peer.load(peerOf(peerAddress, site.InternetIp, psk))
    await product.up(vco, 60_000)
  })

  test('two gateways with the same private networks do not meet', async () => {
    const other = await product.site('h2')
    const otherPeer = await product.peer('p2', '198.51.100.3', '172.16.0.2/32')
    await otherPeer.load(peerOf('198.51.100.3', other.InternetIp, 'other-key'))
    const otherCgw = await product.customerGateway('198.51.100.3')
    const { VpnConnectionId } = await product.ask(
      'CreateVpnConnection',
      connectionTo(other, otherCgw, 'other-key'),
    )
    await product.up(VpnConnectionId)
    const reach = async (host: string, to: string) =>
      (await product.lab.ping(host, '10.0.1.10', to, { count: 2 })).received
    assert.equal(await reach(site.host, '172.16.0.1'), 2)
    assert.equal(await reach(other.host, '172.16.0.2'), 2)
    assert.equal(await reach(site.host, '172.16.0.2'), 0)
    assert.equal(await reach(other.host, '172.16.0.1'), 0)

    await product.ask('DeleteVpnConnection', { VpnConnectionId })
    await until('the connection is gone', () =>
      product.describe(VpnConnectionId).then(
        () => false,
        (error) => error.code === 'InvalidVpnConnectionInstanceId.NotFound',
      ),
    )
    await product.ask('DeleteVpnGateway', { VpnGatewayId: other.VpnGatewayId })
    await until('the gateway is gone', async () => {
      return (await product.ask('DescribeVpnGateways', { VpnGatewayId: other.VpnGatewayId })).TotalCount === 0
    })
    assert.equal(await reach(site.host, '172.16.0.1'), 2)
  })

  test('keys and secrets stand nowhere in clear: not in the log, not in the store', async () => {
    assert.doesNotMatch(product.server.log, /a-key-for-the-lab|another-key|other-key/)
    const { readFileSync, readdirSync } = await import('node:fs')
    for (const name of readdirSync(product.server.dataDir).filter((file) => file.startsWith('suidao.db'))) {
      const bytes = readFileSync(`${product.server.dataDir}/${name}`, 'latin1')
      assert.ok(!bytes.includes('a-key-for-the-lab'), name)
      assert.ok(!bytes.includes(product.server.root.secret), name)
    }
  })
})
