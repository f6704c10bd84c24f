/** The emulator as clients see it: the official SDK for the API, the typed client for its control listener. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import vpc from '@alicloud/vpc20160428'
import { createControlClient } from '../../src/emulator/client.ts'
import { createEmulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import { openApiDocument } from '../../src/emulator/openapi.ts'
import { routes } from '../../src/emulator/routes.ts'
import { type ScenarioName, scenarioNames } from '../../src/emulator/scenarios.ts'
import type { AccountKey, Fixture } from '../../src/emulator/types.ts'
import { type ReasonCode, reasons } from '../../src/engine/reason.ts'
import { createAccessKey } from '../../src/resources/access-key/store.ts'
import { popCore, until, vpcClient } from '../support/app.ts'
import { proofsAt } from '../support/proofs.ts'
import { startReceiver } from '../support/receiver.ts'

const regionId = 'cn-hangzhou'
const minute = 60_000
const hour = 60 * minute
/** A day for every emulator of these tests, so that what they tell can be compared. */
const start = Date.UTC(2026, 10, 25)

interface Extra {
  readonly Reason?: { readonly Code: ReasonCode; readonly FailedReasonCode: string; readonly Since: number }
  readonly StoppedAt?: number
  readonly HeardAt?: number
  readonly IkeSas: readonly { readonly uniqueId: string }[]
  readonly ChildSas: readonly { readonly spiIn: string }[]
}

async function begin(options: EmulatorOptions = {}) {
  const emulator = await createEmulator({ speed: 0, start, ...options })
  const control = createControlClient(emulator.state().control)
  const sdkOf = ({ accessKeyId, accessKeySecret }: AccountKey) =>
    vpcClient(emulator.state().endpoint, { id: accessKeyId, secret: accessKeySecret })
  const { account } = emulator.state()
  const sdk = sdkOf(account)
  const plain = popCore(emulator.state().endpoint, {
    id: account.accessKeyId,
    secret: account.accessKeySecret,
  })
  return {
    emulator,
    control,
    sdk,
    sdkOf,
    plain,
    /** `Status` of a connection. */
    status: async (vpnConnectionId: string) =>
      (await sdk.describeVpnConnection(new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId })))
        .body!.status!,
    /** The extra object of a connection. */
    extra: async (VpnConnectionId: string) =>
      (
        await plain.request<{ 'X-Suidao': Extra }>(
          'DescribeVpnConnection',
          { RegionId: regionId, VpnConnectionId, 'X-Suidao': 'true' },
          { method: 'POST' },
        )
      )['X-Suidao'],
    /** An action that the SDK has no method for. */
    own: <T = object>(action: string, params: object) =>
      plain.request<T>(action, { RegionId: regionId, ...params }, { method: 'POST' }),
    createVpc: (clientToken?: string) =>
      sdk.createVpc(
        new vpc.CreateVpcRequest({ regionId, cidrBlock: '10.0.0.0/8', ...(clientToken && { clientToken }) }),
      ),
    listVpcs: async () =>
      (await sdk.describeVpcs(new vpc.DescribeVpcsRequest({ regionId }))).body!.totalCount!,
  }
}
type Running = Awaited<ReturnType<typeof begin>>

const refusal = (code: string) => (error: { code?: string; message: string }) => {
  assert.ok(error.code === code || error.message.includes(code), `${error.code}: ${error.message}`)
  return true
}

