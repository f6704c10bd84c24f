/**
 * Whose request this is: reading the claim (who, when, which signature) and proving it.
 *
 * Order of the checks, which the caller meets one by one: common parameters present, access key known, enabled, security
 * token, time format, freshness, signature method, signature, nonce. The nonce comes last, and is recorded only under a
 * valid signature: otherwise a stranger could use up the nonces of a key. (Order and texts: Alibaba Cloud public error
 * code list, read 2026-11; the place of the nonce is our choice.)
 */
import { timingSafeEqual } from 'node:crypto'
import type { Credential } from './authorize.ts'
import { apiError } from './errors.ts'
import { freshness, type NonceMemory } from './nonces.ts'
import { mergePairs, type ParamPairs } from './params.ts'
import { mismatchV1, stringToSignV1, verifyV1 } from './signature-v1.ts'
import {
  algorithmV3,
  canonicalRequestV3,
  type HeaderMap,
  mismatchV3,
  parseAuthorization,
  verifyV3,
} from './signature-v3.ts'

/** Request headers as they came: name, value, name, value. */
export type RawHeaders = readonly string[]

/** A request whose bytes have been read and whose parameters are decoded. */
export interface ReceivedRequest {
  readonly method: string
  readonly headers: RawHeaders
  readonly body: Buffer
  readonly query: ParamPairs
  /** Parameters in the body; none where it holds no form and no JSON object. */
  readonly form: ParamPairs
  /** Both; the body wins. */
  readonly params: ParamPairs
}

/** Which scheme a request uses. V1 clients send `x-acs-action` too, so that header decides nothing. */
export type Scheme = 'v1' | 'acs3' | 'bearer' | 'unsigned'

/** What a signed request says of itself; nothing of it is proven yet. */
export interface Claim {
  readonly accessKeyId: string
  readonly securityToken: string
  readonly timestamp: string
  readonly nonce: string
  readonly signatureMethod: string
  readonly signatureVersion: string
  readonly signatureType: string
  readonly signature: string
  /** ACS3 only. */
  readonly signed?: { readonly headers: HeaderMap; readonly signedHeaders: string }
}

export function schemeOf(
  authorization: string,
  bearerToken: string,
  params: ReadonlyMap<string, string>,
): Scheme {
  if (authorization.startsWith('ACS3-')) return 'acs3'
  if (bearerToken !== '' || params.has('BearerToken') || params.get('SignatureType') === 'BEARERTOKEN')
    return 'bearer'
  if (params.has('Signature') || params.has('AccessKeyId') || params.has('SignatureMethod')) return 'v1'
  return 'unsigned'
}

/** Reads the claim of a request; throws `Missing<Param>` for the first common parameter that is not there. */
export function readClaim(scheme: Scheme, request: ReceivedRequest, authorization: string): Claim {
  switch (scheme) {
    case 'v1':
    case 'unsigned':
      return readClaimV1(request.params.map)
    case 'acs3':
      return readClaimV3(headerMap(request.headers), authorization)
    case 'bearer':
      throw apiError('InvalidSignatureType', { reason: 'Only access keys are accepted here.' })
  }
}

function readClaimV1(params: ReadonlyMap<string, string>): Claim {
  return {
    accessKeyId: required(params, 'AccessKeyId'),
    signatureMethod: required(params, 'SignatureMethod'),
    signatureVersion: required(params, 'SignatureVersion'),
    nonce: required(params, 'SignatureNonce'),
    timestamp: required(params, 'Timestamp'),
    signature: required(params, 'Signature'),
    signatureType: params.get('SignatureType') ?? '',
    securityToken: params.get('SecurityToken') ?? '',
  }
}

function required(params: ReadonlyMap<string, string>, name: string): string {
  const value = params.get(name)
  if (value === undefined || value === '') throw apiError(`Missing${name}`)
  return value
}

function readClaimV3(headers: HeaderMap, authorization: string): Claim {
  const { algorithm, accessKeyId, signedHeaders, signature } = parseAuthorization(authorization)
  const nonce = headers.get('x-acs-signature-nonce') ?? ''
  if (nonce === '') throw apiError('MissingSignatureNonce')
  const timestamp = headers.get('x-acs-date') ?? ''
  if (timestamp === '') throw apiError('MissingTimestamp')
  return {
    accessKeyId,
    signatureMethod: algorithm,
    signatureVersion: '',
    signatureType: '',
    nonce,
    timestamp,
    signature,
    securityToken: headers.get('x-acs-security-token') ?? '',
    signed: { headers, signedHeaders },
  }
}

