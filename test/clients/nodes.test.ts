/** Two nodes of one deployment on PostgreSQL: one answers the API, the other runs the gateways. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, officialClients } from '../support/official-clients.ts'
import { onPostgres } from '../support/postgres.ts'

onPostgres((_open, place) => {
  let api: TestApp
  let gateways: TestApp
  let ask: Ask
  before(async () => {
    const config = await place()
    const database = config.kind === 'postgres' ? config.url : ''
    const MASTER_KEY = '7'.repeat(64)
    // No round over everything comes to the aid of what is not told.
    const resyncInterval = 3_600_000
    gateways = await startTestApp({ database, settings: { MASTER_KEY }, resyncInterval })
    api = await startTestApp({ database, settings: { MASTER_KEY, ROLES: 'api' } })
    ask = officialClients[2]!.make(api)
  })
  after(async () => {
    await api?.close()
    await gateways?.close()
  })

  test('what one is told to make the other makes, and what the other sees the first tells, at once', async () => {
    const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
    const ZoneId = 'cn-hangzhou-h'
    const { VSwitchId } = await ask('CreateVSwitch', { VpcId, CidrBlock: '10.1.0.0/24', ZoneId })
    const { VpnGatewayId } = await ask('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 })
    await until(
      'the gateway is active',
      async () => (await ask('DescribeVpnGateway', { VpnGatewayId }))['Status'] === 'active',
    )
    const { CustomerGatewayId } = await ask('CreateCustomerGateway', { IpAddress: '192.0.2.9' })
    const { VpnConnectionId } = await ask('CreateVpnConnection', {
      ...{ VpnGatewayId, CustomerGatewayId, LocalSubnet: '10.1.0.0/24', RemoteSubnet: '172.16.0.0/24' },
      EffectImmediately: true,
    })
    await until('the engine has the tunnel', async () => gateways.engine.tunnelsHeld.has(VpnConnectionId))

    // A browser at the first node is told of what the other has seen.
    const console = (path: string, init: RequestInit) => fetch(`http://${api.endpoint}/console${path}`, init)
    const signedIn = await console('/session', {
      method: 'POST',
      headers: { 'X-Suidao-Console': '1' },
      body: JSON.stringify({ AccessKeyId: api.root.id, AccessKeySecret: api.root.secret }),
    })
    await signedIn.text()
    const Cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!
    const watching = new AbortController()
    const stream = (await console('/live', { headers: { Cookie }, signal: watching.signal })).body!
    const text = stream.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
    let told = String((await text.next()).value)
    assert.match(told, /event: hello/)
    const failure = { code: 'PSK_MISMATCH', since: Date.now(), evidence: ['no'] } as const
    gateways.engine.see(VpnConnectionId, { failure })
    while (!told.includes(VpnConnectionId)) told += (await text.next()).value
    watching.abort()
    const { VpnConnections } = await ask('DescribeVpnConnections', {})
    assert.equal(VpnConnections.VpnConnection[0].Status, 'ike_sa_not_established')
  })
})
