import { useConsole } from '../context.tsx'
import { changes, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { ChangeRows } from '../pages/events.tsx'
import { Nothing, Shown } from '../parts/states.tsx'

export function HistoryTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(changes(region, answer.VpnConnectionId))
  return (
    <Shown query={query}>
      {(items) => (items.length === 0 ? <Nothing text={t('events.none')} /> : <ChangeRows items={items} />)}
    </Shown>
  )
}
