/**
 * What both ends of the table of causes can prove themselves with, written by the server's own certificate writer: the
 * names are those of the lab's certificates, so that evidence can be compared with the recorded logs.
 */
import { generateKeyPairSync } from 'node:crypto'
import { issueCertificate } from '../../src/certificates/x509.ts'
import type { TunnelCertificate } from '../../src/engine/engine.ts'
import { Secret } from '../../src/secret.ts'
import type { Proof } from './causes.ts'

const day = 86_400_000

const elliptic = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keys = { rsa: generateKeyPairSync('rsa', { modulusLength: 1024 }), elliptic: elliptic() }

/** @param now epoch milliseconds; certificates hold for a month around it */
export function proofsAt(now: number) {
  const current = { notBefore: now - 15 * day, notAfter: now + 15 * day }
  const past = { notBefore: now - day, notAfter: now - 2 * day }

  function authority(commonName: string) {
    const pair = elliptic()
    const subject = { organization: 'Lab', commonName }
    const issuer = { subject, key: pair.privateKey }
    return {
      certificate: (period = current) =>
        issueCertificate({ subject, publicKey: pair.publicKey, issuer, ...period }),
      issue: (identity: string, kind: keyof typeof keys = 'rsa', period = current) =>
        issueCertificate({
          ...{ subject: { organization: 'Lab', commonName: 'leaf' }, publicKey: keys[kind].publicKey },
          ...{ identity, issuer, ...period },
        }),
    }
  }
  const [ofA, ofB, other] = [authority('side A'), authority('side B'), authority('somebody')]
  const [namesakeOfA, namesakeOfB] = [authority('side A'), authority('side B')]
  const ofElliptic = authority('elliptic')

  function proofs(
    address: string,
    [own, theirs, namesake]: readonly (typeof ofA)[],
  ): Readonly<Record<Proof, TunnelCertificate>> {
    const end = (leaf: string, ca = theirs!.certificate()): TunnelCertificate => ({
      own: leaf,
      ownKey: new Secret('not looked at'),
      remoteCa: ca,
    })
    const agreeing = end(own!.issue(address))
    return {
      agreeing,
      'of-another-ca': end(other.issue(address)),
      expired: end(own!.issue(address, 'rsa', past)),
      'of-another-name': end(own!.issue('198.51.100.9')),
      'not-shown': agreeing,
      'shown-unasked': agreeing,
      'trusting-a-namesake': end(own!.issue(address), namesake!.certificate()),
      'trusting-an-expired-ca': end(own!.issue(address), theirs!.certificate(past)),
      elliptic: end(ofElliptic.issue(address, 'elliptic'), ofElliptic.certificate()),
      'elliptic-to-rsa': end(ofElliptic.issue(address, 'elliptic')),
      'rsa-to-elliptic': end(own!.issue(address), ofElliptic.certificate()),
    }
  }
  return {
    a: proofs('198.51.100.1', [ofA, ofB, namesakeOfB]),
    b: proofs('198.51.100.2', [ofB, ofA, namesakeOfA]),
    /** A CA that issued for neither of the two. */
    other: other.certificate(),
  }
}