describe('scenarios', () => {
  /** What a client sees of the second connection, and of the first. */
  const seen: Readonly<Record<ScenarioName, (running: Running, fixture: Fixture) => Promise<void>>> = {
    'both-up': (running, fixture) =>
      statuses(running, fixture, ['ipsec_sa_established', 'ipsec_sa_established']),
    'one-up': (running, fixture) =>
      statuses(running, fixture, ['ipsec_sa_established', 'ike_sa_not_established'], 'DPD_TIMEOUT'),
    'both-down': (running, fixture) =>
      statuses(running, fixture, ['ike_sa_not_established', 'ike_sa_not_established'], 'DPD_TIMEOUT'),
    async flapping(running, fixture) {
      await statuses(running, fixture, ['ipsec_sa_established', 'ipsec_sa_established'])
      await running.control.advance(20_000)
      await statuses(running, fixture, ['ipsec_sa_established', 'ike_sa_not_established'], 'PEER_CLOSED')
      await running.control.advance(10_000)
      await statuses(running, fixture, ['ipsec_sa_established', 'ipsec_sa_established'])
      await running.control.advance(10_000)
      await statuses(running, fixture, ['ipsec_sa_established', 'ike_sa_not_established'], 'PEER_CLOSED')
    },
    'psk-wrong': (running, fixture) =>
      statuses(running, fixture, ['ipsec_sa_established', 'ike_sa_not_established'], 'PEER_REJECTED_AUTH'),
    'ike-mismatch': (running, fixture) =>
      statuses(
        running,
        fixture,
        ['ipsec_sa_established', 'ike_sa_not_established'],
        'IKE_PROPOSAL_OR_UNKNOWN_PEER',
      ),
    'subnets-mismatch': (running, fixture) =>
      statuses(running, fixture, ['ipsec_sa_established', 'ipsec_sa_not_established'], 'SUBNET_MISMATCH'),
    'cert-expired': (running, fixture) =>
      statuses(running, fixture, ['ipsec_sa_established', 'ike_sa_not_established'], 'CERT_EXPIRED'),
    async 'bgp-only-down'(running, fixture) {
      const up = ['ipsec_sa_established', 'ipsec_sa_established']
      await statuses(running, fixture, up, 'BGP_CLOSED')
      const sessions = fixture.vpnConnectionIds.map(async (vpnConnectionId) => {
        const request = new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId })
        return (await running.sdk.describeVpnConnection(request)).body!.vpnBgpConfig!.status
      })
      assert.deepEqual(await Promise.all(sessions), ['success', 'false'])
      await running.control.resetPeer(fixture.peerAddresses[1]!)
      await running.control.advance(10_000)
      await statuses(running, fixture, up)
    },
    async 'peer-reboot'(running, fixture) {
      await statuses(running, fixture, ['ipsec_sa_established', 'ike_sa_not_established'], 'DPD_TIMEOUT')
      await running.control.advance(2 * minute)
      await statuses(running, fixture, ['ipsec_sa_established', 'ipsec_sa_established'])
    },
    async lossy(running, fixture) {
      await statuses(running, fixture, ['ipsec_sa_established', 'ipsec_sa_established'])
      const { received } = await running.control.send(fixture.vpnConnectionIds[1]!, 100)
      assert.ok(received > 60 && received < 95, `${received} of 100 came back`)
    },
    'zone-lost': (running, fixture) =>
      statuses(running, fixture, ['ike_sa_not_established', 'ike_sa_not_established'], 'CHARON_DOWN'),
    async 'slow-create'(running, fixture) {
      const gateway = await createGateway(running, fixture)
      await running.control.advance(59_000)
      assert.equal(await gateway.status(), 'provisioning')
      await running.control.advance(1_000)
      assert.equal(await gateway.status(), 'active')
    },
    async 'stuck-create'(running, fixture) {
      const gateway = await createGateway(running, fixture)
      await running.control.advance(24 * hour)
      assert.equal(await gateway.status(), 'provisioning')
      await running.control.disarmAll()
      assert.equal(await gateway.status(), 'active')
    },
    async throttled({ sdk, control }) {
      let refused = 0
      for (let count = 0; count < 20; count++) {
        await sdk.describeVpcs(new vpc.DescribeVpcsRequest({ regionId })).catch((error) => {
          refusal('Throttling.User')(error)
          refused += 1
        })
      }
      assert.ok(refused > 3 && refused < 17, `${refused} of 20 were refused`)
      assert.equal((await control.faults())[0]?.hits, refused)
    },
    async 'answers-lost'({ createVpc, listVpcs }) {
      const before = await listVpcs()
      for (let count = 0; count < 3; count++) await assert.rejects(createVpc('one-token'))
      await createVpc('one-token')
      assert.equal(await listVpcs(), before + 1)
    },
  }

  async function statuses(
    { status, extra }: Running,
    { vpnConnectionIds }: Fixture,
    expected: readonly string[],
    reason?: ReasonCode,
  ): Promise<void> {
    assert.deepEqual(await Promise.all(vpnConnectionIds.map(status)), expected)
    assert.equal((await extra(vpnConnectionIds[1]!)).Reason?.Code, reason)
  }

  async function createGateway({ sdk, control }: Running, { vpcId, vSwitchId }: Fixture) {
    const { body } = await sdk.createVpnGateway(
      new vpc.CreateVpnGatewayRequest({ regionId, vpcId, vSwitchId, bandwidth: 10, autoPay: true }),
    )
    await control.settle()
    const request = new vpc.DescribeVpnGatewayRequest({ regionId, vpnGatewayId: body!.vpnGatewayId! })
    return { status: async () => (await sdk.describeVpnGateway(request)).body!.status }
  }

  for (const name of scenarioNames) {
    test(name, async (t) => {
      const running = await begin()
      t.after(() => running.emulator.close())
      const fixture = await running.control.play(name)
      assert.equal(fixture.scenario, name)
      await seen[name](running, fixture)
    })
  }

  test('one that is not there is refused, with the names of those that are', async (t) => {
    const { emulator, control } = await begin()
    t.after(() => emulator.close())
    await assert.rejects(control.play('nonsense'), /there is no scenario "nonsense"; there are both-up, /)
    assert.deepEqual(Object.keys(await control.scenarios()), scenarioNames)
  })

  test('several can be played, with peers of their own', async (t) => {
    const { emulator, control, status } = await begin()
    t.after(() => emulator.close())
    const first = await control.play('both-up')
    const second = await control.play('psk-wrong')
    assert.notDeepEqual(first.peerAddresses, second.peerAddresses)
    assert.equal(await status(first.vpnConnectionIds[1]!), 'ipsec_sa_established')
    assert.equal(await status(second.vpnConnectionIds[1]!), 'ike_sa_not_established')
  })
})

/** A connection with a BGP session and a health check, both well. */
async function createWithInside({ sdk, control }: Running, { vpnGatewayId }: Fixture): Promise<string> {
  const { body } = await sdk.createCustomerGateway(
    new vpc.CreateCustomerGatewayRequest({ regionId, ipAddress: '203.0.113.201', asn: '65001' }),
  )
  const { body: made } = await sdk.createVpnConnection(
    new vpc.CreateVpnConnectionRequest({
      regionId,
      vpnGatewayId,
      customerGatewayId: body!.customerGatewayId!,
      localSubnet: '10.0.0.0/16',
      remoteSubnet: '172.31.0.0/24',
      effectImmediately: true,
      ikeConfig: JSON.stringify({ Psk: 'emulator-psk', IkeVersion: 'ikev2' }),
      enableTunnelsBgp: true,
      bgpConfig: JSON.stringify({
        EnableBgp: 'true',
        LocalAsn: '65530',
        TunnelCidr: '169.254.99.0/30',
        LocalBgpIp: '169.254.99.1',
      }),
      healthCheckConfig: JSON.stringify({
        enable: 'true',
        dip: '172.31.0.1',
        sip: '10.0.0.1',
        interval: 3,
        retry: 3,
      }),
    }),
  )
  await control.settle()
  await control.advance(minute)
  return made!.vpnConnectionId!
}

/** A connection that proves itself by certificate. */
async function createCertified(
  { sdk, control }: Running,
  { vpnGatewayId }: Fixture,
  remoteCaCertificate: string,
): Promise<string> {
  const { body } = await sdk.createCustomerGateway(
    new vpc.CreateCustomerGatewayRequest({ regionId, ipAddress: '203.0.113.200' }),
  )
  const { body: made } = await sdk.createVpnConnection(
    new vpc.CreateVpnConnectionRequest({
      regionId,
      vpnGatewayId,
      customerGatewayId: body!.customerGatewayId!,
      localSubnet: '10.0.0.0/16',
      remoteSubnet: '172.30.0.0/24',
      effectImmediately: true,
      ikeConfig: JSON.stringify({ IkeVersion: 'ikev2' }),
      remoteCaCertificate,
    }),
  )
  await control.settle()
  return made!.vpnConnectionId!
}

