import { Alert, Button, Card, Form, Input } from 'antd'
import { useEffect, useState } from 'react'
import { ApiFailure, type Session, signIn } from '../api.ts'
import { useWords } from '../i18n.tsx'

interface Fields {
  readonly AccessKeyId: string
  readonly AccessKeySecret: string
  readonly SecurityToken?: string
}

export function SignInPage({ onSignedIn }: { readonly onSignedIn: (session: Session) => void }) {
  const { t, language, setLanguage } = useWords()
  const [form] = Form.useForm<Fields>()
  const [failure, setFailure] = useState<Error>()
  const [busy, setBusy] = useState(false)
  const id = Form.useWatch('AccessKeyId', form)
  useEffect(() => {
    document.title = `${t('signIn.title')} · Suidao`
  }, [t])

  const submit = async (fields: Fields) => {
    setBusy(true)
    setFailure(undefined)
    try {
      onSignedIn(await signIn(fields))
    } catch (error) {
      // The secret is typed again, and kept nowhere.
      form.setFieldValue('AccessKeySecret', '')
      setFailure(error as Error)
      setBusy(false)
    }
  }
  const needs = (message: string) => [{ required: true, whitespace: true, message }]
  return (
    <main className="signin">
      <div>
        <div className="brand">
          <img src="/console/icon.svg" alt="" />
          Suidao
        </div>
        <Card>
          <h1 className="page-head">{t('signIn.title')}</h1>
          {location.protocol === 'http:' && !isLoopback(location.hostname) && (
            <Alert type="warning" showIcon className="notice" title={t('signIn.plainHttp')} />
          )}
          {failure && <Alert type="error" showIcon className="notice" title={explain(failure, t)} />}
          <Form<Fields>
            form={form}
            layout="vertical"
            onFinish={submit}
            requiredMark={false}
            autoComplete="off"
          >
            <Form.Item name="AccessKeyId" label={t('signIn.id')} rules={needs(t('signIn.id.missing'))}>
              <Input autoFocus autoComplete="off" spellCheck={false} />
            </Form.Item>
            <Form.Item
              name="AccessKeySecret"
              label={t('signIn.secret')}
              rules={needs(t('signIn.secret.missing'))}
            >
              <Input.Password autoComplete="off" />
            </Form.Item>
            {id?.startsWith('STS.') && (
              <Form.Item
                name="SecurityToken"
                label={t('signIn.token')}
                rules={needs(t('signIn.token.missing'))}
              >
                <Input.Password autoComplete="off" />
              </Form.Item>
            )}
            <Button type="primary" htmlType="submit" block loading={busy}>
              {t('signIn.submit')}
            </Button>
          </Form>
          <p className="muted">{t('signIn.hint')}</p>
        </Card>
        <Button type="link" onClick={() => setLanguage(language === 'zh' ? 'en' : 'zh')}>
          {language === 'zh' ? 'English' : '中文'}
        </Button>
      </div>
    </main>
  )
}

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || host.startsWith('127.')

function explain(error: Error, t: ReturnType<typeof useWords>['t']): string {
  if (!(error instanceof ApiFailure)) return error.message
  if (error.status === 0) return t('state.unreachable')
  if (error.code === 'SignInRefused') return t('signIn.refused')
  if (error.code === 'SignInSlowedDown') return t('signIn.slow', { seconds: error.retryAfter ?? 60 })
  return `${error.code} ${error.message}`
}
