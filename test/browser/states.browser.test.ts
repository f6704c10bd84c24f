/** What pages show when there is nothing, not yet, not for you, or not any more; and the ways in and out. */
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { Browser, Page, Route } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { popCore, until } from '../support/app.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { type Emulated, startEmulated } from './support/emulated.ts'
import { region, startWorld, upReport, type World } from './support/world.ts'

let world: World
let browser: Browser
let office = ''
let emulated: Emulated
before(async () => {
  emulated = await startEmulated()
  world = await startWorld()
  office = await world.connect('shanghai-office')
  await world.ask('CreateCustomerGateway', { IpAddress: '198.51.100.77', Name: 'berlin-router' })
  world.engine.see(office, upReport('198.51.100.2'))
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await world?.close()
  await emulated?.emulator.close()
})

type Key = keyof typeof messages

interface Place {
  readonly path: string
  /** What it says when there is nothing. */
  readonly none?: Key
  /** Title of the card to look into, where a page has several that ask for different things. */
  readonly card?: Key
}

/** Every page that asks for something. */
const places: readonly Place[] = [
  { path: '', none: 'overview.first' },
  { path: 'connections', none: 'connections.none' },
  { path: 'attachments', none: 'attachments.none' },
  { path: 'gateways', none: 'gateways.none' },
  { path: 'customer-gateways', none: 'customers.none' },
  { path: 'networks', none: 'networks.noVpc', card: 'networks.vpcs' },
  { path: 'networks', none: 'networks.noVSwitch', card: 'networks.vswitches' },
  { path: 'routes', none: 'gateways.none' },
  { path: 'events', none: 'events.none' },
  { path: 'events', none: 'webhooks.none', card: 'webhooks.title' },
  { path: 'access', none: 'access.noKeys', card: 'access.own' },
  { path: 'access', none: 'access.noUsers', card: 'access.users' },
  { path: 'access', none: 'access.noRoles', card: 'access.roles' },
  { path: 'access', none: 'audit.none', card: 'audit.title' },
  { path: 'settings' },
  { path: 'connections/{office}/routing', none: 'routes.none' },
  { path: 'connections/{office}/monitoring', none: 'monitoring.none' },
  { path: 'connections/{office}/logs', none: 'logs.none' },
  { path: 'connections/{office}/diagnose', none: 'diagnosis.none', card: 'diagnosis.title' },
  { path: 'connections/{office}/peer' },
  { path: 'connections/{office}/history', none: 'events.none' },
]

/** Of a connection. */
const tabs = [
  ...['', '/tunnels', '/routing', '/health', '/monitoring', '/logs', '/diagnose', '/peer', '/history'],
  '/api',
].map((tab) => `connections/{office}${tab}`)

/** Those that ask for nothing of their own. */
const plainTabs = tabs.filter((tab) => !places.some(({ path }) => path === tab))

/** What a page says twice or more when nothing can be refreshed, since it asks for as many things. */
const askForTwo = [
  '',
  'networks',
  'events',
  'access',
  ...tabs.filter((tab) => /routing|monit|logs|hist/.test(tab)),
]

/** As a click on a link does: what was answered before is kept. */
const move = (page: Page, path: string) =>
  page.evaluate(`history.pushState(null, '', '/console/${path.replace('{office}', office)}')`)

/** The server's answers are held back, refused, failed, or empty. */
type Mode = 'pass' | 'wait' | 'deny' | 'fail' | 'none'

async function answerAs(route: Route, mode: Mode, empty: object): Promise<void> {
  if (mode === 'deny') {
    await route.fulfill({
      status: 403,
      json: { Code: 'Forbbiden.SubUser', Message: 'no', RequestId: 'ID' },
    })
  } else if (mode === 'fail') await route.fulfill({ status: 400, json: { Code: 'Broken', Message: 'no' } })
  else if (mode === 'none') await route.fulfill({ json: empty })
  else if (mode === 'pass') await route.continue()
}

