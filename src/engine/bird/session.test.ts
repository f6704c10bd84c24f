import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { BirdError, BirdSession } from './session.ts'

let directory: string
let path: string
let server: Server
const open: { close(): void }[] = []

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bird-'))
  path = join(directory, 'bird.ctl')
  server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
})
after(async () => {
  server.close()
  await rm(directory, { recursive: true })
})
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A session, and BIRD's end of it: what was asked comes out line by line. */
async function connected(timeoutMs = 2_000) {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const connecting = BirdSession.connect(path, { timeoutMs })
  const [socket] = await accepted
  socket.on('error', () => {})
  socket.write('0001 BIRD 2.0.12 ready.\n')
  const session = await connecting
  open.push(session, { close: () => socket.destroy() })
  const asked: string[] = []
  let wake = () => {}
  socket.on('data', (chunk) => {
    asked.push(...chunk.toString().split('\n').filter(Boolean))
    wake()
  })
  const next = async () => {
    while (asked.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return asked.shift()
  }
  return { session, socket, next, asked }
}

const fails = (promise: Promise<unknown>, kind: string, says: RegExp) =>
  assert.rejects(promise, (error: unknown) => {
    assert(error instanceof BirdError, String(error))
    assert.equal(error.kind, kind)
    assert.match(error.message, says)
    return true
  })

test('one question at a time, each with its own answer', async () => {
  const { session, socket, next, asked } = await connected()
  const answers = Promise.all([session.ask('show status'), session.ask('show protocols')])
  assert.equal(await next(), 'show status')
  assert.equal(asked.length, 0)
  socket.write('1000-BIRD 2.0.12\n0013 up\n')
  assert.equal(await next(), 'show protocols')
  socket.write('0000 \n')
  assert.deepEqual(await answers, [
    [
      { code: 1000, text: 'BIRD 2.0.12' },
      { code: 13, text: 'up' },
    ],
    [{ code: 0, text: '' }],
  ])
})

test('a refusal is an error in the words of BIRD, and the session goes on', async () => {
  const { session, socket, next } = await connected()
  const refused = fails(session.ask('configure check "/x"'), 'refused', /BIRD: \/x:12:4 syntax error/)
  await next()
  socket.write('0002-Reading\n8002 /x:12:4 syntax error\n')
  await refused
  const answer = session.ask('show status')
  await next()
  socket.write('0013 up\n')
  await answer
})

test('the log is heard between answers and after them', async () => {
  const { session, socket, next } = await connected()
  const heard: string[] = []
  const listening = session.listen((line) => heard.push(line))
  assert.equal(await next(), 'echo all')
  socket.write('+early\n0000 \n+vco_1: State changed to up\n')
  await listening
  const answer = session.ask('show status')
  await next()
  socket.write('1000-x\n+in between\n0013 up\n')
  await answer
  assert.deepEqual(heard, ['early', 'vco_1: State changed to up', 'in between'])
})

test('everything that waits fails when BIRD goes away, says nonsense or says nothing', async () => {
  for (const [what, act, says] of [
    ['goes', (socket: Socket) => socket.destroy(), /closed its socket/],
    ['nonsense', (socket: Socket) => socket.write('what?\n'), /no answer/],
    ['silence', () => {}, /no answer to "show status" within 100 ms/],
  ] as const) {
    const { session, socket, next } = await connected(100)
    const waiting = Promise.all([
      fails(session.ask('show status'), 'closed', says),
      fails(session.ask('show protocols'), 'closed', says),
    ])
    await next()
    act(socket)
    await waiting
    assert.match((await session.closed).message, says, what)
    await fails(session.ask('show status'), 'closed', says)
  }
})

test('an answer that nobody asked for ends the session', async () => {
  const { session, socket } = await connected()
  socket.write('0000 \n')
  assert.match((await session.closed).message, /nobody had asked/)
})

test('a command is one line', async () => {
  const { session } = await connected()
  await fails(session.ask('show status\ndown'), 'refused', /one line/)
})

test('connecting to nothing is an error that names the socket', () =>
  fails(BirdSession.connect(join(directory, 'none')), 'connect', /cannot connect .*none/))
