/** Whose rights these pages have. */
import { MinusOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Card } from 'antd'
import { AccessKeys } from '../access/keys.tsx'
import { Policies, prettyJson } from '../access/policies.tsx'
import { RightsOf } from '../access/rights.tsx'
import { Roles } from '../access/roles.tsx'
import { Users } from '../access/users.tsx'
import { useConsole } from '../context.tsx'
import { type AuditItem, auditEvents, callerRights, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Mark } from '../parts/mark.tsx'
import { Copyable, Facts, PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { CsvButton, SmallTable } from '../parts/table.tsx'

export default function AccessPage() {
  const { t, language } = useWords()
  const { session, region, leave } = useConsole()
  const facts = [
    { label: t('access.key'), value: <Copyable text={session.AccessKeyId} /> },
    { label: t('access.account'), value: <Copyable text={session.AccountId} /> },
    { label: t('access.user'), value: session.UserName ?? t('label.accountItself') },
    { label: t('access.since'), value: formatTime(session.CreatedAt, language) },
  ]
  return (
    <>
      <PageHead
        title={t('nav.access')}
        actions={
          <Button danger onClick={() => void leave(true)}>
            {t('nav.signOutAll')}
          </Button>
        }
      />
      <div className="stack">
        <Card>
          <Facts title={t('access.session')} facts={facts} />
        </Card>
        <Card title={t('access.policy')}>
          <RightsOf query={useQuery(callerRights(region))} />
          <p className="muted">
            {t('access.manage')} <code>node bin/suidao.mjs keys</code>
          </p>
        </Card>
        <Card title={t('access.own')}>
          <AccessKeys />
        </Card>
        <Users />
        <Roles />
        <Policies />
        <Audit />
      </div>
    </>
  )
}

function Audit() {
  const { t } = useWords()
  const query = useQuery(auditEvents(useConsole().region))
  return (
    <Card title={t('audit.title')}>
      <Shown query={query}>{(items) => <AuditTable items={items} />}</Shown>
    </Card>
  )
}

/** Calls that changed something, were given a secret, or were refused. */
export function AuditTable({ items }: { readonly items: readonly AuditItem[] }) {
  const { t, language } = useWords()
  const who = ({ userIdentity }: AuditItem) =>
    userIdentity?.type === 'root-account' ? t('label.accountItself') : (userIdentity?.userName ?? '')
  return (
    <>
      <div className="toolbar">
        <span className="muted count">{t('list.count', { count: items.length })}</span>
        <CsvButton
          name={t('audit.title')}
          head={[
            t('field.at'),
            t('audit.call'),
            t('audit.who'),
            t('access.key'),
            t('audit.from'),
            t('audit.on'),
            t('audit.outcome'),
            t('label.requestId'),
          ]}
          rows={() =>
            items.map((item) => [
              item.eventTime ?? '',
              item.eventName ?? '',
              who(item),
              item.userIdentity?.accessKeyId ?? '',
              item.sourceIpAddress ?? '',
              item.resourceName ?? '',
              item.errorCode ?? t('audit.done'),
              item.requestId ?? '',
            ])
          }
        />
      </div>
      <SmallTable<AuditItem>
        rowKey={(item) => item.eventId!}
        dataSource={[...items]}
        scroll={{ x: 900 }}
        locale={{ emptyText: <Nothing text={t('audit.none')} /> }}
        expandable={{
          expandedRowRender: (item) => (
            <>
              <AuditChanges json={item.changesJson} />
              <pre className="evidence">{prettyJson(item.requestParameterJson ?? '')}</pre>
            </>
          ),
          rowExpandable: (item) => Boolean(item.requestParameterJson),
          expandIcon: ({ expanded, onExpand, record }) => (
            <Button
              type="text"
              size="small"
              aria-expanded={expanded}
              aria-label={t('audit.details', { name: record.eventName ?? '' })}
              icon={expanded ? <MinusOutlined aria-hidden /> : <PlusOutlined aria-hidden />}
              onClick={(event) => onExpand(record, event)}
            />
          ),
        }}
        columns={[
          {
            title: t('field.at'),
            className: 'unbroken',
            render: (_, item) => formatTime(Date.parse(item.eventTime ?? ''), language),
          },
          { title: t('audit.call'), render: (_, item) => <code>{item.eventName}</code> },
          {
            title: t('audit.who'),
            className: 'unbroken',
            render: (_, item) => who(item),
          },
          { title: t('audit.from'), className: 'minor', render: (_, item) => item.sourceIpAddress },
          {
            title: t('audit.on'),
            render: (_, item) => <span className="wrap">{item.resourceName?.replaceAll(';', ' ')}</span>,
          },
          {
            title: t('audit.outcome'),
            render: (_, item) =>
              item.errorCode ? <code>{item.errorCode}</code> : <Mark tone="good">{t('audit.done')}</Mark>,
          },
        ]}
      />
    </>
  )
}

interface Change {
  readonly before?: unknown
  readonly after?: unknown
}

/** What the call changed, field by field. */
function AuditChanges({ json }: { readonly json: string | undefined }) {
  const { t } = useWords()
  if (json === undefined) return null
  const changes = Object.entries(JSON.parse(json) as Readonly<Record<string, Change>>)
  const text = (value: unknown) =>
    value === undefined ? (
      <span className="muted">{t('audit.notThere')}</span>
    ) : (
      <code className="wrap">{typeof value === 'string' ? value : JSON.stringify(value)}</code>
    )
  return (
    <SmallTable
      rowKey={([field]) => field}
      dataSource={changes}
      columns={[
        { title: t('audit.field'), render: (_, [field]) => <code>{field}</code> },
        { title: t('audit.before'), render: (_, [, { before }]) => text(before) },
        { title: t('audit.after'), render: (_, [, { after }]) => text(after) },
      ]}
    />
  )
}
