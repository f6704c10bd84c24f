/** What the connection is set to: what matters first, then every field of the answer. */
import { Collapse, Tooltip } from 'antd'
import type { ReactNode } from 'react'
import { describeVpnConnection } from '../../../src/resources/vpn-connection/spec.ts'
import type { FieldSpec, ResultFields } from '../../../src/rpc/spec.ts'
import { formatDuration, formatTime } from '../format.ts'
import { CertificateLine } from '../forms/certificate-item.tsx'
import { isWeak } from '../health.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { Mark } from '../parts/mark.tsx'
import { Copyable, type Fact, Facts } from '../parts/page.tsx'
import { SmallTable } from '../parts/table.tsx'
import { TagMarks } from '../parts/tags.tsx'
import { isAttachment, type TunnelView, tunnelsOf } from './tunnels.ts'

/** An algorithm, and whether it should not be used any more. */
export function Algorithm({ value }: { readonly value: string | undefined }) {
  const { t } = useWords()
  return (
    <span>
      <code>{value}</code>{' '}
      {isWeak(value) && (
        <Tooltip title={t('connection.weak.detail')}>
          <span>
            <Mark tone="warn">{t('connection.weak.tag')}</Mark>
          </span>
        </Tooltip>
      )}
    </span>
  )
}

/** The service decides these; nobody sets them. */
function Chosen({ children }: { readonly children: ReactNode }) {
  const { t } = useWords()
  return (
    <>
      {children}{' '}
      <Tooltip title={t('label.chosen.detail')}>
        <span>
          <Mark tone="none">{t('label.chosen')}</Mark>
        </span>
      </Tooltip>
    </>
  )
}

export function SummaryTab({ answer }: TabProps) {
  const { t, language } = useWords()
  const yesNo = (value: boolean | undefined) => t(value ? 'label.yes' : 'label.no')
  const tunnels = tunnelsOf(answer)
  const isPair = tunnels.length > 1
  const ends: readonly Fact[] = [
    isAttachment(answer)
      ? { label: t('attachments.network'), value: t(`attachments.${answer.NetworkType as 'public'}`) }
      : { label: t('field.vpnGateway'), value: <Copyable text={answer.VpnGatewayId ?? ''} /> },
    ...(isPair
      ? []
      : [
          { label: t('field.customerGateway'), value: <Copyable text={answer.CustomerGatewayId ?? ''} /> },
          {
            label: t('field.internetIp'),
            value: (
              <Chosen>
                <Copyable text={answer.InternetIp ?? ''} />
              </Chosen>
            ),
          },
          { label: t('field.EnableDpd'), value: yesNo(answer.EnableDpd) },
          { label: t('field.EnableNatTraversal'), value: yesNo(answer.EnableNatTraversal) },
        ]),
    { label: t('field.bandwidth'), value: answer.Spec },
    { label: t('field.LocalSubnet'), value: <code>{answer.LocalSubnet}</code> },
    { label: t('field.RemoteSubnet'), value: <code>{answer.RemoteSubnet}</code> },
    { label: t('field.EffectImmediately'), value: yesNo(answer.EffectImmediately) },
    { label: t('field.created'), value: <Chosen>{formatTime(answer.CreateTime ?? 0, language)}</Chosen> },
    {
      label: t('field.tags'),
      value: answer.Tags?.Tag.length ? <TagMarks tags={answer.Tags.Tag} /> : undefined,
    },
  ]
  return (
    <div className="stack">
      <Facts title={t('connection.part.ends')} facts={ends} />
      {tunnels.map((tunnel) => (
        <TunnelSettings key={tunnel.id} tunnel={tunnel} />
      ))}
      <Collapse
        items={[{ key: 'all', label: t('summary.every'), children: <EveryField answer={answer} /> }]}
      />
    </div>
  )
}

