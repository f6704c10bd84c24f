/**
 * Everything that is known to keep two ends from agreeing, and what each of them sees then. Provoked between two real
 * daemons (`test/lab/failure-log.lab.test.ts`) and between our simulated end and its peer
 * (`src/engine/simulated/causes.test.ts`): both have to give these codes, line by line,
 * except for peers that ask for something else than ESP in tunnel mode: the simulated ones cannot.
 */
import type { ReasonCode } from '../../src/engine/reason.ts'

export const kinds = ['main', 'aggressive', 'ikev2'] as const
export type Kind = (typeof kinds)[number]

/** How an end proves itself by certificate, and what it expects of the other end's. RSA unless it says otherwise. */
export type Proof =
  | 'agreeing'
  | 'of-another-ca'
  | 'expired'
  | 'of-another-name'
  | 'not-shown'
  /** It sends its certificate although the other end has not asked for one. */
  | 'shown-unasked'
  /** It expects a CA of the right name with another key. */
  | 'trusting-a-namesake'
  | 'trusting-an-expired-ca'
  | 'elliptic'
  | 'elliptic-to-rsa'
  | 'rsa-to-elliptic'

/** Settings of an end that differ from what agrees, in strongSwan's words. */
export interface EndChange {
  readonly version?: 1 | 2
  readonly aggressive?: boolean
  readonly psk?: string
  /** Absent: by the pre-shared key. */
  readonly proof?: Proof
  readonly localId?: string
  readonly remoteId?: string
  readonly remote?: string
  readonly proposals?: readonly string[]
  readonly espProposals?: readonly string[]
  /** AH instead of ESP. */
  readonly ahProposals?: readonly string[]
  readonly mode?: 'transport'
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
  | 'a-trusts-one-more-ca'
  | 'b-trusts-one-more-ca'

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

/** An end of IKEv1 in aggressive mode has no certificate. */
const everyCertKind = (a: Expected, b: Expected): Pick<Cause, 'kinds' | 'sees'> => ({
  kinds: ['main', 'ikev2'],
  sees: { main: [a, b], ikev2: [a, b] },
})
const refusedByA = (code: ReasonCode) => everyCertKind(code, 'PEER_REJECTED_CERTIFICATE')
const refusedByB = (code: ReasonCode) => everyCertKind('PEER_REJECTED_CERTIFICATE', code)
const agreeing = { proof: 'agreeing' } as const

export const certificateCauses: readonly Cause[] = [
  {
    name: 'cert-success',
    a: agreeing,
    b: agreeing,
    happening: 'it-comes-up',
    ...everyCertKind(undefined, undefined),
  },
  {
    name: 'cert-success-ecdsa',
    a: { proof: 'elliptic' },
    b: { proof: 'elliptic' },
    happening: 'it-comes-up',
    ...everyCertKind(undefined, undefined),
  },
  {
    name: 'cert-of-unknown-ca-at-b',
    a: agreeing,
    b: { proof: 'of-another-ca' },
    ...refusedByA('CERT_UNKNOWN_CA'),
  },
  {
    name: 'cert-of-unknown-ca-at-a',
    a: { proof: 'of-another-ca' },
    b: agreeing,
    ...refusedByB('CERT_UNKNOWN_CA'),
  },
  {
    name: 'cert-of-namesake-ca-at-b',
    a: { proof: 'trusting-a-namesake' },
    b: agreeing,
    ...refusedByA('CERT_UNKNOWN_CA'),
  },
  {
    name: 'cert-of-namesake-ca-at-a',
    a: agreeing,
    b: { proof: 'trusting-a-namesake' },
    ...refusedByB('CERT_UNKNOWN_CA'),
  },
  {
    name: 'cert-of-wrong-ca-at-b',
    a: agreeing,
    b: { proof: 'of-another-ca' },
    happening: 'a-trusts-one-more-ca',
    ...refusedByA('CERT_WRONG_CA'),
  },
  {
    name: 'cert-of-wrong-ca-at-a',
    a: { proof: 'of-another-ca' },
    b: agreeing,
    happening: 'b-trusts-one-more-ca',
    ...refusedByB('CERT_WRONG_CA'),
  },
  { name: 'cert-expired-at-b', a: agreeing, b: { proof: 'expired' }, ...refusedByA('CERT_EXPIRED') },
  { name: 'cert-expired-at-a', a: { proof: 'expired' }, b: agreeing, ...refusedByB('CERT_EXPIRED') },
  {
    name: 'cert-of-expired-ca-at-b',
    a: { proof: 'trusting-an-expired-ca' },
    b: agreeing,
    ...refusedByA('CERT_CA_EXPIRED'),
  },
  {
    name: 'cert-of-expired-ca-at-a',
    a: agreeing,
    b: { proof: 'trusting-an-expired-ca' },
    ...refusedByB('CERT_CA_EXPIRED'),
  },
  { name: 'cert-not-shown-by-b', a: agreeing, b: { proof: 'not-shown' }, ...refusedByA('CERT_MISSING') },
  { name: 'cert-not-shown-by-a', a: { proof: 'not-shown' }, b: agreeing, ...refusedByB('CERT_MISSING') },
  {
    // A daemon of IKEv1 takes only a key whose certificate names its identity, and one of IKEv2 that answers likewise.
    name: 'cert-of-another-name-at-a',
    kinds: ['ikev2'],
    a: { proof: 'of-another-name' },
    b: agreeing,
    sees: { ikev2: ['PEER_REJECTED_CERTIFICATE', 'CERT_NAME_MISMATCH'] },
  },
  {
    // IKEv2 has no method that both ends would have to share: there it comes up.
    name: 'cert-of-another-kind-at-b',
    kinds: ['main'],
    a: { proof: 'rsa-to-elliptic' },
    b: { proof: 'elliptic-to-rsa' },
    sees: { main: ['PEER_REJECTED_CERTIFICATE', 'CERT_KIND_MISMATCH'] },
  },
  { name: 'cert-at-a-and-psk-at-b', a: agreeing, ...refusedByB('AUTH_METHOD_MISMATCH') },
  {
    name: 'cert-shown-unasked-and-psk-at-b',
    a: { proof: 'shown-unasked' },
    ...refusedByB('AUTH_METHOD_MISMATCH'),
  },
  {
    name: 'psk-at-a-and-cert-at-b',
    b: agreeing,
    kinds: ['main', 'ikev2'],
    sees: {
      main: ['PEER_HAS_NO_PSK', 'AUTH_METHOD_MISMATCH'],
      ikev2: ['PEER_REJECTED_AUTH', 'AUTH_METHOD_MISMATCH'],
    },
  },
]

const protocolCauses: readonly Cause[] = [
  {
    name: 'ah-at-a',
    a: { ahProposals: ['sha1-modp1024'] },
    sees: everyKind('ESP_PROPOSAL_MISMATCH', 'SECURITY_PROTOCOL_MISMATCH'),
  },
  {
    name: 'ah-at-b',
    b: { ahProposals: ['sha1-modp1024'] },
    sees: everyKind('ESP_PROPOSAL_MISMATCH', 'SECURITY_PROTOCOL_MISMATCH'),
  },
  {
    // IKEv1 has the mode inside its proposals, and the daemon does not say it.
    name: 'transport-mode-at-a',
    kinds: ['ikev2'],
    a: { mode: 'transport' },
    sees: { ikev2: ['SUBNET_MISMATCH', 'ENCAPSULATION_MODE_MISMATCH'] },
  },
  {
    name: 'transport-mode-at-b',
    b: { mode: 'transport' },
    sees: everyKind('SUBNET_MISMATCH', 'SUBNET_MISMATCH'),
  },
]

export const changeOf = (change: Cause['b'], kind: Kind): EndChange =>
  typeof change === 'function' ? change(kind) : (change ?? {})

export const allCauses: readonly Cause[] = [...causes, ...certificateCauses, ...protocolCauses]

/** What both ends were seen to say, in the order of `allCauses` and `kinds`, as lines of Markdown. */
export function tableOfCauses(
  seen: (cause: Cause, kind: Kind) => readonly [a: Expected, b: Expected],
): string {
  const words = (code: Expected) => (code === undefined ? 'nothing' : `\`${code}\``)
  const rows = allCauses.flatMap((cause) =>
    (cause.kinds ?? kinds).map((kind) => {
      const [a, b] = seen(cause, kind)
      const ike = kind === 'ikev2' ? 'IKEv2' : `IKEv1 ${kind}`
      return `| ${cause.name.replaceAll('-', ' ')} | ${ike} | ${words(a)} | ${words(b)} |`
    }),
  )
  return ['| Provoked | IKE | End A, which begins, says | End B says |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
}
