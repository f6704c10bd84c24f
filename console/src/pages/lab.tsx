/** The world of the emulator: scenarios, faults, time, snapshots. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App, Button, Card, Form, Input, InputNumber, Radio, Select, Space, Tag } from 'antd'
import { useState } from 'react'
import type { Fault, FaultRequest } from '../../../src/emulator/types.ts'
import { reasons } from '../../../src/engine/reason.ts'
import { errorTable } from '../../../src/rpc/errors.ts'
import { useConsole } from '../context.tsx'
import { connections, customerGateways, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { clock, faults, lab, scenarios } from '../lab.ts'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'

/** Does it, says what was refused, and reads everything again. */
function useDo() {
  const { t } = useWords()
  const { message } = App.useApp()
  const cache = useQueryClient()
  return useMutation({
    mutationFn: (work: () => Promise<unknown>) => work(),
    onSuccess: () => message.success(t('audit.done')),
    onError: (error) => message.error(error.message),
    onSettled: () => cache.invalidateQueries(),
  })
}

export default function LabPage() {
  const { t } = useWords()
  return (
    <>
      <PageHead title={t('nav.lab')} sub={<span className="muted">{t('lab.sub')}</span>} />
      <div className="stack">
        <div className="grid">
          <ClockCard />
          <SnapshotCard />
        </div>
        <FaultsCard />
        <ScenariosCard />
        <DriftCard />
      </div>
    </>
  )
}

const steps = [
  [60_000, 'lab.minute'],
  [3_600_000, 'lab.hour'],
  [86_400_000, 'lab.day'],
] as const

function ClockCard() {
  const { t, language } = useWords()
  const query = useQuery(clock)
  const act = useDo()
  return (
    <Card title={t('lab.clock')}>
      <Shown query={query}>
        {({ now, speed }) => (
          <div className="stack">
            <strong>{formatTime(now, language)}</strong>
            <Radio.Group
              optionType="button"
              aria-label={t('lab.speed')}
              value={speed}
              onChange={({ target }) => act.mutate(() => lab.setSpeed(target.value))}
              options={[0, 1, 10, 60, 3600].map((value) => ({
                value,
                label: value === 0 ? t('lab.paused') : `×${value}`,
              }))}
            />
            <Space wrap>
              {steps.map(([milliseconds, key]) => (
                <Button
                  key={key}
                  disabled={act.isPending}
                  onClick={() => act.mutate(() => lab.advance(milliseconds))}
                >
                  {t(key)}
                </Button>
              ))}
            </Space>
          </div>
        )}
      </Shown>
    </Card>
  )
}

function SnapshotCard() {
  const { t } = useWords()
  const { modal } = App.useApp()
  const { AccountId } = useConsole().session
  const act = useDo()
  const [kept, setKept] = useState<readonly string[]>([])
  const keep = async () => {
    const id = await lab.snapshot(AccountId)
    setKept((before) => [...before, id])
  }
  const reset = () =>
    modal.confirm({
      title: t('lab.reset'),
      content: t('lab.reset.text'),
      okText: t('lab.reset'),
      okButtonProps: { danger: true },
      onOk: () => act.mutateAsync(() => lab.reset(AccountId)),
    })
  return (
    <Card title={t('lab.snapshots')}>
      <div className="stack">
        <Space wrap>
          <Button onClick={() => act.mutate(keep)}>{t('lab.keep')}</Button>
          <Button danger onClick={reset}>
            {t('lab.reset')}
          </Button>
        </Space>
        {kept.map((id) => (
          <Space key={id}>
            <code>{id}</code>
            <Button size="small" onClick={() => act.mutate(() => lab.restore(AccountId, id))}>
              {t('lab.restore')}
            </Button>
          </Space>
        ))}
      </div>
    </Card>
  )
}

