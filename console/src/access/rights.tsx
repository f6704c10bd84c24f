/** What a key or a role may do, statement by statement, and by which policy. */
import { Alert } from 'antd'
import type { Rights } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { Mark } from '../parts/mark.tsx'
import { type Asked, Nothing, Shown } from '../parts/states.tsx'
import { SmallTable, TableTitle } from '../parts/table.tsx'

type Statement = NonNullable<Rights['Statements']>['Statement'][number]

export function RightsOf({ query }: { readonly query: Asked<Rights> }) {
  const { t } = useWords()
  return (
    <Shown query={query}>
      {({ Everything, Statements, Within }) => {
        const statements = Statements?.Statement ?? []
        const within = Within?.Statement ?? []
        const isAccount = Everything === true
        return (
          <div className="stack">
            {isAccount && (
              <Alert
                type="info"
                showIcon
                title={t(statements.length === 0 ? 'access.everything' : 'access.everythingBut')}
              />
            )}
            {!isAccount && statements.length === 0 && <Nothing text={t('access.nothing')} />}
            {statements.length > 0 && <StatementTable title={t('access.rights')} items={statements} />}
            {within.length > 0 && <StatementTable title={t('access.within')} items={within} />}
          </div>
        )
      }}
    </Shown>
  )
}

function StatementTable({ title, items }: { readonly title: string; readonly items: readonly Statement[] }) {
  const { t } = useWords()
  const by = ({ PolicyName, GivenTo }: Statement) =>
    PolicyName || t(GivenTo === 'Role' ? 'access.by.Role' : 'access.by.Key')
  const effect = ({ Effect }: Statement) => t(Effect === 'Allow' ? 'access.allow' : 'access.deny')
  const heads = [
    t('access.by'),
    t('access.effect'),
    t('access.action'),
    t('access.resource'),
    t('access.condition'),
  ]
  return (
    <SmallTable
      rowKey={(item) => JSON.stringify(item)}
      dataSource={[...items]}
      scroll={{ x: 700 }}
      title={() => (
        <TableTitle
          title={title}
          head={heads}
          rows={() =>
            items.map((item) => [
              by(item),
              effect(item),
              item.Actions?.Action.join(' ') ?? '',
              item.Resources?.Resource.join(' ') ?? '',
              item.Condition ?? '',
            ])
          }
        />
      )}
      columns={[
        {
          title: heads[0],
          render: (_, item) => (
            <>
              {item.PolicyName ? <code>{item.PolicyName}</code> : by(item)}
              {item.PolicyName && item.GivenTo !== 'Key' && (
                <div className="muted">{t(item.GivenTo === 'Role' ? 'access.ofRole' : 'access.ofUser')}</div>
              )}
            </>
          ),
        },
        {
          title: heads[1],
          render: (_, item) => <Mark tone={item.Effect === 'Allow' ? 'good' : 'bad'}>{effect(item)}</Mark>,
        },
        { title: heads[2], render: (_, { Actions }) => <Codes items={Actions?.Action ?? []} /> },
        { title: heads[3], render: (_, { Resources }) => <Codes items={Resources?.Resource ?? []} /> },
        {
          title: heads[4],
          render: (_, { Condition }) => Condition && <code className="wrap">{Condition}</code>,
        },
      ]}
    />
  )
}

const Codes = ({ items }: { readonly items: readonly string[] }) => (
  <>
    {items.map((item) => (
      <div key={item}>
        <code className="wrap">{item}</code>
      </div>
    ))}
  </>
)
