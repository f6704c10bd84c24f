/** The users of the account, with their keys and policies. */
import { Button, Card, Drawer, Form, Input, Space } from 'antd'
import { useState } from 'react'
import { createUser, deleteUser, updateUser } from '../../../src/resources/user/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type UserItem, useQuery, users } from '../data.ts'
import { FormDrawer, required } from '../forms/parts.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { useOpened } from '../parts/address.ts'
import { CreateButton, ResourceList, timeColumn } from '../parts/list.tsx'
import type { Column } from '../parts/table.tsx'
import { AttachedPolicies } from './attached.tsx'
import { AccessKeys } from './keys.tsx'

export function Users() {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(users(region))
  const [creating, setCreating] = useState(false)
  const { opened, open, close } = useOpened<'keys' | 'policies' | 'edit'>('user')
  const edited =
    opened?.what === 'edit' ? query.data?.find(({ UserName }) => UserName === opened.name) : undefined
  const create = (
    <CreateButton second onClick={() => setCreating(true)}>
      {t('access.newUser')}
    </CreateButton>
  )
  const columns: Column<UserItem>[] = [
    {
      key: 'name',
      title: t('access.user'),
      width: 170,
      fixed: 'left',
      text: ({ UserName }) => UserName ?? '',
      show: ({ UserName }) => <code>{UserName}</code>,
    },
    {
      key: 'display',
      title: t('access.displayName'),
      width: 160,
      text: ({ DisplayName }) => DisplayName ?? '',
      show: ({ DisplayName }) => DisplayName,
    },
    {
      key: 'comments',
      title: t('access.comments'),
      width: 190,
      text: ({ Comments }) => Comments ?? '',
      show: ({ Comments }) => Comments,
    },
    timeColumn('created', t('field.created'), ({ CreateDate }) => Date.parse(CreateDate ?? ''), language),
    {
      key: 'actions',
      title: t('field.actions'),
      width: 280,
      fixed: 'right',
      sortable: false,
      text: () => '',
      show: ({ UserName }) => {
        const name = UserName!
        return (
          <Space>
            <Button
              size="small"
              aria-label={t('access.keysNamed', { name })}
              onClick={() => open('keys', name)}
            >
              {t('access.keys')}
            </Button>
            <Button
              size="small"
              aria-label={t('access.policiesOf', { name })}
              onClick={() => open('policies', name)}
            >
              {t('access.policies')}
            </Button>
            <RowActions
              name={name}
              onEdit={() => open('edit', name)}
              remove={{ spec: deleteUser, params: { UserName: name } }}
            />
          </Space>
        )
      },
    },
  ]
  return (
    <Card title={t('access.users')} extra={create}>
      <ResourceList
        place="users"
        title={t('access.users')}
        query={query}
        columns={columns}
        rowKey={({ UserName }) => UserName!}
        none={t('access.noUsers')}
        create={create}
      />
      {creating && <UserForm onClose={() => setCreating(false)} />}
      {edited && <UserForm key={edited.UserName} user={edited} onClose={close} />}
      {(opened?.what === 'keys' || opened?.what === 'policies') && (
        <Drawer
          open
          size={960}
          title={t(opened.what === 'keys' ? 'access.keysOf' : 'access.policiesOf', { name: opened.name })}
          onClose={close}
        >
          {opened.what === 'keys' ? (
            <AccessKeys userName={opened.name} />
          ) : (
            <AttachedPolicies kind="user" name={opened.name} />
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

/** @param user the one that is edited; absent: a new one */
function UserForm({ user, onClose }: { readonly user?: UserItem; readonly onClose: () => void }) {
  const { t } = useWords()
  const [form] = Form.useForm<UserFields>()
  const save = async ({ UserName, DisplayName, Comments }: UserFields) => {
    if (user)
      await call(updateUser, {
        UserName: user.UserName,
        NewDisplayName: DisplayName,
        NewComments: Comments ?? '',
      })
    else await call(createUser, { UserName, DisplayName, Comments })
    return t('form.saved')
  }
  return (
    <FormDrawer
      title={user ? t('access.editUser', { name: user.UserName ?? '' }) : t('access.newUser')}
      form={form}
      initial={user ? { DisplayName: user.DisplayName, Comments: user.Comments } : {}}
      onClose={onClose}
      effect={t('effect.none')}
      save={save}
    >
      {!user && (
        <Form.Item
          name="UserName"
          label={t('access.user')}
          rules={[...required(t('form.needed')), { pattern: createUser.params.UserName.pattern }]}
        >
          <Input />
        </Form.Item>
      )}
      <Form.Item
        name="DisplayName"
        label={t('access.displayName')}
        rules={user ? required(t('form.needed')) : []}
      >
        <Input />
      </Form.Item>
      <Form.Item name="Comments" label={t('access.comments')}>
        <Input />
      </Form.Item>
    </FormDrawer>
  )
}
