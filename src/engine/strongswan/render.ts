/**
 * A wanted tunnel as charon's settings. Pure.
 *
 * Settings are those of swanctl.conf(5), strongSwan 5.9.8. The daemon takes nonsense addresses, masks and empty
 * identities without complaint (an address that is none becomes a DNS name), so they are refused here.
 */
import { createHash } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import type { Secret } from '../../secret.ts'
import { type DhGroup, type EncryptionAlgorithm, EngineError, type Tunnel } from '../engine.ts'
import type { ViciSection } from './vici/message.ts'

/**
 * How ESP of a tunnel is tied to its interface.
 * `trap` starts the negotiation at the first packet; userspace ESP drops that packet without a word, so it has none.
 */
export type Carrier =
  | { readonly mode: 'X'; readonly ifId: number; readonly startAction: 'none' | 'trap' }
  | { readonly mode: 'V'; readonly mark: number; readonly startAction: 'none' | 'trap' }
  | { readonly mode: 'U' }

/** Seconds. IKEv1 gives a silent peer up after `timeout`; IKEv2 after its retransmissions. */
export interface DpdTimes {
  readonly delay: number
  readonly timeout: number
}

export const defaultDpdTimes: DpdTimes = { delay: 10, timeout: 30 }

/** A CHILD_SA that the settings of a tunnel ask for. */
export interface Child {
  readonly name: string
  readonly localSubnets: readonly string[]
  readonly remoteSubnets: readonly string[]
}

const encryptionWords: Readonly<Record<EncryptionAlgorithm, string>> = {
  aes: 'aes128',
  aes192: 'aes192',
  aes256: 'aes256',
  des: 'des',
  '3des': '3des',
}

const dhWords: Readonly<Record<DhGroup, string>> = {
  group1: 'modp768',
  group2: 'modp1024',
  group5: 'modp1536',
  group14: 'modp2048',
}

/**
 * The children of a tunnel. IKEv2 has one with all subnets. IKEv1 carries one pair of subnets in a CHILD_SA (charon
 * uses the first pair of a list and ignores the rest), so it has one for each pair.
 * The order in which the subnets were given does not matter.
 */
export function children(tunnel: Tunnel): readonly Child[] {
  const locals = subnets(tunnel, tunnel.localSubnets)
  const remotes = subnets(tunnel, tunnel.remoteSubnets)
  if (tunnel.ike.version === 'ikev2') {
    return [{ name: tunnel.id, localSubnets: locals, remoteSubnets: remotes }]
  }
  const pairs = locals.flatMap((local) => remotes.map((remote) => [local, remote] as const))
  return pairs.map(([local, remote], index) => ({
    name: pairs.length === 1 ? tunnel.id : `${tunnel.id}-${index + 1}`,
    localSubnets: [local],
    remoteSubnets: [remote],
  }))
}

/**
 * The message of `load-conn`. The connection is named after the tunnel.
 *
 * @param twin set where the daemon has other tunnels between the same two identities, and different for each of
 *   them: charon lets such connections share one IKE_SA unless something in their settings differs, so the random
 *   part of the re-key time does, by seconds; and with `unique = replace` the IKE_SA of one would end the other's
 * @throws EngineError without retry for an address, subnet or identity that is none.
 */
export function renderConnection(
  tunnel: Tunnel,
  carrier: Carrier,
  dpd: DpdTimes = defaultDpdTimes,
  twin?: number,
): ViciSection {
  const { ike, ipsec } = tunnel
  const startAction = carrier.mode === 'U' ? 'none' : carrier.startAction
  const espProposal = [
    encryptionWords[ipsec.encryption],
    ipsec.authentication,
    ...(ipsec.pfs === 'disabled' ? [] : [dhWords[ipsec.pfs]]),
  ].join('-')

  return {
    [tunnel.id]: {
      version: ike.version === 'ikev1' ? '1' : '2',
      aggressive: ike.version === 'ikev1' && ike.mode === 'aggressive' ? 'yes' : 'no',
      local_addrs: [address(tunnel, tunnel.localAddress)],
      remote_addrs: [address(tunnel, tunnel.remoteAddress)],
      proposals: [[encryptionWords[ike.encryption], ike.authentication, dhWords[ike.dhGroup]].join('-')],
      ...ikeLifetime(ike.lifetime, twin ?? 0),
      unique: twin === undefined ? 'replace' : 'no',
      // Whether and when to try again is decided by the engine, which also knows why the last attempt failed.
      keyingtries: '1',
      fragmentation: 'yes',
      encap: 'no',
      // With MOBIKE the daemon moves to port 4500 even where there is no NAT.
      mobike: 'no',
      ...(tunnel.dpd && {
        dpd_delay: seconds(dpd.delay),
        dpd_timeout: ike.version === 'ikev1' ? seconds(dpd.timeout) : undefined,
      }),
      ...(carrier.mode === 'X' && { if_id_in: `${carrier.ifId}`, if_id_out: `${carrier.ifId}` }),
      ...authentication(tunnel),
      children: Object.fromEntries(
        children(tunnel).map((child) => [
          child.name,
          {
            local_ts: child.localSubnets,
            remote_ts: child.remoteSubnets,
            esp_proposals: [espProposal],
            ...childLifetime(ipsec.lifetime),
            start_action: startAction,
            close_action: 'none',
            dpd_action: 'clear',
            ...(carrier.mode === 'V' && { mark_in: `${carrier.mark}`, mark_out: `${carrier.mark}` }),
          },
        ]),
      ),
    },
  }
}