describe('one emulator', () => {
  let running: Running
  let fixture: Fixture
  let connection: string
  /** Has a BGP session and a health check inside. */
  let inside: string
  before(async () => {
    running = await begin()
    fixture = await running.control.play('both-up')
    connection = fixture.vpnConnectionIds[0]!
    inside = await createWithInside(running, fixture)
  })
  after(() => running.emulator.close())
  afterEach(async () => {
    const { control } = running
    await control.disarmAll()
    for (const key of Object.keys(await control.peers())) await control.resetPeer(key)
    for (const key of Object.keys(await control.networks())) await control.setNetwork(key, {})
    await control.clearReport()
    await control.advance(minute)
  })

  /** What is wrong inside a tunnel leaves its SAs alone. */
  const isInside = (code: ReasonCode) => code.startsWith('BGP_') || code === 'HEALTH_CHECK_FAILED'

  test('every reason code of a negotiation reaches an official SDK by its name', async () => {
    const { control, extra, status } = running
    for (const code of (Object.keys(reasons) as ReasonCode[]).filter((each) => !isInside(each))) {
      const fault = await control.arm({ layer: 'tunnel', reason: code, target: connection })
      const { Reason } = await extra(connection)
      assert.equal(Reason?.Code, code)
      assert.equal(Reason?.FailedReasonCode, reasons[code].vendorCode)
      const expected =
        code === 'SUBNETS_NARROWED'
          ? 'ipsec_sa_established'
          : reasons[code].phase === 2
            ? 'ipsec_sa_not_established'
            : 'ike_sa_not_established'
      assert.equal(await status(connection), expected, code)
      assert.equal((await control.fault(fault.id)).hits, 1)
      await control.disarm(fault.id)
      await control.renegotiate(connection)
      assert.equal(await status(connection), 'ipsec_sa_established', code)
    }
  })

  /** What the official SDK reads of a connection: the tunnel, its BGP session, its health check, and its diagnosis. */
  async function look(vpnConnectionId: string) {
    const { sdk } = running
    const request = new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId })
    const { status, vpnBgpConfig, vcoHealthCheck } = (await sdk.describeVpnConnection(request)).body!
    const diagnosis = await sdk.diagnoseVpnConnections(
      new vpc.DiagnoseVpnConnectionsRequest({ regionId, vpnConnectionIds: [vpnConnectionId] }),
    )
    return {
      status,
      bgp: vpnBgpConfig!.status,
      check: vcoHealthCheck!.status,
      diagnosis: diagnosis.body!.vpnConnections!.map(({ failedReasonCode }) => failedReasonCode),
    }
  }
  const well = {
    status: 'ipsec_sa_established',
    bgp: 'success',
    check: 'success',
    diagnosis: ['NoExceptionFound'],
  }

  test('a reason of BGP or of the health check is seen in its Status and by the diagnosis, with the tunnel up', async () => {
    const { control, extra } = running
    for (const reason of (Object.keys(reasons) as ReasonCode[]).filter(isInside)) {
      const fault = await control.arm({ layer: 'tunnel', reason, target: inside })
      await control.advance(minute)
      const { Reason } = await extra(inside)
      assert.equal(Reason?.Code, reason)
      const isCheck = reason === 'HEALTH_CHECK_FAILED'
      assert.deepEqual(await look(inside), {
        ...well,
        bgp: isCheck ? 'success' : 'false',
        check: isCheck ? 'failed' : 'success',
        diagnosis: [reasons[reason].vendorCode],
      })
      assert.ok((await control.fault(fault.id)).hits > 0)
      await control.disarm(fault.id)
      await control.advance(minute)
      assert.deepEqual(await look(inside), well, reason)
    }
  })

  test('faults are seen in what is inside a tunnel, too, and pass with them', async () => {
    const { control } = running
    const down = { status: 'ike_sa_not_established', bgp: 'false', check: 'failed' }
    for (const [fault, expected] of [
      [
        { layer: 'tunnel', reason: 'PSK_MISMATCH', target: inside },
        { ...down, diagnosis: ['PskMismatch'] },
      ],
      [
        { layer: 'network', kind: 'partition', target: inside },
        { ...down, diagnosis: ['NoResponse'] },
      ],
      [
        { layer: 'network', kind: 'zone-lost', target: 'cn-hangzhou-h' },
        { ...down, diagnosis: ['NegotiationFailed'] },
      ],
      [
        { layer: 'network', kind: 'loss', loss: 0.9, target: inside },
        { ...well, check: 'failed', diagnosis: ['NoResponse'] },
      ],
    ] as const) {
      const { id } = await control.arm(fault)
      await control.advance(minute)
      assert.deepEqual(await look(inside), expected, JSON.stringify(fault))
      await control.disarm(id)
      await control.advance(5 * minute)
      assert.deepEqual(await look(inside), well, JSON.stringify(fault))
    }
  })

  test('an operator re-keys, restarts, stops and starts a tunnel, and the peer does not bring a stopped one back', async () => {
    const { control, emulator, extra, own, status } = running
    const named = { VpnConnectionId: connection }
    const changed = async (action: string, params: object = {}) =>
      (await own<{ TunnelIds: { TunnelId: string[] } }>(action, { ...named, ...params })).TunnelIds.TunnelId
    const sas = async () => {
      await control.settle()
      const { IkeSas, ChildSas } = await extra(connection)
      return { ike: IkeSas.map(({ uniqueId }) => uniqueId), spis: ChildSas.map(({ spiIn }) => spiIn) }
    }
    const before = await sas()
    assert.deepEqual(await changed('SuidaoRenegotiateTunnel'), [connection])
    const rekeyed = await sas()
    assert.deepEqual(rekeyed.ike, before.ike)
    assert.notDeepEqual(rekeyed.spis, before.spis)
    await changed('SuidaoRenegotiateTunnel', { Mode: 'restart' })
    const restarted = await sas()
    assert.notDeepEqual(restarted.ike, before.ike)
    assert.notDeepEqual(restarted.spis, rekeyed.spis)

    await assert.rejects(own('SuidaoStopTunnel', { ...named, DryRun: true }), refusal('DryRunOperation'))
    assert.deepEqual(await sas(), restarted)
    const token = { ClientToken: 'stop-once' }
    assert.deepEqual(await changed('SuidaoStopTunnel', token), [connection])
    assert.deepEqual(await changed('SuidaoStopTunnel', token), [connection])
    assert.deepEqual(await sas(), { ike: [], spis: [] })
    assert.deepEqual(await changed('SuidaoStopTunnel'), [])
    emulator.world.peerInitiates(fixture.peerAddresses[0]!)
    await control.advance(minute)
    assert.equal(await status(connection), 'ike_sa_not_established')
    const { Reason, StoppedAt } = await extra(connection)
    assert.equal(Reason?.Code, 'STOPPED_BY_OPERATOR')
    assert.equal(Reason?.Since, StoppedAt)
    await assert.rejects(own('SuidaoRenegotiateTunnel', named), refusal('IncorrectStatus.VpnConnection'))

    assert.deepEqual(await changed('SuidaoStartTunnel', { TunnelId: connection }), [connection])
    await control.settle()
    assert.equal(await status(connection), 'ipsec_sa_established')
    assert.equal((await extra(connection)).StoppedAt, undefined)
    await assert.rejects(
      own('SuidaoStartTunnel', { ...named, TunnelId: 'tun-other' }),
      refusal('InvalidTunnelId.NotFound'),
    )
    await assert.rejects(
      own('SuidaoStopTunnel', { VpnConnectionId: 'vco-other' }),
      refusal('InvalidVpnConnectionInstanceId.NotFound'),
    )
  })

  test('the peer of a tunnel has settings of its own, and the reason says which differs', async () => {
    const { control, extra } = running
    const [peer] = fixture.peerAddresses
    for (const [change, code] of [
      [{ psk: 'another' }, 'PEER_REJECTED_AUTH'],
      [{ psk: null }, 'PEER_REJECTED_AUTH'],
      [{ proposals: ['aes256-sha512-modp2048'] }, 'IKE_PROPOSAL_OR_UNKNOWN_PEER'],
      [{ espProposals: ['3des-md5'] }, 'ESP_PROPOSAL_MISMATCH'],
      [{ ahProposals: ['sha1-modp1024'] }, 'ESP_PROPOSAL_MISMATCH'],
      [{ mode: 'transport' }, 'SUBNET_MISMATCH'],
      [{ localSubnets: ['192.0.2.0/24'] }, 'SUBNET_MISMATCH'],
      [{ localId: 'branch.example' }, 'PEER_REJECTED_AUTH'],
      [{ version: 1 as const }, 'IKE_PROPOSAL_OR_UNKNOWN_PEER'],
    ] as const) {
      await control.setPeer(peer!, change)
      assert.equal((await extra(connection)).Reason?.Code, code, JSON.stringify(change))
    }
    await control.resetPeer(peer!)
    assert.equal((await extra(connection)).Reason, undefined)
    assert.equal((await control.peer(peer!)).psk, 'emulator-psk')
    // Where the peer begins, our end sees what differs.
    await control.setPeer(peer!, { psk: 'another' })
    await control.initiateAtPeer(peer!)
    assert.equal((await extra(connection)).Reason?.Code, 'PSK_MISMATCH')
  })

  test('a certificate of the peer: it agrees at first, and the reason says what is wrong with one that does not', async () => {
    const { control, sdk, extra, status } = running
    const id = await createCertified(running, fixture, proofsAt(start).other)
    assert.equal(await status(id), 'ipsec_sa_established')
    const { certificate } = await control.peer(id)
    assert.deepEqual(certificate?.names, ['203.0.113.200'])
    assert.equal(certificate?.issuer.name, 'O=Lab, CN=somebody')
    for (const [change, code] of [
      [{ issuer: { name: 'O=Lab, CN=unknown' } }, 'CERT_UNKNOWN_CA'],
      [{ notAfter: start - hour }, 'CERT_EXPIRED'],
      [{ names: [] }, 'CERT_NAME_MISMATCH'],
      [{ send: 'never' }, 'CERT_MISSING'],
      [{ remoteCa: { name: 'O=Lab, CN=unknown' } }, 'PEER_REJECTED_CERTIFICATE'],
      [null, 'PEER_REJECTED_CERTIFICATE'],
    ] as const) {
      await control.setPeer(id, { certificate: change, psk: 'not looked at' })
      assert.equal((await extra(id)).Reason?.Code, code, JSON.stringify(change))
      assert.equal(await status(id), 'ike_sa_not_established')
    }
    await control.initiateAtPeer(id)
    assert.equal((await extra(id)).Reason?.Code, 'AUTH_METHOD_MISMATCH')
    await control.resetPeer(id)
    assert.equal(await status(id), 'ipsec_sa_established')
    await assert.rejects(
      control.setPeer(id, { certificate: { key: 'dsa' } } as never),
      /key is not one of rsa, p256, p384, p521/,
    )
    await sdk.deleteVpnConnection(new vpc.DeleteVpnConnectionRequest({ regionId, vpnConnectionId: id }))
    await control.settle()
  })

  test('a day passes in one step, and the tunnel has re-keyed', async () => {
    const { control, status } = running
    const spi = async () => (await control.tunnels())[0]?.report.childSas[0]?.spiIn
    const before = await spi()
    const began = performance.now()
    await control.advance(24 * hour)
    const took = performance.now() - began
    assert.notEqual(await spi(), before)
    assert.equal(await status(connection), 'ipsec_sa_established')
    assert.ok(took < 2_000, `a day took ${Math.round(took)} ms`)
  })

  describe('faults at the API', () => {
    test('an error, so many times, for one action', async () => {
      const { control, createVpc, listVpcs } = running
      const fault = await control.arm({
        layer: 'api',
        kind: 'error',
        code: 'InternalError',
        action: 'CreateVpc',
        times: 1,
      })
      const before = await listVpcs()
      await assert.rejects(createVpc(), refusal('InternalError'))
      assert.equal(await listVpcs(), before)
      assert.deepEqual(
        { ...(await control.fault(fault.id)), fault: 0, id: 0 },
        { id: 0, fault: 0, hits: 1, armed: false },
      )
      await createVpc()
      assert.equal(await listVpcs(), before + 1)
    })

    test('throttling, for a time of the clock', async () => {
      const { control, listVpcs } = running
      await control.arm({ layer: 'api', kind: 'throttle', action: 'Describe*', for: 10_000 })
      await assert.rejects(listVpcs(), refusal('Throttling.User'))
      await control.advance(9_999)
      await assert.rejects(listVpcs(), refusal('Throttling.User'))
      await control.advance(1)
      await listVpcs()
    })

    test('latency', async () => {
      const { control, listVpcs } = running
      await control.arm({ layer: 'api', kind: 'latency', delay: 150, action: 'DescribeVpcs' })
      const began = performance.now()
      await listVpcs()
      assert.ok(performance.now() - began >= 150)
    })

    test('accepted, and the answer lost: the same token makes it once, another one twice, and the report says so', async () => {
      const { control, createVpc, listVpcs } = running
      const before = await listVpcs()
      await control.arm({ layer: 'api', kind: 'answer-lost', action: 'CreateVpc', times: 2 })
      await assert.rejects(createVpc('a-token'))
      await control.settle()
      assert.equal(await listVpcs(), before + 1)
      await assert.rejects(createVpc('a-token'))
      await createVpc('a-token')
      assert.equal(await listVpcs(), before + 1)
      assert.deepEqual((await control.report()).mistakes, [])

      await control.arm({ layer: 'api', kind: 'answer-lost', action: 'CreateVpc', times: 1 })
      await assert.rejects(createVpc('b-token'))
      await createVpc('c-token')
      assert.equal(await listVpcs(), before + 3)
      const { mistakes, duplicates } = await control.report()
      assert.deepEqual(
        mistakes.map(({ kind, action }) => [kind, action]),
        [['client-token-changed', 'CreateVpc']],
      )
      assert.equal(duplicates, 1)
    })

    test('by probability, the same calls for the same seed', async () => {
      const drawn = async () => {
        const other = await begin({ seed: 7 })
        await other.control.arm({ layer: 'api', kind: 'throttle', probability: 0.3 })
        const seen: boolean[] = []
        for (let count = 0; count < 15; count++)
          seen.push(
            await other.listVpcs().then(
              () => true,
              () => false,
            ),
          )
        await other.emulator.close()
        return seen
      }
      const first = await drawn()
      assert.ok(first.includes(true) && first.includes(false))
      assert.deepEqual(await drawn(), first)
    })

    test('of one account alone', async () => {
      const { control, sdkOf, listVpcs } = running
      const key = await control.addAccount()
      await control.arm({ layer: 'api', kind: 'throttle', account: key.accountId })
      await listVpcs()
      await assert.rejects(
        sdkOf(key).describeVpcs(new vpc.DescribeVpcsRequest({ regionId })),
        refusal('Throttling.User'),
      )
    })
  })

  describe('faults at the work behind a call', () => {
    const rename = (name: string) =>
      running.sdk.modifyVpnConnectionAttribute(
        new vpc.ModifyVpnConnectionAttributeRequest({
          regionId,
          vpnConnectionId: connection,
          remoteSubnet: name,
        }),
      )
    const state = async () =>
      (
        await running.sdk.describeVpnConnection(
          new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId: connection }),
        )
      ).body!.state

    test('stuck: the connection stays "updating", and further changes are refused, until the fault goes', async () => {
      const { control } = running
      const fault = await control.arm({ layer: 'task', kind: 'stuck', what: 'tunnel', id: connection })
      await rename('172.16.50.0/24')
      await control.advance(hour)
      assert.equal(await state(), 'updating')
      await assert.rejects(rename('172.16.51.0/24'), refusal('VpnGateway.Configuring'))
      assert.equal((await control.fault(fault.id)).hits, 1)
      await control.disarm(fault.id)
      assert.equal(await state(), 'active')
    })

    test('slow: it is done that much later', async () => {
      const { control } = running
      await control.arm({ layer: 'task', kind: 'slow', delay: 30_000, id: connection, times: 1 })
      await rename('172.16.52.0/24')
      await control.advance(29_999)
      assert.equal(await state(), 'updating')
      await control.advance(1)
      assert.equal(await state(), 'active')
    })

    test('failed: the reason names the message, and the next attempt mends it', async () => {
      const { control, extra } = running
      await control.arm({
        layer: 'task',
        kind: 'failed',
        message: 'no room on the node',
        id: connection,
        times: 1,
      })
      await rename('172.16.53.0/24')
      await control.settle()
      const { Reason } = await extra(connection)
      assert.equal(Reason?.Code, 'LOCAL_KERNEL')
      assert.match(JSON.stringify(Reason), /no room on the node/)
      await control.advance(minute)
      assert.equal((await extra(connection)).Reason, undefined)
    })
  })

  describe('faults at the network', () => {
    const cases = [
      ['partition', {}, 'DPD_TIMEOUT'],
      ['no-route', {}, 'NO_ROUTE'],
      ['port-4500-closed', {}, 'IKE_TIMEOUT'],
    ] as const
    for (const [kind, more, code] of cases) {
      test(kind, async () => {
        const { control, extra } = running
        const fault = await control.arm({
          layer: 'network',
          kind,
          target: fixture.peerAddresses[0]!,
          ...more,
        })
        await control.renegotiate(connection).catch(() => undefined)
        await control.settle()
        const { Reason } = await extra(connection)
        assert.ok(Reason?.Code === code || Reason?.Code === 'PEER_SILENT', Reason?.Code)
        assert.equal((await control.fault(fault.id)).hits, 1)
        await control.disarm(fault.id)
        await control.advance(minute)
        assert.equal((await extra(connection)).Reason, undefined)
      })
    }

    test('loss, for a while: packets do not come back, and without any the tunnel dies', async () => {
      const { control, emulator, extra, status } = running
      const target = connection
      await control.arm({ layer: 'network', kind: 'loss', loss: 0.5, target, for: 1_000 })
      const { received } = await control.send(target, 100)
      assert.ok(received > 30 && received < 70, `${received} of 100 came back`)
      await control.advance(1_000)
      assert.equal((await control.send(target, 10)).received, 10)
      const heardAt = emulator.clock.now()
      await control.arm({ layer: 'network', kind: 'loss', loss: 1, target, for: minute })
      assert.equal(await status(target), 'ike_sa_not_established')
      await control.advance(minute / 2)
      assert.equal((await extra(target)).HeardAt, heardAt)
      await control.advance(minute / 2)
      assert.ok((await extra(target)).HeardAt! > heardAt)
      assert.equal(await status(target), 'ipsec_sa_established')
    })

    test('latency: a negotiation takes that much longer', async () => {
      const { control, status } = running
      await control.arm({ layer: 'network', kind: 'latency', delay: 1_020, target: connection })
      await control.renegotiate(connection)
      await control.advance(2_999)
      assert.equal(await status(connection), 'ike_sa_not_established')
      await control.advance(1)
      assert.equal(await status(connection), 'ipsec_sa_established')
    })

    test('a share of the tunnels, at most so many', async () => {
      const { control, status } = running
      const fault = await control.arm({ layer: 'network', kind: 'partition', times: 1 })
      const seen = await Promise.all(fixture.vpnConnectionIds.map(status))
      assert.deepEqual(seen.toSorted(), ['ike_sa_not_established', 'ipsec_sa_established'])
      assert.equal(fault.hits, 1)
    })

    test('a zone that is lost', async () => {
      const { control, status } = running
      const fault = await control.arm({ layer: 'network', kind: 'zone-lost', target: 'cn-hangzhou-h' })
      assert.equal(fault.hits, 1)
      assert.equal(await status(connection), 'ike_sa_not_established')
      await control.disarm(fault.id)
      assert.equal(await status(connection), 'ipsec_sa_established')
    })
  })

  test('a fault that makes no sense is refused with a sentence', async () => {
    const { control } = running
    for (const [fault, message] of [
      [{ layer: 'api', kind: 'error', code: 'Nonsense' }, /"Nonsense" is none/],
      [{ layer: 'api', kind: 'latency' }, /delay is a number/],
      [{ layer: 'tunnel', reason: 'Nonsense' }, /reason is not one of/],
      [{ layer: 'network', kind: 'zone-lost' }, /target names the zone/],
      [{ layer: 'task', kind: 'stuck', times: 0 }, /times is less than 1/],
      [{ layer: 'weather', kind: 'rain' }, /layer is not one of/],
    ] as const) {
      await assert.rejects(control.arm(fault as never), message)
    }
  })

  test('drift: somebody else changes a resource behind the back of the client', async () => {
    const { control, sdk } = running
    await control.drift('ModifyVpnConnectionAttribute', {
      VpnConnectionId: connection,
      Name: 'by another hand',
    })
    const { body } = await sdk.describeVpnConnection(
      new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId: connection }),
    )
    assert.equal(body!.name, 'by another hand')
    await assert.rejects(control.drift('DeleteVpc', { VpcId: fixture.vpcId }), /DependencyViolation/)
  })

  test('the report names parameters that nobody reads, and calls without a right signature', async () => {
    const { control, emulator } = running
    const { endpoint, account } = emulator.state()
    const wrong = popCore(endpoint, { id: account.accessKeyId, secret: 'wrong' })
    await assert.rejects(wrong.request('DescribeVpcs', { RegionId: regionId }))
    const right = popCore(endpoint, { id: account.accessKeyId, secret: account.accessKeySecret })
    await right.request('DescribeVpcs', { RegionId: regionId, VpcNmae: 'a slip' })
    await fetch(`http://${endpoint}/?Action=DescribeVpcs&Version=2016-04-28`)
    const { mistakes } = await control.report()
    assert.deepEqual(
      mistakes.map(({ kind }) => kind),
      ['unsigned-call', 'unread-parameter', 'unsigned-call'],
    )
    assert.match(mistakes[1]!.message, /VpcNmae/)
  })

  test('no fault can be armed through the API, and the control listener answers no call of it', async () => {
    const { emulator, control, listVpcs } = running
    const { endpoint, control: controlUrl, account } = emulator.state()
    const body = JSON.stringify({ layer: 'api', kind: 'throttle' })
    for (const { method, path } of routes) {
      const url = `http://${endpoint}${path.replace(/\{\w+\}/g, 'x')}`
      const response = await fetch(url, { method, ...(method === 'GET' ? {} : { body }) })
      assert.ok(response.status >= 400, `${method} ${path}`)
    }
    const client = popCore(endpoint, { id: account.accessKeyId, secret: account.accessKeySecret })
    for (const { name } of routes) {
      const Action = name[0]!.toUpperCase() + name.slice(1)
      await assert.rejects(client.request(Action, { RegionId: regionId }), refusal('InvalidAction.NotFound'))
    }
    assert.deepEqual(await control.faults(), [])
    await listVpcs()
    const asApi = await fetch(`${controlUrl}/?Action=DescribeVpcs&Version=2016-04-28`)
    assert.equal(asApi.status, 404)
    const fromPage = await fetch(`${controlUrl}/v1/state`, { headers: { Origin: 'http://evil.example' } })
    assert.equal(fromPage.status, 403)
  })

  test('the client has a method for every route, and the document names them all', async () => {
    const { control, emulator } = running
    const methods = routes.map(({ name }) => name).toSorted()
    assert.deepEqual(Object.keys(control).toSorted(), methods)
    const served = await (await fetch(`${emulator.state().control}/v1/openapi.json`)).json()
    assert.deepEqual(served, JSON.parse(JSON.stringify(openApiDocument())))
  })
})

