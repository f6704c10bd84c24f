import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { AuditRecord } from './model.ts'
import { openAuditTrail, type Place } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'suidao-audit-'))
after(() => rmSync(root, { recursive: true }))

const record = (n: number) => ({ eventId: String(n), eventName: n % 2 ? 'Odd' : 'Even' }) as AuditRecord
const ids = (records: readonly AuditRecord[]) => records.map(({ eventId }) => Number(eventId))
const all = () => true
const log: object[] = []
const open = (name: string, files = 3, fileBytes = 200) =>
  openAuditTrail(join(root, name), { files, fileBytes }, (entry) => log.push(entry))

test('records come back in both orders, page by page, over the ends of files', async () => {
  const trail = await open('pages', 100)
  for (let n = 0; n < 40; n++) {
    trail.append(record(n))
    if (n % 7 === 0) await trail.find(all, 'FORWARD', 1)
  }
  assert.ok(readdirSync(join(root, 'pages')).length > 3)
  for (const order of ['BACKWARD', 'FORWARD'] as const) {
    const seen: number[] = []
    let from: Place | undefined
    do {
      const { records, next } = await trail.find(({ eventName }) => eventName === 'Odd', order, 6, from)
      seen.push(...ids(records))
      // What comes meanwhile is newer than any page that goes back.
      if (order === 'BACKWARD') trail.append(record(100 + seen.length * 2))
      from = next
    } while (from)
    const odd = Array.from({ length: 20 }, (_, n) => 2 * n + 1)
    assert.deepEqual(seen, order === 'FORWARD' ? odd : odd.reverse())
  }
  await trail.close()
})

test('files are bounded, and the oldest go', async () => {
  const trail = await open('bounded')
  for (let n = 0; n < 200; n++) {
    trail.append(record(n))
    await trail.find(all, 'FORWARD', 1)
  }
  await trail.close()
  const names = readdirSync(join(root, 'bounded'))
  assert.ok(names.length <= 3, String(names))
  for (const name of names) {
    const { size, mode } = statSync(join(root, 'bounded', name))
    assert.ok(size <= 300, `${name} has ${size}`)
    assert.equal(mode & 0o077, 0)
  }
  const again = await open('bounded')
  again.append(record(200))
  const { records } = await again.find(all, 'BACKWARD', 3)
  assert.deepEqual(ids(records), [200, 199, 198])
  await again.close()
})

test('a line that a crash cut off and a broken one are passed over', async () => {
  const trail = await open('crash', 3, 10_000)
  trail.append(record(1))
  await trail.close()
  const file = join(root, 'crash', 'audit-00000001.jsonl')
  appendFileSync(file, 'not json\n{"eventId":"2"')
  const again = await open('crash', 3, 10_000)
  assert.deepEqual(ids((await again.find(all, 'BACKWARD', 9)).records), [1])
  again.append(record(3))
  const { records } = await again.find(all, 'BACKWARD', 9)
  assert.deepEqual(ids(records), [3, 1])
  await again.close()
  assert.match(readFileSync(file, 'utf8'), /"eventId":"3"/)
})

test('what cannot be written is said, and calls go on', async () => {
  const trail = await open('gone')
  rmSync(join(root, 'gone'), { recursive: true })
  trail.append(record(1))
  assert.deepEqual(await trail.find(all, 'FORWARD', 1).catch(() => 'unreadable'), 'unreadable')
  assert.match(JSON.stringify(log), /audit trail cannot be written/)
  await trail.close()
})
