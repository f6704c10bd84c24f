/**
 * Takes the pictures of the console that documents show: `npm run screenshots`. From an emulator, in a real Chromium, at 1280 and 390 pixels, in
 * both languages; into docs/images, and with `--all` every page, form and dialog of it, light and dark, into a folder.
 *
 *     node scripts/screenshots.ts [--all <folder>] [--only <part of a name>]
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { messages } from '../console/src/messages.ts'
import type { Emulator } from '../src/emulator/emulator.ts'
import { launch, signIn, visit } from '../test/browser/support/browser.ts'
import { startEmulated } from '../test/browser/support/emulated.ts'

const { values } = parseArgs({ options: { all: { type: 'string' }, only: { type: 'string' } } })
const images = join(dirname(import.meta.dirname), 'docs/images')

type Key = keyof typeof messages
type Word = (key: Key, name?: string) => string

interface Shot {
  readonly name: string
  /** Below /console/; `{up}` and its like stand for ids. */
  readonly path: string
  readonly width: number
  readonly height: number
  readonly dark?: boolean
  /** What is done on the page before. */
  readonly act?: (page: Page, word: Word) => Promise<unknown>
  /** The page as far as it goes, not the window alone. */
  readonly whole: boolean
  /** With faults armed and twelve sites more that are down; taken last. */
  readonly bad?: boolean
}

/** What the documents show. */
const shown: readonly Shot[] = [
  { name: 'overview', path: '', width: 1280, height: 800, whole: false },
  { name: 'diagnose', path: 'connections/{down}/diagnose', width: 1280, height: 760, whole: false },
  { name: 'tunnels', path: 'connections/{up}/tunnels', width: 1280, height: 860, whole: false },
  { name: 'monitoring', path: 'connections/{up}/monitoring', width: 1280, height: 1440, whole: false },
  { name: 'phone', path: 'connections/{down}/diagnose', width: 390, height: 844, whole: false },
]

const pages = [
  ...['', 'connections', 'attachments', 'gateways', 'customer-gateways', 'networks', 'routes', 'events'],
  ...['access', 'settings', 'lab', 'calls'],
  ...[
    ...['', '/tunnels', '/routing', '/health', '/monitoring', '/logs', '/diagnose', '/peer', '/history'],
    '/api',
  ].flatMap((tab) => [`connections/{up}${tab}`, `connections/{down}${tab}`]),
  ...['', '/tunnels', '/diagnose', '/routing'].map((tab) => `connections/{pair}${tab}`),
  ...['connections/{stopped}', 'connections/{proposals}/diagnose', 'connections/vco-none'],
]

const press = (page: Page, name: string) => page.getByRole('button', { name }).first().click()

/** A drawer or a dialog that a button opens, and what is typed into it. */
const opened: readonly (readonly [name: string, path: string, act: NonNullable<Shot['act']>])[] = [
  ['sign-out', '', (page) => page.locator('.topbar button').last().click()],
  ['form-connection', 'connections', (page, word) => press(page, word('connections.create'))],
  ['form-attachment', 'attachments', (page, word) => press(page, word('attachments.create'))],
  ['form-edit', 'connections/{pair}', (page, word) => press(page, word('action.edit'))],
  ['form-gateway', 'gateways', (page, word) => press(page, word('gateways.create'))],
  ['form-customer', 'customer-gateways', (page, word) => press(page, word('customers.create'))],
  ['form-route', 'routes', (page, word) => press(page, word('routes.createPolicy'))],
  ['form-webhook', 'events', (page, word) => press(page, word('webhooks.create'))],
  ['form-policy', 'access', (page, word) => press(page, word('access.newPolicy'))],
  [
    'form-refused',
    'networks',
    async (page, word) => {
      await press(page, word('networks.createVSwitch'))
      const drawer = page.locator('.ant-drawer-content-wrapper')
      for (const field of ['field.vpc', 'field.zone'] as const) {
        await drawer.getByLabel(word(field), { exact: true }).first().click()
        await page.locator('.ant-select-dropdown:visible .ant-select-item-option').first().click()
      }
      await drawer.getByLabel(word('field.cidr'), { exact: true }).fill('10.0.9.0/30')
      await drawer.getByRole('button', { name: word('action.save') }).click()
      await page.getByText(word('form.refused')).waitFor()
    },
  ],
  [
    'dialog-refused',
    'gateways',
    async (page, word) => {
      await press(page, word('action.deleteNamed', 'edge-hangzhou'))
      await page
        .getByRole('dialog')
        .getByRole('button', { name: word('action.delete'), exact: true })
        .click()
      await page.getByText(word('remove.refused', 'edge-hangzhou')).last().waitFor()
    },
  ],
  ['dialog-delete', 'connections/{up}', (page, word) => press(page, word('action.delete'))],
  ['dialog-stop', 'connections/{up}/tunnels', (page, word) => press(page, word('control.stop'))],
  [
    'focus',
    'connections/{down}',
    async (page, word) => {
      await page.getByRole('tab', { name: word('tab.summary') }).focus()
      await page.keyboard.press('Shift+Tab')
    },
  ],
]

