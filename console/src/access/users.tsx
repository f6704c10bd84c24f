/** The users of the account, with their keys and policies. */
import { PlusOutlined } from '@ant-design/icons'
import { Button, Card, Drawer, Form, Input, Select, Space } from 'antd'
import { useState } from 'react'
import { attachPolicyToUser, detachPolicyFromUser } from '../../../src/resources/policy/spec.ts'
import { createUser, deleteUser } from '../../../src/resources/user/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import {
  type AttachedPolicyItem,
  type PolicyKind,
  policies,
  policiesOfUser,
  type UserItem,
  useQuery,
  users,
} from '../data.ts'
import { formatTime } from '../format.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'
import { Deed } from './deed.tsx'
import { AccessKeys } from './keys.tsx'

export function Users() {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(users(region))
  const [creating, setCreating] = useState(false)
  const [opened, setOpened] = useState<{ readonly what: 'keys' | 'policies'; readonly name: string }>()
  return (
    <Card
      title={t('access.users')}
      extra={
        <Button icon={<PlusOutlined aria-hidden />} onClick={() => setCreating(true)}>
          {t('access.newUser')}
        </Button>
      }
    >
      <Shown query={query}>
        {(items) => (
          <SmallTable<UserItem>
            rowKey={(user) => user.UserName!}
            dataSource={[...items]}
            scroll={{ x: 800 }}
            locale={{ emptyText: <Nothing text={t('access.noUsers')} /> }}
            columns={[
              { title: t('access.user'), render: (_, user) => <code>{user.UserName}</code> },
              { title: t('access.displayName'), render: (_, user) => user.DisplayName },
              {
                title: t('access.comments'),
                render: (_, user) => <span className="wrap">{user.Comments}</span>,
              },
              {
                title: t('field.created'),
                render: (_, { CreateDate }) => formatTime(Date.parse(CreateDate ?? ''), language),
              },
              {
                title: t('field.actions'),
                render: (_, user) => {
                  const name = user.UserName!
                  return (
                    <Space wrap>
                      <Button
                        size="small"
                        aria-label={t('access.keysNamed', { name })}
                        onClick={() => setOpened({ what: 'keys', name })}
                      >
                        {t('access.keys')}
                      </Button>
                      <Button
                        size="small"
                        aria-label={t('access.policiesOf', { name })}
                        onClick={() => setOpened({ what: 'policies', name })}
                      >
                        {t('access.policies')}
                      </Button>
                      <RowActions name={name} remove={{ spec: deleteUser, params: { UserName: name } }} />
                    </Space>
                  )
                },
              },
            ]}
          />
        )}
      </Shown>
      {creating && <UserForm onClose={() => setCreating(false)} />}
      {opened && (
        <Drawer
          open
          size={760}
          title={t(opened.what === 'keys' ? 'access.keysOf' : 'access.policiesOf', { name: opened.name })}
          onClose={() => setOpened(undefined)}
        >
          {opened.what === 'keys' ? (
            <AccessKeys userName={opened.name} />
          ) : (
            <UserPolicies userName={opened.name} />
          )}
        </Drawer>
      )}
    </Card>
  )
}

interface UserFields {
  readonly UserName: string
  readonly DisplayName?: string
  readonly Comments?: string
}

function UserForm({ onClose }: { readonly onClose: () => void }) {
  const { t } = useWords()
  const [form] = Form.useForm<UserFields>()
  return (
    <FormDrawer
      title={t('access.newUser')}
      form={form}
      initial={{}}
      onClose={onClose}
      effect={t('effect.none')}
      save={async (fields) => {
        await call(createUser, fields)
        return t('form.saved')
      }}
    >
      <Form.Item
        name="UserName"
        label={t('access.user')}
        rules={[...required(t('form.needed')), { pattern: createUser.params.UserName.pattern }]}
      >
        <Input />
      </Form.Item>
      <Form.Item name="DisplayName" label={t('access.displayName')}>
        <Input />
      </Form.Item>
      <Form.Item name="Comments" label={t('access.comments')}>
        <Input />
      </Form.Item>
    </FormDrawer>
  )
}

/** What is attached to a user, and what could be. */
function UserPolicies({ userName }: { readonly userName: string }) {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(policiesOfUser(region, userName))
  const all = useQuery(policies(region))
  const [chosen, setChosen] = useState<string>()
  return (
    <Shown query={query}>
      {(attached) => {
        const has = new Set(attached.map(({ PolicyName }) => PolicyName))
        const others = (all.data ?? []).filter(({ PolicyName }) => !has.has(PolicyName))
        const wanted = others.find(({ PolicyName }) => PolicyName === chosen)
        return (
          <div className="stack">
            <SmallTable<AttachedPolicyItem>
              rowKey={(policy) => policy.PolicyName!}
              dataSource={[...attached]}
              scroll={{ x: 600 }}
              locale={{ emptyText: <Nothing text={t('access.noPolicies')} /> }}
              columns={[
                { title: t('field.name'), render: (_, policy) => <code>{policy.PolicyName}</code> },
                {
                  title: t('access.type'),
                  render: (_, policy) => t(`access.type.${policy.PolicyType as PolicyKind}`),
                },
                {
                  title: t('label.since'),
                  render: (_, { AttachDate }) => formatTime(Date.parse(AttachDate ?? ''), language),
                },
                {
                  title: t('field.actions'),
                  render: (_, policy) => (
                    <Deed
                      label={t('access.detach')}
                      name={t('access.detachNamed', { name: policy.PolicyName! })}
                      danger
                      work={async () => {
                        const { PolicyName, PolicyType } = policy
                        await call(detachPolicyFromUser, {
                          UserName: userName,
                          PolicyName,
                          PolicyType: PolicyType as PolicyKind,
                        })
                      }}
                    />
                  ),
                },
              ]}
            />
            <Space wrap>
              <Select
                aria-label={t('access.attach.which')}
                placeholder={t('access.attach.which')}
                style={{ minWidth: 280 }}
                value={wanted?.PolicyName}
                onChange={setChosen}
                options={others.map(({ PolicyName }) => ({ value: PolicyName, label: PolicyName }))}
              />
              {wanted && (
                <Deed
                  label={t('access.attach')}
                  work={async () => {
                    await call(attachPolicyToUser, {
                      UserName: userName,
                      PolicyName: wanted.PolicyName,
                      PolicyType: wanted.PolicyType as PolicyKind,
                    })
                  }}
                />
              )}
            </Space>
          </div>
        )
      }}
    </Shown>
  )
}
