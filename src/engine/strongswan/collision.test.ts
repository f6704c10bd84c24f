import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../secret.ts'
import type { Tunnel } from '../engine.ts'
import { collisionOf } from './collision.ts'

const tunnel = (change: Partial<Omit<Tunnel, 'ike'>> & { ike?: Partial<Tunnel['ike']> } = {}): Tunnel =>
  ({
    localSubnets: ['10.1.0.0/24'],
    remoteSubnets: ['10.2.0.0/24'],
    ...change,
    ike: {
      version: 'ikev1',
      mode: 'main',
      localId: 'a',
      remoteId: 'b',
      psk: new Secret('key'),
      ...change.ike,
    },
  }) as Tunnel
const other = tunnel({ remoteSubnets: ['10.3.0.0/24'] })
const everything = { localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }
const anotherKey = new Secret('another')

test('tunnels of one peer that can and cannot live together', () => {
  for (const { name, given, against = other, userspace = true, keyKnown = true, want } of [
    { name: 'other networks, same key', given: tunnel() },
    {
      name: 'main mode, other key, other ids',
      given: tunnel({ ike: { psk: anotherKey, remoteId: 'c' } }),
      want: /main mode/,
    },
    {
      name: 'IKEv2, other key, other ids',
      given: tunnel({ ike: { version: 'ikev2', psk: anotherKey, remoteId: 'c' } }),
    },
    {
      name: 'IKEv2, other key, same ids',
      given: tunnel({ ike: { version: 'ikev2', psk: anotherKey } }),
      want: /same identities/,
    },
    {
      name: 'a certificate beside a key',
      given: tunnel({ ike: { psk: anotherKey, certificate: { remoteCa: '', own: '', ownKey: anotherKey } } }),
    },
    { name: 'the other key is not known', given: tunnel({ ike: { psk: anotherKey } }), keyKnown: false },
    { name: 'same selectors in userspace', given: other, want: /10\.1\.0\.0\/24 === 10\.3\.0\.0\/24/ },
    { name: 'same selectors in the kernel', given: other, userspace: false },
    {
      name: 'the same network written otherwise',
      given: tunnel({ remoteSubnets: ['10.3.0.7/24'] }),
      want: /userspace/,
    },
    {
      name: 'everything twice',
      given: tunnel({ localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }),
      against: tunnel({ localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] }),
      want: /userspace/,
    },
    { name: 'everything beside a part', given: tunnel(everything), want: /closer selectors/ },
    { name: 'a part beside everything', given: other, against: tunnel(everything), want: /closer selectors/ },
    { name: 'everything beside a part, in the kernel', given: tunnel(everything), userspace: false },
    {
      name: 'main mode, other key, other ids, from another outside address',
      given: tunnel({ localAddress: '198.51.100.7', ike: { psk: anotherKey, remoteId: 'c' } }),
    },
    {
      name: 'main mode, other key, same ids, from another outside address',
      given: tunnel({ localAddress: '198.51.100.7', ike: { psk: anotherKey } }),
      want: /same identities/,
    },
  ] as {
    name: string
    given: Tunnel
    against?: Tunnel
    userspace?: boolean
    keyKnown?: boolean
    want?: RegExp
  }[]) {
    const collision = collisionOf(given, against, { userspace, keyKnown })
    if (want) assert.match(collision ?? '', want, name)
    else assert.equal(collision, undefined, name)
  }
})

test('no key is in the explanation', () => {
  const explained = collisionOf(tunnel({ ike: { psk: anotherKey } }), other, {
    userspace: true,
    keyKnown: true,
  })
  assert(explained)
  assert(!explained.includes('another'))
})
