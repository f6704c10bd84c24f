/**
 * The server's part of the web console, all below `/console`:
 *
 *     GET    /console, /console/…       the pages
 *     POST   /console/session           sign in with an access key: {"AccessKeyId","AccessKeySecret","SecurityToken"?}
 *     GET    /console/session           who is signed in, and what this server is
 *     DELETE /console/session           sign out; `?all=true` ends every session of the key
 *     POST   /console/api/<Version>/<Action>   an action of the API with its parameters as a JSON object
 *     …      /console/lab/…             what the emulator can be told, where this is one
 *     GET    /console/live              server-sent events
 *
 * An action called here is the action that the API has, with the rights of the key, in the same log. What the browser
 * keeps is a cookie that no script can read; it is sent by pages of this origin alone (SameSite=Strict), and what is not
 * a plain GET needs a header that no other origin can set without asking first (Fetch standard, "CORS-preflight").
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Database } from '../db/open.ts'
import type { FindCredential } from '../rpc/authorize.ts'
import type { Pipeline } from '../rpc/pipeline.ts'
import type { Site } from '../rpc/server.ts'
import type { ChangeFeed } from './changes.ts'
import { createEventStreams } from './events.ts'
import { commonHeaders, createPages } from './pages.ts'
import { createSessions, type Session } from './sessions.ts'

export const sitePath = '/console'
const cookieName = 'suidao_session'
/** A header of ours on every call; its being there is the point. */
const markHeader = 'x-suidao-console'
const mostBytes = 1024 * 1024

export interface ConsoleOptions {
  readonly db: Database
  readonly findCredential: FindCredential
  /** Epoch milliseconds, by the clock of the tunnels. How long somebody is signed in goes by real time. */
  readonly now: () => number
  readonly changes: ChangeFeed
  /** The folder of the built console. */
  readonly folder: string
  /** The emulator's control interface; absent where tunnels are real. */
  readonly lab?: Lab
  /** What this server is, as the pages show it. */
  readonly describeServer: () => object
}

/** Answers a request of the emulator's control interface. `target`: path and query. */
export type Lab = (
  method: string,
  target: string,
  body: string,
) => Promise<{ readonly status: number; readonly value: unknown }>

/** An answer of the console itself, in the shape of the API's errors. */
class Refused extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfter: number | undefined

  constructor(status: number, code: string, message: string, retryAfter?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

export const createConsole =
  (options: ConsoleOptions) =>
  (pipeline: Pipeline): Site => {
    const { db, findCredential, now, changes, folder, describeServer } = options
    const pages = createPages(folder)
    const sessions = createSessions(db, findCredential, Date.now)
    const streams = createEventStreams(changes, now)

    const sessionOf = (request: IncomingMessage) => sessions.find(cookieOf(request) ?? '')

    async function requireSession(request: IncomingMessage): Promise<Session> {
      const session = await sessionOf(request)
      if (!session) throw new Refused(401, 'NotSignedIn', 'Sign in first.')
      return session
    }

    async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const form = parseSignIn(await readBody(request))
      const result = await sessions.signIn(form, request.socket.remoteAddress ?? '')
      switch (result.outcome) {
        case 'opened':
          response.setHeader('Set-Cookie', cookie(request, result.token))
          sendJson(response, 200, describe(result.session))
          return
        case 'refused':
          throw new Refused(
            403,
            'SignInRefused',
            'The access key or its secret is wrong, or the key is disabled.',
          )
        case 'slow-down':
          throw new Refused(429, 'SignInSlowedDown', 'Too many failed attempts.', result.retryAfter)
      }
    }

    async function signOut(request: IncomingMessage, response: ServerResponse, all: boolean): Promise<void> {
      const session = await requireSession(request)
      if (all) await sessions.endAll(session.credential.accessKeyId)
      else await sessions.end(session)
      response.setHeader('Set-Cookie', cookie(request, ''))
      sendJson(response, 200, {})
    }

    function describe({ credential, createdAt, expiresAt }: Session): object {
      const { accessKeyId, accountId, userName } = credential
      return {
        AccessKeyId: accessKeyId,
        AccountId: accountId,
        UserName: userName,
        CreatedAt: createdAt,
        ExpiresAt: expiresAt,
        Server: describeServer(),
      }
    }

    async function call(
      request: IncomingMessage,
      response: ServerResponse,
      version: string,
      action: string,
    ): Promise<void> {
      const session = await requireSession(request)
      const body = await readBody(request)
      const {
        status,
        headers,
        body: text,
      } = await pipeline.call(
        { version, action },
        body,
        session.credential,
        request.rawHeaders,
        request.socket.remoteAddress ?? '',
      )
      for (let at = 0; at < headers.length; at += 2) response.setHeader(headers[at]!, headers[at + 1]!)
      send(response, status, Buffer.from(text))
    }

    /** The world is everybody's who has the emulator: for the account itself alone. */
    async function control(
      request: IncomingMessage,
      response: ServerResponse,
      target: string,
    ): Promise<void> {
      const { credential } = await requireSession(request)
      if (!options.lab) throw new Refused(404, 'NoEmulator', 'Tunnels are real here.')
      if (credential.userName !== null)
        throw new Refused(403, 'Forbidden', 'Only the account itself may do this.')
      const { status, value } = await options.lab(
        request.method!,
        target,
        (await readBody(request)).toString(),
      )
      sendJson(response, status === 204 ? 200 : status, (value as object | undefined) ?? {})
    }

    async function watch(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const session = await requireSession(request)
      const watcher = {
        credential: session.credential,
        sourceIp: request.socket.remoteAddress ?? '',
        isAlive: async () => (await sessionOf(request)) !== undefined,
      }
      if (!streams.open(response, watcher)) {
        throw new Refused(503, 'TooManyStreams', 'Too many browsers are watching already.')
      }
    }

    function servePage(request: IncomingMessage, response: ServerResponse, path: string): void {
      const gzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
      const { status, headers, body } = pages.find(path, gzip)
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
      response.writeHead(status, { 'Content-Length': body.length })
      response.end(request.method === 'HEAD' ? undefined : body)
    }

    async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const { pathname, searchParams, search } = new URL(request.url!, 'http://console')
      const path = pathname.slice(sitePath.length)
      const method = request.method === 'HEAD' ? 'GET' : request.method!
      const [, version, action] = /^\/api\/([\d-]{1,32})\/(\w{1,128})$/.exec(path) ?? []
      const isLab = path.startsWith('/lab/v1/')
      if (path === '/session' || path === '/live' || action !== undefined || isLab) {
        checkOrigin(request)
        if (isLab) return control(request, response, path.slice('/lab'.length) + search)
        if (path === '/session' && method === 'POST') return signIn(request, response)
        if (path === '/session' && method === 'DELETE')
          return signOut(request, response, searchParams.get('all') === 'true')
        if (path === '/session' && method === 'GET')
          return sendJson(response, 200, describe(await requireSession(request)))
        if (path === '/live' && method === 'GET') return watch(request, response)
        if (action !== undefined && method === 'POST') return call(request, response, version!, action)
      } else if (method === 'GET') return servePage(request, response, path)
      throw new Refused(405, 'UnsupportedHTTPMethod', 'This method is not supported here.')
    }

    return {
      path: sitePath,
      serve(request, response) {
        // A browser that goes away in the middle has nobody left to answer.
        request.on('error', () => undefined)
        route(request, response).catch((thrown) => {
          if (response.headersSent) {
            response.end()
            return
          }
          const refused =
            thrown instanceof Refused ? thrown : new Refused(500, 'InternalError', 'The request has failed.')
          if (refused.retryAfter !== undefined) {
            response.setHeader('Retry-After', String(Math.ceil(refused.retryAfter / 1000)))
          }
          sendJson(response, refused.status, { Code: refused.code, Message: refused.message })
        })
      },
      close: () => streams.close(),
    }
  }

