/** One verdict, why, what was seen, and what to do. */
import { Alert } from 'antd'
import { type Health, healths, type ReasonExtra, reasonOf } from '../health.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { Ago, HealthTag } from '../parts/health-tag.tsx'
import { BothEnds } from './both-ends.tsx'
import { LayerMark } from './layer.tsx'
import { StartedDiagnosis } from './started-diagnosis.tsx'
import {
  bgpLayer,
  espLayer,
  ikeLayer,
  isAttachment,
  type LayerState,
  probeLayer,
  tunnelsOf,
} from './tunnels.ts'

/** As loud as it matters to traffic: what passes all the same is no error. */
export const alertOf: Readonly<Record<Health, 'error' | 'warning' | 'info'>> = {
  down: 'error',
  degraded: 'warning',
  negotiating: 'info',
  waiting: 'info',
  stopped: 'info',
  unknown: 'info',
  up: 'info',
}

/** The reason with its remedy and evidence; nothing when there is none. */
export function ReasonBox({
  health,
  reason,
}: {
  readonly health: Health
  readonly reason: ReasonExtra | undefined
}) {
  const { t, text } = useWords()
  if (!reason) return null
  const known = reasonOf(reason.Code)
  return (
    <Alert
      type={alertOf[health]}
      showIcon
      title={
        <>
          {known ? text(known.title) : reason.Code} <Ago at={reason.Since} says="for" />
        </>
      }
      description={
        <>
          {known && (
            <p>
              <strong>{t('diagnose.remedy')}</strong> {text(known.remedy)}
            </p>
          )}
          {(reason.Evidence?.length ?? 0) > 0 && (
            <>
              <strong>{t('diagnose.evidence')}</strong>
              <pre className="evidence">{reason.Evidence!.join('\n')}</pre>
            </>
          )}
          <p className="codes muted">
            {t('field.reasonCode')} <code>{reason.Code}</code>
            {known && (
              <>
                {' · '}
                FailedReasonCode <code>{known.vendorCode}</code>
              </>
            )}
          </p>
        </>
      }
    />
  )
}

export function DiagnoseTab({ answer }: TabProps) {
  const { t } = useWords()
  const worstFirst = tunnelsOf(answer).toSorted(
    (a, b) => healths.indexOf(a.health) - healths.indexOf(b.health),
  )
  return (
    <div className="stack">
      {worstFirst.map((tunnel) => {
        const checks: readonly (readonly [label: string, state: LayerState])[] = [
          [t('diagnose.check.report'), tunnel.facts.Freshness === 'current' ? 'up' : 'unknown'],
          [t('diagnose.check.ike'), ikeLayer(tunnel)],
          [t('diagnose.check.esp'), espLayer(tunnel)],
          [t('diagnose.check.bgp'), bgpLayer(tunnel)],
          [t('diagnose.check.probe'), probeLayer(tunnel)],
        ]
        return (
          <section key={tunnel.id} className="stack" aria-label={tunnel.id}>
            <h2>
              <HealthTag health={tunnel.health} />{' '}
              {tunnel.role && <span className="role">{t(`role.${tunnel.role}`)} · </span>}
              {t(`verdict.${tunnel.health}`)}
            </h2>
            <ReasonBox health={tunnel.health} reason={tunnel.facts.Reason} />
            <BothEnds answer={answer} tunnel={tunnel} disagreementsOnly />
            <section aria-label={t('diagnose.checks')}>
              <h3>{t('diagnose.checks')}</h3>
              <ul className="checks">
                {checks.map(([label, state]) => (
                  <li key={label} className="check">
                    <span>{label}</span>
                    <span>
                      <LayerMark state={state} />{' '}
                      {state !== 'off' && tunnel.facts.AsOf !== undefined && (
                        <Ago at={tunnel.facts.AsOf} says="asOf" />
                      )}
                    </span>
                  </li>
                ))}
              </ul>
            </section>
          </section>
        )
      })}
      {isAttachment(answer) ? (
        <p className="muted">{t('diagnosis.gatewayOnly')}</p>
      ) : (
        <StartedDiagnosis answer={answer} />
      )}
    </div>
  )
}
