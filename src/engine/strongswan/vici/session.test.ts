import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import {
  decodeMessage,
  decodePacket,
  encodeMessage,
  encodePacket,
  type Packet,
  SegmentReader,
  type ViciMessage,
  type ViciSection,
} from './message.ts'
import { ViciError, ViciSession } from './session.ts'

/** The daemon's end of one session: the test reads what arrived and writes what it likes. */
class Daemon {
  readonly #socket: Socket
  readonly #arrived: Packet[] = []
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    const reader = new SegmentReader()
    socket.on('data', (chunk) => {
      this.#arrived.push(...reader.push(chunk).map(decodePacket))
      this.#wake()
    })
    socket.on('error', () => {})
  }

  /** Waits for the next packet, as `type name`, and its message. */
  async next(): Promise<{ what: string; message: ViciMessage }> {
    while (this.#arrived.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const packet = this.#arrived.shift()!
    return {
      what: 'name' in packet ? `${packet.type} ${packet.name}` : packet.type,
      message: 'message' in packet ? decodeMessage(packet.message) : {},
    }
  }

  get unread(): number {
    return this.#arrived.length
  }

  async expect(...whats: string[]): Promise<void> {
    for (const what of whats) assert.equal((await this.next()).what, what)
  }

  raw(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  answer(message: ViciSection = {}): void {
    this.raw(encodePacket({ type: 'response', message: encodeMessage(message) }))
  }

  event(name: string, message: ViciSection = {}): void {
    this.raw(encodePacket({ type: 'event', name, message: encodeMessage(message) }))
  }

  say(type: 'unknown-command' | 'confirm' | 'unknown-event'): void {
    this.raw(encodePacket({ type }))
  }

  hangUp(): void {
    this.#socket.end()
  }

  get gone(): Promise<unknown> {
    return once(this.#socket, 'close')
  }
}

let directory: string
let path: string
let server: Server
const sessions: ViciSession[] = []

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vici-'))
  path = join(directory, 'vici.sock')
  server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
})
after(async () => {
  server.close()
  await rm(directory, { recursive: true })
})
afterEach(() => {
  for (const session of sessions.splice(0)) session.close()
})

async function connected(): Promise<{ session: ViciSession; daemon: Daemon }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const session = await ViciSession.connect(path)
  sessions.push(session)
  return { session, daemon: new Daemon((await accepted)[0]) }
}

const fails = (promise: Promise<unknown>, kind: string, says: RegExp) =>
  assert.rejects(promise, (error: unknown) => {
    assert(error instanceof ViciError, String(error))
    assert.equal(error.kind, kind)
    assert.match(error.message, says)
    return true
  })

test('a request gets its answer, success=no included', async () => {
  const { session, daemon } = await connected()
  const answer = session.request('initiate', { child: 'c', timeout: '-1' })
  const { what, message } = await daemon.next()
  assert.equal(what, 'request initiate')
  assert.deepEqual({ ...message }, { child: 'c', timeout: '-1' })
  daemon.answer({ success: 'no', errmsg: 'nothing to do' })
  assert.deepEqual({ ...(await answer) }, { success: 'no', errmsg: 'nothing to do' })
})

test('one request is in flight, the others wait and are answered in order', async () => {
  const { session, daemon } = await connected()
  const answers = ['a', 'b', 'c'].map((name) => session.request(name))
  await daemon.expect('request a')
  assert.equal(daemon.unread, 0)
  daemon.answer({ from: 'a' })
  await daemon.expect('request b')
  daemon.answer({ from: 'b' })
  await daemon.expect('request c')
  daemon.answer({ from: 'c' })
  assert.deepEqual(
    (await Promise.all(answers)).map((answer) => answer['from']),
    ['a', 'b', 'c'],
  )
})

