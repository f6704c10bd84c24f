/** What happens to tunnels is seen as it happens, without a reload; in the emulator, and its lab. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { createControlClient } from '../../src/emulator/client.ts'
import type { Fixture } from '../../src/emulator/types.ts'
import { type ReasonCode, reasons } from '../../src/engine/reason.ts'
import { launch, signIn, visit } from './support/browser.ts'
import { type Emulated, startEmulated } from './support/emulated.ts'

let world: Emulated
let fixture: Fixture
let browser: Browser
before(async () => {
  world = await startEmulated()
  fixture = await world.emulator.play('both-up')
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await world?.emulator.close()
})

/** A change in the world is on the screen within this, in milliseconds. */
const soon = 2_000

const health = (page: Page, word: string) => page.locator(`header [data-health="${word}"]`)

test('a key that the peer changes turns the page red with its reason, and back it is green', async () => {
  const { page, context, faults } = await visit(browser, world.origin)
  const [id] = fixture.vpnConnectionIds
  const [address] = fixture.peerAddresses
  await signIn(page, world.origin, world.key, `/console/connections/${id}/diagnose`)
  await health(page, 'up').waitFor()
  await page.getByText(messages['live.on'][0], { exact: true }).waitFor()
  const control = createControlClient(world.emulator.state().control)
  const loads: string[] = []
  page.on('load', () => loads.push(page.url()))

  await control.setPeer(address!, { psk: 'another-key' })
  await health(page, 'down').waitFor({ timeout: soon })
  const { title, remedy } = reasons.PEER_REJECTED_AUTH
  await page.getByText(title.en).first().waitFor({ timeout: soon })
  await page.getByText(remedy.en).waitFor({ timeout: soon })

  await control.resetPeer(address!)
  await health(page, 'up').waitFor({ timeout: soon })
  assert.deepEqual([loads, faults], [[], []])
  await context.close()
})

for (const [language, column] of [
  ['en', 0],
  ['zh', 1],
] as const) {
  test(`a tunnel is stopped, started and given new keys; what it does is said before, ${language}`, async () => {
    const word = (key: keyof typeof messages) => messages[key][column]
    const { page, context, faults } = await visit(browser, world.origin, { language })
    const [id] = fixture.vpnConnectionIds
    await signIn(page, world.origin, world.key, `/console/connections/${id}/tunnels`)
    await health(page, 'up').waitFor()
    const control = createControlClient(world.emulator.state().control)
    const signs = page.getByRole('region', { name: word('liveness.title') })
    await signs.getByText(word('liveness.atOnce')).waitFor()
    // When it was last seen, and as of when; of DPD an answer alone, once there was one.
    assert.ok((await signs.locator('time').count()) >= 2)
    assert.equal(await signs.getByText(word('liveness.heard')).count(), 1)
    type Deed = 'rekey' | 'restart' | 'stop' | 'start'
    const button = (deed: Deed) =>
      page.locator('#content').getByRole('button', { name: new RegExp(`^${word(`control.${deed}`)}`) })
    const press = async (deed: Deed) => {
      await button(deed).click()
      await page.getByText(word(`control.${deed}.effect`)).waitFor()
      await page
        .getByRole('dialog')
        .getByRole('button', { name: new RegExp(word(`control.${deed}`)) })
        .click()
      await control.settle()
    }
    const spis = page.locator('#content td code', { hasText: /^[0-9a-f]{8} \/ / })
    await press('stop')
    await health(page, 'stopped').waitFor({ timeout: soon })
    await page.locator('#content').getByText(reasons.STOPPED_BY_OPERATOR.remedy[language]).waitFor()
    assert.equal(await button('rekey').count(), 0)
    await press('start')
    await health(page, 'up').waitFor({ timeout: soon })
    const before = await spis.textContent()
    await press('rekey')
    await spis.filter({ hasText: before! }).waitFor({ state: 'detached', timeout: soon })
    // Somebody else stops it meanwhile: the refusal is shown.
    await button('restart').click()
    await page.route('**/SuidaoRenegotiateTunnel', (route) =>
      route.fulfill({ status: 400, json: { Code: 'IncorrectStatus.VpnConnection', Message: 'no' } }),
    )
    await page
      .getByRole('dialog')
      .getByRole('button', { name: new RegExp(word('control.restart')) })
      .click()
    await page.getByText('IncorrectStatus.VpnConnection').waitFor()
    assert.deepEqual(faults, [])
    await context.close()
  })
}

