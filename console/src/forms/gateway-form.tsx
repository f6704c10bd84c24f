import { Form, Input, Select } from 'antd'
import { createVpnGateway, modifyVpnGatewayAttribute } from '../../../src/resources/vpn-gateway/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type GatewayItem, useQuery, vpcs, vSwitches } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { FormDrawer, required } from './parts.tsx'

interface Fields {
  readonly Name?: string
  readonly VpcId: string
  readonly VSwitchId: string
  readonly DisasterRecoveryVSwitchId?: string
  readonly Bandwidth: (typeof createVpnGateway.params.Bandwidth.enum)[number]
  readonly Description?: string
}

export function GatewayForm({
  gateway,
  onClose,
}: {
  readonly gateway?: GatewayItem
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<Fields>()
  const networks = useQuery(vpcs(region))
  const switches = useQuery(vSwitches(region))
  const vpcId = Form.useWatch('VpcId', form)
  const rules = createVpnGateway.params
  const options = switches.data
    ?.filter((one) => one.VpcId === vpcId)
    .map((one) => ({
      value: one.VSwitchId,
      label: `${one.VSwitchName || one.VSwitchId} · ${one.CidrBlock} · ${one.ZoneId}`,
    }))

  const save = async ({ Name, Description, ...place }: Fields) => {
    if (gateway) {
      const { VpnGatewayId } = gateway
      await call(modifyVpnGatewayAttribute, {
        RegionId: region,
        VpnGatewayId,
        Name,
        Description: Description ?? '',
      })
      return t('form.saved')
    }
    const { VpnGatewayId } = await call(createVpnGateway, { RegionId: region, Name, ...place })
    return t('form.created', { id: VpnGatewayId ?? '' })
  }
  return (
    <FormDrawer
      title={gateway ? t('gateways.edit') : t('gateways.create')}
      form={form}
      initial={gateway ? { Name: gateway.Name, Description: gateway.Description } : { Bandwidth: 10 }}
      onClose={onClose}
      effect={t(gateway ? 'effect.none' : 'effect.gateway')}
      save={save}
    >
      {!gateway && (
        <>
          <Form.Item name="VpcId" label={t('field.vpc')} rules={required(t('form.needed'))}>
            <Select
              loading={networks.isPending}
              onChange={() =>
                form.setFieldsValue({ VSwitchId: undefined, DisasterRecoveryVSwitchId: undefined })
              }
              options={networks.data?.map((vpc) => ({
                value: vpc.VpcId,
                label: `${vpc.VpcName || vpc.VpcId} · ${vpc.CidrBlock}`,
              }))}
            />
          </Form.Item>
          <Form.Item name="VSwitchId" label={t('field.vswitch')} rules={required(t('form.needed'))}>
            <Select loading={switches.isPending} options={options} />
          </Form.Item>
          <Form.Item
            name="DisasterRecoveryVSwitchId"
            label={t('gateways.second')}
            extra={t('gateways.second.hint')}
          >
            <Select allowClear options={options} />
          </Form.Item>
          <Form.Item name="Bandwidth" label={t('field.bandwidth')} rules={required(t('form.needed'))}>
            <Select options={rules.Bandwidth.enum.map((value) => ({ value, label: `${value} Mbit/s` }))} />
          </Form.Item>
        </>
      )}
      <Form.Item
        name="Name"
        label={t('field.name')}
        rules={[{ pattern: rules.Name.pattern, message: t('gateways.name.rule') }]}
      >
        <Input />
      </Form.Item>
      {gateway && (
        <Form.Item name="Description" label={t('field.description')}>
          <Input />
        </Form.Item>
      )}
    </FormDrawer>
  )
}
