import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { issueCertificate } from '../../certificates/x509.ts'
import {
  checkHealthCheck,
  checkProof,
  checkSubnets,
  clashingKeys,
  generatePsk,
  healthCheckTimes,
  ikeColumns,
  matchTunnels,
  pairOfTunnels,
  peerBgpIp,
  remoteCaColumn,
  sameEnds,
  sameSubnets,
  type TunnelOptions,
} from './model.ts'
import type { VpnTunnel } from './store.ts'

const code = (expected: string) => (error: unknown) => (error as { code: string }).code === expected

test('subnets: malformed and too many are refused by the name of their side', () => {
  checkSubnets('LocalSubnet', '10.0.0.0/8,192.168.0.0/16', 2)
  assert.throws(() => checkSubnets('LocalSubnet', '10.0.0.1/8', 2), code('IllegalParam.LocalSubnet'))
  assert.throws(
    () => checkSubnets('RemoteSubnet', '10.0.0.0/8,11.0.0.0/8', 1),
    code('IllegalParam.RemoteSubnet'),
  )
})

test('subnets are the same whatever their order and spacing', () => {
  assert.ok(sameSubnets('10.0.0.0/8,192.168.0.0/16', '192.168.0.0/16, 10.0.0.0/8'))
  assert.ok(!sameSubnets('10.0.0.0/8', '10.0.0.0/8,192.168.0.0/16'))
})

test('a health check that is on names two hosts and times that can be', () => {
  const check = { hc_enable: 1, hc_dip: '192.168.0.1', hc_sip: '10.0.0.1', hc_interval: 3, hc_retry: 3 }
  const outside = ['198.51.100.1', null]
  checkHealthCheck(check, outside)
  checkHealthCheck({ ...check, hc_enable: 0, hc_dip: '' }, outside)
  for (const bad of [
    { hc_dip: '' },
    { hc_sip: '10.0.0' },
    { hc_sip: '198.51.100.1' },
    { hc_dip: '224.0.0.1' },
    { hc_sip: '127.0.0.1' },
    { hc_interval: 0 },
    { hc_retry: 3601 },
  ]) {
    assert.throws(
      () => checkHealthCheck({ ...check, ...bad }, outside),
      code('IllegalParam.HealthCheckConfig'),
      JSON.stringify(bad),
    )
  }
})

test('times of a health check that nobody has said, or said as 0, are the default ones once it is on', () => {
  const times = (hc_interval: number, hc_retry: number) => ({ hc_interval, hc_retry })
  assert.deepEqual(healthCheckTimes(false), times(0, 0))
  assert.deepEqual(healthCheckTimes(false, { Interval: 5, Retry: 0 }), times(5, 0))
  assert.deepEqual(healthCheckTimes(true), times(3, 3))
  assert.deepEqual(healthCheckTimes(true, { Interval: 0, Retry: 0 }), times(3, 3))
  assert.deepEqual(healthCheckTimes(true, { Interval: 5 }, times(4, 4)), times(5, 4))
  assert.deepEqual(healthCheckTimes(true, { Interval: 0 }, times(4, 4)), times(3, 4))
})

test('a life of 0 seconds is the default one', () => {
  assert.equal(ikeColumns({ IkeLifetime: 0 }).ike_lifetime, 86400)
  assert.equal(ikeColumns({ IkeLifetime: 3600 }).ike_lifetime, 3600)
  assert.deepEqual(ikeColumns({}), {})
})

test('only main mode between the same two addresses needs one key', () => {
  const main = { ike_version: 'ikev1', ike_mode: 'main', psk: 'a', remote_ca_certificate: null }
  assert.ok(clashingKeys(main, { ...main, psk: 'b' }))
  assert.ok(!clashingKeys(main, { ...main }))
  assert.ok(!clashingKeys(main, { ...main, psk: 'b', ike_mode: 'aggressive' }))
  assert.ok(!clashingKeys(main, { ...main, psk: 'b', ike_version: 'ikev2' }))
  assert.ok(!clashingKeys(main, { ...main, psk: 'b', remote_ca_certificate: 'pem' }))
})

