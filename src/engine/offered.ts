/** Our own settings beside a reason, the same for every engine. Pure. */
import { X509Certificate } from 'node:crypto'
import type { Tunnel } from './engine.ts'
import type { ReasonCode } from './reason.ts'

/** What we asked for, as evidence beside what the daemon says. */
export function offered(
  code: ReasonCode,
  { ike, ipsec, localSubnets, remoteSubnets }: Tunnel,
): string | undefined {
  switch (code) {
    case 'IKE_PROPOSAL_OR_UNKNOWN_PEER':
      return `offered: ${ike.version} ${ike.encryption}-${ike.authentication}-${ike.dhGroup}`
    case 'ESP_PROPOSAL_MISMATCH':
    case 'PFS_MISMATCH':
    case 'REKEY_FAILED':
      return `offered: ${ipsec.encryption}-${ipsec.authentication}, PFS ${ipsec.pfs}`
    case 'SUBNET_MISMATCH':
    case 'ENCAPSULATION_MODE_MISMATCH':
      return `configured: ${localSubnets.join(',')} === ${remoteSubnets.join(',')}`
    case 'ID_MISMATCH':
    case 'PSK_MISSING':
    case 'PEER_REJECTED_AUTH':
    case 'PEER_REJECTED_CERTIFICATE':
    case 'CERT_NAME_MISMATCH':
    case 'CERT_MISSING':
    case 'CERT_KIND_MISMATCH':
      return `configured: LocalId ${ike.localId}, RemoteId ${ike.remoteId}`
    case 'CERT_WRONG_CA':
    case 'CERT_UNKNOWN_CA':
    case 'CERT_CA_EXPIRED':
      return ike.certificate && `configured: RemoteCaCertificate of "${subjectOf(ike.certificate.remoteCa)}"`
    case 'AUTH_METHOD_MISMATCH':
      return `configured: ${ike.certificate ? 'a certificate' : 'a pre-shared key'}`
    default:
      return undefined
  }
}

/** In the daemon's notation, the widest part first. */
const subjectOf = (certificate: string) => new X509Certificate(certificate).subject.split('\n').join(', ')
