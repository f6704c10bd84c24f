import { DeleteOutlined, LinkOutlined, SaveOutlined } from '@ant-design/icons'
import { App, Button, Card, Dropdown, Input, Select } from 'antd'
import { type ReactNode, useMemo, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { customerGatewayIds, isAttachment, roleOf } from '../connection/tunnels.ts'
import { useConsole } from '../context.tsx'
import { type ConnectionItem, connections, customerGateways, gateways, useQuery } from '../data.ts'
import { formatRate } from '../format.ts'
import { ConnectionForm } from '../forms/connection-form.tsx'
import {
  asOf,
  deriveHealth,
  eachOf,
  type Health,
  healths,
  rateOf,
  reasonOf,
  tunnelHealths,
  worstReason,
} from '../health.ts'
import { useWords } from '../i18n.tsx'
import { useChoice } from '../parts/address.ts'
import { Ago, Busy, HealthTag } from '../parts/health-tag.tsx'
import { CreateButton, nameColumn, ResourceList } from '../parts/list.tsx'
import { copyText, PageHead } from '../parts/page.tsx'
import type { Column } from '../parts/table.tsx'
import { tagsColumn } from '../parts/tags.tsx'

/** Those on VPN gateways, or those on none. Both are connections, and read by the same calls. */
export default function ConnectionsPage({ place }: { readonly place: 'connections' | 'attachments' }) {
  const { t } = useWords()
  const [creating, setCreating] = useState(false)
  const create = (
    <CreateButton onClick={() => setCreating(true)}>
      {t(place === 'attachments' ? 'attachments.create' : 'connections.create')}
    </CreateButton>
  )
  return (
    <>
      <PageHead title={t(`nav.${place}`)} actions={create} />
      <Card>
        <ConnectionTable place={place} create={create} />
      </Card>
      {creating && <ConnectionForm attached={place === 'attachments'} onClose={() => setCreating(false)} />}
    </>
  )
}

function ConnectionTable({
  place,
  create,
}: {
  readonly place: 'connections' | 'attachments'
  readonly create: ReactNode
}) {
  const { t, text } = useWords()
  const { region } = useConsole()
  const attached = place === 'attachments'
  const { data: all, error, isPending, refetch } = useQuery(connections(region))
  const data = useMemo(() => all?.filter((row) => isAttachment(row) === attached), [all, attached])
  const peers = useQuery(customerGateways(region)).data
  const places = useQuery(gateways(region)).data
  const [health, setHealth] = useChoice('health')
  const [gateway, setGateway] = useChoice('gateway')

  const columns = useMemo<Column<ConnectionItem>[]>(() => {
    const peerNames = new Map(peers?.map((peer) => [peer.CustomerGatewayId!, peer]))
    const gatewayNames = new Map(places?.map((place) => [place.VpnGatewayId!, place.Name]))
    const peersOf = (row: ConnectionItem) =>
      customerGatewayIds(row).map((id) => ({
        id,
        name: peerNames.get(id)?.Name || id,
        address: peerNames.get(id)?.IpAddress ?? '',
      }))
    const gatewayName = (row: ConnectionItem) =>
      attached ? '' : gatewayNames.get(row.VpnGatewayId ?? '') || (row.VpnGatewayId ?? '')
    const reasonText = (row: ConnectionItem) => {
      const known = reasonOf(worstReason(row, row.extra)?.Code ?? '')
      return known ? text(known.title) : ''
    }
    return [
      nameColumn(
        t('field.name'),
        (row) => ({ name: row.Name, id: row.VpnConnectionId! }),
        (name, id) => <Link href={`/${place}/${id}`}>{name}</Link>,
      ),
      {
        key: 'health',
        title: t('field.health'),
        width: 168,
        text: (row) => t(`health.${deriveHealth(row, row.extra)}`),
        show: (row) => (
          <>
            <HealthTag health={deriveHealth(row, row.extra)} />
            <Pair row={row} />
            <div>
              <Busy state={row.State} />
            </div>
          </>
        ),
      },
      {
        key: 'reason',
        title: t('field.reason'),
        width: 250,
        text: reasonText,
        show: (row) => <Reasons row={row} />,
      },
      {
        key: 'rate',
        title: t('field.rate'),
        width: 120,
        align: 'right',
        // By what goes both ways together: sorting finds the busiest.
        text: (row) => {
          const rate = rateOf(row.extra)
          return rate === undefined ? '' : rate.in + rate.out
        },
        csv: {
          title: t('field.rate.csv'),
          of: (row) => {
            const rate = rateOf(row.extra)
            return rate === undefined ? '' : `${rate.in} ${rate.out}`
          },
        },
        show: (row) => {
          const rate = rateOf(row.extra)
          if (rate === undefined) return <span className="muted">–</span>
          return (
            <>
              <div>↓ {formatRate(rate.in)}</div>
              <div>↑ {formatRate(rate.out)}</div>
            </>
          )
        },
      },
      {
        key: 'peer',
        title: t('field.customerGateway'),
        width: 180,
        minor: true,
        text: (row) =>
          peersOf(row)
            .map(({ name, address }) => `${name} ${address}`)
            .join(', '),
        show: (row) =>
          peersOf(row).map(({ id, name, address }) => (
            <div key={id}>
              <div className="one-line" title={name}>
                {name}
              </div>
              <div className="id">{address}</div>
            </div>
          )),
      },
      {
        key: 'gateway',
        title: t(attached ? 'field.internetIp' : 'field.vpnGateway'),
        width: 180,
        minor: true,
        text: (row) => [gatewayName(row), ...addressesOf(row)].join(' ').trim(),
        show: (row) => (
          <>
            <div className="one-line" title={gatewayName(row)}>
              {gatewayName(row)}
            </div>
            <div className="one-line id">{addressesOf(row).join(', ')}</div>
          </>
        ),
      },
      {
        key: 'subnets',
        title: t('field.subnets'),
        width: 200,
        text: (row) => `${row.LocalSubnet} ↔ ${row.RemoteSubnet}`,
        show: (row) => (
          <>
            <div className="one-line id">{row.LocalSubnet}</div>
            <div className="one-line id">↔ {row.RemoteSubnet}</div>
          </>
        ),
      },
      {
        key: 'ike',
        title: t('field.ike'),
        width: 90,
        minor: true,
        text: ikeVersion,
        show: (row) => <code>{ikeVersion(row)}</code>,
      },
      tagsColumn(t, (row) => row.Tag?.Tag),
      {
        key: 'asOf',
        title: t('field.asOf'),
        width: 140,
        minor: true,
        text: (row) => asOf(row.extra) ?? 0,
        csv: {
          title: t('field.asOf'),
          of: (row) => {
            const at = asOf(row.extra)
            return at === undefined ? '' : new Date(at).toISOString()
          },
        },
        show: (row) => {
          const at = asOf(row.extra)
          return at === undefined ? t('label.never') : <Ago at={at} />
        },
      },
    ]
  }, [t, text, peers, places, place, attached])

  const where = useMemo(
    () =>
      health === undefined && gateway === undefined
        ? undefined
        : (row: ConnectionItem) =>
            (health === undefined || deriveHealth(row, row.extra) === health) &&
            (gateway === undefined || row.VpnGatewayId === gateway),
    [health, gateway],
  )

  return (
    <ResourceList
      title={t(`nav.${place}`)}
      query={{ data, error, isPending, refetch }}
      where={where}
      columns={columns}
      rowKey={idOf}
      none={t(attached ? 'attachments.none' : 'connections.none')}
      create={create}
      filters={
        <>
          <Select
            allowClear
            className="filter"
            aria-label={t('field.health')}
            placeholder={t('field.health')}
            value={health}
            onChange={setHealth}
            options={healths.map((one: Health) => ({ value: one, label: t(`health.${one}`) }))}
            popupMatchSelectWidth={false}
          />
          {!attached && (
            <Select
              allowClear
              className="filter"
              aria-label={t('field.vpnGateway')}
              placeholder={t('field.vpnGateway')}
              value={gateway}
              onChange={setGateway}
              options={places?.map((one) => ({
                value: one.VpnGatewayId,
                label: one.Name || one.VpnGatewayId,
              }))}
              popupMatchSelectWidth={false}
            />
          )}
          <SavedViews place={place} />
        </>
      }
    />
  )
}

const idOf = (row: ConnectionItem) => row.VpnConnectionId!

const tunnelOptions = (row: ConnectionItem) => row.TunnelOptionsSpecification?.TunnelOptions ?? []

/** Outside addresses of ours: one, or one for each tunnel. */
const addressesOf = (row: ConnectionItem): readonly string[] =>
  [row.InternetIp, ...tunnelOptions(row).map((one) => one.InternetIp)].filter(
    (address, index, all) => address && all.indexOf(address) === index,
  ) as string[]

const ikeVersion = (row: ConnectionItem) =>
  row.IkeConfig?.IkeVersion ?? tunnelOptions(row)[0]?.TunnelIkeConfig?.IkeVersion ?? ''

/** Each tunnel of a connection that has two: role and health. */
function Pair({ row }: { readonly row: ConnectionItem }) {
  const { t } = useWords()
  const both = tunnelOptions(row)
  if (both.length < 2) return null
  const states = tunnelHealths(row, row.extra)
  return both.map((one, index) => (
    <div key={one.TunnelId}>
      <span className="muted">{t(`role.${roleOf(one)}`)}</span> {t(`health.${states[index] ?? 'unknown'}`)}
    </div>
  ))
}

/** Why it is as it is, of each tunnel that has a reason where there are two. */
function Reasons({ row }: { readonly row: ConnectionItem }) {
  const { t, text } = useWords()
  const both = tunnelOptions(row)
  return eachOf(row.extra).map((seen, index) => {
    const known = reasonOf(seen.Reason?.Code ?? '')
    const tunnel = both[index]
    return (
      seen.Reason && (
        <div key={tunnel?.TunnelId ?? row.VpnConnectionId}>
          <div className="two-lines">
            {tunnel && <span className="muted">{t(`role.${roleOf(tunnel)}`)} </span>}
            {known ? text(known.title) : seen.Reason.Code}
          </div>
          <Ago at={seen.Reason.Since} says="for" />
        </div>
      )
    )
  })
}

type Views = Readonly<Record<string, string>>

const readViews = (key: string): Views => {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '{}')
  } catch {
    return {}
  }
}

