/** Attachments and their routes, driven by the official clients over HTTP, on both databases. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients, refused } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'

eachDatabase((kind, _open, place) => {
  for (const { name, make } of officialClients) {
    describe(`attachments, ${name} on ${kind}`, () => {
      let app: TestApp
      let ask: Ask
      let peers: string[]

      const inState = (VpnConnectionId: string, state = 'init') =>
        until(`the attachment is ${state}`, async () => {
          const answer = await ask('DescribeVpnConnection', { VpnConnectionId })
          return answer.State === state && answer
        })
      const gone = (VpnConnectionId: string) =>
        until('the attachment is gone', () =>
          ask('DescribeVpnConnection', { VpnConnectionId }).then(
            () => false,
            (error) => error.code === 'InvalidVpnConnectionInstanceId.NotFound',
          ),
        )
      const subnets = { LocalSubnet: '10.1.0.0/24', RemoteSubnet: '192.168.0.0/16' }
      const pair = () =>
        [1, 2].map((TunnelIndex) => ({ TunnelIndex, CustomerGatewayId: peers[TunnelIndex - 1]! }))
      const create = async (params: object) => {
        const created = await ask('CreateVpnAttachment', { ...subnets, ...params })
        assert.deepEqual([created.Code, created.Message, created.Success], ['200', 'successful', true])
        return inState(created.VpnConnectionId)
      }

      before(async () => {
        const config = await place()
        app = await startTestApp({
          database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        })
        ask = make(app)
        peers = []
        for (const IpAddress of ['198.51.100.9', '198.51.100.10']) {
          peers.push((await ask('CreateCustomerGateway', { IpAddress, Asn: '65001' })).CustomerGatewayId)
        }
      })
      after(() => app.close())

      test('with two tunnels: created, seen, changed, deleted', async () => {
        const seen = await create({
          Name: 'both',
          TunnelOptionsSpecification: pair(),
          NetworkType: 'private',
          TunnelBandwidth: 'Large',
        })
        const { VpnConnectionId } = seen
        assert.deepEqual(
          [seen.AttachType, seen.VpnGatewayId, seen.NetworkType, seen.TunnelBandwidth, seen.State],
          ['NO_ASSOCIATED', 'vpn-not-exist', 'private', 'Large', 'init'],
        )
        const tunnels = seen.TunnelOptionsSpecification.TunnelOptions
        assert.deepEqual(
          tunnels.map((one: Record<string, any>) => [
            one.TunnelIndex,
            one.CustomerGatewayId,
            one.InternetIp,
            one.TunnelIkeConfig.IkeVersion,
            one.TunnelIkeConfig.IkeAuthAlg,
            one.TunnelIpsecConfig.IpsecAuthAlg,
          ]),
          [
            [1, peers[0], '203.0.113.1', 'ikev2', 'sha1', 'sha1'],
            [2, peers[1], '203.0.113.2', 'ikev2', 'sha1', 'sha1'],
          ],
        )
        // What stands in the place of a gateway is nobody's gateway.
        assert.equal((await ask('DescribeVpnGateways')).TotalCount, 0)
        assert.equal(app.engine.gatewaysHeld.size, 1)
        const list = await ask('DescribeVpnConnections', { VpnConnectionId })
        assert.equal(list.VpnConnections.VpnConnection[0].AttachType, 'NO_ASSOCIATED')
        const attachments = await ask('DescribeVpnAttachments')
        assert.deepEqual(
          attachments.VpnAttachments.map((one: Record<string, unknown>) => [
            one.InstanceId,
            one.Name,
            one.TunnelBandwidth,
          ]),
          [[VpnConnectionId, 'both', 'Large']],
        )
        await ask('TagResources', {
          ResourceType: 'VPNATTACHMENT',
          ResourceId: [VpnConnectionId],
          Tag: [{ Key: 'stage', Value: 'test' }],
        })
        const [{ Key, Value }] = (await ask('DescribeVpnAttachments')).VpnAttachments[0].Tags
        assert.deepEqual([Key, Value], ['stage', 'test'])

        const changed = await ask('ModifyVpnAttachmentAttribute', {
          VpnConnectionId,
          Name: 'renamed',
          NetworkType: 'public',
          TunnelOptionsSpecification: [{ TunnelIndex: 2, TunnelIkeConfig: { Psk: 'another-key' } }],
        })
        assert.equal(changed.Name, 'renamed')
        assert.equal(changed.TunnelOptionsSpecification[1].TunnelIkeConfig.Psk, 'another-key')
        const after = await inState(VpnConnectionId)
        assert.equal(after.NetworkType, 'public')
        const held = tunnels.map((one: { TunnelId: string }) => app.engine.tunnelsHeld.get(one.TunnelId)!)
        assert.deepEqual(
          held.map((tunnel: { generation: number }) => tunnel.generation),
          [1, 2],
        )

        await refused(
          ask('DeleteVpnConnection', { VpnConnectionId }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
        await ask('DeleteVpnAttachment', { VpnConnectionId })
        await gone(VpnConnectionId)
        await until('its place is gone too', async () => app.engine.gatewaysHeld.size === 0)
      })

      test('with one tunnel, whose customer gateway can be changed', async () => {
        const seen = await create({
          CustomerGatewayId: peers[0],
          HealthCheckConfig: JSON.stringify({ Enable: false, Policy: 'reserve_route' }),
        })
        const { VpnConnectionId } = seen
        assert.deepEqual(
          [
            seen.IkeConfig.LocalId,
            seen.IkeConfig.RemoteId,
            seen.IkeConfig.IkeVersion,
            seen.VcoHealthCheck.Policy,
          ],
          ['', '198.51.100.9', 'ikev1', 'reserve_route'],
        )
        assert.equal(app.engine.tunnelsHeld.get(VpnConnectionId)!.ike.localId, seen.InternetIp)
        await ask('ModifyVpnAttachmentAttribute', { VpnConnectionId, CustomerGatewayId: peers[1] })
        const changed = await inState(VpnConnectionId)
        assert.deepEqual([changed.CustomerGatewayId, changed.IkeConfig.RemoteId], [peers[1], '198.51.100.10'])
        await ask('DeleteVpnAttachment', { VpnConnectionId })
        await gone(VpnConnectionId)
      })

      test('its routes: derived from the subnets, and those of the caller', async () => {
        const { VpnConnectionId } = await create({ TunnelOptionsSpecification: pair() })
        const entries = async () =>
          (await ask('DescribeVcoRouteEntries', { VpnConnectionId })).VcoRouteEntries
        assert.deepEqual(
          (await entries()).map((one: Record<string, unknown>) => [one.RouteDest, one.NextHop, one.State]),
          [['192.168.0.0/16', VpnConnectionId, 'published']],
        )
        const key = { VpnConnectionId, NextHop: VpnConnectionId, RouteDest: '172.16.0.0/16', Weight: 100 }
        await refused(ask('CreateVcoRouteEntry', { ...key, DryRun: true }), 'DryRunOperation')
        await refused(ask('CreateVcoRouteEntry', { ...key, NextHop: 'vco-other' }), 'IllegalParam.NextHop')
        const created = await ask('CreateVcoRouteEntry', { ...key, Description: 'x' })
        assert.deepEqual(
          [created.State, created.RouteDest, created.VpnConnectionId],
          ['published', '172.16.0.0/16', VpnConnectionId],
        )
        await inState(VpnConnectionId)
        await refused(ask('CreateVcoRouteEntry', key), 'VpnRouteEntry.AlreadyExists')
        await ask('ModifyVcoRouteEntryWeight', { ...key, NewWeight: 0 })
        assert.deepEqual(
          (await entries()).map((one: { Weight: number }) => one.Weight),
          [100, 0],
        )
        const tunnels = [...app.engine.tunnelsHeld.values()]
        assert.deepEqual(
          tunnels.map((tunnel) => tunnel.routes!.map(({ destination, source }) => [destination, source])),
          Array(2).fill([
            ['192.168.0.0/16', undefined],
            ['172.16.0.0/16', undefined],
          ]),
        )
        await refused(ask('DeleteVcoRouteEntry', key), 'InvalidRouteEntry.NotFound')
        await ask('DeleteVcoRouteEntry', { ...key, Weight: 0 })
        assert.equal((await entries()).length, 1)
        await inState(VpnConnectionId)
        assert.equal(app.engine.tunnelsHeld.values().next().value!.routes!.length, 1)
        await ask('DeleteVpnAttachment', { VpnConnectionId })
        await gone(VpnConnectionId)
        await refused(
          ask('DescribeVcoRouteEntries', { VpnConnectionId }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
      })

      test('what is no pair is refused', async () => {
        const [one, two] = pair()
        for (const TunnelOptionsSpecification of [[one], [one, { ...two, TunnelIndex: 1 }]]) {
          await refused(
            ask('CreateVpnAttachment', { ...subnets, TunnelOptionsSpecification }),
            'VpnConnection.InvalidCreateTunnelOptions',
          )
        }
        await refused(ask('CreateVpnAttachment', subnets), 'MissingCustomerGatewayId')
      })
    })
  }
})