test('an answer that arrives byte by byte is read', async () => {
  const { session, daemon } = await connected()
  const answer = session.request('version')
  await daemon.expect('request version')
  const bytes = encodePacket({ type: 'response', message: encodeMessage({ version: '5.9.8' }) })
  for (const byte of bytes) {
    daemon.raw(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await answer)['version'], '5.9.8')
})

test('an unknown command fails alone', async () => {
  const { session, daemon } = await connected()
  const answers = [session.request('foo'), session.request('version')] as const
  await daemon.expect('request foo')
  daemon.say('unknown-command')
  await fails(answers[0], 'unknown-command', /no command foo/)
  await daemon.expect('request version')
  daemon.answer({ version: '5.9.8' })
  assert.equal((await answers[1])['version'], '5.9.8')
})

test('events between a request and its answer reach the listener', async () => {
  const { session, daemon } = await connected()
  const seen: string[] = []
  const subscribed = session.subscribe(['log', 'ike-updown'], (event, message) => {
    seen.push(`${event} ${message['msg']}`)
  })
  await daemon.expect('register log')
  daemon.event('log', { msg: 'before the confirm' })
  daemon.say('confirm')
  await daemon.expect('register ike-updown')
  daemon.say('confirm')
  assert.deepEqual(await subscribed, [])
  const answer = session.request('stats')
  await daemon.expect('request stats')
  daemon.event('ike-updown', { msg: '1' })
  daemon.event('child-updown', { msg: 'not asked for' })
  daemon.event('log', { msg: '2' })
  daemon.answer({ ok: 'yes' })
  assert.equal((await answer)['ok'], 'yes')
  assert.deepEqual(seen, ['log before the confirm', 'ike-updown 1', 'log 2'])
})

test('an event that the daemon does not know is reported, the others work', async () => {
  const { session, daemon } = await connected()
  const seen: string[] = []
  const subscribed = session.subscribe(['alert', 'log'], (event) => seen.push(event))
  await daemon.expect('register alert')
  daemon.say('unknown-event')
  await daemon.expect('register log')
  daemon.say('confirm')
  assert.deepEqual(await subscribed, ['alert'])
  daemon.event('log')
  const answer = session.request('stats')
  await daemon.expect('request stats')
  daemon.answer()
  await answer
  assert.deepEqual(seen, ['log'])
})

test('a stream collects its events in order, registers once, and leaves other events alone', async () => {
  const { session, daemon } = await connected()
  const seen: string[] = []
  const subscribed = session.subscribe(['log'], (event) => seen.push(event))
  await daemon.expect('register log')
  daemon.say('confirm')
  await subscribed

  const streams = [session.stream('list-sas', 'list-sa', { ike: 'a' }), session.stream('list-sas', 'list-sa')]
  await daemon.expect('register list-sa')
  daemon.say('confirm')
  await daemon.expect('request list-sas')
  daemon.event('list-sa', { a: { uniqueid: '1' } })
  daemon.event('log')
  daemon.event('list-sa', { b: { uniqueid: '2' } })
  daemon.answer()
  await daemon.expect('request list-sas')
  daemon.answer()
  const [first, second] = await Promise.all(streams)
  assert.deepEqual(
    first?.map((item) => Object.keys(item)),
    [['a'], ['b']],
  )
  assert.deepEqual(second, [])
  assert.deepEqual(seen, ['log'])
})

test('a stream that is refused, or whose event is unknown, says so', async () => {
  const { session, daemon } = await connected()
  const refused = session.stream('list-policies', 'list-policy')
  await daemon.expect('register list-policy')
  daemon.say('confirm')
  await daemon.expect('request list-policies')
  daemon.answer({ success: 'no', errmsg: 'bad arguments' })
  await fails(refused, 'refused', /list-policies: bad arguments/)

  const unknown = session.stream('list-foos', 'list-foo')
  await daemon.expect('register list-foo')
  daemon.say('unknown-event')
  await fails(unknown, 'unknown-event', /no event list-foo/)
})

