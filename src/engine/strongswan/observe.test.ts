import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChildSa } from '../engine.ts'
import { carriesTraffic, isEstablished, narrowing, observeSas } from './observe.ts'
import { decodeMessage, encodeMessage, type ViciSection } from './vici/message.ts'

/** As it comes over the wire. Recorded from strongSwan 5.9.8 with an IKEv1 tunnel in userspace ESP. */
const recorded: ViciSection = {
  'vco-1': {
    uniqueid: '1',
    version: '1',
    state: 'ESTABLISHED',
    'local-host': '198.51.100.1',
    'local-port': '4500',
    'local-id': '198.51.100.1',
    'remote-host': '198.51.100.2',
    'remote-port': '4500',
    'remote-id': 'branch.example',
    initiator: 'yes',
    'initiator-spi': '697d96989dcab6ff',
    'responder-spi': '474c9d55db236143',
    'nat-remote': 'yes',
    'nat-any': 'yes',
    'encr-alg': 'AES_CBC',
    'encr-keysize': '128',
    'integ-alg': 'HMAC_SHA1_96',
    'prf-alg': 'PRF_HMAC_SHA1',
    'dh-group': 'MODP_1024',
    established: '12',
    'rekey-time': '13853',
    'child-sas': {
      'vco-1-1': {
        name: 'vco-1',
        uniqueid: '1',
        reqid: '1',
        state: 'INSTALLED',
        mode: 'TUNNEL',
        protocol: 'ESP',
        encap: 'yes',
        'spi-in': 'd5496732',
        'spi-out': '01071f7b',
        'encr-alg': 'AES_CBC',
        'encr-keysize': '128',
        'integ-alg': 'HMAC_SHA1_96',
        'dh-group': 'MODP_1024',
        'bytes-in': '252',
        'packets-in': '3',
        'bytes-out': '336',
        'packets-out': '4',
        'rekey-time': '3242',
        'life-time': '3960',
        'install-time': '0',
        'local-ts': ['10.1.0.0/24'],
        'remote-ts': ['10.2.0.0/24'],
      },
    },
  },
}
const wire = (message: ViciSection) => decodeMessage(encodeMessage(message))
const observe = (message: ViciSection) => observeSas([wire(message)])

test('a tunnel that is up, every fact', () => {
  assert.deepEqual(
    [...observe(recorded)],
    [
      [
        'vco-1',
        {
          ikeSas: [
            {
              uniqueId: '1',
              state: 'established',
              version: 'ikev1',
              initiator: true,
              localId: '198.51.100.1',
              remoteId: 'branch.example',
              remoteEndpoint: '198.51.100.2:4500',
              proposal: 'aes128-sha1-modp1024',
              establishedFor: 12,
              rekeyIn: 13853,
              natBetween: true,
            },
          ],
          childSas: [
            {
              uniqueId: '1',
              ikeUniqueId: '1',
              state: 'installed',
              spiIn: 'd5496732',
              spiOut: '01071f7b',
              proposal: 'aes128-sha1-modp1024',
              localSelectors: ['10.1.0.0/24'],
              remoteSelectors: ['10.2.0.0/24'],
              bytesIn: 252,
              bytesOut: 336,
              packetsIn: 3,
              packetsOut: 4,
              rekeyIn: 3242,
              expiresIn: 3960,
            },
          ],
        },
      ],
    ],
  )
})

test('a negotiation that has just begun: what is not known is absent', () => {
  const begun = {
    'vco-1': {
      uniqueid: '3',
      version: '2',
      state: 'CONNECTING',
      'local-host': '198.51.100.1',
      'local-port': '500',
      'local-id': '%any',
      'remote-host': '198.51.100.2',
      'remote-port': '500',
      'remote-id': '%any',
      'initiator-spi': '697d96989dcab6ff',
      'responder-spi': '0000000000000000',
      'tasks-active': ['IKE_INIT'],
      'child-sas': {},
    },
  }
  assert.deepEqual(observe(begun).get('vco-1'), {
    ikeSas: [
      {
        uniqueId: '3',
        state: 'connecting',
        version: 'ikev2',
        initiator: false,
        localId: undefined,
        remoteId: undefined,
        remoteEndpoint: '198.51.100.2:500',
        proposal: undefined,
        establishedFor: undefined,
        rekeyIn: undefined,
        natBetween: false,
      },
    ],
    childSas: [],
  })
})

test('the last packet that came in through any CHILD_SA of an IKE_SA', () => {
  const ike = recorded['vco-1'] as ViciSection
  const child = (ike['child-sas'] as ViciSection)['vco-1-1'] as ViciSection
  const quietFor = (...useIn: readonly (string | undefined)[]) => {
    const children = useIn.map((seconds, index) => [`vco-1-${index}`, { ...child, 'use-in': seconds }])
    const section = { ...ike, 'child-sas': Object.fromEntries(children) }
    return observe({ 'vco-1': section }).get('vco-1')!.ikeSas[0]?.quietFor
  }
  assert.equal(quietFor('7', undefined, '3'), 3)
  assert.equal(quietFor('0'), 0)
  assert.equal(quietFor(undefined), undefined)
  assert.equal(quietFor(), undefined)
})

