/** A thousand connections, ten of them changing each second: the list stays smooth and takes no more and more memory. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, CDPSession } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { seedConnection, seedEnds } from '../support/seed.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { type Task, trace } from './support/trace.ts'
import { upReport } from './support/world.ts'

const ids = { region: 'cn-hangzhou', vpnGatewayId: 'vpn-load', customerGatewayId: 'cgw-load' }
const count = 1_000
/** How long it is used, in seconds; `CONSOLE_LOAD_SECONDS=600` for ten minutes. */
const seconds = Number(process.env['CONSOLE_LOAD_SECONDS'] ?? 15)

let app: TestApp
let browser: Browser
let changing: NodeJS.Timeout
before(async () => {
  app = await startTestApp({ settings: { QUOTAS_CONNECTIONS_PER_GATEWAY: '2000' } })
  await seedEnds(app, ids, { ipAddress: '198.51.100.2', asn: null })
  for (let number = 0; number < count; number++) {
    await seedConnection(app, ids, idOf(number), 'key', {
      name: `branch-${number}`,
      remote_subnet: `192.168.${number % 256}.0/24`,
    })
  }
  app.app.changed([`gateway:${ids.vpnGatewayId}`])
  await until('every tunnel is handed over', async () => app.engine.tunnelsHeld.size === count, 120_000)
  for (let number = 0; number < count; number++) app.engine.see(idOf(number), upReport('198.51.100.2'))
  browser = await launch()
})
after(async () => {
  clearInterval(changing)
  await browser?.close()
  await app?.close()
})

/** What the list says of how many there are: all, or some of all. */
const all = messages['list.count'][0].replace('{count}', String(count))
const some = messages['list.found'][0].replace('{count}', '').replace('{total}', String(count)).trim()

const idOf = (number: number) => `vco-load-${String(number).padStart(4, '0')}`

/** The value that this share of all are not above. */
const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0
const median = (values: readonly number[]) => quantile(values, 0.5)
const most = (values: readonly number[]) => quantile(values, 1)

/** A task that is felt (W3C Long Tasks), in milliseconds. */
const long = 50
/** One that takes a frame, in milliseconds. */
const frame = 16

async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize
}

test('scrolling and filtering a thousand rows while ten change each second', async (t) => {
  const { page, context, faults } = await visit(browser, `http://${app.endpoint}`)
  await signIn(page, `http://${app.endpoint}`, app.root, '/console/connections')
  await page.getByText(all).waitFor({ timeout: 60_000 })
  let turn = 0
  changing = setInterval(() => {
    for (let each = 0; each < 10; each++) {
      const number = turn++ % count
      const failure = { code: 'PEER_SILENT' as const, since: Date.now(), evidence: ['no answer'] }
      app.engine.see(
        idOf(number),
        Math.floor(turn / count) % 2 === 0 ? { failure } : upReport('198.51.100.2'),
      )
    }
  }, 1_000)

  // Frames as the page itself sees them.
  await page.evaluate(`
    window.frames_ = [];
    let last = performance.now();
    const frame = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(frame) };
    requestAnimationFrame(frame)`)
  const session = await context.newCDPSession(page)
  const search = page.getByRole('textbox', { name: messages['list.search'][0] })
  let round = 0
  const scrollAndFilter = async () => {
    await page.mouse.move(700, 500)
    for (let step = 0; step < 20; step++) await page.mouse.wheel(0, round % 2 === 0 ? 400 : -400)
    await search.pressSequentially(`branch-${round % 10}`, { delay: 30 })
    await page.getByText(some).waitFor()
    await search.clear()
    await page.getByText(all).waitFor()
    round++
  }
  const tasks: Task[] = []
  const afterInput: Task[] = []
  let traced = 0
  const use = async (until: number) => {
    while (performance.now() < until) {
      const begin = performance.now()
      const part = await trace(browser, page, async () => {
        while (performance.now() < Math.min(until, begin + 10_000)) await scrollAndFilter()
        traced += performance.now() - begin
      })
      tasks.push(...part.tasks)
      afterInput.push(...part.afterInput)
    }
  }
  const begin = performance.now()
  await use(begin + (seconds * 1000) / 3)
  const before = await heapOf(session)
  await use(begin + seconds * 1000)
  const after = await heapOf(session)

  const frames = await page.evaluate<number[]>('frames_')
  const rounded = (value: number) => Math.round(value)
  const took = (some: readonly Task[]) => some.map((task) => task.took)
  const processor = (some: readonly Task[]) => some.map((task) => task.processor)
  const aFrame = tasks.filter((task) => task.took > frame)
  const felt = tasks.filter((task) => task.took > long)
  const share = took(felt).reduce((sum, time) => sum + time, 0) / traced
  t.diagnostic(
    `${count} connections, 10 changes a second, ${seconds} s: ` +
      `${frames.length} frames, median ${rounded(median(frames))} ms, 95 % below ${rounded(quantile(frames, 0.95))} ms; ` +
      `heap ${rounded(before / 1e6)} MB, then ${rounded(after / 1e6)} MB`,
  )
  t.diagnostic(
    `the longest task after each of ${afterInput.length} turns of the wheel and keys: ` +
      `median ${rounded(median(took(afterInput)))} ms, 99 % below ${rounded(quantile(took(afterInput), 0.99))} ms ` +
      `(of the processor ${rounded(median(processor(afterInput)))} and ${rounded(quantile(processor(afterInput), 0.99))} ms)`,
  )
  t.diagnostic(
    `tasks above ${frame} ms: ${aFrame.length}, median ${rounded(median(took(aFrame)))} ms, most ${rounded(most(took(aFrame)))} ms; ` +
      `long ones, above ${long} ms: ${felt.length}, median ${rounded(median(took(felt)))} ms, together ${(100 * share).toFixed(2)} % of the time; ` +
      `of the processor: ${processor(tasks).filter((time) => time > long).length}, most ${rounded(most(processor(tasks)))} ms`,
  )
  // At the top are the rows that changed first.
  await page.mouse.move(700, 500)
  await page.mouse.wheel(0, -count * 100)
  await page.locator('[data-health="down"]').first().waitFor({ timeout: 110_000 })
  assert.ok(median(frames) <= 50, 'half of all frames come within 50 ms')
  assert.ok(afterInput.length > seconds, 'what was typed and turned is in the trace')
  assert.ok(median(took(afterInput)) <= long, 'no turn of the wheel and no key is felt, by the median')
  // By the processor's time, which other tests beside this one lengthen least.
  assert.ok(
    quantile(processor(afterInput), 0.99) <= long,
    'nor is one in a hundred for what the console does',
  )
  assert.ok(after < before * 1.3 + 5e6, 'memory does not grow with use')
  assert.deepEqual(faults, [])
  await context.close()
})
