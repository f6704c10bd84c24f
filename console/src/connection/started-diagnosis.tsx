/** The diagnosis that the API has to be asked to start: its checks as they come in, and when they ran. */
import { useMutation } from '@tanstack/react-query'
import { Alert, Button, Card, Form, Input, Progress, Table } from 'antd'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { diagnoseVpnGateway } from '../../../src/resources/diagnosis/spec.ts'
import { parseIpv4 } from '../../../src/resources/ipv4.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type GatewayDiagnosis, gatewayDiagnosis, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import { Failure, Nothing, Shown } from '../parts/states.tsx'
import { TableTitle } from '../parts/table.tsx'

/** Where to try the way through the tunnel; both or none. */
interface Way {
  readonly source?: string
  readonly destination?: string
}

export function StartedDiagnosis({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<Way>()
  const [started, setStarted] = useState<string>()
  const VpnGatewayId = answer.VpnGatewayId!
  const ResourceId = answer.VpnConnectionId!
  const query = useQuery(gatewayDiagnosis(region, VpnGatewayId, ResourceId, started))
  const starting = useMutation({
    mutationFn: ({ source, destination }: Way) =>
      call(diagnoseVpnGateway, {
        RegionId: region,
        VpnGatewayId,
        ResourceId,
        ResourceType: 'IPsec',
        ...(source && { IPsecExtendInfo: { PrivateSourceIp: source, PrivateDestinationIp: destination } }),
      }),
    onSuccess: ({ DiagnoseId }) => setStarted(DiagnoseId),
  })
  const isRunning = query.data != null && query.data.FinishTime === undefined
  const address = (other: keyof Way) => [
    ({ getFieldValue }: { getFieldValue: (name: string) => string | undefined }) => ({
      validator: async (_: unknown, value: string | undefined) => {
        if (value ? parseIpv4(value) === undefined : getFieldValue(other)) {
          throw new Error(t('check.noAddress', { value: value ?? '' }))
        }
      },
    }),
  ]
  return (
    <Card type="inner" title={t('diagnosis.title')}>
      <div className="stack">
        <Form<Way> form={form} layout="inline" className="way" onFinish={starting.mutate}>
          <Form.Item name="source" rules={address('destination')}>
            <Input aria-label={t('routes.from')} placeholder={t('routes.from')} />
          </Form.Item>
          <Form.Item name="destination" rules={address('source')}>
            <Input aria-label={t('routes.to')} placeholder={t('routes.to')} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={starting.isPending || isRunning}>
            {t('diagnosis.start')}
          </Button>
        </Form>
        <span className="muted">{t('diagnosis.hint')}</span>
        {starting.error && (
          <Alert
            type="error"
            showIcon
            title={t('form.refused')}
            description={<Failure error={starting.error} />}
          />
        )}
        <Shown query={query}>
          {(found) => (found === null ? <Nothing text={t('diagnosis.none')} /> : <Checks found={found} />)}
        </Shown>
      </div>
    </Card>
  )
}

type Item = NonNullable<GatewayDiagnosis['DiagnoseResult']>[number]
type Level = 'normal' | 'warning' | 'error'

const tones: Readonly<Record<Level, Tone>> = { normal: 'good', warning: 'warn', error: 'bad' }

function Checks({ found }: { readonly found: GatewayDiagnosis }) {
  const { t, language } = useWords()
  const lines = useLines()
  const { BeginTime = '', FinishTime, FinishedCount = 0, TotalCount = 0, DiagnoseResult = [] } = found
  const time = (text: string) => formatTime(Date.parse(text), language)
  const levelOf = (item: Item) => t(`diagnosis.level.${item.DiagnoseResultLevel as Level}`)
  const nameOf = (item: Item) => t(`diagnosis.${item.DiagnoseName as 'VpnRouteQuota'}`)
  return (
    <>
      {FinishTime === undefined && (
        <div role="status">
          <Progress
            percent={Math.round((100 * FinishedCount) / TotalCount)}
            aria-label={t('diagnosis.title')}
          />
          {t('diagnosis.progress', { done: FinishedCount, all: TotalCount })}
        </div>
      )}
      <Table<Item>
        size="small"
        pagination={false}
        rowKey={(item) => item.DiagnoseName!}
        dataSource={[...DiagnoseResult]}
        scroll={{ x: 600 }}
        title={() => (
          <TableTitle
            title={
              FinishTime === undefined
                ? time(BeginTime)
                : t('diagnosis.ran', { from: time(BeginTime), to: time(FinishTime) })
            }
            head={[t('diagnosis.check'), t('diagnosis.result'), t('diagnosis.found')]}
            rows={() => DiagnoseResult.map((item) => [nameOf(item), levelOf(item), lines(item).join('; ')])}
          />
        )}
        columns={[
          { title: t('diagnosis.check'), render: (_, item) => nameOf(item) },
          {
            title: t('diagnosis.result'),
            render: (_, item) => <Mark tone={tones[item.DiagnoseResultLevel as Level]}>{levelOf(item)}</Mark>,
          },
          {
            title: t('diagnosis.found'),
            render: (_, item): ReactNode => lines(item).map((line) => <div key={line}>{line}</div>),
          },
        ]}
      />
    </>
  )
}

/** What `DiagnoseResultDescription` holds; which of it depends on the check. */
interface Description {
  readonly quantity?: number
  readonly used?: number
  readonly conflicts?: readonly { routeDest: string; conflictDest: string; nextHop: string }[]
  readonly vcoConf?: readonly { tunnelId: string; generation: number }[]
  readonly vcoRunningConf?: readonly { tunnelId: string; generation: number }[]
  readonly vcoDiffConf?: readonly { tunnelId: string }[]
  readonly vcoLackConf?: readonly { tunnelId: string; childSasMissing: number }[]
  readonly targetIp?: string
  readonly srcIp?: string
  readonly rtt?: string
  readonly lossRate?: string
  readonly note?: string
}

function useLines(): (item: Item) => readonly string[] {
  const { t } = useWords()
  return ({ DiagnoseResultDescription }) => {
    const found = JSON.parse(DiagnoseResultDescription ?? '{}') as Description
    if (found.quantity !== undefined) {
      return [t('settings.used', { used: found.used ?? 0, limit: found.quantity })]
    }
    if (found.conflicts) {
      return found.conflicts.length === 0
        ? [t('diagnosis.noConflict')]
        : found.conflicts.map(({ routeDest, conflictDest, nextHop }) =>
            t('diagnosis.conflict', { dest: routeDest, other: conflictDest, hop: nextHop }),
          )
    }
    if (found.vcoDiffConf) {
      const generationIn = (side: Description['vcoConf'], id: string) =>
        side?.find(({ tunnelId }) => tunnelId === id)?.generation
      const isLoaded = (id: string) =>
        generationIn(found.vcoConf, id) === generationIn(found.vcoRunningConf, id)
      const all = [
        ...found.vcoDiffConf.map(({ tunnelId }) =>
          t(isLoaded(tunnelId) ? 'diagnosis.pending' : 'diagnosis.notLoaded', { tunnel: tunnelId }),
        ),
        ...(found.vcoLackConf ?? []).map(({ tunnelId, childSasMissing }) =>
          t('diagnosis.missing', { tunnel: tunnelId, count: childSasMissing }),
        ),
      ]
      return all.length === 0 ? [t('diagnosis.same')] : all
    }
    if (found.lossRate === '') return [t('diagnosis.noEcho')]
    const { srcIp = '', targetIp = '', lossRate = '', rtt } = found
    return [
      t('diagnosis.echo', { from: srcIp, to: targetIp, loss: lossRate, rtt: rtt || '–' }),
      ...(found.note === undefined ? [] : [t('diagnosis.noIcmp')]),
    ]
  }
}
