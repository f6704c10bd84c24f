/** Connections with two tunnels, driven by the official clients over HTTP, on both databases. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients, RegionId, refused } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'

eachDatabase((kind, _open, place) => {
  for (const { name, make } of officialClients) {
    describe(`two tunnels, ${name} on ${kind}`, () => {
      let app: TestApp
      let ask: Ask
      let ends: { VpnGatewayId: string; peers: [string, string] }

      const active = (VpnConnectionId: string) =>
        until('the connection is active', async () => {
          const answer = await ask('DescribeVpnConnection', { VpnConnectionId })
          return answer.State === 'active' && answer
        })
      const gatewayActive = (VpnGatewayId = ends.VpnGatewayId) =>
        until('the gateway is active', async () => {
          const answer = await ask('DescribeVpnGateway', { VpnGatewayId })
          return answer.Status === 'active' && answer
        })
      const gone = (VpnConnectionId: string) =>
        until('the connection is gone', () =>
          ask('DescribeVpnConnection', { VpnConnectionId }).then(
            () => false,
            (error) => error.code === 'InvalidVpnConnectionInstanceId.NotFound',
          ),
        )
      const subnets = { LocalSubnet: '10.1.0.0/24', RemoteSubnet: '192.168.0.0/16' }
      const pair = (...roles: (string | undefined)[]) =>
        roles.map((Role, index) => ({
          ...(Role === undefined ? {} : { Role }),
          CustomerGatewayId: ends.peers[index % 2]!,
          TunnelIkeConfig: { Psk: `key-${index + 1}`, IkeVersion: 'ikev2' },
        }))
      const create = async (params: object = {}) => {
        await gatewayActive()
        const { VpnConnectionId } = await ask('CreateVpnConnection', {
          VpnGatewayId: ends.VpnGatewayId,
          ...subnets,
          TunnelOptionsSpecification: pair('master', 'slave'),
          ...params,
        })
        return active(VpnConnectionId)
      }
      const remove = async (VpnConnectionId: string) => {
        await gatewayActive()
        await ask('DeleteVpnConnection', { VpnConnectionId })
        await gone(VpnConnectionId)
      }

      before(async () => {
        const config = await place()
        app = await startTestApp({
          database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        })
        ask = make(app)
        const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
        const zones = ['cn-hangzhou-h', 'cn-hangzhou-i']
        const vSwitches: string[] = []
        for (const [index, ZoneId] of zones.entries()) {
          const { VSwitchId } = await ask('CreateVSwitch', { VpcId, CidrBlock: `10.${index}.0.0/24`, ZoneId })
          vSwitches.push(VSwitchId)
        }
        const { VpnGatewayId } = await ask('CreateVpnGateway', {
          VpcId,
          VSwitchId: vSwitches[0],
          DisasterRecoveryVSwitchId: vSwitches[1],
          Bandwidth: 10,
        })
        const peers: string[] = []
        for (const IpAddress of ['198.51.100.9', '198.51.100.10']) {
          const { CustomerGatewayId } = await ask('CreateCustomerGateway', { IpAddress, Asn: '65001' })
          peers.push(CustomerGatewayId)
        }
        ends = { VpnGatewayId, peers: peers as [string, string] }
        const gateway = await gatewayActive()
        assert.equal(gateway.InternetIp, '203.0.113.1')
        assert.equal(gateway.DisasterRecoveryInternetIp, '203.0.113.2')
        assert.equal(gateway.DisasterRecoveryVSwitchId, vSwitches[1])
      })
      after(() => app.close())

      test('a pair is created, seen in both reads, and deleted', async () => {
        const created = await create({ Name: 'both' })
        assert.match(created.VpnConnectionId, /^vco-/)
        assert.equal(created.Status, 'ike_sa_not_established')
        assert.equal(created.EnableTunnelsBgp, false)
        // Members of a single-tunnel connection would make Terraform replace it.
        for (const absent of [
          'CustomerGatewayId',
          'IkeConfig',
          'IpsecConfig',
          'VcoHealthCheck',
          'VpnBgpConfig',
        ]) {
          assert.ok(!created[absent], absent)
        }
        const [first, second] = created.TunnelOptionsSpecification.TunnelOptions
        assert.match(first.TunnelId, /^tun-bp1[a-z0-9]{18}$/)
        assert.notEqual(first.TunnelId, second.TunnelId)
        assert.deepEqual([first.Role, second.Role], ['master', 'slave'])
        assert.deepEqual([first.CustomerGatewayId, second.CustomerGatewayId], ends.peers)
        assert.deepEqual([first.InternetIp, second.InternetIp], ['203.0.113.1', '203.0.113.2'])
        assert.deepEqual([first.ZoneNo, second.ZoneNo], ['cn-hangzhou-h', 'cn-hangzhou-i'])
        assert.equal(first.State, 'active')
        assert.equal(second.TunnelIkeConfig.LocalId, '203.0.113.2')
        assert.equal(second.TunnelIkeConfig.RemoteId, '198.51.100.10')
        assert.equal(second.TunnelIkeConfig.Psk, 'key-2')
        assert.equal(first.TunnelIpsecConfig.IpsecAuthAlg, 'md5')
        assert.ok(!first.TunnelBgpConfig)

        const held = [first, second].map(({ TunnelId }) => app.engine.tunnelsHeld.get(TunnelId)!)
        const route = { destination: '192.168.0.0/16', source: '10.1.0.0/24', priority: 10 }
        assert.deepEqual(
          held.map((tunnel) => [tunnel.localAddress, tunnel.remoteAddress, tunnel.routes]),
          [
            ['203.0.113.1', '198.51.100.9', [{ ...route, metric: 100 }]],
            ['203.0.113.2', '198.51.100.10', [{ ...route, metric: 200 }]],
          ],
        )

        const { VpnConnections } = await ask('DescribeVpnConnections', { CustomerGatewayId: ends.peers[1] })
        const [listed] = VpnConnections.VpnConnection
        assert.deepEqual(listed.TunnelOptionsSpecification, created.TunnelOptionsSpecification)

        await refused(
          ask('DeleteCustomerGateway', { CustomerGatewayId: ends.peers[1] }),
          'InvalidCustomerGateway.InUse',
        )
        await remove(created.VpnConnectionId)
        assert.equal(app.engine.tunnelsHeld.size, 0)
        const none = await ask('DescribeVpnConnections')
        assert.equal(none.TotalCount, 0)
      })

      test('Status is that of the better tunnel, and each tunnel has its own', async () => {
        const { VpnConnectionId, TunnelOptionsSpecification } = await create()
        const [first, second] = TunnelOptionsSpecification.TunnelOptions
        app.engine.see(second.TunnelId, {
          ikeSas: [{ uniqueId: '1', state: 'established', version: 'ikev2', initiator: true }],
        })
        const seen = await until('phase 1 of the second shows', async () => {
          const answer = await ask('DescribeVpnConnection', { VpnConnectionId })
          return answer.Status === 'ike_sa_established' && answer
        })
        const tunnels = seen.TunnelOptionsSpecification.TunnelOptions
        assert.deepEqual(
          tunnels.map((tunnel: { Status: string }) => tunnel.Status),
          ['ike_sa_not_established', 'ike_sa_established'],
        )
        assert.equal(tunnels[0].TunnelId, first.TunnelId)
        await remove(VpnConnectionId)
      })

      test('a change of one tunnel leaves the other as it is', async () => {
        const { VpnConnectionId, TunnelOptionsSpecification } = await create()
        const [first, second] = TunnelOptionsSpecification.TunnelOptions
        const generations = () =>
          [first, second].map(({ TunnelId }) => app.engine.tunnelsHeld.get(TunnelId)!.generation)
        await gatewayActive()
        await ask('ModifyTunnelAttribute', {
          VpnConnectionId,
          TunnelId: second.TunnelId,
          TunnelOptionsSpecification: { EnableDpd: false, TunnelIkeConfig: { Psk: 'another-key' } },
        })
        let tunnels = (await active(VpnConnectionId)).TunnelOptionsSpecification.TunnelOptions
        // The models of one SDK make texts of it.
        assert.equal(String(tunnels[1].EnableDpd), 'false')
        assert.equal(tunnels[1].TunnelIkeConfig.Psk, 'another-key')
        assert.deepEqual(tunnels[0], first)
        assert.deepEqual(generations(), [1, 2])

        // As Terraform sends it: by role, without ids and customer gateways.
        await gatewayActive()
        await ask('ModifyVpnConnectionAttribute', {
          VpnConnectionId,
          TunnelOptionsSpecification: [
            { Role: 'master', TunnelIpsecConfig: { IpsecPfs: 'group14' } },
            { Role: 'slave', EnableDpd: false },
          ],
        })
        tunnels = (await active(VpnConnectionId)).TunnelOptionsSpecification.TunnelOptions
        assert.equal(tunnels[0].TunnelIpsecConfig.IpsecPfs, 'group14')
        assert.deepEqual(generations(), [2, 2])

        // What concerns both makes both negotiate again.
        await gatewayActive()
        await ask('ModifyVpnConnectionAttribute', { VpnConnectionId, RemoteSubnet: '192.168.1.0/24' })
        await active(VpnConnectionId)
        assert.deepEqual(generations(), [3, 3])

        await gatewayActive()
        await ask('ModifyTunnelAttribute', {
          VpnConnectionId,
          TunnelId: second.TunnelId,
          TunnelOptionsSpecification: { CustomerGatewayId: ends.peers[0] },
        })
        tunnels = (await active(VpnConnectionId)).TunnelOptionsSpecification.TunnelOptions
        assert.equal(tunnels[1].CustomerGatewayId, ends.peers[0])
        assert.equal(tunnels[1].TunnelIkeConfig.RemoteId, '198.51.100.9')
        assert.equal(app.engine.tunnelsHeld.get(second.TunnelId)!.remoteAddress, '198.51.100.9')
        await remove(VpnConnectionId)
      })

      test('what is not a pair, or not on a gateway for pairs, is refused', async () => {
        await gatewayActive()
        const wrong = [pair('master'), pair('master', 'master'), []]
        for (const TunnelOptionsSpecification of wrong) {
          await refused(
            ask('CreateVpnConnection', {
              VpnGatewayId: ends.VpnGatewayId,
              ...subnets,
              TunnelOptionsSpecification,
            }),
            'VpnConnection.InvalidCreateTunnelOptions',
          )
        }
        const { VpnConnectionId, TunnelOptionsSpecification } = await create()
        const [first] = TunnelOptionsSpecification.TunnelOptions
        await gatewayActive()
        await refused(
          ask('ModifyTunnelAttribute', { VpnConnectionId, TunnelId: 'tun-bp1000000000000000000' }),
          'InvalidTunnelId.NotFound',
        )
        await refused(
          ask('ModifyVpnConnectionAttribute', {
            VpnConnectionId,
            TunnelOptionsSpecification: [{ TunnelId: first.TunnelId }, { TunnelId: first.TunnelId }],
          }),
          'VpnConnection.InvalidCreateTunnelOptions',
        )
        await refused(create(), 'InvalidVpnConnection.AlreadyExists')
        await remove(VpnConnectionId)
        assert.equal((await ask('DescribeVpnConnections', { RegionId })).TotalCount, 0)
      })
    })
  }
})
