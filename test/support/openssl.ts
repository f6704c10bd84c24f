/** Certificates made by OpenSSL, for peers of our own making: nothing of the authority under test is in them. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type KeyKind = 'rsa' | 'p256' | 'p384'

/** A certificate and its key, both PEM. */
export interface Issued {
  readonly certificate: string
  readonly key: string
}

export interface LeafOptions {
  /** E.g. `IP:198.51.100.2,DNS:branch.example`. */
  readonly names: string
  /** Absent: that of the CA. */
  readonly kind?: KeyKind
  /** From now on; -1: it ended yesterday. */
  readonly days?: number
}

const newKey: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
}

export class OpensslCa {
  readonly #directory: string
  readonly #kind: KeyKind
  readonly #subject: string
  #certificate = ''

  private constructor(directory: string, kind: KeyKind, subject: string) {
    this.#directory = directory
    this.#kind = kind
    this.#subject = subject
  }

  /** @param name its common name */
  static async create(name: string, kind: KeyKind): Promise<OpensslCa> {
    const directory = await mkdtemp(join(tmpdir(), 'openssl-ca-'))
    const ca = new OpensslCa(directory, kind, `/O=Lab/CN=${name}`)
    await run('openssl', ['genpkey', ...newKey[kind], '-out', ca.#path('ca.key')])
    await ca.renew()
    return ca
  }

  /** PEM. */
  get certificate(): string {
    return this.#certificate
  }

  /** Makes another certificate of the same name with the same key; `days` as in `LeafOptions`. */
  async renew(days = 30): Promise<string> {
    const [csr, pem] = [this.#path('ca.csr'), this.#path('ca.pem')]
    await run('openssl', [
      ...['req', '-new', '-key', this.#path('ca.key'), '-subj', this.#subject, '-out', csr],
      ...['-addext', 'basicConstraints=critical,CA:true', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ])
    await run('openssl', [
      ...['x509', '-req', '-in', csr, '-signkey', this.#path('ca.key'), '-out', pem],
      ...['-days', `${days}`, '-copy_extensions', 'copy'],
    ])
    this.#certificate = await readFile(pem, 'utf8')
    return this.#certificate
  }

  async issue({ names, kind = this.#kind, days = 30 }: LeafOptions): Promise<Issued> {
    const [key, csr, pem] = [this.#path('leaf.key'), this.#path('leaf.csr'), this.#path('leaf.pem')]
    await run('openssl', ['genpkey', ...newKey[kind], '-out', key])
    await run('openssl', [
      ...['req', '-new', '-key', key, '-subj', '/O=Lab/CN=leaf', '-out', csr],
      ...['-addext', `subjectAltName=${names}`],
    ])
    await run('openssl', [
      ...['x509', '-req', '-in', csr, '-CA', this.#path('ca.pem'), '-CAkey', this.#path('ca.key')],
      ...['-out', pem, '-days', `${days}`, '-copy_extensions', 'copy'],
    ])
    return { certificate: await readFile(pem, 'utf8'), key: await readFile(key, 'utf8') }
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true })
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}
