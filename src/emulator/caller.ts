/** Calls of the API as its clients make them, over HTTP and signed: for scenarios, and for changes behind a client's back. */
import { createHmac, randomUUID } from 'node:crypto'
import { http } from '../node-http.ts'
import { ControlError } from './errors.ts'
import type { AccountKey } from './types.ts'

export type Call = (action: string, parameters: Readonly<Record<string, string>>) => Promise<CallResult>
// biome-ignore lint/suspicious/noExplicitAny: answers have the vendor's shapes, which specs state
export type CallResult = any

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** @param endpoint without scheme. @throws ControlError when the call is refused, with its code */
export function createCaller(endpoint: string, key: AccountKey, regionId: string): Call {
  return async (action, parameters) => {
    const all: Record<string, string> = {
      RegionId: regionId,
      ...parameters,
      Action: action,
      Version: '2016-04-28',
      Format: 'JSON',
      AccessKeyId: key.accessKeyId,
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      SignatureNonce: randomUUID(),
      Timestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    }
    const pairs = Object.keys(all)
      .sort()
      .map((name) => `${encode(name)}=${encode(all[name]!)}`)
      .join('&')
    const signature = createHmac('sha1', `${key.accessKeySecret}&`)
      .update(`POST&%2F&${encode(pairs)}`)
      .digest('base64')
    const { status, body } = await post(endpoint, `${pairs}&Signature=${encode(signature)}`)
    const answer = JSON.parse(body)
    if (status !== 200)
      throw new ControlError(409, `${action} was refused: ${answer.Code}: ${answer.Message}`)
    return answer
  }
}

function post(endpoint: string, form: string): Promise<{ status: number; body: string }> {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(endpoint)!
  return new Promise((resolve, reject) => {
    const call = http().request(
      {
        host,
        port,
        method: 'POST',
        path: '/',
        agent: false,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': form.length },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text) => {
          body += text
        })
        response.on('end', () => resolve({ status: response.statusCode!, body }))
        response.on('error', reject)
      },
    )
    call.on('error', reject)
    call.end(form)
  })
}
