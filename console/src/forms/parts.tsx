/** What every form has: a drawer, what the checks found, why the server refused, and the way out. */
import { useMutation } from '@tanstack/react-query'
import { Alert, App, Button, Drawer, Form, type FormInstance, Space } from 'antd'
import type { ReactNode } from 'react'
import { useConsole } from '../context.tsx'
import { useRefreshRegion } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { Failure } from '../parts/states.tsx'
import type { Finding } from './checks.ts'

interface Props<T extends object> {
  readonly title: string
  readonly form: FormInstance<T>
  readonly initial: Partial<T>
  readonly onClose: () => void
  /** Sends the form; answers what to say when it is done. */
  readonly save: (values: T) => Promise<string>
  readonly findings?: readonly Finding[]
  /** What saving will do. */
  readonly effect?: ReactNode
  readonly wide?: boolean
  readonly children: ReactNode
}

export function FormDrawer<T extends object>({
  title,
  form,
  initial,
  onClose,
  save,
  findings = [],
  effect,
  wide,
  children,
}: Props<T>) {
  const { t } = useWords()
  const { message } = App.useApp()
  const refresh = useRefreshRegion(useConsole().region)
  const saving = useMutation({
    mutationFn: save,
    onSuccess(done) {
      message.success(done)
      onClose()
    },
    onSettled: refresh,
  })
  const wrong = findings.some(({ level }) => level === 'error')
  return (
    <Drawer
      open
      title={title}
      size={wide ? 760 : 480}
      onClose={onClose}
      destroyOnHidden
      footer={
        <div className="stack">
          {effect && <Alert type="info" showIcon title={effect} />}
          {saving.error && (
            <Alert
              type="error"
              showIcon
              title={t('form.refused')}
              description={<Failure error={saving.error} />}
            />
          )}
          <Space>
            <Button type="primary" loading={saving.isPending} disabled={wrong} onClick={() => form.submit()}>
              {t('action.save')}
            </Button>
            <Button onClick={onClose}>{t('action.cancel')}</Button>
          </Space>
        </div>
      }
    >
      <Form<T>
        form={form}
        layout="vertical"
        initialValues={initial}
        onFinish={(values) => saving.mutate(values)}
        scrollToFirstError={{ focus: true }}
        autoComplete="off"
      >
        {children}
        <Findings findings={findings} />
      </Form>
    </Drawer>
  )
}

function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  const { t } = useWords()
  return (
    <div className="stack" aria-live="polite">
      {findings.map(({ level, message, values }) => (
        <Alert
          key={`${message} ${JSON.stringify(values)}`}
          type={level}
          showIcon
          title={t(message, values)}
        />
      ))}
    </div>
  )
}

export const required = (message: string) => [{ required: true, message }]
