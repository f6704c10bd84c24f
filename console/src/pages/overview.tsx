/** What is well, what needs somebody first, what happened last. */
import { CheckOutlined } from '@ant-design/icons'
import { Card, Descriptions } from 'antd'
import { Link } from 'wouter'
import { isAttachment } from '../connection/tunnels.ts'
import { useConsole } from '../context.tsx'
import {
  type ChangeItem,
  type ConnectionItem,
  changes,
  connections,
  customerGateways,
  gateways,
  serverFacts,
  useQuery,
  vpcs,
} from '../data.ts'
import { formatTime } from '../format.ts'
import {
  deriveHealth,
  groupByReason,
  type Health,
  healths,
  type ReasonExtra,
  reasonOf,
  worstReason,
} from '../health.ts'
import { useWords } from '../i18n.tsx'
import { Ago, HealthTag } from '../parts/health-tag.tsx'
import { Mark } from '../parts/mark.tsx'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { Mode } from '../root.tsx'
import { ChangeRows, healthOfChange } from './events.tsx'

/** Connections listed one by one as needing somebody; more are put together by their reasons. */
const mostListed = 8

export default function OverviewPage() {
  const { t } = useWords()
  return (
    <>
      <PageHead title={t('nav.overview')} />
      <div className="stack">
        <Counts />
        <div className="overview">
          <Attention />
          <LastChanges />
          <ServerCard />
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
        if (rows.length === 0) return <FirstSteps />
        return (
          <section className="tiles" aria-label={t('overview.counts')}>
            {healths.map((health) => {
              const counted = rows.filter((row) => deriveHealth(row, row.extra) === health)
              const place = counted.length > 0 && counted.every(isAttachment) ? 'attachments' : 'connections'
              return (
                <Link
                  key={health}
                  href={`/${place}?health=${health}`}
                  className={counted.length === 0 ? 'tile tile-none' : 'tile'}
                >
                  <HealthTag health={health} />
                  <b>{counted.length}</b>
                </Link>
              )
            })}
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

/** A connection that somebody should look at. */
interface Need {
  readonly row: ConnectionItem
  readonly health: Health
  readonly reason: ReasonExtra | undefined
}

const needsSomebody = (health: Health) => health === 'down' || health === 'degraded' || health === 'unknown'

const placeOf = (row: ConnectionItem) => (isAttachment(row) ? 'attachments' : 'connections')

function Attention() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(connections(region))
  return (
    <Card
      title={t('overview.attention')}
      className="overview-first"
      extra={<NeedCount rows={query.data ?? []} />}
    >
      <Shown query={query}>
        {(rows) => {
          const needs = needsOf(rows)
          if (needs.length === 0) return <Nothing text={t('overview.attention.none')} />
          return (
            <ul className="rows">
              {(needs.length <= mostListed ? needs.map((need) => [need]) : groupByReason(needs)).map(
                (group) =>
                  group.length === 1 ? (
                    <NeedRow key={group[0]!.row.VpnConnectionId} need={group[0]!} />
                  ) : (
                    <NeedGroup key={`${group[0]!.health} ${group[0]!.reason?.Code}`} group={group} />
                  ),
              )}
            </ul>
          )
        }}
      </Shown>
    </Card>
  )
}

const needsOf = (rows: readonly ConnectionItem[]): readonly Need[] =>
  rows
    .map((row) => ({
      row,
      health: deriveHealth(row, row.extra),
      reason: worstReason(row, row.extra),
    }))
    .filter(({ health }) => needsSomebody(health))
    .sort((a, b) => healths.indexOf(a.health) - healths.indexOf(b.health))

function NeedCount({ rows }: { readonly rows: readonly ConnectionItem[] }) {
  const { t } = useWords()
  return rows.length > 0 ? (
    <span className="muted">
      {t('overview.attention.count', { count: needsOf(rows).length, total: rows.length })}
    </span>
  ) : null
}

/** Why, and what to do. */
function Why({ health, reason }: Pick<Need, 'health' | 'reason'>) {
  const { t, text } = useWords()
  const known = reason && reasonOf(reason.Code)
  return (
    <div className="row-text">
      {known ? text(known.title) : (reason?.Code ?? t(`verdict.${health}`))}
      {known && <div className="muted">{text(known.remedy)}</div>}
    </div>
  )
}

function NeedRow({ need: { row, health, reason } }: { readonly need: Need }) {
  const name = row.Name || row.VpnConnectionId
  return (
    <li>
      <HealthTag health={health} />
      <Link className="one-line" title={name} href={`/${placeOf(row)}/${row.VpnConnectionId}/diagnose`}>
        {name}
      </Link>
      {reason && <Ago at={reason.Since} says="for" />}
      <Why health={health} reason={reason} />
    </li>
  )
}

/** Names that are given of a group; the list has them all. */
const mostNamed = 3

function NeedGroup({ group }: { readonly group: readonly Need[] }) {
  const { t, text } = useWords()
  const { health, reason, row } = group[0]!
  const known = reason && reasonOf(reason.Code)
  const search = new URLSearchParams({ health, ...(known ? { q: text(known.title) } : {}) })
  const since = group.flatMap((need) => (need.reason ? [need.reason.Since] : []))
  return (
    <li>
      <HealthTag health={health} />
      <Link className="one-line" href={`/${placeOf(row)}?${search}`}>
        {t('overview.group', { count: group.length })}
      </Link>
      {since.length > 0 && <Ago at={Math.min(...since)} says="for" />}
      <Why health={health} reason={reason} />
      <div className="row-text names">
        {group.slice(0, mostNamed).map(({ row }) => (
          <Link key={row.VpnConnectionId} href={`/${placeOf(row)}/${row.VpnConnectionId}/diagnose`}>
            {row.Name || row.VpnConnectionId}
          </Link>
        ))}
        {group.length > mostNamed && (
          <Link href={`/${placeOf(row)}?${search}`}>
            {t('overview.more', { count: group.length - mostNamed })}
          </Link>
        )}
      </div>
    </li>
  )
}

/** Changes listed as the last ones. */
const mostChanges = 8

/** Newest first, without steps on the way and without what says again what stood before; the full list has them. */
function newsOf(items: readonly ChangeItem[]): readonly ChangeItem[] {
  const news: ChangeItem[] = []
  for (const [index, item] of items.entries()) {
    if (news.length === mostChanges) break
    const health = healthOfChange(item)
    const before = items.slice(index + 1).find(({ TunnelId }) => TunnelId === item.TunnelId)
    const isSame = before && healthOfChange(before) === health && before.ReasonCode === item.ReasonCode
    if (health !== 'negotiating' && !isSame) news.push(item)
  }
  return news
}

function LastChanges() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(changes(region))
  return (
    <Card
      title={t('overview.events')}
      className="overview-side"
      extra={<Link href="/events">{t('overview.events.all')}</Link>}
    >
      <Shown query={query}>
        {(items) =>
          items.length === 0 ? <Nothing text={t('events.none')} /> : <ChangeRows items={newsOf(items)} />
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
        colon={false}
        className="plain-facts"
        column={1}
        items={items.map(([label, children]) => ({ key: String(label), label, children }))}
      />
    </Card>
  )
}
