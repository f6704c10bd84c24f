import { Form, Input, Radio, Select, Switch } from 'antd'
import {
  createEnhancedVpnGateway,
  createVpnGateway,
  modifyVpnGatewayAttribute,
  updateEnhancedVpnGateway,
} from '../../../src/resources/vpn-gateway/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type GatewayItem, useQuery, vpcs, vSwitches } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { checkTags } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'
import { saveTags, TagList } from './tag-list.tsx'
import type { TagFields } from './tags.ts'

const rules = createVpnGateway.params
const enhanced = 'Enhanced.SiteToSite'
const kinds = ['Traditional', enhanced] as const

interface NewFields {
  readonly Name?: string
  readonly GatewayType: (typeof kinds)[number]
  readonly VpcId: string
  readonly VSwitchId: string
  readonly DisasterRecoveryVSwitchId?: string
  readonly NetworkType: (typeof rules.NetworkType.enum)[number]
  readonly Bandwidth: (typeof rules.Bandwidth.enum)[number]
}

function NameItem() {
  const { t } = useWords()
  return (
    <Form.Item
      name="Name"
      label={t('field.name')}
      rules={[{ pattern: rules.Name.pattern, message: t('gateways.name.rule') }]}
    >
      <Input />
    </Form.Item>
  )
}

export function NewGatewayForm({ onClose }: { readonly onClose: () => void }) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<NewFields>()
  const networks = useQuery(vpcs(region))
  const switches = useQuery(vSwitches(region))
  const vpcId = Form.useWatch('VpcId', form)
  const isEnhanced = Form.useWatch('GatewayType', form) === enhanced
  const options = switches.data
    ?.filter((one) => one.VpcId === vpcId)
    .map((one) => ({
      value: one.VSwitchId,
      label: `${one.VSwitchName || one.VSwitchId} · ${one.CidrBlock} · ${one.ZoneId}`,
    }))

  const save = async ({ GatewayType, Bandwidth, ...place }: NewFields) => {
    const asked = { RegionId: region, ...place }
    const { VpnGatewayId } =
      GatewayType === enhanced
        ? await call(createEnhancedVpnGateway, { ...asked, GatewayType })
        : await call(createVpnGateway, { ...asked, Bandwidth })
    return t('form.created', { id: VpnGatewayId ?? '' })
  }
  return (
    <FormDrawer
      title={t('gateways.create')}
      form={form}
      initial={{ GatewayType: 'Traditional', Bandwidth: 10, NetworkType: rules.NetworkType.default }}
      onClose={onClose}
      effect={t('effect.gateway')}
      save={save}
    >
      <Form.Item name="GatewayType" label={t('gateways.type')} extra={t('gateways.type.hint')}>
        <Radio.Group
          optionType="button"
          options={kinds.map((value) => ({ value, label: t(`gateways.type.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="VpcId" label={t('field.vpc')} rules={required(t('form.needed'))}>
        <Select
          loading={networks.isPending}
          onChange={() => form.setFieldsValue({ VSwitchId: undefined, DisasterRecoveryVSwitchId: undefined })}
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
      <Form.Item name="NetworkType" label={t('attachments.network')}>
        <Radio.Group
          optionType="button"
          options={rules.NetworkType.enum.map((value) => ({ value, label: t(`attachments.${value}`) }))}
        />
      </Form.Item>
      {!isEnhanced && (
        <Form.Item name="Bandwidth" label={t('field.bandwidth')} rules={required(t('form.needed'))}>
          <Select options={rules.Bandwidth.enum.map((value) => ({ value, label: `${value} Mbit/s` }))} />
        </Form.Item>
      )}
      <NameItem />
    </FormDrawer>
  )
}

interface Fields {
  readonly Name?: string
  readonly Description?: string
  readonly AutoPropagate: boolean
  readonly Tags?: readonly TagFields[]
}

export function GatewayForm({
  gateway,
  onClose,
}: {
  readonly gateway: GatewayItem
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region, session } = useConsole()
  const [form] = Form.useForm<Fields>()
  const tags = Form.useWatch('Tags', form)
  const { VpnGatewayId = '', Name, Description, AutoPropagate = false, Tags } = gateway
  const propagate = Form.useWatch('AutoPropagate', form) ?? AutoPropagate

  const save = async ({ Description: text = '', Tags: wanted, ...rest }: Fields) => {
    const asked = { RegionId: region, VpnGatewayId, Description: text, ...rest }
    // Each kind of gateway is changed by its own action, and refused by the other.
    if (gateway.GatewayType === enhanced) await call(updateEnhancedVpnGateway, asked)
    else await call(modifyVpnGatewayAttribute, asked)
    await saveTags(region, 'VpnGateway', VpnGatewayId, Tags?.Tag, wanted)
    return t('form.saved')
  }
  return (
    <FormDrawer
      title={t('gateways.edit')}
      form={form}
      initial={{ Name, Description, AutoPropagate, Tags: Tags?.Tag }}
      onClose={onClose}
      findings={checkTags(tags, session.Server.Quotas.tagsPerResource)}
      effect={t(
        propagate === AutoPropagate ? 'effect.none' : propagate ? 'effect.propagate' : 'effect.propagateNot',
      )}
      save={save}
    >
      <NameItem />
      <Form.Item name="Description" label={t('field.description')}>
        <Input />
      </Form.Item>
      <Form.Item
        name="AutoPropagate"
        label={t('gateways.propagate')}
        extra={t('gateways.propagate.hint')}
        valuePropName="checked"
      >
        <Switch />
      </Form.Item>
      <TagList />
    </FormDrawer>
  )
}
