/** Whether somebody at the other end answers. */
import { formatNumber } from '../format.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { Ago } from '../parts/health-tag.tsx'
import { Facts } from '../parts/page.tsx'
import { Nothing } from '../parts/states.tsx'
import { Layer } from './layer.tsx'
import { probeLayer, tunnelsOf } from './tunnels.ts'

export function HealthTab({ answer }: TabProps) {
  const { t, language } = useWords()
  const tunnel = tunnelsOf(answer)[0]!
  const { healthCheck: check, facts } = tunnel
  const probe = facts.Probe
  if (check === undefined) return <Nothing text={t('probe.off')} />
  const lost = probe && probe.sent > 0 ? (100 * (probe.sent - probe.received)) / probe.sent : undefined
  return (
    <div className="stack">
      <Layer title={t('tab.health')} state={probeLayer(tunnel)}>
        {probe?.since !== undefined && <Ago at={probe.since} says="for" />}
      </Layer>
      <Facts
        facts={[
          { label: t('probe.dip'), value: <code>{check.Dip}</code> },
          { label: t('probe.sip'), value: <code>{check.Sip}</code> },
          { label: t('probe.interval'), value: `${check.Interval} ${t('unit.seconds')}` },
          { label: t('probe.retry'), value: check.Retry },
          {
            label: t('probe.sent'),
            value: probe ? `${probe.received} / ${probe.sent}` : t('label.notKnown'),
          },
          {
            label: t('probe.loss'),
            value:
              lost === undefined
                ? t('label.notKnown')
                : `${formatNumber(Math.round(lost * 10) / 10, language)} %`,
          },
          {
            label: t('probe.rtt'),
            value: probe?.rtt === undefined ? t('label.notKnown') : `${formatNumber(probe.rtt, language)} ms`,
          },
        ]}
      />
    </div>
  )
}
