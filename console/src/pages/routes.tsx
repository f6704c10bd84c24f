/** Routes of VPN gateways, and which of them an address takes. */
import { PlusOutlined } from '@ant-design/icons'
import { Alert, Button, Card, Input, Select, Space } from 'antd'
import { useState } from 'react'
import { Link } from 'wouter'
import { parseIpv4 } from '../../../src/resources/ipv4.ts'
import { deleteVpnPbrRouteEntry } from '../../../src/resources/vpn-pbr-route-entry/spec.ts'
import { deleteVpnRouteEntry, publishVpnRouteEntry } from '../../../src/resources/vpn-route-entry/spec.ts'
import { Deed } from '../access/deed.tsx'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import {
  gateways,
  type PolicyRouteItem,
  type RouteAnswer,
  type RouteItem,
  routeOf,
  routes,
  useConnectionNames,
  useQuery,
} from '../data.ts'
import { type ExistingRoute, NewRouteForm, RouteForm } from '../forms/route-form.tsx'
import { useWords } from '../i18n.tsx'
import { RowActions } from '../parts/actions.tsx'
import { useChoice } from '../parts/address.ts'
import { Mark, type Tone } from '../parts/mark.tsx'
import { PageHead } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable, TableTitle } from '../parts/table.tsx'

interface Routes {
  readonly byDestination: readonly RouteItem[]
  readonly byPolicy: readonly PolicyRouteItem[]
}

export default function RoutesPage() {
  const { t } = useWords()
  const { region } = useConsole()
  const places = useQuery(gateways(region))
  const [gateway, setGateway] = useChoice('gateway')
  const [creating, setCreating] = useState<'destination' | 'policy'>()
  return (
    <>
      <PageHead title={t('nav.routes')} />
      <Card>
        <Shown query={places}>
          {(rows) => {
            const chosen = gateway ?? rows[0]?.VpnGatewayId
            if (chosen === undefined) return <Nothing text={t('gateways.none')} />
            return (
              <div className="stack">
                <Space wrap>
                  <Select
                    aria-label={t('field.vpnGateway')}
                    value={chosen}
                    onChange={setGateway}
                    popupMatchSelectWidth={false}
                    options={rows.map((one) => ({
                      value: one.VpnGatewayId!,
                      label: one.Name || one.VpnGatewayId,
                    }))}
                  />
                  <Button icon={<PlusOutlined aria-hidden />} onClick={() => setCreating('destination')}>
                    {t('routes.createDestination')}
                  </Button>
                  <Button icon={<PlusOutlined aria-hidden />} onClick={() => setCreating('policy')}>
                    {t('routes.createPolicy')}
                  </Button>
                </Space>
                <OfGateway gatewayId={chosen} />
                {creating && (
                  <NewRouteForm kind={creating} ownerId={chosen} onClose={() => setCreating(undefined)} />
                )}
              </div>
            )
          }}
        </Shown>
      </Card>
    </>
  )
}

function OfGateway({ gatewayId }: { readonly gatewayId: string }) {
  const query = useQuery(routes(useConsole().region, gatewayId))
  return (
    <Shown query={query}>
      {(all) => (
        <>
          <WhichWins gatewayId={gatewayId} />
          <RouteTables all={all} />
        </>
      )}
    </Shown>
  )
}

export function WhichWins({ gatewayId }: { readonly gatewayId: string }) {
  const { t } = useWords()
  const { region } = useConsole()
  const [source, setSource] = useState('')
  const [destination, setDestination] = useState('')
  const isWhole = parseIpv4(source) !== undefined && parseIpv4(destination) !== undefined
  const query = useQuery({ ...routeOf(region, gatewayId, source, destination), enabled: isWhole })
  return (
    <Card type="inner" title={t('routes.which')}>
      <div className="stack">
        <Space wrap>
          <Input
            aria-label={t('routes.from')}
            placeholder={t('routes.from')}
            value={source}
            onChange={({ target }) => setSource(target.value.trim())}
          />
          <Input
            aria-label={t('routes.to')}
            placeholder={t('routes.to')}
            value={destination}
            onChange={({ target }) => setDestination(target.value.trim())}
          />
        </Space>
        {isWhole && <Shown query={query}>{(answer) => <Choice answer={answer} />}</Shown>}
      </div>
    </Card>
  )
}

const outcomes = { tunnel: 'success', vpc: 'info', nowhere: 'warning' } as const

function Choice({ answer }: { readonly answer: RouteAnswer }) {
  const { t } = useWords()
  const { region } = useConsole()
  const name = useConnectionNames(region)(answer.Chosen?.NextHop)
  const to = (answer.To ?? 'nowhere') as keyof typeof outcomes
  const passedOver = answer.PassedOver?.Route.length ?? 0
  return (
    <div aria-live="polite">
      <Alert
        type={outcomes[to]}
        showIcon
        title={
          to === 'tunnel'
            ? t('routes.wins', { dest: answer.Chosen?.RouteDest ?? '', name })
            : t(to === 'vpc' ? 'routes.staysInVpc' : 'routes.noneFits')
        }
        description={
          <>
            <span lang="en">{answer.Reason}</span>
            {passedOver > 0 && <div>{t('routes.passedOver', { count: passedOver })}</div>}
          </>
        }
      />
    </div>
  )
}

const tones: Readonly<Record<string, Tone>> = { published: 'good', normal: 'none' }

