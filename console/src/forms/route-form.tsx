import { Form, Input, InputNumber, Radio, Select, Switch } from 'antd'
import { createVcoRouteEntry } from '../../../src/resources/vco-route-entry/spec.ts'
import { createVpnPbrRouteEntry } from '../../../src/resources/vpn-pbr-route-entry/spec.ts'
import { createVpnRouteEntry } from '../../../src/resources/vpn-route-entry/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { connections, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { checkNetwork, type Finding } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'

interface Fields {
  readonly NextHop: string
  readonly RouteSource?: string
  readonly RouteDest: string
  readonly Weight: 0 | 100
  readonly Priority?: number
  readonly PublishVpc: boolean
}

export function RouteForm({
  kind,
  ownerId,
  onClose,
}: {
  readonly kind: 'destination' | 'policy' | 'attachment'
  /** The VPN gateway, or the attachment. */
  readonly ownerId: string
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<Fields>()
  const rows = useQuery(connections(region)).data
  const values = Form.useWatch([], form) as Fields | undefined
  const findings: Finding[] = [values?.RouteSource, values?.RouteDest].flatMap((text) =>
    text ? (checkNetwork(text) ?? []) : [],
  )
  const priority = createVpnPbrRouteEntry.params.Priority

  const save = async ({ RouteSource, Priority, ...common }: Fields) => {
    if (kind === 'attachment') {
      const { RouteDest, Weight } = common
      const VpnConnectionId = ownerId
      const route = { RegionId: region, VpnConnectionId, NextHop: VpnConnectionId, RouteDest, Weight }
      await call(createVcoRouteEntry, route)
      return t('form.saved')
    }
    const place = { RegionId: region, VpnGatewayId: ownerId, ...common }
    if (kind === 'policy') await call(createVpnPbrRouteEntry, { ...place, RouteSource, Priority })
    else await call(createVpnRouteEntry, place)
    return t('form.saved')
  }
  return (
    <FormDrawer
      title={t(kind === 'policy' ? 'routes.createPolicy' : 'routes.createDestination')}
      form={form}
      initial={{
        Weight: 100,
        PublishVpc: true,
        ...(kind === 'policy' ? { Priority: priority.default } : {}),
      }}
      onClose={onClose}
      findings={findings}
      effect={t('effect.route')}
      save={save}
    >
      {kind === 'policy' && (
        <Form.Item name="RouteSource" label={t('routes.source')} rules={required(t('form.needed'))}>
          <Input placeholder="10.1.0.0/24" />
        </Form.Item>
      )}
      <Form.Item name="RouteDest" label={t('routes.destination')} rules={required(t('form.needed'))}>
        <Input placeholder="192.168.0.0/16" />
      </Form.Item>
      {kind !== 'attachment' && (
        <Form.Item name="NextHop" label={t('routes.nextHop')} rules={required(t('form.needed'))}>
          <Select
            options={rows
              ?.filter((row) => row.VpnGatewayId === ownerId)
              .map((row) => ({ value: row.VpnConnectionId!, label: row.Name || row.VpnConnectionId }))}
          />
        </Form.Item>
      )}
      <Form.Item name="Weight" label={t('routes.weight')} extra={t('routes.weight.hint')}>
        <Radio.Group
          optionType="button"
          options={createVpnRouteEntry.params.Weight.enum.map((value) => ({ value, label: value }))}
        />
      </Form.Item>
      {kind === 'policy' && (
        <Form.Item name="Priority" label={t('routes.priority')} extra={t('routes.priority.hint')}>
          <InputNumber min={priority.min} max={priority.max} />
        </Form.Item>
      )}
      {kind !== 'attachment' && (
        <Form.Item name="PublishVpc" label={t('routes.publish')} valuePropName="checked">
          <Switch />
        </Form.Item>
      )}
    </FormDrawer>
  )
}
