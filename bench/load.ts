/**
 * The load generator, a process of its own. It signs before the clock runs: a slice writes prepared requests to sockets
 * that are kept open, one request under way per socket, and looks at every answer's status.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connectionId, gatewayId, region, rootKey, userKey } from './seed.ts'
import { cpuSeconds } from './server-process.ts'
import { createSigner, type Format, type Signature } from './signed-request.ts'

/** What is asked for, of a store with that many connections. */
export type Query =
  /** One connection: any of them, any of the same hundred, or one after the other. */
  | { readonly read: 'connection'; readonly among: 'all' | 'hundred' | 'next' }
  /** A page: always the first; one after the other; anywhere; all of one gateway. */
  | { readonly read: 'page'; readonly which: 'first' | 'next' | 'anywhere' | 'of a gateway' }

export interface RequestKind {
  readonly signature: Signature
  readonly format: Format
  readonly key: 'root' | 'user'
  readonly query: Query
}

export interface Slice {
  readonly port: number
  /** The process whose processor time is read. */
  readonly pid: number
  readonly kind: RequestKind
  /** Connections in the store. */
  readonly size: number
  readonly sockets: number
  readonly seconds: number
  /** Requests to prepare; the slice ends early when they are used up. */
  readonly prepare: number
}

export interface SliceResult {
  readonly answered: number
  readonly seconds: number
  /** Processor time of the server, in seconds. */
  readonly serverCpu: number
  /** Processor time of this generator. */
  readonly ownCpu: number
  /** Milliseconds: median and 99th percentile of the time to an answer. */
  readonly p50: number
  readonly p99: number
}

export type SliceReply = SliceResult | { readonly failure: string }

export const pageSize = 10

const hundred = 100
let nextPage = 0
let nextConnection = 0

function parametersOf(query: Query, size: number): Record<string, string> {
  const any = (below: number) => Math.floor(Math.random() * below)
  const indexAmong = (among: 'all' | 'hundred' | 'next') => {
    if (among === 'next') return nextConnection++ % size
    // The same hundred lie spread over the whole store.
    return among === 'all' ? any(size) : any(hundred) * Math.floor(size / hundred)
  }
  if (query.read === 'connection') {
    return { RegionId: region, VpnConnectionId: connectionId(indexAmong(query.among)) }
  }
  const page = (number: number) => ({
    RegionId: region,
    PageNumber: String(number),
    PageSize: String(pageSize),
  })
  const pages = Math.ceil(size / pageSize)
  switch (query.which) {
    case 'first':
      return page(1)
    case 'next':
      return page((nextPage++ % pages) + 1)
    case 'anywhere':
      return page(any(pages) + 1)
    case 'of a gateway':
      return { ...page(1), VpnGatewayId: gatewayId(any(Math.ceil(size / 10))) }
  }
}

/** Sockets of each port, kept from slice to slice. */
const pools = new Map<number, Socket[]>()

async function socketsTo(port: number, count: number): Promise<readonly Socket[]> {
  const pool = pools.get(port) ?? []
  pools.set(port, pool)
  while (pool.length < count) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    pool.push(socket)
  }
  return pool.slice(0, count)
}

/** Length of the whole answer whose first bytes are at hand. @throws when its status is not 200. */
function lengthOf(chunk: Buffer): number {
  const head = chunk.toString('latin1', 0, 512)
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(chunk.toString('latin1', 0, 2048))
  const length = /\r\ncontent-length: (\d+)/i.exec(head)
  const end = head.indexOf('\r\n\r\n')
  if (!length || end < 0) throw new Error(`an answer without a head that can be read: ${head}`)
  return end + 4 + Number(length[1])
}

async function run(slice: Slice): Promise<SliceResult> {
  const { port, kind } = slice
  const host = `127.0.0.1:${port}`
  const sign = createSigner(kind.key === 'root' ? rootKey : userKey, kind.signature, kind.format)
  const action = kind.query.read === 'connection' ? 'DescribeVpnConnection' : 'DescribeVpnConnections'
  const requests = Array.from({ length: slice.prepare }, () =>
    sign(host, action, parametersOf(kind.query, slice.size)),
  )
  const sockets = await socketsTo(port, slice.sockets)
  const latencies = new Float64Array(requests.length)
  const ownBefore = process.cpuUsage()
  const serverBefore = cpuSeconds(slice.pid)
  const started = performance.now()
  const end = started + slice.seconds * 1000
  let sent = 0
  let answered = 0

  const one = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let missing = 0
      let sentAt = 0
      const next = () => {
        sentAt = performance.now()
        if (sent === requests.length || sentAt >= end) {
          socket.removeAllListeners()
          resolve()
          return
        }
        socket.write(requests[sent++]!)
      }
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed a connection')))
      socket.on('data', (chunk) => {
        try {
          if (missing === 0) missing = lengthOf(chunk)
        } catch (error) {
          reject(error)
          return
        }
        missing -= chunk.length
        if (missing > 0) return
        latencies[answered++] = performance.now() - sentAt
        next()
      })
      next()
    })

  // This process polls rather than sleeps: waking a sleeping one costs whoever writes to it, on virtual machines more
  // than the whole answer, and a slow server would pay for it oftener than a fast one.
  let polling = true
  const poll = () => {
    if (polling) setImmediate(poll)
  }
  poll()
  await Promise.all(sockets.map(one)).finally(() => {
    polling = false
  })
  const seconds = (performance.now() - started) / 1000
  const serverCpu = cpuSeconds(slice.pid) - serverBefore
  const own = process.cpuUsage(ownBefore)
  const sorted = latencies.subarray(0, answered).sort()
  return {
    answered,
    seconds,
    serverCpu,
    ownCpu: (own.user + own.system) / 1e6,
    p50: sorted[Math.floor(answered * 0.5)] ?? 0,
    p99: sorted[Math.floor(answered * 0.99)] ?? 0,
  }
}

process.on('message', (slice: Slice) => {
  run(slice).then(
    (result) => process.send!(result satisfies SliceReply),
    (error: Error) => process.send!({ failure: error.message } satisfies SliceReply),
  )
})
