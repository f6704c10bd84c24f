import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareEnds, type Refused } from './compare.ts'
import type { TunnelView } from './tunnels.ts'

const settings = {
  ike: {
    IkeVersion: 'ikev2',
    IkeEncAlg: 'aes',
    IkeAuthAlg: 'sha1',
    IkePfs: 'group2',
    LocalId: '203.0.113.1',
    RemoteId: 'b',
  },
  ipsec: { IpsecEncAlg: 'aes256', IpsecAuthAlg: 'sha256', IpsecPfs: 'group14' },
}

/** Each line as `ours | theirs`, with what differs in brackets. */
function said(facts: object, refused?: Refused): Record<string, string> {
  const tunnel = { ...settings, facts } as unknown as TunnelView
  const text = (words: readonly { text: string; differs: boolean }[]) =>
    words.map((word) => (word.differs ? `[${word.text}]` : word.text)).join('')
  return Object.fromEntries(
    compareEnds(tunnel, '10.1.0.0/24', '192.168.0.0/16', refused).map(({ what, ours, theirs, how }) => [
      what,
      `${text(ours)} | ${text(theirs)}${how ? ` ${how}` : ''}`,
    ]),
  )
}
const because = (Code: string) => ({ Reason: { Code, Severity: 'Critical', Since: 1 } })

test('nothing was heard: nothing differs', () => {
  assert.deepEqual(said({}, {}), {
    ike: 'ikev2 aes128-sha1-modp1024 | ',
    esp: 'aes256-sha256-modp2048 | ',
    ids: '203.0.113.1 ↔ b | ',
    subnets: '10.1.0.0/24 ↔ 192.168.0.0/16 | ',
  })
})

test('what was agreed stands beside what was asked for; a first CHILD_SA names no group', () => {
  const up = {
    IkeSas: [
      {
        ...{ state: 'established', version: 'ikev2', proposal: 'aes128-sha1-modp1024' },
        ...{ localId: '203.0.113.1', remoteId: 'c' },
      },
    ],
    ChildSas: [
      {
        ...{ state: 'installed', proposal: 'aes256-sha256' },
        ...{ localSelectors: ['10.1.0.0/24'], remoteSelectors: ['192.168.7.0/24'] },
      },
    ],
  }
  assert.deepEqual(said(up), {
    ike: 'ikev2 aes128-sha1-modp1024 | ikev2 aes128-sha1-modp1024 agreed',
    esp: 'aes256-sha256-modp2048 | aes256-sha256 agreed',
    ids: '203.0.113.1 ↔ [b] | 203.0.113.1 ↔ [c] agreed',
    subnets: '10.1.0.0/24 ↔ [192.168.0.0/16] | 10.1.0.0/24 ↔ [192.168.7.0/24] agreed',
  })
})

test('what was refused: proposals of the peer against ours, word by word', () => {
  const refused = {
    MismatchLocalParam: 'IKE:AES_CBC_128/HMAC_SHA1_96/MODP_1024',
    MismatchRemoteParam: 'IKE:AES_CBC_256/HMAC_SHA1_96/MODP_1024, IKE:3DES_CBC/HMAC_SHA1_96/MODP_1024',
  }
  assert.equal(
    said(because('IKE_ENCRYPTION_MISMATCH'), refused)['ike'],
    'IKE:[AES_CBC_128]/HMAC_SHA1_96/MODP_1024 | IKE:[AES_CBC_256]/HMAC_SHA1_96/MODP_1024, IKE:[3DES_CBC]/HMAC_SHA1_96/MODP_1024 offered',
  )
  assert.equal(said(because('PSK_MISMATCH'), refused)['ike'], 'ikev2 aes128-sha1-modp1024 | ')
  assert.equal(
    said(because('IKE_PROPOSAL_OR_UNKNOWN_PEER'), { MismatchLocalParam: 'ikev2 aes-sha1-group2' })['ike'],
    'ikev2 aes-sha1-group2 |  offered',
  )
  assert.equal(
    said(because('ID_MISMATCH'), {
      MismatchLocalParam: 'LocalId a, RemoteId b',
      MismatchRemoteParam: 'c',
    })['ids'],
    'LocalId [a], RemoteId [b] | [c] offered',
  )
})