function ScenariosCard() {
  const { t, text } = useWords()
  const query = useQuery(scenarios)
  const act = useDo()
  const { AccountId } = useConsole().session
  return (
    <Card title={t('lab.scenarios')}>
      <Shown query={query}>
        {(all) => (
          <ul className="rows scenarios">
            {Object.entries(all).map(([name, summary]) => (
              <li key={name}>
                <code>{name}</code>
                <span className="row-text">{text(summary)}</span>
                <Button
                  size="small"
                  aria-label={t('lab.playNamed', { name })}
                  disabled={act.isPending}
                  onClick={() => act.mutate(() => lab.play(name, AccountId))}
                >
                  {t('lab.play')}
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Card>
  )
}

/** Parameters as they are typed, `Name=value` on each line; lines without a name say nothing. */
export const parametersOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^\s*([\w.]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      return name ? [[name, value ?? '']] : []
    }),
  )

/** A change behind the back of the client under test. */
function DriftCard() {
  const { t } = useWords()
  const { session, region } = useConsole()
  const act = useDo()
  const [form] = Form.useForm<{ action: string; parameters?: string }>()
  return (
    <Card title={t('lab.drift')}>
      <p className="muted">{t('lab.drift.text')}</p>
      <Form
        form={form}
        layout="vertical"
        onFinish={({ action, parameters = '' }) =>
          act.mutate(() =>
            lab.drift(action.trim(), { RegionId: region, ...parametersOf(parameters) }, session.AccountId),
          )
        }
      >
        <div className="row-two">
          <Form.Item
            name="action"
            label={t('audit.call')}
            rules={[{ required: true, message: t('form.needed') }]}
          >
            <Input placeholder="DeleteVpnConnection" spellCheck={false} />
          </Form.Item>
          <Form.Item name="parameters" label={t('lab.drift.parameters')}>
            <Input.TextArea rows={3} placeholder="VpnConnectionId=vco-…" spellCheck={false} />
          </Form.Item>
        </div>
        <Button htmlType="submit" loading={act.isPending}>
          {t('lab.drift.call')}
        </Button>
      </Form>
    </Card>
  )
}

interface FaultFields {
  readonly what: 'tunnel' | 'loss' | 'partition' | 'no-route' | 'error' | 'throttle' | 'answer-lost' | 'stuck'
  readonly reason?: string
  readonly target?: string
  readonly loss?: number
  readonly action?: string
  readonly code?: string
  readonly times?: number
}

/** What the form says, as the control interface has it. */
export function faultOf({ what, reason, target, loss, action, code, times }: FaultFields): FaultRequest {
  const common = times ? { times } : {}
  switch (what) {
    case 'tunnel':
      return { layer: 'tunnel', reason: reason as never, ...(target ? { target } : {}), ...common }
    case 'loss':
    case 'partition':
    case 'no-route':
      return {
        layer: 'network',
        kind: what,
        ...(target ? { target } : {}),
        ...(what === 'loss' ? { loss: (loss ?? 20) / 100 } : {}),
        ...common,
      }
    case 'stuck':
      return { layer: 'task', kind: 'stuck', ...(target ? { id: target } : {}), ...common }
    default:
      return {
        layer: 'api',
        kind: what,
        ...(action ? { action } : {}),
        ...(what === 'error' ? { code: code ?? 'InternalError' } : {}),
        ...common,
      }
  }
}

const kinds = [
  'tunnel',
  'loss',
  'partition',
  'no-route',
  'error',
  'throttle',
  'answer-lost',
  'stuck',
] as const

function FaultsCard() {
  const { t, text } = useWords()
  const { region } = useConsole()
  const query = useQuery(faults(true))
  const act = useDo()
  const [form] = Form.useForm<FaultFields>()
  const what = Form.useWatch('what', form) ?? 'tunnel'
  const rows = useQuery(connections(region)).data ?? []
  const peers = useQuery(customerGateways(region)).data ?? []
  const targets = [
    ...rows.map((row) => ({ value: row.VpnConnectionId!, label: row.Name || row.VpnConnectionId })),
    ...peers.map((peer) => ({
      value: peer.IpAddress!,
      label: `${peer.Name || ''} ${peer.IpAddress}`.trim(),
    })),
  ]
  return (
    <Card
      title={t('lab.faults')}
      extra={<Button onClick={() => act.mutate(() => lab.disarmAll())}>{t('lab.disarmAll')}</Button>}
    >
      <Form<FaultFields>
        form={form}
        layout="vertical"
        initialValues={{ what: 'tunnel', reason: 'PSK_MISMATCH', loss: 20 }}
        onFinish={(fields) => act.mutate(() => lab.arm(faultOf(fields)))}
      >
        <div className="row-two">
          <Form.Item name="what" label={t('lab.fault')}>
            <Select options={kinds.map((value) => ({ value, label: t(`fault.${value}`) }))} />
          </Form.Item>
          {what === 'tunnel' && (
            <Form.Item name="reason" label={t('field.reason')}>
              <Select
                showSearch={{ optionFilterProp: 'label' }}
                options={Object.entries(reasons).map(([value, { title }]) => ({
                  value,
                  label: `${text(title)} (${value})`,
                }))}
              />
            </Form.Item>
          )}
          {!['error', 'throttle', 'answer-lost'].includes(what) && (
            <Form.Item name="target" label={t('lab.target')}>
              <Select allowClear options={targets} placeholder={t('lab.all')} />
            </Form.Item>
          )}
          {what === 'loss' && (
            <Form.Item name="loss" label={t('probe.loss')}>
              <InputNumber min={1} max={100} suffix="%" />
            </Form.Item>
          )}
          {['error', 'throttle', 'answer-lost'].includes(what) && (
            <Form.Item name="action" label={t('audit.call')}>
              <Input placeholder="Describe*" />
            </Form.Item>
          )}
          {what === 'error' && (
            <Form.Item name="code" label={t('lab.code')}>
              <Select
                showSearch
                options={Object.keys(errorTable).map((value) => ({ value, label: value }))}
              />
            </Form.Item>
          )}
          <Form.Item name="times" label={t('lab.times')}>
            <InputNumber min={1} placeholder={t('lab.endless')} />
          </Form.Item>
        </div>
        <Button type="primary" htmlType="submit" loading={act.isPending}>
          {t('lab.arm')}
        </Button>
      </Form>
      <Shown query={query}>
        {(items) => (
          <SmallTable<Fault>
            rowKey="id"
            dataSource={[...items]}
            scroll={{ x: 600 }}
            locale={{ emptyText: <Nothing text={t('lab.noFaults')} /> }}
            columns={[
              { title: t('lab.fault'), render: (_, { fault }) => <code>{JSON.stringify(fault)}</code> },
              { title: t('lab.hits'), dataIndex: 'hits', align: 'right' },
              {
                title: t('field.status'),
                render: (_, { armed }) => <Tag>{t(armed ? 'lab.armed' : 'lab.over')}</Tag>,
              },
              {
                title: t('field.actions'),
                render: (_, { id, armed }) =>
                  armed && (
                    <Button size="small" onClick={() => act.mutate(() => lab.disarm(id))}>
                      {t('lab.disarm')}
                    </Button>
                  ),
              },
            ]}
          />
        )}
      </Shown>
    </Card>
  )
}