test('accounts do not meet; a snapshot puts back what was there, and a reset takes all away', async (t) => {
  const { emulator, control, sdkOf, status, listVpcs } = await begin()
  t.after(() => emulator.close())
  const mine = await control.play('both-up')
  const other = await control.addAccount()
  const theirs = await control.play('both-up', other.accountId)
  const { accountId } = emulator.state().account
  const snapshot = await control.snapshot(accountId)
  await control.drift('DeleteVpnConnection', { VpnConnectionId: mine.vpnConnectionIds[0]! })
  await assert.rejects(status(mine.vpnConnectionIds[0]!), refusal('InvalidVpnConnectionInstanceId.NotFound'))
  await control.restore(accountId, snapshot)
  assert.equal(await status(mine.vpnConnectionIds[0]!), 'ipsec_sa_established')

  await control.reset(accountId)
  assert.equal(await listVpcs(), 0)
  assert.deepEqual(
    (await control.tunnels()).map(({ connectionId }) => connectionId).toSorted(),
    [...theirs.vpnConnectionIds].toSorted(),
  )
  const seen = await sdkOf(other).describeVpnConnection(
    new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId: theirs.vpnConnectionIds[0]! }),
  )
  assert.equal(seen.body!.status, 'ipsec_sa_established')
  await control.restore(accountId, snapshot)
  assert.equal(await status(mine.vpnConnectionIds[1]!), 'ipsec_sa_established')
  await assert.rejects(control.restore(other.accountId, snapshot), /there is no snapshot/)
})

