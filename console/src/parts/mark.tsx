import { Tag } from 'antd'
import type { ReactNode } from 'react'

/** What a mark means; the colours stand in styles.css, for light and dark, each with enough contrast to be read. */
export type Tone = 'good' | 'warn' | 'info' | 'calm' | 'bad' | 'none' | 'play'

export function Mark({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return (
    <Tag
      className="mark"
      style={{ color: `var(--${tone}-ink)`, background: `var(--${tone})`, borderColor: 'transparent' }}
    >
      {children}
    </Tag>
  )
}