// --- What a request says -------------------------------------------------------------------------------------

function cookieOf({ headers }: IncomingMessage): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === cookieName) return value
  }
  return undefined
}

/** An empty token takes the cookie away. */
function cookie(request: IncomingMessage, token: string): string {
  // The header is set by a proxy that ends TLS; whoever forges it in a request of his own gains nothing.
  const overTls = 'encrypted' in request.socket || request.headers['x-forwarded-proto'] === 'https'
  const secure = overTls ? '; Secure' : ''
  const end = token === '' ? '; Max-Age=0' : ''
  return `${cookieName}=${token}; Path=${sitePath}; HttpOnly; SameSite=Strict${secure}${end}`
}

/** Refuses what a page of another origin has sent. */
function checkOrigin({ method, headers }: IncomingMessage): void {
  const { origin } = headers
  const foreign =
    (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== headers.host)) ||
    (headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'same-origin')
  if (foreign || (method !== 'GET' && method !== 'HEAD' && headers[markHeader] === undefined)) {
    throw new Refused(403, 'ForeignOrigin', 'Only pages of the console may ask this.')
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > mostBytes) throw new Refused(413, 'RequestEntityTooLarge', 'The request is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function parseSignIn(body: Buffer): Parameters<ReturnType<typeof createSessions>['signIn']>[0] {
  let form: Record<string, unknown> | null
  try {
    form = JSON.parse(body.toString())
  } catch {
    form = null
  }
  const text = (name: string) => {
    const value = form?.[name] ?? ''
    if (typeof value !== 'string' || value.length > 4096) {
      throw new Refused(400, 'InvalidParameter', `${name} must be a text.`)
    }
    return value
  }
  const accessKeyId = text('AccessKeyId')
  const secret = text('AccessKeySecret')
  if (accessKeyId === '' || secret === '') {
    throw new Refused(400, 'MissingParameter', 'AccessKeyId and AccessKeySecret are needed.')
  }
  return { accessKeyId, secret, securityToken: text('SecurityToken') }
}

// --- Answers -------------------------------------------------------------------------------------------------

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  send(response, status, Buffer.from(JSON.stringify(value)))
}

function send(response: ServerResponse, status: number, body: Buffer): void {
  for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value)
  response.writeHead(status, { 'Cache-Control': 'no-store', 'Content-Length': body.length })
  response.end(body)
}
