/**
 * The certificate authority of a deployment: two CAs, one of RSA and one of elliptic keys, and the certificates that
 * they have issued to the tunnels. Private keys are sealed at rest.
 *
 * A certificate is issued when a tunnel is first handed to the engine with a `RemoteCaCertificate`, and again before it
 * ends or when it does not fit any more. The CAs are made when the first of them is needed, or asked for.
 */
import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { Database } from '../db/open.ts'
import type { Sealer } from '../seal.ts'
import type { Secret } from '../secret.ts'
import { issueCertificate, type KeyKind, parseCaCertificate, type Subject } from './x509.ts'

export type CaKind = 'rsa' | 'ecdsa'
export const caKinds: readonly CaKind[] = ['rsa', 'ecdsa']

/** A CA of ours, without its key. */
export interface Ca {
  readonly kind: CaKind
  /** PEM. */
  readonly certificate: string
  /** Epoch milliseconds. */
  readonly notAfter: number
}

/** What a tunnel proves itself with, and what it is to believe of the peer; all PEM. */
export interface EndCertificate {
  readonly own: string
  readonly ownKey: Secret
  readonly remoteCa: string
}

export interface Authority {
  /** Our CAs, for the device at the other end. Those that are missing are made. */
  cas(): Promise<readonly Ca[]>
  /**
   * The certificate of a tunnel: its key is of the kind of the peer's CA, for in IKEv1 both ends have to sign alike.
   *
   * @param remoteCa `RemoteCaCertificate` of the tunnel
   * @throws when it cannot be read, or has a key of another kind than ours can be
   */
  certificateFor(
    tunnel: { readonly id: string; readonly identity: string },
    remoteCa: string,
  ): Promise<EndCertificate>
  /** Whether the certificate of a tunnel has to be replaced soon, or is missing. */
  isDue(tunnelId: string): Promise<boolean>
}

const day = 86_400_000
const caLife = 20 * 365 * day
const leafLife = 365 * day
/** Peers that are never told anything in the meantime see a new certificate at the next negotiation only. */
const renewBefore = leafLife / 3
/** Clocks of peers may be behind. */
const slack = 3_600_000

/** Which CA of ours signs for keys of a kind: that of the same kind, so that a peer needs to know one algorithm only. */
const caKindFor = (kind: KeyKind): CaKind => (kind === 'rsa' ? 'rsa' : 'ecdsa')

const generate = promisify(generateKeyPair)
const curves = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const

const newKeys = (kind: KeyKind, rsaBits: number): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> =>
  kind === 'rsa' ? generate('rsa', { modulusLength: rsaBits }) : generate('ec', { namedCurve: curves[kind] })

const textOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const caContext = (kind: CaKind) => `certificate_authority/${kind}/key`
const leafContext = (tunnelId: string) => `tunnel_certificate/${tunnelId}/key`

/** @param now epoch milliseconds */
export function createAuthority(db: Database, sealer: Sealer, now: () => number): Authority {
  const storedCa = (kind: CaKind) =>
    db.kysely.selectFrom('certificate_authority').selectAll().where('kind', '=', kind).executeTakeFirst()
  const storedLeaf = (tunnelId: string) =>
    db.kysely
      .selectFrom('tunnel_certificate')
      .selectAll()
      .where('tunnel_id', '=', tunnelId)
      .executeTakeFirst()

  /** The CA of a kind. Of two that are made at the same time one stays. */
  async function ca(kind: CaKind) {
    const known = await storedCa(kind)
    if (known) return known
    const keys = await newKeys(kind === 'rsa' ? 'rsa' : 'p256', 3072)
    const at = now()
    const name = { rsa: 'RSA', ecdsa: 'ECDSA' }[kind]
    // CAs of two deployments must never have one name: peers would take the one for the other.
    const subject: Subject = {
      organization: 'Suidao',
      commonName: `VPN gateway CA ${name} ${randomBytes(4).toString('hex')}`,
    }
    const validity = { notBefore: at - slack, notAfter: at + caLife }
    const certificate = issueCertificate({
      subject,
      publicKey: keys.publicKey,
      issuer: { subject, key: keys.privateKey },
      ...validity,
    })
    const row = {
      kind,
      certificate,
      key_sealed: sealer.seal(textOf(keys.privateKey), caContext(kind)),
      not_after: validity.notAfter,
      created_at: at,
    }
    await db.transaction((trx) =>
      trx
        .insertInto('certificate_authority')
        .values(row)
        .onConflict((conflict) => conflict.column('kind').doNothing())
        .execute(),
    )
    return (await storedCa(kind))!
  }

  async function issue(tunnelId: string, identity: string, kind: KeyKind) {
    const authority = await ca(caKindFor(kind))
    const keys = await newKeys(kind, 2048)
    const at = now()
    const notAfter = Math.min(at + leafLife, authority.not_after)
    const row = {
      tunnel_id: tunnelId,
      kind,
      identity,
      certificate: issueCertificate({
        subject: { organization: 'Suidao', commonName: tunnelId },
        publicKey: keys.publicKey,
        notBefore: at - slack,
        notAfter,
        identity,
        issuer: {
          subject: subjectOf(authority.certificate),
          key: createPrivateKey(sealer.open(authority.key_sealed, caContext(authority.kind)).reveal()),
        },
      }),
      key_sealed: sealer.seal(textOf(keys.privateKey), leafContext(tunnelId)),
      not_after: notAfter,
    }
    await db.transaction((trx) =>
      trx
        .insertInto('tunnel_certificate')
        .values(row)
        .onConflict((conflict) => conflict.column('tunnel_id').doUpdateSet(row))
        .execute(),
    )
    return row
  }

  const isNearEnd = ({ not_after }: { readonly not_after: number }) => not_after - now() < renewBefore

  return {
    cas: () =>
      Promise.all(
        caKinds.map(async (kind) => {
          const { certificate, not_after } = await ca(kind)
          return { kind, certificate, notAfter: not_after }
        }),
      ),

    async certificateFor({ id, identity }, remoteCa) {
      // A CA that has ended since is for the daemon to refuse, which says so.
      const parsed = parseCaCertificate(remoteCa)
      if ('problem' in parsed) throw new Error(`its RemoteCaCertificate cannot be used: ${parsed.problem}`)
      const known = await storedLeaf(id)
      const fits = known?.kind === parsed.keyKind && known.identity === identity && !isNearEnd(known)
      const leaf = fits ? known : await issue(id, identity, parsed.keyKind)
      return {
        own: leaf.certificate,
        ownKey: sealer.open(leaf.key_sealed, leafContext(id)),
        remoteCa: parsed.pem,
      }
    },

    async isDue(tunnelId) {
      const leaf = await storedLeaf(tunnelId)
      return leaf === undefined || isNearEnd(leaf)
    },
  }
}

/** The members of a name that was written here. */
function subjectOf(certificate: string): Subject {
  const { subject } = new X509Certificate(certificate)
  const member = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(subject)?.[1] ?? ''
  return { organization: member('O'), commonName: member('CN') }
}
