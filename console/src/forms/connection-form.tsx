import { Alert, Button, Card, Collapse, Form, Input, InputNumber, Radio, Select, Switch } from 'antd'
import {
  createVpnAttachment,
  modifyVpnAttachmentAttribute,
} from '../../../src/resources/vpn-attachment/spec.ts'
import { ikeParams, ipsecParams } from '../../../src/resources/vpn-connection/fields.ts'
import {
  createVpnConnection,
  modifyVpnConnectionAttribute,
} from '../../../src/resources/vpn-connection/spec.ts'
import { call } from '../api.ts'
import { serverNow } from '../clock.ts'
import { useConsole } from '../context.tsx'
import { type ConnectionAnswer, connections, customerGateways, gateways, useQuery } from '../data.ts'
import { isWeak } from '../health.ts'
import { type MessageKey, useWords } from '../i18n.tsx'
import { CertificateItem } from './certificate-item.tsx'
import { checkConnection, checkTags, type Finding } from './checks.ts'
import {
  type ConnectionFields,
  effectOf,
  initialFields,
  listOf,
  newTunnel,
  onlyTunnelOf,
  paramsOf,
  strong,
  type TunnelFields,
} from './connection-fields.ts'
import { FormDrawer, required } from './parts.tsx'
import { saveTags, TagList } from './tag-list.tsx'
import { tagChanges } from './tags.ts'

