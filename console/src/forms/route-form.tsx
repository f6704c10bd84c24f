import { Form, Input, InputNumber, Radio, Select, Switch } from 'antd'
import {
  createVcoRouteEntry,
  modifyVcoRouteEntryWeight,
} from '../../../src/resources/vco-route-entry/spec.ts'
import {
  createVpnPbrRouteEntry,
  modifyVpnPbrRouteEntryAttribute,
} from '../../../src/resources/vpn-pbr-route-entry/spec.ts'
import {
  createVpnRouteEntry,
  modifyVpnRouteEntryWeight,
} from '../../../src/resources/vpn-route-entry/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { connections, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { checkNetwork, type Finding } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'

type Weight = (typeof createVpnRouteEntry.params.Weight.enum)[number]

interface NewFields {
  readonly NextHop: string
  readonly RouteSource?: string
  readonly RouteDest: string
  readonly Weight: Weight
  readonly Priority?: number
  readonly PublishVpc: boolean
  readonly Description?: string
}

const priority = createVpnPbrRouteEntry.params.Priority

function WeightItem() {
  const { t } = useWords()
  return (
    <Form.Item name="Weight" label={t('routes.weight')} extra={t('routes.weight.hint')}>
      <Radio.Group
        optionType="button"
        options={createVpnRouteEntry.params.Weight.enum.map((value) => ({ value, label: value }))}
      />
    </Form.Item>
  )
}

function PriorityItem() {
  const { t } = useWords()
  return (
    <Form.Item name="Priority" label={t('routes.priority')} extra={t('routes.priority.hint')}>
      <InputNumber min={priority.min} max={priority.max} />
    </Form.Item>
  )
}

export function NewRouteForm({
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
  const [form] = Form.useForm<NewFields>()
  const rows = useQuery(connections(region)).data
  const values = Form.useWatch([], form) as NewFields | undefined
  const findings: Finding[] = [values?.RouteSource, values?.RouteDest].flatMap((text) =>
    text ? (checkNetwork(text) ?? []) : [],
  )

  const save = async ({ RouteSource, Priority, ...common }: NewFields) => {
    if (kind === 'attachment') {
      const { RouteDest, Weight, Description } = common
      const VpnConnectionId = ownerId
      const route = { RegionId: region, VpnConnectionId, NextHop: VpnConnectionId, RouteDest, Weight }
      await call(createVcoRouteEntry, { ...route, Description })
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
      <WeightItem />
      {kind === 'policy' && <PriorityItem />}
      {kind !== 'attachment' && (
        <Form.Item name="PublishVpc" label={t('routes.publish')} valuePropName="checked">
          <Switch />
        </Form.Item>
      )}
      <Form.Item name="Description" label={t('field.description')} extra={t('routes.description.hint')}>
        <Input />
      </Form.Item>
    </FormDrawer>
  )
}

/** What names a route that is there, and what of it can be changed. */
export interface ExistingRoute {
  readonly VpnGatewayId?: string
  readonly VpnConnectionId?: string
  readonly NextHop: string
  readonly RouteDest: string
  readonly RouteSource?: string
  readonly Weight: Weight
  /** Of a policy route alone. */
  readonly Priority?: number
}

interface Fields {
  readonly Weight: Weight
  readonly Priority?: number
}

export function RouteForm({
  route,
  onClose,
}: {
  readonly route: ExistingRoute
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<Fields>()
  const isPolicy = route.RouteSource !== undefined
  const values = Form.useWatch([], form) as Fields | undefined
  const newWeight = values?.Weight ?? route.Weight
  const newPriority = values?.Priority ?? route.Priority
  const isSame = newWeight === route.Weight && newPriority === route.Priority

  const save = async ({ Weight, Priority }: Fields) => {
    const asked = { RegionId: region, ...route, NewWeight: Weight }
    if (route.VpnConnectionId !== undefined) await call(modifyVcoRouteEntryWeight, asked)
    else if (!isPolicy) await call(modifyVpnRouteEntryWeight, asked)
    else await call(modifyVpnPbrRouteEntryAttribute, { ...asked, NewPriority: Priority })
    return t('form.saved')
  }
  return (
    <FormDrawer
      title={t('routes.edit', { name: [route.RouteSource, route.RouteDest].filter(Boolean).join(' → ') })}
      form={form}
      initial={{ Weight: route.Weight, Priority: route.Priority }}
      onClose={onClose}
      effect={t(isSame ? 'effect.nothing' : 'effect.route')}
      save={save}
    >
      <WeightItem />
      {isPolicy && <PriorityItem />}
    </FormDrawer>
  )
}
