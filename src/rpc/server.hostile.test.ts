/**
 * A server that meets what clients do by mistake or on purpose. It never crashes, never hangs, and always answers with
 * an error body of the vendor's shape; after every attack it still serves an honest call.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import fc from 'fast-check'
import {
  encode,
  rootKey,
  signedPairs,
  signV1,
  signV3,
  type ToyRequest,
  toyOptions,
  toyTable,
} from '../../test/support/toy-api.ts'
import { parseXml } from '../../test/support/xml.ts'
import type { RequestLog } from './request-log.ts'
import { type ApiServer, createApiServer } from './server.ts'

const limits = {
  headBytes: 32 * 1024,
  bodyBytes: 1024 * 1024,
  headMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 5_000,
  closeMs: 200,
}
/** Of the server that slow callers meet. Honest ones do not: a busy machine is as slow as they are. */
const shortLimits = { ...limits, headMs: 300, requestMs: 600 }
const logged: RequestLog[] = []
/** What SlowEcho waits for; `hold` makes it wait until `release`. */
let slow: () => Promise<void> = () => Promise.resolve()
let release: () => void = () => undefined
let server: ApiServer
let hasty: ApiServer
let port = 0
let hastyPort = 0

before(async () => {
  server = createApiServer({ ...toyOptions(logged), table: toyTable(() => slow()), limits })
  port = (await server.listen('127.0.0.1', 0)).port
  hasty = createApiServer({ ...toyOptions(logged), table: toyTable(), limits: shortLimits })
  hastyPort = (await hasty.listen('127.0.0.1', 0)).port
})
after(async () => {
  await server.close()
  await hasty.close()
})

interface RawReply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Takes the replies off the front of what a connection has received. */
function takeReplies(received: Buffer): RawReply[] {
  const replies: RawReply[] = []
  let rest = received
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return replies
    const [line, ...lines] = rest.toString('latin1', 0, end).split('\r\n')
    const headers = new Map(
      lines.map((text) => [
        text.slice(0, text.indexOf(':')).toLowerCase(),
        text.slice(text.indexOf(':') + 1).trim(),
      ]),
    )
    const length = Number(headers.get('content-length') ?? 0)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line!)![1])
    if (status === 100) {
      rest = rest.subarray(end + 4)
      continue
    }
    if (rest.length < end + 4 + length) return replies
    replies.push({ status, headers, body: rest.toString('utf8', end + 4, end + 4 + length) })
    rest = rest.subarray(end + 4 + length)
  }
}

/** A connection, and what came back on it. A reset is an end like any other. */
class Wire {
  readonly socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #changed: () => void = () => undefined
  closed = false