test('a request that runs out of time fails alone; its late answer is not given to the next', async () => {
  const { session, daemon } = await connected()
  const late = session.request('slow', {}, { timeoutMs: 20 })
  const queued = session.request('never-sent', {}, { timeoutMs: 20 })
  const next = session.request('next')
  await daemon.expect('request slow')
  await fails(late, 'timeout', /slow: no answer from the daemon within 20 ms/)
  await fails(queued, 'timeout', /never-sent/)
  daemon.answer({ from: 'slow' })
  await daemon.expect('request next')
  daemon.answer({ from: 'next' })
  assert.equal((await next)['from'], 'next')
})

test('death of the daemon in the middle of an answer fails every waiter at once', async () => {
  const { session, daemon } = await connected()
  const waiting = [session.request('a'), session.request('b'), session.stream('list-sas', 'list-sa')]
  await daemon.expect('request a')
  daemon.raw(encodePacket({ type: 'response', message: encodeMessage({ k: 'v' }) }).subarray(0, 7))
  daemon.hangUp()
  for (const [index, promise] of waiting.entries()) {
    await fails(promise, 'closed', /closed the VICI socket in the middle of a packet/)
    assert.equal(index < 3, true)
  }
  assert.equal((await session.closed).kind, 'closed')
  await fails(session.request('late'), 'closed', /late: the daemon closed/)
})

for (const [name, bytes, says] of [
  ['an unknown packet type', Uint8Array.of(0, 0, 0, 1, 99), /unknown packet type 99/],
  ['a segment beyond the limit', Uint8Array.of(255, 0, 0, 0), /is the limit/],
  ['a broken message', Uint8Array.of(0, 0, 0, 2, 1, 2), /section end without a section/],
  [
    'an answer of the wrong kind',
    encodePacket({ type: 'confirm' }),
    /confirm packet while waiting for stats/,
  ],
] as const) {
  test(`${name} ends the session`, async () => {
    const { session, daemon } = await connected()
    const answer = session.request('stats')
    await daemon.expect('request stats')
    const gone = daemon.gone
    daemon.raw(bytes)
    await fails(answer, 'closed', /not VICI/)
    const cause = (await session.closed).cause
    assert(cause instanceof Error)
    assert.match(cause.message, says)
    await gone
  })
}

test('an answer that nobody asked for ends the session', async () => {
  const { session, daemon } = await connected()
  daemon.answer()
  assert.match(String((await session.closed).cause), /response packet while waiting for nothing/)
})

test('close fails what waits, and no listener is called afterwards', async () => {
  const { session, daemon } = await connected()
  let seen = 0
  const subscribed = session.subscribe(['log'], () => {
    seen++
    session.close()
  })
  await daemon.expect('register log')
  daemon.say('confirm')
  await subscribed
  const answer = session.request('stats')
  const gone = daemon.gone
  const event = encodePacket({ type: 'event', name: 'log', message: new Uint8Array() })
  daemon.raw(Buffer.concat([event, event, event]))
  await fails(answer, 'closed', /stats: the VICI session was closed/)
  session.close()
  await gone
  assert.equal(seen, 1)
})

test('errors do not quote what was sent', async () => {
  const { session, daemon } = await connected()
  const answers = [
    session.request('load-shared', { data: 'hunter2' }, { timeoutMs: 5 }),
    session.request('load-shared', { data: 'hunter2'.repeat(20_000) }),
    session.request('load-shared', { data: 'hunter2' }),
  ]
  const texts = Promise.all(answers.map((answer) => answer.catch((error) => `${error.stack} ${error.cause}`)))
  await daemon.expect('request load-shared')
  await answers[0]?.catch(() => {})
  daemon.hangUp()
  assert.doesNotMatch((await texts).join('\n'), /hunter2/)
})

test('connecting to nothing is an error that names the socket', async () => {
  await fails(ViciSession.connect(join(directory, 'none.sock')), 'connect', /none\.sock/)
})