test('the same seed and the same calls give the same events, byte by byte', async () => {
  const { other: remoteCaCertificate } = proofsAt(start)
  const secret = 'a-secret-of-the-webhook'
  const story = async (seed: number) => {
    const running = await begin({ seed })
    const { emulator, control } = running
    const receiver = await startReceiver(secret)
    const fixture = await control.play('both-up')
    const { peerAddresses } = fixture
    await running.plain.request(
      'SuidaoCreateWebhook',
      { RegionId: regionId, Url: receiver.url, Secret: secret },
      { method: 'POST' },
    )
    const inside = await createWithInside(running, fixture)
    const certified = await createCertified(running, fixture, remoteCaCertificate)
    await control.advance(12 * hour)
    await control.rebootPeer(peerAddresses[0]!, 30_000)
    await control.advance(hour)
    await control.setPeer('203.0.113.201', { bgp: { enabled: false } })
    await control.advance(hour)
    await control.resetPeer('203.0.113.201')
    await control.setPeer('203.0.113.200', { certificate: { notAfter: start } })
    await control.arm({ layer: 'network', kind: 'loss', loss: 0.4 })
    await control.arm({ layer: 'tunnel', reason: 'PSK_MISMATCH', target: peerAddresses[1]!, times: 3 })
    receiver.status = 500
    for (let step = 0; step < 8; step++) {
      await control.advance(hour)
      receiver.status = 204
    }
    const events = await (await fetch(`${emulator.state().control}/v1/events`)).text()
    await emulator.close()
    await receiver.close()
    assert.deepEqual(receiver.faults, [])
    // Ids are random; everything else that receivers are told is not.
    const ids = [...fixture.vpnConnectionIds, inside, certified]
    const told = receiver.received.map(({ event, attempt }) => {
      const { name, status, eventTime, content } = event['data']
      const { vpnConnectionId, vpnGatewayId: _, tunnelId: __, ...more } = content
      return { name, status, eventTime, attempt, connection: ids.indexOf(vpnConnectionId), ...more }
    })
    return { events, told: JSON.stringify(told, null, 1) }
  }
  const first = await story(3)
  for (const word of ['bgp established', 'health check fails', 'CERT_EXPIRED', 'CHILD_SA re-keyed'])
    assert.ok(first.events.includes(word), word)
  for (const word of ['BgpSessionLost', 'IpsecHealthCheckFailed', '"attempt": 2'])
    assert.ok(first.told.includes(word), word)
  const second = await story(3)
  assert.equal(second.events, first.events)
  assert.equal(second.told, first.told)
  const other = await story(4)
  assert.notEqual(other.events, first.events)
})

