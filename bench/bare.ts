/**
 * The baseline, a process of its own: `node:http` and nothing else, answering fixed bytes whatever it is asked.
 * Each message of the parent opens one more listener with the given answer.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FixedAnswer {
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: string
}

process.on('message', ({ headers, body }: FixedAnswer) => {
  const server = createServer({ keepAliveTimeout: 75_000 }, (_request, response) => {
    response.writeHead(200, [...headers])
    response.end(body)
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
})
