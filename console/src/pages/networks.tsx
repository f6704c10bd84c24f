import { PlusOutlined } from '@ant-design/icons'
import { Button, Card } from 'antd'
import { useState } from 'react'
import { deleteVpc } from '../../../src/resources/vpc/spec.ts'
import { deleteVSwitch } from '../../../src/resources/vswitch/spec.ts'
import { useConsole } from '../context.tsx'
import { useQuery, type VpcItem, type VSwitchItem, vpcs, vSwitches } from '../data.ts'
import { VpcForm, VSwitchForm } from '../forms/network-forms.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { type Column, ResourceTable } from '../parts/table.tsx'

export function NetworksPage() {
  const { t } = useWords()
  const { region } = useConsole()
  const vpcQuery = useQuery(vpcs(region))
  const switchQuery = useQuery(vSwitches(region))
  const [open, setOpen] = useState<'vpc' | 'vswitch'>()
  const named = (name: string | undefined, id: string | undefined) => (
    <>
      {name || id}
      {name && <div className="muted">{id}</div>}
    </>
  )
  const vpcColumns: Column<VpcItem>[] = [
    {
      key: 'name',
      title: t('field.name'),
      width: 260,
      fixed: true,
      text: (row) => `${row.VpcName ?? ''} ${row.VpcId}`.trim(),
      show: (row) => named(row.VpcName, row.VpcId),
    },
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
    {
      key: 'actions',
      title: t('field.actions'),
      width: 120,
      sortable: false,
      text: () => '',
      show: (row) => (
        <RowActions
          name={row.VpcName || row.VpcId!}
          remove={{ spec: deleteVpc, params: { RegionId: region, VpcId: row.VpcId } }}
        />
      ),
    },
  ]
  const vpcName = (id: string | undefined) =>
    vpcQuery.data?.find((vpc) => vpc.VpcId === id)?.VpcName || (id ?? '')
  const switchColumns: Column<VSwitchItem>[] = [
    {
      key: 'name',
      title: t('field.name'),
      width: 260,
      fixed: true,
      text: (row) => `${row.VSwitchName ?? ''} ${row.VSwitchId}`.trim(),
      show: (row) => named(row.VSwitchName, row.VSwitchId),
    },
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
      key: 'actions',
      title: t('field.actions'),
      width: 120,
      sortable: false,
      text: () => '',
      show: (row) => (
        <RowActions
          name={row.VSwitchName || row.VSwitchId!}
          remove={{ spec: deleteVSwitch, params: { RegionId: region, VSwitchId: row.VSwitchId } }}
        />
      ),
    },
  ]
  const createVpc = (
    <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => setOpen('vpc')}>
      {t('networks.createVpc')}
    </Button>
  )
  const createVSwitch = (
    <Button icon={<PlusOutlined aria-hidden />} onClick={() => setOpen('vswitch')}>
      {t('networks.createVSwitch')}
    </Button>
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
          <Shown query={vpcQuery}>
            {(rows) => (
              <ResourceTable
                name={t('networks.vpcs')}
                rows={rows}
                columns={vpcColumns}
                rowKey={(row) => row.VpcId!}
                nothing={<Nothing text={t('networks.noVpc')}>{createVpc}</Nothing>}
              />
            )}
          </Shown>
        </Card>
        <Card title={t('networks.vswitches')}>
          <Shown query={switchQuery}>
            {(rows) => (
              <ResourceTable
                name={t('networks.vswitches')}
                rows={rows}
                columns={switchColumns}
                rowKey={(row) => row.VSwitchId!}
                nothing={<Nothing text={t('networks.noVSwitch')}>{createVSwitch}</Nothing>}
              />
            )}
          </Shown>
        </Card>
      </div>
      {open === 'vpc' && <VpcForm onClose={() => setOpen(undefined)} />}
      {open === 'vswitch' && <VSwitchForm onClose={() => setOpen(undefined)} />}
    </>
  )
}