/** Of the whole gateway, or those into one connection. */
export function RouteTables({ all, nextHop }: { readonly all: Routes; readonly nextHop?: string }) {
  const { t } = useWords()
  const { region } = useConsole()
  const nameOf = useConnectionNames(region)
  const mine = <T extends { readonly NextHop?: string }>(items: readonly T[]) =>
    nextHop === undefined ? items : items.filter((item) => item.NextHop === nextHop)
  const byDestination = mine(all.byDestination)
  const byPolicy = mine(all.byPolicy)
  const hop = (id: string | undefined) => <Link href={`/connections/${id}`}>{nameOf(id)}</Link>
  const originOf = (route: RouteItem) => t(route.Source === 'BGP' ? 'routes.fromBgp' : 'routes.static')
  const stateKey = (value: string | undefined) =>
    value === 'published' ? 'routes.published' : 'routes.notPublished'
  const state = (value: string | undefined) => (
    <Mark tone={tones[value ?? ''] ?? 'none'}>{t(stateKey(value))}</Mark>
  )
  const [edited, setEdited] = useState<ExistingRoute>()
  const keyOf = (route: RouteItem | PolicyRouteItem) => ({
    VpnGatewayId: route.VpnInstanceId!,
    NextHop: route.NextHop!,
    RouteDest: route.RouteDest!,
    Weight: route.Weight as ExistingRoute['Weight'],
  })
  const policyKeyOf = (route: PolicyRouteItem) => ({
    ...keyOf(route),
    RouteSource: route.RouteSource!,
    Priority: route.Priority!,
  })
  const publishing = (route: RouteItem | PolicyRouteItem, RouteType: 'dbr' | 'pbr') => {
    const isPublished = route.State === 'published'
    const what = t(isPublished ? 'routes.withdraw' : 'routes.publishNow')
    return (
      <Deed
        label={what}
        name={`${what} ${route.RouteDest}`}
        work={async () => {
          const { Weight: _, ...named } = keyOf(route)
          await call(publishVpnRouteEntry, {
            RegionId: region,
            ...named,
            RouteType,
            PublishVpc: !isPublished,
          })
        }}
      />
    )
  }
  return (
    <>
      {edited && <RouteForm route={edited} onClose={() => setEdited(undefined)} />}
      <SmallTable<RouteItem>
        title={() => (
          <TableTitle
            title={t('routes.byDestination')}
            head={[
              t('routes.destination'),
              t('routes.nextHop'),
              t('routes.weight'),
              t('routes.origin'),
              t('routes.vpc'),
            ]}
            rows={() =>
              byDestination.map((route) => [
                route.RouteDest ?? '',
                nameOf(route.NextHop),
                route.Weight ?? '',
                originOf(route),
                t(stateKey(route.State)),
              ])
            }
          />
        )}
        rowKey={(route) => `${route.RouteDest} ${route.NextHop} ${route.NextHopTunnelId} ${route.Source}`}
        dataSource={byDestination}
        scroll={{ x: 700 }}
        locale={{ emptyText: <Nothing text={t('routes.none')} /> }}
        columns={[
          { title: t('routes.destination'), render: (_, route) => <code>{route.RouteDest}</code> },
          { title: t('routes.nextHop'), render: (_, route) => hop(route.NextHop) },
          { title: t('routes.weight'), dataIndex: 'Weight', align: 'right' },
          {
            title: t('routes.origin'),
            render: (_, route) => originOf(route),
          },
          { title: t('routes.vpc'), render: (_, route) => state(route.State) },
          {
            title: t('field.actions'),
            render: (_, route) =>
              route.Source !== 'BGP' && (
                <Space size={4}>
                  {publishing(route, 'dbr')}
                  <RowActions
                    name={route.RouteDest ?? ''}
                    onEdit={() => setEdited(keyOf(route))}
                    remove={{ spec: deleteVpnRouteEntry, params: { RegionId: region, ...keyOf(route) } }}
                  />
                </Space>
              ),
          },
        ]}
      />
      <SmallTable<PolicyRouteItem>
        title={() => (
          <TableTitle
            title={t('routes.byPolicy')}
            head={[
              t('routes.source'),
              t('routes.destination'),
              t('routes.nextHop'),
              t('routes.priority'),
              t('routes.weight'),
              t('routes.vpc'),
            ]}
            rows={() =>
              byPolicy.map((route) => [
                route.RouteSource ?? '',
                route.RouteDest ?? '',
                nameOf(route.NextHop),
                route.Priority ?? '',
                route.Weight ?? '',
                t(stateKey(route.State)),
              ])
            }
          />
        )}
        rowKey={(route) =>
          `${route.RouteSource} ${route.RouteDest} ${route.NextHop} ${route.Priority} ${route.NextHopTunnelId}`
        }
        dataSource={byPolicy}
        scroll={{ x: 700 }}
        locale={{ emptyText: <Nothing text={t('routes.none')} /> }}
        columns={[
          { title: t('routes.source'), render: (_, route) => <code>{route.RouteSource}</code> },
          { title: t('routes.destination'), render: (_, route) => <code>{route.RouteDest}</code> },
          { title: t('routes.nextHop'), render: (_, route) => hop(route.NextHop) },
          { title: t('routes.priority'), dataIndex: 'Priority', align: 'right' },
          { title: t('routes.weight'), dataIndex: 'Weight', align: 'right' },
          { title: t('routes.vpc'), render: (_, route) => state(route.State) },
          {
            title: t('field.actions'),
            render: (_, route) => (
              <Space size={4}>
                {publishing(route, 'pbr')}
                <RowActions
                  name={`${route.RouteSource} ${route.RouteDest}`}
                  onEdit={() => setEdited(policyKeyOf(route))}
                  remove={{
                    spec: deleteVpnPbrRouteEntry,
                    params: { RegionId: region, ...policyKeyOf(route) },
                  }}
                />
              </Space>
            ),
          },
        ]}
      />
    </>
  )
}
