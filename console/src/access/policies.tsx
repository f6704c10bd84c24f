/** The policies of the account: their documents are written and checked here. */
import { Button, Card, Drawer, Form, Input } from 'antd'
import { useState } from 'react'
import { createPolicy, createPolicyVersion, deletePolicy } from '../../../src/resources/policy/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type PolicyItem, type PolicyKind, policies, policyDocument, useQuery } from '../data.ts'
import { checkPolicy } from '../forms/checks.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { useOpened } from '../parts/address.ts'
import { CreateButton, ResourceList } from '../parts/list.tsx'
import { CodeBlock } from '../parts/page.tsx'
import { Shown } from '../parts/states.tsx'
import type { Column } from '../parts/table.tsx'

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
  const { opened, open, close } = useOpened<PolicyKind>('policy')
  const create = (
    <CreateButton second onClick={() => setCreating(true)}>
      {t('access.newPolicy')}
    </CreateButton>
  )
  const kind = ({ PolicyType }: PolicyItem) => t(`access.type.${PolicyType as PolicyKind}`)
  const columns: Column<PolicyItem>[] = [
    {
      key: 'name',
      title: t('field.name'),
      width: 280,
      fixed: 'left',
      text: ({ PolicyName }) => PolicyName ?? '',
      show: ({ PolicyName }) => <code>{PolicyName}</code>,
    },
    { key: 'kind', title: t('access.type'), width: 120, text: kind, show: kind },
    {
      key: 'description',
      title: t('field.description'),
      width: 320,
      text: ({ Description }) => Description ?? '',
      show: ({ Description }) => Description,
    },
    {
      key: 'attached',
      title: t('access.attachments'),
      width: 130,
      text: ({ AttachmentCount }) => AttachmentCount ?? 0,
      show: ({ AttachmentCount }) => AttachmentCount,
    },
    {
      key: 'actions',
      title: t('field.actions'),
      width: 150,
      fixed: 'right',
      sortable: false,
      text: () => '',
      show: ({ PolicyName, PolicyType }) => {
        const name = PolicyName!
        return PolicyType === 'System' ? (
          <Button
            type="link"
            size="small"
            aria-label={t('access.showNamed', { name })}
            onClick={() => open('System', name)}
          >
            {t('access.show')}
          </Button>
        ) : (
          <RowActions
            name={name}
            onEdit={() => open('Custom', name)}
            remove={{ spec: deletePolicy, params: { PolicyName: name } }}
          />
        )
      },
    },
  ]
  return (
    <Card title={t('access.policies')} extra={create}>
      <ResourceList
        place="policies"
        title={t('access.policies')}
        query={query}
        columns={columns}
        rowKey={({ PolicyType, PolicyName }) => `${PolicyType} ${PolicyName}`}
        none={t('access.noneOfPolicies')}
        create={create}
      />
      {creating && <PolicyForm document={first} onClose={() => setCreating(false)} />}
      {opened && <Opened key={opened.name} kind={opened.what} name={opened.name} onClose={close} />}
    </Card>
  )
}

function Opened({
  kind,
  name,
  onClose,
}: {
  readonly kind: PolicyKind
  readonly name: string
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(policyDocument(region, kind, name))
  if (kind === 'Custom' && query.data !== undefined)
    return <PolicyForm name={name} document={prettyJson(query.data)} onClose={onClose} />
  return (
    <Drawer open size={760} title={t('access.editPolicy', { name })} onClose={onClose}>
      <Shown query={query}>
        {(document) => <CodeBlock label={t('access.document')} text={prettyJson(document)} />}
      </Shown>
    </Drawer>
  )
}

/** A document as it is read; what is none stays as it is. */
export function prettyJson(document: string): string {
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
