/**
 * What the HTTPS listener shows: the operator's certificate, or one of a certification authority of this installation, made
 * here and kept in the data folder, which clients are told to trust.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueCertificate, type Subject } from './certificates/x509.ts'

export interface TlsFiles {
  /** PEM: the certificate, and those of its issuers behind it. */
  readonly certificateFile: string
  readonly keyFile: string
}

/** Of a certificate that is made here. */
export interface OwnTls {
  /** Holds `ca.crt`, which clients trust, and the rest. */
  readonly folder: string
  /** DNS names and IPv4 addresses by which clients call. */
  readonly names: readonly string[]
}

export interface LoadedTls {
  readonly certificate: string
  readonly key: string
  /** The file that clients are told to trust; absent where the certificate is the operator's. */
  readonly caFile?: string
}

const day = 24 * 3600 * 1000
const caLife = 3650 * day
/** Clients of Apple refuse more than 825 days, and what is issued by itself can be renewed by itself. */
const serverLife = 397 * day
const renewBefore = 30 * day

/**
 * Reads the operator's certificate.
 *
 * @param now epoch milliseconds
 * @throws with a sentence when a file cannot be read, the two do not belong together, or the certificate has ended
 */
function loadTls({ certificateFile, keyFile }: TlsFiles, now: number): LoadedTls {
  const certificate = read(certificateFile)
  const key = read(keyFile)
  const parsed = parse(certificateFile, 'certificate', () => new X509Certificate(certificate))
  const privateKey = parse(keyFile, 'private key', () => createPrivateKey(key))
  if (!parsed.checkPrivateKey(privateKey)) {
    throw new Error(`the private key in ${keyFile} does not belong to the certificate in ${certificateFile}`)
  }
  if (parsed.validToDate.getTime() <= now) {
    throw new Error(`the certificate in ${certificateFile} ended on ${parsed.validToDate.toISOString()}`)
  }
  return { certificate, key }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parse<T>(file: string, what: string, read: () => T): T {
  try {
    return read()
  } catch {
    throw new Error(`${file} holds no ${what} in PEM`)
  }
}

const caSubject: Subject = { organization: 'Suidao', commonName: 'Suidao local CA' }

/**
 * The certificate of this installation. It is made when there is none, and anew when it ends within a month, when the names
 * have changed, or when the authority has. The authority is made once: clients trust it.
 *
 * @throws with a sentence when files of an authority are there and cannot be used
 */
function ownTls({ folder, names }: OwnTls, now: number): LoadedTls {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const caFile = join(folder, 'ca.crt')
  const caKeyFile = join(folder, 'ca.key')
  if (!existsSync(caFile)) {
    const { privateKey, publicKey } = newKey()
    const issuer = { subject: caSubject, key: privateKey }
    const life = { notBefore: now - day, notAfter: now + caLife }
    writeKey(caKeyFile, privateKey)
    writeFileSync(caFile, issueCertificate({ subject: caSubject, publicKey, ...life, issuer }), {
      flush: true,
    })
  }
  const ca = loadTls({ certificateFile: caFile, keyFile: caKeyFile }, now)
  const files = { certificateFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') }
  if (!isGood(files, ca.certificate, names, now)) {
    const { privateKey, publicKey } = newKey()
    const certificate = issueCertificate({
      subject: { organization: 'Suidao', commonName: names[0]! },
      publicKey,
      notBefore: now - day,
      notAfter: now + serverLife,
      identity: names,
      issuer: { subject: caSubject, key: createPrivateKey(ca.key) },
    })
    writeKey(files.keyFile, privateKey)
    writeFileSync(files.certificateFile, certificate, { flush: true })
  }
  return { ...loadTls(files, now), caFile }
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

const writeKey = (file: string, key: KeyObject) =>
  writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true })

function isGood(files: TlsFiles, ca: string, names: readonly string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(loadTls(files, now).certificate)
    const shown = certificate.subjectAltName
      ?.split(', ')
      .map((entry) => entry.replace(/^(DNS|IP Address):/, ''))
    return (
      certificate.verify(new X509Certificate(ca).publicKey) &&
      certificate.validToDate.getTime() - now > renewBefore &&
      names.every((name) => shown?.includes(name)) &&
      shown?.length === names.length
    )
  } catch {
    return false
  }
}

/** @throws with a sentence, as the two above do */
export const loadCertificate = (from: TlsFiles | OwnTls, now: number): LoadedTls =>
  'folder' in from ? ownTls(from, now) : loadTls(from, now)
