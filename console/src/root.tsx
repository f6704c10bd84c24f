/** Signed in or not, and the frame around every page. */
import {
  ApiOutlined,
  BellOutlined,
  ClusterOutlined,
  DashboardOutlined,
  ExperimentOutlined,
  GatewayOutlined,
  GlobalOutlined,
  LinkOutlined,
  LogoutOutlined,
  MenuOutlined,
  NodeIndexOutlined,
  PartitionOutlined,
  SafetyOutlined,
  SettingOutlined,
  ShopOutlined,
  UserOutlined,
} from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { Badge, Button, Drawer, Dropdown, Grid, Layout, Menu, Select, Tooltip } from 'antd'
import {
  type ComponentType,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useMemo,
  useState,
} from 'react'
import { Link, Route, Router, Switch, useLocation } from 'wouter'
import { regions } from '../../src/resources/region/model.ts'
import { ApiFailure, onSignedOut, readSession, type Session, signOut } from './api.ts'
import { Console, type ConsoleContext, useConsole } from './context.tsx'
import { type MessageKey, useWords } from './i18n.tsx'
import { useLive } from './live.ts'
import { SignInPage } from './pages/sign-in.tsx'
import { FaultBanner } from './parts/fault-banner.tsx'
import { Mark } from './parts/mark.tsx'
import { Failed, Guarded, Loading, Nothing } from './parts/states.tsx'

const everyPage: (() => Promise<unknown>)[] = [() => import('./connection/monitoring-tab.tsx')]
const page = <P,>(load: () => Promise<{ readonly default: ComponentType<P> }>) => {
  everyPage.push(load)
  return lazy(load)
}
const OverviewPage = page(() => import('./pages/overview.tsx'))
const ConnectionsPage = page(() => import('./pages/connections.tsx'))
const ConnectionPage = page(() => import('./pages/connection.tsx'))
const GatewaysPage = page(() => import('./pages/gateways.tsx'))
const CustomerGatewaysPage = page(() => import('./pages/customer-gateways.tsx'))
const NetworksPage = page(() => import('./pages/networks.tsx'))
const RoutesPage = page(() => import('./pages/routes.tsx'))
const EventsPage = page(() => import('./pages/events.tsx'))
const AccessPage = page(() => import('./pages/access.tsx'))
const LabPage = page(() => import('./pages/lab.tsx'))
const CallsPage = page(() => import('./pages/calls.tsx'))
const SettingsPage = page(() => import('./pages/settings.tsx'))

/**
 * The first page does not wait for the others. They come afterwards, in this many milliseconds: one that is missing then would not
 * be found any more once a newer server has taken the place of the one that it belongs to.
 */
const othersAfter = 2_000

function useOtherPages() {
  useEffect(() => {
    const fetchThem = async () => {
      for (const load of everyPage) await load()
    }
    const timer = setTimeout(() => fetchThem().catch(() => undefined), othersAfter)
    return () => clearTimeout(timer)
  }, [])
}

export function Root() {
  const cache = useQueryClient()
  const [session, setSession] = useState<Session | 'nobody' | Error>()
  const ask = useCallback(() => {
    readSession().then(setSession, (error) =>
      setSession(error instanceof ApiFailure && error.status === 401 ? 'nobody' : error),
    )
  }, [])
  const leave = useCallback(() => {
    cache.clear()
    setSession('nobody')
  }, [cache])
  useEffect(() => {
    onSignedOut(leave)
    ask()
  }, [ask, leave])

  if (session === undefined) return <Loading />
  if (session === 'nobody') return <SignInPage onSignedIn={setSession} />
  if (session instanceof Error) return <Failed error={session} retry={ask} />
  return (
    <Router base="/console">
      <SignedIn session={session} onLeft={leave} />
    </Router>
  )
}

const regionKey = 'suidao.region'

