/**
 * Secrets at rest: sealed with AES-256-GCM (NIST SP 800-38D) under keys derived from one master key (HKDF, RFC 5869).
 *
 * A sealed value is text: `v1.<key>.<nonce, ciphertext and tag>`, the latter two in base64url. `<key>` names the
 * master key without telling anything of it, so that a wrong key is told apart from a damaged value. The place where
 * the value is kept (table, row, column) is authenticated with it: a value moved elsewhere does not open.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from './db/open.ts'
import { Secret } from './secret.ts'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** Opened values that are kept, so that an often read secret costs one look-up. */
const cacheLimit = 4_096

/** The name of the variable that gives the master key instead of the file. */
const masterKeyVariable = 'SUIDAO_MASTER_KEY'

export interface MasterKey {
  readonly key: KeyObject
  /** Where it was found, for error messages: a file's path or a variable's name. */
  readonly source: string
}

export interface Sealer {
  /** @param context where the value is kept, e.g. `vpn_connection/vco-1/psk`; `open` needs the same. */
  seal(clear: string, context: string): string
  /** @throws SealError when another key, another context or a damaged value is at hand. */
  open(sealed: string, context: string): Secret
  /** A keyed hash of a text that may hold secrets: equal texts have equal ones, and it tells nothing else. */
  fingerprint(text: string): string
}

export class SealError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SealError'
  }
}

export function createSealer({ key, source }: MasterKey): Sealer {
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', key, '', purpose, length))
  const sealKey = createSecretKey(derive('suidao seal v1', keyBytes))
  const fingerprintKey = createSecretKey(derive('suidao fingerprint v1', keyBytes))
  const prefix = `v1.${derive('suidao key name v1', 6).toString('base64url')}.`
  /** Two generations: when one is full it becomes the old one, and what nobody opens again goes with it. */
  let opened = new Map<string, { context: string; secret: Secret }>()
  let openedBefore = opened

  function decrypt(sealed: string, context: string): Secret {
    if (!sealed.startsWith(prefix)) throw new SealError(notOurs(sealed, context))
    const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url')
    if (bytes.length < nonceBytes + tagBytes)
      throw new SealError(`the sealed value of ${context} is cut short`)
    const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(Buffer.from(context))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    const clear = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
    try {
      decipher.final()
    } catch {
      throw new SealError(`the sealed value of ${context} is damaged or belongs to another place`)
    }
    return new Secret(clear.toString())
  }

  function notOurs(sealed: string, context: string): string {
    const [version, name, payload] = sealed.split('.')
    if (version !== 'v1' || payload === undefined)
      return `the value of ${context} is not sealed in a form known here`
    return `${context} is sealed with master key ${name}, but ${source} holds ${prefix.split('.')[1]}`
  }

  return {
    seal(clear, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(context))
      const body = [nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()]
      return prefix + Buffer.concat(body).toString('base64url')
    },
    open(sealed, context) {
      const known = opened.get(sealed)
      if (known?.context === context) return known.secret
      const old = openedBefore.get(sealed)
      const secret = old?.context === context ? old.secret : decrypt(sealed, context)
      if (opened.size >= cacheLimit / 2) {
        openedBefore = opened
        opened = new Map()
      }
      opened.set(sealed, { context, secret })
      return secret
    },
    fingerprint(text) {
      return createHmac('sha256', fingerprintKey).update(text).digest('base64url')
    },
  }
}

const checkName = 'master_key_check'

/**
 * Ties a new database to the master key, and of a known one finds out at start, not at the first secret, that another
 * key is given.
 *
 * @throws SealError that names where the wrong key was found.
 */
export async function checkMasterKey(db: Database, sealer: Sealer): Promise<void> {
  const context = `setting/${checkName}`
  await db.kysely
    .insertInto('setting')
    .values({ name: checkName, value: sealer.seal('suidao', context) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { value } = await db.kysely
    .selectFrom('setting')
    .select('value')
    .where('name', '=', checkName)
    .executeTakeFirstOrThrow()
  sealer.open(value, context)
}

/**
 * The master key: the one that is given (`SUIDAO_MASTER_KEY`), else that of `file`, which the first start writes
 * (mode 0600). Both hold 32 bytes, as 64 hexadecimal digits or in base64.
 *
 * @throws when what is found is no such key, or the file can be read by others.
 */
export function loadMasterKey(file: string, given?: Secret): MasterKey {
  if (given !== undefined) return parseMasterKey(given.reveal(), masterKeyVariable)
  const text = readPrivate(file)
  if (text !== undefined) return parseMasterKey(text, file)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  createOnce(file, `${randomBytes(keyBytes).toString('base64')}\n`)
  // Of two that start at once, one has created it; both read that one.
  return parseMasterKey(readPrivate(file) ?? '', file)
}

function parseMasterKey(text: string, source: string): MasterKey {
  const trimmed = text.trim()
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : Buffer.from(/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed) ? trimmed : '', 'base64')
  if (bytes.length !== keyBytes) {
    throw new SealError(
      `${source} holds no master key: 32 bytes are expected, as 64 hexadecimal digits or in base64`,
    )
  }
  return { key: createSecretKey(bytes), source }
}

function readPrivate(file: string): string | undefined {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
  try {
    const mode = fstatSync(fd).mode & 0o777
    if (mode & 0o077) {
      throw new SealError(`${file} can be read by others (mode ${mode.toString(8)}): run chmod 600 ${file}`)
    }
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** The file appears whole or not at all, and is on the disk when this returns. */
function createOnce(file: string, text: string): void {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const fd = openSync(draft, 'wx', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
    linkSync(draft, file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    closeSync(fd)
    unlinkSync(draft)
  }
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
