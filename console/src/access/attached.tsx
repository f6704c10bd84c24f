/** What is attached to a user or a role, and what could be. */
import { Select, Space } from 'antd'
import { useState } from 'react'
import { attachPolicyToUser, detachPolicyFromUser } from '../../../src/resources/policy/spec.ts'
import { attachPolicyToRole, detachPolicyFromRole } from '../../../src/resources/role/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { type AttachedPolicyItem, attachedPolicies, type PolicyKind, policies, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'
import { Deed } from './deed.tsx'

export function AttachedPolicies({ kind, name }: { readonly kind: 'user' | 'role'; readonly name: string }) {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(attachedPolicies(region, kind, name))
  const all = useQuery(policies(region))
  const [chosen, setChosen] = useState<string>()
  const change = async (to: 'attach' | 'detach', policy: { PolicyName?: string; PolicyType?: string }) => {
    const { PolicyName } = policy
    const given = { PolicyName, PolicyType: policy.PolicyType as PolicyKind }
    if (kind === 'user')
      await call(to === 'attach' ? attachPolicyToUser : detachPolicyFromUser, { ...given, UserName: name })
    else await call(to === 'attach' ? attachPolicyToRole : detachPolicyFromRole, { ...given, RoleName: name })
  }
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
                      work={() => change('detach', policy)}
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
              {wanted && <Deed label={t('access.attach')} work={() => change('attach', wanted)} />}
            </Space>
          </div>
        )
      }}
    </Shown>
  )
}
