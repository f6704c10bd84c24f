/** What a page shows when there is nothing (yet, at all, any more) to show. */
import { Alert, Button, Empty, Result, Skeleton } from 'antd'
import { Component, type ReactNode } from 'react'
import { ApiFailure } from '../api.ts'
import { useWords } from '../i18n.tsx'

export interface Asked<T> {
  readonly data: T | undefined
  readonly error: Error | null
  readonly isPending: boolean
  readonly refetch: () => unknown
}

/**
 * Shows what was asked for, or why it is not there. With an older answer at hand and the newest attempt failed, both are shown: the
 * answer, and that it is not fresh.
 */
export function Shown<T>({
  query,
  children,
}: {
  readonly query: Asked<T>
  readonly children: (data: T) => ReactNode
}) {
  const { t } = useWords()
  if (query.data !== undefined) {
    return (
      <>
        {query.error && !isGone(query.error) && (
          <Alert
            type="warning"
            showIcon
            className="notice"
            title={t('state.stale')}
            description={<Failure error={query.error} />}
            action={<Button onClick={() => query.refetch()}>{t('action.retry')}</Button>}
          />
        )}
        {query.error && isGone(query.error) && (
          <Alert type="info" showIcon className="notice" title={t('state.gone')} />
        )}
        {children(query.data)}
      </>
    )
  }
  if (query.isPending) return <Loading />
  return <Failed error={query.error} retry={() => query.refetch()} />
}

const isGone = (error: Error) => error instanceof ApiFailure && error.isGone

/** A page that fails to draw itself says so; the frame around it stays. */
export class Guarded extends Component<{ readonly place: string; readonly children: ReactNode }> {
  override state: { readonly error: Error | null; readonly place: string } = {
    error: null,
    place: this.props.place,
  }

  static getDerivedStateFromError = (error: Error) => ({ error })
  static getDerivedStateFromProps = (props: { readonly place: string }, state: { readonly place: string }) =>
    props.place === state.place ? null : { error: null, place: props.place }

  override render() {
    return this.state.error ? <Failed error={this.state.error} /> : this.props.children
  }
}

export function Loading() {
  const { t } = useWords()
  return (
    <div role="status" aria-label={t('state.loading')} className="loading">
      <Skeleton active paragraph={{ rows: 6 }} />
    </div>
  )
}

export function Failed({ error, retry }: { readonly error: Error | null; readonly retry?: () => void }) {
  const { t } = useWords()
  const failure = error instanceof ApiFailure ? error : undefined
  const [status, title] = failure?.isDenied
    ? (['403', t('state.denied')] as const)
    : failure?.isGone
      ? (['404', t('state.notFound')] as const)
      : failure?.status === 0
        ? (['warning', t('state.unreachable')] as const)
        : (['error', t('state.failed')] as const)
  return (
    <Result
      status={status === '403' || status === '404' ? 'warning' : status}
      title={title}
      subTitle={error && <Failure error={error} />}
      extra={retry && <Button onClick={retry}>{t('action.retry')}</Button>}
    />
  )
}

/** The vendor's code, what it says, and the id to look for in the log. */
export function Failure({ error }: { readonly error: Error }) {
  const { t } = useWords()
  if (!(error instanceof ApiFailure)) return <span>{error.message}</span>
  if (error.status === 0) return <span>{t('state.unreachable.detail')}</span>
  return (
    <span>
      <code>{error.code}</code> {error.message}
      {error.requestId && (
        <span className="request-id muted">
          {t('label.requestId')} <code>{error.requestId}</code>
        </span>
      )}
    </span>
  )
}

/** A line; a picture above it where there is something to be done. */
export function Nothing({ text, children }: { readonly text: string; readonly children?: ReactNode }) {
  if (!children) return <p className="nothing muted">{text}</p>
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text}>
      {children}
    </Empty>
  )
}
