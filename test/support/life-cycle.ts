/** The whole life of every resource as one script, for a client of whatever generation and language. */
import assert from 'node:assert/strict'
import { type TestApp, until } from './app.ts'
import { type Ask, RegionId, refused } from './official-clients.ts'

export async function lifeCycle(app: TestApp, ask: Ask): Promise<void> {
  const regions = await ask('DescribeRegions')
  assert.ok(regions.Regions.Region.some((r: { RegionId: string }) => r.RegionId === RegionId))

  const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8', VpcName: 'home' })
  const { VSwitchId } = await ask('CreateVSwitch', {
    VpcId,
    CidrBlock: '10.1.0.0/24',
    ZoneId: 'cn-hangzhou-h',
  })
  const aVpc = await ask('DescribeVpcAttribute', { VpcId })
  assert.equal(aVpc.Status, 'Available')
  assert.deepEqual(aVpc.VSwitchIds.VSwitchId, [VSwitchId])

  const created = await ask('CreateVpnGateway', {
    VpcId,
    VSwitchId,
    Bandwidth: 10,
    Name: 'gate',
    AutoPay: true,
  })
  const { VpnGatewayId } = created
  assert.match(VpnGatewayId, /^vpn-bp1[a-z0-9]{18}$/)
  assert.equal(typeof created.OrderId, 'number')
  const gateway = await until('the gateway is active', async () => {
    const answer = await ask('DescribeVpnGateway', { VpnGatewayId })
    return answer.Status === 'active' && answer
  })
  assert.equal(gateway.Spec, '10M')
  assert.equal(gateway.InternetIp, '203.0.113.1')
  assert.equal(gateway.ChargeType, 'PostpayByFlow')
  assert.equal(gateway.AutoPropagate, false)
  await ask('ModifyVpnGatewayAttribute', { VpnGatewayId, Description: 'the gate', AutoPropagate: true })
  const gateways = await until('the gateway is active again', async () => {
    const answer = await ask('DescribeVpnGateways', { VpcId, Status: 'active' })
    return answer.TotalCount === 1 && answer
  })
  assert.equal(gateways.VpnGateways.VpnGateway[0].Description, 'the gate')
  assert.equal(gateways.VpnGateways.VpnGateway[0].AutoPropagate, true)

  const { CustomerGatewayId } = await ask('CreateCustomerGateway', {
    IpAddress: '198.51.100.9',
    Asn: '123.456',
    Name: 'office',
  })
  const office = await ask('DescribeCustomerGateway', { CustomerGatewayId })
  assert.equal(office.Asn, 8061384)
  await ask('ModifyCustomerGatewayAttribute', { CustomerGatewayId, Name: 'office 2', Description: 'x' })
  assert.equal((await ask('DescribeCustomerGateway', { CustomerGatewayId })).Name, 'office 2')

  const { VpnConnectionId } = await ask('CreateVpnConnection', {
    VpnGatewayId,
    CustomerGatewayId,
    LocalSubnet: '10.1.0.0/24',
    RemoteSubnet: '192.168.0.0/16',
    Name: 'to the office',
    EffectImmediately: true,
    IkeConfig: JSON.stringify({ Psk: 'pgw6dy7d1i8i****', IkeVersion: 'ikev2', IkeLifetime: 3600 }),
  })
  assert.match(VpnConnectionId, /^vco-bp1[a-z0-9]{18}$/)
  const active = () =>
    until('the connection is active', async () => {
      const answer = await ask('DescribeVpnConnection', { VpnConnectionId })
      return answer.State === 'active' && answer
    })
  const fresh = await active()
  assert.equal(fresh.Status, 'ike_sa_not_established')
  assert.equal(fresh.IkeConfig.Psk, 'pgw6dy7d1i8i****')
  assert.equal(fresh.IkeConfig.IkeLifetime, 3600)
  assert.equal(fresh.IkeConfig.LocalId, '203.0.113.1')
  assert.equal(fresh.IkeConfig.RemoteId, '198.51.100.9')
  assert.equal(fresh.IpsecConfig.IpsecAuthAlg, 'md5')
  assert.equal(fresh.EffectImmediately, true)
  assert.equal(app.engine.applied.at(-1)!.ike.psk.reveal(), 'pgw6dy7d1i8i****')

  app.engine.see(VpnConnectionId, {
    ikeSas: [{ uniqueId: '1', state: 'established', version: 'ikev2', initiator: true }],
  })
  await until('phase 1 shows', async () => (await active()).Status === 'ike_sa_established')

  await ask('ModifyVpnConnectionAttribute', {
    VpnConnectionId,
    Name: 'renamed',
    IpsecConfig: JSON.stringify({ IpsecPfs: 'disabled' }),
  })
  const changed = await active()
  assert.equal(changed.Name, 'renamed')
  assert.equal(changed.IpsecConfig.IpsecPfs, 'disabled')
  assert.equal(changed.IpsecConfig.IpsecEncAlg, 'aes')
  assert.equal(app.engine.applied.at(-1)!.ipsec.pfs, 'disabled')

  await refused(ask('DeleteCustomerGateway', { CustomerGatewayId }), 'InvalidCustomerGateway.InUse')
  await refused(ask('DeleteVpnGateway', { VpnGatewayId }), 'DependencyViolation.VpnConnection')
  await refused(ask('DeleteVSwitch', { VSwitchId }), 'DependencyViolation.VpnGateway')
  await refused(ask('DeleteVpc', { VpcId }), 'DependencyViolation.VSwitch')

  await ask('DeleteVpnConnection', { VpnConnectionId })
  await until('the connection is gone', () =>
    ask('DescribeVpnConnection', { VpnConnectionId }).then(
      () => false,
      (error) => error.code === 'InvalidVpnConnectionInstanceId.NotFound',
    ),
  )
  assert.equal(app.engine.tunnelsHeld.size, 0)
  await until('the gateway is active again', async () => {
    return (await ask('DescribeVpnGateway', { VpnGatewayId })).Status === 'active'
  })
  await ask('DeleteVpnGateway', { VpnGatewayId })
  await until('the gateway is gone', () =>
    ask('DescribeVpnGateway', { VpnGatewayId }).then(
      () => false,
      (error) => error.code === 'InvalidVpnGatewayInstanceId.NotFound',
    ),
  )
  assert.equal(app.engine.gatewaysHeld.size, 0)
  await ask('DeleteCustomerGateway', { CustomerGatewayId })
  await refused(
    ask('DescribeCustomerGateway', { CustomerGatewayId }),
    'InvalidCustomerGatewayInstanceId.NotFound',
  )
  await ask('DeleteVSwitch', { VSwitchId })
  await ask('DeleteVpc', { VpcId })
  assert.equal((await ask('DescribeVpcs')).TotalCount, 0)
  assert.equal((await ask('DescribeVSwitches')).TotalCount, 0)
  assert.equal((await ask('DescribeVpnGateways')).TotalCount, 0)
  assert.equal((await ask('DescribeCustomerGateways')).TotalCount, 0)
  const none = await ask('DescribeVpnConnections')
  // Go's models leave an empty list out; that it is on the wire is held by the contract.
  assert.deepEqual([none.TotalCount, none.VpnConnections.VpnConnection ?? []], [0, []])
}

