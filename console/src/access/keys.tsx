/** The access keys of a user, or one's own, with what each may do: made (the secret is shown once), replaced, disabled, deleted. */
import { MinusOutlined, PlusOutlined } from '@ant-design/icons'
import { App, Button, Space } from 'antd'
import { createAccessKey, deleteAccessKey, updateAccessKey } from '../../../src/resources/access-key/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { accessKeys, type KeyItem, keyRights, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Mark } from '../parts/mark.tsx'
import { Copyable } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'
import { Deed } from './deed.tsx'
import { RightsOf } from './rights.tsx'

/** @param userName absent: one's own keys */
export function AccessKeys({ userName }: { readonly userName?: string }) {
  const { t, language } = useWords()
  const { region } = useConsole()
  const { modal } = App.useApp()
  const query = useQuery(accessKeys(region, userName))
  const owner = userName === undefined ? {} : { UserName: userName }
  const make = async () => {
    const { AccessKey } = await call(createAccessKey, owner)
    modal.info({
      title: t('access.secret', { id: AccessKey?.AccessKeyId ?? '' }),
      content: (
        <>
          <p>{t('access.secret.text')}</p>
          <Copyable text={AccessKey?.AccessKeySecret ?? ''} />
        </>
      ),
    })
  }
  const set = async (key: KeyItem, Status: 'Active' | 'Inactive') => {
    await call(updateAccessKey, { ...owner, UserAccessKeyId: key.AccessKeyId, Status })
  }
  return (
    <Shown query={query}>
      {(keys) => (
        <div className="stack">
          <SmallTable<KeyItem>
            rowKey={(key) => key.AccessKeyId!}
            dataSource={[...keys]}
            scroll={{ x: 700 }}
            locale={{ emptyText: <Nothing text={t('access.noKeys')} /> }}
            expandable={{
              expandedRowRender: (key) => <KeyRights userName={userName} id={key.AccessKeyId!} />,
              expandIcon: ({ expanded, onExpand, record }) => (
                <Button
                  type="text"
                  size="small"
                  aria-expanded={expanded}
                  aria-label={t('access.rightsOf', { name: record.AccessKeyId! })}
                  icon={expanded ? <MinusOutlined aria-hidden /> : <PlusOutlined aria-hidden />}
                  onClick={(event) => onExpand(record, event)}
                />
              ),
            }}
            columns={[
              { title: t('access.key'), render: (_, key) => <Copyable text={key.AccessKeyId!} /> },
              {
                title: t('field.status'),
                render: (_, { Status }) => (
                  <Mark tone={Status === 'Active' ? 'good' : 'none'}>
                    {t(Status === 'Active' ? 'access.active' : 'access.inactive')}
                  </Mark>
                ),
              },
              {
                title: t('field.created'),
                render: (_, { CreateDate }) => formatTime(Date.parse(CreateDate ?? ''), language),
              },
              {
                title: t('field.actions'),
                render: (_, key) => {
                  const name = key.AccessKeyId!
                  return (
                    <Space wrap>
                      {key.Status === 'Active' ? (
                        <>
                          <Deed
                            label={t('access.rotate')}
                            name={t('access.rotateNamed', { name })}
                            ask={{ title: t('access.rotate.title', { name }), text: t('access.rotate.text') }}
                            work={make}
                          />
                          <Deed
                            label={t('access.disable')}
                            name={t('access.disableNamed', { name })}
                            ask={{
                              title: t('access.disable.title', { name }),
                              text: t('access.disable.text'),
                            }}
                            danger
                            work={() => set(key, 'Inactive')}
                          />
                        </>
                      ) : (
                        <Deed
                          label={t('access.enable')}
                          name={t('access.enableNamed', { name })}
                          work={() => set(key, 'Active')}
                        />
                      )}
                      <RowActions
                        name={name}
                        remove={{ spec: deleteAccessKey, params: { ...owner, UserAccessKeyId: name } }}
                      />
                    </Space>
                  )
                },
              },
            ]}
          />
          <div>
            <Deed label={t('access.newKey')} icon={<PlusOutlined aria-hidden />} work={make} />
          </div>
        </div>
      )}
    </Shown>
  )
}

function KeyRights({ userName, id }: { readonly userName: string | undefined; readonly id: string }) {
  return <RightsOf query={useQuery(keyRights(useConsole().region, userName, id))} />
}
