/** The server's part of the console over HTTP: sessions, rights, what other origins may not, events. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Key, popCore, startTestApp, type TestApp, until } from '../../test/support/app.ts'
import { setAccessKeyStatus } from '../resources/access-key/store.ts'

const RegionId = 'cn-hangzhou'
let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

type Sent = Readonly<Record<string, string>>

const mark = { 'X-Suidao-Console': '1' }
const ask = (path: string, init: RequestInit = {}) => fetch(`http://${app.endpoint}/console${path}`, init)
const post = (path: string, body: object, headers: Sent = {}) =>
  ask(path, { method: 'POST', body: JSON.stringify(body), headers: { ...mark, ...headers } })
const signIn = ({ id, secret }: Key) => post('/session', { AccessKeyId: id, AccessKeySecret: secret })
const cookieFrom = (response: Response) => response.headers.getSetCookie()[0]!.split(';')[0]!

async function signedIn(key: Key) {
  const response = await signIn(key)
  assert.equal(response.status, 200)
  const Cookie = cookieFrom(response)
  return {
    Cookie,
    call: (action: string, params: object = {}, headers: Sent = {}) =>
      post(`/api/2016-04-28/${action}`, { RegionId, ...params }, { Cookie, ...headers }),
    session: () => ask('/session', { headers: { Cookie } }),
  }
}

const codeOf = async (response: Response) => ((await response.json()) as { Code: string }).Code

test('the cookie is out of reach of scripts and other sites, and holds nothing of the secret', async () => {
  const response = await signIn(app.root)
  const [cookie] = response.headers.getSetCookie()
  assert.match(cookie!, /^suidao_session=[\w-]{22}\.[\w-]{43}; Path=\/console; HttpOnly; SameSite=Strict$/)
  const text = await response.text()
  assert.ok(!text.includes(app.root.secret))
  const rows = await app.app.db.kysely.selectFrom('console_session').selectAll().execute()
  const token = cookie!.split(/[=;]/)[1]!
  assert.ok(
    rows.length > 0 && !JSON.stringify(rows).includes(token.split('.')[1]!),
    'the store cannot sign in',
  )
  const behindTls = await post(
    '/session',
    { AccessKeyId: app.root.id, AccessKeySecret: app.root.secret },
    { 'X-Forwarded-Proto': 'https' },
  )
  assert.match(behindTls.headers.getSetCookie()[0]!, /; Secure$/)
})

test('an action runs as it does for a signed call: answer, errors, log', async () => {
  const { call } = await signedIn(app.root)
  const made = await call('CreateVpc', { CidrBlock: '10.0.0.0/8', VpcName: 'net' })
  assert.equal(made.status, 200)
  const { VpcId, RequestId } = (await made.json()) as { VpcId: string; RequestId: string }
  await until('the log has it', async () => app.log.some((line) => line.includes(RequestId)))
  const line = JSON.parse(app.log.find((one) => one.includes(RequestId))!)
  assert.deepEqual([line.action, line.accessKeyId, line.code], ['CreateVpc', app.root.id, 'OK'])
  const listed = (await (await call('DescribeVpcs')).json()) as { Vpcs: { Vpc: { VpcId: string }[] } }
  assert.deepEqual(
    listed.Vpcs.Vpc.map((vpc) => vpc.VpcId),
    [VpcId],
  )
  const refused = await call('CreateVpc', { CidrBlock: '10.0.0.1/8' })
  assert.deepEqual([refused.status, await codeOf(refused)], [400, 'InvalidCidrBlock.Malformed'])
  const unknown = await call('NoSuchAction')
  assert.deepEqual([unknown.status, await codeOf(unknown)], [404, 'InvalidAction.NotFound'])
})

test('keys of tunnels are stars, save in the one answer that is audited for having them', async () => {
  const { call } = await signedIn(app.root)
  const done = async (action: string, params: object): Promise<Record<string, any>> => {
    const response = await call(action, params)
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text)
  }
  const { VpcId } = await done('CreateVpc', { CidrBlock: '10.0.0.0/8' })
  const { VSwitchId } = await done('CreateVSwitch', {
    ...{ VpcId, CidrBlock: '10.1.0.0/24', ZoneId: 'cn-hangzhou-h' },
  })
  const { VpnGatewayId } = await done('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 })
  const ready = () =>
    until(
      'the gateway is active',
      async () => (await done('DescribeVpnGateway', { VpnGatewayId }))['Status'] === 'active',
    )
  await ready()
  const secrets = { Psk: 'the-key-of-the-tunnel', AuthKey: 'the-key-of-bgp' }
  const { CustomerGatewayId } = await done('CreateCustomerGateway', {
    ...{ IpAddress: '198.51.100.9', Asn: '65010', AuthKey: secrets.AuthKey },
  })
  const made = await done('CreateVpnConnection', {
    ...{ VpnGatewayId, CustomerGatewayId, LocalSubnet: '10.1.0.0/24', RemoteSubnet: '192.168.0.0/24' },
    IkeConfig: JSON.stringify({ Psk: secrets.Psk }),
    BgpConfig: JSON.stringify({
      EnableBgp: true,
      LocalAsn: 65001,
      TunnelCidr: '169.254.10.0/30',
      LocalBgpIp: '169.254.10.1',
    }),
  })
  await ready()
  const id = { VpnConnectionId: made['VpnConnectionId'] }
  const reads: [action: string, params: object][] = [
    // The second answer is the one that was kept.
    ['DescribeVpnConnection', id],
    ['DescribeVpnConnection', id],
    ['DescribeVpnConnection', { ...id, 'X-Suidao': true }],
    ['DescribeVpnConnections', {}],
    ['ModifyVpnConnectionAttribute', { ...id, Name: 'another' }],
    ['DescribeCustomerGateway', { CustomerGatewayId }],
    ['DescribeCustomerGateways', {}],
    ['SuidaoListPeerConfigurations', id],
  ]
  for (const [action, params] of reads) {
    const text = JSON.stringify(await done(action, params))
    assert.match(text, /\*{6}/, action)
    for (const secret of Object.values(secrets)) assert.ok(!text.includes(secret), `${action} ${secret}`)
  }
  const shown = JSON.stringify(await done('DownloadVpnConnectionConfig', { ...id, 'X-Suidao': true }))
  for (const secret of Object.values(secrets)) assert.ok(shown.includes(secret), secret)
  // A signed call of the API is answered as the vendor answers it.
  const signed = await popCore(app.host, app.root).request<Record<string, any>>('DescribeVpnConnection', {
    ...{ RegionId, ...id },
  })
  assert.equal(signed['IkeConfig'].Psk, secrets.Psk)
  const trail = (await (
    await post(
      '/api/2020-07-06/LookupEvents',
      { RegionId, LookupAttribute: [{ Key: 'EventRW', Value: 'Read' }] },
      { Cookie: cookieFrom(await signIn(app.root)) },
    )
  ).json()) as { Events: { eventName: string; resourceName: string }[] }
  assert.deepEqual(
    trail.Events.map(({ eventName, resourceName }) => [eventName, resourceName]),
    [['DownloadVpnConnectionConfig', id.VpnConnectionId]],
  )
})

test('rights are those of the key', async () => {
  const reader = await app.userKey('reader', [
    { Effect: 'Allow', Action: ['vpc:DescribeVpcs'], Resource: ['*'] },
  ])
  const { Cookie, call, session } = await signedIn(reader)
  assert.equal((await call('DescribeVpcs')).status, 200)
  const denied = await call('CreateVpc', { CidrBlock: '10.0.0.0/8' })
  assert.deepEqual([denied.status, await codeOf(denied)], [403, 'Forbbiden.SubUser'])
  const who = (await (await session()).json()) as { UserName: string }
  assert.equal(who.UserName, 'reader')
  const own = await post('/api/2015-05-01/SuidaoGetCallerRights', {}, { Cookie })
  const { Statements } = (await own.json()) as { Statements: { Statement: object[] } }
  assert.equal(Statements.Statement.length, 1)
})

test('nobody gets in without a session, and what pages of other origins send is refused', async () => {
  assert.equal(await codeOf(await post('/api/2016-04-28/DescribeVpcs', {})), 'NotSignedIn')
  assert.equal((await ask('/live')).status, 401)
  const { Cookie, call } = await signedIn(app.root)
  const forged = await call('DescribeVpcs', {}, { Cookie: `${Cookie.slice(0, -1)}_` })
  assert.equal(forged.status, 401)
  const unmarked = await ask('/api/2016-04-28/DescribeVpcs', {
    method: 'POST',
    body: '{}',
    headers: { Cookie },
  })
  assert.deepEqual([unmarked.status, await codeOf(unmarked)], [403, 'ForeignOrigin'])
  const foreign: Sent[] = [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ]
  for (const headers of foreign) {
    const response = await call('DescribeVpcs', {}, headers)
    assert.deepEqual(
      [response.status, await codeOf(response)],
      [403, 'ForeignOrigin'],
      JSON.stringify(headers),
    )
  }
  const own = await call(
    'DescribeVpcs',
    {},
    { Origin: `http://${app.endpoint}`, 'Sec-Fetch-Site': 'same-origin' },
  )
  assert.equal(own.status, 200)
})

test('a session ends by signing out, here or everywhere, and by the end of its key', async () => {
  const one = await signedIn(app.root)
  const other = await signedIn(app.root)
  const out = (query: string) =>
    ask(`/session${query}`, { method: 'DELETE', headers: { ...mark, Cookie: one.Cookie } })
  assert.match((await out('')).headers.getSetCookie()[0]!, /Max-Age=0/)
  assert.equal((await one.session()).status, 401)
  assert.equal((await other.session()).status, 200)

  const everywhere = await signedIn(app.root)
  const all = await ask('/session?all=true', {
    method: 'DELETE',
    headers: { ...mark, Cookie: everywhere.Cookie },
  })
  assert.equal(all.status, 200)
  assert.equal((await other.session()).status, 401)

  const user = await app.userKey('short', [])
  const ofUser = await signedIn(user)
  await setAccessKeyStatus(app.app.db, user.id, 'Inactive')
  await until('the disabled key is out', async () => (await ofUser.session()).status === 401)
})

test('guessing is slowed, and who guesses learns nothing', async () => {
  const user = await app.userKey('guessed', [])
  for (let attempt = 0; attempt < 6; attempt++) {
    const response = await signIn({ id: user.id, secret: 'wrong' })
    assert.deepEqual([response.status, await codeOf(response)], [403, 'SignInRefused'])
  }
  const slowed = await signIn(user)
  assert.deepEqual([slowed.status, slowed.headers.get('Retry-After')], [429, '1'])
  assert.equal((await signIn(app.root)).status, 200, 'others do not wait')
  assert.equal(await codeOf(await signIn({ id: 'nobody', secret: 'wrong' })), 'SignInRefused')
})

test('what cannot be a call is refused and ends nothing', async () => {
  const { Cookie } = await signedIn(app.root)
  const send = (body: string) =>
    ask('/api/2016-04-28/DescribeVpcs', { method: 'POST', body, headers: { ...mark, Cookie } })
  assert.equal((await send('[]')).status, 400)
  assert.equal((await send('{')).status, 400)
  assert.equal((await send(`{"x":"${'a'.repeat(1024 * 1024)}"}`)).status, 413)
  assert.equal((await ask('/session', { method: 'PUT', headers: mark })).status, 405)
  assert.equal((await ask('/session', { method: 'POST', body: 'no', headers: mark })).status, 400)
  assert.equal((await fetch(`http://${app.endpoint}/consoles`)).status, 404, 'another path is the API’s')
})

test('pages come under a policy that lets nothing in from elsewhere', async () => {
  for (const path of ['', '/', '/connections/vco-1', '/connections/vco-1/tunnels?x=y']) {
    const response = await ask(path)
    const policy = response.headers.get('Content-Security-Policy')!
    assert.match(policy, /default-src 'none'; script-src 'self';/)
    assert.ok(!policy.includes('unsafe'))
    assert.match(response.headers.get('Content-Type')!, /^text\/html/)
    assert.ok([200, 503].includes(response.status), 'the console, or that it is not built')
  }
  assert.equal((await ask('/assets/none.js')).headers.get('Content-Type'), 'text/html; charset=utf-8')
})

async function* eventsOf(
  response: Response,
): AsyncGenerator<{ event: string; data: Record<string, unknown> }> {
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [event, data] = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      yield { event: event!.replace('event: ', ''), data: JSON.parse(data!.replace('data: ', '')) }
    }
  }
}

test('a change is told to who may read it, and to nobody else', async () => {
  const blind = await app.userKey('blind', [
    { Effect: 'Allow', Action: ['vpc:DescribeVpcs'], Resource: ['*'] },
  ])
  const stranger = await app.rootKeyOf('9999999999999999')
  const root = await signedIn(app.root)
  const watch = async (key: Key) => {
    const { Cookie } = await signedIn(key)
    const response = await ask('/live', { headers: { Cookie } })
    const events = eventsOf(response)
    assert.equal((await events.next()).value?.event, 'hello')
    const seen: string[] = []
    const reading = (async () => {
      for await (const { event, data } of events) {
        if (event === 'change') seen.push(...(data['keys'] as string[]))
      }
    })()
    return { seen, reading, response }
  }
  const [mine, blinds, strangers] = [await watch(app.root), await watch(blind), await watch(stranger)]
  const idOf = async (response: Promise<Response>, name: string) =>
    ((await (await response).json()) as Record<string, string>)[name]!
  const VpcId = await idOf(root.call('CreateVpc', { CidrBlock: '10.0.0.0/8' }), 'VpcId')
  const network = { VpcId, CidrBlock: '10.9.0.0/24', ZoneId: 'cn-hangzhou-h' }
  const VSwitchId = await idOf(root.call('CreateVSwitch', network), 'VSwitchId')
  const VpnGatewayId = await idOf(
    root.call('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 }),
    'VpnGatewayId',
  )
  await until('the gateway is told', async () => mine.seen.includes(`gateway:${VpnGatewayId}`))
  await until('the gateway is active', async () => {
    const answer = await (await root.call('DescribeVpnGateway', { VpnGatewayId })).json()
    return (answer as { Status: string }).Status === 'active'
  })
  const peer = await idOf(
    root.call('CreateCustomerGateway', { IpAddress: '198.51.100.77' }),
    'CustomerGatewayId',
  )
  const ends = {
    VpnGatewayId,
    CustomerGatewayId: peer,
    LocalSubnet: '10.9.0.0/24',
    RemoteSubnet: '192.168.9.0/24',
  }
  const id = await idOf(root.call('CreateVpnConnection', ends), 'VpnConnectionId')
  await until('the connection is told', async () => mine.seen.includes(`connection:${id}`))
  mine.seen.length = 0
  app.engine.see(id, { failure: { code: 'PSK_MISMATCH', since: Date.now(), evidence: [] } })
  await until('its failure is told', async () => mine.seen.includes(`connection:${id}`))
  assert.deepEqual([blinds.seen, strangers.seen], [[], []])
  for (const { response } of [mine, blinds, strangers]) assert.equal(response.status, 200)
})
