import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { createLogbook, type Logbook } from './logbook.ts'

let dir: string
let open: Logbook[]
const day = 86_400_000
const always = { from: 0, to: Number.MAX_SAFE_INTEGER }

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'suidao-logbook-'))
  open = []
})
afterEach(async () => {
  for (const book of open) await book.close()
  rmSync(dir, { recursive: true })
})
const logbook = (options: { maxBytes?: number; maxAge?: number; failed?: (cause: unknown) => void } = {}) => {
  const book = createLogbook({ dir, ...options })
  open.push(book)
  return book
}
const texts = async (book: Logbook, id: string, range = always, skip = 0, limit = 1_000) =>
  (await book.read(id, range, skip, limit)).lines.map(({ text }) => text)

test('lines come back in order, of one tunnel, within a time, a page at a time', async () => {
  const book = logbook()
  for (let at = 1; at <= 9; at++) book.append('vco-1', { at, text: `line ${at}` })
  book.append('vco-2', { at: 5, text: 'of another' })
  assert.deepEqual(await texts(book, 'vco-1', { from: 3, to: 6 }), ['line 3', 'line 4', 'line 5'])
  assert.deepEqual(await texts(book, 'vco-1', always, 4, 3), ['line 5', 'line 6', 'line 7'])
  assert.deepEqual(await texts(book, 'vco-1', always, 20, 3), [])
  assert.deepEqual(await texts(book, 'vco-2'), ['of another'])
  assert.deepEqual(await book.read('vco-3', always, 0, 10), { lines: [], complete: true })
})

test('pages over many files are the same as over one', async () => {
  const book = logbook({ maxBytes: 8 * 400 })
  for (let at = 1_000; at < 1_200; at++) {
    book.append('vco-1', { at, text: `${at}` })
    if (at % 10 === 0) await book.read('vco-1', always, 0, 1)
  }
  assert.ok(readdirSync(join(dir, 'vco-1')).length > 1)
  const all = await texts(book, 'vco-1')
  for (let round = 0; round < 2; round++) {
    const pages: string[] = []
    for (let skip = 0; ; skip += 7) {
      const page = await texts(book, 'vco-1', always, skip, 7)
      pages.push(...page)
      if (page.length === 0) break
    }
    assert.deepEqual(pages, all)
  }
  assert.deepEqual(await texts(book, 'vco-1', { from: 1_055, to: 1_058 }), ['1055', '1056', '1057'])
})

test('the bound holds, the newest stay, and it is said that something is missing', async () => {
  const maxBytes = 8_000
  const book = logbook({ maxBytes })
  for (let at = 1; at <= 5_000; at++) book.append('vco-1', { at, text: 'x'.repeat(20) })
  const page = await book.read('vco-1', always, 0, 10_000)
  const folder = join(dir, 'vco-1')
  const size = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  assert.ok(size <= maxBytes + 100, `${size}`)
  assert.ok(size > maxBytes / 2, `${size}`)
  assert.equal(page.lines.at(-1)!.at, 5_000)
  assert.equal(page.complete, false)
  assert.equal((await book.read('vco-1', { from: page.lines[0]!.at, to: 6_000 }, 0, 1)).complete, true)
})

test('what is too old goes, a folder with nothing left too', async () => {
  const book = logbook({ maxAge: 180 * day })
  book.append('vco-old', { at: 1 * day, text: 'old' })
  book.append('vco-new', { at: 100 * day, text: 'new' })
  await book.read('vco-new', always, 0, 1)
  await book.read('vco-old', always, 0, 1)
  await book.tidy(200 * day, async () => true)
  assert.deepEqual(readdirSync(dir), ['vco-new'])
  assert.deepEqual(await texts(book, 'vco-old'), [])
  assert.deepEqual(await texts(book, 'vco-new'), ['new'])
})

test('a later process goes on where the earlier one ended', async () => {
  const first = logbook()
  first.append('vco-1', { at: 1, text: 'before' })
  await first.close()
  const second = logbook()
  second.append('vco-1', { at: 2, text: 'after' })
  assert.deepEqual(await texts(second, 'vco-1'), ['before', 'after'])
})

test('a line that was cut off is not shown and spoils nothing', async () => {
  const first = logbook()
  first.append('vco-1', { at: 1, text: 'whole' })
  await first.close()
  const [name] = readdirSync(join(dir, 'vco-1'))
  appendFileSync(join(dir, 'vco-1', name!), '2 cut of')
  const second = logbook()
  second.append('vco-1', { at: 3, text: 'next' })
  assert.deepEqual(await texts(second, 'vco-1'), ['whole', 'next'])
})

test('a killed process has lost at most the lines of its last moment', async () => {
  const program = `
    import { createLogbook } from ${JSON.stringify(new URL('logbook.ts', import.meta.url).href)}
    const book = createLogbook({ dir: ${JSON.stringify(dir)} })
    let at = 0
    setInterval(() => {
      for (let n = 0; n < 50; n++) book.append('vco-1', { at: ++at, text: 'line ' + at })
      process.stdout.write('.')
    }, 10)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let ticks = 0
  for await (const chunk of child.stdout) {
    ticks += String(chunk).length
    if (ticks >= 60) break
  }
  child.kill('SIGKILL')
  await once(child, 'close')
  const lines = (await logbook().read('vco-1', always, 0, 100_000)).lines
  assert.ok(lines.length > 500, `${lines.length}`)
  assert.deepEqual(
    lines.map(({ text }) => text),
    lines.map((_, index) => `line ${index + 1}`),
  )
})

test('a clock that is set back does not put lines before earlier ones', async () => {
  const book = logbook()
  book.append('vco-1', { at: 1_000, text: 'first' })
  book.append('vco-1', { at: 400, text: 'second' })
  assert.deepEqual(await texts(book, 'vco-1', { from: 1_000, to: 1_001 }), ['first', 'second'])
})

test('a tunnel that is no more takes its log along, what comes later is kept', async () => {
  const book = logbook()
  book.append('vco-1', { at: 1, text: 'before' })
  await book.read('vco-1', always, 0, 1)
  await book.tidy(3, async (id) => id !== 'vco-1')
  assert.deepEqual(readdirSync(dir), [])
  book.append('vco-1', { at: 2, text: 'after' })
  assert.deepEqual(await texts(book, 'vco-1'), ['after'])
})

test('an id makes no path outside, a line end no second line', async () => {
  const book = logbook()
  book.append('../evil', { at: 1, text: 'a\nb\r\nc' })
  assert.deepEqual(await texts(book, '../evil'), ['a b c'])
  assert.deepEqual(readdirSync(dir), ['%2E%2E%2Fevil'])
  const folder = join(dir, '%2E%2E%2Fevil')
  assert.equal(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8'), '1 a b c\n')
})

test('a disk that does not take a line is told, and later lines are tried again', async () => {
  const failures: unknown[] = []
  const book = logbook({ failed: (cause) => failures.push(cause) })
  writeFileSync(join(dir, 'vco-1'), 'a file stands in the way')
  book.append('vco-1', { at: 1, text: 'lost' })
  await book.close()
  assert.equal(failures.length, 1)
  rmSync(join(dir, 'vco-1'))
  book.append('vco-1', { at: 2, text: 'kept' })
  assert.deepEqual(await texts(book, 'vco-1'), ['kept'])
})