/** Filters under a name, kept in this browser. They stand in the address, which whoever is sent it can open too. */
function SavedViews({ place }: { readonly place: string }) {
  const viewsKey = place === 'attachments' ? 'suidao.attachmentViews' : 'suidao.views'
  const { t } = useWords()
  const { modal, message } = App.useApp()
  const [params, setParams] = useSearchParams()
  const [views, setViews] = useState(() => readViews(viewsKey))
  const keep = (next: Views) => {
    localStorage.setItem(viewsKey, JSON.stringify(next))
    setViews(next)
  }
  const save = () => {
    let name = ''
    modal.confirm({
      title: t('views.save'),
      content: (
        <Input
          autoFocus
          aria-label={t('views.name')}
          placeholder={t('views.name')}
          onChange={(event) => (name = event.target.value)}
        />
      ),
      onOk: () => {
        if (name.trim() !== '') keep({ ...views, [name.trim()]: params.toString() })
      },
    })
  }
  const names = Object.keys(views)
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          ...names.map((name) => ({
            key: `use ${name}`,
            label: name,
            onClick: () => setParams(new URLSearchParams(views[name])),
          })),
          ...(names.length > 0 ? [{ type: 'divider' as const }] : []),
          {
            key: 'save',
            icon: <SaveOutlined aria-hidden />,
            label: t('views.save'),
            disabled: params.size === 0,
            onClick: save,
          },
          ...(names.length > 0
            ? [
                {
                  key: 'remove',
                  icon: <DeleteOutlined aria-hidden />,
                  label: t('views.remove'),
                  children: names.map((name) => ({
                    key: `remove ${name}`,
                    label: name,
                    onClick: () => {
                      const { [name]: _, ...rest } = views
                      keep(rest)
                    },
                  })),
                },
              ]
            : []),
          {
            key: 'copy',
            icon: <LinkOutlined aria-hidden />,
            label: t('views.copy'),
            onClick: async () => {
              await copyText(location.href)
              message.success(t('action.copied'))
            },
          },
        ],
      }}
    >
      <Button>{t('views.title')}</Button>
    </Dropdown>
  )
}