/** Of a connection on a VPN gateway, or of an attachment, which has addresses of its own instead. */
export function ConnectionForm({
  connection,
  attached,
  onClose,
}: {
  readonly connection?: ConnectionAnswer
  readonly attached: boolean
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region, session } = useConsole()
  const [form] = Form.useForm<ConnectionFields>()
  const places = useQuery(gateways(region))
  const all = useQuery(connections(region)).data
  const values = Form.useWatch([], form) as ConnectionFields | undefined
  const initial = initialFields(connection, attached)
  const tunnels = values?.Tunnels ?? initial.Tunnels ?? []

  /** A gateway with two outside addresses carries two tunnels for each connection, one with one carries one. */
  const chooseGateway = (id: string) => {
    const place = places.data?.find((one) => one.VpnGatewayId === id)
    setTunnels(place?.DisasterRecoveryInternetIp ? 2 : 1)
  }
  const setTunnels = (wanted: number) => {
    const now = form.getFieldValue('Tunnels') as readonly TunnelFields[]
    form.setFieldValue(
      'Tunnels',
      Array.from({ length: wanted }, (_, index) => now[index] ?? newTunnel()),
    )
  }

  const roles = attached ? (['1', '2'] as const) : (['master', 'slave'] as const)

  const isReady =
    values?.LocalSubnet !== undefined && values.RemoteSubnet !== undefined && values.Tunnels !== undefined
  const params = isReady ? paramsOf(connection && initial, values, attached) : {}
  const findings = values ? findingsOf(values) : []
  const effect = effectOf(connection === undefined, params, values?.EffectImmediately ?? false)
  const tags = tagChanges(initial.Tags, values?.Tags)
  const areTagsSame = tags.put.length + tags.gone.length === 0

  function findingsOf(now: ConnectionFields): readonly Finding[] {
    const others = (all ?? [])
      .filter(
        (one) =>
          !attached &&
          one.VpnGatewayId === now.VpnGatewayId &&
          one.VpnConnectionId !== connection?.VpnConnectionId,
      )
      .map((one) => ({
        name: one.Name || one.VpnConnectionId!,
        local: listOf(one.LocalSubnet),
        remote: listOf(one.RemoteSubnet),
      }))
    const found = (now.Tunnels ?? []).flatMap((tunnel) => {
      const bgp = now.EnableBgp
        ? { tunnelCidr: text(tunnel.Bgp?.['TunnelCidr']), localBgpIp: text(tunnel.Bgp?.['LocalBgpIp']) }
        : {}
      const draft = {
        local: now.LocalSubnet ?? [],
        remote: now.RemoteSubnet ?? [],
        ikeVersion: text(tunnel.Ike?.['IkeVersion']),
        psk: text(tunnel.Ike?.['Psk']),
        ikeMode: text(tunnel.Ike?.['IkeMode']),
        remoteCa: tunnel.RemoteCaCertificate ?? '',
        ...bgp,
        addresses: now.HealthCheck?.Enable ? [text(now.HealthCheck.Dip), text(now.HealthCheck.Sip)] : [],
      }
      return checkConnection(draft, others, session.Server.Quotas.subnetsPerSide, serverNow())
    })
    found.push(...checkTags(now.Tags, session.Server.Quotas.tagsPerResource))
    // What both tunnels have in common is said once.
    return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()]
  }

  const save = async (now: ConnectionFields) => {
    if (connection) {
      const { VpnConnectionId = '' } = connection
      const changes = paramsOf(initial, now, attached)
      if (Object.keys(changes).length > 0) {
        const sent = { RegionId: region, VpnConnectionId, ...changes } as never
        await (attached ? call(modifyVpnAttachmentAttribute, sent) : call(modifyVpnConnectionAttribute, sent))
      }
      await saveTags(
        region,
        attached ? 'VPNATTACHMENT' : 'VPNCONNECTION',
        VpnConnectionId,
        initial.Tags,
        now.Tags,
      )
      return t('form.saved')
    }
    const { VpnGatewayId } = now
    const sent = { RegionId: region, VpnGatewayId, ...paramsOf(undefined, now, attached) } as never
    const answer = await (attached ? call(createVpnAttachment, sent) : call(createVpnConnection, sent))
    return t('form.created', { id: answer.VpnConnectionId ?? '' })
  }

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
      title={t(connection ? 'connection.edit' : attached ? 'attachments.create' : 'connections.create')}
      form={form}
      initial={initial}
      onClose={onClose}
      findings={findings}
      effect={t(effect === 'effect.nothing' && !areTagsSame ? 'effect.none' : effect, {
        tunnel: t(
          `role.${roles[tunnels.findIndex(({ TunnelId }) => TunnelId === onlyTunnelOf(params)) === 1 ? 1 : 0]}`,
        ),
      })}
      save={save}
    >
      <Card size="small" title={t('connection.part.ends')} className="notice">
        <Form.Item
          name="Name"
          label={t('field.name')}
          rules={[{ pattern: createVpnConnection.params.Name.pattern, message: t('gateways.name.rule') }]}
        >
          <Input />
        </Form.Item>
        {attached ? (
          <div className="row-two">
            {connection === undefined && (
              <>
                <Form.Item label={t('attachments.tunnels')}>
                  <Radio.Group
                    optionType="button"
                    value={tunnels.length}
                    onChange={({ target }) => setTunnels(target.value)}
                    options={[1, 2].map((value) => ({ value, label: value }))}
                  />
                </Form.Item>
                <Form.Item name="TunnelBandwidth" label={t('attachments.bandwidth')}>
                  <Radio.Group
                    optionType="button"
                    options={createVpnAttachment.params.TunnelBandwidth.enum.map((value) => ({
                      value,
                      label: t(`attachments.${value}`),
                    }))}
                  />
                </Form.Item>
              </>
            )}
            <Form.Item name="NetworkType" label={t('attachments.network')}>
              <Radio.Group
                optionType="button"
                options={createVpnAttachment.params.NetworkType.enum.map((value) => ({
                  value,
                  label: t(`attachments.${value}`),
                }))}
              />
            </Form.Item>
          </div>
        ) : (
          <Form.Item name="VpnGatewayId" label={t('field.vpnGateway')} rules={required(t('form.needed'))}>
            <Select
              disabled={connection !== undefined}
              loading={places.isPending}
              onChange={chooseGateway}
              options={places.data?.map((one) => ({
                value: one.VpnGatewayId,
                label: `${one.Name || one.VpnGatewayId} · ${[one.InternetIp, one.DisasterRecoveryInternetIp].filter(Boolean).join(' + ')}`,
              }))}
            />
          </Form.Item>
        )}
        <div className="row-two">
          {subnets('LocalSubnet', 'connection.local.hint')}
          {subnets('RemoteSubnet', 'connection.remote.hint')}
        </div>
      </Card>
      <Form.List name="Tunnels">
        {(fields) =>
          fields.map(({ key, name }) => (
            <TunnelPart
              key={key}
              at={name}
              title={fields.length > 1 ? t(`role.${roles[name === 0 ? 0 : 1]}`) : t('connection.part.key')}
              tunnel={tunnels[name]}
              isNew={connection === undefined}
              mayMove={connection === undefined || attached || fields.length > 1}
              // The tunnels of a pair that is attached prove themselves with their keys alone.
              mayHaveCa={!attached || fields.length === 1}
              withBgp={values?.EnableBgp ?? false}
              strengthen={() => {
                form.setFieldValue(['Tunnels', name, 'Ike'], { ...tunnels[name]?.Ike, ...strong.Ike })
                form.setFieldValue(['Tunnels', name, 'Ipsec'], { ...tunnels[name]?.Ipsec, ...strong.Ipsec })
              }}
            />
          ))
        }
      </Form.List>
      <Card size="small" title={t('connection.part.options')} className="notice">
        <div className="row-two">
          <Form.Item name="EffectImmediately" label={t('field.EffectImmediately')} valuePropName="checked">
            <Switch />
          </Form.Item>
          <Form.Item name="EnableBgp" label={t('connection.bgp')} valuePropName="checked">
            <Switch />
          </Form.Item>
          {connection === undefined ? (
            <Form.Item
              name="AutoConfigRoute"
              label={t('connection.autoRoute')}
              extra={t('connection.autoRoute.hint')}
              valuePropName="checked"
            >
              <Switch />
            </Form.Item>
          ) : (
            <Form.Item
              name="AutoConfigRoute"
              label={t('connection.autoRoute')}
              extra={t('connection.autoRoute.unchanged')}
            >
              <Select
                allowClear
                options={[
                  { value: true, label: t('label.yes') },
                  { value: false, label: t('label.no') },
                ]}
              />
            </Form.Item>
          )}
          {tunnels.length < 2 && (
            <Form.Item name={['HealthCheck', 'Enable']} label={t('tab.health')} valuePropName="checked">
              <Switch />
            </Form.Item>
          )}
        </div>
        {values?.HealthCheck?.Enable && tunnels.length < 2 && (
          <div className="row-two">
            {(['Dip', 'Sip'] as const).map((name) => (
              <Form.Item
                key={name}
                name={['HealthCheck', name]}
                label={t(name === 'Dip' ? 'probe.dip' : 'probe.sip')}
                rules={required(t('form.needed'))}
              >
                <Input />
              </Form.Item>
            ))}
            {(['Interval', 'Retry'] as const).map((name) => (
              <Form.Item
                key={name}
                name={['HealthCheck', name]}
                label={t(name === 'Interval' ? 'probe.interval' : 'probe.retry')}
              >
                <InputNumber min={1} />
              </Form.Item>
            ))}
            {attached && (
              <Form.Item name={['HealthCheck', 'Policy']} label={t('probe.policy')}>
                <Select
                  options={createVpnAttachment.params.HealthCheckConfig.fields.Policy.enum.map((value) => ({
                    value,
                    label: t(`probe.policy.${value}`),
                  }))}
                />
              </Form.Item>
            )}
          </div>
        )}
      </Card>
      <TagList />
    </FormDrawer>
  )
}

