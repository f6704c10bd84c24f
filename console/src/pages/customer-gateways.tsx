import { deleteCustomerGateway } from '../../../src/resources/customer-gateway/spec.ts'
import { customerGatewayIds } from '../connection/tunnels.ts'
import { useConsole } from '../context.tsx'
import { type CustomerGatewayItem, connections, customerGateways, useQuery } from '../data.ts'
import { CustomerGatewayForm } from '../forms/customer-gateway-form.tsx'
import { useWords } from '../i18n.tsx'
import { actionsColumn, ListPage, nameColumn, timeColumn } from '../parts/list.tsx'
import { Copyable } from '../parts/page.tsx'
import type { Column } from '../parts/table.tsx'
import { tagsColumn } from '../parts/tags.tsx'

export default function CustomerGatewaysPage() {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(customerGateways(region))
  const used = useQuery(connections(region)).data
  const usesOf = (row: CustomerGatewayItem) =>
    used?.filter((connection) => customerGatewayIds(connection).includes(row.CustomerGatewayId!)).length ?? 0
  const columns = (edit: (row: CustomerGatewayItem) => void): Column<CustomerGatewayItem>[] => [
    nameColumn(t('field.name'), (row) => ({ name: row.Name, id: row.CustomerGatewayId! })),
    {
      key: 'address',
      title: t('field.ipAddress'),
      width: 190,
      text: (row) => row.IpAddress ?? '',
      show: (row) => <Copyable text={row.IpAddress ?? ''} />,
    },
    { key: 'asn', title: t('field.asn'), width: 150, text: (row) => row.Asn ?? '', show: (row) => row.Asn },
    { key: 'uses', title: t('nav.connections'), width: 150, text: usesOf, show: usesOf },
    {
      key: 'description',
      title: t('field.description'),
      width: 220,
      text: (row) => row.Description ?? '',
      show: (row) => row.Description,
    },
    tagsColumn(t, (row) => row.Tags?.Tag),
    timeColumn('created', t('field.created'), (row) => row.CreateTime ?? 0, language),
    actionsColumn(t('field.actions'), (row) => ({
      name: row.Name || row.CustomerGatewayId!,
      onEdit: () => edit(row),
      remove: {
        spec: deleteCustomerGateway,
        params: { RegionId: region, CustomerGatewayId: row.CustomerGatewayId },
      },
    })),
  ]
  return (
    <ListPage
      title={t('nav.customerGateways')}
      query={query}
      columns={columns}
      rowKey={(row) => row.CustomerGatewayId!}
      none={t('customers.none')}
      create={t('customers.create')}
      form={(row, close) => (
        <CustomerGatewayForm {...(row ? { customerGateway: row } : {})} onClose={close} />
      )}
    />
  )
}