/**
 * The CA is a condition of this connection, which is never left out: the daemon trusts every CA it has ever been given,
 * for every connection, and only this keeps a certificate of another one's CA out.
 */
function authentication(tunnel: Tunnel): ViciSection {
  const { localId, remoteId, certificate } = tunnel.ike
  const [local, remote] = [identity(tunnel, localId), identity(tunnel, remoteId)]
  if (!certificate) return { local: { auth: 'psk', id: local }, remote: { auth: 'psk', id: remote } }
  if (certificate.remoteCa === '') throw refused(tunnel, 'the certificate of the remote CA is empty')
  // An initiator whose certificate is refused there begins anew by itself, as fast as it can, for ever.
  if (tunnel.ike.version === 'ikev1' && tunnel.ike.mode === 'aggressive') {
    throw refused(tunnel, 'certificates and IKEv1 aggressive mode do not go together')
  }
  return {
    // Many devices ask for no certificate and expect one all the same.
    send_cert: 'always',
    local: { auth: 'pubkey', id: local, certs: [certificate.own] },
    remote: { auth: 'pubkey', id: remote, cacerts: [certificate.remoteCa] },
  }
}

/** The message of `load-key`, for a tunnel with a certificate. It holds the private key in clear. */
export const renderPrivateKey = (key: Secret): ViciSection => ({ type: 'any', data: key.reveal() })

/**
 * The message of `load-shared`. The key is owned by both identities: a key without owners would fit every peer.
 * It holds the key in clear.
 */
export function renderShared(tunnel: Pick<Tunnel, 'id' | 'ike'>): ViciSection {
  return {
    id: tunnel.id,
    type: 'IKE',
    data: Buffer.from(tunnel.ike.psk.reveal(), 'utf8'),
    owners: [identity(tunnel, tunnel.ike.localId), identity(tunnel, tunnel.ike.remoteId)],
  }
}

/**
 * Changes exactly when a running SA would have to be negotiated again to run with these settings.
 * What only concerns the next start is not in it: `startAction`, and our own certificate, which is renewed while SAs
 * run. 64 hexadecimal digits; a weak pre-shared key can be guessed from it, so it is kept as private as the key.
 */
export function definitionHash(tunnel: Tunnel, carrier: Carrier, dpd: DpdTimes = defaultDpdTimes): string {
  const { ike } = tunnel
  const lasting = ike.certificate && {
    ...tunnel,
    ike: { ...ike, certificate: { ...ike.certificate, own: '' } },
  }
  const settings = renderConnection(
    lasting ?? tunnel,
    carrier.mode === 'U' ? carrier : { ...carrier, startAction: 'none' },
    dpd,
  )
  return createHash('sha256')
    .update(JSON.stringify([settings, ike.certificate ? '' : ike.psk.reveal()]))
    .digest('hex')
}

/** Seconds: a tenth of the 4 h after which the daemon re-keys when it is told nothing. */
const defaultRandTime = 1_440

const seconds = (count: number) => `${count}s`

/**
 * IKEv1 announces rekey_time + over_time to the peer, so their sum is the lifetime. 0 leaves the daemon's defaults
 * (re-key after 4 h). The random part keeps two ends with the same lifetime from re-keying at the same moment.
 */
function ikeLifetime(lifetime: number, twin: number): ViciSection {
  if (lifetime === 0) return twin === 0 ? {} : { rand_time: seconds(defaultRandTime + twin) }
  const tenth = Math.round(lifetime / 10)
  return {
    rekey_time: seconds(lifetime - tenth),
    over_time: seconds(tenth),
    rand_time: seconds(tenth + twin),
    reauth_time: '0s',
  }
}

/** All three are needed: with life_time alone the daemon computes a re-key time in the past. 0 leaves its defaults. */
function childLifetime(lifetime: number): ViciSection {
  if (lifetime === 0) return {}
  const tenth = Math.round(lifetime / 10)
  return { life_time: seconds(lifetime), rekey_time: seconds(lifetime - tenth), rand_time: seconds(tenth) }
}

function address(tunnel: Tunnel, text: string): string {
  if (!isIPv4(text)) throw refused(tunnel, `address "${text}" is not an IPv4 address`)
  return text
}

/** An address as it is, everything else as a name, so that `a@b` is not taken for a mail address. */
function identity(tunnel: Pick<Tunnel, 'id'>, text: string): string {
  if (isIP(text)) return text
  if (!/^[\x21-\x7e]{1,255}$/.test(text)) {
    throw refused(tunnel, `identity "${text}" is not 1 to 255 visible ASCII characters`)
  }
  return `fqdn:${text}`
}

/** The networks without host bits, each once, in a fixed order. */
function subnets(tunnel: Tunnel, texts: readonly string[]): readonly string[] {
  if (texts.length === 0) throw refused(tunnel, 'a subnet list is empty')
  const networks = texts.map((text) => {
    const [host = '', length = '', ...rest] = text.split('/')
    if (!isIPv4(host) || !/^\d{1,2}$/.test(length) || Number(length) > 32 || rest.length > 0) {
      throw refused(tunnel, `subnet "${text}" is not an IPv4 network`)
    }
    const bits = Number(length)
    const octets = host
      .split('.')
      .map((octet, index) => Number(octet) & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 0xff)
    return `${octets.join('.')}/${bits}`
  })
  return [...new Set(networks)].sort()
}

const refused = (tunnel: Pick<Tunnel, 'id'>, what: string) =>
  new EngineError(`tunnel ${tunnel.id}: ${what}`, { retry: false })