const text = (value: string | number | undefined) => String(value ?? '')

interface TunnelPartProps {
  /** Place in the list of tunnels. */
  readonly at: number
  readonly title: string
  readonly tunnel: TunnelFields | undefined
  readonly isNew: boolean
  /** Whether the customer gateway can be chosen. */
  readonly mayMove: boolean
  readonly mayHaveCa: boolean
  readonly withBgp: boolean
  readonly strengthen: () => void
}

function TunnelPart({ at, title, tunnel, isNew, mayMove, mayHaveCa, withBgp, strengthen }: TunnelPartProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const peers = useQuery(customerGateways(region))
  const isV1 = tunnel?.Ike?.['IkeVersion'] === 'ikev1'
  const weak = [...Object.values(tunnel?.Ike ?? {}), ...Object.values(tunnel?.Ipsec ?? {})].some((value) =>
    isWeak(text(value)),
  )

  const choice = (group: 'Ike' | 'Ipsec', name: string, offered: readonly string[]) => (
    <Form.Item name={[at, group, name]} label={t(`field.${name}` as MessageKey)}>
      <Select
        options={offered.map((value) => ({
          value,
          label: isWeak(value) ? t('connection.weakOption', { value }) : value,
        }))}
      />
    </Form.Item>
  )
  const lifetime = (group: 'Ike' | 'Ipsec', name: 'IkeLifetime' | 'IpsecLifetime') => (
    <Form.Item name={[at, group, name]} label={t(`field.${name}`)}>
      <InputNumber min={0} max={86400} suffix={t('unit.seconds')} />
    </Form.Item>
  )
  const phase1 = (
    <div className="row-two">
      {isV1 && choice('Ike', 'IkeMode', ikeParams.IkeMode.enum)}
      {choice('Ike', 'IkeEncAlg', ikeParams.IkeEncAlg.enum)}
      {choice('Ike', 'IkeAuthAlg', ikeParams.IkeAuthAlg.enum)}
      {choice('Ike', 'IkePfs', ikeParams.IkePfs.enum)}
      {lifetime('Ike', 'IkeLifetime')}
      <Form.Item name={[at, 'Ike', 'LocalId']} label={t('field.LocalId')} extra={t('connection.id.hint')}>
        <Input />
      </Form.Item>
      <Form.Item name={[at, 'Ike', 'RemoteId']} label={t('field.RemoteId')}>
        <Input />
      </Form.Item>
    </div>
  )
  const phase2 = (
    <div className="row-two">
      {choice('Ipsec', 'IpsecEncAlg', ipsecParams.IpsecEncAlg.enum)}
      {choice('Ipsec', 'IpsecAuthAlg', ipsecParams.IpsecAuthAlg.enum)}
      {choice('Ipsec', 'IpsecPfs', ipsecParams.IpsecPfs.enum)}
      {lifetime('Ipsec', 'IpsecLifetime')}
    </div>
  )
  const options = (
    <div className="row-two">
      {(['EnableDpd', 'EnableNatTraversal'] as const).map((name) => (
        <Form.Item key={name} name={[at, name]} label={t(`field.${name}`)} valuePropName="checked">
          <Switch />
        </Form.Item>
      ))}
    </div>
  )
  return (
    <Card size="small" title={title} className="notice">
      {/* What no field of the form holds is not among its values. */}
      <Form.Item name={[at, 'TunnelId']} hidden>
        <Input />
      </Form.Item>
      <div className="row-two">
        <Form.Item
          name={[at, 'CustomerGatewayId']}
          label={t('field.customerGateway')}
          rules={required(t('form.needed'))}
        >
          <Select
            disabled={!mayMove}
            loading={peers.isPending}
            options={peers.data?.map((one) => ({
              value: one.CustomerGatewayId,
              label: `${one.Name || one.CustomerGatewayId} · ${one.IpAddress}`,
            }))}
          />
        </Form.Item>
        <Form.Item name={[at, 'Ike', 'IkeVersion']} label={t('field.IkeVersion')}>
          <Radio.Group
            optionType="button"
            options={ikeParams.IkeVersion.enum.map((value) => ({ value, label: value }))}
          />
        </Form.Item>
        <Form.Item
          name={[at, 'Ike', 'Psk']}
          label={t('field.Psk')}
          extra={t(isNew ? 'connection.psk.hint' : 'connection.psk.unchanged')}
        >
          <Input.Password autoComplete="off" />
        </Form.Item>
      </div>
      {withBgp && (
        <div className="row-two">
          <Form.Item name={[at, 'Bgp', 'LocalAsn']} label={t('bgp.localAsn')}>
            <Input />
          </Form.Item>
          <Form.Item name={[at, 'Bgp', 'TunnelCidr']} label={t('bgp.cidr')} extra={t('connection.cidr.hint')}>
            <Input placeholder="169.254.10.0/30" />
          </Form.Item>
          <Form.Item name={[at, 'Bgp', 'LocalBgpIp']} label={t('bgp.localIp')}>
            <Input placeholder="169.254.10.1" />
          </Form.Item>
        </div>
      )}
      {weak && (
        <Alert
          className="notice"
          type="warning"
          showIcon
          title={t('connection.weak')}
          action={
            <Button size="small" onClick={strengthen}>
              {t('connection.strong')}
            </Button>
          }
        />
      )}
      <Collapse
        items={[
          { key: 'ike', label: t('connection.part.ike'), forceRender: true, children: phase1 },
          { key: 'ipsec', label: t('connection.part.ipsec'), forceRender: true, children: phase2 },
          { key: 'options', label: t('connection.part.more'), forceRender: true, children: options },
          ...(mayHaveCa
            ? [
                {
                  key: 'ca',
                  label: t('connection.part.ca'),
                  forceRender: true,
                  children: (
                    <CertificateItem
                      name={[at, 'RemoteCaCertificate']}
                      path={['Tunnels', at, 'RemoteCaCertificate']}
                    />
                  ),
                },
              ]
            : []),
        ]}
      />
    </Card>
  )
}
