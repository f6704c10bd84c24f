/** What the actions refuse and promise beside the plain life cycle, seen through an official client on both databases. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { popCore, startTestApp, type TestApp, until } from '../support/app.ts'
import { OpensslCa } from '../support/openssl.ts'
import { eachDatabase } from '../support/postgres.ts'
import { type Ids, seedConnection, seedEnds } from '../support/seed.ts'

const RegionId = 'cn-hangzhou'
const ids: Ids = { region: RegionId, vpnGatewayId: 'vpn-bp1seed', customerGatewayId: 'cgw-bp1seed' }

type Params = Record<string, unknown>

/** A CA of a peer, and what is none. */
async function peerCertificates() {
  const ca = await OpensslCa.create('rules', 'p256')
  const certificate = ca.certificate
  const leaf = (await ca.issue({ names: 'IP:198.51.100.2' })).certificate
  const expired = await ca.renew(-1)
  await ca.close()
  return { ca: certificate, leaf, expired }
}

eachDatabase((kind, _open, place) => {
  describe(`rules on ${kind}`, () => {
    let app: TestApp
    let ends: Awaited<ReturnType<typeof peerCertificates>>
    let ask: (action: string, params?: Params) => Promise<Record<string, any>>

    /** The code and status with which a call is refused. */
    async function codeOf(action: string, params: Params = {}, as = ask): Promise<string> {
      try {
        await as(action, params)
      } catch (error) {
        return (error as { code: string }).code
      }
      return 'OK'
    }

    const askAs = (key: { id: string; secret: string }) => {
      const client = popCore(app.host, key)
      // The client's objects have no prototype, which deepEqual minds.
      return async (action: string, params: Params = {}) =>
        JSON.parse(JSON.stringify(await client.request(action, { RegionId, ...params })))
    }

    before(async () => {
      ends = await peerCertificates()
      const config = await place()
      app = await startTestApp({
        database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        settings: { QUOTAS_VPN_GATEWAYS: '3', QUOTAS_CUSTOMER_GATEWAYS: '30' },
        // Seeded rows are nobody's message; the next round over everything finds them.
        resyncInterval: 200,
      })
      ask = askAs(app.root)
      await seedEnds(app, ids, { ipAddress: '8.211.0.146', asn: 65535 })
      await until('the seeded gateway is in the engine', async () =>
        app.engine.gatewaysHeld.has(ids.vpnGatewayId),
      )
    })
    after(() => app.close())

    const connection = (more: Params = {}) => ({
      VpnGatewayId: ids.vpnGatewayId,
      CustomerGatewayId: ids.customerGatewayId,
      LocalSubnet: '10.0.0.0/24',
      RemoteSubnet: '192.168.0.0/24',
      ...more,
    })

    test('the three errors of DescribeVpnConnection', async () => {
      assert.equal(
        await codeOf('DescribeVpnConnection', { VpnConnectionId: 'vco-none' }),
        'InvalidVpnConnectionInstanceId.NotFound',
      )
      const nobody = await app.userKey('nobody', [])
      assert.equal(
        await codeOf('DescribeVpnConnection', { VpnConnectionId: 'vco-none' }, askAs(nobody)),
        'Forbbiden.SubUser',
      )
      const denied = await app.userKey('denied', [
        { Effect: 'Allow', Action: ['*'], Resource: ['*'] },
        { Effect: 'Deny', Action: ['vpc:Describe*'], Resource: ['acs:vpc:*:*:vpnconnection/vco-secret'] },
      ])
      assert.equal(
        await codeOf('DescribeVpnConnection', { VpnConnectionId: 'vco-secret' }, askAs(denied)),
        'Forbidden',
      )
      assert.equal(
        await codeOf('DescribeVpnConnection', { VpnConnectionId: 'vco-other' }, askAs(denied)),
        'InvalidVpnConnectionInstanceId.NotFound',
      )
    })

    test('rights reach as far as their action and resource, and no further', async () => {
      await seedConnection(app, ids, 'vco-bp1mine', 'k1', { local_subnet: '10.20.0.0/24' })
      await seedConnection(app, ids, 'vco-bp1theirs', 'k1', { local_subnet: '10.21.0.0/24' })
      const reader = askAs(
        await app.userKey('reader', [
          {
            Effect: 'Allow',
            Action: ['vpc:DescribeVpnConnection'],
            Resource: [`acs:vpc:${RegionId}:*:vpnconnection/vco-bp1mine`],
          },
        ]),
      )
      assert.equal(
        (await reader('DescribeVpnConnection', { VpnConnectionId: 'vco-bp1mine' })).IkeConfig.Psk,
        'k1',
      )
      assert.equal(
        await codeOf('DescribeVpnConnection', { VpnConnectionId: 'vco-bp1theirs' }, reader),
        'Forbbiden.SubUser',
      )
      assert.equal(
        await codeOf('DeleteVpnConnection', { VpnConnectionId: 'vco-bp1mine' }, reader),
        'Forbbiden.SubUser',
      )
      assert.equal(await codeOf('DescribeVpnConnections', {}, reader), 'Forbbiden.SubUser')
      // What another account has does not exist for this one.
      const stranger = askAs(await app.rootKeyOf('9999999999999999'))
      assert.equal(
        await codeOf('DescribeVpnConnection', { VpnConnectionId: 'vco-bp1mine' }, stranger),
        'InvalidVpnConnectionInstanceId.NotFound',
      )
      assert.equal((await stranger('DescribeVpnConnections')).TotalCount, 0)
      for (const id of ['vco-bp1mine', 'vco-bp1theirs']) await removed(id)
    })

    async function removed(VpnConnectionId: string): Promise<void> {
      await until(`${VpnConnectionId} can be deleted`, async () => {
        const code = await codeOf('DeleteVpnConnection', { VpnConnectionId })
        return code === 'OK' || code === 'InvalidVpnConnectionInstanceId.NotFound'
      })
      await until(`${VpnConnectionId} is gone`, async () => {
        return (
          (await codeOf('DescribeVpnConnection', { VpnConnectionId })) ===
          'InvalidVpnConnectionInstanceId.NotFound'
        )
      })
    }

    async function ready(): Promise<void> {
      await until('the gateway is active', async () => {
        return (await ask('DescribeVpnGateway', { VpnGatewayId: ids.vpnGatewayId })).Status === 'active'
      })
    }

    test('the defaults of a bare connection', async () => {
      const { VpnConnectionId } = await ask('CreateVpnConnection', connection())
      const answer = await until('it is active', async () => {
        const seen = await ask('DescribeVpnConnection', { VpnConnectionId })
        return seen.State === 'active' && seen
      })
      const { Psk, ...ike } = answer.IkeConfig
      assert.match(Psk, /^[a-z0-9]{16}$/)
      assert.deepEqual(ike, {
        IkeAuthAlg: 'md5',
        IkeEncAlg: 'aes',
        IkeLifetime: 86400,
        IkeMode: 'main',
        IkePfs: 'group2',
        IkeVersion: 'ikev1',
        LocalId: '8.211.0.192',
        RemoteId: '8.211.0.146',
      })
      assert.deepEqual(answer.IpsecConfig, {
        IpsecAuthAlg: 'md5',
        IpsecEncAlg: 'aes',
        IpsecLifetime: 86400,
        IpsecPfs: 'group2',
      })
      assert.deepEqual(answer.VcoHealthCheck, {
        Dip: '',
        Enable: 'false',
        Interval: 0,
        Policy: 'revoke_route',
        Retry: 0,
        Sip: '',
        Status: 'success',
      })
      assert.equal(answer.VpnBgpConfig.EnableBgp, 'false')
      assert.deepEqual(
        [answer.EffectImmediately, answer.EnableDpd, answer.EnableNatTraversal],
        [false, true, true],
      )
      // Terraform plans a replacement for a member it does not expect on a single-tunnel connection.
      assert.equal('TunnelOptionsSpecification' in answer, false)
      await removed(VpnConnectionId)
    })

    test('values out of their range are refused by the name of their parameter', async () => {
      const cases: [Params, string][] = [
        [{ LocalSubnet: '10.0.0.1/8' }, 'IllegalParam.LocalSubnet'],
        [{ LocalSubnet: 'nonsense' }, 'IllegalParam.LocalSubnet'],
        [{ RemoteSubnet: '192.168.0.0/24,192.168.0.0/24' }, 'IllegalParam.RemoteSubnet'],
        [
          { RemoteSubnet: Array.from({ length: 11 }, (_, i) => `192.168.${i}.0/24`).join() },
          'IllegalParam.RemoteSubnet',
        ],
        [{ LocalSubnet: undefined }, 'MissingLocalSubnet'],
        [{ VpnGatewayId: undefined }, 'MissingVpnGatewayId'],
        [{ CustomerGatewayId: undefined }, 'MissingCustomerGatewayId'],
        [{ VpnGatewayId: 'vpn-none' }, 'InvalidVpnGatewayInstanceId.NotFound'],
        [{ CustomerGatewayId: 'cgw-none' }, 'InvalidCustomerGatewayInstanceId.NotFound'],
        [{ IkeConfig: '{"IkeVersion":"ikev3"}' }, 'IllegalParam.IkeVersion'],
        [{ IkeConfig: '{"IkeLifetime":86401}' }, 'IllegalParam.IkeLifetime'],
        [{ IkeConfig: '{"IkeLifetime":-1}' }, 'IllegalParam.IkeLifetime'],
        [{ IkeConfig: '{"Psk":"with space"}' }, 'IllegalParam.Psk'],
        [{ IkeConfig: `{"Psk":"${'x'.repeat(101)}"}` }, 'IllegalParam.Psk'],
        [{ IkeConfig: '{"LocalId":"a b"}' }, 'IllegalParam.LocalId'],
        [{ IkeConfig: 'not json' }, 'IllegalParam.IkeConfig'],
        [{ IkeConfig: '[]' }, 'IllegalParam.IkeConfig'],
        [{ IpsecConfig: '{"IpsecPfs":"group99"}' }, 'IllegalParam.IpsecPfs'],
        [{ EnableDpd: 'perhaps' }, 'IllegalParam.EnableDpd'],
        [{ Name: 'http://x' }, 'InvalidName'],
        [{ ClientToken: 'x'.repeat(65) }, 'IllegalParam.ClientToken'],
        [{ 'Tags.1.Key': 'acs:x' }, 'InvalidTagKey.Malformed'],
        [{ BgpConfig: '{"EnableBgp":"true"}' }, 'MissingTunnelCidr'],
        [{ BgpConfig: '{"TunnelCidr":"169.254.10.0/29"}' }, 'IllegalParam.TunnelCidr'],
        [{ HealthCheckConfig: '{"enable":"true","dip":"1.1.1.1"}' }, 'IllegalParam.HealthCheckConfig'],
        [{ RemoteCaCertificate: '-----BEGIN CERTIFICATE-----' }, 'IllegalParam.RemoteCaCertificate'],
        [{ RemoteCaCertificate: ends.expired }, 'IllegalParam.RemoteCaCertificate'],
        [{ RemoteCaCertificate: ends.leaf }, 'IllegalParam.RemoteCaCertificate'],
        [
          { RemoteCaCertificate: ends.ca, IkeConfig: '{"IkeVersion":"ikev1","IkeMode":"aggressive"}' },
          'IllegalParam.RemoteCaCertificate',
        ],
        [{ 'TunnelOptionsSpecification.1.Role': 'master' }, 'VpnConnection.InvalidCreateTunnelOptions'],
        [{ RegionId: 'mars-1' }, 'InvalidRegionId.NotFound'],
      ]
      for (const [params, code] of cases) {
        const given = Object.fromEntries(
          Object.entries(connection(params)).filter(([, value]) => value !== undefined),
        )
        assert.equal(await codeOf('CreateVpnConnection', given), code, JSON.stringify(params))
      }
      assert.equal((await ask('DescribeVpnConnections')).TotalCount, 0)
    })

    test('a CA of the peer: kept as written, shown with what we prove ourselves with, and taken away again', async () => {
      const { VpnConnectionId } = await ask(
        'CreateVpnConnection',
        connection({ RemoteCaCertificate: ends.ca }),
      )
      const settled = (wanted: (answer: Record<string, any>) => boolean) =>
        until('the connection is settled', async () => {
          const answer = await ask('DescribeVpnConnection', { VpnConnectionId, 'X-Suidao': 'true' })
          return answer['State'] === 'active' && wanted(answer) && answer
        })
      const shown = await settled((answer) => answer['X-Suidao'].Certificates?.Own !== undefined)
      assert.equal(shown.RemoteCaCertificate, ends.ca)
      const { Own, RemoteCa } = shown['X-Suidao'].Certificates
      assert.equal(RemoteCa.Subject, 'O=Lab, CN=rules')
      assert.equal(new X509Certificate(Own.Pem).subjectAltName, `IP Address:${Own.Identity}`)
      assert.match(Own.Issuer, /^O=Suidao, CN=VPN gateway CA ECDSA /)
      assert(Own.NotAfter > Date.now())

      const unchanged = { VpnConnectionId, RemoteCaCertificate: ends.ca }
      await ask('ModifyVpnConnectionAttribute', unchanged)
      assert.equal(
        await codeOf('ModifyVpnConnectionAttribute', {
          VpnConnectionId,
          IkeConfig: '{"IkeVersion":"ikev1","IkeMode":"aggressive"}',
        }),
        'IllegalParam.RemoteCaCertificate',
      )
      await ask('ModifyVpnConnectionAttribute', { VpnConnectionId, RemoteCaCertificate: '' })
      const back = await settled((answer) => answer['X-Suidao'].Generation === 2)
      assert.equal(back.RemoteCaCertificate, '')
      assert.equal('Certificates' in back['X-Suidao'], false)
      await ask('DeleteVpnConnection', { VpnConnectionId })
      await until('the connection is gone', async () => {
        return (await codeOf('DescribeVpnConnection', { VpnConnectionId })) !== 'OK'
      })
    })

    test('a refused key is not repeated to anybody', async () => {
      const Psk = 'not a good key, at all'
      await assert.rejects(
        ask('CreateVpnConnection', connection({ IkeConfig: JSON.stringify({ Psk }) })),
        (error: { data: { Message: string; RequestId: string } }) => {
          assert.doesNotMatch(error.data.Message, /at all/)
          return true
        },
      )
      assert.doesNotMatch(app.log.join('\n'), /at all/)
    })

    test('every error has a request id that stands in the log', async () => {
      const error = await ask('DescribeVpnConnection', { VpnConnectionId: 'vco-none' }).catch((e) => e)
      const { RequestId } = error.data
      await until('the line is written', async () => app.log.some((line) => line.includes(RequestId)))
      const line = JSON.parse(app.log.find((one) => one.includes(RequestId))!)
      assert.equal(line.code, 'InvalidVpnConnectionInstanceId.NotFound')
      assert.equal(line.status, 404)
      assert.equal(line.action, 'DescribeVpnConnection')
    })

    test('ClientToken: the same call twice has one effect, another call with it is refused', async () => {
      const params = connection({ ClientToken: 'TF-Create-1', LocalSubnet: '10.3.0.0/24' })
      const first = await ask('CreateVpnConnection', params)
      const again = await ask('CreateVpnConnection', params)
      assert.equal(again.VpnConnectionId, first.VpnConnectionId)
      assert.notEqual(again.RequestId, first.RequestId)
      assert.equal((await ask('DescribeVpnConnections')).TotalCount, 1)
      assert.equal(
        await codeOf('CreateVpnConnection', { ...params, LocalSubnet: '10.4.0.0/24' }),
        'IdempotentParameterMismatch',
      )
      await removed(first.VpnConnectionId)
    })

    test('ClientToken: many at once have one effect', async () => {
      const params = { IpAddress: '8.8.4.4', ClientToken: 'same' }
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask('CreateCustomerGateway', params)))
      assert.equal(new Set(answers.map(({ CustomerGatewayId }) => CustomerGatewayId)).size, 1)
      await ask('DeleteCustomerGateway', { CustomerGatewayId: answers[0]!.CustomerGatewayId })
    })

    test('ClientToken: a refused call does not use it up', async () => {
      const params = { IpAddress: '127.0.0.1', ClientToken: 'again' }
      assert.equal(await codeOf('CreateCustomerGateway', params), 'InvalidIpAddress.WrongFormat')
      const { CustomerGatewayId } = await ask('CreateCustomerGateway', { ...params, IpAddress: '8.8.8.8' })
      await ask('DeleteCustomerGateway', { CustomerGatewayId })
    })

    test('DryRun checks everything and does nothing', async () => {
      assert.equal(await codeOf('CreateVpnConnection', connection({ DryRun: true })), 'DryRunOperation')
      assert.equal(
        await codeOf('CreateVpnConnection', connection({ DryRun: true, LocalSubnet: 'x' })),
        'IllegalParam.LocalSubnet',
      )
      assert.equal(await codeOf('CreateVpc', { DryRun: true }), 'DryRunOperation')
      assert.equal((await ask('DescribeVpnConnections')).TotalCount, 0)
      assert.equal((await ask('DescribeVpcs')).TotalCount, 1)
    })

    test('the same connection twice, and a second key in main mode, are refused', async () => {
      await ready()
      const { VpnConnectionId } = await ask(
        'CreateVpnConnection',
        connection({ LocalSubnet: '10.5.0.0/24,10.6.0.0/24', IkeConfig: '{"Psk":"a"}' }),
      )
      await ready()
      assert.equal(
        await codeOf('CreateVpnConnection', connection({ LocalSubnet: '10.6.0.0/24, 10.5.0.0/24' })),
        'InvalidVpnConnection.AlreadyExists',
      )
      assert.equal(
        await codeOf(
          'CreateVpnConnection',
          connection({ LocalSubnet: '10.7.0.0/24', IkeConfig: '{"Psk":"b"}' }),
        ),
        'IllegalParam.Psk',
      )
      await removed(VpnConnectionId)
    })

    test('one change at a time: meanwhile the gateway is updating and further writes are refused', async () => {
      await ready()
      const release = app.engine.hold()
      const { VpnConnectionId } = await ask('CreateVpnConnection', connection())
      assert.equal((await ask('DescribeVpnGateway', { VpnGatewayId: ids.vpnGatewayId })).Status, 'updating')
      assert.equal((await ask('DescribeVpnConnection', { VpnConnectionId })).State, 'updating')
      assert.equal(
        await codeOf('CreateVpnConnection', connection({ LocalSubnet: '10.9.0.0/24' })),
        'VpnGateway.Configuring',
      )
      assert.equal(
        await codeOf('ModifyVpnConnectionAttribute', { VpnConnectionId, Name: 'x' }),
        'VpnGateway.Configuring',
      )
      assert.equal(await codeOf('DeleteVpnConnection', { VpnConnectionId }), 'VpnGateway.Configuring')
      release()
      await ready()
      await removed(VpnConnectionId)
    })

    test('an engine that cannot make a connection real says so, and the gateway is not stuck', async () => {
      await ready()
      app.engine.failApply = new Error('no such device')
      const { VpnConnectionId } = await ask('CreateVpnConnection', connection())
      await ready()
      const answer = await ask('DescribeVpnConnection', { VpnConnectionId, 'X-Suidao': 'true' })
      assert.equal(answer.Status, 'ike_sa_not_established')
      assert.equal(answer['X-Suidao'].Reason.Code, 'LOCAL_KERNEL')
      assert.deepEqual(answer['X-Suidao'].Reason.Evidence, ['no such device'])
      app.engine.failApply = undefined
      await until('it is made real by itself', async () => app.engine.tunnelsHeld.has(VpnConnectionId))
      await removed(VpnConnectionId)
    })

    test('the extra object comes only when it is asked for, with the reason and its evidence', async () => {
      await ready()
      const { VpnConnectionId } = await ask('CreateVpnConnection', connection())
      await ready()
      app.engine.see(VpnConnectionId, {
        failure: { code: 'PSK_MISMATCH', since: 1234, evidence: ['tried 1 shared key, but MAC mismatched'] },
      })
      const extra = await until('the reason shows', async () => {
        const answer = await ask('DescribeVpnConnection', { VpnConnectionId, 'X-Suidao': 'true' })
        return answer['X-Suidao'].Reason && answer['X-Suidao']
      })
      assert.equal(extra.Reason.Code, 'PSK_MISMATCH')
      assert.equal(extra.Reason.FailedReasonCode, 'PskMismatch')
      assert.equal(extra.Reason.Since, 1234)
      assert.equal(extra.Freshness, 'current')
      assert.equal('X-Suidao' in (await ask('DescribeVpnConnection', { VpnConnectionId })), false)

      const at = Date.now()
      for (const [later, bytes] of [
        [0, 1_000],
        [10_000, 11_000],
      ] as const) {
        const counted = { bytesIn: bytes, bytesOut: 2 * bytes, packetsIn: 1, packetsOut: 1 }
        const childSa = {
          uniqueId: '2',
          ikeUniqueId: '1',
          state: 'installed' as const,
          spiIn: 'a',
          ...counted,
        }
        app.engine.see(VpnConnectionId, {
          childSas: [{ ...childSa, localSelectors: [], remoteSelectors: [] }],
          at: at + later,
        })
        await until('the report is stored', async () => {
          const answer = await ask('DescribeVpnConnection', { VpnConnectionId, 'X-Suidao': 'true' })
          return answer['X-Suidao'].AsOf === at + later
        })
      }
      const listed = await ask('DescribeVpnConnections', { VpnConnectionId, 'X-Suidao': 'true' })
      const { RateIn, RateOut } = listed['X-Suidao'][VpnConnectionId]
      assert.deepEqual([RateIn, RateOut], [8_000, 16_000])
      await removed(VpnConnectionId)
    })

    test('an answer never shows what was before: every write is seen by the next read', async () => {
      await ready()
      const { VpnConnectionId } = await ask('CreateVpnConnection', connection())
      await ready()
      const read = () => ask('DescribeVpnConnection', { VpnConnectionId })
      for (let round = 0; round < 20; round++) {
        await read()
        await ask('ModifyVpnConnectionAttribute', { VpnConnectionId, Name: `n${round}` })
        assert.equal((await read()).Name, `n${round}`)
        const tag = { ResourceType: 'VPNCONNECTION', 'ResourceId.1': VpnConnectionId }
        await ask('TagResources', { ...tag, 'Tag.1.Key': 'round', 'Tag.1.Value': `${round}` })
        assert.deepEqual((await read()).Tags.Tag, [{ Key: 'round', Value: `${round}` }])
        const up = round % 2 === 0
        app.engine.see(VpnConnectionId, {
          ikeSas: up ? [{ uniqueId: '1', state: 'established', version: 'ikev1', initiator: true }] : [],
        })
        const status = up ? 'ike_sa_established' : 'ike_sa_not_established'
        await until(status, async () => (await read()).Status === status)
      }
      await removed(VpnConnectionId)
    })

    test('lists: pages hold every row once, with numbers that end', async () => {
      const addresses = Array.from({ length: 23 }, (_, i) => `9.9.9.${i + 1}`)
      for (const IpAddress of addresses) await ask('CreateCustomerGateway', { IpAddress })
      const seen: string[] = []
      for (let PageNumber = 1; ; PageNumber++) {
        const page = await ask('DescribeCustomerGateways', { PageNumber, PageSize: 10 })
        assert.deepEqual([page.TotalCount, page.PageNumber, page.PageSize], [24, PageNumber, 10])
        seen.push(...page.CustomerGateways.CustomerGateway.map((one: { IpAddress: string }) => one.IpAddress))
        if (page.CustomerGateways.CustomerGateway.length < 10) break
      }
      assert.deepEqual(seen, ['8.211.0.146', ...addresses])
      // A page reached without its neighbours, and one behind the end.
      const jump = await ask('DescribeCustomerGateways', { PageNumber: 12, PageSize: 2 })
      assert.deepEqual(
        jump.CustomerGateways.CustomerGateway.map((one: { IpAddress: string }) => one.IpAddress),
        ['9.9.9.22', '9.9.9.23'],
      )
      const behind = await ask('DescribeCustomerGateways', { PageNumber: 99, PageSize: 2 })
      assert.deepEqual([behind.TotalCount, behind.CustomerGateways.CustomerGateway], [24, []])
      for (const params of [{ PageSize: 51 }, { PageSize: 0 }, { PageNumber: 0 }, { PageNumber: 'x' }]) {
        const name = Object.keys(params)[0]
        assert.equal(await codeOf('DescribeCustomerGateways', params), `IllegalParam.${name}`)
      }
    })

    test('lists: a reader who walks the pages misses nothing when rows before go away', async () => {
      const first = await ask('DescribeCustomerGateways', { PageNumber: 1, PageSize: 5 })
      const gone = first.CustomerGateways.CustomerGateway[1]
      await ask('DeleteCustomerGateway', { CustomerGatewayId: gone.CustomerGatewayId })
      const second = await ask('DescribeCustomerGateways', { PageNumber: 2, PageSize: 5 })
      assert.equal(second.CustomerGateways.CustomerGateway[0].IpAddress, '9.9.9.5')
    })

    test('quotas', async () => {
      const create = () => ask('CreateVpnGateway', { VpcId: 'vpc-seed', Bandwidth: 10 })
      await create()
      await create()
      assert.equal(
        await codeOf('CreateVpnGateway', { VpcId: 'vpc-seed', Bandwidth: 10 }),
        'Resource.QuotaFull',
      )
      assert.equal((await ask('DescribeVpnGateways')).TotalCount, 3)
    })

    test('customer gateways: addresses and numbers', async () => {
      const cases: [Params, string][] = [
        [{ IpAddress: '8.211.0.146' }, 'InvalidIpAddress.AlreadyExist'],
        [{ IpAddress: '300.1.1.1' }, 'InvalidIpAddress.WrongFormat'],
        [{ IpAddress: '169.254.1.1' }, 'InvalidIpAddress.WrongFormat'],
        [{ IpAddress: '100.64.0.1' }, 'InvalidIpAddress.WrongFormat'],
        [{ IpAddress: '1.1.1.1', Asn: '45104' }, 'IllegalParam.Asn'],
        [{ IpAddress: '1.1.1.1', Asn: '4294967296' }, 'IllegalParam.Asn'],
        [{ IpAddress: '1.1.1.1', Asn: '0' }, 'IllegalParam.Asn'],
        [{}, 'MissingIpAddress'],
      ]
      for (const [params, code] of cases) assert.equal(await codeOf('CreateCustomerGateway', params), code)
      const unnamed = await ask('DescribeCustomerGateway', { CustomerGatewayId: ids.customerGatewayId })
      assert.equal(unnamed.Asn, 65535)
      const { CustomerGatewayId } = await ask('CreateCustomerGateway', {
        IpAddress: '1.1.1.2',
        Name: 'a',
        Description: 'b',
      })
      const bare = await ask('DescribeCustomerGateway', { CustomerGatewayId })
      assert.equal('Asn' in bare, false)
      await ask('ModifyCustomerGatewayAttribute', { CustomerGatewayId, Description: '' })
      const cleared = await ask('DescribeCustomerGateway', { CustomerGatewayId })
      assert.deepEqual([cleared.Name, cleared.Description], ['a', ''])
    })

    test('tags: set with the resource, changed, listed, filtered by, removed', async () => {
      const { CustomerGatewayId } = await ask('CreateCustomerGateway', {
        IpAddress: '7.7.7.7',
        'Tags.1.Key': 'env',
        'Tags.1.Value': 'prod',
        'Tags.2.Key': 'empty',
      })
      const tagsOf = async () =>
        (await ask('DescribeCustomerGateway', { CustomerGatewayId })).Tags.Tag.map(
          ({ Key, Value }: { Key: string; Value: string }) => `${Key}=${Value}`,
        )
      assert.deepEqual(await tagsOf(), ['empty=', 'env=prod'])
      const on = { ResourceType: 'CUSTOMERGATEWAY', 'ResourceId.1': CustomerGatewayId }
      await ask('TagResources', { ...on, 'Tag.1.Key': 'env', 'Tag.1.Value': 'test' })
      await ask('TagResources', { ...on, 'Tag.1.Key': 'env', 'Tag.1.Value': 'test' })
      assert.deepEqual(await tagsOf(), ['empty=', 'env=test'])
      const found = await ask('DescribeCustomerGateways', { 'Tag.1.Key': 'env', 'Tag.1.Value': 'test' })
      assert.deepEqual(
        [found.TotalCount, found.CustomerGateways.CustomerGateway[0].CustomerGatewayId],
        [1, CustomerGatewayId],
      )
      assert.equal(
        (await ask('DescribeCustomerGateways', { 'Tag.1.Key': 'env', 'Tag.1.Value': 'prod' })).TotalCount,
        0,
      )
      const first = await ask('ListTagResources', { ...on, MaxResults: 1 })
      assert.deepEqual(first.TagResources.TagResource[0].TagKey, 'empty')
      const second = await ask('ListTagResources', { ...on, MaxResults: 1, NextToken: first.NextToken })
      assert.deepEqual(second.TagResources.TagResource[0].TagValue, 'test')
      assert.equal(second.NextToken, undefined)
      assert.equal(await codeOf('ListTagResources', { ...on, NextToken: '@@' }), 'InvalidNextToken')
      await ask('UnTagResources', { ...on, 'TagKey.1': 'env' })
      assert.deepEqual(await tagsOf(), ['empty='])
      await ask('UntagResources', { ...on, All: true })
      assert.deepEqual(await tagsOf(), [])
      const twenty = Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [
          [`Tag.${i + 1}.Key`, `k${i}`],
          [`Tag.${i + 1}.Value`, ''],
        ]).flat(),
      )
      await ask('TagResources', { ...on, ...twenty })
      assert.equal(
        await codeOf('TagResources', { ...on, 'Tag.1.Key': 'one more', 'Tag.1.Value': '' }),
        'QuotaExceeded.TagNum',
      )
      assert.equal(
        await codeOf('TagResources', {
          ResourceType: 'VpnGateWay',
          'ResourceId.1': 'vpn-none',
          'Tag.1.Key': 'a',
          'Tag.1.Value': '',
        }),
        'InvalidVpnGatewayInstanceId.NotFound',
      )
    })

    test('ways for single machines to dial in are refused by name, and their lists are empty', async () => {
      const { vpnGatewayId: VpnGatewayId } = ids
      const pool = { ClientIpPool: '192.168.30.0/24', LocalSubnet: '10.0.0.0/24' }
      const cases: [action: string, params: Params, code: string][] = [
        ['CreateSslVpnServer', {}, 'MissingVpnGatewayId'],
        ['CreateSslVpnServer', { VpnGatewayId: 'vpn-none', ...pool }, 'InvalidVpnGatewayInstanceId.NotFound'],
        ['CreateSslVpnServer', { VpnGatewayId, ...pool }, 'VpnGateway.SslVpnDisabled'],
        ['CreateIpsecServer', { VpnGatewayId, ...pool }, 'OperationUnsupported.IPsecServer'],
        ['ModifySslVpnServer', { SslVpnServerId: 'vss-1' }, 'InvalidSslVpnServerId.NotFound'],
        ['DeleteSslVpnServer', { SslVpnServerId: 'vss-1' }, 'InvalidSslVpnServerId.NotFound'],
        ['CreateSslVpnClientCert', { SslVpnServerId: 'vss-1' }, 'InvalidSslVpnServerId.NotFound'],
        ['DescribeSslVpnClientCert', { SslVpnClientCertId: 'vsc-1' }, 'InvalidSslVpnClientCertId.NotFound'],
        ['UpdateIpsecServer', { IpsecServerId: 'iss-1' }, 'InvalidIpsecServerId.NotFound'],
        ['DescribeSslVpnClients', { VpnGatewayId: 'vpn-none' }, 'InvalidVpnGatewayInstanceId.NotFound'],
        ['AssociateVpnGatewayWithCertificate', { VpnGatewayId }, 'UnsupportedOperation'],
      ]
      for (const [action, params, code] of cases) assert.equal(await codeOf(action, params), code, action)
      assert.deepEqual((await ask('DescribeSslVpnServers'))['SslVpnServers'], { SslVpnServer: [] })
      assert.equal((await ask('DescribeSslVpnClientCerts'))['TotalCount'], 0)
      assert.deepEqual((await ask('ListIpsecServers'))['IpsecServers'], [])
      assert.equal((await ask('ListVpnCertificateAssociations'))['TotalCount'], 0)
    })

    test('unknown actions say so', async () => {
      assert.equal(await codeOf('DescribeNothing', {}), 'InvalidAction.NotFound')
    })
  })
})
