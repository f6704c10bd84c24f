/** What is well, what needs somebody first, what happened last. */
import { CheckOutlined } from '@ant-design/icons'
import { Card, Descriptions } from 'antd'
import { Link } from 'wouter'
import { useConsole } from '../context.tsx'
import { changes, connections, customerGateways, gateways, serverFacts, useQuery, vpcs } from '../data.ts'
import { formatTime } from '../format.ts'
import { deriveHealth, type Health, healths, reasonOf, worstReason } from '../health.ts'
import { useWords } from '../i18n.tsx'
import { Ago, HealthTag } from '../parts/health-tag.tsx'
import { Mark } from '../parts/mark.tsx'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { Mode } from '../root.tsx'
import { ChangeRows } from './events.tsx'

/** Connections listed as needing somebody. */
const mostListed = 8

export function OverviewPage() {
  const { t } = useWords()
  return (
    <>
      <PageHead title={t('nav.overview')} />
      <div className="stack">
        <Counts />
        <div className="grid">
          <div className="stack">
            <Attention />
            <ServerCard />
          </div>
          <LastChanges />
        </div>
      </div>
    </>
  )
}

function Counts() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(connections(region))
  return (
    <Shown query={query}>
      {(rows) => {
        const counts = new Map<Health, number>()
        for (const row of rows) {
          const health = deriveHealth(row, row.extra)
          counts.set(health, (counts.get(health) ?? 0) + 1)
        }
        if (rows.length === 0) return <FirstSteps />
        return (
          <section className="tiles" aria-label={t('overview.counts')}>
            {healths.map((health) => (
              <Link key={health} href={`/connections?health=${health}`} className="tile">
                <HealthTag health={health} />
                <b>{counts.get(health) ?? 0}</b>
              </Link>
            ))}
          </section>
        )
      }}
    </Shown>
  )
}

/** Nothing is there yet: what to make, in which order. */
function FirstSteps() {
  const { t } = useWords()
  const { region } = useConsole()
  const done = [
    (useQuery(vpcs(region)).data?.length ?? 0) > 0,
    (useQuery(gateways(region)).data?.length ?? 0) > 0,
    (useQuery(customerGateways(region)).data?.length ?? 0) > 0,
    false,
  ]
  const steps = [
    ['/networks', 'overview.step.network'],
    ['/gateways', 'overview.step.gateway'],
    ['/customer-gateways', 'overview.step.customer'],
    ['/connections', 'overview.step.connection'],
  ] as const
  return (
    <Card title={t('overview.first')}>
      <ol>
        {steps.map(([href, key], index) => (
          <li key={key}>
            <Link href={href}>{t(key)}</Link> {done[index] && <CheckOutlined aria-label={t('label.done')} />}
          </li>
        ))}
      </ol>
    </Card>
  )
}

function Attention() {
  const { t, text } = useWords()
  const { region } = useConsole()
  const query = useQuery(connections(region))
  return (
    <Card title={t('overview.attention')}>
      <Shown query={query}>
        {(rows) => {
          const order = (health: Health) => healths.indexOf(health)
          const needing = rows
            .map((row) => ({ row, health: deriveHealth(row, row.extra) }))
            .filter(({ health }) => health === 'down' || health === 'degraded' || health === 'unknown')
            .sort((a, b) => order(a.health) - order(b.health))
          if (needing.length === 0) return <Nothing text={t('overview.attention.none')} />
          return (
            <ul className="rows">
              {needing.slice(0, mostListed).map(({ row, health }) => {
                const reason = worstReason(row, row.extra)
                const known = reason && reasonOf(reason.Code)
                return (
                  <li key={row.VpnConnectionId}>
                    <HealthTag health={health} />
                    <Link href={`/connections/${row.VpnConnectionId}/diagnose`}>
                      {row.Name || row.VpnConnectionId}
                    </Link>
                    {known && <span>{text(known.title)}</span>}
                    {reason && (
                      <span className="end">
                        <Ago at={reason.Since} />
                      </span>
                    )}
                  </li>
                )
              })}
              {needing.length > mostListed && (
                <li>
                  <Link href="/connections">
                    {t('overview.more', { count: needing.length - mostListed })}
                  </Link>
                </li>
              )}
            </ul>
          )
        }}
      </Shown>
    </Card>
  )
}

function LastChanges() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(changes(region))
  return (
    <Card title={t('overview.events')} extra={<Link href="/events">{t('overview.events.all')}</Link>}>
      <Shown query={query}>
        {(items) =>
          items.length === 0 ? <Nothing text={t('events.none')} /> : <ChangeRows items={items.slice(0, 8)} />
        }
      </Shown>
    </Card>
  )
}

function ServerCard() {
  const { t, language } = useWords()
  const Server = useQuery(serverFacts(useConsole().session.Server)).data
  const { Engine, Daemons } = Server
  const items = [
    [t('server.mode'), <Mode key="mode" />],
    [t('server.version'), Server.Version],
    [t('server.started'), formatTime(Server.StartedAt, language)],
    [
      t('server.engine'),
      Engine ? [Engine.name, Engine.daemonVersion].filter(Boolean).join(' ') : t('mode.apiOnly'),
    ],
    ...(Daemons.Wanted > 0
      ? [
          [
            t('server.daemons'),
            <Mark key="daemons" tone={Daemons.Up === Daemons.Wanted ? 'good' : 'bad'}>
              {t('server.daemons.up', { up: Daemons.Up, wanted: Daemons.Wanted })}
            </Mark>,
          ] as const,
        ]
      : []),
    ...(Engine?.kernelMode
      ? [[t('server.kernelMode'), t(`server.kernelMode.${Engine.kernelMode}`)] as const]
      : []),
  ] as const
  return (
    <Card title={t('overview.server')}>
      <Descriptions
        size="small"
        column={1}
        items={items.map(([label, children]) => ({ key: String(label), label, children }))}
      />
    </Card>
  )
}