/** A connection with two tunnels and tags: lists and structures as parameters, which the plain life does not have. */
export async function twoTunnelLife(ask: Ask): Promise<void> {
  const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
  const vSwitches: string[] = []
  for (const [index, zone] of ['h', 'i'].entries()) {
    const network = { VpcId, CidrBlock: `10.${index}.0.0/24`, ZoneId: `${RegionId}-${zone}` }
    vSwitches.push((await ask('CreateVSwitch', network)).VSwitchId)
  }
  const [VSwitchId, DisasterRecoveryVSwitchId] = vSwitches
  const { VpnGatewayId } = await ask('CreateVpnGateway', {
    VpcId,
    VSwitchId,
    DisasterRecoveryVSwitchId,
    Bandwidth: 10,
  })
  const peers: string[] = []
  for (const IpAddress of ['198.51.100.9', '198.51.100.10']) {
    peers.push((await ask('CreateCustomerGateway', { IpAddress, Asn: '65001' })).CustomerGatewayId)
  }
  const gatewayActive = () =>
    until('the gateway is active', async () => {
      return (await ask('DescribeVpnGateway', { VpnGatewayId })).Status === 'active'
    })
  await gatewayActive()
  const { VpnConnectionId } = await ask('CreateVpnConnection', {
    VpnGatewayId,
    LocalSubnet: '10.0.0.0/24',
    RemoteSubnet: '192.168.0.0/24',
    Tags: [{ Key: 'stage', Value: 'test' }],
    TunnelOptionsSpecification: peers.map((CustomerGatewayId, index) => ({
      CustomerGatewayId,
      Role: ['master', 'slave'][index],
      EnableDpd: true,
      TunnelIkeConfig: { Psk: `key-${index}`, IkeVersion: 'ikev2', IkeLifetime: 3600 },
    })),
  })
  const active = () =>
    until('the connection is active', async () => {
      const answer = await ask('DescribeVpnConnection', { VpnConnectionId })
      return answer.State === 'active' && answer
    })
  const shown = await active()
  const tunnels = shown.TunnelOptionsSpecification.TunnelOptions
  assert.deepEqual(
    tunnels.map((tunnel: any) => [tunnel.CustomerGatewayId, tunnel.Role, tunnel.TunnelIkeConfig.Psk]),
    [
      [peers[0], 'master', 'key-0'],
      [peers[1], 'slave', 'key-1'],
    ],
  )
  // The models of the SDKs have text here; the wire has a number, which each of them takes.
  assert.equal(String(tunnels[0].TunnelIkeConfig.IkeLifetime), '3600')
  assert.equal(String(tunnels[0].EnableDpd), 'true')
  // Go's first models know older names beside these.
  assert.deepEqual(
    shown.Tags.Tag.map((tag: any) => [tag.Key, tag.Value]),
    [['stage', 'test']],
  )

  await gatewayActive()
  await ask('ModifyTunnelAttribute', {
    VpnConnectionId,
    TunnelId: tunnels[1].TunnelId,
    TunnelOptionsSpecification: { TunnelIkeConfig: { Psk: 'another' } },
  })
  await gatewayActive()
  const changed = (await active()).TunnelOptionsSpecification.TunnelOptions
  assert.deepEqual(
    changed.map((tunnel: any) => tunnel.TunnelIkeConfig.Psk),
    ['key-0', 'another'],
  )
  await ask('DeleteVpnConnection', { VpnConnectionId })
  await until('the connection is gone', () =>
    ask('DescribeVpnConnection', { VpnConnectionId }).then(
      () => false,
      (error) => error.code === 'InvalidVpnConnectionInstanceId.NotFound',
    ),
  )
  await gatewayActive()
  await ask('DeleteVpnGateway', { VpnGatewayId })
}