/** What one tunnel is to negotiate. */
function TunnelSettings({ tunnel }: { readonly tunnel: TunnelView }) {
  const { t, language } = useWords()
  const { ike, ipsec } = tunnel
  const lifetime = (seconds: number | undefined) =>
    seconds === undefined ? '' : `${formatDuration(seconds, language)} (${seconds})`
  const phase1: readonly Fact[] = [
    { label: t('field.IkeVersion'), value: <code>{ike.IkeVersion}</code> },
    ...(ike.IkeVersion === 'ikev1' ? [{ label: t('field.IkeMode'), value: <code>{ike.IkeMode}</code> }] : []),
    { label: t('field.IkeEncAlg'), value: <Algorithm value={ike.IkeEncAlg} /> },
    { label: t('field.IkeAuthAlg'), value: <Algorithm value={ike.IkeAuthAlg} /> },
    { label: t('field.IkePfs'), value: <Algorithm value={ike.IkePfs} /> },
    { label: t('field.IkeLifetime'), value: lifetime(ike.IkeLifetime) },
    {
      label: t('field.LocalId'),
      value:
        ike.LocalId === tunnel.internetIp ? (
          <Chosen>
            <code>{ike.LocalId}</code>
          </Chosen>
        ) : (
          <code>{ike.LocalId}</code>
        ),
    },
    { label: t('field.RemoteId'), value: <code>{ike.RemoteId}</code> },
    {
      label: t('field.proof'),
      value: tunnel.remoteCa ? <CertificateLine pem={tunnel.remoteCa} /> : t('field.Psk'),
    },
  ]
  const phase2: readonly Fact[] = [
    { label: t('field.IpsecEncAlg'), value: <Algorithm value={ipsec.IpsecEncAlg} /> },
    { label: t('field.IpsecAuthAlg'), value: <Algorithm value={ipsec.IpsecAuthAlg} /> },
    { label: t('field.IpsecPfs'), value: <Algorithm value={ipsec.IpsecPfs} /> },
    { label: t('field.IpsecLifetime'), value: lifetime(ipsec.IpsecLifetime) },
  ]
  const role = tunnel.role && `${t(`role.${tunnel.role}`)} · `
  return (
    <>
      {tunnel.role && (
        <Facts
          title={
            <>
              {t(`role.${tunnel.role}`)} <code>{tunnel.id}</code>
            </>
          }
          facts={[
            { label: t('field.customerGateway'), value: <Copyable text={tunnel.customerGatewayId} /> },
            {
              label: t('field.internetIp'),
              value: (
                <Chosen>
                  <Copyable text={tunnel.internetIp} />
                </Chosen>
              ),
            },
            ...(tunnel.zone ? [{ label: t('field.zone'), value: tunnel.zone }] : []),
            { label: t('field.EnableDpd'), value: t(tunnel.dpd ? 'label.yes' : 'label.no') },
            {
              label: t('field.EnableNatTraversal'),
              value: t(tunnel.natTraversal ? 'label.yes' : 'label.no'),
            },
          ]}
        />
      )}
      <Facts
        title={
          <>
            {role}
            {t('connection.part.ike')}
          </>
        }
        facts={phase1}
      />
      <Facts
        title={
          <>
            {role}
            {t('connection.part.ipsec')}
          </>
        }
        facts={phase2}
      />
    </>
  )
}

interface FieldRow {
  readonly path: string
  readonly value: string | undefined
}

/** Every field that the contract names, filled or not. Keys come as stars: they are shown with the configuration of the peer alone. */
function everyField(fields: ResultFields, value: unknown, path = ''): readonly FieldRow[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    fieldRows(field, (value as Record<string, unknown> | undefined)?.[name], path + name),
  )
}

function fieldRows(field: FieldSpec, value: unknown, path: string): readonly FieldRow[] {
  if (field.type === 'object') return everyField(field.fields, value, `${path}.`)
  if (field.type === 'list') {
    const items = (
      field.wrapper === null ? value : (value as Record<string, unknown> | undefined)?.[field.wrapper]
    ) as unknown[] | undefined
    if (!items?.length) return [{ path, value: items && '[]' }]
    return items.flatMap((item, index) => fieldRows(field.item, item, `${path}[${index}]`))
  }
  return [{ path, value: value === undefined ? undefined : String(value) }]
}

function EveryField({ answer }: TabProps) {
  const { t } = useWords()
  return (
    <SmallTable<FieldRow>
      rowKey="path"
      dataSource={[...everyField(describeVpnConnection.result, answer)]}
      scroll={{ x: 500 }}
      columns={[
        { title: t('summary.field'), dataIndex: 'path', render: (path) => <code>{path}</code> },
        {
          title: t('summary.value'),
          dataIndex: 'value',
          render: (value) =>
            value === undefined ? <span className="muted">{t('summary.absent')}</span> : <code>{value}</code>,
        },
      ]}
    />
  )
}
