/** The roles of the account: who may take them on, for how long, and what they may do then. */
import { App, Button, Card, Drawer, Form, Input, InputNumber, Space } from 'antd'
import { useState } from 'react'
import { assumeRole } from '../../../src/resources/identity/spec.ts'
import { trustOfAccount } from '../../../src/resources/ram.ts'
import { createRole, deleteRole, updateRole } from '../../../src/resources/role/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type RoleItem, role, roleRights, roles, useQuery } from '../data.ts'
import { formatDuration } from '../format.ts'
import { checkTrust } from '../forms/checks.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { useOpened } from '../parts/address.ts'
import { CreateButton, ResourceList, timeColumn } from '../parts/list.tsx'
import { Copyable, type Fact, Facts } from '../parts/page.tsx'
import { Shown } from '../parts/states.tsx'
import type { Column } from '../parts/table.tsx'
import { AttachedPolicies } from './attached.tsx'
import { prettyJson } from './policies.tsx'
import { RightsOf } from './rights.tsx'

export function Roles() {
  const { t, language } = useWords()
  const { region, session } = useConsole()
  const query = useQuery(roles(region))
  const [creating, setCreating] = useState(false)
  const { opened, open, close } = useOpened<'policies' | 'rights' | 'edit' | 'assume'>('role')
  const create = (
    <CreateButton second onClick={() => setCreating(true)}>
      {t('access.newRole')}
    </CreateButton>
  )
  const columns: Column<RoleItem>[] = [
    {
      key: 'name',
      title: t('access.role'),
      width: 260,
      fixed: 'left',
      text: ({ RoleName, Arn }) => `${RoleName} ${Arn}`,
      show: ({ RoleName, Arn }) => (
        <>
          <code>{RoleName}</code>
          <div className="muted">{Arn}</div>
        </>
      ),
    },
    {
      key: 'description',
      title: t('field.description'),
      width: 160,
      minor: true,
      text: ({ Description }) => Description ?? '',
      show: ({ Description }) => Description,
    },
    {
      key: 'longest',
      title: t('access.longest'),
      width: 170,
      text: ({ MaxSessionDuration }) => MaxSessionDuration ?? 0,
      show: ({ MaxSessionDuration }) => formatDuration(MaxSessionDuration ?? 0, language),
    },
    timeColumn('created', t('field.created'), ({ CreateDate }) => Date.parse(CreateDate ?? ''), language),
    {
      key: 'actions',
      title: t('field.actions'),
      // The account itself cannot take on a role.
      width: session.UserName === null ? 310 : 440,
      fixed: 'right',
      sortable: false,
      text: () => '',
      show: ({ RoleName }) => {
        const name = RoleName!
        return (
          <Space>
            <Button
              size="small"
              aria-label={t('access.rightsOf', { name })}
              onClick={() => open('rights', name)}
            >
              {t('access.rights')}
            </Button>
            <Button
              size="small"
              aria-label={t('access.policiesOf', { name })}
              onClick={() => open('policies', name)}
            >
              {t('access.policies')}
            </Button>
            {session.UserName !== null && (
              <Button
                size="small"
                aria-label={t('access.assumeNamed', { name })}
                onClick={() => open('assume', name)}
              >
                {t('access.assume')}
              </Button>
            )}
            <RowActions
              name={name}
              onEdit={() => open('edit', name)}
              remove={{ spec: deleteRole, params: { RoleName: name } }}
            />
          </Space>
        )
      },
    },
  ]
  return (
    <Card title={t('access.roles')} extra={create}>
      <ResourceList
        place="roles"
        title={t('access.roles')}
        query={query}
        columns={columns}
        rowKey={({ RoleName }) => RoleName!}
        none={t('access.noRoles')}
        create={create}
      />
      {creating && <RoleForm onClose={() => setCreating(false)} />}
      {opened?.what === 'edit' && <EditRole key={opened.name} name={opened.name} onClose={close} />}
      {opened?.what === 'assume' && <AssumeForm key={opened.name} name={opened.name} onClose={close} />}
      {(opened?.what === 'policies' || opened?.what === 'rights') && (
        <Drawer
          open
          size={760}
          title={t(opened.what === 'rights' ? 'access.rightsOf' : 'access.policiesOf', { name: opened.name })}
          onClose={close}
        >
          {opened.what === 'rights' ? (
            <RoleRights name={opened.name} />
          ) : (
            <AttachedPolicies kind="role" name={opened.name} />
          )}
        </Drawer>
      )}
    </Card>
  )
}

function RoleRights({ name }: { readonly name: string }) {
  return <RightsOf query={useQuery(roleRights(useConsole().region, name))} />
}

