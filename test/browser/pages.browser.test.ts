/** Every page in both languages: it says what it should, nothing is refused by the policy, nothing leaves the origin, axe finds nothing serious. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { reasons } from '../../src/engine/reason.ts'
import { addSamples } from '../../src/resources/history/store.ts'
import { createRole } from '../../src/resources/role/store.ts'
import { accountId, type Key } from '../support/app.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { startWorld, upReport, type World } from './support/world.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let world: World
let browser: Browser
let office = ''
let plant = ''
let branch = ''
let nightShift: Key
before(async () => {
  world = await startWorld()
  office = await world.connect('shanghai-office')
  const look = [{ Effect: 'Allow' as const, Action: ['vpc:Describe*'], Resource: ['*'] }]
  nightShift = await world.userKey('night-shift', look)
  const role = { accountId, name: 'stand-in', statements: look, maxSession: 3600 }
  await createRole(world.app.db, role, Date.now())
  plant = await world.connect('frankfurt-plant')
  branch = await world.attach('lisbon-branch')
  world.engine.see(office, upReport('198.51.100.2'))
  world.engine.see(plant, {
    failure: {
      code: 'PSK_MISMATCH',
      since: Date.now() - 95_000,
      evidence: ['received AUTHENTICATION_FAILED'],
    },
  })
  world.engine.see(branch, {
    failure: {
      code: 'IKE_ENCRYPTION_MISMATCH',
      since: Date.now() - 5_000,
      evidence: [
        'no proposal found',
        'received proposals: IKE:AES_CBC_256/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
        'configured proposals: IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
      ],
    },
  })
  await remember(office)
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await world?.close()
})

/** An hour in which it carried traffic and its health check lost some probes. */
async function remember(id: string): Promise<void> {
  const begin = Math.floor(Date.now() / 60_000 - 60) * 60_000
  const { db } = world.app
  await db.transaction(async (trx) => {
    const minutes = Array.from({ length: 60 }, (_, index) => ({
      ...{ tunnel_id: id, connection_id: id, span: 60, at: begin + index * 60_000 },
      ...{
        observed_ms: 60_000,
        up_ms: 60_000,
        bytes_in: 1e8,
        bytes_out: 1e7,
        packets_in: 1e5,
        packets_out: 1e4,
      },
      ...{ probes_answered: 19, probes_lost: 1, rtt_us: 19 * 12_500 },
    }))
    await addSamples(trx, minutes)
    await trx
      .updateTable('tunnel_observation')
      .set({ rate_in: 8_000_000, rate_out: 800_000 })
      .where('tunnel_id', '=', id)
      .execute()
  })
}

/** Serious and critical findings of axe on what is shown now, in light and in dark; by the latter only colours differ. */
async function findings(page: Page): Promise<string[]> {
  // Evaluated as the debugger does, which the page's policy does not stop.
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axeSource)
  const run = (options: object) =>
    page.evaluate(async (asked) => {
      const { axe } = globalThis as unknown as {
        axe: {
          run(options: object): Promise<{
            violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
          }>
        }
      }
      const { violations } = await axe.run(asked)
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) =>
          nodes
            .slice(0, 3)
            .map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
        )
    }, options)
  const light = await run({})
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.locator('[data-theme="dark"]').waitFor({ state: 'attached' })
  const dark = await run({ runOnly: ['color-contrast'] })
  await page.emulateMedia({ colorScheme: 'light' })
  return [...light, ...dark.map((one) => `dark: ${one}`)]
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
    const places: [path: string, says: string | RegExp][] = [
      ['', word('overview.attention')],
      ['connections', /^↓ [\d.]+ .?bit\/s$/],
      ['attachments', 'lisbon-branch'],
      ['gateways', 'edge-hangzhou'],
      ['customer-gateways', 'shanghai-office-router'],
      ['networks', 'production'],
      ['routes', word('routes.which')],
      ['events', 'frankfurt-plant'],
      ['access', 'night-shift'],
      ['settings', word('settings.quotas')],
      [`connections/${office}`, word('connection.part.ike')],
      // Above its tabs stands what is wrong with it.
      [`connections/${plant}`, reasons.PSK_MISMATCH.remedy[language]],
      [`connections/${office}/tunnels`, 'c1a2b3d4'],
      [`connections/${office}/routing`, word('bgp.off')],
      [`connections/${office}/health`, word('probe.off')],
      [`connections/${office}/logs`, word('logs.tail')],
      [`connections/${office}/monitoring`, word('monitoring.rtt')],
      [`connections/${plant}/diagnose`, word('verdict.down')],
      [`connections/${office}/peer`, 'swanctl'],
      [`connections/${plant}/history`, word('health.down')],
      [`connections/${office}/api`, 'DescribeVpnConnection'],
      [`attachments/${branch}/routing`, '192.168.3.0/24'],
      ['nowhere', word('state.noPage')],
      [`attachments/${branch}/peer`, 'AES_CBC_256'],
    ]
    for (const [path, says] of places) {
      // As a click on a link does; that addresses can be opened is for the first page of all and for other tests.
      await page.evaluate(`history.pushState(null, '', '/console/${path}')`)
      await page.locator('#content').getByText(says).first().waitFor()
      await page.locator('.loading').first().waitFor({ state: 'detached' })
      await look(path)
    }
    await page.locator('mark', { hasText: /^AES_CBC_256$/ }).waitFor()
    // What lies open stands in the address.
    const drawer = page.getByRole('dialog')
    const over: [opened: string, says: string][] = [
      ['user:policies:night-shift', word('access.noPolicies')],
      ['user:keys:night-shift', nightShift.id],
      ['role:policies:stand-in', word('access.noPolicies')],
      ['role:rights:stand-in', 'vpc:Describe*'],
      ['role:edit:stand-in', word('access.trust')],
      ['policy:System:AdministratorAccess', '"Version"'],
    ]
    await page.goto(`${world.origin}/console/access?open=${over[0]![0]}`)
    for (const [opened, says] of over) {
      await page.evaluate(`history.pushState(null, '', '/console/access?open=${opened}')`)
      await drawer.getByText(says).first().waitFor()
      if (says === nightShift.id) {
        await drawer
          .getByRole('button', { name: word('access.rightsOf').replace('{name}', nightShift.id) })
          .click()
        await drawer.getByText('vpc:Describe*').waitFor()
        await drawer.getByText(word('access.by.Key')).waitFor()
      }
      await look(opened)
      await page.keyboard.press('Escape')
      await drawer.waitFor({ state: 'detached' })
      assert.equal(new URL(page.url()).search, '')
    }
    await page.setViewportSize({ width: 390, height: 844 })
    const tooWide: string[] = []
    for (const [path, says] of places) {
      await page.evaluate(`history.pushState(null, '', '/console/${path}')`)
      await page.locator('#content').getByText(says).first().waitFor()
      await page.locator('.loading').first().waitFor({ state: 'detached' })
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
      if (wide > 390) tooWide.push(`${path}: ${wide}`)
    }
    assert.deepEqual({ serious, faults, tooWide }, { serious: {}, faults: [], tooWide: [] })
    await context.close()
  })
}
