import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bgpDefaults,
  checkBgpBeside,
  checkInsideAddresses,
  requireBgpSettings,
  type TunnelBgpRow,
} from './bgp.ts'

const row = (change: Partial<TunnelBgpRow> = {}): TunnelBgpRow => ({
  id: 'tun-1',
  bgp_local_asn: 45104,
  bgp_tunnel_cidr: '169.254.10.0/30',
  bgp_local_ip: '169.254.10.1',
  ...change,
})
const code = (wanted: string) => (error: unknown) => (error as { code?: string }).code === wanted

test('the block of a tunnel is a /30 of link-local addresses that the cloud does not keep', () => {
  for (const block of ['169.254.10.0/30', '169.254.1.4/30', '169.254.255.252/30', '169.254.169.248/30']) {
    checkInsideAddresses(row({ bgp_tunnel_cidr: block, bgp_local_ip: null }))
  }
  checkInsideAddresses(row({ bgp_tunnel_cidr: null, bgp_local_ip: null }))
  for (const block of [
    '169.254.10.1/30',
    '169.254.10.0/29',
    '169.255.10.0/30',
    '169.254.10.256/30',
    '169.254.0.0/30',
    '169.254.6.0/30',
    '169.254.169.252/30',
  ]) {
    assert.throws(
      () => checkInsideAddresses(row({ bgp_tunnel_cidr: block, bgp_local_ip: null })),
      code('IllegalParam.TunnelCidr'),
      block,
    )
  }
})

test('our end is one of the two hosts of the block', () => {
  for (const address of ['169.254.10.1', '169.254.10.2']) checkInsideAddresses(row({ bgp_local_ip: address }))
  for (const address of ['169.254.10.0', '169.254.10.3', '169.254.11.1', 'x', '169.254.10.01']) {
    assert.throws(
      () => checkInsideAddresses(row({ bgp_local_ip: address })),
      code('IllegalParam.LocalBgpIp'),
      address,
    )
  }
  assert.throws(() => checkInsideAddresses(row({ bgp_tunnel_cidr: null })), code('IllegalParam.LocalBgpIp'))
})

test('BGP needs addresses at our end and an ASN at the other; ours has a default', () => {
  requireBgpSettings(row(), 65001)
  assert.throws(() => requireBgpSettings(row({ bgp_tunnel_cidr: null }), 65001), code('MissingTunnelCidr'))
  assert.throws(() => requireBgpSettings(row({ bgp_local_ip: null }), 65001), code('MissingLocalBgpIp'))
  assert.throws(() => requireBgpSettings(row(), null), code('OperationUnsupported.EnableBgp'))
  assert.deepEqual(bgpDefaults(row({ bgp_local_asn: null })), { bgp_local_asn: 45104 })
  assert.deepEqual(bgpDefaults(row({ bgp_local_asn: 65000 })), {})
})

test('on one gateway a block belongs to one tunnel, and all sessions have one local ASN', () => {
  const other = (change: Partial<TunnelBgpRow> = {}, bgp_enable = 1) => ({
    ...row({ id: 'tun-2', bgp_tunnel_cidr: '169.254.11.0/30', bgp_local_ip: '169.254.11.1', ...change }),
    bgp_enable,
  })
  checkBgpBeside(row(), true, [{ ...row(), bgp_enable: 1 }, other()])
  assert.throws(
    () => checkBgpBeside(row(), false, [other({ bgp_tunnel_cidr: '169.254.10.0/30' }, 0)]),
    code('IllegalParam.TunnelCidr'),
  )
  assert.throws(
    () => checkBgpBeside(row(), true, [other({ bgp_local_asn: 1 })]),
    code('IllegalParam.LocalAsn'),
  )
  checkBgpBeside(row(), false, [other({ bgp_local_asn: 1 })])
  checkBgpBeside(row(), true, [other({ bgp_local_asn: 1 }, 0)])
})
