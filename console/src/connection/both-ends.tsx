/** What we are set to beside what the peer offered or agreed to, the words that differ marked. */
import { useConsole } from '../context.tsx'
import { type ConnectionAnswer, diagnosis, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { Mark } from '../parts/mark.tsx'
import { SmallTable } from '../parts/table.tsx'
import { type Compared, compareEnds, type Word } from './compare.ts'
import type { TunnelView } from './tunnels.ts'

export function BothEnds({
  answer,
  tunnel,
  disagreementsOnly = false,
}: {
  readonly answer: ConnectionAnswer
  readonly tunnel: TunnelView
  readonly disagreementsOnly?: boolean
}) {
  const { t } = useWords()
  const id = answer.VpnConnectionId!
  const told = useQuery(diagnosis(useConsole().region, id)).data
  const refused = told?.find((one) => (one.TunnelId ?? id) === tunnel.id)
  const all = compareEnds(tunnel, answer.LocalSubnet ?? '', answer.RemoteSubnet ?? '', refused)
  const rows = disagreementsOnly ? all.filter(({ how }) => how === 'offered') : all
  if (rows.length === 0) return null
  return (
    <SmallTable<Compared>
      rowKey="what"
      dataSource={[...rows]}
      scroll={{ x: 620 }}
      title={() => <h3>{t('compare.title')}</h3>}
      columns={[
        { title: t('compare.what'), width: 130, render: (_, { what }) => t(`compare.${what}`) },
        { title: t('diagnose.ours'), render: (_, { ours }) => <Words words={ours} /> },
        {
          title: t('diagnose.theirs'),
          render: (_, { theirs }) =>
            theirs.length === 0 ? (
              <span className="muted">{t('compare.silent')}</span>
            ) : (
              <Words words={theirs} />
            ),
        },
        {
          title: t('compare.how'),
          width: 110,
          render: (_, { how }) =>
            how && <Mark tone={how === 'agreed' ? 'good' : 'bad'}>{t(`compare.${how}`)}</Mark>,
        },
      ]}
    />
  )
}

/** Underlined too: colour alone is no sign. */
const Words = ({ words }: { readonly words: readonly Word[] }) => (
  <code className="wrap">
    {words.map(({ text, differs }, index) =>
      // biome-ignore lint/suspicious/noArrayIndexKey: words of one text, which may come twice
      differs ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
    )}
  </code>
)
