/**
 * Certificates (X.509, RFC 5280): issued here, and those of others read. Pure but for the randomness of serial numbers.
 *
 * Why the few structures of a certificate are written here: docs/decisions/0009-own-certificate-writer.md
 */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'
import {
  bits,
  explicit,
  implicit,
  integer,
  nothing,
  objectIdentifier,
  octets,
  sequence,
  set,
  time,
  utf8,
  yes,
} from './der.ts'

/**
 * What an IKE signature is made with. In IKEv1 both ends sign by the same method, and the method of an elliptic key is
 * tied to its curve (RFC 4754), so the curve is part of the kind.
 */
export type KeyKind = 'rsa' | 'p256' | 'p384' | 'p521'

export interface Subject {
  readonly organization: string
  readonly commonName: string
}

export interface CertificateRequest {
  readonly subject: Subject
  readonly publicKey: KeyObject
  /** Epoch milliseconds; whole seconds are kept. */
  readonly notBefore: number
  readonly notAfter: number
  /** Of a CA: nothing. Of an end: its IKE identity, an IPv4 address or a name; a server of TLS may have several. */
  readonly identity?: string | readonly string[]
  readonly issuer: { readonly subject: Subject; readonly key: KeyObject }
}

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const

/** A certificate as PEM, signed by the issuer with SHA-256. Without an identity it is that of a CA. */
export function issueCertificate(request: CertificateRequest): string {
  const { issuer } = request
  const isRsa = issuer.key.asymmetricKeyType === 'rsa'
  const algorithm = isRsa
    ? sequence(objectIdentifier(oid.sha256WithRsa), nothing())
    : sequence(objectIdentifier(oid.ecdsaWithSha256))
  const signed = sequence(
    explicit(0, integer(Buffer.from([2]))), // version 3
    // At least 64 random bits, at most 20 octets and not negative (RFC 5280, 4.1.2.2).
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    name(issuer.subject),
    sequence(time(request.notBefore), time(request.notAfter)),
    name(request.subject),
    publicKeyInfo(request.publicKey),
    explicit(3, sequence(...extensions(request))),
  )
  const certificate = sequence(signed, algorithm, bits(sign('sha256', signed, issuer.key)))
  return toPem(certificate.toString('base64'))
}

const toPem = (base64: string) =>
  `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`

const name = ({ organization, commonName }: Subject) =>
  sequence(
    set(sequence(objectIdentifier(oid.organization), utf8(organization))),
    set(sequence(objectIdentifier(oid.commonName), utf8(commonName))),
  )

const publicKeyInfo = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })

function extensions({ publicKey, identity, issuer }: CertificateRequest): Buffer[] {
  const isCa = identity === undefined
  return [
    critical(oid.basicConstraints, isCa ? sequence(yes()) : sequence()),
    // keyCertSign and cRLSign; digitalSignature.
    critical(oid.keyUsage, isCa ? bits(Buffer.from([0b0000_0110]), 1) : bits(Buffer.from([0b1000_0000]), 7)),
    extension(oid.subjectKeyIdentifier, octets(keyIdentifier(publicKey))),
    extension(oid.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(createPublicKey(issuer.key))))),
    ...(identity === undefined
      ? []
      : [extension(oid.subjectAltName, sequence(...[identity].flat().map(generalName)))]),
  ]
}

const extension = (id: string, value: Uint8Array) => sequence(objectIdentifier(id), octets(value))
const critical = (id: string, value: Uint8Array) => sequence(objectIdentifier(id), yes(), octets(value))

/** Any value that is the same in a CA and in what it issued (RFC 5280, 4.2.1.2). */
const keyIdentifier = (key: KeyObject) => createHash('sha1').update(publicKeyInfo(key)).digest()

/** An IKE identity that is no address travels as a name, whatever it looks like. */
const generalName = (identity: string) =>
  isIPv4(identity)
    ? implicit(7, Buffer.from(identity.split('.').map(Number)))
    : implicit(2, Buffer.from(identity, 'latin1'))

/** Why a text cannot serve as the certificate of a CA. */
export type CaProblem =
  | { readonly problem: 'not-pem' | 'several' | 'unreadable' | 'not-a-ca' }
  | { readonly problem: 'expired' | 'not-yet-valid'; readonly since: number }
  | { readonly problem: 'unsupported-key'; readonly key: string }

export interface CaCertificate {
  /** The certificate alone, broken into lines as it should be. */
  readonly pem: string
  readonly keyKind: KeyKind
  /** E.g. `O=Example, CN=Example CA`. */
  readonly subject: string
  /** Epoch milliseconds. */
  readonly notAfter: number
}

const curves: Readonly<Record<string, KeyKind>> = {
  prime256v1: 'p256',
  secp384r1: 'p384',
  secp521r1: 'p521',
}

/**
 * Reads the certificate of a CA, or says why it cannot be used.
 *
 * @param now epoch milliseconds; absent: whether it is valid at present does not matter
 */
export function parseCaCertificate(pem: string, now?: number): CaCertificate | CaProblem {
  const found = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)]
  const [first] = found
  if (!first) return { problem: 'not-pem' }
  if (found.length > 1) return { problem: 'several' }
  // Line ends get lost on the way through forms and parameters.
  const clean = toPem(first[1]!.replace(/\s/g, ''))
  let certificate: X509Certificate
  let key: KeyObject
  try {
    certificate = new X509Certificate(clean)
    key = certificate.publicKey
  } catch {
    return { problem: 'unreadable' }
  }
  const keyKind = keyKindOf(key)
  if (keyKind === undefined) return { problem: 'unsupported-key', key: describeKey(key) }
  if (!certificate.ca) return { problem: 'not-a-ca' }
  const notAfter = Date.parse(certificate.validTo)
  const notBefore = Date.parse(certificate.validFrom)
  const parsed: CaCertificate = {
    pem: clean,
    keyKind,
    subject: certificate.subject.split('\n').join(', '),
    notAfter,
  }
  if (now === undefined) return parsed
  if (now > notAfter) return { problem: 'expired', since: notAfter }
  if (now < notBefore) return { problem: 'not-yet-valid', since: notBefore }
  return parsed
}

/** `undefined` for what no IKE signature of ours is made with, e.g. Ed25519 or SM2. */
export function keyKindOf(key: KeyObject): KeyKind | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'rsa'
  if (key.asymmetricKeyType !== 'ec') return undefined
  return curves[key.asymmetricKeyDetails?.namedCurve ?? '']
}

const describeKey = (key: KeyObject) =>
  key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown'