for (const language of ['en', 'zh'] as const) {
  const word = (key: keyof typeof messages) => messages[key][language === 'en' ? 0 : 1]

  /** What was asked for is there, and as fresh as it can be. */
  async function settled(page: Page): Promise<void> {
    const content = page.locator('#content')
    await content.locator('.loading').first().waitFor({ state: 'detached' })
    await content.getByText(word('state.stale'), { exact: true }).first().waitFor({ state: 'detached' })
  }

  /** The page, or the card of it, says what it should. */
  async function says(page: Page, mode: Mode, { none, card }: Omit<Place, 'path'>): Promise<void> {
    const content = page.locator('#content')
    const within = card
      ? content.locator('.ant-card', { has: page.locator('.ant-card-head', { hasText: word(card) }) }).last()
      : content
    const text = (key: Key) => within.getByText(word(key), { exact: true }).first().waitFor()
    if (mode === 'wait') {
      await within
        .getByRole('status', { name: word('state.loading') })
        .first()
        .waitFor()
    }
    if (mode === 'deny') {
      await text('state.denied')
      await within.getByText('Forbbiden.SubUser').first().waitFor()
    }
    if (mode === 'fail') {
      await text('state.failed')
      await within
        .getByRole('button', { name: word('action.retry') })
        .first()
        .waitFor()
    }
    if (mode === 'none' && none) await text(none)
  }

  test(`every page while it waits, when it may not ask, when asking fails, and with nothing there, ${language}`, async () => {
    const { page, context, faults } = await visit(browser, world.origin, { language })
    await signIn(page, world.origin, world.root, '/console/settings')
    let mode: Mode = 'pass'
    let isPageItself = false
    // Tabs of a connection are reached through its answer, which is given unless it is what is asked about.
    await page.route('**/console/api/**', (route) => {
      const isOfPage = route.request().url().endsWith('/DescribeVpnConnection')
      return answerAs(route, isOfPage === isPageItself ? mode : 'pass', { RequestId: 'ID' })
    })
    for (mode of ['wait', 'deny', 'fail', 'none'] as const) {
      isPageItself = false
      // Nothing of what was shown before is kept.
      await page.goto(`${world.origin}/console/settings`)
      await page.getByRole('heading', { name: word('nav.settings') }).waitFor()
      for (const { path, ...place } of places) {
        await move(page, path)
        await says(page, mode, place)
        assert.match(await page.title(), / · Suidao$/)
      }
      if (mode === 'none') continue
      isPageItself = true
      await page.goto(`${world.origin}/console/settings`)
      await page.getByRole('heading', { name: word('nav.settings') }).waitFor()
      for (const tab of plainTabs) {
        await move(page, tab)
        await says(page, mode, {})
      }
    }
    assert.deepEqual(faults, [])
    await context.close()
  })

  test(`every page when what it shows could not be refreshed, ${language}`, async () => {
    const { page, context, faults } = await visit(browser, world.origin, { language })
    await page.clock.install()
    await signIn(page, world.origin, world.root, '/console/settings')
    let mode: Mode = 'pass'
    await page.route('**/console/api/**', (route) => answerAs(route, mode, {}))
    const content = page.locator('#content')
    const stale = content.getByText(word('state.stale'), { exact: true })
    const paths = new Set([...places.map(({ path }) => path), ...tabs])
    for (const path of paths) {
      mode = 'pass'
      await move(page, path)
      const [place, , tab = 'summary'] = path.split('/')
      const title = `nav.${(place || 'overview').replace('-g', 'G')}` as Key
      const current = path.includes('{office}')
        ? page.locator(`[role=tab][aria-selected=true][id$="-tab-${tab}"]`)
        : page.getByRole('heading', { level: 1, name: word(title), exact: true })
      await current.waitFor()
      // What goes on being shown, such as the frame of tabs, is asked for again as well.
      await page.clock.fastForward('00:20')
      await settled(page)
      mode = 'fail'
      await page.clock.fastForward('00:20')
      await stale.nth(askForTwo.includes(path) ? 1 : 0).waitFor()
      assert.equal(await content.getByText(word('state.failed'), { exact: true }).count(), 0, path)
    }
    assert.deepEqual(faults, [])
    await context.close()
  })

  test(`the pages of the emulator in every state, ${language}`, async () => {
    const { origin, key } = emulated
    const { page, context, faults } = await visit(browser, origin, { language })
    await signIn(page, origin, key, '/console/settings')
    let mode: Mode = 'pass'
    await page.route('**/console/lab/**', (route) => answerAs(route, mode, []))
    for (mode of ['wait', 'fail', 'none'] as const) {
      await page.goto(`${origin}/console/settings`)
      await page.getByRole('heading', { name: word('nav.settings') }).waitFor()
      await move(page, 'lab')
      await says(page, mode, { none: 'lab.noFaults', card: 'lab.faults' })
      await move(page, 'calls')
      await says(page, mode, { none: 'audit.none' })
    }
    for (const [path, cards] of [
      ['lab', 2],
      ['calls', 1],
    ] as const) {
      mode = 'pass'
      await move(page, path)
      await page.getByRole('heading', { name: word(`nav.${path}`) }).waitFor()
      await settled(page)
      mode = 'fail'
      await page
        .locator('#content')
        .getByText(word('state.stale'), { exact: true })
        .nth(cards - 1)
        .waitFor()
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
  await signIn(page, world.origin, world.root, '/console/connections?q=shanghai&health=up&sort=-name')
  await page.getByText('shanghai-office').first().waitFor()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: messages['action.csv'][0] }).click()
  const csv = (await buffer(await (await download).createReadStream())).toString()
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
  await page.waitForURL(/q=shanghai&health=up&sort=-name$/)
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

test('an order stands in the address: for links, the CSV, and one step back', async () => {
  const { page, context } = await visit(browser, world.origin)
  await signIn(page, world.origin, world.root, '/console/customer-gateways')
  const shown = async () => {
    const cells = await page.locator('tbody tr.row td:first-child').allInnerTexts()
    return cells.map((cell) => cell.split('\n')[0])
  }
  const sorted = (names: readonly string[]) =>
    until('the rows are in that order', async () => (await shown()).join() === names.join())
  const head = page.getByRole('columnheader', { name: messages['field.name'][0] })
  await page.getByText('shanghai-office-router').first().waitFor()
  const up = ['berlin-router', 'shanghai-office-router']
  await page.getByRole('link', { name: messages['nav.gateways'][0], exact: true }).click()
  await page.getByText('edge-hangzhou').first().waitFor()
  await page.getByRole('link', { name: messages['nav.customerGateways'][0], exact: true }).click()
  await head.click()
  await page.waitForURL(/\?sort=name$/)
  await sorted(up)
  await head.click()
  await page.waitForURL(/\?sort=-name$/)
  await sorted(up.toReversed())
  await page.getByRole('textbox', { name: messages['list.search'][0] }).fill('router')
  await page.waitForURL(/q=router/)
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: messages['action.csv'][0] }).click()
  const csv = (await buffer(await (await download).createReadStream())).toString()
  assert.ok(csv.indexOf(up[1]!) < csv.indexOf(up[0]!), csv)
  await page.reload()
  await sorted(up.toReversed())
  assert.equal(await head.getAttribute('aria-sort'), 'descending')
  // None of the choices is a step of its own.
  await page.goBack()
  await page.getByRole('heading', { name: messages['nav.gateways'][0] }).waitFor()
  await page.goForward()
  await page.waitForURL(/sort=-name&q=router$/)
  await sorted(up.toReversed())
  // Two lists of a page do not disturb each other.
  await page.goto(`${world.origin}/console/networks?vpcs.q=nothing-like-it`)
  await page.getByText(messages['list.nothingFound'][0]).waitFor()
  await page.getByText('10.1.0.0/24').first().waitFor()
  await context.close()
})

