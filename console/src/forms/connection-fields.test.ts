import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConnectionFields, effectOf, initialFields, newTunnel, paramsOf } from './connection-fields.ts'

const filled: ConnectionFields = {
  ...(initialFields(undefined) as ConnectionFields),
  Name: 'office',
  VpnGatewayId: 'vpn-1',
  LocalSubnet: ['10.1.0.0/24', '10.2.0.0/24'],
  RemoteSubnet: ['192.168.0.0/16'],
  Tunnels: [{ ...newTunnel(), CustomerGatewayId: 'cgw-1', Ike: { ...newTunnel().Ike, Psk: 'key' } }],
}

test('a new connection says everything that the form holds, and no empty value', () => {
  const params = paramsOf(undefined, filled)
  assert.deepEqual(
    { ...params, IkeConfig: undefined, IpsecConfig: undefined },
    {
      Name: 'office',
      EffectImmediately: true,
      LocalSubnet: '10.1.0.0/24,10.2.0.0/24',
      RemoteSubnet: '192.168.0.0/16',
      CustomerGatewayId: 'cgw-1',
      EnableDpd: true,
      EnableNatTraversal: true,
      AutoConfigRoute: true,
      IkeConfig: undefined,
      IpsecConfig: undefined,
    },
  )
  const { Psk, IkeVersion, LocalId } = params['IkeConfig'] as Record<string, string>
  assert.deepEqual([Psk, IkeVersion, LocalId], ['key', 'ikev2', undefined])
})

test('two tunnels: each with its role and its own settings', () => {
  const pair = {
    ...filled,
    EnableBgp: true,
    Tunnels: [filled.Tunnels[0]!, { ...newTunnel(), CustomerGatewayId: 'cgw-2' }],
  }
  const params = paramsOf(undefined, pair)
  const options = params['TunnelOptionsSpecification'] as Record<string, unknown>[]
  assert.deepEqual(
    options.map(({ Role, CustomerGatewayId, TunnelBgpConfig }) => [Role, CustomerGatewayId, TunnelBgpConfig]),
    [
      ['master', 'cgw-1', { LocalAsn: '45104' }],
      ['slave', 'cgw-2', { LocalAsn: '45104' }],
    ],
  )
  assert.equal(params['EnableTunnelsBgp'], true)
  assert.equal(params['CustomerGatewayId'], undefined)
  assert.equal(params['IkeConfig'], undefined)
})

test('a change says what differs, and what it will do', () => {
  const before: ConnectionFields = {
    ...filled,
    AutoConfigRoute: undefined,
    Tunnels: [{ ...filled.Tunnels[0]!, Ike: newTunnel().Ike }],
  }
  const changed = (change: Partial<ConnectionFields>) => paramsOf(before, { ...before, ...change })
  const withIke = (Ike: object) => ({
    Tunnels: [{ ...before.Tunnels[0]!, Ike: { ...before.Tunnels[0]!.Ike, ...Ike } }],
  })
  const cases: [change: Partial<ConnectionFields>, want: object, effect: string][] = [
    [{}, {}, 'effect.nothing'],
    [{ Name: 'new' }, { Name: 'new' }, 'effect.none'],
    [withIke({ Psk: 'another' }), { IkeConfig: { Psk: 'another' } }, 'effect.renegotiate'],
    [withIke({ Psk: '' }), {}, 'effect.nothing'],
    [{ RemoteSubnet: ['172.16.0.0/12'] }, { RemoteSubnet: '172.16.0.0/12' }, 'effect.renegotiate'],
    [
      { HealthCheck: { Enable: true, Dip: '10.0.0.1', Sip: '10.0.0.2', Interval: 3, Retry: 3 } },
      { HealthCheckConfig: { Enable: true, Dip: '10.0.0.1', Sip: '10.0.0.2' } },
      'effect.none',
    ],
    [{ AutoConfigRoute: false }, { AutoConfigRoute: false }, 'effect.none'],
    [{ Tags: [{ Key: 'env', Value: 'prod' }] }, {}, 'effect.nothing'],
    [
      { Tunnels: [{ ...before.Tunnels[0]!, RemoteCaCertificate: 'PEM' }] },
      { RemoteCaCertificate: 'PEM' },
      'effect.renegotiate',
    ],
    [{ EnableBgp: true }, { BgpConfig: { EnableBgp: true } }, 'effect.renegotiate'],
  ]
  for (const [change, want, effect] of cases) {
    const params = changed(change)
    assert.deepEqual(params, want)
    assert.equal(effectOf(false, params, true), effect)
  }
  assert.equal(effectOf(false, changed(withIke({ Psk: 'another' })), false), 'effect.later')
  assert.equal(effectOf(true, {}, true), 'effect.createNow')
})

