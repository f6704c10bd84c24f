/**
 * Everything that is known to keep two ends from agreeing, and what each of them sees then. Provoked between two real
 * daemons (`test/lab/failure-log.lab.test.ts`) and between our simulated end and its peer
 * (`src/engine/simulated/causes.test.ts`): both have to give these codes, line by line.
 */
import type { ReasonCode } from '../../src/engine/reason.ts'

export const kinds = ['main', 'aggressive', 'ikev2'] as const
export type Kind = (typeof kinds)[number]

/** Settings of an end that differ from what agrees, in strongSwan's words. */
export interface EndChange {
  readonly version?: 1 | 2
  readonly aggressive?: boolean
  readonly psk?: string
  readonly localId?: string
  readonly remoteId?: string
  readonly remote?: string
  readonly proposals?: readonly string[]
  readonly espProposals?: readonly string[]
  readonly localSubnets?: readonly string[]
  readonly remoteSubnets?: readonly string[]
}

/** What happens beside A beginning to negotiate. */
export type Happening =
  | 'it-comes-up'
  | 'b-has-no-key'
  | 'a-has-no-key'
  | 'the-child-is-rekeyed-by-a'
  | 'b-is-silent'
  | 'port-4500-is-closed'
  | 'there-is-no-route'
  | 'a-cannot-install-keys'
  | 'b-closes-the-tunnel'
  | 'b-closes-the-child'
  | 'b-dies'
  | 'both-rekey-the-child'
  | 'a-rekeys-ike'

type Expected = ReasonCode | undefined

/** `undefined` for an end: it has nothing to complain of. */
export interface Cause {
  readonly name: string
  /** Absent: all. */
  readonly kinds?: readonly Kind[]
  readonly a?: EndChange
  readonly b?: EndChange | ((kind: Kind) => EndChange)
  readonly happening?: Happening
  readonly sees: { readonly [K in Kind]?: readonly [a: Expected, b: Expected] }
}

const everyKind = (a: Expected, b: Expected): Cause['sees'] => ({
  main: [a, b],
  aggressive: [a, b],
  ikev2: [a, b],
})

