/** What a daemon's log says for each reason, in the words of charon 5.9.8 and BIRD 2.0.12; for reasons that are asked for by name. */
import type { Tunnel } from '../engine.ts'
import type { ReasonCode } from '../reason.ts'
import type { Complaint } from './negotiate.ts'

const v1OrV2 = ({ ike }: Tunnel, name: string) =>
  ike.version === 'ikev1' ? `received ${name} error notify` : `received ${name} notify error`
const gaveUp = (tunnel: Tunnel, port: number): string[] => [
  'giving up after 4 retransmits',
  `sending packet: from ${tunnel.localAddress}[${port}] to ${tunnel.remoteAddress}[${port}]`,
]
const unlike = (protocol: string, theirs: string, ours: string) => [
  `received proposals: ${protocol}:${theirs}`,
  `configured proposals: ${protocol}:${ours}`,
]

type Lines = readonly string[] | ((tunnel: Tunnel) => readonly string[])

const refusedIke = 'no proposal found'
const refusedEsp = 'no matching proposal found, sending NO_PROPOSAL_CHOSEN'

const lines = {
  CONNECTING: [],
  WAITING_FOR_TRAFFIC: [],
  STOPPED_BY_OPERATOR: [],
  PSK_MISSING: ({ ike }) => [`no shared key found for '${ike.localId}' - '${ike.remoteId}'`],
  PSK_MISMATCH: ({ ike }) =>
    ike.version === 'ikev1'
      ? ['invalid HASH_V1 payload length, decryption failed?']
      : [`tried 1 shared key for '${ike.localId}' - '${ike.remoteId}', but MAC mismatched`],
  PEER_HAS_NO_PSK: (tunnel) => [v1OrV2(tunnel, 'INVALID_KE_PAYLOAD')],
  PEER_REJECTED_AUTH: (tunnel) => [v1OrV2(tunnel, 'AUTHENTICATION_FAILED')],
  ID_MISMATCH: ['no matching peer config found'],
  MODE_MISMATCH: ({ ike }) => [
    `found 1 matching config, but none allows pre-shared key authentication using ${ike.mode === 'main' ? 'Aggressive' : 'Main'} Mode`,
  ],
  CERT_WRONG_CA: ["constraint check failed: peer not authenticated by CA 'CN=configured CA'"],
  CERT_UNKNOWN_CA: ['no issuer certificate found for "CN=peer"', 'issuer is "CN=another CA"'],
  CERT_EXPIRED: ['subject certificate invalid (valid from Jan 01 00:00:00 2020 to Jan 01 00:00:00 2021)'],
  CERT_CA_EXPIRED: ['issuer certificate invalid (valid from Jan 01 00:00:00 2020 to Jan 01 00:00:00 2021)'],
  CERT_NAME_MISMATCH: ({ ike }) => [
    `no trusted RSA public key found for '${ike.remoteId}'`,
    'received end entity cert "CN=peer"',
  ],
  CERT_MISSING: ({ ike }) => [`no trusted RSA public key found for '${ike.remoteId}'`],
  CERT_KIND_MISMATCH: ({ ike }) => [`no RSA private key found for '${ike.localId}'`],
  CERT_INVALID: ['path length of 2 violates constraint of 1'],
  PEER_REJECTED_CERTIFICATE: (tunnel) => [v1OrV2(tunnel, 'AUTHENTICATION_FAILED')],
  AUTH_METHOD_MISMATCH: ({ ike }) => [`no shared key found for '${ike.localId}' - '${ike.remoteId}'`],
  IKE_VERSION_MISMATCH: ({ localAddress, remoteAddress }) => [
    `no IKE config found for ${localAddress}...${remoteAddress}, sending NO_PROPOSAL_CHOSEN`,
  ],
  IKE_ENCRYPTION_MISMATCH: [
    refusedIke,
    ...unlike(
      'IKE',
      'CAMELLIA_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
      'AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
    ),
  ],
  IKE_AUTHENTICATION_MISMATCH: [
    refusedIke,
    ...unlike(
      'IKE',
      'AES_CBC_128/AES_XCBC_96/PRF_AES128_XCBC/MODP_1024',
      'AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
    ),
  ],
  IKE_DH_GROUP_MISMATCH: [
    refusedIke,
    ...unlike(
      'IKE',
      'AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/ECP_256',
      'AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
    ),
  ],
  IKE_PROPOSAL_MISMATCH: [
    refusedIke,
    ...unlike(
      'IKE',
      'CAMELLIA_CBC_128/AES_XCBC_96/PRF_AES128_XCBC/ECP_256',
      'AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
    ),
  ],
  IKE_PROPOSAL_OR_UNKNOWN_PEER: (tunnel) => [v1OrV2(tunnel, 'NO_PROPOSAL_CHOSEN')],
  UNKNOWN_PEER: ({ localAddress, remoteAddress }) => [
    `no IKE config found for ${localAddress}...${remoteAddress}, sending NO_PROPOSAL_CHOSEN`,
  ],
  HALF_OPEN_LIMIT: ({ remoteAddress }) => [
    `ignoring IKE_SA setup from ${remoteAddress}, per-IP half-open IKE_SA limit of 50 reached`,
  ],
  NAT_T_DISABLED: (tunnel) => [...gaveUp(tunnel, 4500), 'remote host is behind NAT'],
  AUTH_SILENT: (tunnel) => gaveUp(tunnel, 4500),
  IKE_TIMEOUT: (tunnel) => gaveUp(tunnel, 500),
  PEER_SILENT: (tunnel) => gaveUp(tunnel, 500),
  NO_ROUTE: ['error writing to socket: Network is unreachable'],
  ESP_ENCRYPTION_MISMATCH: [
    refusedEsp,
    ...unlike('ESP', 'CAMELLIA_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ', 'AES_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ'),
  ],
  ESP_AUTHENTICATION_MISMATCH: [
    refusedEsp,
    ...unlike('ESP', 'AES_CBC_128/AES_XCBC_96/NO_EXT_SEQ', 'AES_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ'),
  ],
  PFS_MISMATCH: [
    refusedEsp,
    ...unlike(
      'ESP',
      'AES_CBC_128/HMAC_SHA1_96/ECP_256/NO_EXT_SEQ',
      'AES_CBC_128/HMAC_SHA1_96/MODP_1024/NO_EXT_SEQ',
    ),
  ],
  ESP_PROPOSAL_MISMATCH: ({ ike }) => [
    ike.version === 'ikev1'
      ? 'received NO_PROPOSAL_CHOSEN error notify'
      : 'received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built',
  ],
  SECURITY_PROTOCOL_MISMATCH: [
    refusedEsp,
    'received proposals: AH:HMAC_SHA1_96/NO_EXT_SEQ',
    'configured proposals: ESP:AES_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ',
  ],
  ENCAPSULATION_MODE_MISMATCH: [
    'traffic selectors  ===  unacceptable',
    'parsed IKE_AUTH request 1 [ IDi N(INIT_CONTACT) IDr AUTH N(USE_TRANSP) SA TSi TSr ]',
  ],
  SUBNET_MISMATCH: ({ ike }) => [
    ike.version === 'ikev1'
      ? 'received INVALID_ID_INFORMATION error notify'
      : 'received TS_UNACCEPTABLE notify, no CHILD_SA built',
  ],
  SUBNETS_NARROWED: [],
  CHILD_TIMEOUT: (tunnel) => gaveUp(tunnel, 4500),
  REKEY_FAILED: ['CHILD_SA rekeying failed, trying again in 15 seconds'],
  DPD_TIMEOUT: ['DPD check timed out, enforcing DPD action'],
  PEER_CLOSED: ({ id }) => [`received DELETE for IKE_SA ${id}[1]`],
  BGP_CONNECTING: ['nothing has gone wrong yet'],
  BGP_WRONG_ASN: ['Bad peer AS'],
  BGP_NO_ANSWER: ['no answer from the peer'],
  BGP_REFUSED: ['Socket: Connection refused'],
  BGP_HOLD_TIMER: ['Hold timer expired'],
  BGP_CLOSED: ['Received: Administrative shutdown'],
  BGP_DAEMON: ['the BGP daemon has ended'],
  HEALTH_CHECK_FAILED: ['0 of the last 3 probes were answered'],
  CHARON_DOWN: ['charon has ended (exit code 139)'],
  LOCAL_KERNEL: ({ localSubnets, remoteSubnets }) => [
    'unable to install IPsec policies (SPD) in kernel',
    `error installing route with policy ${localSubnets[0]} === ${remoteSubnets[0]} out`,
  ],
  NEGOTIATION_FAILED: (tunnel) => [v1OrV2(tunnel, 'INVALID_SYNTAX')],
} as const satisfies Readonly<Record<ReasonCode, Lines>>

/** What a reason is about that is asked for by name. */
export type Place = 'negotiation' | 'bgp' | 'probe'

export const placeOf = (code: ReasonCode): Place =>
  code.startsWith('BGP_') ? 'bgp' : code === 'HEALTH_CHECK_FAILED' ? 'probe' : 'negotiation'

/** What an end that has this reason has seen. */
export function complaintOf(code: ReasonCode, tunnel: Tunnel): Complaint {
  const known: Lines = lines[code]
  return { code, lines: typeof known === 'function' ? known(tunnel) : known }
}
