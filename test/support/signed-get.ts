/** A GET signed with RPC V1 by hand, for what the official clients cannot ask for (XML, odd parameters). */
import { createHmac, randomUUID } from 'node:crypto'
import type { Key } from './app.ts'

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

export interface PlainReply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export async function signedGet(
  { host }: { host: string },
  key: Key,
  parameters: Record<string, string>,
): Promise<PlainReply> {
  const all: Record<string, string> = {
    Version: '2016-04-28',
    AccessKeyId: key.id,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: randomUUID(),
    Timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
    ...parameters,
  }
  const canonical = Object.keys(all)
    .sort()
    .map((name) => `${encode(name)}=${encode(all[name]!)}`)
    .join('&')
  const signature = createHmac('sha1', `${key.secret}&`)
    .update(`GET&%2F&${encode(canonical)}`)
    .digest('base64')
  const response = await fetch(`http://${host}/?${canonical}&Signature=${encode(signature)}`)
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: await response.text(),
  }
}
