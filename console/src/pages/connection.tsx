/** One connection, all there is to know of it. */
import { Alert, Button, Card, Tabs } from 'antd'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { deleteVpnAttachment } from '../../../src/resources/vpn-attachment/spec.ts'
import { deleteVpnConnection } from '../../../src/resources/vpn-connection/spec.ts'
import { ApiTab } from '../connection/api-tab.tsx'
import { alertOf, DiagnoseTab } from '../connection/diagnose-tab.tsx'
import { HealthTab } from '../connection/health-tab.tsx'
import { HistoryTab } from '../connection/history-tab.tsx'
import { LogsTab } from '../connection/logs-tab.tsx'
import { PeerTab } from '../connection/peer-tab.tsx'
import { RoutingTab } from '../connection/routing-tab.tsx'
import { SummaryTab } from '../connection/summary-tab.tsx'
import { isAttachment, tunnelsOf } from '../connection/tunnels.ts'
import { TunnelsTab } from '../connection/tunnels-tab.tsx'
import { useConsole } from '../context.tsx'
import { type ConnectionAnswer, connection, useQuery } from '../data.ts'
import { ConnectionForm } from '../forms/connection-form.tsx'
import { asOf, deriveHealth, type Health, healths, reasonOf } from '../health.ts'
import { useWords } from '../i18n.tsx'
import { useRemove } from '../parts/actions.tsx'
import { Ago, Busy, HealthTag } from '../parts/health-tag.tsx'
import { Copyable, PageHead } from '../parts/page.tsx'
import { Loading, Shown } from '../parts/states.tsx'

const MonitoringTab = lazy(() => import('../connection/monitoring-tab.tsx'))

export interface TabProps {
  readonly answer: ConnectionAnswer
}

const tabs: readonly (readonly [
  key: string,
  title: `tab.${string}`,
  show: (props: TabProps) => ReactNode,
])[] = [
  ['summary', 'tab.summary', SummaryTab],
  ['tunnels', 'tab.tunnels', TunnelsTab],
  ['routing', 'tab.routing', RoutingTab],
  ['health', 'tab.health', HealthTab],
  ['monitoring', 'tab.monitoring', MonitoringTab as unknown as (props: TabProps) => ReactNode],
  ['logs', 'tab.logs', LogsTab],
  ['diagnose', 'tab.diagnose', DiagnoseTab],
  ['peer', 'tab.peer', PeerTab],
  ['history', 'tab.history', HistoryTab],
  ['api', 'tab.api', ApiTab],
]

/** @param place the list that this was found in */
export default function ConnectionPage({
  place,
  id,
  tab,
}: {
  readonly place: 'connections' | 'attachments'
  readonly id: string
  readonly tab: string
}) {
  const { t } = useWords()
  const { region } = useConsole()
  const [, go] = useLocation()
  const query = useQuery(connection(region, id))
  const [editing, setEditing] = useState(false)
  const remove = useRemove()
  const answer = query.data
  const reportedAt = asOf(answer?.['X-Suidao'])
  const above = { href: `/${place}`, title: t(`nav.${place}`) }
  const attached = answer !== undefined && isAttachment(answer)
  const active = tabs.some(([key]) => key === tab) ? tab : 'summary'
  return (
    <>
      <PageHead
        title={answer?.Name || id}
        above={above}
        sub={
          answer && (
            <>
              <HealthTag health={deriveHealth(answer, answer['X-Suidao'])} />
              <Busy state={answer.State} />
              <Copyable text={id} />
              {reportedAt === undefined ? t('label.neverReported') : <Ago at={reportedAt} says="asOf" />}
            </>
          )
        }
        actions={
          answer && (
            <>
              <Button onClick={() => setEditing(true)}>{t('action.edit')}</Button>
              <Button
                danger
                onClick={() =>
                  remove(
                    answer.Name || id,
                    {
                      spec: attached ? deleteVpnAttachment : deleteVpnConnection,
                      params: { RegionId: region, VpnConnectionId: id },
                    },
                    () => go(`/${place}`),
                  )
                }
              >
                {t('action.delete')}
              </Button>
            </>
          )
        }
      />
      {answer && active !== 'diagnose' && active !== 'tunnels' && (
        <Verdict answer={answer} href={`/${place}/${id}/diagnose`} />
      )}
      <Card className="tabbed">
        <Shown query={query}>
          {(shown) => (
            <Tabs
              activeKey={active}
              onChange={(key) => go(key === 'summary' ? `/${place}/${id}` : `/${place}/${id}/${key}`)}
              destroyOnHidden
              items={tabs.map(([key, title, Show]) => ({
                key,
                label: t(title as 'tab.summary'),
                children: (
                  <Suspense fallback={<Loading />}>
                    <Show answer={shown} />
                  </Suspense>
                ),
              }))}
            />
          )}
        </Shown>
      </Card>
      {editing && answer && (
        <ConnectionForm connection={answer} attached={attached} onClose={() => setEditing(false)} />
      )}
    </>
  )
}

const isWrong: ReadonlySet<Health> = new Set(['down', 'degraded', 'stopped', 'unknown'])

/** What is wrong, since when and what to do, of the tunnel that is worst off; nothing when nothing is. */
function Verdict({ answer, href }: { readonly answer: ConnectionAnswer; readonly href: string }) {
  const { t, text } = useWords()
  const [worst] = tunnelsOf(answer).toSorted((a, b) => healths.indexOf(a.health) - healths.indexOf(b.health))
  if (!worst || !isWrong.has(worst.health)) return null
  const reason = worst.facts.Reason
  const known = reason && reasonOf(reason.Code)
  return (
    <Alert
      className="notice verdict"
      type={alertOf[worst.health]}
      showIcon
      title={
        <>
          {worst.role && `${t(`role.${worst.role}`)} · `}
          {known ? text(known.title) : (reason?.Code ?? t(`verdict.${worst.health}`))}{' '}
          {reason && <Ago at={reason.Since} says="for" />}
        </>
      }
      description={known && text(known.remedy)}
      action={<Link href={href}>{t('tab.diagnose')}</Link>}
    />
  )
}
