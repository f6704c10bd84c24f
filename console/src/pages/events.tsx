/** What happened to tunnels, newest first. */
import { Card } from 'antd'
import { useMemo } from 'react'
import { Link } from 'wouter'
import { useConsole } from '../context.tsx'
import { type ChangeItem, changes, useConnectionNames, useQuery } from '../data.ts'
import { deriveHealth, type Health, reasonOf } from '../health.ts'
import { useWords } from '../i18n.tsx'
import { Ago, HealthTag } from '../parts/health-tag.tsx'
import { timeColumn } from '../parts/list.tsx'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { type Column, ResourceTable } from '../parts/table.tsx'
import { Webhooks } from './webhooks.tsx'

/** How the tunnel was from this change on. */
export function healthOfChange({ Status, ReasonCode, At }: ChangeItem): Health {
  // The word of the operator comes before the daemon's that it has ended.
  if (ReasonCode === 'STOPPED_BY_OPERATOR') return 'stopped'
  const reason = reasonOf(ReasonCode ?? '')
  return deriveHealth(
    { Status },
    {
      Freshness: 'current',
      ...(reason ? { Reason: { Code: ReasonCode as never, Severity: reason.severity, Since: At ?? 0 } } : {}),
    },
  )
}

const keyOf = (item: ChangeItem) => `${item.TunnelId} ${item.At} ${item.Status} ${item.ReasonCode}`

export function ChangeRows({ items }: { readonly items: readonly ChangeItem[] }) {
  const { text } = useWords()
  const { region } = useConsole()
  const nameOf = useConnectionNames(region)
  return (
    <ul className="rows">
      {items.map((item) => {
        const reason = reasonOf(item.ReasonCode ?? '')
        return (
          <li key={keyOf(item)}>
            <HealthTag health={healthOfChange(item)} />
            <Link
              className="one-line"
              title={nameOf(item.VpnConnectionId)}
              href={`/connections/${item.VpnConnectionId}`}
            >
              {nameOf(item.VpnConnectionId)}
            </Link>
            <Ago at={item.At!} />
            {reason && <div className="row-text">{text(reason.title)}</div>}
          </li>
        )
      })}
    </ul>
  )
}

export default function EventsPage() {
  const { t, text, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(changes(region))
  const nameOf = useConnectionNames(region)
  const columns = useMemo<Column<ChangeItem>[]>(() => {
    const titleOf = (item: ChangeItem) => {
      const reason = reasonOf(item.ReasonCode ?? '')
      return reason ? text(reason.title) : ''
    }
    return [
      timeColumn('at', t('field.at'), (item) => item.At!, language),
      {
        key: 'health',
        title: t('field.health'),
        width: 140,
        text: (item) => t(`health.${healthOfChange(item)}`),
        show: (item) => <HealthTag health={healthOfChange(item)} />,
      },
      {
        key: 'connection',
        title: t('field.connection'),
        width: 190,
        text: (item) => nameOf(item.VpnConnectionId),
        show: (item) => (
          <Link title={nameOf(item.VpnConnectionId)} href={`/connections/${item.VpnConnectionId}`}>
            {nameOf(item.VpnConnectionId)}
          </Link>
        ),
      },
      { key: 'reason', title: t('field.reason'), width: 260, text: titleOf, show: titleOf },
      {
        key: 'code',
        title: t('field.reasonCode'),
        width: 190,
        minor: true,
        text: (item) => item.ReasonCode ?? '',
        show: (item) => item.ReasonCode && <code>{item.ReasonCode}</code>,
      },
    ]
  }, [t, text, language, nameOf])
  return (
    <>
      <PageHead title={t('nav.events')} sub={<span className="muted">{t('events.sub')}</span>} />
      <div className="stack">
        <Card>
          <Shown query={query}>
            {(items) => (
              <ResourceTable
                name={t('nav.events')}
                rows={items}
                columns={columns}
                rowKey={keyOf}
                nothing={<Nothing text={t('events.none')} />}
              />
            )}
          </Shown>
        </Card>
        <Webhooks />
      </div>
    </>
  )
}