test('what a step has brought is told and written when the step is answered', async (t) => {
  const { emulator, control, plain } = await begin()
  t.after(() => emulator.close())
  const receiver = await startReceiver('another-secret-of-a-webhook')
  t.after(() => receiver.close())
  const { vpnConnectionIds, peerAddresses } = await control.play('both-up')
  const ask = (action: string, parameters: object) =>
    plain.request<Record<string, any>>(action, { RegionId: regionId, ...parameters }, { method: 'POST' })
  await ask('SuidaoCreateWebhook', { Url: receiver.url, Secret: 'another-secret-of-a-webhook' })
  receiver.status = 500
  await control.advance(hour)
  await control.setPeer(peerAddresses[0]!, { psk: 'another' })
  const attempts = () => receiver.received.map(({ attempt }) => attempt)
  assert.deepEqual(attempts(), [1])
  receiver.status = 204
  await control.advance(hour)
  assert.deepEqual(attempts().slice(0, 2), [1, 2])
  assert.deepEqual(receiver.faults, [])
  const [VpnConnectionId] = vpnConnectionIds
  const { Changes } = await ask('SuidaoListTunnelChanges', { VpnConnectionId })
  assert.equal(Changes.Change[0].ReasonCode, 'PEER_REJECTED_AUTH')
  const observed = async () => {
    const { Samples } = await ask('SuidaoListTunnelSamples', { VpnConnectionId, From: start / 1_000 })
    return Samples.Sample.reduce((sum: number, { ObservedMs }: any) => sum + ObservedMs, 0)
  }
  const before = await observed()
  await control.advance(30_000)
  assert.equal(await observed(), before + 30_000)
})