function SignedIn({ session, onLeft }: { readonly session: Session; readonly onLeft: () => void }) {
  const [region, setRegion] = useState(() => {
    const stored = localStorage.getItem(regionKey)
    return stored !== null && session.Server.Regions.includes(stored) ? stored : session.Server.DefaultRegion
  })
  const connection = useLive(onLeft)
  useOtherPages()
  const context = useMemo<ConsoleContext>(
    () => ({
      session,
      region,
      connection,
      setRegion(next) {
        localStorage.setItem(regionKey, next)
        setRegion(next)
      },
      async leave(everywhere) {
        await signOut(everywhere).catch(() => undefined)
        onLeft()
      },
    }),
    [session, region, connection, onLeft],
  )
  return (
    <Console value={context}>
      <Frame>
        <Switch>
          <Route path="/" component={OverviewPage} />
          {(['connections', 'attachments'] as const).map((place) => [
            <Route key={place} path={`/${place}`}>
              <ConnectionsPage key={place} place={place} />
            </Route>,
            <Route key={`${place} one`} path={`/${place}/:id/:tab?`}>
              {({ id, tab }) => <ConnectionPage key={id} place={place} id={id!} tab={tab ?? 'summary'} />}
            </Route>,
          ])}
          <Route path="/gateways" component={GatewaysPage} />
          <Route path="/customer-gateways" component={CustomerGatewaysPage} />
          <Route path="/networks" component={NetworksPage} />
          <Route path="/routes" component={RoutesPage} />
          <Route path="/events" component={EventsPage} />
          <Route path="/access" component={AccessPage} />
          {session.Server.Lab && <Route path="/lab" component={LabPage} />}
          {session.Server.Lab && <Route path="/calls" component={CallsPage} />}
          <Route path="/settings" component={SettingsPage} />
          <Route component={NoPage} />
        </Switch>
      </Frame>
    </Console>
  )
}

function NoPage() {
  const { t } = useWords()
  return <Nothing text={t('state.noPage')} />
}

type Place = readonly [path: string, key: MessageKey, Icon: typeof MenuOutlined]

/** What is looked at each day, what it is made of, what it is run by, and the emulator's own. */
const places: readonly (readonly Place[])[] = [
  [
    ['/', 'nav.overview', DashboardOutlined],
    ['/connections', 'nav.connections', LinkOutlined],
    ['/attachments', 'nav.attachments', NodeIndexOutlined],
    ['/events', 'nav.events', BellOutlined],
  ],
  [
    ['/gateways', 'nav.gateways', GatewayOutlined],
    ['/customer-gateways', 'nav.customerGateways', ShopOutlined],
    ['/networks', 'nav.networks', ClusterOutlined],
    ['/routes', 'nav.routes', PartitionOutlined],
  ],
  [
    ['/access', 'nav.access', SafetyOutlined],
    ['/settings', 'nav.settings', SettingOutlined],
  ],
]

const labPlaces: readonly Place[] = [
  ['/lab', 'nav.lab', ExperimentOutlined],
  ['/calls', 'nav.calls', ApiOutlined],
]

function Frame({ children }: { readonly children: ReactNode }) {
  const { t } = useWords()
  const wide = Grid.useBreakpoint().lg ?? true
  const [open, setOpen] = useState(false)
  return (
    <Layout className="shell">
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      {wide ? (
        <Layout.Sider theme="light" width={216} className="sider">
          <Brand />
          <Navigation />
        </Layout.Sider>
      ) : (
        <Drawer placement="left" open={open} onClose={() => setOpen(false)} size={260} title={<Brand />}>
          <Navigation onChosen={() => setOpen(false)} />
        </Drawer>
      )}
      <Layout>
        <TopBar onMenu={wide ? undefined : () => setOpen(true)} />
        <FaultBanner />
        <Layout.Content id="content" role="main" tabIndex={-1} className="content">
          <Guarded place={useLocation()[0]}>
            <Suspense fallback={<Loading />}>{children}</Suspense>
          </Guarded>
        </Layout.Content>
      </Layout>
    </Layout>
  )
}

function Brand() {
  return (
    <Link href="/" className="brand">
      <img src="/console/icon.svg" alt="" />
      Suidao
    </Link>
  )
}

