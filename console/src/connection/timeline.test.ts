import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangeItem } from '../data.ts'
import { type Call, callOf, isAbout, timelineOf } from './timeline.ts'

const begin = Date.parse('2026-11-26T06:00:00Z')
const now = begin + 3600_000

const call = (at: number, more: Partial<Call> = {}): Call => ({
  id: `call-${at}`,
  at: begin + at,
  name: 'ModifyVpnConnectionAttribute',
  user: undefined,
  address: '127.0.0.1',
  error: undefined,
  isWrite: true,
  resources: ['vco-1'],
  parameters: { RegionId: 'cn-hangzhou', VpnConnectionId: 'vco-1', RemoteSubnet: '10.0.0.0/8' },
  fields: [['RemoteSubnet', '10.1.0.0/16', '10.0.0.0/8']],
  ...more,
})

const change = (at: number, Status: string, ReasonCode = '', TunnelId = 'vco-1'): ChangeItem => ({
  At: begin + at,
  VpnConnectionId: 'vco-1',
  TunnelId,
  Status,
  ReasonCode,
})

const down = (at: number, code = 'PSK_MISMATCH', tunnel?: string) =>
  change(at, 'ike_sa_not_established', code, tunnel)
const up = (at: number, tunnel?: string) => change(at, 'ipsec_sa_established', '', tunnel)

/** In one line each: `call-0 changed +400 PSK_MISMATCH`, `alone 5000 PEER_SILENT`. */
const told = (calls: readonly Call[], changes: readonly ChangeItem[], at = now) =>
  timelineOf(calls, changes, at).map((entry) => {
    const what = ({ ReasonCode, TunnelId }: ChangeItem) =>
      `${ReasonCode || 'up'}${TunnelId === 'vco-1' ? '' : ` ${TunnelId}`}`
    if (entry.kind === 'alone') return `alone ${entry.at - begin} ${what(entry.change)}`
    const effects = entry.effects.map((effect) => `+${effect.after} ${what(effect.change)}`)
    return [entry.call.id, entry.outcome, ...effects].join(' ')
  })

test('what became of the tunnel stands under the call before it, oldest first', () => {
  assert.deepEqual(told([call(0)], [up(1_300), down(400)]), ['call-0 changed +400 PSK_MISMATCH +1300 up'])
})

test('of changes in one millisecond the later stands later, and what a tunnel is now stands last', () => {
  assert.deepEqual(
    told([call(0)], [down(100), change(100, 'ike_sa_not_established', 'CONNECTING'), up(20)]),
    ['call-0 changed +20 up +100 CONNECTING +100 PSK_MISMATCH'],
  )
})

test('newest first; what comes later than a minute after a call, or before it, stands alone', () => {
  assert.deepEqual(
    told([call(10_000), call(200_000)], [down(300_000), up(70_000), down(70_001, 'NO_ROUTE'), down(9_999)]),
    [
      'alone 300000 PSK_MISMATCH',
      'call-200000 none',
      'alone 70001 NO_ROUTE',
      'call-10000 changed +60000 up',
      'alone 9999 PSK_MISMATCH',
    ],
  )
})

test('of two calls the later one has what comes after it', () => {
  assert.deepEqual(told([call(5_000), call(0)], [down(400), up(5_600)]), [
    'call-5000 changed +600 up',
    'call-0 changed +400 PSK_MISMATCH',
  ])
  assert.deepEqual(told([call(0), call(5_000)], [up(5_600)]), [
    'call-5000 changed +600 up',
    'call-0 overtaken',
  ])
})

test('of two tunnels a call has those that it is for', () => {
  const ofSecond = call(0, {
    parameters: {
      RegionId: 'cn-hangzhou',
      VpnConnectionId: 'vco-1',
      TunnelOptionsSpecification: [{ TunnelId: 'tun-2', TunnelIkeConfig: { Psk: '******' } }],
    },
    fields: [['TunnelOptionsSpecification.1.TunnelIkeConfig.Psk', '******', '******']],
  })
  const both = [down(400, 'PSK_MISMATCH', 'tun-2'), down(500, 'NO_ROUTE', 'tun-1')]
  assert.deepEqual(told([ofSecond], both), [
    'alone 500 NO_ROUTE tun-1',
    'call-0 changed +400 PSK_MISMATCH tun-2',
  ])
  // Subnets belong to both, whatever else the call says of one.
  const alsoSubnets = { ...ofSecond, parameters: { ...ofSecond.parameters, LocalSubnet: '10.0.0.0/8' } }
  assert.deepEqual(told([alsoSubnets], both), ['call-0 changed +400 PSK_MISMATCH tun-2 +500 NO_ROUTE tun-1'])
})