test('the profile of the cloud: a gateway takes minutes, and one change at a time is let through', async (t) => {
  const { emulator, control, sdk } = await begin({ profile: 'like-the-cloud' })
  t.after(() => emulator.close())
  const { vpcId, vSwitchId } = await control.play('both-up')
  const { body } = await sdk.createVpnGateway(
    new vpc.CreateVpnGatewayRequest({ regionId, vpcId, vSwitchId, bandwidth: 10, autoPay: true }),
  )
  const vpnGatewayId = body!.vpnGatewayId!
  const gateway = async () =>
    (await sdk.describeVpnGateway(new vpc.DescribeVpnGatewayRequest({ regionId, vpnGatewayId }))).body!.status
  await control.advance(149_000)
  assert.equal(await gateway(), 'provisioning')
  await assert.rejects(
    sdk.deleteVpnGateway(new vpc.DeleteVpnGatewayRequest({ regionId, vpnGatewayId })),
    refusal('VpnGateway.Configuring'),
  )
  await control.advance(1_000)
  assert.equal(await gateway(), 'active')
  await sdk.deleteVpnGateway(new vpc.DeleteVpnGatewayRequest({ regionId, vpnGatewayId }))
  await control.advance(19_000)
  assert.equal(await gateway(), 'deleting')
  await control.advance(1_000)
  await assert.rejects(gateway(), refusal('InvalidVpnGatewayInstanceId.NotFound'))
  await control.setProfile({
    durations: { gateway: [0, 5_000], tunnel: 0, removal: 0, ike: 0, child: 0, silence: 0, dpd: 0, bgp: 0 },
    retryDelays: [1_000],
  })
  assert.equal((await control.state()).profile, 'scripted')
})

