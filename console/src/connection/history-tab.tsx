/** Who changed what, and what became of the tunnels after it. */
import { Alert, Button, Segmented } from 'antd'
import { type ReactNode, useState } from 'react'
import { serverNow } from '../clock.ts'
import { useConsole } from '../context.tsx'
import { type AuditItem, type ChangeItem, callHistory, type Past, tunnelHistory, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { reasonOf } from '../health.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { healthOfChange } from '../pages/events.tsx'
import { useChoice } from '../parts/address.ts'
import { HealthTag } from '../parts/health-tag.tsx'
import { Mark } from '../parts/mark.tsx'
import { Failure, Loading, Nothing, Shown } from '../parts/states.tsx'
import { CsvButton } from '../parts/table.tsx'
import { type Call, callOf, type Entry, isAbout, timelineOf, window, written } from './timeline.ts'
import { tunnelsOf } from './tunnels.ts'

const views = ['all', 'calls', 'tunnels'] as const

export function HistoryTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const [pages, setPages] = useState(1)
  const id = answer.VpnConnectionId!
  const peers = tunnelsOf(answer).map(({ customerGatewayId }) => customerGatewayId)
  // A key of BGP belongs to the customer gateway, routes belong to the VPN gateway.
  const resources = [...new Set([id, ...peers, answer.VpnGatewayId ?? ''])].filter((name) => name !== '')
  const changes = useQuery(tunnelHistory(region, id, pages))
  const calls = useQuery(callHistory(region, resources, pages))
  if (calls.isPending) return <Loading />
  return (
    <div className="stack">
      {calls.error && (
        <Alert
          type="warning"
          showIcon
          title={t(calls.data ? 'state.stale' : 'history.noCalls')}
          description={<Failure error={calls.error} />}
          action={<Button onClick={() => void calls.refetch()}>{t('action.retry')}</Button>}
        />
      )}
      <Shown query={changes}>
        {(past) => (
          <Timeline answer={answer} changes={past} calls={calls.data} earlier={() => setPages(pages + 1)} />
        )}
      </Shown>
    </div>
  )
}

interface TimelineProps extends TabProps {
  readonly changes: Past<ChangeItem>
  /** Absent where they may not be read. */
  readonly calls: Past<AuditItem> | undefined
  readonly earlier: () => void
}

