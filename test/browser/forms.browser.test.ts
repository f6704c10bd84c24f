/** Everything that can be made in the console, made in it; what is wrong is said before it is sent, and after it was refused. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { popCore, until } from '../support/app.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { type Emulated, startEmulated } from './support/emulated.ts'

let world: Emulated
let browser: Browser
before(async () => {
  world = await startEmulated()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await world?.emulator.close()
})

const word = (key: keyof typeof messages) => messages[key][0]

const drawer = (page: Page) => page.locator('.ant-drawer-content-wrapper')

const fill = (page: Page, label: string, text: string) =>
  drawer(page).getByLabel(label, { exact: true }).fill(text)

async function choose(page: Page, label: string, option: string | RegExp): Promise<void> {
  await drawer(page).getByLabel(label, { exact: true }).first().click()
  await page
    .locator('.ant-select-dropdown:visible .ant-select-item-option')
    .filter({ hasText: option })
    .first()
    .click()
}

async function addNetwork(page: Page, label: string, text: string): Promise<void> {
  await drawer(page).getByLabel(label, { exact: true }).fill(text)
  await page.keyboard.press('Enter')
}

const save = (page: Page) => page.getByRole('button', { name: word('action.save'), exact: true }).click()
const closed = (page: Page) => drawer(page).waitFor({ state: 'detached' })

test('from an empty region to a tunnel that is up, by forms alone', async () => {
  const { page, context, faults } = await visit(browser, world.origin)
  await signIn(page, world.origin, world.key)
  await page.getByRole('link', { name: word('overview.step.network') }).click()

  await page
    .getByRole('button', { name: word('networks.createVpc') })
    .first()
    .click()
  await fill(page, word('field.name'), 'production')
  await fill(page, word('field.cidr'), '10.1.2.3/8')
  await page.getByText('Did you mean 10.0.0.0/8?').waitFor()
  assert.ok(await page.getByRole('button', { name: word('action.save'), exact: true }).isDisabled())
  await fill(page, word('field.cidr'), '10.0.0.0/8')
  await save(page)
  await closed(page)
  await page.getByText('production').first().waitFor()

  await page
    .getByRole('button', { name: word('networks.createVSwitch') })
    .first()
    .click()
  await choose(page, word('field.vpc'), 'production')
  await choose(page, word('field.zone'), 'cn-hangzhou-h')
  await fill(page, word('field.cidr'), '192.168.0.0/24')
  await page.getByText('192.168.0.0/24 is not within 10.0.0.0/8.').waitFor()
  await fill(page, word('field.cidr'), '10.1.0.0/30')
  await save(page)
  // Too small: the server's word, with its code and the id to look for.
  const refused = page.getByRole('alert').filter({ hasText: word('form.refused') })
  await refused.getByText('InvalidCidrBlock').waitFor()
  assert.match((await refused.textContent()) ?? '', /Request id [0-9A-F-]{36}/)
  await fill(page, word('field.cidr'), '10.1.0.0/24')
  await save(page)
  await closed(page)

  await page.goto(`${world.origin}/console/gateways`)
  await page
    .getByRole('button', { name: word('gateways.create') })
    .first()
    .click()
  await fill(page, word('field.name'), 'edge')
  await choose(page, word('field.vpc'), 'production')
  await choose(page, word('field.vswitch'), '10.1.0.0/24')
  await save(page)
  await closed(page)
  await page.getByText(word('gateway.active'), { exact: true }).waitFor()

  await page.goto(`${world.origin}/console/customer-gateways`)
  await page
    .getByRole('button', { name: word('customers.create') })
    .first()
    .click()
  await fill(page, word('field.ipAddress'), '203.0.113.9')
  await fill(page, word('field.name'), 'office-router')
  await save(page)
  await closed(page)
  await page.getByText('office-router').first().waitFor()

  await page.goto(`${world.origin}/console/connections`)
  await page
    .getByRole('button', { name: word('connections.create') })
    .first()
    .click()
  await fill(page, word('field.name'), 'office')
  await choose(page, word('field.vpnGateway'), 'edge')
  await choose(page, word('field.customerGateway'), 'office-router')
  await addNetwork(page, word('field.LocalSubnet'), '10.1.0.0/24')
  await addNetwork(page, word('field.RemoteSubnet'), '10.1.0.0/25')
  await page.getByText('10.1.0.0/24 and 10.1.0.0/25 overlap').waitFor()
  await page.locator('.ant-select-selection-item-remove').last().click()
  await addNetwork(page, word('field.RemoteSubnet'), '192.168.0.0/16')
  await fill(page, word('field.Psk'), 'a-rather-long-key ')
  await page.getByText(word('check.pskBlanks')).waitFor()
  await fill(page, word('field.Psk'), 'a-rather-long-key')
  await page.getByText(word('effect.createNow')).waitFor()
  await save(page)
  await closed(page)
  await page.locator('[data-health="up"]').first().waitFor()

  await page.getByRole('link', { name: 'office', exact: true }).click()
  await page.getByRole('button', { name: word('action.edit'), exact: true }).click()
  await page.getByText(word('effect.nothing')).waitFor()
  await fill(page, word('field.name'), 'headquarters')
  await page.getByText(word('effect.none')).waitFor()
  await fill(page, word('field.Psk'), 'another-long-enough-key')
  await page.getByText(word('effect.renegotiate')).waitFor()
  await save(page)
  await closed(page)
  await page.getByRole('heading', { name: 'headquarters' }).waitFor()

  await page.goto(`${world.origin}/console/routes`)
  await page.getByRole('button', { name: word('routes.createDestination') }).click()
  await fill(page, word('routes.destination'), '172.16.0.0/12')
  await choose(page, word('routes.nextHop'), 'headquarters')
  await save(page)
  await closed(page)
  await page.getByText('172.16.0.0/12').first().waitFor()
  await page.getByPlaceholder(word('routes.from')).fill('10.1.0.10')
  await page.getByPlaceholder(word('routes.to')).fill('172.16.9.9')
  await page.getByText('The route to 172.16.0.0/12, through headquarters').waitFor()
  await page.getByRole('button', { name: 'Delete 172.16.0.0/12' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: word('action.delete'), exact: true })
    .click()
  await page.getByRole('button', { name: 'Delete 172.16.0.0/12' }).waitFor({ state: 'detached' })

  await page.getByRole('link', { name: word('nav.events') }).click()
  await page.getByRole('button', { name: word('webhooks.create') }).click()
  await fill(page, word('webhooks.url'), 'http://127.0.0.1:9/hook')
  await save(page)
  await page.getByRole('dialog').getByText(word('webhooks.secret.text')).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'OK' }).click()
  await page.getByRole('button', { name: 'Test http://127.0.0.1:9/hook' }).click()
  await page.getByText(/, after \d+ ms/).waitFor()
  await page.getByRole('button', { name: 'Edit http://127.0.0.1:9/hook' }).click()
  await fill(page, word('webhooks.url'), '127.0.0.1:9/other')
  await page.getByText(word('check.noUrl')).waitFor()
  await fill(page, word('webhooks.url'), 'http://127.0.0.1:9/other')
  await save(page)
  await closed(page)
  await page.getByRole('button', { name: 'Test http://127.0.0.1:9/other' }).waitFor()

  await page.goto(`${world.origin}/console/connections`)
  await page.getByRole('link', { name: 'headquarters', exact: true }).click()
  await page.getByRole('button', { name: word('action.delete'), exact: true }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: word('action.delete'), exact: true })
    .click()
  await page.getByText(word('connections.none')).waitFor()

  await page.getByRole('link', { name: word('nav.attachments') }).click()
  await page
    .getByRole('button', { name: word('attachments.create') })
    .first()
    .click()
  await fill(page, word('field.name'), 'branch')
  await drawer(page).getByText('2', { exact: true }).click()
  await drawer(page).getByText(word('role.2')).waitFor()
  await drawer(page).getByText('1', { exact: true }).click()
  await choose(page, word('field.customerGateway'), 'office-router')
  await addNetwork(page, word('field.LocalSubnet'), '10.1.0.0/24')
  await addNetwork(page, word('field.RemoteSubnet'), '192.168.0.0/16')
  await fill(page, word('field.Psk'), 'a-rather-long-key')
  await save(page)
  await closed(page)

  await page.locator('[data-health="up"]').first().waitFor()
  await page.getByRole('link', { name: 'branch', exact: true }).click()
  await page.getByRole('button', { name: word('action.edit'), exact: true }).click()
  await drawer(page).getByText(word('attachments.private'), { exact: true }).click()
  await page.getByText(word('effect.none')).waitFor()
  await save(page)
  await closed(page)
  await page.locator('#content').getByText(word('attachments.private'), { exact: true }).waitFor()
  await page.getByRole('tab', { name: word('tab.routing') }).click()
  await page.getByRole('button', { name: word('routes.createDestination') }).click()
  await fill(page, word('routes.destination'), '172.16.0.0/12')
  await save(page)
  await closed(page)
  await page.getByRole('button', { name: 'Delete 172.16.0.0/12' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: word('action.delete'), exact: true })
    .click()
  await page.getByRole('button', { name: 'Delete 172.16.0.0/12' }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: word('action.delete'), exact: true }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: word('action.delete'), exact: true })
    .click()
  await page.getByText(word('attachments.none')).waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})

for (const [language, column] of [
  ['en', 0],
  ['zh', 1],
] as const) {
  test(`a user, a policy and a key: the secret is shown once, and the key is replaced, ${language}`, async () => {
    const said = (key: keyof typeof messages, name = '') =>
      messages[key][column].replace(/\{(name|id)\}/, name)
    const { page, context, faults } = await visit(browser, world.origin, { language })
    await signIn(page, world.origin, world.key, '/console/access')
    const press = (name: string) => page.getByRole('button', { name, exact: true }).first().click()
    const agree = (name: string) =>
      page.getByRole('dialog').last().getByRole('button', { name, exact: true }).click()
    const submit = async () => {
      await press(said('action.save'))
      await closed(page)
    }
    const user = `operator-${language}`
    const policy = `look-${language}`

    await press(said('access.newUser'))
    await fill(page, said('access.user'), user)
    await submit()
    await press(said('access.newPolicy'))
    await fill(page, said('field.name'), policy)
    await fill(page, said('access.document'), '{"Version":"2"}')
    await page.getByText(said('check.policyVersion')).waitFor()
    assert.ok(await page.getByRole('button', { name: said('action.save'), exact: true }).isDisabled())
    const documentOf = (action: string) =>
      JSON.stringify({ Version: '1', Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] })
    // What only the server knows is said with its code.
    await fill(page, said('access.document'), documentOf('nothing'))
    await press(said('action.save'))
    await page.getByText('InvalidParameter.PolicyDocument').first().waitFor()
    await fill(page, said('access.document'), documentOf('vpc:DescribeVpcs'))
    await submit()

    await press(said('access.policiesOf', user))
    await page.getByText(said('access.noPolicies')).waitFor()
    await drawer(page).getByLabel(said('access.attach.which')).click()
    await page.locator('.ant-select-item-option', { hasText: policy }).click()
    await press(said('access.attach'))
    await page.getByRole('button', { name: said('access.detachNamed', policy) }).waitFor()
    await page.keyboard.press('Escape')
    await closed(page)

    await press(said('access.keysNamed', user))
    await page.getByText(said('access.noKeys')).waitFor()
    await drawer(page)
      .getByRole('button', { name: said('access.newKey') })
      .click()
    const secretShown = async () => {
      const dialog = page.getByRole('dialog').filter({ hasText: said('access.secret.text') })
      const secret = await dialog.locator('code').textContent()
      assert.match(secret ?? '', /^\w{30}$/)
      await dialog.getByRole('button').last().click()
      await dialog.waitFor({ state: 'detached' })
      return secret!
    }
    const secret = await secretShown()
    const id = (await drawer(page).locator('td code').first().textContent())!
    const described = () =>
      popCore(new URL(world.origin).host, { id, secret }).request('DescribeVpcs', { RegionId: 'cn-hangzhou' })
    assert.ok(await described())
    await drawer(page)
      .getByRole('button', { name: said('access.rotateNamed', id) })
      .click()
    await agree(said('access.rotate'))
    await secretShown()
    await drawer(page).locator('td code').nth(1).waitFor()
    await drawer(page)
      .getByRole('button', { name: said('access.disableNamed', id) })
      .click()
    await agree(said('access.disable'))
    await drawer(page)
      .getByRole('button', { name: said('access.enableNamed', id) })
      .waitFor()
    await until('the key is refused', () =>
      described().then(
        () => false,
        (error) => error.code === 'InvalidAccessKeyId.Inactive',
      ),
    )
    await drawer(page)
      .getByRole('button', { name: said('action.deleteNamed', id) })
      .click()
    await agree(said('action.delete'))
    await drawer(page).locator('td code').nth(1).waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await closed(page)

    // The policy is edited, and the trail has what it was before.
    await press(said('action.editNamed', policy))
    await fill(page, said('access.document'), documentOf('vpc:DescribeVSwitches'))
    await submit()
    await page
      .getByRole('button', { name: said('audit.details', 'CreatePolicyVersion') })
      .first()
      .click()
    await page.getByText('DefaultPolicyVersion.PolicyDocument').first().waitFor()
    assert.equal(await page.getByText(secret).count(), 0)
    assert.deepEqual(faults, [])
    await context.close()
  })
}
