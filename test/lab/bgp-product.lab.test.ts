/**
 * BGP and health checks as users meet them: set through the API, run by real daemons, read through the API.
 *
 *     host 10.0.1.10 ── VPC ── VPN gateway, AS 45104 ══ site, AS 65002 ── LAN 172.16.0.1
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isSameMoment } from '../../src/engine/bird/observe.ts'
import { birdMissing, Router, type RouterSettings } from './support/bird.ts'
import { command } from './support/command.ts'
import { Lab } from './support/lab.ts'
import { Product, peerOf, routedTo, type Site as Vpc } from './support/product.ts'
import { Site } from './support/site.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? birdMissing() ?? false

const outside = '198.51.100.2'
const psk = 'a-key-of-the-lab'
const authKey = 'a-bgp-key-of-the-lab'

const router: RouterSettings = {
  id: '169.254.10.2',
  sessions: [
    {
      local: '169.254.10.2',
      localAsn: 65_002,
      peer: '169.254.10.1',
      peerAsn: 45_104,
      password: authKey,
    },
  ],
  networks: ['172.16.0.0/24'],
}

describe('BGP and a health check through the API', { skip }, () => {
  let product: Product
  let vpc: Vpc
  let site: Site
  let peer: Router
  let id: string

  const status = async () => (await product.describe(id)).VpnBgpConfig.Status
  const session = (wanted: 'success' | 'false', timeoutMs = 20_000) =>
    until(`BGP reads ${wanted}`, async () => (await status()) === wanted, { timeoutMs })
  const check = (wanted: 'success' | 'failed') =>
    product.connection(
      id,
      `the health check reads ${wanted}`,
      ({ VcoHealthCheck }) => VcoHealthCheck.Status === wanted,
    )
  const reaches = () =>
    until('the LAN is reached', async () => {
      return product.lab.reaches(vpc.host, '10.0.1.10', '172.16.0.1')
    })

  before(async () => {
    product = await Product.create({ BGP_HOLD_TIME: '5' })
    vpc = await product.site('host')
    site = await Site.create(product.lab, 'site', ['172.16.0.1/32'], [{ outside, inside: '169.254.10.2/30' }])
    await site.lines[0]!.peer.load(
      peerOf(outside, vpc.InternetIp, psk, { localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }),
    )
    peer = await Router.start(site.netns, router)
    const { CustomerGatewayId } = await product.ask('CreateCustomerGateway', {
      IpAddress: outside,
      Asn: '65002',
      AuthKey: authKey,
    })
    const created = await product.ask('CreateVpnConnection', routedTo(vpc, CustomerGatewayId, psk))
    id = created.VpnConnectionId
  })
  after(async () => {
    await peer.close()
    await product.close()
  })

  test('the session comes up, networks go both ways, and the health check succeeds', async () => {
    await product.up(id)
    await session('success')
    await check('success')
    assert.match(
      await peer.ask('show protocols all'),
      /Hold timer: +[\d.]+\/5\n/,
      'the lower one of both ends',
    )
    assert.deepEqual(await peer.learned(), ['10.0.0.0/16'])
    await reaches()
    const extra = await until('the learned network in the answer', async () => {
      const { Bgp } = (await product.describe(id))['X-Suidao']
      return Bgp.learned.length === 1 && Bgp
    })
    assert.equal(extra.learned[0].prefix, '172.16.0.0/24')
    const { VpnRouteEntries } = await product.ask('DescribeVpnRouteEntries', {
      VpnGatewayId: vpc.VpnGatewayId,
      RouteEntryType: 'System',
    })
    assert.match(JSON.stringify(VpnRouteEntries), /172\.16\.0\.0\/24/)
  })

  test('AutoPropagate: the VPC sends learned networks to the gateway while they are learned', async () => {
    const routes = () => command('ip', '-n', product.names.vpc(vpc.VpcId), 'route', 'show', '172.16.0.0/24')
    assert.equal(await routes(), '')
    await product.ask('ModifyVpnGatewayAttribute', { VpnGatewayId: vpc.VpnGatewayId, AutoPropagate: true })
    await until('the route of the VPC', async () => (await routes()) !== '')
    await peer.kill()
    await until('it is gone', async () => (await routes()) === '')
    await peer.restart()
    await until('it is back', async () => (await routes()) !== '', { timeoutMs: 20_000 })
    await session('success')
  })

  test("the peer's BGP daemon is killed: the answer says so within a second, with the reason", async () => {
    await peer.kill()
    const begun = performance.now()
    await session('false', 1_000)
    console.log(
      `peer's BGP daemon killed -> VpnBgpConfig.Status false: ${(performance.now() - begun).toFixed(0)} ms`,
    )
    await product.connection(id, 'a reason', (answer) => answer['X-Suidao'].Reason?.Code === 'BGP_CLOSED')
    assert.equal((await product.describe(id)).Status, 'ipsec_sa_established')
    await peer.restart()
    await session('success')
    await product.connection(id, 'no reason', (answer) => answer['X-Suidao'].Reason === undefined)
  })

  test('Suidao is killed and started again: the session stays up, and no packet is lost', async () => {
    await reaches()
    const since = async () => (await product.describe(id))['X-Suidao'].Bgp.since
    const before = await since()
    const pings = product.lab.ping(vpc.host, '10.0.1.10', '172.16.0.1', { count: 150, interval: 0.05 })
    await product.server.stop('SIGKILL')
    await product.server.start()
    await session('success')
    assert.deepEqual(await pings, { sent: 150, received: 150 })
    assert(isSameMoment(await since(), before))
    await check('success')
  })

  test('the host behind is gone: the health check fails, and BGP stays; it succeeds when the host is back', async () => {
    await command('ip', '-n', site.netns, 'addr', 'del', '172.16.0.1/32', 'dev', 'lo')
    await check('failed')
    assert.equal(await status(), 'success')
    await product.connection(
      id,
      'the reason',
      (answer) => answer['X-Suidao'].Reason?.Code === 'HEALTH_CHECK_FAILED',
    )
    await command('ip', '-n', site.netns, 'addr', 'add', '172.16.0.1/32', 'dev', 'lo')
    await check('success')
    await reaches()
  })

  test('a wrong AS number is named, and the key of the session nowhere', async () => {
    await peer.configure({ ...router, sessions: [{ ...router.sessions[0]!, localAsn: 65_099 }] })
    await session('false')
    const wrong = await product.connection(
      id,
      'the reason',
      (answer) => answer['X-Suidao'].Reason?.Code === 'BGP_WRONG_ASN',
    )
    assert.match(JSON.stringify(wrong['X-Suidao'].Reason.Evidence), /Bad peer AS/)
    await peer.configure(router)
    await session('success')
    assert.doesNotMatch(product.server.log, new RegExp(authKey))
  })
})
