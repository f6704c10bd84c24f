/**
 * ACS3-HMAC-SHA256: signature version 3, in the Authorization header.
 *
 * Alibaba Cloud, "V3 request structure and signature mechanism", read 2026-11, and requests captured from six clients
 * (`test/vectors/wire-vectors.json`). Where they go beyond the document: the order of the parts of the header varies, the
 * set of signed headers is the client's, and most clients do not encode the names of parameters.
 */
import { hash } from 'node:crypto'
import { begin, sortedNames, writeEncoded, writeLatin1, written } from './canonical.ts'
import { apiError } from './errors.ts'
import type { HmacKey } from './hmac.ts'
import type { ParamPairs } from './params.ts'

export const algorithmV3 = 'ACS3-HMAC-SHA256'

/** Header names in lower case; several lines of one header are sorted and joined with a comma, as they are signed. */
export type HeaderMap = ReadonlyMap<string, string>

export interface AuthorizationV3 {
  readonly algorithm: string
  readonly accessKeyId: string
  /** As sent, joined with `;`. */
  readonly signedHeaders: string
  readonly signature: string
}

/** What every client signs, and what must be signed for the check to mean anything. */
const mustBeSigned = [
  'x-acs-action',
  'x-acs-version',
  'x-acs-date',
  'x-acs-signature-nonce',
  'x-acs-content-sha256',
]

const incomplete = (explanation: string) => apiError('IncompleteSignature', { explanation })

/** Takes `ACS3-... Credential=..,SignedHeaders=..,Signature=..` apart; refuses with `IncompleteSignature`. */
export function parseAuthorization(header: string): AuthorizationV3 {
  const space = header.indexOf(' ')
  if (space < 0) throw incomplete('The Authorization header has no parts.')
  let accessKeyId = ''
  let signedHeaders = ''
  let signature: string | undefined
  for (const part of header.slice(space + 1).split(',')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, equals).trim()
    const value = part.slice(equals + 1).trim()
    if (name === 'Credential') accessKeyId = value
    else if (name === 'SignedHeaders') signedHeaders = value
    else if (name === 'Signature') signature = value
  }
  if (accessKeyId === '' || signedHeaders === '' || signature === undefined) {
    throw incomplete('The Authorization header must hold Credential, SignedHeaders and Signature.')
  }
  return { algorithm: header.slice(0, space), accessKeyId, signedHeaders, signature }
}

/** Lists of signed headers that were checked already: a client sends the same one with every request. */
const checkedLists = new Map<string, readonly string[]>()

function signedHeaderNames(signedHeaders: string): readonly string[] {
  const checked = checkedLists.get(signedHeaders)
  if (checked) return checked
  const names = signedHeaders.split(';')
  for (const name of mustBeSigned) {
    if (!names.includes(name)) throw incomplete(`SignedHeaders lacks ${name}.`)
  }
  if (checkedLists.size === 256) checkedLists.clear()
  if (signedHeaders.length <= 1024) checkedLists.set(signedHeaders, names)
  return names
}

export interface RequestV3 {
  readonly method: string
  /** Parameters of the query alone. */
  readonly query: ParamPairs
  readonly headers: HeaderMap
  readonly signedHeaders: string
}

function writeCanonicalRequest(request: RequestV3, encodeNames: boolean): void {
  const { method, query, headers, signedHeaders } = request
  const signed = signedHeaderNames(signedHeaders)
  const values = signed.map((name) => headers.get(name) ?? '')
  let most = 256 + signedHeaders.length * 2
  for (const [name, value] of query.map) most += (name.length + value.length + 2) * 9
  for (const value of values) most += value.length + 2
  begin(most)
  writeLatin1(method)
  writeLatin1('\n/\n')
  let first = true
  for (const name of sortedNames(query.names, query.ascii)) {
    if (!first) writeLatin1('&')
    first = false
    if (encodeNames) writeEncoded(name, false)
    else writeLatin1(query.ascii ? name : Buffer.from(name).toString('latin1'))
    writeLatin1('=')
    writeEncoded(query.map.get(name)!, false)
  }
  writeLatin1('\n')
  for (let at = 0; at < signed.length; at++) {
    writeLatin1(signed[at]!)
    writeLatin1(':')
    writeLatin1(values[at]!)
    writeLatin1('\n')
  }
  writeLatin1('\n')
  writeLatin1(signedHeaders)
  writeLatin1('\n')
  writeLatin1(headers.get('x-acs-content-sha256') ?? '')
}

/** The canonical request. It repeats the query, keys included: for the caller only, never for a log. */
export function canonicalRequestV3(request: RequestV3): string {
  writeCanonicalRequest(request, false)
  return written().toString()
}

const stringToSign = (canonicalHash: string): string => `${algorithmV3}\n${canonicalHash}`

export const stringToSignV3 = (canonicalRequest: string): string =>
  stringToSign(hash('sha256', canonicalRequest, 'hex'))

const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * Whether `signature` (64 hexadecimal digits, lower case) is that of the request under `key` (the access key secret), every
 * signed header is there, and the body is the one whose hash was signed: without that last step the body would be
 * anybody's. Refuses with `IncompleteSignature` when a header that must be signed is not.
 */
export function verifyV3(request: RequestV3, body: Buffer, key: HmacKey, signature: string): boolean {
  for (const name of signedHeaderNames(request.signedHeaders)) if (!request.headers.has(name)) return false
  const bodyHash = body.length === 0 ? emptyHash : hash('sha256', body, 'hex')
  if (request.headers.get('x-acs-content-sha256') !== bodyHash) return false
  if (matches(request, false, key, signature)) return true
  // Java and the document encode the names of parameters as well; it matters for unusual names only.
  return hasUnusualName(request.query) && matches(request, true, key, signature)
}

function matches(request: RequestV3, encodeNames: boolean, key: HmacKey, signature: string): boolean {
  writeCanonicalRequest(request, encodeNames)
  const text = stringToSign(hash('sha256', written(), 'hex'))
  begin(text.length)
  writeLatin1(text)
  return key.verify(written(), 'hex', signature)
}

const hasUnusualName = ({ names }: ParamPairs): boolean => names.some((name) => /[^\w.~-]/.test(name))

/** The explanation of a mismatch, with what the server computed. */
export const mismatchV3 = (canonicalRequest: string): string =>
  `Specified signature does not match our calculation. server StringToSign is [${stringToSignV3(canonicalRequest)}] ` +
  `server CanonicalRequest is [${canonicalRequest}]`
