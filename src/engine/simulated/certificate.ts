/** What an end proves itself with instead of a pre-shared key, and whether the other end believes it. Pure. */
import { X509Certificate } from 'node:crypto'
import type { TunnelCertificate } from '../engine.ts'
import type { ReasonCode } from '../reason.ts'

/** A CA as whoever checks a signature tells it from others: by name, and by its key where two have one name. */
export interface CaName {
  /** Distinguished name in the daemon's notation, e.g. `O=Lab, CN=side B`. */
  readonly name: string
  /** Key identifier (RFC 5280, 4.2.1.2) in hexadecimal; empty where a certificate states none. */
  readonly keyId: string
}

/** Epoch milliseconds. */
interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

export type Ca = CaName & Validity

/** In IKEv1 the method of an elliptic key is tied to its curve (RFC 4754). */
export const keyKinds = ['rsa', 'p256', 'p384', 'p521'] as const
export type KeyKind = (typeof keyKinds)[number]

export interface EndCertificate extends Validity {
  /** Distinguished name of the certificate. */
  readonly subject: string
  /** The identities that it stands for (subjectAltName): addresses and names. */
  readonly names: readonly string[]
  readonly issuer: CaName
  readonly key: KeyKind
  /** When it is sent along (strongSwan's `send_cert`); `ifasked`: when the other end uses certificates, too. */
  readonly send: 'always' | 'ifasked' | 'never'
  /** The CA that the other end's has to be from. */
  readonly remoteCa: Ca
  /** CAs that the daemon trusts for other connections. */
  readonly otherCas: readonly Ca[]
}

// --- Reading our own -----------------------------------------------------------------------------------------

const nameOf = (lines: string) => lines.split('\n').join(', ')

const hexadecimal = ({ raw }: X509Certificate) => raw.toString('hex')
const subjectKeyId = (certificate: X509Certificate) =>
  /0603551d0e04160414(.{40})/.exec(hexadecimal(certificate))?.[1] ?? ''
const authorityKeyId = (certificate: X509Certificate) =>
  /0603551d2304..30..8014(.{40})/.exec(hexadecimal(certificate))?.[1] ?? ''

const validityOf = ({ validFrom, validTo }: X509Certificate): Validity => ({
  notBefore: Date.parse(validFrom),
  notAfter: Date.parse(validTo),
})

const curves: Readonly<Record<string, KeyKind>> = {
  prime256v1: 'p256',
  secp384r1: 'p384',
  secp521r1: 'p521',
}
const keyKindOf = ({ publicKey }: X509Certificate): KeyKind =>
  curves[publicKey.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'rsa'

const readCa = (certificate: X509Certificate): Ca => ({
  name: nameOf(certificate.subject),
  keyId: subjectKeyId(certificate),
  ...validityOf(certificate),
})

function readEnd({ own, remoteCa }: TunnelCertificate): EndCertificate {
  const leaf = new X509Certificate(own)
  return {
    subject: nameOf(leaf.subject),
    names: (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(IP Address|DNS):/, '')),
    issuer: { name: nameOf(leaf.issuer), keyId: authorityKeyId(leaf) },
    key: keyKindOf(leaf),
    ...validityOf(leaf),
    send: 'always',
    remoteCa: readCa(new X509Certificate(remoteCa)),
    otherCas: [],
  }
}

const read = new WeakMap<TunnelCertificate, EndCertificate>()

/** The certificate of our end. @throws when a text is no certificate */
export function endCertificateOf(certificate: TunnelCertificate): EndCertificate {
  const known = read.get(certificate)
  if (known) return known
  const end = readEnd(certificate)
  read.set(certificate, end)
  return end
}

/** What agrees with ours: from the CA that we expect, for the identity that we expect, and of the kind of ours. */
export const mirrorOf = (ours: EndCertificate, identity: string): EndCertificate => ({
  ...ours,
  subject: `CN=${identity}`,
  names: [identity],
  issuer: { name: ours.remoteCa.name, keyId: ours.remoteCa.keyId },
  notBefore: ours.remoteCa.notBefore,
  notAfter: ours.remoteCa.notAfter,
  remoteCa: { ...ours.issuer, notBefore: ours.notBefore, notAfter: Number.MAX_SAFE_INTEGER },
})