const everything: readonly Shot[] = [
  ...pages.flatMap((path): Shot[] => {
    const name = path.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'overview'
    return [
      { name: `${name}-1280`, path, width: 1280, height: 800, whole: true },
      { name: `${name}-390`, path, width: 390, height: 844, whole: true },
    ]
  }),
  ...opened.flatMap(([name, path, act]): Shot[] => [
    { name: `${name}-1280`, path, act, width: 1280, height: 800, whole: false },
    { name: `${name}-390`, path, act, width: 390, height: 844, whole: false },
  ]),
  ...['', 'lab', 'connections'].flatMap((path): Shot[] =>
    [1280, 390].map((width) => ({
      name: `bad-${path || 'overview'}-${width}`,
      path,
      width,
      height: 844,
      whole: true,
      bad: true,
    })),
  ),
  ...[
    ...['', 'connections', 'events', 'access', 'lab', 'connections/{up}/monitoring'],
    ...['connections/{pair}/tunnels', 'connections/{proposals}/diagnose', 'connections/{up}/peer'],
  ].map((path): Shot => {
    const name = path.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'overview'
    return { name: `dark-${name}`, path, width: 1280, height: 800, dark: true, whole: true }
  }),
]

/** Sites and what is the matter with them. */
type Site = 'up' | 'down' | 'proposals' | 'silent' | 'stopped' | 'pair' | 'busy'

/** An hour of a network of seven sites, of which some are down, each for another reason. */
async function liveThroughAnHour(emulator: Emulator): Promise<Readonly<Record<Site, string>>> {
  const { world } = emulator
  /** Names as long as they come are for who looks at every page. */
  const called = (name: string, long: string) => (values.all === undefined ? name : long)
  const call = async (action: string, parameters: Readonly<Record<string, string>>) => {
    const answer = (await emulator.drift(action, { RegionId: 'cn-hangzhou', ...parameters })) as Record<
      string,
      string
    >
    await emulator.settle()
    return answer
  }
  const { VpcId = '' } = await call('CreateVpc', { CidrBlock: '10.0.0.0/16', VpcName: 'production' })
  const vSwitch = async (zone: string, CidrBlock: string) => {
    const ZoneId = `cn-hangzhou-${zone}`
    const { VSwitchId = '' } = await call('CreateVSwitch', {
      VpcId,
      CidrBlock,
      ZoneId,
      VSwitchName: `gateways-${zone}`,
    })
    return VSwitchId
  }
  const [first, second] = [await vSwitch('h', '10.0.1.0/24'), await vSwitch('i', '10.0.2.0/24')]
  const gateway = async (Name: string, more: Readonly<Record<string, string>> = {}) => {
    const asked = { VpcId, VSwitchId: first, Bandwidth: '100', AutoPay: 'true', Name, ...more }
    return (await call('CreateVpnGateway', asked))['VpnGatewayId'] ?? ''
  }
  const edge = await gateway('edge-hangzhou')
  const twoZones = await gateway('edge-hangzhou-two-zones', { DisasterRecoveryVSwitchId: second })
  let peers = 0
  const peer = async (name: string) => {
    peers++
    const IpAddress = `192.0.2.${peers}`
    const { CustomerGatewayId = '' } = await call('CreateCustomerGateway', {
      IpAddress,
      Asn: '65001',
      Name: `${name}-router`,
    })
    return { CustomerGatewayId, IpAddress }
  }
  const ike = {
    IkeVersion: 'ikev2',
    IkeEncAlg: 'aes256',
    IkeAuthAlg: 'sha256',
    IkePfs: 'group14',
    Psk: 'emulator-psk',
  }
  const esp = { IpsecEncAlg: 'aes256', IpsecAuthAlg: 'sha256', IpsecPfs: 'group14' }
  const connect = async (Name: string, more: Readonly<Record<string, string>> = {}) => {
    const { CustomerGatewayId, IpAddress } = await peer(Name)
    const { VpnConnectionId = '' } = await call('CreateVpnConnection', {
      VpnGatewayId: edge,
      CustomerGatewayId,
      Name,
      LocalSubnet: '10.0.0.0/16',
      RemoteSubnet: `172.16.${peers}.0/24`,
      EffectImmediately: 'true',
      IkeConfig: JSON.stringify(ike),
      IpsecConfig: JSON.stringify(esp),
      ...more,
    })
    return { id: VpnConnectionId, address: IpAddress }
  }
  const check = { Enable: 'true', Dip: '172.16.1.1', Sip: '10.0.0.1', Interval: 3, Retry: 3 }
  const up = await connect('shanghai-office', { HealthCheckConfig: JSON.stringify(check) })
  const busy = await connect(
    called('beijing-office', '上海总部与杭州生产环境之间的主用加密隧道（请勿删除，联系网络组）'),
    {
      IkeConfig: JSON.stringify({ ...ike, IkeAuthAlg: 'sha1', IkePfs: 'group2' }),
    },
  )
  const down = await connect('frankfurt-plant')
  const proposals = await connect('lisbon-warehouse')
  const silent = await connect(
    called(
      'tokyo-branch',
      'tokyo-branch-with-a-name-as-long-as-names-may-be-for-which-there-are-128-letters',
    ),
  )
  const stopped = await connect('old-datacenter')
  const ends = [await peer('munich-plant-a'), await peer('munich-plant-b')]
  const tunnels = ends.map(({ CustomerGatewayId }, index) => ({
    CustomerGatewayId,
    Role: index === 0 ? 'master' : 'slave',
    TunnelIkeConfig: ike,
    TunnelIpsecConfig: esp,
    TunnelBgpConfig: {
      LocalAsn: '65530',
      TunnelCidr: `169.254.${10 + index}.0/30`,
      LocalBgpIp: `169.254.${10 + index}.1`,
    },
  }))
  const pair = await call('CreateVpnConnection', {
    VpnGatewayId: twoZones,
    Name: 'munich-plant',
    LocalSubnet: '0.0.0.0/0',
    RemoteSubnet: '0.0.0.0/0',
    EffectImmediately: 'true',
    EnableTunnelsBgp: 'true',
    ...Object.fromEntries(
      tunnels.flatMap((tunnel, index) =>
        Object.entries(tunnel).flatMap(([name, value]) =>
          typeof value === 'string'
            ? [[`TunnelOptionsSpecification.${index + 1}.${name}`, value]]
            : Object.entries(value).map(([inner, text]) => [
                `TunnelOptionsSpecification.${index + 1}.${name}.${inner}`,
                text,
              ]),
        ),
      ),
    ),
  })
  await call('CreateVpnRouteEntry', {
    VpnGatewayId: edge,
    RouteDest: '172.16.1.0/24',
    NextHop: up.id,
    Weight: '100',
    PublishVpc: 'true',
  })
  world.setPeer(down.address, { psk: 'another key' }, true)
  await call('SuidaoStopTunnel', { VpnConnectionId: stopped.id, TunnelId: stopped.id })
  for (let minute = 0; minute < 2; minute++) await emulator.advance(60_000)
  for (let minute = 0; minute < 55; minute++) {
    if (minute === 35) world.setPeer(proposals.address, { proposals: ['aes128-sha1-modp1024'] }, true)
    if (minute === 48) world.setNetwork(silent.address, { silent: true })
    if (minute === 51) world.setPeer(ends[1]!.IpAddress, { bgp: { enabled: false } })
    world.send(up.id, Math.round(4_000 + 3_000 * Math.sin(minute / 6)), 900)
    world.send(busy.id, 9_000, 1_200)
    world.setNetwork(up.id, { loss: minute >= 20 && minute < 30 ? 0.06 : 0 })
    await emulator.advance(60_000)
  }
  const pairId = pair['VpnConnectionId'] ?? ''
  return {
    up: up.id,
    down: down.id,
    proposals: proposals.id,
    silent: silent.id,
    stopped: stopped.id,
    pair: pairId,
    busy: busy.id,
  }
}

