/**
 * Takes the pictures of the console that documents show: `npm run screenshots`. From an emulator, in a real Chromium, at 1280 and 390 pixels, in
 * both languages; into docs/images, and with `--all` every page of it into a folder.
 *
 *     node scripts/screenshots.ts [--all <folder>]
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Emulator } from '../src/emulator/emulator.ts'
import { launch, signIn, visit } from '../test/browser/support/browser.ts'
import { startEmulated } from '../test/browser/support/emulated.ts'

const { values } = parseArgs({ options: { all: { type: 'string' } } })
const images = join(dirname(import.meta.dirname), 'docs/images')

/** What the documents show: a page, how wide, in which languages. */
const shown: readonly (readonly [name: string, path: string, width: number, height: number])[] = [
  ['overview', '', 1280, 720],
  ['diagnose', 'connections/{down}/diagnose', 1280, 760],
  ['tunnels', 'connections/{up}/tunnels', 1280, 860],
  ['monitoring', 'connections/{up}/monitoring', 1280, 1440],
  ['phone', 'connections/{down}/diagnose', 390, 844],
]

const places = [
  ...[
    '',
    'connections',
    'attachments',
    'gateways',
    'customer-gateways',
    'networks',
    'routes',
    'events',
    'access',
    'settings',
    'lab',
    'calls',
  ],
  ...[
    '',
    '/tunnels',
    '/routing',
    '/health',
    '/monitoring',
    '/logs',
    '/diagnose',
    '/peer',
    '/history',
    '/api',
  ].flatMap((tab) => [`connections/{up}${tab}`, `connections/{down}${tab}`]),
]

/** An hour of a small network: one connection that carries traffic, one whose peer has another key. */
async function liveThroughAnHour(emulator: Emulator): Promise<{ up: string; down: string }> {
  const { vpnConnectionIds } = await emulator.play('psk-wrong')
  const [up, down] = vpnConnectionIds as [string, string]
  const HealthCheckConfig = JSON.stringify({
    Enable: true,
    Dip: '172.16.0.1',
    Sip: '10.0.0.1',
    Interval: 3,
    Retry: 3,
  })
  await emulator.drift('ModifyVpnConnectionAttribute', { VpnConnectionId: up, HealthCheckConfig })
  for (let minute = 0; minute < 55; minute++) {
    emulator.world.send(up, Math.round(4_000 + 3_000 * Math.sin(minute / 6)), 900)
    emulator.world.setNetwork(up, { loss: minute >= 20 && minute < 30 ? 0.06 : 0 })
    await emulator.advance(60_000)
  }
  return { up, down }
}

const { emulator, origin, key } = await startEmulated()
const browser = await launch()
try {
  const ids = await liveThroughAnHour(emulator)
  const pathOf = (path: string) => path.replace('{up}', ids.up).replace('{down}', ids.down)
  const take = async (
    folder: string,
    name: string,
    path: string,
    width: number,
    height: number,
    whole: boolean,
  ) => {
    for (const language of ['en', 'zh'] as const) {
      const { page, context } = await visit(browser, origin, { language, width, height })
      await signIn(page, origin, key, `/console/${pathOf(path)}`)
      await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined)
      await page.locator('.loading').first().waitFor({ state: 'detached' })
      const file = join(folder, `${name}-${language}.png`)
      await page.screenshot({ path: file, fullPage: whole, animations: 'disabled' })
      console.log(file)
      await context.close()
    }
  }
  if (values.all === undefined) {
    mkdirSync(images, { recursive: true })
    for (const [name, path, width, height] of shown) await take(images, name, path, width, height, false)
  } else {
    mkdirSync(values.all, { recursive: true })
    for (const path of places) {
      const name = path.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'overview'
      await take(values.all, `${name}-1280`, path, 1280, 800, true)
      await take(values.all, `${name}-390`, path, 390, 844, true)
    }
  }
} finally {
  await browser.close()
  await emulator.close()
}
