/** Whether the peer is still there: when it was last heard, and what DPD does when it is not. */
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { Ago } from '../parts/health-tag.tsx'
import { Facts } from '../parts/page.tsx'
import { mainSa, type TunnelView } from './tunnels.ts'

export function Liveness({ answer, tunnel }: TabProps & { readonly tunnel: TunnelView }) {
  const { t } = useWords()
  const { HeardAt, AsOf, IkeSas } = tunnel.facts
  const time = (at: number | undefined) =>
    at === undefined ? <span className="muted">{t('label.notKnown')}</span> : <Ago at={at} />
  return (
    <section aria-label={t('liveness.title')}>
      <Facts
        title={t('liveness.title')}
        facts={[
          {
            label: t('liveness.heard'),
            value: (
              <>
                {time(HeardAt)}
                {HeardAt !== undefined && AsOf !== undefined && (
                  <>
                    {' · '}
                    <Ago at={AsOf} says="asOf" />
                  </>
                )}
              </>
            ),
          },
          ...(tunnel.dpd
            ? [{ label: t('liveness.answered'), value: time(mainSa(IkeSas)?.dpdAnsweredAt) }]
            : []),
          {
            label: 'DPD',
            value: tunnel.dpd
              ? t(answer.EffectImmediately ? 'liveness.atOnce' : 'liveness.withTraffic')
              : t('liveness.off'),
          },
        ]}
      />
    </section>
  )
}
