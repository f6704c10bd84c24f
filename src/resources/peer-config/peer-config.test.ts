/**
 * Each text as a golden file: `UPDATE_GOLDEN=1 node --test <this file>` writes them anew, to be read before they are
 * committed. The lab loads the text for strongSwan into a real daemon.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { peerFormats } from './formats.ts'
import {
  addressAndMask,
  addressAndWildcard,
  type PeerSettings,
  type PeerTunnel,
  withoutKeys,
} from './model.ts'

const folder = new URL('testdata/', import.meta.url)

const tunnel: PeerTunnel = {
  id: 'vco-bp1a2b3c4d5e6f7g8h9i0',
  local: '203.0.113.9',
  remote: '198.51.100.1',
  ike: {
    version: 'ikev2',
    mode: 'main',
    encryption: 'aes256',
    authentication: 'sha256',
    dhGroup: 'group14',
    lifetime: 86_400,
    localId: '203.0.113.9',
    remoteId: '198.51.100.1',
    psk: 'a-key-for-both-ends',
  },
  ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 3_600 },
  dpd: true,
  natTraversal: true,
  certificate: false,
}
const plain: PeerSettings = {
  connectionId: 'vco-bp1a2b3c4d5e6f7g8h9i0',
  name: 'branch',
  localSubnets: ['172.16.0.0/24'],
  remoteSubnets: ['10.0.0.0/16'],
  tunnels: [tunnel],
}
const ike = (changes: Partial<PeerTunnel['ike']>): PeerTunnel => ({
  ...tunnel,
  ike: { ...tunnel.ike, ...changes },
})
const bgp = (last: number): PeerTunnel['bgp'] => ({
  localAsn: 65_010,
  peerAsn: 45_104,
  localIp: `169.254.${last}.2`,
  peerIp: `169.254.${last}.1`,
  authKey: 'a-key-of-bgp',
})

const cases: Readonly<Record<string, PeerSettings>> = {
  'ikev2-plain': plain,
  'ikev1-main-two-networks': {
    ...plain,
    name: '',
    localSubnets: ['172.16.0.0/24', '172.17.0.0/16'],
    tunnels: [
      {
        ...ike({ version: 'ikev1', encryption: 'aes192', authentication: 'sha384', dhGroup: 'group5' }),
        ipsec: { encryption: 'aes256', authentication: 'sha512', pfs: 'disabled', lifetime: 86_400 },
      },
    ],
  },
  'ikev1-aggressive-names-and-an-odd-key': {
    ...plain,
    name: 'two\nlines',
    tunnels: [
      {
        ...ike({
          version: 'ikev1',
          mode: 'aggressive',
          encryption: '3des',
          authentication: 'md5',
          dhGroup: 'group1',
          lifetime: 100,
          localId: 'branch.example.com',
          remoteId: 'cloud@example.com',
          psk: `0s"why\\not?'$x#{}`,
        }),
        ipsec: { encryption: 'des', authentication: 'md5', pfs: 'group14', lifetime: 100 },
        dpd: false,
        natTraversal: false,
      },
    ],
  },
  'two-tunnels-with-bgp': {
    ...plain,
    localSubnets: ['0.0.0.0/0'],
    remoteSubnets: ['0.0.0.0/0'],
    tunnels: [
      { ...tunnel, id: 'tun-1', bgp: bgp(10) },
      {
        ...ike({ remoteId: '198.51.100.2', psk: 'another-key' }),
        id: 'tun-2',
        remote: '198.51.100.2',
        bgp: bgp(11),
      },
    ],
  },
  'two-tunnels-with-networks': {
    ...plain,
    tunnels: [
      { ...tunnel, id: 'tun-1' },
      { ...ike({ remoteId: '198.51.100.2', psk: 'another-key' }), id: 'tun-2', remote: '198.51.100.2' },
    ],
  },
  certificate: { ...plain, tunnels: [{ ...tunnel, certificate: true }] },
}

for (const [format, render] of Object.entries(peerFormats)) {
  describe(`configuration for ${format}`, () => {
    for (const [name, settings] of Object.entries(cases)) {
      test(name, () => {
        const file = new URL(`${format}.${name}.txt`, folder)
        const text = render(settings)
        if (process.env['UPDATE_GOLDEN']) {
          mkdirSync(folder, { recursive: true })
          writeFileSync(file, text)
        }
        assert.equal(text, readFileSync(file, 'utf8'))
      })
    }

    test('a key is in the text exactly when both ends prove themselves by it', () => {
      assert.match(render(plain), /a-key-for-both-ends/)
      assert.match(render(plain), /Keep it private/)
      assert.doesNotMatch(render(cases['certificate']!), /a-key-for-both-ends|Keep it private/)
    })

    test('with its keys hidden it is the same text, with stars', () => {
      const settings = cases['two-tunnels-with-bgp']!
      const shown = render(settings)
      const starred = shown
        .replaceAll(/another-key|a-key-for-both-ends|a-key-of-bgp/g, '******')
        .replace(
          'Keys are in this text in clear. Keep it private.',
          '****** stands in this text for each key.',
        )
      assert.equal(render(withoutKeys(settings)), starred)
      assert.notEqual(starred, shown)
      const odd = cases['ikev1-aggressive-names-and-an-odd-key']!
      assert.doesNotMatch(render(withoutKeys(odd)), /why|Keep it private/)
    })

    test('a name with a line end stays a comment', () => {
      const mark = format === 'cisco-ios' ? '!' : '#'
      const [first] = render(cases['ikev1-aggressive-names-and-an-odd-key']!).split('\n')
      assert.match(first!, new RegExp(`^${mark} .*two lines`))
    })
  })
}

test('every golden file belongs to a case', () => {
  const wanted = Object.keys(peerFormats).flatMap((format) =>
    Object.keys(cases).map((name) => `${format}.${name}.txt`),
  )
  assert.deepEqual(readdirSync(folder).sort(), wanted.sort())
})

test('masks', () => {
  assert.deepEqual(addressAndMask('10.0.0.0/16'), ['10.0.0.0', '255.255.0.0'])
  assert.deepEqual(addressAndMask('0.0.0.0/0'), ['0.0.0.0', '0.0.0.0'])
  assert.deepEqual(addressAndMask('192.0.2.1/32'), ['192.0.2.1', '255.255.255.255'])
  assert.deepEqual(addressAndWildcard('10.0.0.0/16'), ['10.0.0.0', '0.0.255.255'])
  assert.deepEqual(addressAndWildcard('0.0.0.0/0'), ['0.0.0.0', '255.255.255.255'])
})
