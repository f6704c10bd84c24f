/** A receiver of webhooks, as strict as a good one: it takes what is signed under its secret and not old. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly event: Record<string, any>
  readonly text: string
  readonly attempt: number
  /** Epoch milliseconds. */
  readonly at: number
}

export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** What was not signed as it should be. */
  readonly faults: string[]
  /** Status of the next answers; 204 unless set. */
  status: number
  close(): Promise<void>
}

export async function startReceiver(secret: string, host = '127.0.0.1'): Promise<Receiver> {
  const received: Received[] = []
  const faults: string[] = []
  const receiver = { received, faults, status: 204 }
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request)
    const fault = faultOf(request, text, secret)
    if (fault) faults.push(fault)
    const attempt = Number(request.headers['suidao-attempt'])
    received.push({ event: JSON.parse(text), text, attempt, at: Date.now() })
    response.writeHead(receiver.status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(receiver, {
    url: `http://${host}:${port}/hook?token=1`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function faultOf(request: IncomingMessage, text: string, secret: string): string | undefined {
  if (request.method !== 'POST') return `method ${request.method}`
  const type = request.headers['content-type']
  if (!type?.startsWith('application/cloudevents+json')) return `content type ${type}`
  const header = `${request.headers['suidao-signature']}`
  const [, time, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? []
  if (time === undefined) return `signature ${header}`
  const wanted = createHmac('sha256', secret).update(`${time}.${text}`).digest()
  if (!timingSafeEqual(wanted, Buffer.from(mac!, 'hex'))) return 'a wrong signature'
  if (Math.abs(Date.now() / 1_000 - Number(time)) > 300) return 'an old signature'
  if (request.headers['suidao-event-id'] !== JSON.parse(text).id) return 'another event id'
  return undefined
}
