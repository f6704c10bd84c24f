import { CopyOutlined } from '@ant-design/icons'
import { App, Button, Descriptions, Tooltip } from 'antd'
import { type ReactNode, useEffect } from 'react'
import { Link } from 'wouter'
import { useWords } from '../i18n.tsx'

interface HeadProps {
  readonly title: string
  /** Where this page belongs. */
  readonly above?: { readonly href: string; readonly title: string }
  readonly sub?: ReactNode
  readonly actions?: ReactNode
}

export function PageHead({ title, above, sub, actions }: HeadProps) {
  useEffect(() => {
    document.title = `${title} · Suidao`
  }, [title])
  return (
    <header className="page-head">
      <div className="page-title">
        {above && (
          <Link href={above.href} className="above">
            {above.title}
          </Link>
        )}
        <h1>{title}</h1>
        {sub && <div className="page-sub">{sub}</div>}
      </div>
      {actions && <div className="page-actions">{actions}</div>}
    </header>
  )
}

/** An id or another text that is copied more often than typed. */
export function Copyable({ text, children }: { readonly text: string; readonly children?: ReactNode }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const copy = async () => {
    await copyText(text)
    message.success(t('action.copied'))
  }
  return (
    <span className="copyable">
      {children ?? <code>{text}</code>}
      <Tooltip title={t('action.copy')}>
        <Button
          type="text"
          size="small"
          aria-label={t('action.copyNamed', { name: text.slice(0, 40) })}
          icon={<CopyOutlined aria-hidden />}
          onClick={copy}
        />
      </Tooltip>
    </span>
  )
}

/** The clipboard interface is there in secure contexts alone; over plain HTTP a selection does it. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text)
    return
  }
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

export interface Fact {
  readonly label: string
  readonly value: ReactNode
}

/** Names and values side by side, below each other where there is no room, or little (`narrow`) by where they stand. */
export function Facts({
  facts,
  title,
  narrow,
}: {
  readonly facts: readonly Fact[]
  readonly title?: ReactNode
  readonly narrow?: boolean
}) {
  return (
    <Descriptions
      className="facts"
      title={title}
      size="small"
      bordered
      column={narrow ? 1 : { xs: 1, sm: 1, md: 1, lg: 2 }}
      items={facts.map(({ label, value }) => ({
        key: label,
        label,
        children: value ?? <span className="muted">–</span>,
      }))}
    />
  )
}

/** A text in the words of a machine, to be copied. It scrolls by itself, so the keyboard must reach it. */
export function CodeBlock({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <section className="block" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1) */}
      <pre tabIndex={0}>{text}</pre>
      <Copyable text={text}> </Copyable>
    </section>
  )
}
