import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../engine.ts'
import { run } from './command.ts'

const failing = async (promise: Promise<string>): Promise<EngineError> => {
  const error = await promise.then(
    (output) => assert.fail(`it gave ${output}`),
    (cause: unknown) => cause,
  )
  assert(error instanceof EngineError)
  return error
}

test('what a command reads and writes goes through', async () => {
  assert.equal(await run('cat', [], { input: 'line 1\nline 2' }), 'line 1\nline 2')
})

test('arguments reach the program as they are, whatever a shell would make of them', async () => {
  assert.equal(await run('printf', ['%s', '$(id); `id` "x" \'y\' *']), '$(id); `id` "x" \'y\' *')
})

test('a failure names the command, the exit and what was said', async () => {
  const error = await failing(run('sh', ['-c', 'echo "no such thing" >&2; exit 3']))
  assert.match(error.message, /^sh -c .*: exit 3: no such thing$/s)
  assert.equal(error.retry, true)
})

test('what is not installed or not allowed will not be so by trying again', async () => {
  const missing = await failing(run('no-such-program-here', []))
  assert.equal(missing.message, 'no-such-program-here: not installed')
  assert.equal(missing.retry, false)
  const denied = await failing(run('sh', ['-c', 'echo "Operation not permitted" >&2; exit 1']))
  assert.equal(denied.retry, false)
})

test('a command that does not end is ended', async () => {
  const error = await failing(run('sleep', ['60'], { timeoutMs: 50 }))
  assert.match(error.message, /^sleep 60: no end within 50 ms/)
})

test('a command that ends before it has read everything fails by its own exit alone', async () => {
  const error = await failing(run('sh', ['-c', 'exit 4'], { input: 'x'.repeat(1_000_000) }))
  assert.match(error.message, /exit 4/)
})
