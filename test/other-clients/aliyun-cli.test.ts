/** What the command line tool does beside single calls. The life cycle is in life-cycle.test.ts. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { refused } from '../support/official-clients.ts'
import { type AliyunCli, aliyunCli, otherClients, prepare } from './driver.ts'

const missing = await prepare(otherClients.find(({ name }) => name.startsWith('The aliyun CLI'))!)

describe('the aliyun CLI', { skip: missing }, () => {
  let app: TestApp
  let cli: AliyunCli
  let VpnGatewayId: string
  const peers: string[] = []
  before(async () => {
    app = await startTestApp({ settings: { TLS_LISTEN: '127.0.0.1:0' } })
    cli = aliyunCli(app)
    const { VpcId } = await json('CreateVpc', '--CidrBlock', '10.0.0.0/8')
    const vSwitches: string[] = []
    for (const [index, zone] of ['h', 'i'].entries()) {
      const place = ['--CidrBlock', `10.${index}.0.0/24`, '--ZoneId', `cn-hangzhou-${zone}`]
      vSwitches.push((await json('CreateVSwitch', '--VpcId', VpcId, ...place)).VSwitchId)
    }
    const networks = ['--VSwitchId', vSwitches[0]!, '--DisasterRecoveryVSwitchId', vSwitches[1]!]
    const gateway = await json('CreateVpnGateway', '--VpcId', VpcId, ...networks, '--Bandwidth', '10')
    VpnGatewayId = gateway.VpnGatewayId
    for (const host of [9, 10, 11]) {
      const peer = await json('CreateCustomerGateway', '--IpAddress', `198.51.100.${host}`)
      peers.push(peer.CustomerGatewayId)
    }
  })
  after(async () => {
    await cli.close()
    await app.close()
  })
  const json = async (action: string, ...args: string[]) => JSON.parse(await cli.run(action, args))
  const waiter = (expression: string, to: string) => [
    '--waiter',
    `expr=${expression}`,
    `to=${to}`,
    'interval=2',
  ]

  test('a waiter ends when the gateway, and then a connection, is active', async () => {
    const gateway = ['--VpnGatewayId', VpnGatewayId]
    assert.equal(
      (await json('DescribeVpnGateway', ...gateway, ...waiter('Status', 'active'))).Status,
      'active',
    )
    // Tunnels in dotted names, which the tool knows not and sends in the query when told to.
    const tunnels = peers.slice(0, 2).flatMap((peer, index) => {
      const name = `--TunnelOptionsSpecification.${index + 1}`
      const role = ['master', 'slave'][index]!
      return [
        `${name}.CustomerGatewayId`,
        peer,
        `${name}.Role`,
        role,
        `${name}.TunnelIkeConfig.Psk`,
        `key-${index}`,
      ]
    })
    const networks = ['--LocalSubnet', '10.0.0.0/24', '--RemoteSubnet', '192.168.0.0/24']
    const made = await json('CreateVpnConnection', ...gateway, ...networks, '--force', ...tunnels)
    const one = ['--VpnConnectionId', made.VpnConnectionId]
    const shown = await json('DescribeVpnConnection', ...one, ...waiter('State', 'active'))
    assert.deepEqual(
      shown.TunnelOptionsSpecification.TunnelOptions.map((tunnel: any) => tunnel.TunnelIkeConfig.Psk),
      ['key-0', 'key-1'],
    )
  })

  test('a pager merges pages', async () => {
    const pages = ['--PageSize', '2', '--pager', 'path=CustomerGateways.CustomerGateway[]', 'NextToken=']
    const merged = await json('DescribeCustomerGateways', ...pages)
    assert.deepEqual(
      merged.CustomerGateways.CustomerGateway.map((peer: any) => peer.CustomerGatewayId).sort(),
      [...peers].sort(),
    )
  })

  test('answers as a table, and filtered', async () => {
    const columns = [
      '--output',
      'cols=CustomerGatewayId,IpAddress',
      'rows=CustomerGateways.CustomerGateway[]',
    ]
    const table = await cli.run('DescribeCustomerGateways', columns)
    for (const peer of peers) assert.match(table, new RegExp(`^${peer} +\\| 198\\.51\\.100\\.\\d+$`, 'm'))
    assert.equal((await cli.run('DescribeVpnGateways', ['--cli-query', 'TotalCount'])).trim(), '1')
  })

  test('refusals by the codes of the vendor', async () => {
    await refused(
      json('DeleteVpnGateway', '--VpnGatewayId', VpnGatewayId),
      'DependencyViolation.VpnConnection',
    )
    await refused(
      json('DescribeVpnConnection', '--VpnConnectionId', 'vco-none'),
      'InvalidVpnConnectionInstanceId.NotFound',
    )
    const ssl = [
      '--VpnGatewayId',
      VpnGatewayId,
      '--ClientIpPool',
      '10.9.0.0/24',
      '--LocalSubnet',
      '10.0.0.0/24',
    ]
    await refused(json('CreateSslVpnServer', ...ssl), 'VpnGateway.SslVpnDisabled')
  })
})