const { emulator, origin, key } = await startEmulated()
const browser = await launch()
try {
  const ids = await liveThroughAnHour(emulator)
  const pathOf = (path: string) => path.replace(/\{(\w+)\}/, (_, site: Site) => ids[site])
  const take = async (folder: string, { name, path, width, height, dark, act, whole }: Shot) => {
    for (const language of ['en', 'zh'] as const) {
      const word: Word = (key, called = '') =>
        messages[key][language === 'en' ? 0 : 1].replace('{name}', called)
      const { page, context } = await visit(browser, origin, { language, width, height })
      if (dark) await page.emulateMedia({ colorScheme: 'dark' })
      await signIn(page, origin, key, `/console/${pathOf(path)}`)
      await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined)
      await page.locator('.loading').first().waitFor({ state: 'detached' })
      // What the pointer happens to lie on is none of the picture.
      await page.mouse.move(0, 0)
      await act?.(page, word)
      const file = join(folder, `${name}-${language}.png`)
      await page.screenshot({ path: file, fullPage: whole, animations: 'disabled' })
      console.log(file)
      await context.close()
    }
  }
  const folder = values.all ?? images
  mkdirSync(folder, { recursive: true })
  const wanted = (values.all === undefined ? shown : everything).filter(({ name }) =>
    name.includes(values.only ?? ''),
  )
  for (const shot of wanted.filter(({ bad }) => !bad)) await take(folder, shot)
  const worse = wanted.filter(({ bad }) => bad)
  for (let play = 0; worse.length > 0 && play < 6; play++) await emulator.play('both-down')
  for (const shot of worse) await take(folder, shot)
} finally {
  await browser.close()
  await emulator.close()
}
