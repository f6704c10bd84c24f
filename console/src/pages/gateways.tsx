import { PlusOutlined } from '@ant-design/icons'
import { Button, Card } from 'antd'
import { useState } from 'react'
import { Link } from 'wouter'
import { deleteVpnGateway } from '../../../src/resources/vpn-gateway/spec.ts'
import { useConsole } from '../context.tsx'
import { type GatewayItem, gateways, useQuery, vpcs } from '../data.ts'
import { formatTime } from '../format.ts'
import { GatewayForm } from '../forms/gateway-form.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import { Copyable, PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { type Column, ResourceTable } from '../parts/table.tsx'

const tones: Readonly<Record<string, Tone>> = {
  active: 'good',
  updating: 'info',
  provisioning: 'info',
  deleting: 'warn',
}

export function GatewaysPage() {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(gateways(region))
  const networks = useQuery(vpcs(region)).data
  const [open, setOpen] = useState<'new' | GatewayItem>()
  const create = (
    <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => setOpen('new')}>
      {t('gateways.create')}
    </Button>
  )
  const vpcName = (id: string | undefined) => networks?.find((vpc) => vpc.VpcId === id)?.VpcName || (id ?? '')
  const columns: Column<GatewayItem>[] = [
    {
      key: 'name',
      title: t('field.name'),
      width: 260,
      fixed: true,
      text: (row) => `${row.Name ?? ''} ${row.VpnGatewayId}`.trim(),
      show: (row) => (
        <>
          <Link href={`/connections?gateway=${row.VpnGatewayId}`}>{row.Name || row.VpnGatewayId}</Link>
          <div className="muted">{row.VpnGatewayId}</div>
        </>
      ),
    },
    {
      key: 'status',
      title: t('field.status'),
      width: 130,
      text: (row) => t(`gateway.${row.Status as 'active'}`),
      show: (row) => (
        <Mark tone={tones[row.Status ?? ''] ?? 'none'}>{t(`gateway.${row.Status as 'active'}`)}</Mark>
      ),
    },
    {
      key: 'address',
      title: t('field.internetIp'),
      width: 190,
      text: (row) => row.InternetIp ?? '',
      show: (row) => <Copyable text={row.InternetIp ?? ''} />,
    },
    {
      key: 'vpc',
      title: t('field.vpc'),
      width: 200,
      text: (row) => vpcName(row.VpcId),
      show: (row) => vpcName(row.VpcId),
    },
    {
      key: 'spec',
      title: t('field.bandwidth'),
      width: 120,
      text: (row) => row.Spec ?? '',
      show: (row) => row.Spec,
    },
    {
      key: 'created',
      title: t('field.created'),
      width: 190,
      text: (row) => row.CreateTime ?? 0,
      show: (row) => formatTime(row.CreateTime ?? 0, language),
    },
    {
      key: 'actions',
      title: t('field.actions'),
      width: 160,
      sortable: false,
      text: () => '',
      show: (row) => (
        <RowActions
          name={row.Name || row.VpnGatewayId!}
          onEdit={() => setOpen(row)}
          remove={{ spec: deleteVpnGateway, params: { RegionId: region, VpnGatewayId: row.VpnGatewayId } }}
        />
      ),
    },
  ]
  return (
    <>
      <PageHead title={t('nav.gateways')} actions={create} />
      <Card>
        <Shown query={query}>
          {(rows) => (
            <ResourceTable
              name={t('nav.gateways')}
              rows={rows}
              columns={columns}
              rowKey={(row) => row.VpnGatewayId!}
              nothing={<Nothing text={t('gateways.none')}>{create}</Nothing>}
            />
          )}
        </Shown>
      </Card>
      {open && (
        <GatewayForm {...(open === 'new' ? {} : { gateway: open })} onClose={() => setOpen(undefined)} />
      )}
    </>
  )
}
