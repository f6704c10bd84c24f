/** Who is told of events: addresses, how it goes, and a try. */
import { PlusOutlined } from '@ant-design/icons'
import { useMutation } from '@tanstack/react-query'
import { App, Button, Card, Form, Input, Select, Space, Table } from 'antd'
import { useState } from 'react'
import {
  suidaoCreateWebhook,
  suidaoDeleteWebhook,
  suidaoTestWebhook,
} from '../../../src/resources/webhook/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { useQuery, type WebhookItem, webhooks } from '../data.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Ago } from '../parts/health-tag.tsx'
import { Copyable } from '../parts/page.tsx'
import { Failure, Nothing, Shown } from '../parts/states.tsx'

export function Webhooks() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(webhooks(region))
  const [creating, setCreating] = useState(false)
  return (
    <Card
      title={t('webhooks.title')}
      extra={
        <Button icon={<PlusOutlined aria-hidden />} onClick={() => setCreating(true)}>
          {t('webhooks.create')}
        </Button>
      }
    >
      <Shown query={query}>
        {(items) => (
          <Table<WebhookItem>
            size="small"
            pagination={false}
            rowKey={(item) => item.WebhookId!}
            dataSource={[...items]}
            scroll={{ x: 900 }}
            locale={{ emptyText: <Nothing text={t('webhooks.none')} /> }}
            columns={[
              { title: t('webhooks.url'), render: (_, item) => <span className="wrap">{item.Url}</span> },
              {
                title: t('nav.events'),
                render: (_, item) => item.Events?.Event.join(', ') || t('webhooks.all'),
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
              { title: t('webhooks.delivered'), dataIndex: 'Delivered' },
              { title: t('webhooks.waiting'), dataIndex: 'Waiting' },
              { title: t('webhooks.dropped'), dataIndex: 'Dropped' },
              {
                title: t('field.actions'),
                render: (_, item) => (
                  <Space>
                    <TestButton id={item.WebhookId!} url={item.Url ?? ''} />
                    <RowActions
                      name={item.Url ?? ''}
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
      {creating && <WebhookForm onClose={() => setCreating(false)} />}
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

interface Fields {
  readonly Url: string
  readonly Events?: (typeof suidaoCreateWebhook.params.Events.item.enum)[number][]
}

function WebhookForm({ onClose }: { readonly onClose: () => void }) {
  const { t } = useWords()
  const { region } = useConsole()
  const { modal } = App.useApp()
  const [form] = Form.useForm<Fields>()
  return (
    <FormDrawer
      title={t('webhooks.create')}
      form={form}
      initial={{}}
      onClose={onClose}
      effect={t('effect.none')}
      save={async (fields) => {
        const { WebhookId, Secret } = await call(suidaoCreateWebhook, { RegionId: region, ...fields })
        modal.info({
          title: t('webhooks.secret'),
          content: (
            <>
              <p>{t('webhooks.secret.text')}</p>
              <Copyable text={Secret ?? ''} />
            </>
          ),
        })
        return t('form.created', { id: WebhookId ?? '' })
      }}
    >
      <Form.Item name="Url" label={t('webhooks.url')} rules={required(t('form.needed'))}>
        <Input placeholder="https://alerts.example/hook" />
      </Form.Item>
      <Form.Item name="Events" label={t('nav.events')} extra={t('webhooks.events.hint')}>
        <Select
          mode="multiple"
          allowClear
          options={suidaoCreateWebhook.params.Events.item.enum.map((value) => ({ value, label: value }))}
        />
      </Form.Item>
    </FormDrawer>
  )
}
