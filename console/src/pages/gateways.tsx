import { Link } from 'wouter'
import { deleteVpnGateway } from '../../../src/resources/vpn-gateway/spec.ts'
import { useConsole } from '../context.tsx'
import { type GatewayItem, gateways, useQuery, vpcs } from '../data.ts'
import { GatewayForm, NewGatewayForm } from '../forms/gateway-form.tsx'
import { useWords } from '../i18n.tsx'
import { actionsColumn, ListPage, nameColumn, timeColumn } from '../parts/list.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import { Copyable } from '../parts/page.tsx'
import type { Column } from '../parts/table.tsx'
import { tagsColumn } from '../parts/tags.tsx'

const tones: Readonly<Record<string, Tone>> = {
  active: 'good',
  updating: 'info',
  provisioning: 'info',
  deleting: 'warn',
}

/** One, or one in each zone. */
const addressesOf = ({ InternetIp, DisasterRecoveryInternetIp }: GatewayItem): readonly string[] =>
  [InternetIp, DisasterRecoveryInternetIp].filter((address): address is string => Boolean(address))

export default function GatewaysPage() {
  const { t, language } = useWords()
  const { region } = useConsole()
  const query = useQuery(gateways(region))
  const networks = useQuery(vpcs(region)).data
  const vpcName = (id: string | undefined) => networks?.find((vpc) => vpc.VpcId === id)?.VpcName || (id ?? '')
  const columns = (edit: (row: GatewayItem) => void): Column<GatewayItem>[] => [
    nameColumn(
      t('field.name'),
      (row) => ({ name: row.Name, id: row.VpnGatewayId! }),
      (name, id) => <Link href={`/connections?gateway=${id}`}>{name}</Link>,
    ),
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
      text: (row) => addressesOf(row).join(', '),
      show: (row) =>
        addressesOf(row).map((address) => (
          <div key={address}>
            <Copyable text={address} />
          </div>
        )),
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
    tagsColumn(t, (row) => row.Tags?.Tag),
    timeColumn('created', t('field.created'), (row) => row.CreateTime ?? 0, language),
    actionsColumn(t('field.actions'), (row) => ({
      name: row.Name || row.VpnGatewayId!,
      onEdit: () => edit(row),
      remove: { spec: deleteVpnGateway, params: { RegionId: region, VpnGatewayId: row.VpnGatewayId } },
    })),
  ]
  return (
    <ListPage
      title={t('nav.gateways')}
      query={query}
      columns={columns}
      rowKey={(row) => row.VpnGatewayId!}
      none={t('gateways.none')}
      create={t('gateways.create')}
      form={(row, close) =>
        row ? <GatewayForm gateway={row} onClose={close} /> : <NewGatewayForm onClose={close} />
      }
    />
  )
}
