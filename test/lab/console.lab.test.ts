/** The console over real tunnels: a key broken in it turns the page red with the right reason, mended it turns green. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { messages } from '../../console/src/messages.ts'
import { reasons } from '../../src/engine/reason.ts'
import { launch, signIn, visit } from '../browser/support/browser.ts'
import { Lab } from './support/lab.ts'
import { connectionTo, Product, peerOf, type Site } from './support/product.ts'

const skip = Lab.missing() ?? false
const peerAddress = '198.51.100.2'
const psk = 'a-key-for-the-lab-console'
/** From the save of a form to a page that shows what became of it, in milliseconds. */
const limit = 2_000

describe('the console over real tunnels', { skip }, () => {
  let product: Product
  let site: Site
  let browser: Browser
  let vco: string

  before(async () => {
    product = await Product.create()
    site = await product.site('c1')
    const peer = await product.peer('q1', peerAddress)
    await peer.load(peerOf(peerAddress, site.InternetIp, psk))
    const customerGateway = await product.customerGateway(peerAddress)
    vco = (await product.ask('CreateVpnConnection', connectionTo(site, customerGateway, psk))).VpnConnectionId
    await product.up(vco)
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await product?.close()
  })

  test('a key is broken and mended, and the page follows without a reload', async (t) => {
    const origin = `http://${product.server.host}`
    const { page, faults } = await visit(browser, origin)
    await signIn(page, origin, product.server.root, `/console/connections/${vco}/diagnose`)
    const health = (word: string) => page.locator(`header [data-health="${word}"]`)
    await health('up').waitFor()
    const loads: string[] = []
    page.on('load', () => loads.push(page.url()))

    const setKey = async (key: string) => {
      await page.getByRole('button', { name: messages['action.edit'][0], exact: true }).click()
      const form = page.locator('.ant-drawer-content-wrapper')
      await form.getByLabel(messages['field.Psk'][0], { exact: true }).fill(key)
      await form.getByText(messages['effect.renegotiate'][0]).waitFor()
      await form.getByRole('button', { name: messages['action.save'][0], exact: true }).click()
      return performance.now()
    }
    const broken = await setKey('quite-another-key-for-the-lab')
    await health('down').waitFor({ timeout: limit })
    const { title, remedy } = reasons.PEER_REJECTED_AUTH
    await page.getByText(title.en).first().waitFor({ timeout: limit })
    await page.getByText(remedy.en).waitFor({ timeout: limit })
    const red = performance.now()
    await page.locator('.ant-drawer-content-wrapper').waitFor({ state: 'detached' })

    const mended = await setKey(psk)
    await health('up').waitFor({ timeout: limit })
    const green = performance.now()
    t.diagnostic(`save to red ${Math.round(red - broken)} ms, save to green ${Math.round(green - mended)} ms`)
    assert.deepEqual([loads, faults], [[], []])
  })
})