test('the CA of the peer: one that can be used is kept as written, nothing means a key, and the rest is refused', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { organization: 'Example', commonName: 'CA' }
  const issuer = { subject, key: keys.privateKey }
  const ca = issueCertificate({
    ...{ subject, publicKey: keys.publicKey, issuer },
    ...{ notBefore: 1_000_000, notAfter: 2_000_000 },
  })
  const written = `  ${ca.replaceAll('\n', '\r\n')}`
  assert.equal(remoteCaColumn(written, 1_500_000), written)
  assert.equal(remoteCaColumn('', 1_500_000), null)
  for (const [text, now] of [
    ['no certificate', 1_500_000],
    [ca, 999_000],
    [ca, 2_001_000],
    [ca + ca, 1_500_000],
  ] as const) {
    assert.throws(() => remoteCaColumn(text, now), code('IllegalParam.RemoteCaCertificate'))
  }
})

test('a certificate and aggressive mode do not go together', () => {
  const tunnel = { ike_version: 'ikev1', ike_mode: 'aggressive', remote_ca_certificate: 'pem' }
  assert.throws(() => checkProof(tunnel), code('IllegalParam.RemoteCaCertificate'))
  checkProof({ ...tunnel, ike_mode: 'main' })
  checkProof({ ...tunnel, ike_version: 'ikev2' })
  checkProof({ ...tunnel, remote_ca_certificate: null })
})

test('tunnels meet between the same outside address and the same customer gateway', () => {
  const first = { position: 1, customer_gateway_id: 'cgw-1' }
  assert.ok(sameEnds(first, { ...first }))
  assert.ok(!sameEnds(first, { ...first, position: 2 }))
  assert.ok(!sameEnds(first, { ...first, customer_gateway_id: 'cgw-2' }))
})

const invalidOptions = code('VpnConnection.InvalidCreateTunnelOptions')

test('a new pair has one master and one slave, in the order given', () => {
  const roles = (...given: ('master' | 'slave' | undefined)[]) =>
    pairOfTunnels(given.map((Role) => ({ Role }))).map(({ Role }) => Role)
  assert.deepEqual(roles('master', 'slave'), ['master', 'slave'])
  assert.deepEqual(roles('slave', 'master'), ['slave', 'master'])
  assert.deepEqual(roles(undefined, undefined), ['master', 'slave'])
  assert.deepEqual(roles(undefined, 'master'), ['slave', 'master'])
  assert.deepEqual(roles('slave', undefined), ['slave', 'master'])
  for (const wrong of [[], ['master'], ['master', 'master'], ['slave', 'slave']] as const) {
    assert.throws(() => roles(...wrong), invalidOptions)
  }
})

test('an entry of a change is for the tunnel of its id, else of its role, else of its place', () => {
  const tunnels = [
    { id: 'tun-1', role: 'slave' },
    { id: 'tun-2', role: 'master' },
  ] as VpnTunnel[]
  const ids = (options: TunnelOptions[]) => matchTunnels(tunnels, options).map(({ tunnel }) => tunnel.id)
  assert.deepEqual(ids([{ TunnelId: 'tun-2' }]), ['tun-2'])
  assert.deepEqual(ids([{ Role: 'master' }, { Role: 'slave' }]), ['tun-2', 'tun-1'])
  assert.deepEqual(ids([{}, {}]), ['tun-1', 'tun-2'])
  assert.deepEqual(ids([{ TunnelId: 'tun-1', Role: 'master' }]), ['tun-1'])
  assert.throws(() => ids([{ TunnelId: 'tun-3' }]), code('IllegalParam.TunnelId'))
  assert.throws(() => ids([{ TunnelId: 'tun-1' }, { Role: 'slave' }]), invalidOptions)
})

test('a generated key has 16 lower-case letters and digits', () => {
  assert.match(generatePsk(new Uint8Array(64).fill(251)), /^[a-z0-9]{16}$/)
  assert.match(generatePsk(Uint8Array.from({ length: 64 }, (_, i) => i * 4)), /^[a-z0-9]{16}$/)
})

test("the peer's BGP address is the other host of the /30", () => {
  assert.equal(peerBgpIp('169.254.10.0/30', '169.254.10.1'), '169.254.10.2')
  assert.equal(peerBgpIp('169.254.10.0/30', '169.254.10.2'), '169.254.10.1')
  assert.equal(peerBgpIp(null, null), '')
})
