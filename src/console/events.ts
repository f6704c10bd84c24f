/**
 * Server-sent events (WHATWG HTML, "Server-sent events"): which connections and gateways of the account have changed.
 *
 *     event: hello    data: {"time":1732550400000}
 *     event: change   data: {"keys":["connection:vco-..."],"region":"cn-hangzhou","time":...}
 *     event: resync   more changed than is worth naming, or the reader was too slow: read everything again
 *     event: signed-out   the session is over; nothing follows
 *
 * Keys only: what they are now, the browser asks the API, with the rights that it has.
 */
import type { ServerResponse } from 'node:http'
import { type Principal, refusal } from '../rpc/authorize.ts'
import type { Change, ChangeFeed } from './changes.ts'
import { commonHeaders } from './pages.ts'

/** Changes are collected for this long, in milliseconds. */
const collectFor = 200
/** A sign of life, and a look whether the session still is, this often. */
const beat = 10_000
/** More keys than this at once are not named. */
const mostKeys = 500
const mostStreams = 256

const actionOf = {
  connection: ['vpc:DescribeVpnConnection', 'vpnconnection'],
  gateway: ['vpc:DescribeVpnGateway', 'vpngateway'],
} as const

/** Whether a caller may know that this changed: who may not read it may not hear of it. */
function maySee(watcher: Watcher, { kind, id, region }: Change, now: number): boolean {
  const { credential, sourceIp } = watcher
  const [action, type] = actionOf[kind]
  const resource = `acs:vpc:${region}:${credential.accountId}:${type}/${id}`
  return refusal(credential, action, [resource], { sourceIp, now }) === undefined
}

export interface Watcher {
  readonly credential: Principal
  readonly sourceIp: string
  /** Whether the session still is. */
  readonly isAlive: () => Promise<boolean>
}

export interface EventStreams {
  /** @returns whether there was room for one more */
  open(response: ServerResponse, watcher: Watcher): boolean
  close(): void
}

export function createEventStreams(feed: ChangeFeed, now: () => number): EventStreams {
  const endings = new Set<() => void>()

  return {
    open(response, watcher) {
      if (endings.size >= mostStreams) return false
      /** Region -> keys. */
      const waiting = new Map<string, Set<string>>()
      let overflown = false
      let timer: NodeJS.Timeout | undefined

      const send = (event: string, data: object) =>
        response.write(`event: ${event}\ndata: ${JSON.stringify({ ...data, time: now() })}\n\n`)

      const flush = () => {
        timer = undefined
        if (response.writableNeedDrain) {
          // Behind already: one word for all it missed, once it has caught up.
          overflown = true
          timer = setTimeout(flush, collectFor)
        } else if (overflown) {
          overflown = false
          send('resync', {})
        } else for (const [region, keys] of waiting) send('change', { region, keys: [...keys] })
        waiting.clear()
      }

      const unsubscribe = feed.subscribe((change) => {
        if (change.accountId !== watcher.credential.accountId || !maySee(watcher, change, now())) return
        const keys = waiting.get(change.region) ?? new Set()
        waiting.set(change.region, keys)
        if (keys.size >= mostKeys) overflown = true
        else keys.add(`${change.kind}:${change.id}`)
        timer ??= setTimeout(flush, collectFor)
      })

      const heart = setInterval(async () => {
        const alive = await watcher.isAlive().catch(() => true)
        if (!response.writable) return
        if (alive) send('beat', {})
        else {
          send('signed-out', {})
          end()
        }
      }, beat)

      const end = () => {
        endings.delete(end)
        unsubscribe()
        clearInterval(heart)
        clearTimeout(timer)
        response.end()
      }
      endings.add(end)
      response.on('close', end)
      response.writeHead(200, {
        ...commonHeaders,
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
        // Reverse proxies that would hold the lines back.
        'X-Accel-Buffering': 'no',
      })
      send('hello', {})
      return true
    },

    close() {
      for (const end of endings) end()
    },
  }
}
