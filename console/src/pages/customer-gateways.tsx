import { PlusOutlined } from '@ant-design/icons'
import { Button, Card } from 'antd'
import { useState } from 'react'
import { deleteCustomerGateway } from '../../../src/resources/customer-gateway/spec.ts'
import { useConsole } from '../context.tsx'
import { type CustomerGatewayItem, connections, customerGateways, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { CustomerGatewayForm } from '../forms/customer-gateway-form.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Copyable, PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { type Column, ResourceTable } from '../parts/table.tsx'

export function CustomerGatewaysPage() {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(customerGateways(region))
  const used = useQuery(connections(region)).data
  const [open, setOpen] = useState<'new' | CustomerGatewayItem>()
  const create = (
    <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => setOpen('new')}>
      {t('customers.create')}
    </Button>
  )
  const usesOf = (row: CustomerGatewayItem) =>
    used?.filter((connection) => connection.CustomerGatewayId === row.CustomerGatewayId).length ?? 0
  const columns: Column<CustomerGatewayItem>[] = [
    {
      key: 'name',
      title: t('field.name'),
      width: 260,
      fixed: true,
      text: (row) => `${row.Name ?? ''} ${row.CustomerGatewayId}`.trim(),
      show: (row) => (
        <>
          {row.Name || row.CustomerGatewayId}
          {row.Name && <div className="muted">{row.CustomerGatewayId}</div>}
        </>
      ),
    },
    {
      key: 'address',
      title: t('field.ipAddress'),
      width: 190,
      text: (row) => row.IpAddress ?? '',
      show: (row) => <Copyable text={row.IpAddress ?? ''} />,
    },
    { key: 'asn', title: t('field.asn'), width: 120, text: (row) => row.Asn ?? '', show: (row) => row.Asn },
    { key: 'uses', title: t('nav.connections'), width: 150, text: usesOf, show: usesOf },
    {
      key: 'description',
      title: t('field.description'),
      width: 220,
      text: (row) => row.Description ?? '',
      show: (row) => row.Description,
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
          name={row.Name || row.CustomerGatewayId!}
          onEdit={() => setOpen(row)}
          remove={{
            spec: deleteCustomerGateway,
            params: { RegionId: region, CustomerGatewayId: row.CustomerGatewayId },
          }}
        />
      ),
    },
  ]
  return (
    <>
      <PageHead title={t('nav.customerGateways')} actions={create} />
      <Card>
        <Shown query={query}>
          {(rows) => (
            <ResourceTable
              name={t('nav.customerGateways')}
              rows={rows}
              columns={columns}
              rowKey={(row) => row.CustomerGatewayId!}
              nothing={<Nothing text={t('customers.none')}>{create}</Nothing>}
            />
          )}
        </Shown>
      </Card>
      {open && (
        <CustomerGatewayForm
          {...(open === 'new' ? {} : { customerGateway: open })}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  )
}
