import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Secret } from '../../secret.ts'
import { EngineError, type Tunnel } from '../engine.ts'
import { children, definitionHash, renderConnection, renderPrivateKey, renderShared } from './render.ts'
import { sectionOf, type ViciMessage } from './vici/message.ts'

const tunnel: Tunnel = {
  id: 'vco-1',
  connectionId: 'vco-1',
  gatewayId: 'vpn-1',
  slot: 3,
  generation: 7,
  localAddress: '198.51.100.1',
  remoteAddress: '203.0.113.9',
  ike: {
    version: 'ikev1',
    mode: 'main',
    encryption: 'aes',
    authentication: 'sha1',
    dhGroup: 'group2',
    lifetime: 86_400,
    localId: '198.51.100.1',
    remoteId: 'branch.example',
    psk: new Secret('a key'),
  },
  ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
  localSubnets: ['10.1.0.0/24'],
  remoteSubnets: ['10.2.0.0/24'],
  dpd: true,
  natTraversal: true,
  effectImmediately: true,
}
const ikev2: Tunnel = { ...tunnel, ike: { ...tunnel.ike, version: 'ikev2' } }
const certificate = { remoteCa: 'their CA', own: 'our certificate', ownKey: new Secret('our key') }
const certified: Tunnel = { ...tunnel, ike: { ...tunnel.ike, certificate } }
const userspace = { mode: 'U' } as const

/** The connection, as far as it differs from another. */
function changed(from: Tunnel, to: Tunnel, carrier: Parameters<typeof renderConnection>[1] = userspace) {
  const flat = (value: unknown, path: string): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([name, inner]) => flat(inner, path ? `${path}.${name}` : name))
      : [[path, String(value)]]
  const before = new Map(flat(renderConnection(from, userspace)['vco-1'], ''))
  const after = new Map(flat(renderConnection(to, carrier)['vco-1'], ''))
  return Object.fromEntries(
    [...new Set([...before.keys(), ...after.keys()])]
      .filter((path) => before.get(path) !== after.get(path))
      .map((path) => [path, after.get(path)]),
  )
}

test('an IKEv1 tunnel, every setting', () => {
  assert.deepEqual(renderConnection(tunnel, userspace), {
    'vco-1': {
      version: '1',
      aggressive: 'no',
      local_addrs: ['198.51.100.1'],
      remote_addrs: ['203.0.113.9'],
      proposals: ['aes128-sha1-modp1024'],
      rekey_time: '77760s',
      over_time: '8640s',
      rand_time: '8640s',
      reauth_time: '0s',
      unique: 'replace',
      keyingtries: '1',
      fragmentation: 'yes',
      encap: 'no',
      mobike: 'no',
      dpd_delay: '10s',
      dpd_timeout: '30s',
      local: { auth: 'psk', id: '198.51.100.1' },
      remote: { auth: 'psk', id: 'fqdn:branch.example' },
      children: {
        'vco-1': {
          local_ts: ['10.1.0.0/24'],
          remote_ts: ['10.2.0.0/24'],
          esp_proposals: ['aes128-sha1-modp1024'],
          life_time: '86400s',
          rekey_time: '77760s',
          rand_time: '8640s',
          start_action: 'none',
          close_action: 'none',
          dpd_action: 'clear',
        },
      },
    },
  })
})

for (const [name, to, want] of [
  ['IKEv2', ikev2, { version: '2', dpd_timeout: 'undefined' }],
  ['aggressive mode', { ...tunnel, ike: { ...tunnel.ike, mode: 'aggressive' } }, { aggressive: 'yes' }],
  [
    'IKEv2 has no mode',
    { ...ikev2, ike: { ...ikev2.ike, mode: 'aggressive' } },
    { version: '2', dpd_timeout: 'undefined' },
  ],
  ['no DPD', { ...tunnel, dpd: false }, { dpd_delay: undefined, dpd_timeout: undefined }],
  ['NAT traversal is not a setting of the daemon', { ...tunnel, natTraversal: false }, {}],
  [
    'when to start is not a setting of the daemon',
    { ...tunnel, effectImmediately: false, generation: 8 },
    {},
  ],
  [
    'other algorithms',
    {
      ...tunnel,
      ike: { ...tunnel.ike, encryption: '3des', authentication: 'md5', dhGroup: 'group5' },
      ipsec: { ...tunnel.ipsec, encryption: 'aes256', authentication: 'sha512', pfs: 'group14' },
    },
    {
      proposals: '3des-md5-modp1536',
      'children.vco-1.esp_proposals': 'aes256-sha512-modp2048',
    },
  ],
  [
    'PFS off',
    { ...tunnel, ipsec: { ...tunnel.ipsec, pfs: 'disabled' } },
    { 'children.vco-1.esp_proposals': 'aes128-sha1' },
  ],
  [
    'lifetimes that are not divisible by ten announce exactly what was asked for',
    { ...tunnel, ike: { ...tunnel.ike, lifetime: 3_605 }, ipsec: { ...tunnel.ipsec, lifetime: 1_234 } },
    {
      rekey_time: '3244s',
      over_time: '361s',
      rand_time: '361s',
      'children.vco-1.life_time': '1234s',
      'children.vco-1.rekey_time': '1111s',
      'children.vco-1.rand_time': '123s',
    },
  ],
  [
    "lifetime 0 leaves the daemon's defaults",
    { ...tunnel, ike: { ...tunnel.ike, lifetime: 0 }, ipsec: { ...tunnel.ipsec, lifetime: 0 } },
    {
      rekey_time: undefined,
      over_time: undefined,
      rand_time: undefined,
      reauth_time: undefined,
      'children.vco-1.life_time': undefined,
      'children.vco-1.rekey_time': undefined,
      'children.vco-1.rand_time': undefined,
    },
  ],
  [
    'an identity that looks like a mail address stays a name',
    { ...tunnel, ike: { ...tunnel.ike, remoteId: 'a@b' } },
    { 'remote.id': 'fqdn:a@b' },
  ],
] as const satisfies readonly (readonly [string, Tunnel, object])[]) {
  test(name, () => {
    assert.deepEqual(changed(tunnel, to), want)
  })
}

