/** Destination and policy routes of a VPN gateway, driven by the official clients over HTTP, on both databases. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients, refused } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'

eachDatabase((kind, _open, place) => {
  for (const { name, make } of officialClients) {
    describe(`routes, ${name} on ${kind}`, () => {
      let app: TestApp
      let ask: Ask
      let VpnGatewayId: string
      let CustomerGatewayId: string

      const gatewayActive = () =>
        until('the gateway is active', async () => {
          const answer = await ask('DescribeVpnGateway', { VpnGatewayId })
          return answer.Status === 'active' && answer
        })
      /** A write on the gateway, once it may be changed. */
      const change = async (action: string, params: object = {}) => {
        await gatewayActive()
        return ask(action, { VpnGatewayId, ...params })
      }
      const connect = async (params: object) => {
        const { VpnConnectionId } = await change('CreateVpnConnection', {
          CustomerGatewayId,
          LocalSubnet: '10.1.0.0/24',
          IkeConfig: '{"Psk":"one-key-for-all"}',
          ...params,
        })
        await gatewayActive()
        return VpnConnectionId as string
      }
      const routesOf = (id: string) => app.engine.tunnelsHeld.get(id)!.routes!
      const destinations = async () =>
        (await ask('DescribeVpnRouteEntries', { VpnGatewayId })).VpnRouteEntries.VpnRouteEntry
      const policies = async () =>
        (await ask('DescribeVpnPbrRouteEntries', { VpnGatewayId })).VpnPbrRouteEntries.VpnPbrRouteEntry

      before(async () => {
        const config = await place()
        app = await startTestApp({
          database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
          settings: { QUOTAS_POLICY_ROUTES_PER_GATEWAY: '4', QUOTAS_DESTINATION_ROUTES_PER_GATEWAY: '3' },
        })
        ask = make(app)
        const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
        const network = { VpcId, CidrBlock: '10.1.0.0/24', ZoneId: 'cn-hangzhou-h' }
        const { VSwitchId } = await ask('CreateVSwitch', network)
        VpnGatewayId = (await ask('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 })).VpnGatewayId
        const office = await ask('CreateCustomerGateway', { IpAddress: '198.51.100.9' })
        CustomerGatewayId = office.CustomerGatewayId
      })
      after(() => app.close())

      test('destination routes: created, published, weighed, deleted, and handed to the tunnel', async () => {
        const everything = { LocalSubnet: '0.0.0.0/0', RemoteSubnet: '0.0.0.0/0' }
        const first = await connect(everything)
        assert.deepEqual(routesOf(first), [])
        const key = { RouteDest: '172.16.0.0/16', NextHop: first }
        const created = await change('CreateVpnRouteEntry', {
          ...key,
          Weight: 100,
          PublishVpc: true,
          Description: 'to the office',
        })
        assert.equal(created.VpnInstanceId, VpnGatewayId)
        assert.equal(created.State, 'published')
        const [listed] = await destinations()
        assert.deepEqual(
          [listed.RouteDest, listed.NextHop, listed.Weight, listed.State, listed.RouteEntryType],
          ['172.16.0.0/16', first, 100, 'published', 'Custom'],
        )
        await gatewayActive()
        assert.deepEqual(
          routesOf(first).map(({ destination, source }) => [destination, source]),
          [['172.16.0.0/16', undefined]],
        )
        assert.deepEqual(app.engine.gatewaysHeld.get(VpnGatewayId)!.published, ['172.16.0.0/16'])

        const again = { ...key, Weight: 0, PublishVpc: false }
        await refused(change('CreateVpnRouteEntry', again), 'VpnRouteEntry.AlreadyExists')
        for (const RouteDest of ['0.0.0.0/0', '100.64.0.0/12', 'no network']) {
          await refused(change('CreateVpnRouteEntry', { ...again, RouteDest }), 'IllegalParam.RouteDest')
        }
        await refused(
          change('CreateVpnRouteEntry', { ...again, NextHop: 'vco-bp1000000000000000000' }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
        await refused(
          change('CreateVpnRouteEntry', { ...again, RouteDest: '172.17.0.0/16', DryRun: true }),
          'DryRunOperation',
        )

        await change('PublishVpnRouteEntry', { ...key, PublishVpc: false, RouteType: 'dbr' })
        assert.equal((await destinations())[0].State, 'normal')
        await gatewayActive()
        assert.deepEqual(app.engine.gatewaysHeld.get(VpnGatewayId)!.published, [])

        await refused(
          change('ModifyVpnRouteEntryWeight', { ...key, Weight: 0, NewWeight: 100 }),
          'InvalidRouteEntry.NotFound',
        )
        const { metric } = routesOf(first)[0]!
        await change('ModifyVpnRouteEntryWeight', { ...key, Weight: 100, NewWeight: 0 })
        assert.equal((await destinations())[0].Weight, 0)
        await gatewayActive()
        assert.ok(routesOf(first)[0]!.metric > metric)

        for (const third of [1, 2]) {
          await change('CreateVpnRouteEntry', { ...again, Weight: 100, RouteDest: `172.3${third}.0.0/16` })
        }
        await refused(
          change('CreateVpnRouteEntry', { ...again, RouteDest: '172.33.0.0/16' }),
          'Resource.QuotaFull',
        )

        await refused(change('DeleteVpnRouteEntry', { ...key, Weight: 100 }), 'InvalidRouteEntry.NotFound')
        await change('DeleteVpnRouteEntry', { ...key, Weight: 0 })
        const left = await ask('DescribeVpnRouteEntries', { VpnGatewayId, PageSize: 1, PageNumber: 2 })
        assert.deepEqual([left.TotalCount, left.VpnRouteEntries.VpnRouteEntry.length], [2, 1])
        await change('DeleteVpnConnection', { VpnConnectionId: first })
        await until('the routes go with the connection', async () => (await destinations()).length === 0)
      })

      test('policy routes: derived from the subnets, and those of the caller', async () => {
        const first = await connect({ RemoteSubnet: '172.16.0.0/24,172.17.0.0/24' })
        const shape = async () =>
          (await policies()).map((one: Record<string, unknown>) => [
            one.RouteSource,
            one.RouteDest,
            one.Priority,
            one.Weight,
          ])
        assert.deepEqual(await shape(), [
          ['10.1.0.0/24', '172.16.0.0/24', 10, 100],
          ['10.1.0.0/24', '172.17.0.0/24', 10, 100],
        ])
        assert.deepEqual(
          routesOf(first).map(({ source, destination, priority }) => [source, destination, priority]),
          [
            ['10.1.0.0/24', '172.16.0.0/24', 10],
            ['10.1.0.0/24', '172.17.0.0/24', 10],
          ],
        )
        await change('ModifyVpnConnectionAttribute', {
          VpnConnectionId: first,
          RemoteSubnet: '172.18.0.0/24',
        })
        assert.deepEqual(await shape(), [['10.1.0.0/24', '172.18.0.0/24', 10, 100]])

        const key = { RouteSource: '10.1.0.0/28', RouteDest: '172.18.0.0/24', NextHop: first }
        const created = await change('CreateVpnPbrRouteEntry', {
          ...key,
          Weight: 100,
          PublishVpc: false,
          Priority: 5,
        })
        assert.deepEqual([created.Priority, created.State, created.RouteSource], [5, 'normal', '10.1.0.0/28'])
        await change('ModifyVpnPbrRouteEntryPriority', { ...key, Weight: 100, Priority: 5, NewPriority: 7 })
        await refused(
          change('ModifyVpnPbrRouteEntryPriority', { ...key, Weight: 100, Priority: 5, NewPriority: 8 }),
          'InvalidRouteEntry.NotFound',
        )
        await change('ModifyVpnPbrRouteEntryWeight', { ...key, Weight: 100, Priority: 7, NewWeight: 0 })
        await change('ModifyVpnPbrRouteEntryAttribute', {
          ...key,
          Weight: 0,
          Priority: 7,
          NewWeight: 100,
          NewPriority: 3,
        })
        await refused(
          change('ModifyVpnPbrRouteEntryAttribute', { ...key, Weight: 100, Priority: 3 }),
          'MissingNewWeight',
        )
        assert.deepEqual((await shape()).at(-1), ['10.1.0.0/28', '172.18.0.0/24', 3, 100])
        await change('PublishVpnRouteEntry', {
          RouteDest: key.RouteDest,
          NextHop: first,
          PublishVpc: true,
          RouteType: 'pbr',
        })
        await gatewayActive()
        assert.deepEqual(app.engine.gatewaysHeld.get(VpnGatewayId)!.published, ['172.18.0.0/24'])

        if (name.startsWith('pop-core')) {
          const explain = (DestinationIp: string) =>
            ask('SuidaoExplainRoute', { VpnGatewayId, SourceIp: '10.1.0.5', DestinationIp })
          // Nothing is up, and without EffectImmediately the tunnel waits for traffic: the packet would begin it.
          const into = await explain('172.18.0.9')
          assert.deepEqual(
            [into.To, into.Chosen.NextHop, into.Chosen.RouteSource, into.Chosen.Priority],
            ['tunnel', first, '10.1.0.0/28', 3],
          )
          assert.equal((await explain('10.1.0.9')).To, 'vpc')
          assert.equal((await explain('192.0.2.1')).To, 'nowhere')
          await refused(explain('nowhere'), 'IllegalParam.DestinationIp')
        }

        await refused(
          connect({ RemoteSubnet: '192.168.0.0/24,192.168.1.0/24,192.168.2.0/24' }),
          'QuotaExceeded.PolicyBasedRoute',
        )
        assert.equal((await ask('DescribeVpnConnections')).TotalCount, 1)
        await change('ModifyVpnConnectionAttribute', { VpnConnectionId: first, AutoConfigRoute: false })
        assert.deepEqual((await shape()).length, 1)
        await gatewayActive()
        assert.equal(routesOf(first).length, 1)
        await change('DeleteVpnPbrRouteEntry', { ...key, Weight: 100, Priority: 3 })
        await gatewayActive()
        assert.deepEqual(routesOf(first), [])
        assert.deepEqual(await policies(), [])
        await change('DeleteVpnConnection', { VpnConnectionId: first })
      })
    })
  }
})
