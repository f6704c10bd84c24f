/** Events of tunnels at a webhook: named as the vendor's, signed, in order, again until they arrive; on both databases. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { popCore, startTestApp, type TestApp, until } from '../support/app.ts'
import { RegionId, refused } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'
import { parsePrometheus } from '../support/prometheus.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

const secret = 'a-secret-of-the-webhook'
const configuredSecret = 'a-secret-of-the-settings'
const psk = 'a-key-of-the-tunnel'
const ikeSa = { uniqueId: '1', state: 'established', version: 'ikev2', initiator: true } as const
const childSa = {
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
const up = { ikeSas: [ikeSa], childSas: [childSa], failure: undefined }
const down = (code: 'DPD_TIMEOUT' | 'PSK_MISMATCH') => ({
  ikeSas: [],
  childSas: [],
  failure: { code, since: 7, evidence: ['a line of the daemon'] },
})

eachDatabase((kind, _open, place) => {
  describe(`webhooks on ${kind}`, () => {
    let app: TestApp
    let receiver: Receiver
    let configured: Receiver
    let database: string
    let vco: string
    let hook: string

    const ask = (action: string, params: Record<string, unknown> = {}): Promise<Record<string, any>> =>
      popCore(app.host, app.root).request(action, { RegionId, ...params }, { method: 'POST' })
    const names = (of: Receiver) => of.received.map(({ event }) => event['data'].name)
    /** At both: an event that is still on its way would be taken for one of the next test. */
    const arrived = (what: string, wanted: readonly string[]) =>
      until(
        what,
        async () => [receiver, configured].every((of) => names(of).join() === wanted.join()),
        10_000,
      )
    const forget = () => {
      receiver.received.length = 0
      configured.received.length = 0
    }

    const start = () =>
      startTestApp({
        database,
        settings: {
          METRICS_LISTEN: '127.0.0.1:0',
          MASTER_KEY: '5'.repeat(64),
          WEBHOOK_URL: configured.url,
          WEBHOOK_SECRET: configuredSecret,
        },
      })

    before(async () => {
      receiver = await startReceiver(secret)
      configured = await startReceiver(configuredSecret)
      const config = await place()
      database = config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url
      app = await start()
      const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      const { VSwitchId } = await ask('CreateVSwitch', {
        VpcId,
        CidrBlock: '10.1.0.0/24',
        ZoneId: 'cn-hangzhou-h',
      })
      const { VpnGatewayId } = await ask('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 })
      await until(
        'the gateway is active',
        async () => (await ask('DescribeVpnGateway', { VpnGatewayId })).Status === 'active',
      )
      const { CustomerGatewayId } = await ask('CreateCustomerGateway', { IpAddress: '192.0.2.9' })
      const connection = await ask('CreateVpnConnection', {
        VpnGatewayId,
        CustomerGatewayId,
        LocalSubnet: '10.1.0.0/24',
        RemoteSubnet: '172.16.0.0/24',
        Name: 'office',
        IkeConfig: JSON.stringify({ Psk: psk }),
      })
      vco = connection['VpnConnectionId']
      await until('the connection is active', async () => {
        return (await ask('DescribeVpnConnection', { VpnConnectionId: vco })).State === 'active'
      })
    })
    after(async () => {
      await Promise.all([receiver?.close(), configured?.close()])
      await app.close()
    })
    beforeEach(() => {
      forget()
      receiver.status = 204
    })

    test('a webhook is set up, listed and tried', async () => {
      await refused(ask('SuidaoCreateWebhook', { Url: 'file:///etc/passwd' }), 'IllegalParam.Url')
      await refused(ask('SuidaoCreateWebhook', { Url: 'http://a:b@192.0.2.1/' }), 'IllegalParam.Url')
      await refused(ask('SuidaoCreateWebhook', { Url: receiver.url, Secret: 'short' }), 'IllegalParam.Secret')
      const made = await ask('SuidaoCreateWebhook', { Url: receiver.url, Secret: secret })
      hook = made['WebhookId']
      assert.equal(made['Secret'], secret)
      const tried = await ask('SuidaoTestWebhook', { WebhookId: hook })
      assert.equal(tried['Succeeded'], true)
      assert.equal(tried['Status'], '204')
      assert.equal(receiver.received[0]!.event['type'], 'vpn:Suidao:WebhookTest')
      receiver.status = 302
      assert.equal((await ask('SuidaoTestWebhook', { WebhookId: hook }))['Succeeded'], false)
      const [listed] = (await ask('SuidaoListWebhooks')).Webhooks.Webhook
      assert.equal(listed.Url, receiver.url)
      assert.equal(listed.Waiting, 0)
      assert.doesNotMatch(JSON.stringify(listed), new RegExp(secret))
      const gone = await startReceiver(secret)
      await gone.close()
      const nobody = await ask('SuidaoCreateWebhook', { Url: gone.url, 'Events.1': 'BgpSessionLost' })
      const failed = await ask('SuidaoTestWebhook', { WebhookId: nobody['WebhookId'] })
      assert.deepEqual([failed['Succeeded'], failed['Status']], [false, 'ECONNREFUSED'])

      const WebhookId = nobody['WebhookId']
      const change = (params: Record<string, string>) => ask('SuidaoUpdateWebhook', { WebhookId, ...params })
      const now = async () =>
        (await ask('SuidaoListWebhooks')).Webhooks.Webhook.find((one: any) => one.WebhookId === WebhookId)
      await refused(change({ Url: 'ftp://192.0.2.1/' }), 'IllegalParam.Url')
      await change({})
      assert.deepEqual([(await now()).Url, (await now()).Events.Event], [gone.url, ['BgpSessionLost']])
      await change({ Url: receiver.url, Secret: secret })
      receiver.status = 204
      assert.equal((await ask('SuidaoTestWebhook', { WebhookId }))['Succeeded'], true)
      const all = listed.Events.Event as string[]
      await change(Object.fromEntries(all.map((name, index) => [`Events.${index + 1}`, name])))
      assert.deepEqual([(await now()).Url, (await now()).Events.Event], [receiver.url, all])
      await refused(ask('SuidaoUpdateWebhook', { WebhookId: 'whk-none' }), 'InvalidWebhookId.NotFound')
      await ask('SuidaoDeleteWebhook', { WebhookId: nobody['WebhookId'] })
      await refused(
        ask('SuidaoDeleteWebhook', { WebhookId: nobody['WebhookId'] }),
        'InvalidWebhookId.NotFound',
      )
    })

    test('a tunnel that comes up and falls is told by the names of the vendor, with the reason', async () => {
      app.engine.see(vco, up)
      await arrived('it is up', ['IpsecPhase1NegoSuccess', 'IpsecPhase2NegoSuccess'])
      forget()
      app.engine.see(vco, down('DPD_TIMEOUT'))
      await arrived('it is down', ['IpsecPhase1NegoFailed', 'IpsecPhase2NegoFailed'])
      const { event } = receiver.received[0]!
      assert.equal(event['specversion'], '1.0')
      assert.equal(event['type'], 'vpn:CloudMonitor:IpsecPhase1NegoFailed')
      assert.match(event['subject'], new RegExp(`^acs:vpc:${RegionId}:\\d+:vpnconnection/${vco}$`))
      const { level, instanceName, content } = event['data']
      assert.deepEqual([level, instanceName], ['WARN', 'office'])
      assert.equal(content.vpnConnectionId, vco)
      assert.equal(content.tunnelStatus, 'ike_sa_not_established')
      assert.equal(content.reason.code, 'DPD_TIMEOUT')
      assert.equal(content.reason.failedReasonCode, 'DpdTimeout')
      assert.ok(content.reason.remedy.zh.length > 0)
      assert.deepEqual(receiver.faults, [])
    })

    test('the webhook of the settings hears of every account, and is in nobody’s list', async () => {
      app.engine.see(vco, up)
      await arrived('it hears', ['IpsecPhase1NegoSuccess', 'IpsecPhase2NegoSuccess'])
      assert.deepEqual(configured.faults, [])
      assert.equal((await ask('SuidaoListWebhooks')).Webhooks.Webhook.length, 1)
    })

    test('what does not arrive is sent again, in order, also after a restart', async () => {
      receiver.status = 500
      app.engine.see(vco, down('PSK_MISMATCH'))
      await until('an attempt was made', async () => receiver.received.length > 0)
      await until('both wait', async () => {
        const [one] = (await ask('SuidaoListWebhooks')).Webhooks.Webhook
        return one.Waiting === 2 && one.LastStatus === '500'
      })
      const root = app.root
      await app.close()
      receiver.received.length = 0
      receiver.status = 204
      app = await start()
      assert.notEqual(app.root.id, root.id)
      await arrived('both have arrived', ['IpsecPhase1NegoFailed', 'IpsecPhase2NegoFailed'])
      assert.ok(receiver.received[0]!.attempt > 1)
      assert.equal(receiver.received[1]!.attempt, 1)
      assert.deepEqual(receiver.faults, [])
      const counted = await until('it is counted', async () => {
        const series = parsePrometheus(await app.metrics())
        const of = (name: string) =>
          series.find((one) => one.name === `suidao_webhook_${name}` && one.labels['webhook'] === hook)?.value
        return of('waiting') === 0 && { delivered: of('delivered_total')!, dropped: of('dropped_total') }
      })
      assert.equal(counted.dropped, 0)
      assert.ok(counted.delivered >= 6)
    })

    test('no key and no secret is in an event, in the log, in the metrics', async () => {
      const everything = [
        ...receiver.received.map(({ text }) => text),
        ...configured.received.map(({ text }) => text),
        ...app.log,
        await app.metrics(),
      ].join('\n')
      for (const word of [psk, secret, configuredSecret]) assert.ok(!everything.includes(word), word)
    })
  })
})
