import { Form, Input, Select } from 'antd'
import { zonesOf } from '../../../src/resources/region/model.ts'
import { createVpc } from '../../../src/resources/vpc/spec.ts'
import { createVSwitch } from '../../../src/resources/vswitch/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { useQuery, vpcs } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { checkInside, checkNetwork } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'

interface VpcFields {
  readonly VpcName?: string
  readonly CidrBlock: string
  readonly Description?: string
}

const found = (text: string | undefined) => {
  const finding = text ? checkNetwork(text) : undefined
  return finding ? [finding] : []
}

export function VpcForm({ onClose }: { readonly onClose: () => void }) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<VpcFields>()
  return (
    <FormDrawer
      title={t('networks.createVpc')}
      form={form}
      initial={{ CidrBlock: createVpc.params.CidrBlock.default }}
      onClose={onClose}
      findings={found(Form.useWatch('CidrBlock', form))}
      save={async (values) => {
        const { VpcId } = await call(createVpc, { RegionId: region, ...values })
        return t('form.created', { id: VpcId ?? '' })
      }}
    >
      <Form.Item name="VpcName" label={t('field.name')}>
        <Input />
      </Form.Item>
      <Form.Item
        name="CidrBlock"
        label={t('field.cidr')}
        rules={required(t('form.needed'))}
        extra={t('networks.cidr.hint')}
      >
        <Input placeholder="10.0.0.0/8" />
      </Form.Item>
      <Form.Item name="Description" label={t('field.description')}>
        <Input />
      </Form.Item>
    </FormDrawer>
  )
}

interface VSwitchFields {
  readonly VpcId: string
  readonly ZoneId: string
  readonly CidrBlock: string
  readonly VSwitchName?: string
}

export function VSwitchForm({ onClose }: { readonly onClose: () => void }) {
  const { t } = useWords()
  const { region } = useConsole()
  const [form] = Form.useForm<VSwitchFields>()
  const query = useQuery(vpcs(region))
  const cidr = Form.useWatch('CidrBlock', form)
  const vpcId = Form.useWatch('VpcId', form)
  const around = query.data?.find((vpc) => vpc.VpcId === vpcId)?.CidrBlock
  const findings = [...found(cidr), ...(cidr && around ? checkInside(cidr, around) : [])]
  return (
    <FormDrawer
      title={t('networks.createVSwitch')}
      form={form}
      initial={{}}
      onClose={onClose}
      findings={findings}
      save={async (values) => {
        const { VSwitchId } = await call(createVSwitch, { RegionId: region, ...values })
        return t('form.created', { id: VSwitchId ?? '' })
      }}
    >
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
      <Form.Item name="VSwitchName" label={t('field.name')}>
        <Input />
      </Form.Item>
    </FormDrawer>
  )
}
