/** Enhanced gateways, resource groups and authorisations, driven by the official clients over HTTP. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients, refused } from '../support/official-clients.ts'

for (const { name, make } of officialClients) {
  describe(`other actions, ${name}`, () => {
    let app: TestApp
    let ask: Ask
    let place: { VpcId: string; VSwitchId: string }

    const active = (VpnGatewayId: string) =>
      until('the gateway is active', async () => {
        const answer = await ask('DescribeVpnGateway', { VpnGatewayId })
        return answer.Status === 'active' && answer
      })

    before(async () => {
      app = await startTestApp()
      ask = make(app)
      const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      const network = { VpcId, CidrBlock: '10.1.0.0/24', ZoneId: 'cn-hangzhou-h' }
      place = { VpcId, VSwitchId: (await ask('CreateVSwitch', network)).VSwitchId }
    })
    after(() => app.close())

    test('an enhanced gateway lives as any other, under actions of its own', async () => {
      const GatewayType = 'Enhanced.SiteToSite'
      const { VpnGatewayId } = await ask('CreateEnhancedVpnGateway', { ...place, GatewayType, Name: 'gate' })
      const seen = await active(VpnGatewayId)
      assert.deepEqual([seen.GatewayType, seen.IpsecVpn, seen.Name], [GatewayType, 'enable', 'gate'])
      const listed = await ask('DescribeVpnGateways', { GatewayType })
      assert.equal(listed.VpnGateways.VpnGateway[0].VpnGatewayId, VpnGatewayId)
      assert.equal((await ask('DescribeVpnGateways', { GatewayType: 'Traditional' })).TotalCount, 0)
      const changed = await ask('UpdateEnhancedVpnGateway', { VpnGatewayId, Description: 'the gate' })
      assert.deepEqual([changed.Description, changed.GatewayType], ['the gate', GatewayType])
      const unknown = 'InvalidVpnGatewayInstanceId.NotFound'
      await refused(ask('ModifyVpnGatewayAttribute', { VpnGatewayId, Name: 'other' }), unknown)

      const { CustomerGatewayId } = await ask('CreateCustomerGateway', { IpAddress: '198.51.100.9' })
      const { VpnConnectionId } = await ask('CreateVpnConnection', {
        VpnGatewayId,
        CustomerGatewayId,
        LocalSubnet: '10.1.0.0/24',
        RemoteSubnet: '192.168.0.0/16',
      })
      await refused(ask('DeleteEnhancedVpnGateway', { VpnGatewayId }), 'DependencyViolation.VpnConnection')
      await active(VpnGatewayId)
      await ask('DeleteVpnConnection', { VpnConnectionId })
      await active(VpnGatewayId)
      await ask('DeleteEnhancedVpnGateway', { VpnGatewayId })
      await until('the gateway is gone', async () => {
        return (await ask('DescribeVpnGateways', { VpnGatewayId })).TotalCount === 0
      })
      await refused(ask('DeleteEnhancedVpnGateway', { VpnGatewayId }), unknown)
      await ask('DeleteCustomerGateway', { CustomerGatewayId })
    })

    test('a gateway takes its connections along to another resource group', async () => {
      const { VpnGatewayId } = await ask('CreateVpnGateway', { ...place, Bandwidth: 10 })
      await active(VpnGatewayId)
      const { CustomerGatewayId } = await ask('CreateCustomerGateway', { IpAddress: '198.51.100.9' })
      const subnets = { LocalSubnet: '10.1.0.0/24', RemoteSubnet: '192.168.0.0/16' }
      const onGateway = await ask('CreateVpnConnection', { VpnGatewayId, CustomerGatewayId, ...subnets })
      const attached = await ask('CreateVpnAttachment', { CustomerGatewayId, ...subnets })
      const move = (ResourceType: string, InstanceId: string) =>
        ask('MoveVpnResourceGroup', { ResourceType, InstanceId, NewResourceGroupId: 'rg-acfmzs372yrmi' })
      const groupOf = async (VpnConnectionId: string) =>
        (await ask('DescribeVpnConnection', { VpnConnectionId })).ResourceGroupId

      await move('VpnGateWay', VpnGatewayId)
      assert.equal((await ask('DescribeVpnGateway', { VpnGatewayId })).ResourceGroupId, 'rg-acfmzs372yrmi')
      assert.equal(await groupOf(onGateway.VpnConnectionId), 'rg-acfmzs372yrmi')
      await move('CustomerGateway', CustomerGatewayId)
      const office = await ask('DescribeCustomerGateway', { CustomerGatewayId })
      assert.equal(office.ResourceGroupId, 'rg-acfmzs372yrmi')
      assert.notEqual(await groupOf(attached.VpnConnectionId), 'rg-acfmzs372yrmi')
      await move('VPNATTACHMENT', attached.VpnConnectionId)
      assert.equal(await groupOf(attached.VpnConnectionId), 'rg-acfmzs372yrmi')
      await refused(
        move('VpnAttachment', onGateway.VpnConnectionId),
        'InvalidVpnConnectionInstanceId.NotFound',
      )
      await refused(move('VpnGateway', 'vpn-bp1000000000000000000'), 'InvalidVpnGatewayInstanceId.NotFound')

      const { VpnConnectionId } = attached
      const none = await ask('DescribeVpnCrossAccountAuthorizations', { VpnConnectionId })
      assert.deepEqual([none.TotalCount, none.CrossAccountAuthorizations], [0, []])
      await refused(
        ask('DescribeVpnCrossAccountAuthorizations', { VpnConnectionId: 'vco-bp1000000000000000000' }),
        'InvalidVpnConnectionInstanceId.NotFound',
      )
    })
  })
}
