/** Whose rights these pages have. */
import { Button, Card, Table } from 'antd'
import { useConsole } from '../context.tsx'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Mark } from '../parts/mark.tsx'
import { Copyable, Facts, PageHead } from '../parts/page.tsx'
import { Nothing } from '../parts/states.tsx'

export function AccessPage() {
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
            <Nothing text={t(session.UserName === null ? 'access.everything' : 'access.nothing')} />
          ) : (
            <Table
              size="middle"
              pagination={false}
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
      </div>
    </>
  )
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
