/** Every page in both languages: it says what it should, nothing is refused by the policy, nothing leaves the origin, axe finds nothing serious. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { startWorld, upReport, type World } from './support/world.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let world: World
let browser: Browser
let office = ''
let plant = ''
before(async () => {
  world = await startWorld()
  office = await world.connect('shanghai-office')
  plant = await world.connect('frankfurt-plant')
  world.engine.see(office, upReport('198.51.100.2'))
  world.engine.see(plant, {
    failure: {
      code: 'PSK_MISMATCH',
      since: Date.now() - 95_000,
      evidence: ['received AUTHENTICATION_FAILED'],
    },
  })
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await world?.close()
})

/** Serious and critical findings of axe on what is shown now. */
async function findings(page: Page): Promise<string[]> {
  // Evaluated as the debugger does, which the page's policy does not stop.
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
        }>
      }
    }
    const { violations } = await axe.run()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
      )
  })
}

for (const language of ['en', 'zh'] as const) {
  const word = (key: keyof typeof messages) => messages[key][language === 'en' ? 0 : 1]

  test(`every page, ${language}`, async () => {
    const { page, context, faults } = await visit(browser, world.origin, { language })
    await page.goto(`${world.origin}/console`)
    await page.getByRole('heading', { name: word('signIn.title') }).waitFor()
    const serious: Record<string, string[]> = {}
    const look = async (path: string) => {
      const found = await findings(page)
      if (found.length > 0) serious[path] = found
    }
    await look('sign-in')
    await signIn(page, world.origin, world.root)
    const places: [path: string, says: string][] = [
      ['', word('overview.attention')],
      ['connections', 'shanghai-office'],
      ['gateways', 'edge-hangzhou'],
      ['customer-gateways', 'shanghai-office-router'],
      ['networks', 'production'],
      ['routes', word('routes.which')],
      ['events', 'frankfurt-plant'],
      ['access', word('access.policy')],
      ['settings', word('settings.quotas')],
      [`connections/${office}`, word('connection.part.ike')],
      [`connections/${office}/tunnels`, 'c1a2b3d4'],
      [`connections/${office}/routing`, word('bgp.off')],
      [`connections/${office}/health`, word('probe.off')],
      [`connections/${office}/logs`, word('logs.tail')],
      [`connections/${office}/monitoring`, word('range.30d')],
      [`connections/${plant}/diagnose`, word('verdict.down')],
      [`connections/${office}/peer`, 'swanctl'],
      [`connections/${plant}/history`, word('health.down')],
      [`connections/${office}/api`, 'DescribeVpnConnection'],
      ['nowhere', word('state.noPage')],
    ]
    for (const [path, says] of places) {
      await page.goto(`${world.origin}/console/${path}`)
      await page.locator('#content').getByText(says).first().waitFor()
      await page.locator('.loading').first().waitFor({ state: 'detached' })
      await look(path)
    }
    assert.deepEqual({ serious, faults }, { serious: {}, faults: [] })
    await context.close()
  })
}
