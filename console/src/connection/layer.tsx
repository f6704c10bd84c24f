/** One layer of a tunnel: IKE, ESP, BGP, health check. */
import type { ReactNode } from 'react'
import { useWords } from '../i18n.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import type { LayerState } from './tunnels.ts'

const layerTones: Readonly<Record<LayerState, Tone>> = {
  up: 'good',
  pending: 'info',
  down: 'bad',
  off: 'none',
  unknown: 'none',
}

export function Layer({
  title,
  state,
  children,
}: {
  readonly title: string
  readonly state: LayerState
  readonly children?: ReactNode
}) {
  return (
    <section className="layer" aria-label={title}>
      <h4>
        {title} <LayerMark state={state} />
      </h4>
      <div className="muted">{children}</div>
    </section>
  )
}

export function LayerMark({ state }: { readonly state: LayerState }) {
  const { t } = useWords()
  return <Mark tone={layerTones[state]}>{t(`layer.${state}`)}</Mark>
}
