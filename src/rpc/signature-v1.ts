/**
 * RPC signature, SignatureVersion 1.0: HMAC-SHA1 over all parameters of query and form body.
 *
 * Alibaba Cloud, "Request signature" of the RPC style (document 120215), read 2026-11, and requests captured from nine
 * clients (`test/vectors/wire-vectors.json`). Where they go beyond the document: parameters with an empty value are
 * signed, the path is always signed as `/`, and only decoded values count, since clients put other bytes on the wire than
 * they sign.
 */
import { begin, sortedNames, writeEncoded, writeLatin1, written } from './canonical.ts'
import type { HmacKey } from './hmac.ts'
import type { ParamPairs } from './params.ts'

/** Writes the string to sign of `pairs` (all parameters, `Signature` itself is left out) into the common buffer. */
function writeStringToSign(method: string, { names, map, ascii }: ParamPairs): void {
  let units = 16
  for (const [name, value] of map) units += name.length + value.length + 2
  begin(units * 15)
  writeLatin1(method)
  writeLatin1('&%2F&')
  // Clients append the signature to a sorted list; without it that list still is sorted.
  const last = names.length - 1
  const signed = names[last] === 'Signature' ? names.slice(0, last) : names
  let first = true
  for (const name of sortedNames(signed, ascii)) {
    if (name === 'Signature') continue
    if (!first) writeLatin1('%26')
    first = false
    writeEncoded(name, true)
    writeLatin1('%3D')
    writeEncoded(map.get(name)!, true)
  }
}

/** The string to sign. It repeats every parameter, keys included: for the caller only, never for a log. */
export function stringToSignV1(method: string, pairs: ParamPairs): string {
  writeStringToSign(method, pairs)
  return written().toString('latin1')
}

/** Whether `signature` (Base64) is that of `pairs` under `key` (the access key secret followed by `&`). */
export function verifyV1(method: string, pairs: ParamPairs, key: HmacKey, signature: string): boolean {
  writeStringToSign(method, pairs)
  return key.verify(written(), 'base64', signature)
}

/** The explanation clients compare with their own string, byte for byte; the first colon is where Python cuts it. */
export const mismatchV1 = (stringToSign: string): string =>
  `Specified signature is not matched with our calculation. server string to sign is:${stringToSign}`
