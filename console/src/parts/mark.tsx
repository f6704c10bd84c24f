import type { ReactNode } from 'react'

/** What a mark means; the colours stand in styles.css, for light and dark, each with enough contrast to be read. */
export type Tone = 'good' | 'warn' | 'info' | 'calm' | 'bad' | 'none' | 'play'

/** A span and no more: lists draw hundreds of them. */
export function Mark({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={`mark mark-${tone}`}>{children}</span>
}