test('algorithms in the words of a proposal', () => {
  const ike = recorded['vco-1'] as ViciSection
  for (const [change, want] of [
    [{ 'encr-alg': '3DES_CBC', 'encr-keysize': undefined, 'integ-alg': 'HMAC_MD5_96' }, '3des-md5-modp1024'],
    [{ 'encr-alg': 'DES_CBC', 'encr-keysize': undefined, 'dh-group': 'MODP_768' }, 'des-sha1-modp768'],
    [
      { 'encr-keysize': '256', 'integ-alg': 'HMAC_SHA2_512_256', 'dh-group': 'MODP_2048' },
      'aes256-sha512-modp2048',
    ],
    [{ 'integ-alg': 'HMAC_SHA2_384_192', 'dh-group': undefined }, 'aes128-sha384'],
    [{ 'encr-alg': 'AES_GCM_16', 'integ-alg': undefined }, 'aes_gcm_16128-modp1024'],
  ] as const) {
    const { ikeSas } = observe({ 'vco-1': { ...ike, ...change } }).get('vco-1')!
    assert.equal(ikeSas[0]?.proposal, want)
  }
})

test('the states of the daemon, IKE_SA', () => {
  for (const [state, want, established] of [
    ['CREATED', 'connecting', false],
    ['CONNECTING', 'connecting', false],
    ['ESTABLISHED', 'established', true],
    ['REKEYING', 'rekeying', true],
    ['REKEYED', 'deleting', false],
    ['DELETING', 'deleting', false],
    ['a state of a later version', 'connecting', false],
  ] as const) {
    const { ikeSas } = observe({ t: { uniqueid: '1', state } }).get('t')!
    assert.equal(ikeSas[0]?.state, want)
    assert.equal(isEstablished(ikeSas[0]!), established)
  }
})

test('the states of the daemon, CHILD_SA', () => {
  for (const [state, want, carries] of [
    ['CREATED', 'negotiating', false],
    ['INSTALLING', 'negotiating', false],
    ['INSTALLED', 'installed', true],
    ['UPDATING', 'installed', true],
    ['REKEYING', 'rekeying', true],
    ['REKEYED', 'closing', false],
    ['RETRYING', 'negotiating', false],
    ['DELETING', 'closing', false],
    ['DELETED', 'closing', false],
    ['a state of a later version', 'negotiating', false],
  ] as const) {
    const sas = observe({ t: { uniqueid: '1', 'child-sas': { c: { name: 'c', state } } } }).get('t')!
    assert.equal(sas.childSas[0]?.state, want)
    assert.equal(carriesTraffic(sas.childSas[0]!), carries)
  }
})

test('SAs of one tunnel from several events stand together, those of others apart', () => {
  const sas = observeSas([
    wire({ a: { uniqueid: '1', state: 'REKEYING' } }),
    wire({ b: { uniqueid: '2', state: 'CONNECTING' } }),
    wire({
      a: { uniqueid: '3', state: 'ESTABLISHED', 'child-sas': { x: { uniqueid: '7', state: 'INSTALLED' } } },
    }),
  ])
  assert.deepEqual(
    sas.get('a')?.ikeSas.map((ikeSa) => ikeSa.uniqueId),
    ['1', '3'],
  )
  assert.equal(sas.get('a')?.childSas[0]?.ikeUniqueId, '3')
  assert.equal(sas.get('b')?.ikeSas.length, 1)
})

test('a peer that takes a part of the subnets is found out', () => {
  const child = (local: string[], remote: string[], state: ChildSa['state'] = 'installed'): ChildSa => ({
    uniqueId: '1',
    ikeUniqueId: '1',
    state,
    localSelectors: local,
    remoteSelectors: remote,
    bytesIn: 0,
    bytesOut: 0,
    packetsIn: 0,
    packetsOut: 0,
  })
  const tunnel = { localSubnets: ['10.1.0.0/24', '10.3.0.0/16'], remoteSubnets: ['10.2.0.0/24'] }
  for (const [name, childSas, isNarrowed] of [
    ['everything', [child(['10.1.0.0/24', '10.3.0.0/16'], ['10.2.0.0/24'])], false],
    ['in another order', [child(['10.3.0.0/16', '10.1.0.0/24'], ['10.2.0.0/24'])], false],
    [
      'in several children',
      [child(['10.3.0.0/16'], ['10.2.0.0/24']), child(['10.1.0.0/24'], ['10.2.0.0/24'])],
      false,
    ],
    ['within something wider', [child(['10.0.0.0/8'], ['0.0.0.0/0'])], false],
    ['as a range', [child(['10.1.0.0..10.3.255.255'], ['10.2.0.0/24'])], false],
    ['one subnet missing', [child(['10.1.0.0/24'], ['10.2.0.0/24'])], true],
    ['a narrower mask', [child(['10.1.0.0/24', '10.3.0.0/17'], ['10.2.0.0/24'])], true],
    ['one port only', [child(['10.1.0.0/24', '10.3.0.0/16'], ['10.2.0.0/24[tcp/http]'])], true],
    [
      'the missing one is on its way out',
      [child(['10.1.0.0/24'], ['10.2.0.0/24']), child(['10.3.0.0/16'], ['10.2.0.0/24'], 'closing')],
      true,
    ],
    ['nothing', [], true],
  ] as const) {
    assert.equal(narrowing(tunnel, childSas) !== undefined, isNarrowed, name)
  }
  assert.deepEqual(narrowing(tunnel, [child(['10.1.0.0/24'], ['10.2.0.0/24'])]), [
    'asked for: 10.1.0.0/24,10.3.0.0/16 === 10.2.0.0/24',
    'agreed: 10.1.0.0/24 === 10.2.0.0/24',
  ])
  assert.equal(
    narrowing({ localSubnets: ['10.1.0.77/24'], remoteSubnets: ['10.2.0.0/24'] }, [
      child(['10.1.0.0/24'], ['10.2.0.0/24']),
    ]),
    undefined,
    'host bits do not matter',
  )
})