function Navigation({ onChosen }: { readonly onChosen?: () => void }) {
  const { t } = useWords()
  const [location] = useLocation()
  const { session } = useConsole()
  const shown = session.Server.Lab ? [...places, labPlaces] : places
  const here = shown.flat().findLast(([path]) => path !== '/' && location.startsWith(path))?.[0] ?? '/'
  return (
    <nav aria-label={t('nav.main')}>
      <Menu
        mode="inline"
        selectedKeys={[here]}
        onClick={() => onChosen?.()}
        items={shown.flatMap((group, index) => [
          ...(index > 0 ? [{ type: 'divider' as const }] : []),
          ...group.map(([path, key, Icon]) => ({
            key: path,
            icon: <Icon aria-hidden />,
            label: <Link href={path}>{t(key)}</Link>,
          })),
        ])}
      />
    </nav>
  )
}

function TopBar({ onMenu }: { readonly onMenu: (() => void) | undefined }) {
  const { t, language, setLanguage } = useWords()
  const { session, region, setRegion, leave } = useConsole()
  const other = language === 'zh' ? 'en' : 'zh'
  const names = new Map(regions.map(({ id, zh, en }) => [id, language === 'zh' ? zh : en]))
  const narrow = onMenu !== undefined
  return (
    <Layout.Header className="topbar">
      {onMenu && (
        <Button type="text" icon={<MenuOutlined aria-hidden />} aria-label={t('nav.open')} onClick={onMenu} />
      )}
      <Select
        showSearch={{ optionFilterProp: 'label' }}
        aria-label={t('label.region')}
        value={region}
        onChange={setRegion}
        popupMatchSelectWidth={280}
        options={session.Server.Regions.map((id) => ({ value: id, label: `${names.get(id) ?? id} ${id}` }))}
        labelRender={({ value }) => names.get(String(value)) ?? value}
        variant="filled"
        className="region"
      />
      <Mode />
      <span className="grow" />
      <LiveSign brief={narrow} />
      <Button
        type="text"
        icon={<GlobalOutlined aria-hidden />}
        aria-label={narrow ? t('nav.language') : undefined}
        onClick={() => setLanguage(other)}
      >
        {narrow ? null : language === 'zh' ? 'English' : '中文'}
      </Button>
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            { key: 'who', type: 'group', label: <code>{session.AccessKeyId}</code> },
            { key: 'out', icon: <LogoutOutlined aria-hidden />, label: t('nav.signOut') },
            { key: 'all', icon: <GlobalOutlined aria-hidden />, label: t('nav.signOutAll') },
          ],
          onClick: ({ key }) => void leave(key === 'all'),
        }}
      >
        <Button
          type="text"
          icon={<UserOutlined aria-hidden />}
          aria-label={narrow ? t('nav.account') : undefined}
        >
          {narrow ? null : (session.UserName ?? t('label.accountItself'))}
        </Button>
      </Dropdown>
    </Layout.Header>
  )
}

/** Real tunnels, or an emulator: never to be mistaken for each other. */
export function Mode() {
  const { t } = useWords()
  const { Engine } = useConsole().session.Server
  if (Engine === null) return <Mark tone="none">{t('mode.apiOnly')}</Mark>
  return Engine.name === 'simulated' ? (
    <Mark tone="play">{t('mode.emulator')}</Mark>
  ) : (
    <Mark tone="info">{t('mode.real')}</Mark>
  )
}

/** @param brief where there is little room: as long as all is well, the sign alone */
function LiveSign({ brief }: { readonly brief: boolean }) {
  const { t } = useWords()
  const { connection } = useConsole()
  const live = connection === 'live'
  return (
    <Tooltip title={t(live ? 'live.on.detail' : 'live.off.detail')}>
      <span role="status">
        <Badge
          status={live ? 'success' : 'default'}
          text={
            <span className={brief && live ? 'unseen' : undefined}>{t(live ? 'live.on' : 'live.off')}</span>
          }
        />
      </span>
    </Tooltip>
  )
}