test('every reason is shown with what to do about it, in both languages', async () => {
  const control = createControlClient(world.emulator.state().control)
  const codes = Object.keys(reasons) as ReasonCode[]
  assert.ok(codes.length > 30)
  // Reasons of BGP and of the health check need both.
  const inside = await world.emulator.play('bgp-only-down')
  await control.resetPeer(inside.peerAddresses[1]!)
  for (const VpnConnectionId of inside.vpnConnectionIds) {
    const HealthCheckConfig = { Enable: 'true', Dip: '172.16.2.1', Sip: '10.0.1.1', Interval: 3, Retry: 3 }
    await control.drift('ModifyVpnConnectionAttribute', {
      VpnConnectionId,
      HealthCheckConfig: JSON.stringify(HealthCheckConfig),
    })
    await control.settle()
  }
  // Both connections at the same time, each with every second reason and a page for each language.
  await Promise.all(
    inside.vpnConnectionIds.map(async (target, half, all) => {
      const pages = await Promise.all(
        (['en', 'zh'] as const).map(async (language) => {
          const { page, context } = await visit(browser, world.origin, { language })
          await signIn(page, world.origin, world.key, `/console/connections/${target}/diagnose`)
          return { language, page, context }
        }),
      )
      for (const reason of codes.filter((_, index) => index % all.length === half)) {
        const fault = await control.arm({ layer: 'tunnel', reason, target })
        // A verdict takes a few probes.
        if (reason === 'HEALTH_CHECK_FAILED') await control.advance(10_000)
        await control.settle()
        const { title, remedy } = reasons[reason]
        for (const { page, language } of pages) {
          const code = page.locator('#content code', { hasText: new RegExp(`^${reason}$`) })
          await code.first().waitFor()
          await page.getByText(title[language]).first().waitFor()
          await page.getByText(remedy[language]).first().waitFor()
        }
        await control.disarm(fault.id)
      }
      for (const { context } of pages) await context.close()
    }),
  )
})

test('the lab arms a fault, every page says so, and the call log has the calls', async () => {
  const { page, context, faults } = await visit(browser, world.origin)
  await signIn(page, world.origin, world.key, '/console/lab')
  await page.getByRole('button', { name: messages['lab.arm'][0], exact: true }).click()
  await page.getByRole('alert').getByText('Injected faults: 1').waitFor()
  await page.goto(`${world.origin}/console/connections`)
  await page.getByRole('alert').getByText('Injected faults: 1').waitFor()
  await page.locator('[data-health="down"]').first().waitFor()
  await page.goto(`${world.origin}/console/lab`)
  await page.getByRole('button', { name: messages['lab.disarmAll'][0] }).click()
  await page.getByRole('alert').getByText('Injected faults').waitFor({ state: 'detached' })

  await page.getByText(messages['lab.drift.text'][0]).waitFor()
  const [id] = fixture.vpnConnectionIds
  await page.locator('#action').last().fill('ModifyVpnConnectionAttribute')
  await page.locator('#parameters').fill(`VpnConnectionId = ${id}\nName = drifted`)
  await page.getByRole('button', { name: messages['lab.drift.call'][0] }).click()
  await page.getByText(messages['audit.done'][0], { exact: true }).first().waitFor()
  await page.goto(`${world.origin}/console/connections`)
  await page.getByRole('link', { name: 'drifted', exact: true }).waitFor()
  await page.goto(`${world.origin}/console/lab`)

  await page.getByRole('button', { name: 'Run flapping' }).click()
  await page.goto(`${world.origin}/console/calls`)
  await page.getByText('DescribeVpnConnections').first().waitFor()
  assert.deepEqual(faults, [])
  await context.close()
})
