/** A real Chromium, driven. Debian's, since nothing else may be downloaded. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

export interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  /** What must not have happened: requests elsewhere, refused styles and scripts, errors of scripts. */
  readonly faults: string[]
}

export interface VisitOptions {
  readonly language?: 'en' | 'zh'
  readonly width?: number
  readonly height?: number
}

/** A page of a browser that nobody has used before. */
export async function visit(browser: Browser, origin: string, options: VisitOptions = {}): Promise<Visit> {
  const { language = 'en', width = 1280, height = 800 } = options
  const context = await browser.newContext({
    locale: language === 'zh' ? 'zh-CN' : 'en-GB',
    viewport: { width, height },
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const faults: string[] = []
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:') && !url.startsWith('blob:'))
      faults.push(`request: ${url}`)
  })
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`))
  page.on('console', (message) => {
    const text = message.text()
    // Refused calls are part of what is tested; the browser writes them down too.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource'))
      faults.push(`console: ${text}`)
  })
  return { page, context, faults }
}

/** Signs in through the form, as people do. */
export async function signIn(
  page: Page,
  origin: string,
  key: { id: string; secret: string },
  path = '/console',
): Promise<void> {
  await page.goto(`${origin}${path}`)
  await page.locator('#AccessKeyId').fill(key.id)
  await page.locator('#AccessKeySecret').fill(key.secret)
  await page.locator('button[type=submit]').click()
  await page.locator('#content').waitFor()
}
