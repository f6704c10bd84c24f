import { Card } from 'antd'
import { useState } from 'react'
import { deleteVpc } from '../../../src/resources/vpc/spec.ts'
import { deleteVSwitch } from '../../../src/resources/vswitch/spec.ts'
import { useConsole } from '../context.tsx'
import { useQuery, type VpcItem, type VSwitchItem, vpcs, vSwitches } from '../data.ts'
import { VpcForm, VSwitchForm } from '../forms/network-forms.tsx'
import { useWords } from '../i18n.tsx'
import { actionsColumn, CreateButton, nameColumn, ResourceList } from '../parts/list.tsx'
import { PageHead } from '../parts/page.tsx'
import type { Column } from '../parts/table.tsx'
import { tagsColumn } from '../parts/tags.tsx'

export default function NetworksPage() {
  const { t } = useWords()
  const { region } = useConsole()
  const vpcQuery = useQuery(vpcs(region))
  const switchQuery = useQuery(vSwitches(region))
  const [vpc, setVpc] = useState<'new' | VpcItem>()
  const [vSwitch, setVSwitch] = useState<'new' | VSwitchItem>()
  const vpcColumns: Column<VpcItem>[] = [
    nameColumn(t('field.name'), (row) => ({ name: row.VpcName, id: row.VpcId! })),
    {
      key: 'cidr',
      title: t('field.cidr'),
      width: 180,
      text: (row) => row.CidrBlock ?? '',
      show: (row) => <code>{row.CidrBlock}</code>,
    },
    {
      key: 'description',
      title: t('field.description'),
      width: 240,
      text: (row) => row.Description ?? '',
      show: (row) => row.Description,
    },
    tagsColumn(t, (row) => row.Tags?.Tag),
    actionsColumn(t('field.actions'), (row) => ({
      name: row.VpcName || row.VpcId!,
      onEdit: () => setVpc(row),
      remove: { spec: deleteVpc, params: { RegionId: region, VpcId: row.VpcId } },
    })),
  ]
  const vpcName = (id: string | undefined) =>
    vpcQuery.data?.find((one) => one.VpcId === id)?.VpcName || (id ?? '')
  const switchColumns: Column<VSwitchItem>[] = [
    nameColumn(t('field.name'), (row) => ({ name: row.VSwitchName, id: row.VSwitchId! })),
    {
      key: 'cidr',
      title: t('field.cidr'),
      width: 180,
      text: (row) => row.CidrBlock ?? '',
      show: (row) => <code>{row.CidrBlock}</code>,
    },
    {
      key: 'vpc',
      title: t('field.vpc'),
      width: 220,
      text: (row) => vpcName(row.VpcId),
      show: (row) => vpcName(row.VpcId),
    },
    {
      key: 'zone',
      title: t('field.zone'),
      width: 160,
      text: (row) => row.ZoneId ?? '',
      show: (row) => row.ZoneId,
    },
    {
      key: 'description',
      title: t('field.description'),
      width: 240,
      text: (row) => row.Description ?? '',
      show: (row) => row.Description,
    },
    tagsColumn(t, (row) => row.Tags?.Tag),
    actionsColumn(t('field.actions'), (row) => ({
      name: row.VSwitchName || row.VSwitchId!,
      onEdit: () => setVSwitch(row),
      remove: { spec: deleteVSwitch, params: { RegionId: region, VSwitchId: row.VSwitchId } },
    })),
  ]
  const createVpc = <CreateButton onClick={() => setVpc('new')}>{t('networks.createVpc')}</CreateButton>
  const createVSwitch = (
    <CreateButton second onClick={() => setVSwitch('new')}>
      {t('networks.createVSwitch')}
    </CreateButton>
  )
  return (
    <>
      <PageHead
        title={t('nav.networks')}
        actions={
          <>
            {createVpc}
            {createVSwitch}
          </>
        }
      />
      <div className="stack">
        <Card title={t('networks.vpcs')}>
          <ResourceList
            place="vpcs"
            title={t('networks.vpcs')}
            query={vpcQuery}
            columns={vpcColumns}
            rowKey={(row) => row.VpcId!}
            none={t('networks.noVpc')}
            create={createVpc}
          />
        </Card>
        <Card title={t('networks.vswitches')}>
          <ResourceList
            place="vswitches"
            title={t('networks.vswitches')}
            query={switchQuery}
            columns={switchColumns}
            rowKey={(row) => row.VSwitchId!}
            none={t('networks.noVSwitch')}
            create={createVSwitch}
          />
        </Card>
      </div>
      {vpc && <VpcForm {...(vpc === 'new' ? {} : { vpc })} onClose={() => setVpc(undefined)} />}
      {vSwitch && (
        <VSwitchForm {...(vSwitch === 'new' ? {} : { vSwitch })} onClose={() => setVSwitch(undefined)} />
      )}
    </>
  )
}