/** Of a peer that has one although we have none: nobody's, for that identity. */
export const loneCertificate = (identity: string): EndCertificate => {
  const ca: Ca = { name: 'CN=CA of the peer', keyId: '', notBefore: 0, notAfter: Number.MAX_SAFE_INTEGER }
  const { notBefore, notAfter } = ca
  return {
    ...{ subject: `CN=${identity}`, names: [identity], key: 'rsa', notBefore, notAfter, send: 'always' },
    ...{ issuer: { name: ca.name, keyId: ca.keyId }, remoteCa: ca, otherCas: [] },
  }
}

// --- Words ---------------------------------------------------------------------------------------------------

const methods: Readonly<Record<KeyKind, string>> = {
  rsa: 'RSA signature',
  p256: 'ECDSA-256 signature',
  p384: 'ECDSA-384 signature',
  p521: 'ECDSA-521 signature',
}

/** As IKEv1 names how an end authenticates itself. */
export const methodOf = (certificate: EndCertificate | null): string =>
  certificate ? methods[certificate.key] : 'pre-shared key'

/** `RSA` or `ECDSA`. */
export const keyWord = ({ key }: EndCertificate): string => (key === 'rsa' ? 'RSA' : 'ECDSA')

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Nov 26 00:30:58 2026`, in UTC. */
function dateText(time: number): string {
  const [date, clock] = new Date(Math.min(time, 253_402_300_799_000)).toISOString().split('T')
  const [year, month, day] = date!.split('-')
  return `${months[Number(month) - 1]} ${day} ${clock!.slice(0, 8)} ${year}`
}

const period = ({ notBefore, notAfter }: Validity) =>
  `(valid from ${dateText(notBefore)} to ${dateText(notAfter)})`

export const isShown = ({ send }: EndCertificate, other: EndCertificate | null): boolean =>
  send === 'always' || (send === 'ifasked' && other !== null)

/** What the other end's log says of a certificate that has come. */
export const arrival = ({ subject }: EndCertificate): string => `received end entity cert "${subject}"`

// --- Checking the other end's --------------------------------------------------------------------------------

export interface Distrust {
  readonly code: ReasonCode
  /** The line that names the cause. */
  readonly line: string
  /** What the daemon has said before it, and says after it. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** What the daemon says of a CA that it has found for the certificate. */
export const trustedLine = ({ name }: CaName): string => `  using trusted ca certificate "${name}"`

const isSame = (left: CaName, right: CaName) => left.name === right.name && left.keyId === right.keyId
const isValid = ({ notBefore, notAfter }: Validity, now: number) => notBefore <= now && now <= notAfter

/**
 * Why an end does not believe the other's certificate, in the order in which charon looks.
 *
 * @param own of the end that checks; `null`: it uses a pre-shared key
 * @param identity that the other end claims
 * @param now epoch milliseconds
 */
export function distrust(
  own: EndCertificate | null,
  other: EndCertificate,
  identity: string,
  now: number,
): Distrust | undefined {
  const noKey = `no trusted ${keyWord(other)} public key found for '${identity}'`
  const shown = isShown(other, own)
  if (!shown || !other.names.includes(identity)) {
    const code = !own ? 'AUTH_METHOD_MISMATCH' : shown ? 'CERT_NAME_MISMATCH' : 'CERT_MISSING'
    return { code, line: noKey, before: [], after: [] }
  }
  const ca = own && [own.remoteCa, ...own.otherCas].find((each) => isSame(each, other.issuer))
  if (!ca) {
    const line = `no issuer certificate found for "${other.subject}"`
    const after = [`  issuer is "${other.issuer.name}"`, noKey]
    return { code: own ? 'CERT_UNKNOWN_CA' : 'AUTH_METHOD_MISMATCH', line, before: [], after }
  }
  const before = [trustedLine(ca)]
  const ended = !isValid(other, now) ? 'subject' : !isValid(ca, now) ? 'issuer' : undefined
  if (ended) {
    const line = `${ended} certificate invalid ${period(ended === 'subject' ? other : ca)}`
    const code = ended === 'subject' ? 'CERT_EXPIRED' : 'CERT_CA_EXPIRED'
    return { code, line, before, after: [noKey] }
  }
  if (isSame(ca, own.remoteCa)) return undefined
  const line = `constraint check failed: peer not authenticated by CA '${own.remoteCa.name}'`
  return { code: 'CERT_WRONG_CA', line, before, after: [] }
}