test('where the kernel carries ESP the tunnel is tied to its interface', () => {
  assert.deepEqual(changed(tunnel, tunnel, { mode: 'X', ifId: 4, startAction: 'trap' }), {
    if_id_in: '4',
    if_id_out: '4',
    'children.vco-1.start_action': 'trap',
  })
  assert.deepEqual(changed(tunnel, tunnel, { mode: 'V', mark: 4, startAction: 'none' }), {
    'children.vco-1.mark_in': '4',
    'children.vco-1.mark_out': '4',
  })
})

test('several subnets: one child for each pair in IKEv1, one for all in IKEv2', () => {
  const several = {
    localSubnets: ['10.1.0.0/24', '10.3.0.0/24'],
    remoteSubnets: ['10.2.0.0/24', '10.4.0.0/24'],
  }
  assert.deepEqual(children({ ...tunnel, ...several }), [
    { name: 'vco-1-1', localSubnets: ['10.1.0.0/24'], remoteSubnets: ['10.2.0.0/24'] },
    { name: 'vco-1-2', localSubnets: ['10.1.0.0/24'], remoteSubnets: ['10.4.0.0/24'] },
    { name: 'vco-1-3', localSubnets: ['10.3.0.0/24'], remoteSubnets: ['10.2.0.0/24'] },
    { name: 'vco-1-4', localSubnets: ['10.3.0.0/24'], remoteSubnets: ['10.4.0.0/24'] },
  ])
  assert.deepEqual(children({ ...ikev2, ...several }), [{ name: 'vco-1', ...several }])
  const rendered = renderConnection({ ...tunnel, ...several }, userspace)['vco-1'] as ViciMessage
  assert.deepEqual(Object.keys(sectionOf(rendered, 'children')!), [
    'vco-1-1',
    'vco-1-2',
    'vco-1-3',
    'vco-1-4',
  ])
})

test('the order of subnets, doubles and host bits make no difference', () => {
  const tidy = { ...ikev2, localSubnets: ['10.1.0.0/24', '10.3.0.0/16'] }
  const untidy = { ...ikev2, localSubnets: ['10.3.255.1/16', '10.1.0.0/24', '10.1.0.77/24'] }
  assert.deepEqual(renderConnection(untidy, userspace), renderConnection(tidy, userspace))
  assert.equal(definitionHash(untidy, userspace), definitionHash(tidy, userspace))
})

test('host bits are removed at every prefix length', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), (address, length) => {
      const dotted = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
      const network = Number((BigInt(address) >> BigInt(32 - length)) << BigInt(32 - length))
      const expected = [24, 16, 8, 0].map((shift) => (network >>> shift) & 255).join('.')
      const [child] = children({ ...ikev2, localSubnets: [`${dotted}/${length}`] })
      assert.deepEqual(child?.localSubnets, [`${expected}/${length}`])
    }),
  )
})

test('the key goes out as bytes, owned by both identities', () => {
  const psk = new Secret('0xnot hex, "quoted", ключ')
  const { data, ...rest } = renderShared({ ...tunnel, ike: { ...tunnel.ike, psk } })
  assert.equal(Buffer.from(data as Uint8Array).toString('utf8'), '0xnot hex, "quoted", ключ')
  assert.deepEqual(rest, { id: 'vco-1', type: 'IKE', owners: ['198.51.100.1', 'fqdn:branch.example'] })
})

