import { useSyncExternalStore } from 'react'
import { serverNow } from '../clock.ts'
import { formatAge, formatTime } from '../format.ts'
import type { Health } from '../health.ts'
import { useWords } from '../i18n.tsx'
import { Mark, type Tone } from './mark.tsx'

/** Colour is never the only sign: each has a shape and a word. Unknown is grey. */
const looks: Readonly<Record<Health, readonly [tone: Tone, sign: string]>> = {
  up: ['good', '●'],
  degraded: ['warn', '◐'],
  negotiating: ['info', '◌'],
  waiting: ['calm', '◇'],
  stopped: ['calm', '□'],
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

/** What is being done to a connection, as long as something is. */
export function Busy({ state }: { readonly state: string | undefined }) {
  const { t } = useWords()
  const busy = (['provisioning', 'updating', 'deleting'] as const).find((one) => one === state)
  return busy && <span className="muted">{t(`state.${busy}`)}</span>
}

/** One timer for every time on the page. */
const ticking = (() => {
  const listeners = new Set<() => void>()
  let current = serverNow()
  let timer: ReturnType<typeof setInterval> | undefined
  const tick = () => {
    current = serverNow()
    for (const listener of listeners) listener()
  }
  return {
    now: () => current,
    subscribe(listener: () => void) {
      if (listeners.size === 0) {
        current = serverNow()
        timer = setInterval(tick, 1_000)
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) clearInterval(timer)
      }
    },
  }
})()

/**
 * How long ago it was, which goes on by itself, and the time it was at for who asks.
 * @param says `ago`: it happened then; `for`: it is so since then; `asOf`: it was so then
 */
export function Ago({ at, says = 'ago' }: { readonly at: number; readonly says?: 'ago' | 'for' | 'asOf' }) {
  const { language, t } = useWords()
  // Drawn again when it reads otherwise, not each second.
  const age = useSyncExternalStore(ticking.subscribe, () =>
    formatAge(Math.max(0, ticking.now() - at) / 1000, language),
  )
  return (
    <time dateTime={new Date(at).toISOString()} title={formatTime(at, language)} className="ago muted">
      {t(`time.${says}`, { time: age })}
    </time>
  )
}
