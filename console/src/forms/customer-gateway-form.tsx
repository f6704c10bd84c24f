import { Form, Input } from 'antd'
import {
  createCustomerGateway,
  modifyCustomerGatewayAttribute,
} from '../../../src/resources/customer-gateway/spec.ts'
import { parseIpv4 } from '../../../src/resources/ipv4.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type CustomerGatewayItem, customerGateways, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { checkTags, type Finding } from './checks.ts'
import { FormDrawer, required } from './parts.tsx'
import { saveTags, TagList } from './tag-list.tsx'
import { filledTags, type TagFields } from './tags.ts'

interface Fields {
  readonly Name?: string
  readonly IpAddress: string
  readonly Asn?: string
  readonly AuthKey?: string
  readonly Description?: string
  readonly Tags?: readonly TagFields[]
}

export function CustomerGatewayForm({
  customerGateway,
  onClose,
}: {
  readonly customerGateway?: CustomerGatewayItem
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region, session } = useConsole()
  const [form] = Form.useForm<Fields>()
  const others = useQuery(customerGateways(region)).data
  const address = Form.useWatch('IpAddress', form)
  const rules = createCustomerGateway.params
  const findings: Finding[] = [
    ...checkTags(Form.useWatch('Tags', form), session.Server.Quotas.tagsPerResource),
  ]
  if (address && parseIpv4(address) === undefined) {
    findings.push({ level: 'error', message: 'check.noAddress', values: { value: address } })
  }
  const same = others?.find(
    (one) => one.IpAddress === address && one.CustomerGatewayId !== customerGateway?.CustomerGatewayId,
  )
  if (same) {
    const name = same.Name || same.CustomerGatewayId!
    findings.push({ level: 'warning', message: 'check.sameAddress', values: { name } })
  }

  const save = async ({ AuthKey, Name, Description, Tags, ...rest }: Fields) => {
    const key = AuthKey ? { AuthKey } : {}
    if (customerGateway) {
      const { CustomerGatewayId } = customerGateway
      const words = { Name: Name ?? '', Description: Description ?? '' }
      await call(modifyCustomerGatewayAttribute, { RegionId: region, CustomerGatewayId, ...words, ...key })
      await saveTags(region, 'CUSTOMERGATEWAY', CustomerGatewayId!, customerGateway.Tags?.Tag, Tags)
      return t('form.saved')
    }
    const asked = { RegionId: region, Name, Description, ...rest, ...key, Tags: [...filledTags(Tags)] }
    const answer = await call(createCustomerGateway, asked)
    return t('form.created', { id: answer.CustomerGatewayId ?? '' })
  }
  return (
    <FormDrawer
      title={customerGateway ? t('customers.edit') : t('customers.create')}
      form={form}
      initial={
        customerGateway
          ? {
              Name: customerGateway.Name,
              Description: customerGateway.Description,
              Tags: customerGateway.Tags?.Tag,
            }
          : {}
      }
      onClose={onClose}
      findings={findings}
      effect={t('effect.none')}
      save={save}
    >
      {!customerGateway && (
        <>
          <Form.Item
            name="IpAddress"
            label={t('field.ipAddress')}
            rules={required(t('form.needed'))}
            extra={t('customers.ip.hint')}
          >
            <Input placeholder="203.0.113.9" />
          </Form.Item>
          <Form.Item
            name="Asn"
            label={t('field.asn')}
            extra={t('customers.asn.hint')}
            rules={[{ pattern: rules.Asn.pattern, message: t('customers.asn.rule') }]}
          >
            <Input placeholder="65000" />
          </Form.Item>
        </>
      )}
      <Form.Item name="Name" label={t('field.name')}>
        <Input />
      </Form.Item>
      <Form.Item
        name="AuthKey"
        label={t('field.authKey')}
        rules={[{ pattern: rules.AuthKey.pattern, message: t('customers.authKey.rule') }]}
      >
        <Input.Password autoComplete="off" />
      </Form.Item>
      <Form.Item name="Description" label={t('field.description')}>
        <Input />
      </Form.Item>
      <TagList />
    </FormDrawer>
  )
}
