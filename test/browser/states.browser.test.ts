/** What pages show when there is nothing, not yet, not for you, or not any more; and the ways in and out. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { startWorld, upReport, type World } from './support/world.ts'

let world: World
let browser: Browser
let office = ''
before(async () => {
  world = await startWorld()
  office = await world.connect('shanghai-office')
  world.engine.see(office, upReport('198.51.100.2'))
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await world?.close()
})

type Key = keyof typeof messages

/** Every page that asks for something, and what it says when there is none of it. */
const pages: readonly (readonly [path: string, none: Key | undefined])[] = [
  ['', 'overview.first'],
  ['connections', 'connections.none'],
  ['attachments', 'attachments.none'],
  ['gateways', 'gateways.none'],
  ['customer-gateways', 'customers.none'],
  ['networks', 'networks.noVpc'],
  ['routes', 'gateways.none'],
  ['events', 'events.none'],
  ['connections/{office}/routing', 'routes.none'],
  ['connections/{office}/monitoring', 'monitoring.none'],
  ['connections/{office}/logs', 'logs.none'],
  ['connections/{office}/peer', undefined],
  ['connections/{office}/history', 'events.none'],
]

for (const language of ['en', 'zh'] as const) {
  const word = (key: keyof typeof messages) => messages[key][language === 'en' ? 0 : 1]

  test(`every page while it waits, when it may not ask, when asking fails, and with nothing there, ${language}`, async () => {
    const { page, context, faults } = await visit(browser, world.origin, { language })
    await signIn(page, world.origin, world.root, '/console/settings')
    let mode: 'wait' | 'deny' | 'fail' | 'none' = 'wait'
    // Tabs of a connection are reached through its answer, which is therefore always given.
    await page.route(/\/console\/api\/[^/]+\/(?!DescribeVpnConnection$)/, async (route) => {
      if (mode === 'deny') {
        await route.fulfill({
          status: 403,
          json: { Code: 'Forbbiden.SubUser', Message: 'no', RequestId: 'ID' },
        })
      } else if (mode === 'fail')
        await route.fulfill({ status: 400, json: { Code: 'Broken', Message: 'no' } })
      else if (mode === 'none') await route.fulfill({ json: { RequestId: 'ID' } })
    })
    for (mode of ['wait', 'deny', 'fail', 'none'] as const) {
      // Nothing of what was shown before is kept.
      await page.goto(`${world.origin}/console/settings`)
      await page.getByRole('heading', { name: word('nav.settings') }).waitFor()
      for (const [path, none] of pages) {
        await page.evaluate(`history.pushState(null, '', '/console/${path.replace('{office}', office)}')`)
        const content = page.locator('#content')
        if (mode === 'wait')
          await content
            .getByRole('status', { name: word('state.loading') })
            .first()
            .waitFor()
        if (mode === 'deny') await content.getByText(word('state.denied')).first().waitFor()
        if (mode === 'deny') await content.getByText('Forbbiden.SubUser').first().waitFor()
        if (mode === 'fail') await content.getByText(word('state.failed')).first().waitFor()
        if (mode === 'fail')
          await content
            .getByRole('button', { name: word('action.retry') })
            .first()
            .waitFor()
        if (mode === 'none' && none) await content.getByText(word(none)).first().waitFor()
        assert.match(await page.title(), / · Suidao$/)
      }
    }
    assert.deepEqual(faults, [])
    await context.close()
  })

  test(`loading, failed, stale, denied, gone, empty, ${language}`, async () => {
    const { page, context } = await visit(browser, world.origin, { language })
    await signIn(page, world.origin, world.root)

    const held = Promise.withResolvers<void>()
    await page.route('**/DescribeCustomerGateways', async (route) => {
      await held.promise
      await route.continue()
    })
    await page.clock.install()
    await page.goto(`${world.origin}/console/customer-gateways`)
    await page.getByRole('status', { name: word('state.loading') }).waitFor()
    held.resolve()
    await page.getByText('shanghai-office-router').first().waitFor()

    // An answer is at hand and the next attempt fails: both are shown.
    await page.unroute('**/DescribeCustomerGateways')
    await page.route('**/DescribeCustomerGateways', (route) =>
      route.fulfill({ status: 400, json: { Code: 'Broken', Message: 'no' } }),
    )
    await page.clock.fastForward('00:20')
    await page.getByText(word('state.stale')).waitFor()
    assert.ok(await page.getByText('shanghai-office-router').first().isVisible())

    await page.route('**/DescribeVpnGateways', (route) => route.abort())
    await page.goto(`${world.origin}/console/gateways`)
    await page.getByText(word('state.unreachable'), { exact: true }).waitFor()
    await page.unroute('**/DescribeVpnGateways')
    await page.getByRole('button', { name: word('action.retry') }).click()
    await page.getByText('edge-hangzhou').first().waitFor()

    await page.goto(`${world.origin}/console/connections/vco-none`)
    await page.getByText(word('state.notFound')).waitFor()
    await context.close()

    const reader = await world.userKey(`reader-${language}`, [
      { Effect: 'Allow', Action: ['vpc:DescribeVpnConnection*'], Resource: ['*'] },
    ])
    const other = await visit(browser, world.origin, { language })
    await signIn(other.page, world.origin, reader, '/console/gateways')
    await other.page.getByText(word('state.denied')).waitFor()
    await other.page.getByText('Forbbiden.SubUser').waitFor()
    await other.page.goto(`${world.origin}/console/access`)
    const users = other.page.locator('.ant-card', { hasText: word('access.users') }).last()
    await users.getByText(word('state.denied')).waitFor()
    await other.page.goto(`${world.origin}/console/connections`)
    await other.page.getByText('shanghai-office').first().waitFor()
    await other.context.close()

    const stranger = await world.rootKeyOf(language === 'en' ? '5555555555555555' : '6666666666666666')
    const third = await visit(browser, world.origin, { language })
    await signIn(third.page, world.origin, stranger, '/console/connections')
    await third.page.getByText(word('connections.none')).waitFor()
    await third.page.goto(`${world.origin}/console`)
    await third.page.getByText(word('overview.first')).waitFor()
    await third.context.close()
  })
}

