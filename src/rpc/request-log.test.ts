import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRequestLogger, type RequestLog, renderLine } from './request-log.ts'

const entry: RequestLog = {
  time: Date.UTC(2026, 10, 22, 1, 2, 3, 4),
  requestId: 'ID',
  action: 'DescribeVpnConnection',
  accessKeyId: 'LTAI5t',
  status: 200,
  code: 'OK',
  duration: 812,
  remoteAddress: '192.0.2.1',
}

/** Keeps what was written; `writableLength` as a stuck reader would show it. */
function collector(writableLength = 0) {
  const chunks: string[] = []
  return {
    writableLength,
    chunks,
    write: (bytes: Uint8Array) => chunks.push(Buffer.from(bytes).toString()),
    lines: () =>
      chunks
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

describe('a line', () => {
  it('is one JSON object', () => {
    assert.deepEqual(JSON.parse(renderLine(entry)), {
      time: '2026-11-22T01:02:03.004Z',
      requestId: 'ID',
      action: 'DescribeVpnConnection',
      accessKeyId: 'LTAI5t',
      status: 200,
      code: 'OK',
      durationUs: 812,
      remoteAddress: '192.0.2.1',
    })
  })
  it('stays one line with whatever a caller called itself and its action, cut to a sane length', () => {
    const line = renderLine({
      ...entry,
      action: `"}\n{"evil":1\u2028${'x'.repeat(1000)}`,
      accessKeyId: '\u0000隧',
    })
    assert.equal(line.indexOf('\n'), line.length - 1)
    const read = JSON.parse(line) as Record<string, string>
    assert.ok(read['action']!.startsWith('"}\n{"evil":1\u2028xxx'))
    assert.equal(read['action']!.length, 128)
    assert.equal(read['accessKeyId'], '\u0000隧')
  })
  it('has the cause of an internal error, with the cause of that', () => {
    const cause = new Error('outer', { cause: new Error('inner') })
    const read = JSON.parse(renderLine({ ...entry, status: 500, code: 'InternalError', cause })) as Record<
      string,
      string
    >
    assert.match(read['cause']!, /^Error: outer\n[\s\S]*caused by: Error: inner/)
    assert.match(renderLine({ ...entry, cause: 'text' }), /"cause":"Thrown: string"/)
  })
})

describe('the logger', () => {
  it('holds lines back until flush, in order', () => {
    const destination = collector()
    const { log, flush } = createRequestLogger(destination)
    log(entry)
    log({ ...entry, requestId: 'TWO' })
    assert.equal(destination.chunks.length, 0)
    flush()
    flush()
    assert.equal(destination.chunks.length, 1)
    assert.deepEqual(
      destination.lines().map((line) => line['requestId']),
      ['ID', 'TWO'],
    )
  })
  it('writes by itself before long', async () => {
    const destination = collector()
    const written = new Promise<void>((resolve) => {
      const { log } = createRequestLogger({
        write(bytes) {
          destination.write(bytes)
          resolve()
        },
      })
      log(entry)
    })
    const alive = setInterval(() => undefined, 1000)
    await written
    clearInterval(alive)
    assert.equal(destination.lines().length, 1)
  })
  it('writes in pieces, loses and mixes nothing, also with a line larger than a piece', () => {
    const destination = collector()
    const { log, flush } = createRequestLogger(destination)
    const large = new Error('x'.repeat(200_000))
    for (let at = 0; at < 4000; at++)
      log({ ...entry, requestId: String(at), cause: at === 500 ? large : undefined })
    flush()
    const lines = destination.lines()
    assert.deepEqual(
      lines.map((line) => line['requestId']),
      Array.from({ length: 4000 }, (_, at) => String(at)),
    )
    assert.ok(destination.chunks.length > 3 && destination.chunks.length < 30)
  })
  it('drops lines while nobody reads, and says how many', () => {
    const destination = collector(32 * 1024 * 1024)
    const { log, flush } = createRequestLogger(destination)
    for (let at = 0; at < 5; at++) log(entry)
    destination.writableLength = 0
    log(entry)
    flush()
    assert.deepEqual(
      destination.lines().map((line) => line['droppedLines'] ?? line['requestId']),
      [5, 'ID'],
    )
  })
})
