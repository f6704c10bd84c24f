import { Tooltip } from 'antd'
import { useEffect, useState } from 'react'
import { serverNow } from '../clock.ts'
import { formatDuration, formatTime } from '../format.ts'
import type { Health } from '../health.ts'
import { useWords } from '../i18n.tsx'
import { Mark, type Tone } from './mark.tsx'

/** Colour is never the only sign: each has a shape and a word. Unknown is grey. */
const looks: Readonly<Record<Health, readonly [tone: Tone, sign: string]>> = {
  up: ['good', '●'],
  degraded: ['warn', '◐'],
  negotiating: ['info', '◌'],
  waiting: ['calm', '◇'],
  down: ['bad', '■'],
  unknown: ['none', '?'],
}

export function HealthTag({ health }: { readonly health: Health }) {
  const { t } = useWords()
  const [tone, sign] = looks[health]
  return (
    <span data-health={health}>
      <Mark tone={tone}>
        <span aria-hidden="true">{sign}</span> {t(`health.${health}`)}
      </Mark>
    </span>
  )
}

/** A time and how long ago it was; the latter goes on by itself. */
export function Ago({ at, label }: { readonly at: number; readonly label?: string }) {
  const { language, t } = useWords()
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1_000)
    return () => clearInterval(timer)
  }, [])
  const ago = formatDuration(Math.max(0, now - at) / 1000, language)
  return (
    <Tooltip title={formatTime(at, language)}>
      <time dateTime={new Date(at).toISOString()} className="muted">
        {label} {t('time.ago', { time: ago })}
      </time>
    </Tooltip>
  )
}