test('a wrong secret is refused, guessing is slowed, signing out ends it everywhere', async () => {
  const key = await world.userKey('visitor', [])
  const { page, context } = await visit(browser, world.origin)
  await page.goto(`${world.origin}/console`)
  const attempt = async (secret: string) => {
    await page.locator('#AccessKeyId').fill(key.id)
    await page.locator('#AccessKeySecret').fill(secret)
    await page.locator('button[type=submit]').click()
  }
  await attempt('wrong')
  await page.getByText(messages['signIn.refused'][0]).waitFor()
  assert.equal(await page.locator('#AccessKeySecret').inputValue(), '')
  await attempt(key.secret)
  await page.locator('#content').waitFor()
  const kept = await page.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
  )
  assert.ok(
    !kept.includes(key.secret) && !kept.includes('suidao_session'),
    'nothing of it is within reach of a script',
  )

  const second = await context.newPage()
  await second.goto(`${world.origin}/console/access`)
  await second.getByRole('button', { name: messages['nav.signOutAll'][0] }).click()
  await second.locator('#AccessKeyId').waitFor()
  await page.goto(`${world.origin}/console/connections`)
  await page.locator('#AccessKeyId').waitFor()
  await context.close()
})

test('by keyboard alone: skip the navigation, open a connection, change its tab', async () => {
  const { page, context } = await visit(browser, world.origin)
  await signIn(page, world.origin, world.root, '/console/connections')
  await page.getByText('shanghai-office').first().waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate<string>('document.activeElement.textContent'), messages['nav.skip'][0])
  await page.getByRole('link', { name: 'shanghai-office', exact: true }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('tab', { name: messages['tab.summary'][0] }).focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await page.getByText('c1a2b3d4').first().waitFor()
  assert.match(page.url(), /\/tunnels$/)
  // When the peer was seen has not been reported.
  const signs = page.getByRole('region', { name: messages['liveness.title'][0] })
  assert.equal(await signs.getByText(messages['label.notKnown'][0]).count(), 2)
  assert.equal(await signs.locator('time').count(), 0)
  await context.close()
})

test('a search stands in the address, the CSV holds what is shown, a region is chosen by name', async () => {
  const { page, context } = await visit(browser, world.origin)
  await signIn(page, world.origin, world.root, '/console/connections?q=shanghai&health=up')
  await page.getByText('shanghai-office').first().waitFor()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: messages['action.csv'][0] }).click()
  const stream = await (await download).createReadStream()
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  const csv = Buffer.concat(chunks).toString()
  assert.match(csv, /^\uFEFFName,Health,Reason,/)
  assert.match(csv, new RegExp(`shanghai-office ${office}`))

  const views = page.getByRole('button', { name: messages['views.title'][0] })
  const entry = (name: string) => page.getByRole('menuitem', { name })
  await views.click()
  await entry(messages['views.save'][0]).click()
  await page.getByRole('textbox', { name: messages['views.name'][0] }).fill('mine')
  await page.getByRole('dialog').getByRole('button', { name: 'OK' }).click()
  await page.goto(`${world.origin}/console/connections`)
  await views.click()
  await entry('mine').click()
  await page.waitForURL(/q=shanghai&health=up$/)
  await views.click()
  await entry(messages['views.remove'][0]).hover()
  await page.locator('[data-menu-id$="remove mine"]').click()
  await views.click()
  await entry(messages['views.remove'][0]).waitFor({ state: 'detached' })
  await page.keyboard.press('Escape')

  await page.getByRole('textbox', { name: messages['list.search'][0] }).fill('nothing like it')
  await page.getByText(messages['list.nothingFound'][0]).waitFor()
  await page.waitForURL(/q=nothing/)
  await context.close()
})
