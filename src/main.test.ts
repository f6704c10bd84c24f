/** The server as a process of its own, started by the command as an operator does. Role `api` needs no rights. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../bin/suidao.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'suidao-main-'))
const running = new Set<ChildProcess>()
after(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

interface Run {
  readonly child: ChildProcess
  readonly output: { out: string; err: string }
  /** Resolves when a line of the output matches, rejects when the process ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<number | null>
}

function start(env: Record<string, string>): Run {
  const child = spawn(process.execPath, [command, 'start'], {
    env: {
      PATH: process.env['PATH'],
      SUIDAO_ROLES: 'api',
      SUIDAO_LISTEN: '127.0.0.1:0',
      SUIDAO_DATA_DIR: join(folder, 'data'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const output = { out: '', err: '' }
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.err += text
  })
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.out)
        if (match) resolve(match)
      }
      child.stdout.on('data', look)
      look()
      void ended.then((code) => reject(new Error(`ended with ${code}: ${output.out}${output.err}`)))
    })
  return { child, output, until, ended }
}

test('the first start makes one root key, which no log holds; the next starts make none', async () => {
  const file = join(folder, 'data/root-access-key.json')
  const first = start({})
  await first.until(/^key +(LTAI\w+)$/m)
  const key = JSON.parse(readFileSync(file, 'utf8'))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(/^key +(\S+)$/m.exec(first.output.out)![1], key.AccessKeyId)
  assert.equal((first.output.out + first.output.err).includes(key.AccessKeySecret), false)
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)

  rmSync(file)
  const second = start({})
  await second.until(/^endpoint/m)
  second.child.kill('SIGINT')
  assert.equal(await second.ended, 0)
  assert.doesNotMatch(second.output.out, /^key/m)
  assert.equal(existsSync(file), false)
})

test('it prints where it answers, and answers there', async () => {
  const server = start({ SUIDAO_DATA_DIR: join(folder, 'answers') })
  const [, endpoint] = await server.until(/^endpoint +(http:\S+)$/m)
  const response = await fetch(`${endpoint}/?Action=DescribeRegions&Format=JSON`)
  const body = (await response.json()) as Record<string, string>
  assert.match(body['RequestId']!, /^[0-9A-F-]{36}$/)
  assert.equal(response.status, 400)
  server.child.kill('SIGTERM')
  assert.equal(await server.ended, 0)
})

test('its log goes to a file when one is named, and it outlives whoever read its output', async () => {
  const file = join(folder, 'suidao.log')
  const server = start({ SUIDAO_DATA_DIR: join(folder, 'logs'), SUIDAO_LOG_FILE: file })
  const [, endpoint] = await server.until(/^endpoint +(http:\S+)$/m)
  server.child.stdout!.destroy()
  server.child.stderr!.destroy()
  const answer = await fetch(`${endpoint}/?Action=DescribeRegions&Format=JSON`)
  const { RequestId } = (await answer.json()) as Record<string, string>
  server.child.kill('SIGTERM')
  assert.equal(await server.ended, 0)
  assert.match(readFileSync(file, 'utf8'), new RegExp(RequestId!))
})

test('what keeps it from starting is said in a sentence', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const cases: [name: string, env: Record<string, string>, code: number, sentence: RegExp][] = [
    [
      'a taken port',
      { SUIDAO_LISTEN: `127.0.0.1:${port}` },
      1,
      /127\.0\.0\.1:\d+ is in use by another process/,
    ],
    [
      'a foreign address',
      { SUIDAO_LISTEN: '192.0.2.1:80' },
      1,
      /192\.0\.2\.1:80 is not an address of this machine/,
    ],
    ['a folder that is a file', { SUIDAO_DATA_DIR: command }, 1, /cannot start: .*suidao\.mjs/],
    ['no database', { SUIDAO_DATABASE: 'postgres://x@127.0.0.1:1/x' }, 1, /cannot start: .*ECONNREFUSED/],
    [
      'a log file without a folder',
      { SUIDAO_LOG_FILE: '/nowhere/log' },
      1,
      /\/nowhere\/log cannot be opened \(ENOENT\)/,
    ],
    ['another master key', { SUIDAO_MASTER_KEY: '0'.repeat(64) }, 1, /cannot start: .*master key/],
    ['a contradiction', { SUIDAO_WAN_BRIDGE: 'br0' }, 2, /SUIDAO_WAN_BRIDGE is for a node that runs tunnels/],
  ]
  const before = start({})
  await before.until(/^endpoint/m)
  before.child.kill('SIGTERM')
  await before.ended
  for (const [name, env, code, sentence] of cases) {
    await t.test(name, async () => {
      const server = start(env)
      assert.equal(await server.ended, code)
      assert.match(server.output.err, sentence)
      assert.doesNotMatch(server.output.err, /\n\s+at /, 'a stack trace is no sentence')
    })
  }
})