function EditRole({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const { t } = useWords()
  const query = useQuery(role(useConsole().region, name))
  if (query.data !== undefined) return <RoleForm role={query.data} onClose={onClose} />
  return (
    <Drawer open size={760} title={t('access.editRole', { name })} onClose={onClose}>
      <Shown query={query}>{() => null}</Shown>
    </Drawer>
  )
}

interface Fields {
  readonly RoleName: string
  readonly Description?: string
  readonly MaxSessionDuration: number
  readonly Trust: string
}

/** @param role the one that is edited; absent: a new one */
function RoleForm({
  role: edited,
  onClose,
}: {
  readonly role?: RoleItem & { readonly AssumeRolePolicyDocument?: string }
  readonly onClose: () => void
}) {
  const { t } = useWords()
  const { session } = useConsole()
  const [form] = Form.useForm<Fields>()
  const text = Form.useWatch('Trust', form)
  const { RoleName: nameRule, MaxSessionDuration: longest } = createRole.params
  const save = async ({ RoleName, Description, MaxSessionDuration, Trust }: Fields) => {
    if (edited) {
      await call(updateRole, {
        RoleName: edited.RoleName,
        NewDescription: Description ?? '',
        NewMaxSessionDuration: MaxSessionDuration,
        NewAssumeRolePolicyDocument: Trust,
      })
    } else {
      await call(createRole, {
        RoleName,
        Description,
        MaxSessionDuration,
        AssumeRolePolicyDocument: Trust,
      })
    }
    return t('form.saved')
  }
  return (
    <FormDrawer
      wide
      title={edited ? t('access.editRole', { name: edited.RoleName ?? '' }) : t('access.newRole')}
      form={form}
      initial={{
        Description: edited?.Description,
        MaxSessionDuration: edited?.MaxSessionDuration ?? longest.default,
        Trust: prettyJson(edited?.AssumeRolePolicyDocument ?? trustOfAccount(session.AccountId)),
      }}
      onClose={onClose}
      effect={t(edited ? 'access.effect.role' : 'effect.none')}
      findings={text === undefined ? [] : checkTrust(text)}
      save={save}
    >
      {!edited && (
        <Form.Item
          name="RoleName"
          label={t('field.name')}
          rules={[...required(t('form.needed')), { pattern: nameRule.pattern }]}
        >
          <Input />
        </Form.Item>
      )}
      <Form.Item name="Description" label={t('field.description')}>
        <Input />
      </Form.Item>
      <Form.Item name="MaxSessionDuration" label={t('access.longest')} rules={required(t('form.needed'))}>
        <InputNumber min={longest.min} max={longest.max} suffix={t('unit.seconds')} />
      </Form.Item>
      <Form.Item
        name="Trust"
        label={t('access.trust')}
        extra={t('access.trust.hint')}
        rules={required(t('form.needed'))}
      >
        <Input.TextArea rows={14} spellCheck={false} className="mono" />
      </Form.Item>
    </FormDrawer>
  )
}

interface AssumeFields {
  readonly RoleSessionName: string
  readonly DurationSeconds: number
}

/** A temporary key with the rights of a role, for whoever is signed in. */
function AssumeForm({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const { t } = useWords()
  const { session } = useConsole()
  const { modal } = App.useApp()
  const [form] = Form.useForm<AssumeFields>()
  const { RoleSessionName: nameRule, DurationSeconds: duration } = assumeRole.params
  const save = async (fields: AssumeFields) => {
    const RoleArn = `acs:ram::${session.AccountId}:role/${name}`
    const { Credentials = {} } = await call(assumeRole, { RoleArn, ...fields })
    const facts: Fact[] = (['AccessKeyId', 'AccessKeySecret', 'SecurityToken'] as const).map((member) => ({
      label: t(`access.sts.${member}`),
      value: <Copyable text={Credentials[member] ?? ''} />,
    }))
    modal.info({
      width: 640,
      title: t('access.assumed', { name }),
      content: (
        <>
          <p>{t('access.secret.text')}</p>
          <Facts
            narrow
            facts={[...facts, { label: t('access.sts.Expiration'), value: Credentials.Expiration }]}
          />
        </>
      ),
    })
    return t('access.assumed', { name })
  }
  return (
    <FormDrawer
      title={t('access.assumeNamed', { name })}
      form={form}
      initial={{ RoleSessionName: session.UserName ?? '', DurationSeconds: duration.default }}
      onClose={onClose}
      effect={t('access.effect.assume')}
      save={save}
    >
      <Form.Item
        name="RoleSessionName"
        label={t('access.sessionName')}
        rules={[...required(t('form.needed')), { pattern: nameRule.pattern }]}
      >
        <Input />
      </Form.Item>
      <Form.Item name="DurationSeconds" label={t('access.duration')} rules={required(t('form.needed'))}>
        <InputNumber min={duration.min} max={duration.max} suffix={t('unit.seconds')} />
      </Form.Item>
    </FormDrawer>
  )
}
