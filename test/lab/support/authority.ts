/** A CA of ours, made by the project's own writer of certificates. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { issueCertificate } from '../../../src/certificates/x509.ts'
import type { TunnelCertificate } from '../../../src/engine/engine.ts'
import { Secret } from '../../../src/secret.ts'
import type { KeyKind } from '../../support/openssl.ts'

const day = 86_400_000

const newKeys = (kind: KeyKind): { publicKey: KeyObject; privateKey: KeyObject } =>
  kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'P-256' : 'P-384' })

export interface Authority {
  readonly certificate: string
  /** A certificate for an address, and its key. */
  issue(address: string): Pick<TunnelCertificate, 'own' | 'ownKey'>
}

export function createAuthority(kind: KeyKind): Authority {
  const ca = newKeys(kind)
  const subject = { organization: 'Lab', commonName: 'our CA' }
  const validity = { notBefore: Date.now() - day, notAfter: Date.now() + day }
  const issuer = { subject, key: ca.privateKey }
  return {
    certificate: issueCertificate({ subject, publicKey: ca.publicKey, issuer, ...validity }),
    issue(address) {
      const keys = newKeys(kind)
      const own = issueCertificate({
        subject: { organization: 'Lab', commonName: 'a gateway' },
        publicKey: keys.publicKey,
        identity: address,
        issuer,
        ...validity,
      })
      const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { own, ownKey: new Secret(pem) }
    },
  }
}
