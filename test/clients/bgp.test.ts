/** BGP and health checks as callers set them and read them, driven by the official clients on both databases. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BgpReport } from '../../src/engine/engine.ts'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients, RegionId, refused } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'

const established: BgpReport = {
  state: 'established',
  since: 1,
  learned: [{ prefix: '192.168.0.0/16', asPath: '65001', communities: '', best: true }],
  advertised: ['10.0.0.0/8'],
}

eachDatabase((kind, _open, place) => {
  for (const { name, make } of officialClients) {
    describe(`BGP and health checks, ${name} on ${kind}`, () => {
      let app: TestApp
      let ask: Ask
      let single: string
      let dual: string
      let peer: string
      let peerWithoutAsn: string

      const ready = (VpnGatewayId: string) =>
        until('the gateway is active', async () => {
          const answer = await ask('DescribeVpnGateway', { VpnGatewayId })
          return answer.Status === 'active' && answer
        })
      const read = (VpnConnectionId: string) => ask('DescribeVpnConnection', { VpnConnectionId })
      const active = (VpnConnectionId: string) =>
        until('the connection is active', async () => {
          const answer = await read(VpnConnectionId)
          return answer.State === 'active' && answer
        })
      const create = async (params: object = {}) => {
        await ready(single)
        const { VpnConnectionId } = await ask('CreateVpnConnection', {
          VpnGatewayId: single,
          CustomerGatewayId: peer,
          LocalSubnet: '0.0.0.0/0',
          RemoteSubnet: '0.0.0.0/0',
          IkeConfig: JSON.stringify({ Psk: 'a-key', IkeVersion: 'ikev2' }),
          ...params,
        })
        return active(VpnConnectionId)
      }
      const modify = async (VpnConnectionId: string, params: object) => {
        await ready(single)
        await ask('ModifyVpnConnectionAttribute', { VpnConnectionId, ...params })
        return active(VpnConnectionId)
      }
      const remove = async (gateway: string, VpnConnectionId: string) => {
        await ready(gateway)
        await ask('DeleteVpnConnection', { VpnConnectionId })
        await until('it is gone', () =>
          read(VpnConnectionId).then(
            () => false,
            () => true,
          ),
        )
      }
      const bgp = (third: number, more: object = {}) => ({
        TunnelCidr: `169.254.${third}.0/30`,
        LocalBgpIp: `169.254.${third}.1`,
        LocalAsn: '65100',
        ...more,
      })
      const withBgp = (third: number, more: object = {}) => ({
        BgpConfig: JSON.stringify({ EnableBgp: 'true', ...bgp(third, more) }),
      })
      const held = (id: string) => app.engine.tunnelsHeld.get(id)!

      before(async () => {
        const config = await place()
        app = await startTestApp({
          database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        })
        ask = make(app)
        const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
        const vSwitches: string[] = []
        for (const [index, letter] of ['h', 'i'].entries()) {
          const { VSwitchId } = await ask('CreateVSwitch', {
            VpcId,
            CidrBlock: `10.${index}.0.0/24`,
            ZoneId: `cn-hangzhou-${letter}`,
          })
          vSwitches.push(VSwitchId)
        }
        const gateway = async (params: object) =>
          (await ask('CreateVpnGateway', { VpcId, VSwitchId: vSwitches[0], Bandwidth: 10, ...params }))
            .VpnGatewayId
        single = await gateway({})
        dual = await gateway({ DisasterRecoveryVSwitchId: vSwitches[1] })
        const customer = async (params: Record<string, unknown>) =>
          (await ask('CreateCustomerGateway', params)).CustomerGatewayId
        peer = await customer({ IpAddress: '198.51.100.9', Asn: '65001', AuthKey: 'bgp-key' })
        peerWithoutAsn = await customer({ IpAddress: '198.51.100.10' })
      })
      after(() => app.close())

      test('the region and every gateway can have BGP; one that uses it says so', async () => {
        assert.equal((await ask('CheckVpnBgpEnabled')).BgpEnabled, true)
        const before = await ready(single)
        assert.equal(JSON.parse(before.Tag).VpnEnableBgp, 'true')
        assert.equal(before.EnableBgp, false)
        const { VpnConnectionId } = await create(withBgp(10))
        assert.equal((await ready(single)).EnableBgp, true)
        await remove(single, VpnConnectionId)
        assert.equal((await ready(single)).EnableBgp, false)
      })

      test('the session is handed to the engine as it was asked for, and its state read as it is', async () => {
        const created = await create(withBgp(10))
        const id: string = created.VpnConnectionId
        const { AuthKey, Status, ...config } = created.VpnBgpConfig
        assert.deepEqual(config, {
          EnableBgp: 'true',
          LocalAsn: 65100,
          LocalBgpIp: '169.254.10.1',
          PeerAsn: 65001,
          PeerBgpIp: '169.254.10.2',
          TunnelCidr: '169.254.10.0/30',
        })
        assert.equal(AuthKey, 'bgp-key')
        assert.equal(Status, 'false')
        assert.equal(held(id).insideAddress, '169.254.10.1/30')
        const { authKey, ...session } = held(id).bgp!
        assert.equal(authKey?.reveal(), 'bgp-key')
        assert.deepEqual(session, {
          localAsn: 65100,
          peerAsn: 65001,
          localIp: '169.254.10.1',
          peerIp: '169.254.10.2',
          advertised: ['10.0.0.0/8'],
          preference: 200,
        })

        app.engine.see(id, { bgp: established })
        await until('success', async () => (await read(id)).VpnBgpConfig.Status === 'success')
        app.engine.see(id, { bgp: { ...established, state: 'active', lastError: 'Bad peer AS: 65009' } })
        await until('false', async () => (await read(id)).VpnBgpConfig.Status === 'false')
        await remove(single, id)
      })

      test('a new key of the customer gateway goes to the sessions with it, and to no other tunnel', async () => {
        const withIt = (await create(withBgp(10))).VpnConnectionId
        const without = (await create({ RemoteSubnet: '192.168.0.0/16' })).VpnConnectionId
        const generations = () => [withIt, without].map((id) => held(id).generation)
        const before = generations()
        await ask('ModifyCustomerGatewayAttribute', { CustomerGatewayId: peer, AuthKey: 'bgp-key' })
        await ask('ModifyCustomerGatewayAttribute', { CustomerGatewayId: peer, AuthKey: 'another' })
        await until('the new key', async () => held(withIt).bgp?.authKey?.reveal() === 'another')
        assert.deepEqual(generations(), [before[0]! + 1, before[1]])
        await ask('ModifyCustomerGatewayAttribute', { CustomerGatewayId: peer, AuthKey: 'bgp-key' })
        for (const id of [withIt, without]) await remove(single, id)
      })

      test('BGP is switched on, changed and switched off in a connection that is there', async () => {
        const { VpnConnectionId: id, VpnBgpConfig: bare } = await create()
        assert.equal(bare.EnableBgp, 'false')
        assert.equal(held(id).bgp, undefined)
        await ready(single)
        await refused(
          ask('ModifyVpnConnectionAttribute', { VpnConnectionId: id, BgpConfig: '{"EnableBgp":"true"}' }),
          'MissingTunnelCidr',
        )
        // An ASN that nobody has given is that of the cloud.
        const on = await modify(id, withBgp(10, { LocalAsn: undefined }))
        assert.deepEqual([on.VpnBgpConfig.EnableBgp, on.VpnBgpConfig.LocalAsn], ['true', 45104])
        const { generation } = held(id)
        const other = await modify(id, { BgpConfig: '{"LocalBgpIp":"169.254.10.2","LocalAsn":"1.2"}' })
        assert.deepEqual(
          [other.VpnBgpConfig.LocalBgpIp, other.VpnBgpConfig.PeerBgpIp, other.VpnBgpConfig.LocalAsn],
          ['169.254.10.2', '169.254.10.1', 65538],
        )
        assert.equal(held(id).generation, generation + 1)
        assert.equal(held(id).bgp?.localIp, '169.254.10.2')
        const off = await modify(id, { BgpConfig: '{"EnableBgp":"false"}' })
        assert.equal(off.VpnBgpConfig.EnableBgp, 'false')
        assert.equal(held(id).bgp, undefined)
        assert.equal(held(id).insideAddress, undefined)
        await remove(single, id)
      })

      test('what cannot be a session is refused by the name of the parameter', async () => {
        const { VpnConnectionId } = await create(withBgp(10))
        const cases: [object, string][] = [
          [withBgp(11, { TunnelCidr: '169.254.0.0/30' }), 'IllegalParam.TunnelCidr'],
          [withBgp(11, { TunnelCidr: '169.254.11.0/29' }), 'IllegalParam.TunnelCidr'],
          [withBgp(11, { LocalBgpIp: '169.254.11.3' }), 'IllegalParam.LocalBgpIp'],
          [withBgp(11, { LocalBgpIp: undefined }), 'MissingLocalBgpIp'],
          [withBgp(11, { LocalAsn: '0' }), 'IllegalParam.LocalAsn'],
          // Another session of the gateway has another ASN, or this block.
          [withBgp(11, { LocalAsn: '65101' }), 'IllegalParam.LocalAsn'],
          [withBgp(10), 'IllegalParam.TunnelCidr'],
          [{ ...withBgp(11), CustomerGatewayId: peerWithoutAsn }, 'OperationUnsupported.EnableBgp'],
        ]
        await ready(single)
        for (const [params, code] of cases) {
          const wanted = {
            VpnGatewayId: single,
            CustomerGatewayId: peer,
            LocalSubnet: '10.0.0.0/24',
            RemoteSubnet: '192.168.0.0/16',
            ...params,
          }
          await refused(ask('CreateVpnConnection', wanted), code)
        }
        await remove(single, VpnConnectionId)
      })

      test('two tunnels: both sessions, the master preferred; each with its state', async () => {
        await ready(dual)
        const pair = [10, 11].map((third, index) => ({
          CustomerGatewayId: peer,
          Role: index === 0 ? 'master' : 'slave',
          TunnelIkeConfig: { Psk: 'a-key', IkeVersion: 'ikev2' },
          TunnelBgpConfig: bgp(third),
        }))
        const wanted = {
          VpnGatewayId: dual,
          LocalSubnet: '0.0.0.0/0',
          RemoteSubnet: '0.0.0.0/0',
          EnableTunnelsBgp: true,
        }
        const [first, second] = pair
        await refused(
          ask('CreateVpnConnection', {
            ...wanted,
            TunnelOptionsSpecification: [first, { ...second, TunnelBgpConfig: bgp(10) }],
          }),
          'IllegalParam.TunnelCidr',
        )
        const { VpnConnectionId } = await ask('CreateVpnConnection', {
          ...wanted,
          TunnelOptionsSpecification: pair,
        })
        const answer = await active(VpnConnectionId)
        assert.equal(answer.EnableTunnelsBgp, true)
        const [master, slave] = answer.TunnelOptionsSpecification.TunnelOptions
        assert.deepEqual(
          [master, slave].map(({ TunnelBgpConfig: { LocalBgpIp, PeerBgpIp, BgpStatus } }) => [
            LocalBgpIp,
            PeerBgpIp,
            BgpStatus,
          ]),
          [
            ['169.254.10.1', '169.254.10.2', 'false'],
            ['169.254.11.1', '169.254.11.2', 'false'],
          ],
        )
        assert.deepEqual(
          [master, slave].map(({ TunnelId }) => held(TunnelId).bgp?.preference),
          [200, 100],
        )
        app.engine.see(slave.TunnelId, { bgp: established })
        await until('the session of the slave', async () => {
          const { TunnelOptions } = (await read(VpnConnectionId)).TunnelOptionsSpecification
          return (
            TunnelOptions.map((tunnel: any) => tunnel.TunnelBgpConfig.BgpStatus).join() === 'false,success'
          )
        })
        await ready(dual)
        await ask('ModifyVpnConnectionAttribute', { VpnConnectionId, EnableTunnelsBgp: false })
        await active(VpnConnectionId)
        assert.equal(held(master.TunnelId).bgp, undefined)
        await remove(dual, VpnConnectionId)
      })

      test('a health check is handed to the engine, and its verdict read', async () => {
        const check = { enable: 'true', dip: '192.168.0.1', sip: '10.0.0.1', interval: '2', retry: 4 }
        const { VpnConnectionId: id, VcoHealthCheck } = await create({
          HealthCheckConfig: JSON.stringify(check),
        })
        assert.deepEqual(
          { ...VcoHealthCheck },
          {
            Dip: '192.168.0.1',
            Enable: 'true',
            Interval: 2,
            Policy: 'revoke_route',
            Retry: 4,
            Sip: '10.0.0.1',
            Status: 'failed',
          },
        )
        const probe = { source: '10.0.0.1', destination: '192.168.0.1', interval: 2, retry: 4 }
        assert.deepEqual(held(id).probe, { ...probe, revokeRoutes: true })
        app.engine.see(id, { probe: { succeeding: true, since: 1, sent: 4, received: 4, rtt: 5 } })
        await until('success', async () => (await read(id)).VcoHealthCheck.Status === 'success')
        app.engine.see(id, { probe: { succeeding: false, since: 2, sent: 8, received: 4, rtt: 5 } })
        await until('failed', async () => (await read(id)).VcoHealthCheck.Status === 'failed')

        const { generation } = held(id)
        await modify(id, { HealthCheckConfig: '{"Interval":"5"}' })
        assert.equal(held(id).probe?.interval, 5)
        assert.equal(held(id).generation, generation + 1)
        const off = await modify(id, { HealthCheckConfig: '{"Enable":"false"}' })
        assert.deepEqual([off.VcoHealthCheck.Enable, off.VcoHealthCheck.Status], ['false', 'success'])
        assert.equal(held(id).probe, undefined)
        await ready(single)
        await refused(
          ask('ModifyVpnConnectionAttribute', {
            VpnConnectionId: id,
            HealthCheckConfig: '{"Enable":"true","Dip":"here"}',
          }),
          'IllegalParam.HealthCheckConfig',
        )
        await remove(single, id)
      })

      test('a health check that was never set up gets the default times when it is switched on', async () => {
        const { VpnConnectionId: id } = await create()
        const on = await modify(id, {
          HealthCheckConfig: '{"Enable":"true","Dip":"192.168.0.1","Sip":"10.0.0.1"}',
        })
        assert.deepEqual([on.VcoHealthCheck.Interval, on.VcoHealthCheck.Retry], [3, 3])
        await remove(single, id)
      })

      test('a health check with times of 0, as Terraform creates it, has the default ones', async () => {
        const { VpnConnectionId: id, VcoHealthCheck } = await create({
          HealthCheckConfig: '{"enable":true,"dip":"192.168.0.1","sip":"10.0.0.1","interval":0,"retry":0}',
        })
        assert.deepEqual([VcoHealthCheck.Interval, VcoHealthCheck.Retry], [3, 3])
        const changed = await modify(id, { HealthCheckConfig: '{"Interval":5,"Retry":0}' })
        assert.deepEqual([changed.VcoHealthCheck.Interval, changed.VcoHealthCheck.Retry], [5, 3])
        await remove(single, id)
      })

      test(`all of it in ${RegionId} is gone`, async () => {
        assert.equal((await ask('DescribeVpnConnections')).TotalCount, 0)
      })
    })
  }
})
