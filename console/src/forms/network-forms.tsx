import { Form, Input, Select } from 'antd'
import { zonesOf } from '../../../src/resources/region/model.ts'
import { createVpc, modifyVpcAttribute } from '../../../src/resources/vpc/spec.ts'
import { createVSwitch, modifyVSwitchAttribute } from '../../../src/resources/vswitch/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { useQuery, type VpcItem, type VSwitchItem, vpcs } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { checkInside, checkNetwork, checkTags } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'
import { saveTags, TagList } from './tag-list.tsx'
import { filledTags, type TagFields } from './tags.ts'

interface VpcFields {
  readonly VpcName?: string
  readonly CidrBlock: string
  readonly Description?: string
  readonly Tags?: readonly TagFields[]
}

const found = (text: string | undefined) => {
  const finding = text ? checkNetwork(text) : undefined
  return finding ? [finding] : []
}

export function VpcForm({ vpc, onClose }: { readonly vpc?: VpcItem; readonly onClose: () => void }) {
  const { t } = useWords()
  const { region, session } = useConsole()
  const [form] = Form.useForm<VpcFields>()
  const findings = [
    ...found(Form.useWatch('CidrBlock', form)),
    ...checkTags(Form.useWatch('Tags', form), session.Server.Quotas.tagsPerResource),
  ]
  const save = async ({ Tags, ...fields }: VpcFields) => {
    if (vpc) {
      const { VpcId = '' } = vpc
      const { VpcName = '', Description = '' } = fields
      await call(modifyVpcAttribute, { RegionId: region, VpcId, VpcName, Description })
      await saveTags(region, 'VPC', VpcId, vpc.Tags?.Tag, Tags)
      return t('form.saved')
    }
    const { VpcId } = await call(createVpc, { RegionId: region, ...fields, Tag: [...filledTags(Tags)] })
    return t('form.created', { id: VpcId ?? '' })
  }
  return (
    <FormDrawer
      title={t(vpc ? 'networks.editVpc' : 'networks.createVpc')}
      form={form}
      initial={
        vpc
          ? { VpcName: vpc.VpcName, Description: vpc.Description, Tags: vpc.Tags?.Tag }
          : { CidrBlock: createVpc.params.CidrBlock.default }
      }
      onClose={onClose}
      findings={findings}
      effect={vpc && t('effect.none')}
      save={save}
    >
      <Form.Item name="VpcName" label={t('field.name')}>
        <Input />
      </Form.Item>
      {!vpc && (
        <Form.Item
          name="CidrBlock"
          label={t('field.cidr')}
          rules={required(t('form.needed'))}
          extra={t('networks.cidr.hint')}
        >
          <Input placeholder="10.0.0.0/8" />
        </Form.Item>
      )}
      <Form.Item name="Description" label={t('field.description')}>
        <Input />
      </Form.Item>
      <TagList />
    </FormDrawer>
  )
}

interface VSwitchFields {
  readonly VpcId: string
  readonly ZoneId: string
  readonly CidrBlock: string
  readonly VSwitchName?: string
  readonly Description?: string
  readonly Tags?: readonly TagFields[]
}

export function VSwitchForm({
  vSwitch,
  onClose,
}: {
  readonly vSwitch?: VSwitchItem
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region, session } = useConsole()
  const [form] = Form.useForm<VSwitchFields>()
  const query = useQuery(vpcs(region))
  const cidr = Form.useWatch('CidrBlock', form)
  const vpcId = Form.useWatch('VpcId', form)
  const around = query.data?.find((vpc) => vpc.VpcId === vpcId)?.CidrBlock
  const findings = [
    ...found(cidr),
    ...(cidr && around ? checkInside(cidr, around) : []),
    ...checkTags(Form.useWatch('Tags', form), session.Server.Quotas.tagsPerResource),
  ]
  const save = async ({ Tags, ...fields }: VSwitchFields) => {
    if (vSwitch) {
      const { VSwitchId = '' } = vSwitch
      const { VSwitchName = '', Description = '' } = fields
      await call(modifyVSwitchAttribute, { RegionId: region, VSwitchId, VSwitchName, Description })
      await saveTags(region, 'VSWITCH', VSwitchId, vSwitch.Tags?.Tag, Tags)
      return t('form.saved')
    }
    const asked = { RegionId: region, ...fields, Tag: [...filledTags(Tags)] }
    const { VSwitchId } = await call(createVSwitch, asked)
    return t('form.created', { id: VSwitchId ?? '' })
  }
  return (
    <FormDrawer
      title={t(vSwitch ? 'networks.editVSwitch' : 'networks.createVSwitch')}
      form={form}
      initial={
        vSwitch
          ? { VSwitchName: vSwitch.VSwitchName, Description: vSwitch.Description, Tags: vSwitch.Tags?.Tag }
          : {}
      }
      onClose={onClose}
      findings={findings}
      effect={vSwitch && t('effect.none')}
      save={save}
    >
      {!vSwitch && (
        <>
          <Form.Item name="VpcId" label={t('field.vpc')} rules={required(t('form.needed'))}>
            <Select
              loading={query.isPending}
              options={query.data?.map((vpc) => ({
                value: vpc.VpcId,
                label: `${vpc.VpcName || vpc.VpcId} · ${vpc.CidrBlock}`,
              }))}
            />
          </Form.Item>
          <Form.Item name="ZoneId" label={t('field.zone')} rules={required(t('form.needed'))}>
            <Select options={zonesOf(region).map(({ id }) => ({ value: id, label: id }))} />
          </Form.Item>
          <Form.Item name="CidrBlock" label={t('field.cidr')} rules={required(t('form.needed'))}>
            <Input placeholder="10.1.0.0/24" />
          </Form.Item>
        </>
      )}
      <Form.Item name="VSwitchName" label={t('field.name')}>
        <Input />
      </Form.Item>
      <Form.Item name="Description" label={t('field.description')}>
        <Input />
      </Form.Item>
      <TagList />
    </FormDrawer>
  )
}
