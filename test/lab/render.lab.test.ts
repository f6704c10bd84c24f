/** The real daemon is asked to accept everything that we render. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type {
  AuthenticationAlgorithm,
  DhGroup,
  EncryptionAlgorithm,
  Tunnel,
} from '../../src/engine/engine.ts'
import { type Carrier, renderConnection, renderShared } from '../../src/engine/strongswan/render.ts'
import { ViciSession } from '../../src/engine/strongswan/vici/session.ts'
import { Secret } from '../../src/secret.ts'
import { Charon } from './support/charon.ts'
import { Lab } from './support/lab.ts'

const skip = Lab.missing() ?? false
const lab = skip ? undefined : await Lab.create()
const charon = lab && (await Charon.start(await lab.namespace('r')))
after(async () => {
  await charon?.close()
  await lab?.close()
})

const encryptions: readonly EncryptionAlgorithm[] = ['aes', 'aes192', 'aes256', 'des', '3des']
const authentications: readonly AuthenticationAlgorithm[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512']
const groups: readonly DhGroup[] = ['group1', 'group2', 'group5', 'group14']
const versions = [
  { version: 'ikev1', mode: 'main' },
  { version: 'ikev1', mode: 'aggressive' },
  { version: 'ikev2', mode: 'main' },
] as const
const carriers: readonly Carrier[] = [
  { mode: 'U' },
  { mode: 'X', ifId: 1, startAction: 'trap' },
  { mode: 'V', mark: 1, startAction: 'none' },
]

const tunnel: Tunnel = {
  id: 'vco-1',
  connectionId: 'vco-1',
  gatewayId: 'vpn-1',
  slot: 1,
  generation: 1,
  localAddress: '198.51.100.1',
  remoteAddress: '198.51.100.2',
  ike: {
    ...versions[0],
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

const ofIke = versions.flatMap((version) =>
  encryptions.flatMap((encryption) =>
    authentications.flatMap((authentication) =>
      groups.map(
        (dhGroup): Tunnel => ({
          ...tunnel,
          ike: { ...tunnel.ike, ...version, encryption, authentication, dhGroup },
        }),
      ),
    ),
  ),
)
const ofIpsec = versions.flatMap((version) =>
  encryptions.flatMap((encryption) =>
    authentications.flatMap((authentication) =>
      ([...groups, 'disabled'] as const).map(
        (pfs): Tunnel => ({
          ...tunnel,
          ike: { ...tunnel.ike, ...version },
          ipsec: { ...tunnel.ipsec, encryption, authentication, pfs },
        }),
      ),
    ),
  ),
)
const others: readonly Tunnel[] = versions.flatMap((version) => {
  const of: Tunnel = { ...tunnel, ike: { ...tunnel.ike, ...version } }
  return [
    { ...of, dpd: false },
    { ...of, ike: { ...of.ike, lifetime: 0 }, ipsec: { ...of.ipsec, lifetime: 0 } },
    { ...of, ike: { ...of.ike, lifetime: 1 }, ipsec: { ...of.ipsec, lifetime: 1 } },
    { ...of, ike: { ...of.ike, remoteId: '%any', localId: '@#!"{}' } },
    { ...of, localSubnets: ['0.0.0.0/0'], remoteSubnets: ['0.0.0.0/0'] },
    {
      ...of,
      localSubnets: ['10.1.0.0/24', '10.3.0.0/24'],
      remoteSubnets: ['10.2.0.0/24', '10.4.0.0/24', '10.5.0.1/32'],
    },
  ]
})

test('the daemon accepts every version, mode and algorithm, on every carrier', { skip }, async (t) => {
  const session = await ViciSession.connect(charon!.socket)
  after(() => session.close())
  const given = [...ofIke, ...ofIpsec, ...others]
  for (const each of given) {
    for (const carrier of carriers) {
      const connection = renderConnection(each, carrier)
      const answer = await session.request('load-conn', connection)
      assert.equal(answer['success'], 'yes', `${String(answer['errmsg'])}: ${JSON.stringify(connection)}`)
    }
  }
  assert.deepEqual(await session.request('get-conns').then(({ conns }) => conns), ['vco-1'])
  t.diagnostic(`${given.length * carriers.length} connections accepted`)
})

test('the daemon accepts every kind of key', { skip }, async () => {
  const session = await ViciSession.connect(charon!.socket)
  after(() => session.close())
  for (const psk of ['0x00', '0sAAAA', 'with "quotes" and spaces ', 'ключ 密钥', 'x'.repeat(4_000)]) {
    const answer = await session.request(
      'load-shared',
      renderShared({ ...tunnel, ike: { ...tunnel.ike, psk: new Secret(psk) } }),
    )
    assert.equal(answer['success'], 'yes')
  }
  assert.deepEqual(await session.request('get-shared').then(({ keys }) => keys), ['vco-1'])
})
