/** A thousand connections, ten of them changing each second: the list stays smooth and takes no more and more memory. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, CDPSession } from 'playwright-core'
import { startTestApp, type TestApp, until } from '../support/app.ts'
import { seedConnection, seedEnds } from '../support/seed.ts'
import { launch, signIn, visit } from './support/browser.ts'
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

const idOf = (number: number) => `vco-load-${String(number).padStart(4, '0')}`

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize
}

test('scrolling and filtering a thousand rows while ten change each second', async (t) => {
  const { page, context, faults } = await visit(browser, `http://${app.endpoint}`)
  await signIn(page, `http://${app.endpoint}`, app.root, '/console/connections')
  await page.getByText(`${count} in all`).waitFor({ timeout: 60_000 })
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

  // Frames and long tasks (W3C Long Tasks: more than 50 ms), as the page itself sees them.
  await page.evaluate(`
    window.frames_ = []; window.long_ = [];
    new PerformanceObserver((list) => long_.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' });
    let last = performance.now();
    const frame = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(frame) };
    requestAnimationFrame(frame)`)
  const session = await context.newCDPSession(page)
  const use = async (until: number) => {
    for (let round = 0; performance.now() < until; round++) {
      await page.mouse.move(700, 500)
      for (let step = 0; step < 20; step++) await page.mouse.wheel(0, round % 2 === 0 ? 400 : -400)
      const search = page.getByRole('textbox', { name: 'Search' })
      await search.pressSequentially(`branch-${round % 10}`, { delay: 30 })
      await page.getByText(`of ${count}`).waitFor()
      await search.clear()
      await page.getByText(`${count} in all`).waitFor()
    }
  }
  const begin = performance.now()
  await use(begin + (seconds * 1000) / 3)
  const before = await heapOf(session)
  await use(begin + seconds * 1000)
  const after = await heapOf(session)

  const frames = await page.evaluate<number[]>('frames_')
  const long = await page.evaluate<number[]>('long_')
  const rounded = (value: number) => Math.round(value)
  t.diagnostic(
    `${count} connections, 10 changes a second, ${seconds} s: ${frames.length} frames, median ${rounded(median(frames))} ms, ` +
      `95 % below ${rounded(frames.toSorted((a, b) => a - b)[Math.floor(frames.length * 0.95)] ?? 0)} ms; ` +
      `${long.length} long tasks, median ${rounded(median(long))} ms, most ${rounded(Math.max(0, ...long))} ms; ` +
      `heap ${rounded(before / 1e6)} MB, then ${rounded(after / 1e6)} MB`,
  )
  // A row changes every hundred seconds, whichever of them are in sight now.
  await page.locator('[data-health="down"]').first().waitFor({ timeout: 110_000 })
  assert.ok(median(frames) <= 50, 'half of all frames come within 50 ms')
  assert.ok(after < before * 1.3 + 5e6, 'memory does not grow with use')
  assert.deepEqual(faults, [])
  await context.close()
})
