/** Everything that can be made in the console, made in it; what is wrong is said before it is sent, and after it was refused. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { issueCertificate } from '../../src/certificates/x509.ts'
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

const languages = [
  ['en', 0],
  ['zh', 1],
] as const

const drawer = (page: Page) => page.locator('.ant-drawer-content-wrapper')

const fill = (page: Page, label: string, text: string) =>
  drawer(page).getByLabel(label, { exact: true }).first().fill(text)

const closed = (page: Page) => drawer(page).waitFor({ state: 'detached' })

/** The certificate of a CA that was made today. */
function siteCa(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { organization: 'Office', commonName: 'Site CA' }
  const [notBefore, notAfter] = [Date.now() - 86_400_000, Date.now() + 30 * 86_400_000]
  return issueCertificate({ subject, publicKey, notBefore, notAfter, issuer: { subject, key: privateKey } })
}

for (const [language, column] of languages) {
  test(`from an empty region to tunnels that are up, by forms alone, ${language}`, async (t) => {
    const own = await startEmulated()
    t.after(() => own.emulator.close())
    const word = (key: keyof typeof messages, values: Readonly<Record<string, string | number>> = {}) =>
      messages[key][column].replace(/\{(\w+)\}/g, (_, name) => String(values[name]))
    const { page, context, faults } = await visit(browser, own.origin, { language })
    await signIn(page, own.origin, own.key)
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const press = (name: string) => button(name).first().click()
    const write = (key: keyof typeof messages, text: string) => fill(page, word(key), text)
    const said = (key: keyof typeof messages, values?: Readonly<Record<string, string | number>>) =>
      page.getByText(word(key, values)).first().waitFor()
    const save = () => press(word('action.save'))
    const submit = async () => {
      await save()
      await closed(page)
    }
    const choose = async (key: keyof typeof messages, option: string | RegExp, nth = 0) => {
      await drawer(page).getByLabel(word(key), { exact: true }).nth(nth).click()
      const offered = page.locator('.ant-select-dropdown:visible .ant-select-item-option')
      await offered.filter({ hasText: option }).first().click()
    }
    const addNetwork = async (key: 'field.LocalSubnet' | 'field.RemoteSubnet', text: string) => {
      await write(key, text)
      await page.keyboard.press('Enter')
    }
    const addTag = async (number: number, key: string, value: string) => {
      await press(word('tags.add'))
      await drawer(page).getByLabel(word('tags.keyOf', { number })).fill(key)
      await drawer(page).getByLabel(word('tags.valueOf', { number })).fill(value)
    }
    const flip = (key: keyof typeof messages) => drawer(page).getByLabel(word(key), { exact: true }).click()
    const edit = (name: string) => press(word('action.editNamed', { name }))
    const agree = () =>
      page
        .getByRole('dialog')
        .getByRole('button', { name: word('action.delete'), exact: true })
        .click()
    const remove = async (name: string) => {
      await press(word('action.deleteNamed', { name }))
      await agree()
      await button(word('action.deleteNamed', { name })).waitFor({ state: 'detached' })
    }
    const go = (key: `nav.${string}`) =>
      page
        .getByRole('navigation', { name: word('nav.main') })
        .getByRole('link', { name: word(key as 'nav.routes'), exact: true })
        .click()

    // --- VPC and vSwitches ---
    await page.getByRole('link', { name: word('overview.step.network') }).click()
    await press(word('networks.createVpc'))
    await write('field.name', 'first')
    await write('field.cidr', '10.1.2.3/8')
    await said('check.hostBits', { value: '10.1.2.3/8', meant: '10.0.0.0/8' })
    assert.ok(await button(word('action.save')).isDisabled())
    await write('field.cidr', '10.0.0.0/8')
    await addTag(1, 'acs:env', 'prod')
    await said('check.tagReserved', { value: 'acs:env' })
    await drawer(page)
      .getByLabel(word('tags.keyOf', { number: 1 }))
      .fill('env')
    await submit()
    await page.getByText('env:prod').waitFor()
    await edit('first')
    await write('field.name', 'production')
    await press(word('tags.removeOf', { number: 1 }))
    await submit()
    await page.getByText('production').first().waitFor()
    await page.getByText('env:prod').waitFor({ state: 'detached' })

    await press(word('networks.createVSwitch'))
    await choose('field.vpc', 'production')
    await choose('field.zone', 'cn-hangzhou-h')
    await write('field.cidr', '192.168.0.0/24')
    await said('check.outside', { value: '192.168.0.0/24', around: '10.0.0.0/8' })
    await write('field.cidr', '10.1.0.0/30')
    await save()
    // Too small: the server's word, with its code and the id to look for.
    const refused = page.getByRole('alert').filter({ hasText: word('form.refused') })
    await refused.getByText('InvalidCidrBlock').waitFor()
    assert.match((await refused.textContent()) ?? '', new RegExp(`${word('label.requestId')} [0-9A-F-]{36}`))
    await write('field.cidr', '10.1.0.0/24')
    await submit()
    await press(word('networks.createVSwitch'))
    await choose('field.vpc', 'production')
    await choose('field.zone', 'cn-hangzhou-i')
    await write('field.cidr', '10.2.0.0/24')
    await write('field.name', 'second')
    await submit()
    await edit('second')
    await write('field.name', 'other-zone')
    await write('field.description', 'for the second tunnel')
    await submit()
    await page.getByText('for the second tunnel').waitFor()

    // --- Gateways: one with an outside address, and an enhanced one with two ---
    await go('nav.gateways')
    await press(word('gateways.create'))
    await write('field.name', '1edge')
    await save()
    await said('gateways.name.rule')
    await write('field.name', 'edge')
    await choose('field.vpc', 'production')
    await choose('field.vswitch', '10.1.0.0/24')
    await submit()
    await page.getByText(word('gateway.active'), { exact: true }).waitFor()
    await press(word('gateways.create'))
    await drawer(page).getByText(word('gateways.type.Enhanced.SiteToSite'), { exact: true }).click()
    await write('field.name', 'pair')
    await choose('field.vpc', 'production')
    await choose('field.vswitch', '10.1.0.0/24')
    await choose('gateways.second', '10.2.0.0/24')
    await submit()
    await page.getByText(word('gateway.active'), { exact: true }).nth(1).waitFor()
    for (const [number, name] of ['edge', 'pair'].entries()) {
      await edit(name)
      await write('field.description', `gateway ${number}`)
      await said('effect.none')
      await flip('gateways.propagate')
      await said('effect.propagate')
      await addTag(1, 'owner', name)
      await submit()
      await page.getByText(`owner:${name}`).waitFor()
    }
    await page.getByText(word('gateway.active'), { exact: true }).nth(1).waitFor()

    // --- Customer gateway ---
    await go('nav.customerGateways')
    await press(word('customers.create'))
    await write('field.ipAddress', '203.0.113.900')
    await said('check.noAddress', { value: '203.0.113.900' })
    await write('field.ipAddress', '203.0.113.9')
    await write('field.asn', '65010')
    await write('field.name', 'office-router')
    await write('field.authKey', 'no blanks')
    await save()
    await said('customers.authKey.rule')
    await write('field.authKey', 'no-blanks')
    await addTag(1, 'site', 'office')
    await submit()
    await page.getByText('office-router').first().waitFor()
    await edit('office-router')
    await write('field.description', 'cellar')
    await drawer(page)
      .getByLabel(word('tags.valueOf', { number: 1 }))
      .fill('branch')
    await submit()
    await page.getByText('cellar').waitFor()
    await page.getByText('site:branch').waitFor()

    // --- A connection with one tunnel: all its parts ---
    await go('nav.connections')
    await press(word('connections.create'))
    await write('field.name', 'office')
    await choose('field.vpnGateway', 'edge')
    await choose('field.customerGateway', 'office-router')
    await addNetwork('field.LocalSubnet', '10.1.0.0/24')
    await addNetwork('field.RemoteSubnet', '10.1.0.0/25')
    await said('check.sidesOverlap', { local: '10.1.0.0/24', remote: '10.1.0.0/25' })
    await page.locator('.ant-select-selection-item-remove').last().click()
    await addNetwork('field.RemoteSubnet', '192.168.0.0/16')
    await write('field.Psk', 'a-rather-long-key ')
    await said('check.pskBlanks')
    await write('field.Psk', 'a-rather-long-key')
    await drawer(page).getByText(word('connection.part.ca'), { exact: true }).click()
    await write('ca.label', 'no certificate')
    await said('check.ca.not-pem')
    await drawer(page)
      .locator('input[type=file]')
      .setInputFiles({ name: 'ca.pem', mimeType: 'text/plain', buffer: Buffer.from(siteCa()) })
    await drawer(page)
      .getByText(/O=Office.*CN=Site CA|CN=Site CA.*O=Office/)
      .waitFor()
    await write('ca.label', '')
    await flip('connection.bgp')
    await write('bgp.cidr', '10.9.0.0/30')
    await said('check.tunnelCidr', { value: '10.9.0.0/30' })
    await flip('connection.bgp')
    await flip('tab.health')
    await write('probe.dip', '192.168.0')
    await said('check.noAddress', { value: '192.168.0' })
    await write('probe.dip', '192.168.0.10')
    await write('probe.sip', '10.1.0.10')
    await flip('tab.health')
    await addTag(1, 'tier', 'gold')
    await said('effect.createNow')
    await submit()
    await page.locator('[data-health="up"]').first().waitFor()
    await page.getByRole('textbox', { name: word('list.search') }).fill('tier:gold')
    await page.getByText('tier:gold').waitFor()

    await page.getByRole('link', { name: 'office', exact: true }).click()
    await press(word('action.edit'))
    await said('effect.nothing')
    await drawer(page)
      .getByLabel(word('tags.valueOf', { number: 1 }))
      .fill('silver')
    await said('effect.none')
    await write('field.name', 'headquarters')
    await choose('connection.autoRoute', word('label.no'))
    await said('effect.none')
    await write('field.Psk', 'another-long-enough-key')
    await said('effect.renegotiate')
    await submit()
    await page.getByRole('heading', { name: 'headquarters' }).waitFor()
    await page.getByText('tier:silver').waitFor()
    await page.locator('.page-head [data-health="up"]').waitFor()

    // --- What was done stands in its history, with what became of the tunnel; and a diagnosis ---
    await page.getByRole('tab', { name: word('tab.history') }).click()
    const done = page.locator('.timeline > li', { hasText: 'ModifyVpnConnectionAttribute' })
    await done.getByText('IkeConfig.Psk').waitFor()
    await done
      .locator('.effects')
      .getByText(/\d\.\d/)
      .first()
      .waitFor()
    await done.locator('.effects [data-health="up"]').first().waitFor()
    const told = (await page.locator('.timeline').textContent()) ?? ''
    assert.ok(told.includes('CreateVpnConnection') && told.includes('TagResources'))
    assert.ok(!told.includes('another-long-enough-key') && told.includes(word('history.untouched')))
    await page.locator('.ant-segmented').getByText(word('history.show.tunnels'), { exact: true }).click()
    await page
      .locator('.timeline > li', { has: page.locator('[data-health="up"]') })
      .filter({ hasText: 'ModifyVpnConnectionAttribute' })
      .first()
      .waitFor()
    assert.match(page.url(), /show=tunnels$/)
    await page.getByRole('tab', { name: word('tab.diagnose') }).click()
    await said('diagnosis.none')
    await page.getByPlaceholder(word('routes.from')).fill('10.1.0.10')
    await press(word('diagnosis.start'))
    await page.getByPlaceholder(word('routes.to')).fill('192.168.0.10')
    await press(word('diagnosis.start'))
    await said('diagnosis.VcoPrivateConnectivity')
    await page.getByText(new RegExp(word('diagnosis.ran', { from: '.+', to: '.+' }))).waitFor()

    // --- A connection with two tunnels, over BGP ---
    await go('nav.connections')
    await press(word('connections.create'))
    await write('field.name', 'two')
    await choose('field.vpnGateway', 'pair')
    await flip('connection.bgp')
    for (const nth of [0, 1]) {
      await choose('field.customerGateway', 'office-router', nth)
      const inside = (key: keyof typeof messages) =>
        drawer(page).getByLabel(word(key), { exact: true }).nth(nth)
      await inside('field.Psk').fill(`a-rather-long-key-${nth}`)
      await inside('bgp.cidr').fill(`169.254.1${nth}.0/30`)
      await inside('bgp.localIp').fill(`169.254.1${nth}.1`)
    }
    await addNetwork('field.LocalSubnet', '0.0.0.0/0')
    await addNetwork('field.RemoteSubnet', '0.0.0.0/0')
    await submit()
    await page.getByRole('link', { name: 'two', exact: true }).click()
    await press(word('action.edit'))
    await drawer(page).getByLabel(word('field.Psk'), { exact: true }).nth(1).fill('yet-another-long-key')
    await said('effect.oneTunnel', { tunnel: word('role.slave') })
    await submit()
    const id = /vco-\w+/.exec(page.url())![0]
    const { TunnelOptionsSpecification } = await popCore(new URL(own.origin).host, own.key).request<{
      TunnelOptionsSpecification: { TunnelOptions: { TunnelIkeConfig: { Psk: string } }[] }
    }>('DescribeVpnConnection', { RegionId: 'cn-hangzhou', VpnConnectionId: id })
    assert.deepEqual(
      TunnelOptionsSpecification.TunnelOptions.map(({ TunnelIkeConfig }) => TunnelIkeConfig.Psk),
      ['a-rather-long-key-0', 'yet-another-long-key'],
    )

    // --- Routes ---
    await go('nav.routes')
    await press(word('routes.createDestination'))
    await write('routes.destination', '172.16.0.1/12')
    await said('check.hostBits', { value: '172.16.0.1/12', meant: '172.16.0.0/12' })
    await write('routes.destination', '172.16.0.0/12')
    await choose('routes.nextHop', 'headquarters')
    await write('field.description', 'the old network')
    await submit()
    await page.getByText('172.16.0.0/12').first().waitFor()
    await page.getByPlaceholder(word('routes.from')).fill('10.1.0.10')
    await page.getByPlaceholder(word('routes.to')).fill('172.16.9.9')
    await said('routes.wins', { dest: '172.16.0.0/12', name: 'headquarters' })
    const row = (text: string) => page.locator('tr', { hasText: text })
    await press(`${word('routes.withdraw')} 172.16.0.0/12`)
    await row('172.16.0.0/12').getByText(word('routes.notPublished'), { exact: true }).waitFor()
    await edit('172.16.0.0/12')
    await said('effect.nothing')
    await drawer(page).getByText('0', { exact: true }).click()
    await said('effect.route')
    await submit()
    await row('172.16.0.0/12').getByRole('cell', { name: '0', exact: true }).waitFor()
    await remove('172.16.0.0/12')
    await press(word('routes.createPolicy'))
    await write('routes.source', '10.1.0.0/24')
    await write('routes.destination', '172.20.0.0/16')
    await choose('routes.nextHop', 'headquarters')
    await submit()
    await edit('10.1.0.0/24 172.20.0.0/16')
    await write('routes.priority', '20')
    await submit()
    await row('172.20.0.0/16').getByRole('cell', { name: '20', exact: true }).waitFor()
    await remove('10.1.0.0/24 172.20.0.0/16')

    // --- Webhook ---
    await go('nav.events')
    await press(word('webhooks.create'))
    await write('webhooks.url', 'http://127.0.0.1:9/hook')
    await submit()
    const dialog = page.getByRole('dialog').filter({ hasText: word('webhooks.secret.text') })
    await dialog.getByRole('button').last().click()
    await press(word('webhooks.testNamed', { name: 'http://127.0.0.1:9/hook' }))
    await page.getByText(new RegExp(word('webhooks.answered', { status: '.*', time: '\\d+' }))).waitFor()
    await edit('http://127.0.0.1:9/hook')
    await write('webhooks.url', '127.0.0.1:9/other')
    await said('check.noUrl')
    await write('webhooks.url', 'http://127.0.0.1:9/other')
    await submit()
    await button(word('webhooks.testNamed', { name: 'http://127.0.0.1:9/other' })).waitFor()

    await go('nav.connections')
    await page.getByRole('link', { name: 'headquarters', exact: true }).click()
    await press(word('action.delete'))
    await agree()
    await page.getByRole('link', { name: 'headquarters', exact: true }).waitFor({ state: 'detached' })

    // --- An attachment, and a route of its own ---
    await go('nav.attachments')
    await press(word('attachments.create'))
    await write('field.name', 'branch')
    await drawer(page).getByText('2', { exact: true }).click()
    await drawer(page).getByText(word('role.2')).waitFor()
    await drawer(page).getByText('1', { exact: true }).click()
    await choose('field.customerGateway', 'office-router')
    await addNetwork('field.LocalSubnet', '10.1.0.0/24')
    await addNetwork('field.RemoteSubnet', '192.168.0.0/16')
    await write('field.Psk', 'a-rather-long-key')
    await submit()
    await page.locator('[data-health="up"]').first().waitFor()
    await page.getByRole('link', { name: 'branch', exact: true }).click()
    await press(word('action.edit'))
    await drawer(page).getByText(word('attachments.private'), { exact: true }).click()
    await addTag(1, 'kind', 'attached')
    await said('effect.none')
    await flip('tab.health')
    await choose('probe.policy', word('probe.policy.reserve_route'))
    await flip('tab.health')
    await submit()
    await page.getByText('kind:attached').waitFor()
    await page.locator('#content').getByText(word('attachments.private'), { exact: true }).waitFor()
    await page.getByRole('tab', { name: word('tab.routing') }).click()
    await press(word('routes.createDestination'))
    await write('routes.destination', '172.16.0.0/12')
    await submit()
    await edit('172.16.0.0/12')
    await drawer(page).getByText('0', { exact: true }).click()
    await submit()
    await row('172.16.0.0/12').getByRole('cell', { name: '0', exact: true }).waitFor()
    await remove('172.16.0.0/12')
    await press(word('action.delete'))
    await agree()
    await said('attachments.none')
    assert.deepEqual(faults, [])
    await context.close()
  })
}
for (const [language, column] of languages) {
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
    await press(said('action.editNamed', user))
    await fill(page, said('access.comments'), 'night shift')
    await submit()
    await page.getByText('night shift').first().waitFor()
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
    // What the key that is left may do, and by which policy.
    const left = (await drawer(page).locator('td code').first().textContent())!
    await drawer(page)
      .getByRole('button', { name: said('access.rightsOf', left) })
      .click()
    const right = drawer(page).getByRole('row').filter({ hasText: 'vpc:DescribeVpcs' }).last()
    await right.getByText(policy).waitFor()
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

  test(`a role: whom it trusts, what it may do, and a temporary key of it, ${language}`, async () => {
    const said = (key: keyof typeof messages, name = '') =>
      messages[key][column].replace(/\{(name|id)\}/, name)
    const { page, context, faults } = await visit(browser, world.origin, { language })
    await signIn(page, world.origin, world.key, '/console/access')
    const button = (name: string, of = page.locator('body')) => of.getByRole('button', { name, exact: true })
    const press = (name: string) => button(name).first().click()
    const role = `stand-in-${language}`
    const user = `deputy-${language}`
    const trust = (principal: object) =>
      JSON.stringify({
        Version: '1',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: principal }],
      })

    await press(said('access.newRole'))
    await fill(page, said('field.name'), role)
    await fill(page, said('access.trust'), trust({}))
    await page.getByText(said('check.trust').replace('{number}', '1')).waitFor()
    assert.ok(await button(said('action.save')).isDisabled())
    // What only the server knows is said with its code.
    await fill(page, said('access.trust'), trust({ RAM: ['somebody'] }))
    await press(said('action.save'))
    await page.getByText('InvalidParameter.AssumeRolePolicyDocument').first().waitFor()
    const account = world.emulator.state().account.accountId
    await fill(page, said('access.trust'), trust({ RAM: [`acs:ram::${account}:user/${user}`] }))
    await press(said('action.save'))
    await closed(page)
    await page.getByText(`acs:ram::${account}:role/${role}`).waitFor()

    await press(said('action.editNamed', role))
    await page.waitForURL(new RegExp(`open=role%3Aedit%3A${role}$`))
    assert.match(await drawer(page).getByLabel(said('access.trust')).inputValue(), new RegExp(user))
    await fill(page, said('field.description'), 'while others sleep')
    await fill(page, said('access.longest'), '7200')
    await press(said('action.save'))
    await closed(page)
    await page.getByText('while others sleep').first().waitFor()

    await press(said('access.rightsOf', role))
    await drawer(page).getByText(said('access.nothing')).waitFor()
    await page.goBack()
    await closed(page)
    await press(said('access.policiesOf', role))
    await drawer(page).getByText(said('access.noPolicies')).waitFor()
    await drawer(page).getByLabel(said('access.attach.which')).click()
    await page.locator('.ant-select-item-option', { hasText: 'AliyunVPNGatewayReadOnlyAccess' }).click()
    await press(said('access.attach'))
    await button(said('access.detachNamed', 'AliyunVPNGatewayReadOnlyAccess')).waitFor()
    await page.keyboard.press('Escape')
    await closed(page)
    await press(said('access.rightsOf', role))
    await drawer(page).getByText('vpc:Describe*').first().waitFor()
    await drawer(page).getByText('AliyunVPNGatewayReadOnlyAccess').first().waitFor()
    await page.keyboard.press('Escape')
    await closed(page)

    // A user takes it on, and the key that comes of it has the rights of the role.
    const host = new URL(world.origin).host
    const ram = popCore(host, world.key, '2015-05-01')
    const asked = { UserName: user, PolicyType: 'System', PolicyName: 'AdministratorAccess' }
    await ram.request('CreateUser', { UserName: user })
    await ram.request('AttachPolicyToUser', asked)
    const { AccessKey } = await ram.request<Record<string, any>>('CreateAccessKey', { UserName: user })
    const other = await visit(browser, world.origin, { language })
    const deputy = { id: AccessKey.AccessKeyId, secret: AccessKey.AccessKeySecret }
    await signIn(other.page, world.origin, deputy, '/console/access')
    await button(said('access.assumeNamed', role), other.page.locator('body')).click()
    await fill(other.page, said('access.sessionName'), 'night')
    await fill(other.page, said('access.duration'), '900')
    await button(said('action.save'), other.page.locator('body')).click()
    const dialog = other.page.getByRole('dialog').filter({ hasText: said('access.secret.text') })
    await dialog.waitFor()
    const [id, secret, token] = await dialog.locator('code').allTextContents()
    const temporary = popCore(host, { id: id!, secret: secret!, token: token! })
    assert.ok(await temporary.request('DescribeVpcs', { RegionId: 'cn-hangzhou' }))
    await assert.rejects(
      temporary.request('CreateVpc', { RegionId: 'cn-hangzhou', CidrBlock: '10.0.0.0/8' }),
      (error: { code?: string }) => error.code === 'Forbbiden.SubUser',
    )
    await dialog.getByRole('button').last().click()
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await other.page.getByText(secret!).count(), 0)
    await other.context.close()

    const remove = async () => {
      await press(said('action.deleteNamed', role))
      await button(said('action.delete'), page.getByRole('dialog').last()).click()
    }
    await remove()
    await page.getByRole('dialog').getByText('DeleteConflict.Role.Policy').waitFor()
    await page.getByRole('dialog').last().getByRole('button').last().click()
    await page.getByRole('dialog').last().waitFor({ state: 'detached' })
    await press(said('access.policiesOf', role))
    await press(said('access.detachNamed', 'AliyunVPNGatewayReadOnlyAccess'))
    await drawer(page).getByText(said('access.noPolicies')).waitFor()
    await page.keyboard.press('Escape')
    await closed(page)
    await remove()
    await button(said('action.deleteNamed', role)).waitFor({ state: 'detached' })
    assert.deepEqual(faults, [])
    await context.close()
  })
}