/** Header lines by lower-case name. */
export function headerMap(raw: RawHeaders): HeaderMap {
  const map = new Map<string, string>()
  let joined = false
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    const value = raw[at + 1]!.trim()
    const before = map.get(name)
    if (before !== undefined) joined = true
    map.set(name, before === undefined ? value : `${before}\n${value}`)
  }
  // Rare: several lines of one name are signed sorted and joined.
  if (joined)
    for (const [name, value] of map)
      if (value.includes('\n')) map.set(name, value.split('\n').sort().join(','))
  return map
}

/**
 * Proves the claim against the key it names and records its nonce. Returns the parameters that the signature covers:
 * for a name in query and body alike, clients differ in which value they sign, and the signed one counts.
 * Throws the code of the first check that fails.
 *
 * @param now epoch milliseconds; by it temporary keys end
 * @param clientNow the time by which clients date their signatures: the same, but in the emulator
 */
export function prove(
  request: ReceivedRequest,
  claim: Claim,
  credential: Credential | undefined,
  nonces: NonceMemory,
  now: number,
  clientNow: number,
): ParamPairs {
  if (!credential) throw apiError('InvalidAccessKeyId.NotFound')
  if (!credential.active) throw apiError('InvalidAccessKeyId.Inactive')
  checkSecurityToken(credential, claim.securityToken, now)
  const timestamp = parseTimestamp(claim.timestamp)
  if (Number.isNaN(timestamp)) throw apiError('InvalidTimeStamp.Format')
  if (Math.abs(timestamp - clientNow) > freshness) throw apiError('InvalidTimeStamp.Expired')
  const params = claim.signed
    ? proveV3(request, claim, claim.signed, credential)
    : proveV1(request, claim, credential)
  if (claim.nonce.length > 128)
    throw apiError('InvalidSignatureNonce', { reason: 'It is longer than 128 characters.' })
  switch (nonces.use(credential.accessKeyId, claim.nonce, timestamp)) {
    case 'used':
      throw apiError('SignatureNonceUsed')
    case 'full':
      throw apiError('Throttling', {}, { retryAfter: 60_000 })
  }
  return params
}

function checkSecurityToken(credential: Credential, given: string, now: number): void {
  const token = credential.securityToken
  if (!token) {
    // Ignoring it would treat a caller with a token we never issued as a known one.
    if (given !== '') throw apiError('InvalidSecurityToken.Malformed')
    return
  }
  if (given === '') throw apiError('MissingSecurityToken')
  const wanted = Buffer.from(token.value)
  const sent = Buffer.from(given)
  if (sent.length !== wanted.length || !timingSafeEqual(sent, wanted)) {
    throw apiError('InvalidSecurityToken.MismatchWithAccessKey')
  }
  if (now >= token.expiresAt) throw apiError('InvalidSecurityToken.Expired')
}

function proveV1(request: ReceivedRequest, claim: Claim, credential: Credential): ParamPairs {
  if (claim.signatureMethod !== 'HMAC-SHA1') throw apiError('InvalidSignatureMethod')
  if (claim.signatureVersion !== '1.0') throw apiError('InvalidSignatureVersion')
  if (claim.signatureType !== '') {
    throw apiError('InvalidSignatureType', { reason: 'Only access keys are accepted here.' })
  }
  const { method, query, form, params } = request
  if (verifyV1(method, params, credential.keyV1, claim.signature)) return params
  if (params.names.length < query.names.length + form.names.length) {
    const queryWins = mergePairs(query, form, 'query')
    if (verifyV1(method, queryWins, credential.keyV1, claim.signature)) return queryWins
  }
  throw apiError('SignatureDoesNotMatch', { explanation: mismatchV1(stringToSignV1(method, params)) })
}

function proveV3(
  { method, query, params, body }: ReceivedRequest,
  claim: Claim,
  { headers, signedHeaders }: NonNullable<Claim['signed']>,
  credential: Credential,
): ParamPairs {
  if (claim.signatureMethod !== algorithmV3) throw apiError('InvalidSignatureMethod')
  const signed = { method, query, headers, signedHeaders }
  if (verifyV3(signed, body, credential.keyV3, claim.signature)) return params
  throw apiError('SignatureDoesNotMatch', { explanation: mismatchV3(canonicalRequestV3(signed)) })
}

// Requests of one second share their timestamp.
let lastText = ''
let lastTime = Number.NaN

/** Epoch milliseconds of `YYYY-MM-DDThh:mm:ssZ`; NaN for anything else. */
export function parseTimestamp(text: string): number {
  if (text === lastText) return lastTime
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text)) return Number.NaN
  const time = Date.parse(text)
  // Date.parse rejects most impossible dates and turns 24:00:00 into the next day.
  if (Number.isNaN(time) || `${new Date(time).toISOString().slice(0, 19)}Z` !== text) return Number.NaN
  lastText = text
  lastTime = time
  return time
}
