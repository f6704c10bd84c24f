/** Who is told of events: addresses, how it goes, and a try. */
import { useMutation } from '@tanstack/react-query'
import { App, Button, Card, Form, Input, Select, Space } from 'antd'
import { useState } from 'react'
import {
  suidaoCreateWebhook,
  suidaoDeleteWebhook,
  suidaoTestWebhook,
  suidaoUpdateWebhook,
} from '../../../src/resources/webhook/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { useQuery, type WebhookItem, webhooks } from '../data.ts'
import type { Finding } from '../forms/checks.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Ago } from '../parts/health-tag.tsx'
import { CreateButton } from '../parts/list.tsx'
import { Copyable } from '../parts/page.tsx'
import { Failure, Nothing, Shown } from '../parts/states.tsx'
import { SmallTable, TableTitle } from '../parts/table.tsx'

export function Webhooks() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(webhooks(region))
  const [open, setOpen] = useState<'new' | WebhookItem>()
  return (
    <Card
      title={t('webhooks.title')}
      extra={
        <CreateButton second onClick={() => setOpen('new')}>
          {t('webhooks.create')}
        </CreateButton>
      }
    >
      <Shown query={query}>
        {(items) => (
          <SmallTable<WebhookItem>
            rowKey={(item) => item.WebhookId!}
            title={() => (
              <TableTitle
                title={t('webhooks.list')}
                head={[
                  t('webhooks.url'),
                  t('nav.events'),
                  t('webhooks.last'),
                  t('webhooks.delivered'),
                  t('webhooks.waiting'),
                  t('webhooks.dropped'),
                ]}
                rows={() =>
                  items.map((item) => [
                    item.Url ?? '',
                    item.Events?.Event.join(' ') ?? '',
                    item.LastStatus ?? '',
                    item.Delivered ?? 0,
                    item.Waiting ?? 0,
                    item.Dropped ?? 0,
                  ])
                }
              />
            )}
            dataSource={[...items]}
            scroll={{ x: 900 }}
            locale={{ emptyText: <Nothing text={t('webhooks.none')} /> }}
            columns={[
              { title: t('webhooks.url'), render: (_, item) => <span className="wrap">{item.Url}</span> },
              {
                title: t('nav.events'),
                render: (_, item) => (hearsAll(item) ? t('webhooks.all') : item.Events?.Event.join(', ')),
              },
              {
                title: t('webhooks.last'),
                render: (_, item) =>
                  item.LastTime ? (
                    <>
                      <code>{item.LastStatus}</code> <Ago at={item.LastTime} />
                    </>
                  ) : (
                    t('label.never')
                  ),
              },
              { title: t('webhooks.delivered'), dataIndex: 'Delivered', align: 'right' },
              { title: t('webhooks.waiting'), dataIndex: 'Waiting', align: 'right' },
              { title: t('webhooks.dropped'), dataIndex: 'Dropped', align: 'right' },
              {
                title: t('field.actions'),
                render: (_, item) => (
                  <Space>
                    <TestButton id={item.WebhookId!} url={item.Url ?? ''} />
                    <RowActions
                      name={item.Url ?? ''}
                      onEdit={() => setOpen(item)}
                      remove={{
                        spec: suidaoDeleteWebhook,
                        params: { RegionId: region, WebhookId: item.WebhookId },
                      }}
                    />
                  </Space>
                ),
              },
            ]}
          />
        )}
      </Shown>
      {open && (
        <WebhookForm {...(open === 'new' ? {} : { webhook: open })} onClose={() => setOpen(undefined)} />
      )}
    </Card>
  )
}

function TestButton({ id, url }: { readonly id: string; readonly url: string }) {
  const { t } = useWords()
  const { region } = useConsole()
  const { message } = App.useApp()
  const { mutate, isPending } = useMutation({
    mutationFn: () => call(suidaoTestWebhook, { RegionId: region, WebhookId: id }),
    onSuccess: ({ Succeeded, Status, DurationMs }) => {
      const said = t('webhooks.answered', { status: Status ?? '', time: DurationMs ?? 0 })
      if (Succeeded) message.success(said)
      else message.error(said)
    },
    onError: (error) => message.error(<Failure error={error} />),
  })
  return (
    <Button
      size="small"
      loading={isPending}
      aria-label={t('webhooks.testNamed', { name: url })}
      onClick={() => mutate()}
    >
      {t('webhooks.test')}
    </Button>
  )
}

type EventName = (typeof suidaoCreateWebhook.params.Events.item.enum)[number]
const eventNames: readonly EventName[] = suidaoCreateWebhook.params.Events.item.enum

const hearsAll = ({ Events }: WebhookItem) => Events?.Event.length === eventNames.length

interface Fields {
  readonly Url: string
  readonly Secret?: string
  readonly Events?: EventName[]
}

function WebhookForm({ webhook, onClose }: { readonly webhook?: WebhookItem; readonly onClose: () => void }) {
  const { t } = useWords()
  const { region } = useConsole()
  const { modal } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const url = Form.useWatch('Url', form)
  const findings: Finding[] =
    url && !/^https?:\/\/[^/@#]+([/?][^#]*)?$/.test(url) ? [{ level: 'error', message: 'check.noUrl' }] : []
  const initial =
    webhook === undefined
      ? {}
      : { Url: webhook.Url, Events: hearsAll(webhook) ? [] : [...(webhook.Events?.Event ?? [])] }

  const save = async ({ Url, Secret, Events = [] }: Fields) => {
    const secret = Secret ? { Secret } : {}
    if (webhook) {
      const { WebhookId } = webhook
      const all = Events.length === 0 ? [...eventNames] : Events
      await call(suidaoUpdateWebhook, { RegionId: region, WebhookId, Url, Events: all, ...secret })
      return t('form.saved')
    }
    const made = await call(suidaoCreateWebhook, { RegionId: region, Url, Events, ...secret })
    modal.info({
      title: t('webhooks.secret'),
      content: (
        <>
          <p>{t('webhooks.secret.text')}</p>
          <Copyable text={made.Secret ?? ''} />
        </>
      ),
    })
    return t('form.created', { id: made.WebhookId ?? '' })
  }
  return (
    <FormDrawer
      title={t(webhook ? 'webhooks.edit' : 'webhooks.create')}
      form={form}
      initial={initial as Partial<Fields>}
      onClose={onClose}
      findings={findings}
      effect={t('effect.none')}
      save={save}
    >
      <Form.Item name="Url" label={t('webhooks.url')} rules={required(t('form.needed'))}>
        <Input placeholder="https://alerts.example/hook" />
      </Form.Item>
      <Form.Item name="Events" label={t('nav.events')} extra={t('webhooks.events.hint')}>
        <Select mode="multiple" allowClear options={eventNames.map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Form.Item
        name="Secret"
        label={t('webhooks.secret')}
        extra={t(webhook ? 'webhooks.secret.unchanged' : 'webhooks.secret.hint')}
        rules={[{ pattern: suidaoCreateWebhook.params.Secret.pattern, message: t('webhooks.secret.rule') }]}
      >
        <Input.Password autoComplete="off" />
      </Form.Item>
    </FormDrawer>
  )
}
