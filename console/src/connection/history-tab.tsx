/** What became of the tunnels, and who changed what. */
import { Card } from 'antd'
import { useConsole } from '../context.tsx'
import { auditEvents, changes, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { AuditTable } from '../pages/access.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { ChangeRows } from '../pages/events.tsx'
import { Nothing, Shown } from '../parts/states.tsx'

export function HistoryTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const past = useQuery(changes(region, answer.VpnConnectionId))
  const calls = useQuery(auditEvents(region, answer.VpnConnectionId))
  return (
    <div className="stack">
      <Card type="inner" title={t('history.tunnels')}>
        <Shown query={past}>
          {(items) =>
            items.length === 0 ? <Nothing text={t('events.none')} /> : <ChangeRows items={items} />
          }
        </Shown>
      </Card>
      <Card type="inner" title={t('history.calls')}>
        <Shown query={calls}>{(items) => <AuditTable items={items} />}</Shown>
      </Card>
    </div>
  )
}
