import { Alert, Button, Card, Collapse, Form, Input, InputNumber, Radio, Select, Switch } from 'antd'
import { ikeParams, ipsecParams } from '../../../src/resources/vpn-connection/fields.ts'
import {
  createVpnConnection,
  modifyVpnConnectionAttribute,
} from '../../../src/resources/vpn-connection/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type ConnectionAnswer, connections, customerGateways, gateways, useQuery } from '../data.ts'
import { isWeak } from '../health.ts'
import { useWords } from '../i18n.tsx'
import { checkConnection, type Finding } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'

interface Fields {
  readonly Name?: string
  readonly VpnGatewayId: string
  readonly CustomerGatewayId: string
  readonly LocalSubnet: readonly string[]
  readonly RemoteSubnet: readonly string[]
  readonly EffectImmediately: boolean
  readonly EnableDpd: boolean
  readonly EnableNatTraversal: boolean
  readonly IkeConfig: Readonly<Record<string, string | number | undefined>>
  readonly IpsecConfig: Readonly<Record<string, string | number | undefined>>
}

const listOf = (text: string | undefined) =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** What the vendor takes when nothing is said. */
const defaultsOf = (fields: object) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field.default === undefined ? [] : [[name, field.default]],
    ),
  )

/** IKEv2 with what both ends can do today (RFC 8247, RFC 8221), within what the vendor offers. */
const strong = {
  IkeConfig: { IkeVersion: 'ikev2', IkeEncAlg: 'aes256', IkeAuthAlg: 'sha256', IkePfs: 'group14' },
  IpsecConfig: { IpsecEncAlg: 'aes256', IpsecAuthAlg: 'sha256', IpsecPfs: 'group14' },
} as const

const ikeNames = [
  'IkeVersion',
  'IkeMode',
  'IkeEncAlg',
  'IkeAuthAlg',
  'IkePfs',
  'IkeLifetime',
  'LocalId',
  'RemoteId',
] as const
const ipsecNames = ['IpsecEncAlg', 'IpsecAuthAlg', 'IpsecPfs', 'IpsecLifetime'] as const

function initialOf(connection: ConnectionAnswer | undefined): Partial<Fields> {
  if (!connection) {
    return {
      EffectImmediately: true,
      EnableDpd: createVpnConnection.params.EnableDpd.default,
      EnableNatTraversal: createVpnConnection.params.EnableNatTraversal.default,
      IkeConfig: { ...defaultsOf(ikeParams), ...strong.IkeConfig },
      IpsecConfig: { ...defaultsOf(ipsecParams), ...strong.IpsecConfig },
    }
  }
  const pick = (names: readonly string[], from: object | undefined) =>
    Object.fromEntries(names.map((name) => [name, (from as Record<string, string | number>)?.[name]]))
  return {
    Name: connection.Name,
    VpnGatewayId: connection.VpnGatewayId,
    CustomerGatewayId: connection.CustomerGatewayId,
    LocalSubnet: listOf(connection.LocalSubnet),
    RemoteSubnet: listOf(connection.RemoteSubnet),
    EffectImmediately: connection.EffectImmediately,
    EnableDpd: connection.EnableDpd,
    EnableNatTraversal: connection.EnableNatTraversal,
    // The key stays with the server: an empty one means "unchanged".
    IkeConfig: pick(ikeNames, connection.IkeConfig),
    IpsecConfig: pick(ipsecNames, connection.IpsecConfig),
  }
}

/** Members of `now` that differ from `before`; empty ones are not sent. */
function changed(before: object | undefined, now: object): Record<string, string | number> {
  const old = before as Record<string, unknown> | undefined
  return Object.fromEntries(
    Object.entries(now).filter(
      ([name, value]) => value !== undefined && value !== '' && value !== old?.[name],
    ),
  )
}

/** The parameters of the modify call: what differs, and nothing else. */
export function changesOf(before: Partial<Fields>, now: Fields): Record<string, unknown> {
  const plain = ['Name', 'EffectImmediately', 'EnableDpd', 'EnableNatTraversal'] as const
  const ike = changed(before.IkeConfig, now.IkeConfig)
  const ipsec = changed(before.IpsecConfig, now.IpsecConfig)
  const subnets = (['LocalSubnet', 'RemoteSubnet'] as const).filter(
    (name) => now[name].join() !== before[name]?.join(),
  )
  return {
    ...Object.fromEntries(
      plain.filter((name) => now[name] !== before[name]).map((name) => [name, now[name]]),
    ),
    ...Object.fromEntries(subnets.map((name) => [name, now[name].join()])),
    ...(Object.keys(ike).length > 0 ? { IkeConfig: ike } : {}),
    ...(Object.keys(ipsec).length > 0 ? { IpsecConfig: ipsec } : {}),
  }
}

