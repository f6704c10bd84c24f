/** Whose rights these pages have. */
import { MinusOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Card } from 'antd'
import { AccessKeys } from '../access/keys.tsx'
import { Policies } from '../access/policies.tsx'
import { Users } from '../access/users.tsx'
import { useConsole } from '../context.tsx'
import { type AuditItem, auditEvents, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Mark } from '../parts/mark.tsx'
import { Copyable, Facts, PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'

export default function AccessPage() {
  const { t, language } = useWords()
  const { session, leave } = useConsole()
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
          {session.Statements.length === 0 ? (
            <p>{t(session.UserName === null ? 'access.everything' : 'access.nothing')}</p>
          ) : (
            <SmallTable
              rowKey={(row) => JSON.stringify(row)}
              dataSource={[...session.Statements]}
              scroll={{ x: 700 }}
              columns={[
                {
                  title: t('access.effect'),
                  width: 110,
                  render: (_, { Effect }) => (
                    <Mark tone={Effect === 'Allow' ? 'good' : 'bad'}>
                      {t(Effect === 'Allow' ? 'access.allow' : 'access.deny')}
                    </Mark>
                  ),
                },
                { title: t('access.action'), render: (_, { Action }) => <Codes items={Action} /> },
                { title: t('access.resource'), render: (_, { Resource }) => <Codes items={Resource} /> },
              ]}
            />
          )}
          <p className="muted">
            {t('access.manage')} <code>node bin/suidao.mjs keys</code>
          </p>
        </Card>
        <Card title={t('access.own')}>
          <AccessKeys />
        </Card>
        <Users />
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

/** Calls that changed something or were refused. */
export function AuditTable({ items }: { readonly items: readonly AuditItem[] }) {
  const { t, language } = useWords()
  return (
    <SmallTable<AuditItem>
      rowKey={(item) => item.eventId!}
      dataSource={[...items]}
      scroll={{ x: 900 }}
      locale={{ emptyText: <Nothing text={t('audit.none')} /> }}
      expandable={{
        expandedRowRender: (item) => (
          <>
            <AuditChanges json={item.changesJson} />
            <pre className="evidence">{pretty(item.requestParameterJson)}</pre>
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
        { title: t('field.at'), render: (_, item) => formatTime(Date.parse(item.eventTime ?? ''), language) },
        { title: t('audit.call'), render: (_, item) => <code>{item.eventName}</code> },
        {
          title: t('audit.who'),
          render: (_, item) =>
            item.userIdentity?.type === 'root-account'
              ? t('label.accountItself')
              : item.userIdentity?.userName,
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

function pretty(json: string | undefined): string {
  try {
    return JSON.stringify(JSON.parse(json ?? ''), null, 2)
  } catch {
    return json ?? ''
  }
}

const Codes = ({ items }: { readonly items: readonly string[] }) => (
  <>
    {items.map((item) => (
      <div key={item}>
        <code>{item}</code>
      </div>
    ))}
  </>
)
