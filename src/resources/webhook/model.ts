/** What is sent to a webhook, and how it is signed and tried again. Pure. */
import { createHmac, randomUUID } from 'node:crypto'
import { apiError } from '../../rpc/errors.ts'
import type { Secret } from '../../secret.ts'
import { eventTypes } from './events.ts'

export interface EventFacts {
  readonly name: keyof typeof eventTypes
  readonly accountId: string
  readonly region: string
  /** `vpnconnection/vco-...` */
  readonly resource: string
  /** Name that the user gave it. */
  readonly instanceName: string
  /** Epoch milliseconds. */
  readonly at: number
  /** What else is known of it; no key. */
  readonly content: Readonly<Record<string, unknown>>
}

export interface RenderedEvent {
  readonly id: string
  readonly name: keyof typeof eventTypes
  /** JSON. */
  readonly body: string
}

/** A CloudEvent 1.0 in structured mode, with the extensions and the `data` of the vendor's events. */
export function renderEvent(facts: EventFacts, id = randomUUID()): RenderedEvent {
  const { name, accountId, region, resource, at, content } = facts
  const { source, level, status } = eventTypes[name]
  const resourceId = `acs:vpc:${region}:${accountId}:${resource}`
  const time = new Date(at).toISOString()
  const body = {
    specversion: '1.0',
    id,
    source: 'acs.vpn',
    type: `vpn:${source}:${name}`,
    subject: resourceId,
    time,
    datacontenttype: 'application/json; charset=utf-8',
    aliyunaccountid: accountId,
    aliyunregionid: region,
    data: {
      product: 'vpngw',
      level,
      name,
      status,
      regionId: region,
      resourceId,
      instanceName: facts.instanceName,
      userId: accountId,
      eventTime: time,
      ver: '1.0',
      content,
    },
  }
  return { id, name, body: JSON.stringify(body) }
}

/**
 * `t=1764115200,v1=<hex>`: HMAC-SHA256 of `<t>.<body>` under the secret. The time keeps an old message from being
 * played again: a receiver refuses one that is too old.
 *
 * @param now epoch milliseconds
 */
export function sign(body: string, secret: Secret, now: number): string {
  const time = Math.floor(now / 1_000)
  const mac = createHmac('sha256', secret.reveal()).update(`${time}.${body}`).digest('hex')
  return `t=${time},v1=${mac}`
}

/** Milliseconds until the next attempt, by the number of attempts so far; after the last one the event is dropped. */
const backOff = [
  1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000,
]

/** `undefined` when enough has been tried: about 16 hours. */
export const retryAfter = (attempts: number): number | undefined => backOff[attempts - 1]

/** Events that wait for one webhook; with one more, the oldest goes. */
export const queueLimit = 1_000

/** Webhooks of an account in a region. */
export const webhookLimit = 10

/** @throws ApiError for what is no address to send to */
export function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (!url || !isWeb || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw apiError('IllegalParam.Url', {
      reason: 'It must be an http or https address without user name and fragment.',
    })
  }
  return url.href
}
