/** The control listener: JSON over HTTP on a port of its own. */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { http } from '../node-http.ts'
import type { Emulator } from './emulator.ts'
import { ControlError } from './errors.ts'
import { openApiDocument } from './openapi.ts'
import { components, type Route, routes } from './routes.ts'
import { faultOf } from './schema.ts'

export interface ControlServer {
  readonly url: string
  close(): Promise<void>
}

const mostBytes = 1024 * 1024

/** Answers a request of the control interface, from wherever it came. Never throws. */
export type Control = (
  method: string,
  /** Path and query, e.g. `/v1/events?after=3`. */
  target: string,
  body: string,
) => Promise<{ readonly status: number; readonly value: unknown }>

export function createControl(emulator: Emulator): Control {
  const compiled = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  }))

  async function answer(method: string, target: string, body: string) {
    const { pathname, searchParams } = new URL(target, 'http://control')
    if (method === 'GET' && pathname === '/v1/openapi.json') return { status: 200, value: openApiDocument() }
    const atPath = compiled.filter(({ pattern }) => pattern.test(pathname))
    const found = atPath.find(({ route }) => route.method === method)
    if (!found) {
      if (atPath.length === 0) throw new ControlError(404, `there is nothing at ${pathname}`)
      throw new ControlError(405, `${method} is not for ${pathname}`)
    }
    const { route, pattern } = found
    const groups = pattern.exec(pathname)?.groups ?? {}
    const path = Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value)]))
    const value = await route.run(emulator, { path, query: searchParams, body: parseBody(body, route) })
    if (method !== 'GET') emulator.keep()
    return route.answer ? { status: 200, value } : { status: 204, value: undefined }
  }

  return (method, target, body) => answer(method, target, body).catch(refusal)
}

const refusal = (error: unknown) => ({
  status: error instanceof ControlError ? error.status : 500,
  value: { error: error instanceof Error ? error.message : String(error) },
})

export async function serveControl(control: Control, host: string, port: number): Promise<ControlServer> {
  async function answer(request: IncomingMessage) {
    // A page in a browser names where it comes from. None has anything to do here.
    if (request.headers.origin !== undefined) throw new ControlError(403, 'not for pages in browsers')
    return control(request.method!, request.url!, await readBody(request))
  }

  const server = http().createServer((request, response) => {
    answer(request)
      .catch(refusal)
      .then(({ status, value }) => {
        response.writeHead(status, value === undefined ? {} : { 'Content-Type': 'application/json' })
        response.end(value === undefined ? undefined : JSON.stringify(value))
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ControlError(400, `"${text}" cannot be read`)
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > mostBytes) throw new ControlError(413, `a body has at most ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** @returns `undefined` where there is none */
function parseBody(text: string, route: Route): unknown {
  if (!route.body) return undefined
  let value: unknown = {}
  if (text !== '') {
    try {
      value = JSON.parse(text)
    } catch {
      throw new ControlError(400, 'the body is not JSON')
    }
  }
  const fault = faultOf(route.body, value, components)
  if (fault !== undefined) throw new ControlError(400, fault)
  return value
}