function Timeline({ answer, changes, calls, earlier }: TimelineProps) {
  const { t, text, language } = useWords()
  const [show, setShow] = useChoice('show')
  const view = views.find((one) => one === show) ?? 'all'
  const about = (calls?.items ?? [])
    .map(callOf)
    .filter((call) => isAbout(call, answer.VpnConnectionId!, answer.VpnGatewayId))
  // What came after a call that is too old to be shown would look as if it had come by itself.
  const since = Math.max(changes.since, calls?.since ? calls.since + window : 0)
  const entries = timelineOf(about, changes.items, serverNow()).filter(({ at }) => at >= since)
  const tunnels = entries
    .flatMap((entry) => changesIn(entry).toReversed())
    .sort((a, b) => b.change.At! - a.change.At!)
  const shown = entries.filter(({ kind }) => view === 'all' || kind === 'call')

  const roles = new Map(tunnelsOf(answer).flatMap(({ id, role }) => (role ? [[id, t(`role.${role}`)]] : [])))
  const whoOf = (call: Call) => call.user ?? t('label.accountItself')
  /** How the tunnel was from then on. */
  const stateOf = (change: ChangeItem) => {
    const reason = reasonOf(change.ReasonCode ?? '')
    return (
      <>
        <HealthTag health={healthOfChange(change)} />
        {roles.has(change.TunnelId!) && <span>{roles.get(change.TunnelId!)}</span>}
        {reason && <span>{text(reason.title)}</span>}
      </>
    )
  }
  const alone = calls && <span className="muted">{t('history.alone')}</span>
  const csv = () =>
    entries.flatMap((entry) => {
      const ofTunnels = changesIn(entry).map(({ change, call, after }) => [
        new Date(change.At!).toISOString(),
        call?.name ?? '',
        call ? whoOf(call) : '',
        '',
        '',
        '',
        change.TunnelId ?? '',
        t(`health.${healthOfChange(change)}`),
        change.ReasonCode ?? '',
        after === undefined ? '' : after / 1000,
      ])
      if (entry.kind === 'alone') return ofTunnels
      const { call } = entry
      const fields = call.fields.map(([path, was, is]) => `${path}: ${written(was)} → ${written(is)}`)
      const own = [call.name, whoOf(call), call.address, call.error ?? t('audit.done'), fields.join('; ')]
      return [[new Date(call.at).toISOString(), ...own, '', '', '', ''], ...ofTunnels]
    })
  return (
    <>
      <div className="toolbar">
        <Segmented
          aria-label={t('history.show')}
          value={view}
          onChange={(value) => setShow(value === 'all' ? undefined : value)}
          options={views.map((value) => ({ value, label: t(`history.show.${value}`) }))}
        />
        <CsvButton
          name={t('tab.history')}
          head={[
            t('field.at'),
            t('audit.call'),
            t('audit.who'),
            t('audit.from'),
            t('audit.outcome'),
            t('history.changed'),
            t('history.tunnel'),
            t('field.health'),
            t('field.reasonCode'),
            t('history.afterSeconds'),
          ]}
          rows={csv}
        />
      </div>
      <div className="muted">{t('history.rule', { seconds: window / 1000 })}</div>
      {(view === 'tunnels' ? tunnels : shown).length === 0 && <Nothing text={t('events.none')} />}
      <ul className="timeline">
        {view === 'tunnels'
          ? tunnels.map(({ change, call, after }) => (
              <Row key={keyOf(change)} at={change.At!}>
                {stateOf(change)}
                {call ? (
                  <span className="muted">
                    {t('history.afterCall', { time: secondsOf(after), name: call.name })}
                  </span>
                ) : (
                  alone
                )}
              </Row>
            ))
          : shown.map((entry) =>
              entry.kind === 'alone' ? (
                <Row key={keyOf(entry.change)} at={entry.at}>
                  {stateOf(entry.change)}
                  {alone}
                </Row>
              ) : (
                <Row key={entry.call.id} at={entry.at}>
                  <code>{entry.call.name}</code>
                  <span>{whoOf(entry.call)}</span>
                  <span className="muted">{entry.call.address}</span>
                  {entry.call.error && (
                    <Mark tone="warn">{t('history.refused', { code: entry.call.error })}</Mark>
                  )}
                  <Fields call={entry.call} />
                  <div className="whole">
                    {entry.outcome === 'changed' ? (
                      <ul className="effects">
                        {entry.effects.map(({ change, after }) => (
                          <li key={keyOf(change)}>
                            <span className="muted">{t('history.after', { time: secondsOf(after) })}</span>
                            {stateOf(change)}
                          </li>
                        ))}
                      </ul>
                    ) : (
                      <span className="muted">
                        {t(`history.${entry.outcome}`, { seconds: window / 1000 })}
                      </span>
                    )}
                  </div>
                </Row>
              ),
            )}
      </ul>
      {(changes.hasMore || calls?.hasMore) && (
        <p className="muted">
          {t('history.since', { time: formatTime(since, language) })}{' '}
          <Button size="small" onClick={earlier}>
            {t('history.earlier')}
          </Button>
        </p>
      )}
    </>
  )
}

/** Changes of tunnels, each with the call under which it stands. */
function changesIn(entry: Entry): readonly {
  readonly change: ChangeItem
  readonly call?: Call
  readonly after?: number
}[] {
  if (entry.kind === 'alone') return [{ change: entry.change }]
  return entry.effects.map((effect) => ({ ...effect, call: entry.call }))
}

const keyOf = ({ TunnelId, At, Status, ReasonCode }: ChangeItem) =>
  `${TunnelId} ${At} ${Status} ${ReasonCode}`

const secondsOf = (milliseconds: number | undefined) => ((milliseconds ?? 0) / 1000).toFixed(1)

function Row({ at, children }: { readonly at: number; readonly children: ReactNode }) {
  const { language } = useWords()
  return (
    <li>
      <time dateTime={new Date(at).toISOString()} className="muted">
        {formatTime(at, language)}
      </time>
      {children}
    </li>
  )
}

/** What the call changed, field by field, and what it was given. */
function Fields({ call }: { readonly call: Call }) {
  const { t } = useWords()
  const value = (of: unknown) =>
    of === undefined ? <span className="muted">{t('audit.notThere')}</span> : <code>{written(of)}</code>
  return (
    <div className="whole wrap">
      {call.fields.map(([path, before, after]) => (
        <div key={path}>
          <code>{path}</code>: {value(before)} → {value(after)}
        </div>
      ))}
      <details>
        <summary>{t('history.parameters')}</summary>
        <pre className="evidence">{JSON.stringify(call.parameters, null, 2)}</pre>
      </details>
    </div>
  )
}