test('a change of one of two tunnels leaves the other alone', () => {
  const tunnel = (id: string) => ({ ...newTunnel(), TunnelId: id, CustomerGatewayId: 'cgw-1' })
  const before = { ...filled, Tunnels: [tunnel('tun-1'), tunnel('tun-2')] }
  const second = { ...tunnel('tun-2'), Ike: { ...newTunnel().Ike, Psk: 'another' } }
  const params = paramsOf(before, { ...before, Tunnels: [before.Tunnels[0]!, second] })
  assert.deepEqual(params, {
    TunnelOptionsSpecification: [{ TunnelId: 'tun-2', TunnelIkeConfig: { Psk: 'another' } }],
  })
  assert.equal(effectOf(false, params, true), 'effect.oneTunnel')
})

test('an attachment: tunnels by index, addresses of its own, and another customer gateway for a single one', () => {
  const fresh = { ...filled, ...initialFields(undefined, true), Tunnels: filled.Tunnels, EnableBgp: false }
  const { VpnGatewayId: _, ...own } = fresh
  const single = paramsOf(undefined, own as ConnectionFields, true)
  assert.deepEqual([single['NetworkType'], single['TunnelBandwidth']], ['public', 'Standard'])
  const pair = { ...own, Tunnels: [filled.Tunnels[0]!, filled.Tunnels[0]!] } as ConnectionFields
  const options = paramsOf(undefined, pair, true)['TunnelOptionsSpecification'] as Record<string, unknown>[]
  assert.deepEqual(
    options.map(({ TunnelIndex, Role }) => [TunnelIndex, Role]),
    [
      [1, undefined],
      [2, undefined],
    ],
  )
  const proved = { ...own, Tunnels: [{ ...filled.Tunnels[0]!, RemoteCaCertificate: 'PEM' }] }
  assert.equal(paramsOf(undefined, proved as ConnectionFields, true)['RemoteCaCert'], 'PEM')
  const moved = { ...filled, Tunnels: [{ ...filled.Tunnels[0]!, CustomerGatewayId: 'cgw-2' }] }
  const params = paramsOf(filled, moved, true)
  assert.deepEqual(params, { CustomerGatewayId: 'cgw-2' })
  assert.equal(effectOf(false, params, true), 'effect.renegotiate')
  const network = paramsOf({ ...filled, NetworkType: 'public' }, { ...filled, NetworkType: 'private' }, true)
  assert.deepEqual(network, { NetworkType: 'private' })
  assert.equal(effectOf(false, network, true), 'effect.none')
})

test('a certificate is taken away by an empty text, and tags of something new are told with it', () => {
  const withCa = { ...filled, Tunnels: [{ ...filled.Tunnels[0]!, RemoteCaCertificate: 'PEM' }] }
  const without = { ...filled, Tunnels: [{ ...filled.Tunnels[0]!, RemoteCaCertificate: undefined }] }
  assert.deepEqual(paramsOf(withCa, without), { RemoteCaCertificate: '' })
  const pair = (RemoteCaCertificate: string) => ({
    ...filled,
    Tunnels: ['tun-1', 'tun-2'].map((TunnelId) => ({
      ...filled.Tunnels[0]!,
      TunnelId,
      ...(TunnelId === 'tun-2' && { RemoteCaCertificate }),
    })),
  })
  assert.deepEqual(paramsOf(pair(''), pair('PEM')), {
    TunnelOptionsSpecification: [{ TunnelId: 'tun-2', RemoteCaCertificate: 'PEM' }],
  })
  const tagged = paramsOf(undefined, { ...filled, Tags: [{ Key: 'env' }, {}] })
  assert.deepEqual(tagged['Tags'], [{ Key: 'env', Value: '' }])
})
