/**
 * The pipeline behind node:http: one path, GET and POST, and limits for everything a client can send too much or too
 * slowly of. Whatever goes wrong is answered with an error body of the vendor's shape: npm clients raise a bare
 * SyntaxError on anything else, and hide status and code.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { http, https } from '../node-http.ts'
import { type ApiError, apiError } from './errors.ts'
import { createPipeline, type Pipeline, type PipelineOptions, type Reply } from './pipeline.ts'

export interface Limits {
  /** Request line and headers, in bytes; a Create call in the query is 4 kB. */
  readonly headBytes: number
  readonly bodyBytes: number
  /** Milliseconds for the head, and for the whole request, to arrive. */
  readonly headMs: number
  readonly requestMs: number
  /** Idle connections stay open this long: npm clients hand a reset of a pooled connection to their caller. */
  readonly keepAliveMs: number
  /** After `close`, what is still under way has this long. */
  readonly closeMs: number
}

const defaultLimits: Limits = {
  headBytes: 32 * 1024,
  bodyBytes: 1024 * 1024,
  headMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 75_000,
  closeMs: 5_000,
}

/** PEM. The certificate comes first, those of its issuers behind it. */
export interface TlsMaterial {
  readonly certificate: string
  readonly key: string
}

export interface ApiServerOptions extends PipelineOptions {
  readonly limits?: Partial<Limits>
  /** What else answers on this port, made with the pipeline that it may call actions through. */
  readonly site?: (pipeline: Pipeline) => Site
}

/** A part of the server with paths of its own, beside the API at `/`. */
export interface Site {
  /** Paths that are this one or lie below it, e.g. `/console`. */
  readonly path: string
  serve(request: IncomingMessage, response: ServerResponse): void
  /** Ends what would stay open. */
  close(): void
}

export interface ApiServer {
  /** One request without a connection, from whoever reads requests in another way. */
  readonly handle: Pipeline['handle']
  /** Port 0 takes a free one; the answer says which. May be called again, for a further address. */
  listen(host: string, port: number, tls?: TlsMaterial): Promise<{ port: number }>
  /** Connections that are made from now on are shown this certificate. */
  renewTls(tls: TlsMaterial): void
  /** Takes no new requests, lets running ones end, then closes every connection. */
  close(): Promise<void>
}

const noBody = Buffer.alloc(0)
/** A connection that was refused is read on for this long, so that the reply is not lost to a reset. */
const lingerMs = 1_000