export function ConnectionForm({
  connection,
  onClose,
}: {
  readonly connection?: ConnectionAnswer
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region, session } = useConsole()
  const [form] = Form.useForm<Fields>()
  const places = useQuery(gateways(region))
  const peers = useQuery(customerGateways(region))
  const all = useQuery(connections(region)).data
  const values = Form.useWatch([], form) as Fields | undefined
  const initial = initialOf(connection)

  const findings: readonly Finding[] = values
    ? checkConnection(
        {
          local: values.LocalSubnet ?? [],
          remote: values.RemoteSubnet ?? [],
          ikeVersion: String(values.IkeConfig?.['IkeVersion']),
          psk: String(values.IkeConfig?.['Psk'] ?? ''),
        },
        (all ?? [])
          .filter(
            (one) =>
              one.VpnGatewayId === values.VpnGatewayId && one.VpnConnectionId !== connection?.VpnConnectionId,
          )
          .map((one) => ({
            name: one.Name || one.VpnConnectionId!,
            local: listOf(one.LocalSubnet),
            remote: listOf(one.RemoteSubnet),
          })),
        session.Server.Quotas.subnetsPerSide,
      )
    : []
  const weak =
    values &&
    [...Object.values(values.IkeConfig ?? {}), ...Object.values(values.IpsecConfig ?? {})].some((value) =>
      isWeak(String(value)),
    )
  const changes = connection && values?.LocalSubnet ? changesOf(initial, values) : undefined
  const effect = !connection
    ? t(values?.EffectImmediately ? 'effect.createNow' : 'effect.createLater')
    : changes === undefined || Object.keys(changes).length === 0
      ? t('effect.nothing')
      : Object.keys(changes).every((name) => name === 'Name')
        ? t('effect.none')
        : t(values?.EffectImmediately ? 'effect.renegotiate' : 'effect.later')

  const save = async (now: Fields) => {
    if (connection) {
      const { VpnConnectionId } = connection
      await call(modifyVpnConnectionAttribute, {
        RegionId: region,
        VpnConnectionId,
        ...changesOf(initial, now),
      } as never)
      return t('form.saved')
    }
    const { LocalSubnet, RemoteSubnet, IkeConfig, IpsecConfig, ...rest } = now
    const answer = await call(createVpnConnection, {
      RegionId: region,
      ...rest,
      LocalSubnet: LocalSubnet.join(),
      RemoteSubnet: RemoteSubnet.join(),
      IkeConfig: changed(undefined, IkeConfig),
      IpsecConfig: changed(undefined, IpsecConfig),
    } as never)
    return t('form.created', { id: answer.VpnConnectionId ?? '' })
  }

  const choice = (group: 'IkeConfig' | 'IpsecConfig', name: string, values: readonly string[]) => (
    <Form.Item name={[group, name]} label={t(`field.${name}` as 'field.IkeVersion')}>
      <Select
        options={values.map((value) => ({
          value,
          label: isWeak(value) ? t('connection.weakOption', { value }) : value,
        }))}
      />
    </Form.Item>
  )
  const lifetime = (group: 'IkeConfig' | 'IpsecConfig', name: 'IkeLifetime' | 'IpsecLifetime') => (
    <Form.Item name={[group, name]} label={t(`field.${name}`)}>
      <InputNumber min={0} max={86400} suffix={t('unit.seconds')} />
    </Form.Item>
  )
  const subnets = (
    name: 'LocalSubnet' | 'RemoteSubnet',
    hint: 'connection.local.hint' | 'connection.remote.hint',
  ) => (
    <Form.Item name={name} label={t(`field.${name}`)} rules={required(t('form.needed'))} extra={t(hint)}>
      <Select
        mode="tags"
        open={false}
        suffixIcon={null}
        tokenSeparators={[',', ' ']}
        placeholder="10.1.0.0/24"
      />
    </Form.Item>
  )
  return (
    <FormDrawer
      wide
      title={connection ? t('connection.edit') : t('connections.create')}
      form={form}
      initial={initial}
      onClose={onClose}
      findings={findings}
      effect={effect}
      save={save}
    >
      <Card size="small" title={t('connection.part.ends')} className="notice">
        <Form.Item name="Name" label={t('field.name')}>
          <Input />
        </Form.Item>
        <div className="row-two">
          <Form.Item name="VpnGatewayId" label={t('field.vpnGateway')} rules={required(t('form.needed'))}>
            <Select
              disabled={connection !== undefined}
              loading={places.isPending}
              options={places.data?.map((one) => ({
                value: one.VpnGatewayId,
                label: `${one.Name || one.VpnGatewayId} · ${one.InternetIp}`,
              }))}
            />
          </Form.Item>
          <Form.Item
            name="CustomerGatewayId"
            label={t('field.customerGateway')}
            rules={required(t('form.needed'))}
          >
            <Select
              disabled={connection !== undefined}
              loading={peers.isPending}
              options={peers.data?.map((one) => ({
                value: one.CustomerGatewayId,
                label: `${one.Name || one.CustomerGatewayId} · ${one.IpAddress}`,
              }))}
            />
          </Form.Item>
        </div>
        <div className="row-two">
          {subnets('LocalSubnet', 'connection.local.hint')}
          {subnets('RemoteSubnet', 'connection.remote.hint')}
        </div>
      </Card>
      <Card size="small" title={t('connection.part.key')} className="notice">
        <div className="row-two">
          <Form.Item name={['IkeConfig', 'IkeVersion']} label={t('field.IkeVersion')}>
            <Radio.Group
              optionType="button"
              options={ikeParams.IkeVersion.enum.map((value) => ({ value, label: value }))}
            />
          </Form.Item>
          <Form.Item
            name={['IkeConfig', 'Psk']}
            label={t('field.Psk')}
            extra={t(connection ? 'connection.psk.unchanged' : 'connection.psk.hint')}
          >
            <Input.Password autoComplete="off" />
          </Form.Item>
        </div>
        {weak && (
          <Alert
            type="warning"
            showIcon
            title={t('connection.weak')}
            action={
              <Button size="small" onClick={() => form.setFieldsValue(strong)}>
                {t('connection.strong')}
              </Button>
            }
          />
        )}
      </Card>
      <Collapse
        className="notice"
        items={[
          {
            key: 'ike',
            label: t('connection.part.ike'),
            forceRender: true,
            children: (
              <div className="row-two">
                {choice('IkeConfig', 'IkeMode', ikeParams.IkeMode.enum)}
                {choice('IkeConfig', 'IkeEncAlg', ikeParams.IkeEncAlg.enum)}
                {choice('IkeConfig', 'IkeAuthAlg', ikeParams.IkeAuthAlg.enum)}
                {choice('IkeConfig', 'IkePfs', ikeParams.IkePfs.enum)}
                {lifetime('IkeConfig', 'IkeLifetime')}
                <Form.Item
                  name={['IkeConfig', 'LocalId']}
                  label={t('field.LocalId')}
                  extra={t('connection.id.hint')}
                >
                  <Input />
                </Form.Item>
                <Form.Item name={['IkeConfig', 'RemoteId']} label={t('field.RemoteId')}>
                  <Input />
                </Form.Item>
              </div>
            ),
          },
          {
            key: 'ipsec',
            label: t('connection.part.ipsec'),
            forceRender: true,
            children: (
              <div className="row-two">
                {choice('IpsecConfig', 'IpsecEncAlg', ipsecParams.IpsecEncAlg.enum)}
                {choice('IpsecConfig', 'IpsecAuthAlg', ipsecParams.IpsecAuthAlg.enum)}
                {choice('IpsecConfig', 'IpsecPfs', ipsecParams.IpsecPfs.enum)}
                {lifetime('IpsecConfig', 'IpsecLifetime')}
              </div>
            ),
          },
        ]}
      />
      <Card size="small" title={t('connection.part.options')} className="notice">
        <div className="row-two">
          {(['EffectImmediately', 'EnableDpd', 'EnableNatTraversal'] as const).map((name) => (
            <Form.Item key={name} name={name} label={t(`field.${name}`)} valuePropName="checked">
              <Switch />
            </Form.Item>
          ))}
        </div>
      </Card>
    </FormDrawer>
  )
}
