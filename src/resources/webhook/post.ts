/** One attempt to hand an event over, over HTTP. */
import type { Secret } from '../../secret.ts'
import { type RenderedEvent, sign } from './model.ts'

export interface Posted {
  readonly arrived: boolean
  /** HTTP status, or what was in the way: `timeout`, `ECONNREFUSED`. */
  readonly status: string
}

/** Milliseconds for the whole exchange, as the vendor gives a callback. */
const limit = 5_000

/**
 * Any 2xx means that it arrived. Redirects are not followed: they would carry a signed event to where nobody sent it.
 *
 * The signature is dated by the real time, whatever the clock of the server is: the receiver compares it with its own.
 */
export async function postEvent(
  url: string,
  secret: Secret,
  event: Pick<RenderedEvent, 'id' | 'body'>,
  attempt: number,
): Promise<Posted> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(limit),
      headers: {
        'Content-Type': 'application/cloudevents+json; charset=utf-8',
        'User-Agent': 'suidao',
        'Suidao-Event-Id': event.id,
        'Suidao-Attempt': `${attempt}`,
        'Suidao-Signature': sign(event.body, secret, Date.now()),
      },
      body: event.body,
    })
    await response.body?.cancel()
    return { arrived: response.ok, status: `${response.status}` }
  } catch (error) {
    return { arrived: false, status: wordOf(error) }
  }
}

function wordOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }
  if (name === 'TimeoutError') return 'timeout'
  return cause?.code ?? 'connection failed'
}