  constructor(at: number) {
    this.socket = connect(at, '127.0.0.1')
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#changed()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
      this.#changed()
    })
  }

  write(bytes: string | Buffer): this {
    this.socket.write(bytes)
    return this
  }

  get received(): string {
    return this.#received.toString('latin1')
  }

  /** Waits until something was received or the connection ended. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }

  /** Waits for so many replies, or for the end of the connection. */
  async replies(count: number): Promise<RawReply[]> {
    while (!this.closed && takeReplies(this.#received).length < count) await this.change()
    return takeReplies(this.#received)
  }

  async end(): Promise<RawReply[]> {
    while (!this.closed) await this.change()
    return takeReplies(this.#received)
  }
}

const wires: Wire[] = []
function open(at = port): Wire {
  const wire = new Wire(at)
  wires.push(wire)
  return wire
}

const text = ({ method, url, headers, body }: ToyRequest, more: readonly string[] = []): Buffer => {
  const lines = [`${method} ${url} HTTP/1.1`]
  const all = [...headers, ...more]
  for (let at = 0; at < all.length; at += 2) lines.push(`${all[at]}: ${all[at + 1]}`)
  if (body.length > 0 && !more.includes('Transfer-Encoding')) lines.push(`Content-Length: ${body.length}`)
  return Buffer.concat([
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    more.includes('Transfer-Encoding') ? Buffer.alloc(0) : body,
  ])
}

interface ErrorBody {
  readonly RequestId: string
  readonly HostId: string
  readonly Code: string
  readonly Message: string
}

/** Checks that a reply is an error of the vendor's shape, and that it is in the log; answers its code. */
function vendorError(reply: RawReply | undefined, status?: number): string {
  assert.ok(reply, 'there must be an answer')
  if (status !== undefined) assert.equal(reply.status, status, reply.body)
  assert.ok(reply.status >= 400, reply.body)
  assert.equal(reply.headers.get('content-type'), 'application/json;charset=utf-8')
  const body = JSON.parse(reply.body) as ErrorBody
  assert.deepEqual(Object.keys(body), ['RequestId', 'Message', 'HostId', 'Code'])
  for (const member of Object.values(body)) assert.equal(typeof member, 'string')
  assert.match(body.RequestId, /^[0-9A-F-]{36}$/)
  assert.equal(reply.headers.get('x-acs-request-id'), body.RequestId)
  assert.ok(logged.some(({ requestId, code }) => requestId === body.RequestId && code === body.Code))
  assert.notEqual(body.Code, 'InternalError')
  return body.Code
}

function hold(): { readonly started: Promise<void> } {
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const started = new Promise<void>((resolve) => {
    slow = () => {
      resolve()
      return held
    }
  })
  return { started }
}

const honest = (): ToyRequest => signV1('DescribeEcho', { EchoId: 'echo-1' })

async function servesHonestCalls(): Promise<void> {
  const [reply] = await open().write(text(honest())).replies(1)
  assert.equal(reply?.status, 200, reply?.body)
}

afterEach(async () => {
  release()
  slow = () => Promise.resolve()
  await servesHonestCalls()
  for (const wire of wires.splice(0)) wire.socket.destroy()
})

describe('the plumbing', () => {
  const cases: [name: string, bytes: string, status: number, code: string][] = [
    ['another path', 'GET /api HTTP/1.1\r\nHost: a\r\n\r\n', 404, 'InvalidAction.NotFound'],
    [
      'another path that looks like ours',
      'GET //?Action=X HTTP/1.1\r\nHost: a\r\n\r\n',
      404,
      'InvalidAction.NotFound',
    ],
    ['the options of a server', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 404, 'InvalidAction.NotFound'],
    ['another method', 'DELETE / HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'UnsupportedHTTPMethod'],
    [
      'a method with a body',
      'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      405,
      'UnsupportedHTTPMethod',
    ],
    ['a tunnel', 'CONNECT example.test:443 HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'UnsupportedHTTPMethod'],
    [
      'an upgrade',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      400,
      'MissingAction',
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'MissingAction'],
    ['nothing asked', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'MissingAction'],
    [
      'an unmeetable expectation',
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n',
      417,
      'UnsupportedExpectation',
    ],
    ['a request line of rubbish', 'HELLO\r\n\r\n', 400, 'MalformedRequest'],
    ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'MalformedRequest'],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'MalformedRequest'],
    ['an unknown protocol version', 'GET / HTTP/9.9\r\n\r\n', 400, 'MalformedRequest'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n', 400, 'MalformedRequest'],
    ['a header with a NUL', 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n', 400, 'MalformedRequest'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
      'MalformedRequest',
    ],
    [
      'a length and chunks (smuggling)',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'MalformedRequest',
    ],
    [
      'a negative length',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
      400,
      'MalformedRequest',
    ],
    [
      'a bad chunk',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
      'MalformedRequest',
    ],
    ['a space in the target', 'GET /?a=b c HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'MalformedRequest'],
    [
      'a query beyond the head limit',
      `GET /?a=${'x'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      431,
      'RequestHeaderTooLarge',
    ],
    [
      'headers beyond the head limit',
      `GET / HTTP/1.1\r\n${'x-a: b\r\n'.repeat(6000)}\r\n`,
      431,
      'RequestHeaderTooLarge',
    ],
    [
      'a body declared too large',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n',
      413,
      'RequestEntityTooLarge',
    ],
  ]
  for (const [name, bytes, status, code] of cases) {
    it(`${name}: ${status} ${code}`, { timeout: 10_000 }, async () => {
      const [reply] = await open().write(Buffer.from(bytes, 'latin1')).replies(1)
      assert.equal(vendorError(reply, status), code)
      if (status === 405 && !bytes.startsWith('CONNECT'))
        assert.equal(reply!.headers.get('allow'), 'GET, POST')
    })
  }

  it('HEAD has a status and no body', { timeout: 10_000 }, async () => {
    const wire = open().write('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    while (!wire.closed) await wire.change()
    assert.match(wire.received, /^HTTP\/1\.1 405 /)
    assert.ok(wire.received.endsWith('\r\n\r\n'))
  })

  it('an absolute target, as sent through a proxy, is read for its query', { timeout: 10_000 }, async () => {
    const request = honest()
    const [reply] = await open()
      .write(text({ ...request, url: `http://api.example.test${request.url}` }))
      .replies(1)
    assert.equal(reply!.status, 200)
  })

  it('raw bytes of any kind are answered or cut off, never waited for beyond the limits', {
    timeout: 60_000,
  }, async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.string().map((line) => Buffer.from(`GET /?${line} HTTP/1.1\r\nHost: a\r\n\r\n`)),
      fc.string().map((line) => Buffer.from(`POST / HTTP/1.1\r\n${line}\r\n\r\n`)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (attack) => {
        const wire = open(hastyPort).write(Buffer.from(attack))
        wire.socket.end()
        for (const reply of await wire.end()) vendorError(reply)
      }),
      { numRuns: 60 },
    )
  })
})

describe('bodies', () => {
  const form = (params: Record<string, string>): ToyRequest =>
    signV1('DescribeEcho', params, { method: 'POST', inBody: Object.keys(params) })

  it('may come in chunks, in many packets, or not at all without any header about it', {
    timeout: 10_000,
  }, async () => {
    const request = form({ EchoId: 'echo-1', Name: '隧道' })
    const wire = open().write(text(request, ['Transfer-Encoding', 'chunked']))
    for (const byte of request.body) wire.write(`1\r\n${String.fromCharCode(byte)}\r\n`)
    wire.write('0\r\n\r\n')
    const [chunked] = await wire.replies(1)
    assert.match(chunked!.body, /"EchoId":"echo-1"/)
    const bare = open().write(text(signV1('DescribeEcho', { EchoId: 'echo-2' }, { method: 'POST' })))
    assert.match((await bare.replies(1))[0]!.body, /"EchoId":"echo-2"/)
  })

  it('of 5 MB are refused, declared or not, the client may finish sending, and the connection goes on', {
    timeout: 20_000,
  }, async () => {
    const big = Buffer.alloc(5 * 1024 * 1024, 'a')
    const rss = process.memoryUsage().rss
    const declared = open()
      .write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${big.length}\r\n\r\n`)
      .write(big)
      .write(text(honest()))
    const [refused, next] = await declared.replies(2)
    assert.equal(vendorError(refused, 413), 'RequestEntityTooLarge')
    assert.equal(next!.status, 200)
    const chunked = open().write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let at = 0; at < 80; at++) chunked.write(`10000\r\n${'a'.repeat(65536)}\r\n`)
    chunked.write('0\r\n\r\n').write(text(honest()))
    const [early, later] = await chunked.replies(2)
    assert.equal(vendorError(early, 413), 'RequestEntityTooLarge')
    assert.equal(later!.status, 200)
    assert.ok(process.memoryUsage().rss - rss < 100 * 1024 * 1024)
  })

  it('an endless body after its refusal is cut off at the time limit', { timeout: 20_000 }, async () => {
    const wire = open(hastyPort).write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const piece = `10000\r\n${'a'.repeat(65536)}\r\n`
    const pump = (): void => {
      while (!wire.closed && wire.socket.writable && wire.socket.write(piece));
    }
    wire.socket.on('drain', pump)
    pump()
    const replies = await wire.end()
    assert.equal(replies.length, 1)
    assert.equal(vendorError(replies[0], 413), 'RequestEntityTooLarge')
  })

  it('a body that is asked for first is asked for', { timeout: 10_000 }, async () => {
    const request = form({ EchoId: 'echo-1' })
    const [head, body] = [
      text({ ...request, body: Buffer.alloc(0) }, [
        'Expect',
        '100-continue',
        'Content-Length',
        String(request.body.length),
      ]),
      request.body,
    ]
    const wire = open().write(head)
    await wire.change()
    assert.match(wire.received, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    assert.equal((await wire.write(body).replies(1))[0]!.status, 200)
  })
})

describe('slowness', () => {
  it('a head that does not end is answered 408 and cut off', { timeout: 10_000 }, async () => {
    const [reply] = await open(hastyPort).write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ').end()
    assert.equal(vendorError(reply, 408), 'RequestTimeout')
  })
  it('a head that drips is cut off as well', { timeout: 10_000 }, async () => {
    const wire = open(hastyPort).write('GET /?')
    const drip = setInterval(() => wire.socket.write('a'), 20)
    const [reply] = await wire.end()
    clearInterval(drip)
    assert.equal(vendorError(reply, 408), 'RequestTimeout')
  })
  it('a body that does not come is answered 408', { timeout: 10_000 }, async () => {
    const [reply] = await open(hastyPort)
      .write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
      .end()
    assert.equal(vendorError(reply, 408), 'RequestTimeout')
  })
  it('a body that drips in chunks is cut off as well', { timeout: 10_000 }, async () => {
    const wire = open(hastyPort).write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const drip = setInterval(() => wire.socket.write('1\r\na\r\n'), 20)
    const [reply] = await wire.end()
    clearInterval(drip)
    assert.equal(vendorError(reply, 408), 'RequestTimeout')
  })
  it('two hundred connections that say nothing are no obstacle', { timeout: 20_000 }, async () => {
    for (let at = 0; at < 200; at++) open()
    await servesHonestCalls()
  })
})

describe('pipelined requests', () => {
  it('are answered in order, each for itself', { timeout: 20_000 }, async () => {
    const requests = Array.from({ length: 50 }, (_, at) =>
      at % 7 === 3 ? signV1('NoSuch') : signV1('DescribeEcho', { EchoId: `echo-${at}` }),
    )
    const replies = await open()
      .write(Buffer.concat(requests.map((request) => text(request))))
      .replies(50)
    assert.equal(replies.length, 50)
    for (const [at, reply] of replies.entries()) {
      if (at % 7 === 3) assert.equal(vendorError(reply, 404), 'InvalidAction.NotFound')
      else assert.match(reply.body, new RegExp(`"EchoId":"echo-${at}"`))
    }
  })
  it('wait for a slow one before them', { timeout: 10_000 }, async () => {
    const { started } = hold()
    const wire = open().write(Buffer.concat([text(signV1('SlowEcho')), text(honest())]))
    await started
    await servesHonestCalls()
    assert.equal(wire.received, '')
    release()
    const replies = await wire.replies(2)
    assert.match(replies[0]!.body, /"Done":true/)
    assert.match(replies[1]!.body, /"EchoId"/)
  })
  it('rubbish behind a call that is still running does not become its answer', {
    timeout: 10_000,
  }, async () => {
    hold()
    const wire = open().write(Buffer.concat([text(signV1('SlowEcho')), Buffer.from('rubbish\r\n\r\n')]))
    assert.deepEqual(await wire.end(), [])
    assert.equal(wire.received, '')
  })
  it('rubbish behind a call that was answered gets its own', { timeout: 10_000 }, async () => {
    const replies = await open()
      .write(Buffer.concat([text(honest()), Buffer.from('rubbish\r\n\r\n')]))
      .end()
    assert.equal(replies[0]!.status, 200)
    assert.equal(vendorError(replies[1], 400), 'MalformedRequest')
  })
})

describe('parameters', () => {
  const ask = async (request: ToyRequest): Promise<RawReply> =>
    (await open().write(text(request)).replies(1))[0]!
  const form = (body: string): ToyRequest => ({
    method: 'POST',
    url: '/',
    headers: ['Host', 'a', 'Content-Type', 'application/x-www-form-urlencoded'],
    body: Buffer.from(body, 'latin1'),
  })
  /** A signed form with parameters as they are given, not necessarily encodable as a map. */
  const signedForm = (params: Record<string, string>): ToyRequest =>
    form(
      signedPairs('DescribeEcho', params, { method: 'POST' })
        .map(([name, value]) => `${encode(name)}=${encode(value)}`)
        .join('&'),
    )

  for (const body of ['a=%', 'a=%zz', '%e6=1', 'a=%ff', 'a=1&a=2', '=x', 'Action=X&Action=X']) {
    it(`${body} is refused`, async () =>
      assert.equal(vendorError(await ask(form(body)), 400), 'InvalidParameter'))
  }

  it('100,000 items of a list are refused quickly', { timeout: 10_000 }, async () => {
    const items = Array.from({ length: 100_000 }, (_, at) => `Ids.${at + 1}=`).join('&')
    const started = process.cpuUsage()
    assert.equal(vendorError(await ask(form(items)), 413), 'RequestEntityTooLarge')
    assert.equal(vendorError(await ask(form(items.slice(0, 1024 * 1024))), 400), 'InvalidParameter')
    assert.equal(
      vendorError(
        await ask(signedForm({ EchoId: 'echo-1', Ids: JSON.stringify(Array(100_000).fill('a')) })),
        400,
      ),
      'IllegalParam.Ids',
    )
    assert.ok(process.cpuUsage(started).user < 1_500_000)
  })

  it('deep nesting is refused, in names and in JSON', { timeout: 10_000 }, async () => {
    const name = `Tags${'.1'.repeat(5000)}`
    assert.equal(
      vendorError(await ask(signedForm({ EchoId: 'echo-1', [name]: 'x' })), 400),
      'InvalidParameter',
    )
    const json = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    assert.equal(
      vendorError(await ask(signedForm({ EchoId: 'echo-1', Tags: json })), 400),
      'IllegalParam.Tags',
    )
    assert.equal(
      vendorError(await ask(signedForm({ EchoId: 'echo-1', Settings: `{"Psk":${json}}` })), 400),
      'IllegalParam.Psk',
    )
    const body = `{"EchoId":${json}}`
    assert.equal(
      vendorError(await ask(signV3('DescribeEcho', {}, { body, contentType: 'application/json' })), 400),
      'InvalidParameter',
    )
  })

  it('names of the machinery are only names', async () => {
    const reply = await ask(
      signedForm({
        EchoId: 'echo-1',
        __proto__x: '1',
        'Tags.1.Key': 'k',
        'Tags.1.__proto__.polluted': 'yes',
        'Tags.1.constructor': 'yes',
        '__proto__.polluted': 'yes',
        Settings: '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}',
      }),
    )
    assert.equal(reply.status, 200, reply.body)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    const input = JSON.parse((JSON.parse(reply.body) as { Input: string }).Input) as unknown
    assert.deepEqual(input, {
      RegionId: 'cn-hangzhou',
      EchoId: 'echo-1',
      Size: 10,
      Settings: { Lifetime: 86400 },
      Tags: [{ Key: 'k' }],
    })
  })

  it('metacharacters and control characters come back harmless in both formats', async () => {
    const nasty = '</Input><Code>x</Code>]]>&lt;"\\\u0001\u001b\u2028\u202e😀\r\n'
    for (const Format of ['JSON', 'XML']) {
      const reply = await ask(signedForm({ EchoId: 'echo-1', Name: nasty, Format }))
      assert.equal(reply.status, 200, reply.body)
      const input =
        Format === 'JSON'
          ? (JSON.parse(reply.body) as { Input: string }).Input
          : parseXml(reply.body).children.find(({ name }) => name === 'Input')!.text
      assert.equal((JSON.parse(input) as { Name: string }).Name, nasty)
    }
    const refused = await ask(signedForm({ EchoId: nasty, Format: 'XML' }))
    assert.equal(refused.headers.get('content-type'), 'text/xml;charset=utf-8')
    const message = parseXml(refused.body).children.find(({ name }) => name === 'Message')!.text
    assert.ok(message.includes('</Input><Code>x</Code>]]>&lt;"\\\ufffd\ufffd\u2028'))
    assert.equal(vendorError(await ask(signedForm({ EchoId: 'echo-1', Name: 'a\0b' })), 400), 'InvalidName')
  })

  it('an action name of any kind makes one harmless line in the log', async () => {
    const name = '"}\n{"forged":true}'
    assert.equal(vendorError(await ask(signV1(name)), 404), 'InvalidAction.NotFound')
    assert.equal(logged.at(-1)!.action, name)
  })

  it('any signed parameters are answered', { timeout: 60_000 }, async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'EchoId',
        'Tags',
        'Tags.1',
        'Tags.1.Key',
        'Settings',
        'Ids',
        'Size',
        'Format',
        'RegionId',
        'X-Suidao',
      ),
      fc.string({ unit: 'grapheme', minLength: 1 }),
    )
    const common = new Set(signedPairs('X', {}).map(([key]) => key))
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          name.filter((key) => !common.has(key)),
          fc.oneof(fc.string({ unit: 'grapheme' }), fc.json()),
          { noNullPrototype: true },
        ),
        async (params) => {
          const reply = await ask(signedForm(params))
          assert.ok(reply.status === 200 || reply.status === 400 || reply.status === 404, reply.body)
          assert.ok(
            !reply.body.includes('InternalError') && !reply.body.includes('SignatureDoesNotMatch'),
            reply.body,
          )
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('the end', () => {
  it('close lets a running call finish and takes no other', { timeout: 10_000 }, async () => {
    let go: () => void = () => undefined
    const waiting = new Promise<void>((resolve) => {
      go = resolve
    })
    let started: () => void = () => undefined
    const running = new Promise<void>((resolve) => {
      started = resolve
    })
    const other = createApiServer({
      ...toyOptions(),
      table: toyTable(() => {
        started()
        return waiting
      }),
      limits: { ...limits, closeMs: 5_000 },
    })
    const place = await other.listen('127.0.0.1', 0)
    const { method, url } = signV1('SlowEcho', {}, { key: rootKey })
    const reply = fetch(`http://127.0.0.1:${place.port}${url}`, { method })
    await running
    const closing = other.close()
    await assert.rejects(fetch(`http://127.0.0.1:${place.port}/`))
    go()
    assert.equal((await reply).status, 200)
    await closing
  })

  it('close waits for nobody who has asked nothing', { timeout: 10_000 }, async () => {
    const other = createApiServer({ ...toyOptions(), limits: { ...limits, closeMs: 60_000 } })
    const place = await other.listen('127.0.0.1', 0)
    const silent = connect(place.port, '127.0.0.1')
    const ended = once(silent, 'close')
    await once(silent, 'connect')
    // So that the server has taken it.
    await (await fetch(`http://127.0.0.1:${place.port}/`)).text()
    await other.close()
    await ended
  })

  it('close ends at its limit, whatever still hangs', { timeout: 10_000 }, async () => {
    const other = createApiServer({
      ...toyOptions(),
      table: toyTable(() => new Promise(() => undefined)),
      limits,
    })
    const place = await other.listen('127.0.0.1', 0)
    const { url } = signV1('SlowEcho')
    const reply = fetch(`http://127.0.0.1:${place.port}${url}`)
    await Promise.all([
      assert.rejects(reply),
      new Promise((resolve) => setImmediate(resolve)).then(() => other.close()),
    ])
  })

  it('a port that is taken is said to the caller of listen', async () => {
    await assert.rejects(createApiServer(toyOptions()).listen('127.0.0.1', port), /EADDRINUSE/)
  })
})
