import { Alert } from 'antd'
import { useConsole } from '../context.tsx'
import { useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { faults } from '../lab.ts'

/** Nobody shall mistake an armed fault for a broken world. */
export function FaultBanner() {
  const { t } = useWords()
  const { session } = useConsole()
  const mayLook = session.Server.Lab && session.UserName === null
  const armed = useQuery(faults(mayLook)).data?.filter((fault) => fault.armed) ?? []
  if (armed.length === 0) return null
  return <Alert banner type="warning" title={t('lab.banner', { count: armed.length })} />
}
