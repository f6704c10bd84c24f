/** The last calls that clients have made of the emulator. */
import { Card } from 'antd'
import type { CallRecord } from '../../../src/emulator/types.ts'
import { useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { calls } from '../lab.ts'
import { timeColumn } from '../parts/list.tsx'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { type Column, ResourceTable } from '../parts/table.tsx'

export default function CallsPage() {
  const { t, language } = useWords()
  const query = useQuery(calls)
  const columns: Column<CallRecord>[] = [
    timeColumn('at', t('field.at'), ({ time }) => time, language),
    {
      key: 'action',
      title: t('audit.call'),
      width: 260,
      text: ({ action }) => action,
      show: ({ action }) => <code>{action}</code>,
    },
    {
      key: 'code',
      title: t('audit.outcome'),
      width: 230,
      text: ({ code }) => code,
      show: ({ code }) => <code>{code}</code>,
    },
    {
      key: 'status',
      title: t('calls.status'),
      width: 130,
      text: ({ status }) => status,
      show: ({ status }) => status,
    },
    {
      key: 'duration',
      title: t('calls.duration'),
      width: 120,
      text: ({ duration }) => duration,
      show: ({ duration }) => `${(duration / 1000).toFixed(1)} ms`,
    },
    {
      key: 'key',
      title: t('access.key'),
      width: 230,
      text: ({ accessKeyId }) => accessKeyId,
      show: ({ accessKeyId }) => accessKeyId,
    },
    {
      key: 'request',
      title: t('label.requestId'),
      width: 330,
      text: ({ requestId }) => requestId,
      show: ({ requestId }) => <code>{requestId}</code>,
    },
  ]
  return (
    <>
      <PageHead title={t('nav.calls')} />
      <Card>
        <Shown query={query}>
          {(items) => (
            <ResourceTable
              name={t('nav.calls')}
              rows={items.toReversed()}
              columns={columns}
              rowKey={({ requestId }) => requestId}
              nothing={<Nothing text={t('audit.none')} />}
            />
          )}
        </Shown>
      </Card>
    </>
  )
}