test('the life of every resource, on a clock that goes by itself', async (t) => {
  const { emulator, sdk, status } = await begin({ speed: 1, profile: 'fast' })
  t.after(() => emulator.close())
  const { body: home } = await sdk.createVpc(new vpc.CreateVpcRequest({ regionId, cidrBlock: '10.0.0.0/8' }))
  const vpcId = home!.vpcId!
  const { body: inside } = await sdk.createVSwitch(
    new vpc.CreateVSwitchRequest({ regionId, vpcId, cidrBlock: '10.1.0.0/24', zoneId: 'cn-hangzhou-h' }),
  )
  const vSwitchId = inside!.vSwitchId!
  const { body: made } = await sdk.createVpnGateway(
    new vpc.CreateVpnGatewayRequest({ regionId, vpcId, vSwitchId, bandwidth: 10, autoPay: true }),
  )
  const vpnGatewayId = made!.vpnGatewayId!
  const gateway = async () =>
    (await sdk.describeVpnGateway(new vpc.DescribeVpnGatewayRequest({ regionId, vpnGatewayId }))).body!.status
  await until('the gateway is active', async () => (await gateway()) === 'active')
  const { body: branch } = await sdk.createCustomerGateway(
    new vpc.CreateCustomerGatewayRequest({ regionId, ipAddress: '203.0.113.9' }),
  )
  const customerGatewayId = branch!.customerGatewayId!
  const ikeConfig = (Psk: string) => JSON.stringify({ Psk, IkeVersion: 'ikev2' })
  const { body: tunnel } = await sdk.createVpnConnection(
    new vpc.CreateVpnConnectionRequest({
      regionId,
      vpnGatewayId,
      customerGatewayId,
      localSubnet: '10.0.0.0/8',
      remoteSubnet: '172.16.0.0/12',
      effectImmediately: true,
      ikeConfig: ikeConfig('first-key'),
    }),
  )
  const vpnConnectionId = tunnel!.vpnConnectionId!
  const isUp = async () => (await status(vpnConnectionId)) === 'ipsec_sa_established'
  await until('the tunnel is up', isUp)
  await sdk.modifyVpnConnectionAttribute(
    new vpc.ModifyVpnConnectionAttributeRequest({
      regionId,
      vpnConnectionId,
      ikeConfig: ikeConfig('second-key'),
    }),
  )
  await until('the change is done', async () => (await gateway()) === 'active')
  await until('the tunnel is up with the new key, which its peer mirrors', isUp)
  await sdk.deleteVpnConnection(new vpc.DeleteVpnConnectionRequest({ regionId, vpnConnectionId }))
  const isGone = (look: () => Promise<unknown>) => async () =>
    look().then(
      () => false,
      () => true,
    )
  await until(
    'the connection is gone',
    isGone(() => status(vpnConnectionId)),
  )
  await sdk.deleteVpnGateway(new vpc.DeleteVpnGatewayRequest({ regionId, vpnGatewayId }))
  await until('the gateway is gone', isGone(gateway))
  await sdk.deleteCustomerGateway(new vpc.DeleteCustomerGatewayRequest({ regionId, customerGatewayId }))
  await sdk.deleteVSwitch(new vpc.DeleteVSwitchRequest({ regionId, vSwitchId }))
  await sdk.deleteVpc(new vpc.DeleteVpcRequest({ regionId, vpcId }))
  assert.deepEqual(emulator.world.tunnels, [])
})

test('of two tunnels of a connection the one in the zone that is lost goes, and the other stays', async (t) => {
  const { emulator, control, sdk } = await begin()
  t.after(() => emulator.close())
  const { vpcId, vSwitchId } = await control.play('both-up')
  const { body: other } = await sdk.createVSwitch(
    new vpc.CreateVSwitchRequest({ regionId, vpcId, cidrBlock: '10.0.2.0/24', zoneId: 'cn-hangzhou-i' }),
  )
  const { body: gateway } = await sdk.createVpnGateway(
    new vpc.CreateVpnGatewayRequest({
      regionId,
      vpcId,
      vSwitchId,
      disasterRecoveryVSwitchId: other!.vSwitchId!,
      bandwidth: 10,
      autoPay: true,
    }),
  )
  await control.settle()
  const { body: branch } = await sdk.createCustomerGateway(
    new vpc.CreateCustomerGatewayRequest({ regionId, ipAddress: '203.0.113.77' }),
  )
  const tunnelOf = (role: string) =>
    new vpc.CreateVpnConnectionRequestTunnelOptionsSpecification({
      customerGatewayId: branch!.customerGatewayId!,
      role,
      tunnelIkeConfig: new vpc.CreateVpnConnectionRequestTunnelOptionsSpecificationTunnelIkeConfig({
        psk: 'emulator-psk',
      }),
    })
  const { body: connection } = await sdk.createVpnConnection(
    new vpc.CreateVpnConnectionRequest({
      regionId,
      vpnGatewayId: gateway!.vpnGatewayId!,
      localSubnet: '10.0.0.0/16',
      remoteSubnet: '172.20.0.0/16',
      effectImmediately: true,
      tunnelOptionsSpecification: [tunnelOf('master'), tunnelOf('slave')],
    }),
  )
  await control.settle()
  const { vpnConnectionId } = connection!
  const statuses = async () => {
    const { body } = await sdk.describeVpnConnection(
      new vpc.DescribeVpnConnectionRequest({ regionId, vpnConnectionId: vpnConnectionId! }),
    )
    return body!.tunnelOptionsSpecification!.tunnelOptions!.map(({ role, status }) => `${role} ${status}`)
  }
  assert.deepEqual(await statuses(), ['master ipsec_sa_established', 'slave ipsec_sa_established'])
  const fault = await control.arm({ layer: 'network', kind: 'zone-lost', target: 'cn-hangzhou-i' })
  assert.deepEqual(await statuses(), ['master ipsec_sa_established', 'slave ike_sa_not_established'])
  await control.disarm(fault.id)
  assert.deepEqual(await statuses(), ['master ipsec_sa_established', 'slave ipsec_sa_established'])
})

test('temporary keys and what is remembered for a ClientToken end by the clock of the emulator', async (t) => {
  const { emulator, control, createVpc, listVpcs } = await begin()
  t.after(() => emulator.close())
  const { endpoint, account } = emulator.state()
  const { db, sealer } = emulator.app
  const key = {
    accountId: account.accountId,
    userName: 'reader',
    statements: [{ Effect: 'Allow' as const, Action: ['vpc:*'], Resource: ['*'] }],
    expiresAt: start + 900_000,
  }
  const { id, secret, securityToken } = await createAccessKey(db, sealer, key, start)
  const session = popCore(endpoint, { id, secret: secret.reveal(), token: securityToken!.reveal() })
  const list = () => session.request('DescribeVpcs', { RegionId: regionId })
  await control.advance(899_000)
  await list()
  await control.advance(1_000)
  await assert.rejects(list(), refusal('InvalidSecurityToken.Expired'))

  await createVpc('remembered')
  await createVpc('remembered')
  assert.equal(await listVpcs(), 1)
  await control.advance(25 * hour)
  await createVpc('remembered')
  assert.equal(await listVpcs(), 2)
})
