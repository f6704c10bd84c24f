/** The policies of the account: their documents are written and checked here. */
import { PlusOutlined } from '@ant-design/icons'
import { Button, Card, Drawer, Form, Input, Space } from 'antd'
import { useState } from 'react'
import { createPolicy, createPolicyVersion, deletePolicy } from '../../../src/resources/policy/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type PolicyItem, type PolicyKind, policies, policyDocument, useQuery } from '../data.ts'
import { checkPolicy } from '../forms/checks.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { CodeBlock } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'

const first = JSON.stringify(
  { Version: '1', Statement: [{ Effect: 'Allow', Action: 'vpc:Describe*', Resource: '*' }] },
  null,
  2,
)

export function Policies() {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(policies(region))
  const [creating, setCreating] = useState(false)
  const [opened, setOpened] = useState<PolicyItem>()
  const close = () => setOpened(undefined)
  return (
    <Card
      title={t('access.policies')}
      extra={
        <Button icon={<PlusOutlined aria-hidden />} onClick={() => setCreating(true)}>
          {t('access.newPolicy')}
        </Button>
      }
    >
      <Shown query={query}>
        {(items) => (
          <SmallTable<PolicyItem>
            rowKey={(policy) => policy.PolicyName!}
            dataSource={[...items]}
            scroll={{ x: 800 }}
            locale={{ emptyText: <Nothing text={t('access.noPolicies')} /> }}
            columns={[
              { title: t('field.name'), render: (_, policy) => <code>{policy.PolicyName}</code> },
              {
                title: t('access.type'),
                render: (_, policy) => t(`access.type.${policy.PolicyType as PolicyKind}`),
              },
              {
                title: t('field.description'),
                render: (_, policy) => <span className="wrap">{policy.Description}</span>,
              },
              { title: t('access.attachments'), dataIndex: 'AttachmentCount' },
              {
                title: t('field.actions'),
                render: (_, policy) => {
                  const name = policy.PolicyName!
                  if (policy.PolicyType === 'System') {
                    return (
                      <Button
                        type="link"
                        size="small"
                        aria-label={t('access.showNamed', { name })}
                        onClick={() => setOpened(policy)}
                      >
                        {t('access.show')}
                      </Button>
                    )
                  }
                  return (
                    <Space>
                      <RowActions
                        name={name}
                        onEdit={() => setOpened(policy)}
                        remove={{ spec: deletePolicy, params: { PolicyName: name } }}
                      />
                    </Space>
                  )
                },
              },
            ]}
          />
        )}
      </Shown>
      {creating && <PolicyForm document={first} onClose={() => setCreating(false)} />}
      {opened && <Opened policy={opened} onClose={close} />}
    </Card>
  )
}

function Opened({ policy, onClose }: { readonly policy: PolicyItem; readonly onClose: () => void }) {
  const { t } = useWords()
  const { region } = useConsole()
  const name = policy.PolicyName!
  const query = useQuery(policyDocument(region, policy.PolicyType as PolicyKind, name))
  if (policy.PolicyType === 'Custom' && query.data !== undefined)
    return <PolicyForm name={name} document={pretty(query.data)} onClose={onClose} />
  return (
    <Drawer open size={760} title={t('access.editPolicy', { name })} onClose={onClose}>
      <Shown query={query}>
        {(document) => <CodeBlock label={t('access.document')} text={pretty(document)} />}
      </Shown>
    </Drawer>
  )
}

function pretty(document: string): string {
  try {
    return JSON.stringify(JSON.parse(document), null, 2)
  } catch {
    return document
  }
}

interface Fields {
  readonly PolicyName: string
  readonly Description?: string
  readonly PolicyDocument: string
}

/** @param name of the one that is edited; absent: a new one */
function PolicyForm({
  name,
  document,
  onClose,
}: {
  readonly name?: string
  readonly document: string
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const [form] = Form.useForm<Fields>()
  const text = Form.useWatch('PolicyDocument', form)
  return (
    <FormDrawer
      wide
      title={name === undefined ? t('access.newPolicy') : t('access.editPolicy', { name })}
      form={form}
      initial={{ PolicyDocument: document }}
      onClose={onClose}
      effect={t(name === undefined ? 'effect.none' : 'access.effect.attached')}
      findings={text === undefined ? [] : checkPolicy(text)}
      save={async ({ PolicyName, Description, PolicyDocument }) => {
        if (name === undefined) await call(createPolicy, { PolicyName, Description, PolicyDocument })
        else await call(createPolicyVersion, { PolicyName: name, PolicyDocument, SetAsDefault: true })
        return t('form.saved')
      }}
    >
      {name === undefined && (
        <>
          <Form.Item
            name="PolicyName"
            label={t('field.name')}
            rules={[...required(t('form.needed')), { pattern: createPolicy.params.PolicyName.pattern }]}
          >
            <Input />
          </Form.Item>
          <Form.Item name="Description" label={t('field.description')}>
            <Input />
          </Form.Item>
        </>
      )}
      <Form.Item name="PolicyDocument" label={t('access.document')} rules={required(t('form.needed'))}>
        <Input.TextArea rows={16} spellCheck={false} className="mono" />
      </Form.Item>
    </FormDrawer>
  )
}