test('a tunnel that is stopped and started', () => {
  const control = (at: number, name: string) =>
    call(at, { name, parameters: { RegionId: 'r', VpnConnectionId: 'vco-1', TunnelId: 'vco-1' }, fields: [] })
  assert.deepEqual(
    told(
      [control(0, 'SuidaoStopTunnel'), control(9_000, 'SuidaoStartTunnel')],
      [down(80, 'STOPPED_BY_OPERATOR'), change(9_050, 'ike_sa_not_established'), up(9_700)],
    ),
    ['call-9000 changed +50 up +700 up', 'call-0 changed +80 STOPPED_BY_OPERATOR'],
  )
})

test('names, tags, routes, reads and what was refused have no tunnel under them', () => {
  const quiet: readonly Partial<Call>[] = [
    { fields: [['Name', 'a', 'b']] },
    { name: 'TagResources', fields: [] },
    { name: 'CreateVpnRouteEntry', fields: [] },
    { name: 'DiagnoseVpnGateway', fields: [] },
    { name: 'CreateCustomerGateway', fields: [] },
    { name: 'DownloadVpnConnectionConfig', isWrite: false, fields: [] },
    { error: 'VpnGateway.Configuring' },
  ]
  for (const more of quiet) {
    assert.deepEqual(told([call(0), call(1_000, more)], [down(1_400)]), [
      'call-1000 untouched',
      'call-0 changed +1400 PSK_MISMATCH',
    ])
  }
  // A name and something else.
  const mixed = call(1_000, {
    fields: [
      ['Name', 'a', 'b'],
      ['LocalSubnet', 'x', 'y'],
    ],
  })
  assert.deepEqual(told([mixed], [down(1_400)]), ['call-1000 changed +400 PSK_MISMATCH'])
})

test('as long as the minute is not over, nothing is said of it', () => {
  assert.deepEqual(told([call(0)], [], begin + 59_999), ['call-0 open'])
  assert.deepEqual(told([call(0)], [], begin + 60_000), ['call-0 none'])
})

test('a call as the audit trail has it', () => {
  const item = {
    eventId: 'E1',
    eventTime: '2026-11-26T06:00:00.250Z',
    eventName: 'ModifyVpnConnectionAttribute',
    eventRW: 'Write',
    resourceName: 'vco-1;cgw-1',
    sourceIpAddress: '198.51.100.7',
    requestParameterJson: '{"IkeConfig":{"Psk":"******"}}',
    changesJson: '{"IkeConfig.Psk":{"before":"******","after":"******"},"Name":{"after":"x"}}',
    userIdentity: { type: 'ram-user', userName: 'li' },
  }
  assert.deepEqual(callOf(item), {
    id: 'E1',
    at: begin + 250,
    name: 'ModifyVpnConnectionAttribute',
    user: 'li',
    address: '198.51.100.7',
    error: undefined,
    isWrite: true,
    resources: ['vco-1', 'cgw-1'],
    parameters: { IkeConfig: { Psk: '******' } },
    fields: [
      ['IkeConfig.Psk', '******', '******'],
      ['Name', undefined, 'x'],
    ],
  })
  assert.equal(callOf({ ...item, userIdentity: { type: 'root-account', userName: 'root' } }).user, undefined)
})

test('of the calls on its VPN gateway, those for the gateway itself and for this connection', () => {
  const onGateway = (parameters: object) => call(0, { resources: ['vpn-1'], parameters: { ...parameters } })
  const cases: [parameters: object, want: boolean][] = [
    [{ VpnGatewayId: 'vpn-1', AutoPropagate: true }, true],
    [{ VpnGatewayId: 'vpn-1', NextHop: 'vco-1' }, true],
    [{ VpnGatewayId: 'vpn-1', NextHop: 'vco-2' }, false],
    [{ VpnGatewayId: 'vpn-1', ResourceId: 'vco-2' }, false],
    [{ ResourceId: ['vpn-1'], Tag: [{ Key: 'a' }] }, true],
  ]
  for (const [parameters, want] of cases) {
    assert.equal(isAbout(onGateway(parameters), 'vco-1', 'vpn-1'), want)
  }
  assert.ok(isAbout(call(0), 'vco-1', 'vpn-1'))
})