export function createApiServer(options: ApiServerOptions): ApiServer {
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const pipeline = createPipeline(options)
  const site = options.site?.(pipeline)
  /** Requests per connection that are being worked on and not yet answered. */
  const owed = new WeakMap<Duplex, number>()
  /** Connections answered before their request was read to its end, and connections refused for good. */
  const answeredEarly = new WeakSet<Duplex>()
  const refused = new WeakSet<Duplex>()
  /** Connections that have asked nothing yet: browsers make them ahead. To `node:http` they are not idle. */
  const unasked = new Set<Socket>()

  let closing = false

  function send(response: ServerResponse, { status, headers, body, lost }: Reply): void {
    if (lost) {
      response.destroy()
      return
    }
    const length = Buffer.byteLength(body)
    headers.push('Content-Length', String(length))
    // A connection that stays open would keep `close` waiting.
    if (closing) headers.push('Connection', 'close')
    response.writeHead(status, headers)
    // Nearly every answer is ASCII and needs no encoding.
    response.end(body, length === body.length ? 'latin1' : 'utf8')
  }

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { socket } = request
    const reply = pipeline.handle(
      request.method!,
      request.url!,
      request.rawHeaders,
      body,
      socket.remoteAddress,
    )
    if (!(reply instanceof Promise)) {
      send(response, reply)
      return
    }
    owed.set(socket, (owed.get(socket) ?? 0) + 1)
    void reply.then((settled) => {
      owed.set(socket, owed.get(socket)! - 1)
      send(response, settled)
    })
  }

  function collect(request: IncomingMessage, response: ServerResponse, declared: number): void {
    const { socket } = request
    const tooLarge = () => {
      answeredEarly.add(socket)
      request.once('end', () => answeredEarly.delete(socket))
      // The rest is read and thrown away, within the time limit: closing at once would lose the reply.
      request.resume()
      send(response, refuse(apiError('RequestEntityTooLarge', { limit: limits.bodyBytes }), request))
    }
    if (declared > limits.bodyBytes) {
      tooLarge()
      return
    }
    let chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= limits.bodyBytes) return
      chunks = []
      request.off('data', onData)
      request.off('end', onEnd)
      tooLarge()
    }
    const onEnd = () =>
      answer(request, response, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))
    request.on('data', onData)
    request.on('end', onEnd)
    // A client that goes away in the middle has nobody left to answer.
    request.on('error', () => undefined)
  }

  const refuse = (error: ApiError, request: IncomingMessage): Reply =>
    pipeline.refuse(error, request.rawHeaders, request.socket.remoteAddress)

  /** Answers where there is no response object, and ends the connection. */
  function refuseConnection(socket: Duplex, error: ApiError): void {
    if (refused.has(socket)) return
    refused.add(socket)
    // With an answer owed, another one would be taken for it.
    if (!socket.writable || answeredEarly.has(socket) || (owed.get(socket) ?? 0) > 0) {
      socket.destroy()
      return
    }
    const { status, headers, body } = pipeline.refuse(error, [], (socket as Partial<Socket>).remoteAddress)
    let head = `HTTP/1.1 ${status} ${http().STATUS_CODES[status]}\r\n`
    for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
    head += `Date: ${new Date().toUTCString()}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
    socket.end(head + body)
    setTimeout(() => socket.destroy(), lingerMs).unref()
  }

  const settings: ServerOptions = {
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(limits.headMs / 4)),
    // Answered by ourselves: node's own reply has no body.
    requireHostHeader: false,
    noDelay: true,
    // No stream is set up for a body that does not come.
    optimizeEmptyRequests: true,
  }
  const servers: Server[] = []
  const tlsServers: TlsServer[] = []

  /** @param connected the event that names a connection as its requests do */
  function serve(server: Server, connected: 'connection' | 'secureConnection'): void {
    servers.push(server)
    server.on(connected, (socket: Socket) => {
      unasked.add(socket)
      socket.once('close', () => unasked.delete(socket))
    })
    server.on('request', (request, response) => {
      unasked.delete(request.socket)
      if (site && isBelow(site.path, request.url!)) {
        site.serve(request, response)
        return
      }
      const declared = bodyLength(request.rawHeaders)
      if (declared === 0) answer(request, response, noBody)
      else collect(request, response, declared)
    })
    server.on('checkExpectation', (request, response) => {
      send(response, refuse(apiError('UnsupportedExpectation'), request))
    })
    server.on('connect', (_request, socket) => refuseConnection(socket, apiError('UnsupportedHTTPMethod')))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // Of who does not speak TLS nothing can be told to.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || isTlsFault(error.code)) socket.destroy()
      else refuseConnection(socket, connectionError(error.code, limits))
    })
  }

  return {
    handle: pipeline.handle,
    listen(host, port, tls) {
      let server: Server
      if (tls) {
        const secure = https().createServer({
          ...settings,
          ...secureContext(tls),
          handshakeTimeout: limits.headMs,
        })
        tlsServers.push(secure)
        server = secure
      } else server = http().createServer(settings)
      serve(server, tls ? 'secureConnection' : 'connection')
      return new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          // Later ones are connections that could not be taken, for want of file descriptors: no reason to end.
          server.on('error', () => undefined)
          resolve({ port: (server.address() as AddressInfo).port })
        })
      })
    },
    renewTls(tls) {
      for (const server of tlsServers) server.setSecureContext(secureContext(tls))
    },
    async close() {
      closing = true
      site?.close()
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
      for (const socket of unasked) socket.destroy()
      const last = setTimeout(() => {
        for (const server of servers) server.closeAllConnections()
      }, limits.closeMs)
      await Promise.all(closed)
      clearTimeout(last)
    },
  }
}

const secureContext = ({ certificate, key }: TlsMaterial) =>
  ({ cert: certificate, key, minVersion: 'TLSv1.2' }) as const

function isBelow(path: string, url: string): boolean {
  if (!url.startsWith(path)) return false
  const next = url.charCodeAt(path.length)
  return url.length === path.length || next === 0x2f || next === 0x3f
}

/** Bytes of body that the head announces; 1 for a chunked body, whose length nobody knows yet. */
function bodyLength(headers: readonly string[]): number {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (name.length === 14 && name.toLowerCase() === 'content-length') return Number(headers[at + 1])
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return 1
  }
  return 0
}

const isTlsFault = (code = '') =>
  code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO'

function connectionError(code: string | undefined, limits: Limits): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return apiError('RequestHeaderTooLarge', { limit: limits.headBytes })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return apiError('RequestTimeout')
    default:
      return apiError('MalformedRequest')
  }
}
