/** `suidao ca`: the CAs that issue the certificates of VPN gateways, for the devices at the other end. */
import { X509Certificate } from 'node:crypto'
import { type CaKind, caKinds, createAuthority } from '../certificates/authority.ts'
import { positionals, runVerb, type Verbs } from './store.ts'
import type { Invocation } from './terminal.ts'

export const caUsage: readonly (readonly [string, string])[] = [
  ['list', 'our CAs: name, end, fingerprint; made when missing'],
  ['rsa, ecdsa', 'the certificate of one, PEM: for peers whose own CA has a key of that kind'],
]

export const runCa = (invocation: Invocation): Promise<number> => runVerb('ca', verbs, undefined, invocation)

const printCertificate =
  (kind: CaKind): Verbs[string] =>
  (args, terminal) => {
    positionals(args, `ca ${kind}`, 0)
    return async ({ db, sealer }) => {
      const cas = await createAuthority(db, sealer, Date.now).cas()
      terminal.print(cas.find((ca) => ca.kind === kind)!.certificate.trimEnd())
    }
  }

const verbs: Verbs = {
  list: (args, terminal) => {
    positionals(args, 'ca list', 0)
    return async ({ db, sealer }) => {
      for (const { kind, certificate, notAfter } of await createAuthority(db, sealer, Date.now).cas()) {
        const { subject, fingerprint256 } = new X509Certificate(certificate)
        terminal.print(`${kind.padEnd(6)} ${subject.split('\n').join(', ')}`)
        terminal.print(`       until ${new Date(notAfter).toISOString().slice(0, 10)}`)
        terminal.print(`       SHA-256 ${fingerprint256}`)
      }
    }
  },
  ...Object.fromEntries(caKinds.map((kind) => [kind, printCertificate(kind)])),
}
