/**
 * Signed requests as bytes for a socket, as the vendor's Node clients write them: RPC V1 like `@alicloud/pop-core` 1.8.0,
 * ACS3 like `@alicloud/vpc20160428` 7.3.2.
 */
import { createHmac, createSecretKey, hash, type KeyObject, randomBytes } from 'node:crypto'
import type { BenchKey } from './seed.ts'

export type Signature = 'V1' | 'ACS3'
export type Format = 'JSON' | 'XML'

export type SignRequest = (
  host: string,
  action: string,
  parameters: Readonly<Record<string, string>>,
) => Buffer

const version = '2016-04-28'
const emptyHash = hash('sha256', '', 'hex')

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const canonicalQuery = (parameters: Readonly<Record<string, string>>): string =>
  Object.keys(parameters)
    .sort()
    .map((name) => `${encode(name)}=${encode(parameters[name]!)}`)
    .join('&')

const timestamp = (): string => `${new Date().toISOString().slice(0, 19)}Z`

/** Makes a fresh nonce and the present time for every request. */
export function createSigner(key: BenchKey, signature: Signature, format: Format): SignRequest {
  return signature === 'V1'
    ? signerV1(key.id, createSecretKey(Buffer.from(`${key.secret}&`)), format)
    : signerV3(key.id, createSecretKey(Buffer.from(key.secret)), format)
}

function signerV1(keyId: string, key: KeyObject, format: Format): SignRequest {
  return (host, action, parameters) => {
    const query = canonicalQuery({
      ...parameters,
      AccessKeyId: keyId,
      Action: action,
      Format: format,
      SignatureMethod: 'HMAC-SHA1',
      SignatureNonce: randomBytes(16).toString('hex'),
      SignatureVersion: '1.0',
      Timestamp: timestamp(),
      Version: version,
    })
    const signature = createHmac('sha1', key)
      .update(`GET&%2F&${encode(query)}`)
      .digest('base64')
    return Buffer.from(
      `GET /?${query}&Signature=${encode(signature)} HTTP/1.1\r\n` +
        'x-sdk-client: Node.js(v24.0.0), @alicloud/pop-core: 1.8.0\r\n' +
        'user-agent: AlibabaCloud (linux; x64) Node.js/v24.0.0 Core/1.8.0\r\n' +
        `x-acs-action: ${action}\r\nx-acs-version: ${version}\r\n` +
        `Host: ${host}\r\nConnection: keep-alive\r\n\r\n`,
      'latin1',
    )
  }
}

function signerV3(keyId: string, key: KeyObject, format: Format): SignRequest {
  return (host, action, parameters) => {
    const query = canonicalQuery(parameters)
    const signed = {
      host,
      'x-acs-action': action,
      'x-acs-content-sha256': emptyHash,
      'x-acs-credentials-provider': 'static_ak',
      'x-acs-date': timestamp(),
      'x-acs-signature-nonce': randomBytes(32).toString('hex'),
      'x-acs-version': version,
    }
    const names = Object.keys(signed).join(';')
    let lines = ''
    let headers = ''
    for (const [name, value] of Object.entries(signed)) {
      lines += `${name}:${value}\n`
      headers += `${name}: ${value}\r\n`
    }
    const canonical = hash('sha256', `POST\n/\n${query}\n${lines}\n${names}\n${emptyHash}`, 'hex')
    const signature = createHmac('sha256', key).update(`ACS3-HMAC-SHA256\n${canonical}`).digest('hex')
    return Buffer.from(
      `POST /?${query} HTTP/1.1\r\n${headers}` +
        'user-agent: AlibabaCloud (linux; x64) Node.js/v24.0.0 Core/1.0.1 TeaDSL/2\r\n' +
        `accept: application/${format.toLowerCase()}\r\n` +
        `Authorization: ACS3-HMAC-SHA256 Credential=${keyId},SignedHeaders=${names},Signature=${signature}\r\n` +
        'Connection: keep-alive\r\nContent-Length: 0\r\n\r\n',
      'latin1',
    )
  }
}