export const causes: readonly Cause[] = [
  { name: 'success', happening: 'it-comes-up', sees: everyKind(undefined, undefined) },
  {
    name: 'wrong-psk',
    b: { psk: 'another key' },
    sees: {
      main: ['PSK_MISMATCH', 'PSK_MISMATCH'],
      aggressive: ['PSK_MISMATCH', 'PEER_REJECTED_AUTH'],
      ikev2: ['PEER_REJECTED_AUTH', 'PSK_MISMATCH'],
    },
  },
  {
    name: 'no-key-at-b',
    happening: 'b-has-no-key',
    sees: {
      main: ['PEER_HAS_NO_PSK', 'PSK_MISSING'],
      aggressive: ['PEER_HAS_NO_PSK', 'PSK_MISSING'],
      ikev2: ['PEER_REJECTED_AUTH', 'PSK_MISSING'],
    },
  },
  {
    name: 'no-key-at-a',
    happening: 'a-has-no-key',
    sees: {
      main: ['PSK_MISSING', undefined],
      aggressive: ['PSK_MISSING', 'PEER_REJECTED_AUTH'],
      ikev2: ['PSK_MISSING', undefined],
    },
  },
  {
    name: 'ike-encryption',
    b: { proposals: ['aes256-sha1-modp1024'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_ENCRYPTION_MISMATCH'),
  },
  {
    name: 'ike-authentication',
    b: { proposals: ['aes128-sha256-modp1024', 'aes128-md5-modp1024'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_AUTHENTICATION_MISMATCH'),
  },
  {
    name: 'ike-dh-group',
    b: { proposals: ['aes128-sha1-modp2048'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_DH_GROUP_MISMATCH'),
  },
  {
    name: 'ike-everything',
    b: { proposals: ['3des-md5-modp2048'] },
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_PROPOSAL_MISMATCH'),
  },
  {
    name: 'ike-version',
    b: (kind) => ({ version: kind === 'ikev2' ? 1 : 2, aggressive: false }),
    sees: everyKind('IKE_PROPOSAL_OR_UNKNOWN_PEER', 'IKE_VERSION_MISMATCH'),
  },
  {
    name: 'ike-mode',
    kinds: ['main', 'aggressive'],
    b: (kind) => ({ aggressive: kind === 'main' }),
    sees: {
      main: ['PEER_REJECTED_AUTH', 'MODE_MISMATCH'],
      aggressive: ['PEER_REJECTED_AUTH', 'MODE_MISMATCH'],
    },
  },
  {
    name: 'b-has-another-identity',
    b: { localId: 'fqdn:b.example' },
    sees: {
      main: ['ID_MISMATCH', 'PEER_CLOSED'],
      aggressive: ['ID_MISMATCH', 'PEER_REJECTED_AUTH'],
      ikev2: ['PEER_REJECTED_AUTH', 'ID_MISMATCH'],
    },
  },
  {
    name: 'b-expects-another-identity',
    b: { remoteId: 'fqdn:a.example' },
    sees: everyKind('PEER_REJECTED_AUTH', 'ID_MISMATCH'),
  },
  {
    name: 'esp-encryption',
    b: { espProposals: ['aes256-sha1-modp1024'] },
    sees: everyKind('ESP_PROPOSAL_MISMATCH', 'ESP_ENCRYPTION_MISMATCH'),
  },
  {
    name: 'esp-authentication',
    b: { espProposals: ['aes128-sha512-modp1024'] },
    sees: everyKind('ESP_PROPOSAL_MISMATCH', 'ESP_AUTHENTICATION_MISMATCH'),
  },
  {
    name: 'pfs',
    kinds: ['main', 'aggressive'],
    b: { espProposals: ['aes128-sha1-modp2048'] },
    sees: {
      main: ['ESP_PROPOSAL_MISMATCH', 'PFS_MISMATCH'],
      aggressive: ['ESP_PROPOSAL_MISMATCH', 'PFS_MISMATCH'],
    },
  },
  {
    // The group of the first CHILD_SA is that of the IKE_SA: the difference shows when the CHILD_SA is replaced.
    name: 'pfs-at-rekey',
    kinds: ['ikev2'],
    b: { espProposals: ['aes128-sha1-modp2048'] },
    happening: 'the-child-is-rekeyed-by-a',
    sees: { ikev2: ['PFS_MISMATCH', 'PFS_MISMATCH'] },
  },
  {
    name: 'subnets',
    b: { remoteSubnets: ['10.99.0.0/24'] },
    sees: everyKind('SUBNET_MISMATCH', 'SUBNET_MISMATCH'),
  },
  { name: 'silence', happening: 'b-is-silent', sees: everyKind('PEER_SILENT', undefined) },
  {
    name: 'port-4500-closed',
    happening: 'port-4500-is-closed',
    sees: {
      main: ['AUTH_SILENT', undefined],
      aggressive: ['CHILD_TIMEOUT', 'IKE_TIMEOUT'],
      ikev2: ['IKE_TIMEOUT', undefined],
    },
  },
  {
    name: 'no-route',
    a: { remote: '203.0.113.5' },
    happening: 'there-is-no-route',
    sees: everyKind('NO_ROUTE', undefined),
  },
  {
    name: 'keys-not-installed',
    happening: 'a-cannot-install-keys',
    sees: {
      main: ['LOCAL_KERNEL', 'ESP_PROPOSAL_MISMATCH'],
      aggressive: ['LOCAL_KERNEL', 'ESP_PROPOSAL_MISMATCH'],
      ikev2: ['LOCAL_KERNEL', 'PEER_CLOSED'],
    },
  },
  { name: 'b-closes', happening: 'b-closes-the-tunnel', sees: everyKind('PEER_CLOSED', undefined) },
  {
    name: 'b-closes-the-child',
    happening: 'b-closes-the-child',
    sees: everyKind('PEER_CLOSED', undefined),
  },
  { name: 'b-dies', happening: 'b-dies', sees: everyKind('DPD_TIMEOUT', undefined) },
  { name: 'rekey-of-the-child', happening: 'both-rekey-the-child', sees: everyKind(undefined, undefined) },
  { name: 'rekey-of-ike', happening: 'a-rekeys-ike', sees: everyKind(undefined, undefined) },
]

export const changeOf = (change: Cause['b'], kind: Kind): EndChange =>
  typeof change === 'function' ? change(kind) : (change ?? {})