test('a key reaches the browser where it is revealed, which is audited, and nowhere else', async () => {
  const psk = 'a-rather-long-pre-shared-key'
  const { page, context, faults } = await visit(browser, world.origin)
  const bodies: Promise<string>[] = []
  let reveals = 0
  page.on('response', (response) => {
    if (response.url().endsWith('/DownloadVpnConnectionConfig')) reveals++
    if (/\/console\/(api|session)/.test(response.url())) bodies.push(response.text().catch(() => ''))
  })
  const carried = async () => (await Promise.all(bodies)).filter((body) => body.includes(psk)).length
  const audited = async () => {
    const trail = popCore(world.host, world.root, '2020-07-06')
    const { Events } = await trail.request<{ Events: { errorCode?: string; resourceName: string }[] }>(
      'LookupEvents',
      {
        RegionId: region,
        'LookupAttribute.1.Key': 'EventName',
        'LookupAttribute.1.Value': 'DownloadVpnConnectionConfig',
      },
    )
    return Events.map(({ errorCode = 'OK', resourceName }) => `${errorCode} ${resourceName}`)
  }
  await signIn(page, world.origin, world.root, `/console/connections/${office}`)
  const content = page.locator('#content')
  await page.getByRole('button', { name: messages['summary.every'][0] }).click()
  await content.getByRole('row', { name: 'IkeConfig.Psk ******' }).waitFor()
  for (const tab of [
    'tunnels',
    'routing',
    'health',
    'monitoring',
    'logs',
    'diagnose',
    'history',
    'api',
  ] as const) {
    await page.getByRole('tab', { name: messages[`tab.${tab}`][0], exact: true }).click()
    await page.waitForURL(new RegExp(`/${tab}$`))
  }
  await page.getByRole('button', { name: messages['action.edit'][0], exact: true }).click()
  await page.getByLabel(messages['field.Psk'][0], { exact: true }).waitFor()
  assert.equal(await page.getByLabel(messages['field.Psk'][0], { exact: true }).inputValue(), '')
  await page.keyboard.press('Escape')
  for (const place of ['connections', 'customerGateways', 'overview'] as const) {
    await page
      .getByRole('navigation')
      .getByRole('link', { name: messages[`nav.${place}`][0] })
      .click()
    await page.getByRole('heading', { name: messages[`nav.${place}`][0] }).waitFor()
  }

  await page.goto(`${world.origin}/console/connections/${office}/peer`)
  const reveal = page.getByRole('button', { name: messages['peer.reveal'][0] })
  const config = content.locator('pre').last()
  await config.getByText('secret = "******"').waitFor()
  await page.getByText(messages['peer.hidden'][0]).waitFor()
  await content.getByLabel(messages['peer.device'][0]).click()
  await page.locator('.ant-select-item-option', { hasText: 'VyOS' }).click()
  await config
    .getByText(/pre-shared-secrets|\*{6}/)
    .first()
    .waitFor()
  assert.deepEqual([await carried(), reveals, await audited()], [0, 0, []])

  await reveal.click()
  await page.getByText(messages['peer.audited'][0]).waitFor()
  await config.getByText(psk).first().waitFor()
  await until('the call is in the trail', async () => (await audited()).length > 0)
  assert.deepEqual([reveals, await audited()], [1, [`OK ${office}`]])
  await page.getByRole('button', { name: messages['peer.hide'][0] }).click()
  await reveal.waitFor()
  assert.equal(await page.getByText(psk).count(), 0)
  // Shown again, it is asked for again; left, it is hidden.
  await reveal.click()
  await config.getByText(psk).first().waitFor()
  await page.getByRole('tab', { name: messages['tab.summary'][0] }).click()
  await page.getByRole('tab', { name: messages['tab.peer'][0] }).click()
  await reveal.waitFor()
  assert.equal(await page.getByText(psk).count(), 0)
  await until('both calls are in the trail', async () => (await audited()).length === 2)
  assert.deepEqual([reveals, await carried()], [2, 2])
  assert.deepEqual(faults, [])
  await context.close()

  // Who may look at the connection and not at its keys.
  const reader = await world.userKey('reader-without-keys', [
    { Effect: 'Allow', Action: ['vpc:Describe*', 'vpc:SuidaoList*'], Resource: ['*'] },
  ])
  const other = await visit(browser, world.origin)
  await signIn(other.page, world.origin, reader, `/console/connections/${office}/peer`)
  await other.page.getByRole('button', { name: messages['peer.reveal'][0] }).click()
  const refused = other.page.getByRole('alert').filter({ hasText: messages['peer.refused'][0] })
  await refused.getByText('Forbbiden.SubUser').waitFor()
  assert.match((await refused.textContent()) ?? '', /Request ID [0-9A-F-]{36}/)
  assert.equal(await other.page.getByText(psk).count(), 0)
  await until('the refusal is in the trail', async () =>
    (await audited()).includes(`Forbbiden.SubUser ${office}`),
  )
  await other.context.close()
})