for (const [name, bad] of [
  ['a name for an address', { remoteAddress: 'peer.example' }],
  ['an address with a mask', { localAddress: '198.51.100.1/24' }],
  ['%any for an address', { remoteAddress: '%any' }],
  ['a mask of 33 bits', { localSubnets: ['10.1.0.0/33'] }],
  ['a subnet without a mask', { localSubnets: ['10.1.0.0'] }],
  ['a subnet with two masks', { remoteSubnets: ['10.1.0.0/8/8'] }],
  ['a mask that is no number', { remoteSubnets: ['10.1.0.0/2x'] }],
  ['no subnet', { remoteSubnets: [] }],
  ['an empty identity', { ike: { ...tunnel.ike, remoteId: '' } }],
  ['an identity with a space', { ike: { ...tunnel.ike, localId: 'a b' } }],
  ['an identity of another script', { ike: { ...tunnel.ike, localId: '隧道' } }],
  ['an identity of 256 characters', { ike: { ...tunnel.ike, localId: 'a'.repeat(256) } }],
] as const satisfies readonly (readonly [string, Partial<Tunnel>])[]) {
  test(`refuses ${name}, which the daemon would take`, () => {
    assert.throws(
      () => renderConnection({ ...tunnel, ...bad }, userspace),
      (error: unknown) => {
        assert(error instanceof EngineError)
        assert.equal(error.retry, false)
        assert.match(error.message, /^tunnel vco-1: /)
        return true
      },
    )
  })
}

test('the hash changes with everything that a running SA depends on, and with nothing else', () => {
  const hash = (to: Partial<Tunnel>) => definitionHash({ ...tunnel, ...to }, userspace)
  const original = hash({})
  for (const same of [{ generation: 9 }, { effectImmediately: false }, { slot: 4 }, { connectionId: 'x' }]) {
    assert.equal(hash(same), original, inspect(same))
  }
  const different = [
    { ike: { ...tunnel.ike, psk: new Secret('another') } },
    { ike: { ...tunnel.ike, version: 'ikev2' } },
    { ike: { ...tunnel.ike, mode: 'aggressive' } },
    { ike: { ...tunnel.ike, lifetime: 3_600 } },
    { ike: { ...tunnel.ike, localId: 'x' } },
    { ipsec: { ...tunnel.ipsec, pfs: 'disabled' } },
    { localSubnets: ['10.9.0.0/24'] },
    { remoteAddress: '203.0.113.10' },
    { dpd: false },
  ] as const satisfies readonly Partial<Tunnel>[]
  const hashes = new Set([original, ...different.map(hash)])
  assert.equal(hashes.size, different.length + 1)
})

test('certificates: both ends by signature, the CA always a condition, and the private key not in the connection', () => {
  const { local, remote, send_cert } = sectionOf(
    renderConnection(certified, userspace) as ViciMessage,
    'vco-1',
  ) as Record<string, unknown>
  assert.deepEqual(local, { auth: 'pubkey', id: '198.51.100.1', certs: ['our certificate'] })
  assert.deepEqual(remote, { auth: 'pubkey', id: 'fqdn:branch.example', cacerts: ['their CA'] })
  assert.equal(send_cert, 'always')
  assert.doesNotMatch(inspect(renderConnection(certified, userspace), { depth: 9 }), /our key/)
  assert.deepEqual(renderPrivateKey(certificate.ownKey), { type: 'any', data: 'our key' })
  for (const bad of [
    { ...certified, ike: { ...certified.ike, certificate: { ...certificate, remoteCa: '' } } },
    { ...certified, ike: { ...certified.ike, mode: 'aggressive' as const } },
  ]) {
    assert.throws(() => renderConnection(bad, userspace), EngineError)
  }
})

test('a running SA depends on the CA of the peer, and not on our certificate, nor on a pre-shared key beside it', () => {
  const hash = (change: Partial<Tunnel['ike']>) =>
    definitionHash({ ...certified, ike: { ...certified.ike, ...change } }, userspace)
  const original = hash({})
  const renewed = { ...certificate, own: 'our next certificate', ownKey: new Secret('our next key') }
  assert.equal(hash({ certificate: renewed }), original)
  assert.equal(hash({ psk: new Secret('another') }), original)
  assert.notEqual(hash({ certificate: { ...certificate, remoteCa: 'another CA' } }), original)
  assert.notEqual(hash({ certificate: undefined }), original)
})

test('the hash tells carriers apart, and not whether it waits for traffic', () => {
  const wait = definitionHash(tunnel, { mode: 'X', ifId: 4, startAction: 'trap' })
  assert.equal(definitionHash(tunnel, { mode: 'X', ifId: 4, startAction: 'none' }), wait)
  assert.notEqual(definitionHash(tunnel, { mode: 'X', ifId: 5, startAction: 'none' }), wait)
  assert.notEqual(definitionHash(tunnel, userspace), wait)
})
