/** Logs, diagnosis and the configuration of the peer, asked for by the official clients, on both databases. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { reasons } from '../../src/engine/reason.ts'
import { popCore, startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients, RegionId, refused } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'
import { parsePrometheus } from '../support/prometheus.ts'

const psk = 'a-key-of-the-test'
const masterKey = '7'.repeat(64)

eachDatabase((kind, _open, place) => {
  describe(`logs and diagnosis on ${kind}`, () => {
    let app: TestApp
    let database: string
    let VpnGatewayId: string
    let vco: string
    let pair: string
    let tunnels: string[]

    const withExtra = (action: string, params: Record<string, unknown>): Promise<Record<string, any>> =>
      popCore(app.host, app.root).request(
        action,
        { RegionId, 'X-Suidao': 'true', ...params },
        { method: 'POST' },
      )

    before(async () => {
      const config = await place()
      database = config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url
      app = await startTestApp({
        database,
        settings: { METRICS_LISTEN: '127.0.0.1:0', MASTER_KEY: masterKey },
      })
      const ask = officialClients[2]!.make(app)
      const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      const vSwitch = (CidrBlock: string) =>
        ask('CreateVSwitch', { VpcId, CidrBlock, ZoneId: 'cn-hangzhou-h' })
      const { VSwitchId } = await vSwitch('10.1.0.0/24')
      const second = await vSwitch('10.1.1.0/24')
      const gateway = async (more: object) => {
        const made = await ask('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10, ...more })
        await active(ask, made['VpnGatewayId'])
        return made['VpnGatewayId']
      }
      VpnGatewayId = await gateway({})
      const pairGateway = await gateway({ DisasterRecoveryVSwitchId: second['VSwitchId'] })
      const { CustomerGatewayId } = await ask('CreateCustomerGateway', {
        IpAddress: '192.0.2.9',
        Name: 'office',
      })
      const ends = { LocalSubnet: '10.1.0.0/24', RemoteSubnet: '172.16.0.0/24', EffectImmediately: true }
      const single = await ask('CreateVpnConnection', {
        ...ends,
        VpnGatewayId,
        CustomerGatewayId,
        Name: 'office',
        IkeConfig: JSON.stringify({ Psk: psk, IkeVersion: 'ikev2', RemoteId: 'office.example' }),
      })
      vco = single['VpnConnectionId']
      const both = await ask('CreateVpnConnection', {
        ...ends,
        VpnGatewayId: pairGateway,
        TunnelOptionsSpecification: [1, 2].map((n) => ({
          CustomerGatewayId,
          Role: n === 1 ? 'master' : 'slave',
          TunnelIkeConfig: { Psk: `${psk}-${n}` },
        })),
      })
      pair = both['VpnConnectionId']
      await active(ask, VpnGatewayId)
      await active(ask, pairGateway)
      const { TunnelOptionsSpecification } = await ask('DescribeVpnConnection', { VpnConnectionId: pair })
      tunnels = TunnelOptionsSpecification.TunnelOptions.map(({ TunnelId }: { TunnelId: string }) => TunnelId)
    })
    after(() => app.close())

    async function allLines(ask: Ask, range: Record<string, unknown>, PageSize: number): Promise<string[]> {
      const lines: string[] = []
      for (let PageNumber = 1; ; PageNumber++) {
        const page = await ask('DescribeVpnConnectionLogs', { ...range, PageNumber, PageSize })
        assert.equal(page['Count'], page['Data'].Logs.length)
        assert.equal(page['PageSize'], PageSize)
        assert.equal(page['IsCompleted'], true)
        lines.push(...page['Data'].Logs)
        if (page['Count'] < PageSize) return lines
      }
    }

    async function active(ask: Ask, id: string) {
      await until(
        `${id} is active`,
        async () => (await ask('DescribeVpnGateway', { VpnGatewayId: id }))['Status'] === 'active',
      )
    }

    for (const { name, make } of officialClients) {
      test(`${name}: the log of a tunnel is read by time and page`, async () => {
        const ask = make(app)
        const at = Date.now()
        const From = Math.floor(at / 1_000)
        const told = Array.from({ length: 25 }, (_, n) => `[IKE] ${name} ${n}`)
        for (const text of told) app.engine.tell({ tunnelId: vco, at, text })
        const range = { VpnConnectionId: vco, From, To: From + 5 }
        const all = await allLines(ask, range, 50)
        const lines = all.filter((line) => line.includes(name))
        assert.deepEqual(
          lines.map((line) => line.slice(line.indexOf('['))),
          told,
        )
        for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /)
        assert.deepEqual(await allLines(ask, range, 7), all)
        const none = await ask('DescribeVpnConnectionLogs', {
          VpnConnectionId: vco,
          To: From - 600,
          MinutePeriod: 1,
        })
        assert.deepEqual([none['Count'], [...none['Data'].Logs]], [0, []])
        await refused(ask('DescribeVpnConnectionLogs', { VpnConnectionId: vco, From }), 'MissingMinutePeriod')
        await refused(
          ask('DescribeVpnConnectionLogs', { VpnConnectionId: 'vco-none', MinutePeriod: 1 }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
      })

      test(`${name}: two tunnels have a log each`, async () => {
        const ask = make(app)
        const at = Date.now()
        app.engine.tell({ tunnelId: tunnels[1]!, at, text: '[IKE] of the second' })
        const of = (more: object) =>
          ask('DescribeVpnConnectionLogs', { VpnConnectionId: pair, MinutePeriod: 1, ...more })
        await refused(of({}), 'MissingTunnelId')
        await refused(of({ TunnelId: vco }), 'InvalidTunnelId.NotFound')
        const answer = await of({ TunnelId: tunnels[1] })
        assert.match(answer['Data'].Logs.at(-1), /of the second$/)
        const other = await of({ TunnelId: tunnels[0] })
        assert.doesNotMatch(other['Data'].Logs.join(), /of the second/)
      })

      test(`${name}: a diagnosis names the reason, and says when there is none`, async () => {
        const ask = make(app)
        const since = Date.now() - 5_000
        const evidence = [
          'no proposal found',
          'received proposals: IKE:AES_CBC_256',
          'configured proposals: IKE:AES_CBC_128',
        ]
        app.engine.see(vco, { failure: { code: 'IKE_ENCRYPTION_MISMATCH', since, evidence } })
        app.engine.see(tunnels[0]!, {
          ikeSas: [ikeSa],
          childSas: [child],
        })
        const verdict = await until('the reason is told', async () => {
          const answer = await ask('DiagnoseVpnConnections', { VpnConnectionIds: [vco] })
          return answer['VpnConnections'][0].FailedTime === since && answer['VpnConnections'][0]
        })
        assert.deepEqual(
          { ...verdict },
          {
            FailedReason: reasons.IKE_ENCRYPTION_MISMATCH.title.en,
            FailedReasonCode: 'EncryptionAlgorithmMismatch',
            FailedTime: since,
            MismatchLocalParam: 'IKE:AES_CBC_128',
            MismatchRemoteParam: 'IKE:AES_CBC_256',
            Severity: 'Critical',
            SourceLog: 'no proposal found',
            VpnConnectionId: vco,
          },
        )
        const well = await until('the first tunnel is up', async () => {
          const { VpnConnections, TotalCount } = await ask('DiagnoseVpnConnections', {
            TunnelIds: [tunnels[0]],
          })
          assert.equal(TotalCount, 1)
          return VpnConnections[0].FailedReasonCode === 'NoExceptionFound' && VpnConnections[0]
        })
        assert.equal(well.Severity, 'Normal')
        assert.equal(well.TunnelId, tunnels[0])
        assert.equal(
          (await ask('DiagnoseVpnConnections', { VpnConnectionIds: [vco, pair] }))['TotalCount'],
          3,
        )
        assert.equal((await ask('DiagnoseVpnConnections', { VpnGatewayId }))['TotalCount'], 1)
        await refused(ask('DiagnoseVpnConnections', {}), 'MissingVpnConnectionIds')
        await refused(ask('DiagnoseVpnConnections', { TunnelIds: ['tun-none'] }), 'InvalidTunnelId.NotFound')
        await refused(
          ask('DiagnoseVpnConnections', { VpnConnectionIds: ['vco-none'] }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
      })

      test(`${name}: a diagnosis of a gateway has its items`, async () => {
        const ask = make(app)
        const asked = { VpnGatewayId, ResourceId: vco, ResourceType: 'IPsec' }
        const info = { PrivateSourceIp: '10.1.0.9', PrivateDestinationIp: '172.16.0.1' }
        const { DiagnoseId } = await ask('DiagnoseVpnGateway', {
          ...asked,
          IPsecExtendInfo: JSON.stringify(info),
        })
        assert.match(DiagnoseId, /^vpndgn-/)
        const result = await until('it is finished', async () => {
          const answer = await ask('GetVpnGatewayDiagnoseResult', { DiagnoseId })
          return answer['FinishTime'] && answer
        })
        const items = result['DiagnoseResult'].map((item: Record<string, string>) => [
          item['DiagnoseName'],
          item['DiagnoseResultLevel'],
        ])
        assert.deepEqual(items, [
          ['RouteEntryConflict', 'normal'],
          ['VpnRouteQuota', 'normal'],
          ['VpnIPsecQuota', 'normal'],
          ['VpnPbrRouteQuota', 'normal'],
          ['VcoConfigConsistency', 'normal'],
          // The engine of this test has no network to try.
          ['VcoUserInternetIpConnectivity', 'warning'],
          ['VcoPrivateConnectivity', 'warning'],
        ])
        assert.equal(result['FinishedCount'], 7)
        assert.equal(result['TotalCount'], 7)
        assert.match(result['BeginTime'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        const quota = JSON.parse(result['DiagnoseResult'][2].DiagnoseResultDescription)
        assert.deepEqual(quota, { quotaName: 'vpn_connection', quantity: 10, used: 1 })
        const latest = await ask('GetVpnGatewayDiagnoseResult', { VpnGatewayId })
        assert.equal(latest['DiagnoseId'], DiagnoseId)
        await refused(ask('GetVpnGatewayDiagnoseResult', {}), 'MissingDiagnoseId')
        await refused(
          ask('GetVpnGatewayDiagnoseResult', { DiagnoseId: 'vpndgn-x' }),
          'InvalidDiagnoseId.NotFound',
        )
        await refused(
          ask('DiagnoseVpnGateway', { ...asked, ResourceId: pair }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
        await refused(
          ask('DiagnoseVpnGateway', { ...asked, IPsecExtendInfo: '{"PrivateSourceIp":"10.1.0.9"}' }),
          'IllegalParam.IPsecExtendInfo',
        )
      })

      test(`${name}: the configuration of the peer speaks from its side`, async () => {
        const ask = make(app)
        const { VpnConnectionConfig: config } = await ask('DownloadVpnConnectionConfig', {
          VpnConnectionId: vco,
        })
        assert.equal(config.Local, '192.0.2.9')
        assert.equal(config.Remote, '203.0.113.1')
        assert.equal(config.LocalSubnet, '172.16.0.0/24')
        assert.equal(config.RemoteSubnet, '10.1.0.0/24')
        assert.equal(config.IkeConfig.LocalId, 'office.example')
        assert.equal(config.IkeConfig.RemoteId, '203.0.113.1')
        assert.equal(config.IkeConfig.Psk, psk)
        assert.equal(config.IkeConfig.IkeLifetime, 86_400)
        const both = (await ask('DownloadVpnConnectionConfig', { VpnConnectionId: pair }))[
          'VpnConnectionConfig'
        ]
        assert.deepEqual(
          both.TunnelsConfig.TunnelConfig.map((one: Record<string, any>) => [
            one['TunnelId'],
            one['IkeConfig'].Psk,
          ]),
          tunnels.map((id, index) => [id, `${psk}-${index + 1}`]),
        )
        assert.notEqual(both.TunnelsConfig.TunnelConfig[0].Remote, both.TunnelsConfig.TunnelConfig[1].Remote)
        await refused(
          ask('DownloadVpnConnectionConfig', { VpnConnectionId: 'vco-none' }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
      })
    }

    test('the extra object has the finer reason in both languages, and texts for devices', async () => {
      const { 'X-Suidao': extra } = await withExtra('DiagnoseVpnConnections', { 'VpnConnectionIds.1': vco })
      const [verdict] = extra.Verdicts
      assert.equal(verdict.Code, 'IKE_ENCRYPTION_MISMATCH')
      assert.deepEqual({ ...verdict.Remedy }, reasons.IKE_ENCRYPTION_MISMATCH.remedy)
      assert.equal(verdict.Freshness, 'current')
      const { 'X-Suidao': more } = await withExtra('DownloadVpnConnectionConfig', { VpnConnectionId: vco })
      const names = ['cisco-ios', 'fortios', 'junos', 'strongswan', 'vyos']
      assert.deepEqual(Object.keys(more.PeerConfigurations).sort(), names)
      for (const text of Object.values<string>(more.PeerConfigurations)) assert.match(text, new RegExp(psk))
      const { PeerConfigurations: listed } = await withExtra('SuidaoListPeerConfigurations', {
        VpnConnectionId: vco,
      })
      const hidden = Object.fromEntries(
        listed.PeerConfiguration.map(({ Device, Text }: Record<string, string>) => [Device, Text]),
      )
      assert.deepEqual(Object.keys(hidden).sort(), names)
      for (const text of Object.values<string>(hidden)) assert.doesNotMatch(text, new RegExp(psk))
      await refused(
        withExtra('SuidaoListPeerConfigurations', { VpnConnectionId: 'vco-none' }),
        'InvalidVpnConnectionInstanceId.NotFound',
      )
    })

    test('a node that only answers the API diagnoses, and says who has the logs', async () => {
      const other = await startTestApp({ database, settings: { ROLES: 'api', MASTER_KEY: masterKey } })
      try {
        const ask = officialClients[2]!.make(other)
        await refused(
          ask('DescribeVpnConnectionLogs', { VpnConnectionId: vco, MinutePeriod: 1 }),
          'UnsupportedOperation',
        )
        assert.equal((await ask('DiagnoseVpnConnections', { VpnConnectionIds: [vco] }))['TotalCount'], 1)
        const { VpnConnectionConfig } = await ask('DownloadVpnConnectionConfig', { VpnConnectionId: vco })
        assert.equal(VpnConnectionConfig.IkeConfig.Psk, psk)
      } finally {
        await other.close()
      }
    })

    test('metrics have a series for every tunnel that is wanted, up or down', async () => {
      const failure = { code: 'PSK_MISMATCH', since: 1, evidence: [] } as const
      const probe = { succeeding: true, since: 1, sent: 100, received: 97, rtt: 12 }
      app.engine.see(vco, { failure })
      app.engine.see(tunnels[0]!, { ikeSas: [ikeSa], childSas: [{ ...child, bytesIn: 70 }], probe })
      const series = await until('all of it shows', async () => {
        const all = parsePrometheus(await app.metrics())
        const isThere = (name: string, wanted: (one: (typeof all)[number]) => boolean) =>
          all.some((one) => one.name === `suidao_tunnel_${name}` && wanted(one))
        return (
          isThere('receive_bytes_total', ({ value }) => value === 70) &&
          isThere('reason', ({ labels }) => labels['code'] === 'PSK_MISMATCH') &&
          all
        )
      })
      const of = (name: string): Record<string, number> =>
        Object.fromEntries(
          series
            .filter((one) => one.name === `suidao_${name}`)
            .map(({ labels, value }) => [labels['tunnel'], value]),
        )
      assert.deepEqual(of('tunnel_up'), { [vco]: 0, [tunnels[0]!]: 1, [tunnels[1]!]: 0 })
      assert.deepEqual(Object.keys(of('tunnel_info')), [vco, ...tunnels])
      for (const counter of [
        'receive_bytes',
        'transmit_bytes',
        'receive_packets',
        'transmit_packets',
        'rekeys',
      ]) {
        assert.deepEqual(Object.keys(of(`tunnel_${counter}_total`)), [vco, ...tunnels])
      }
      assert.deepEqual(of('tunnel_probe_loss_ratio'), { [tunnels[0]!]: 0.03 })
      assert.deepEqual(of('tunnel_probe_rtt_seconds'), { [tunnels[0]!]: 0.012 })
      const reason = series.find(
        ({ name, labels }) => name === 'suidao_tunnel_reason' && labels['tunnel'] === vco,
      )
      assert.equal(reason?.labels['code'], 'PSK_MISMATCH')
      assert.equal(reason?.labels['vendor_code'], 'PskMismatch')
      assert.ok(Object.values(of('tunnel_report_age_seconds')).every((age) => age >= 0 && age < 60))
      assert.equal(
        series.filter(({ name, value }) => name === 'suidao_gateway_ready' && value === 1).length,
        2,
      )
    })

    test('a change is said in the log of the server and in that of the tunnel, with its reason', async () => {
      app.engine.see(vco, { failure: { code: 'ID_MISMATCH', since: 2, evidence: [] } })
      await until('the log says so', async () =>
        app.log.some((line) => {
          const { message, connection, tunnel, reason } = JSON.parse(line)
          return (
            message === 'a tunnel has changed' &&
            connection === vco &&
            tunnel === vco &&
            reason === 'ID_MISMATCH'
          )
        }),
      )
      const lines = await allLines(
        officialClients[2]!.make(app),
        { VpnConnectionId: vco, MinutePeriod: 10 },
        50,
      )
      assert.ok(lines.some((line) => line.includes(`ID_MISMATCH: ${reasons.ID_MISMATCH.title.en}`)))
    })

    test('neither the log of the server nor the metrics have a key in them', async () => {
      assert.doesNotMatch(app.log.join('\n'), new RegExp(psk))
      assert.doesNotMatch(await app.metrics(), new RegExp(psk))
    })
  })
})

const ikeSa = { uniqueId: '1', state: 'established', version: 'ikev1', initiator: true } as const
const child = {
  uniqueId: '1',
  ikeUniqueId: '1',
  state: 'installed',
  localSelectors: ['10.1.0.0/24'],
  remoteSelectors: ['172.16.0.0/24'],
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
} as const
