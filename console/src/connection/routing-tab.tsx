/** Which routes lead into this connection, and what BGP has learned and told. */
import { Card } from 'antd'
import { useState } from 'react'
import { deleteVcoRouteEntry } from '../../../src/resources/vco-route-entry/spec.ts'
import { useConsole } from '../context.tsx'
import { type AttachmentRouteItem, attachmentRoutes, routes, useQuery } from '../data.ts'
import { type ExistingRoute, NewRouteForm, RouteForm } from '../forms/route-form.tsx'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { RouteTables, WhichWins } from '../pages/routes.tsx'
import { RowActions } from '../parts/actions.tsx'
import { Ago } from '../parts/health-tag.tsx'
import { CreateButton } from '../parts/list.tsx'
import { Facts } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { SmallTable, TableTitle } from '../parts/table.tsx'
import { Layer } from './layer.tsx'
import { bgpLayer, isAttachment, type TunnelView, tunnelsOf } from './tunnels.ts'

export function RoutingTab({ answer }: TabProps) {
  return (
    <div className="stack">
      {isAttachment(answer) ? <OwnRoutes answer={answer} /> : <RoutesOfGateway answer={answer} />}
      {tunnelsOf(answer).map((tunnel) => (
        <Bgp key={tunnel.id} tunnel={tunnel} />
      ))}
    </div>
  )
}

function RoutesOfGateway({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(routes(region, answer.VpnGatewayId ?? ''))
  return (
    <>
      <WhichWins gatewayId={answer.VpnGatewayId ?? ''} />
      <Card type="inner" title={t('nav.routes')}>
        <Shown query={query}>{(all) => <RouteTables all={all} nextHop={answer.VpnConnectionId!} />}</Shown>
      </Card>
    </>
  )
}

/** An attachment is on no gateway and has a table of its own. */
function OwnRoutes({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const id = answer.VpnConnectionId!
  const query = useQuery(attachmentRoutes(region, id))
  const [creating, setCreating] = useState(false)
  const [edited, setEdited] = useState<ExistingRoute>()
  const keyOf = (route: AttachmentRouteItem) => ({
    VpnConnectionId: id,
    NextHop: id,
    RouteDest: route.RouteDest!,
    Weight: route.Weight as ExistingRoute['Weight'],
  })
  const originOf = (route: AttachmentRouteItem) =>
    t(route.RouteEntryType === 'bgp' ? 'routes.fromBgp' : 'routes.static')
  return (
    <Card
      type="inner"
      title={t('nav.routes')}
      extra={
        <CreateButton second onClick={() => setCreating(true)}>
          {t('routes.createDestination')}
        </CreateButton>
      }
    >
      <Shown query={query}>
        {(items) => (
          <SmallTable<AttachmentRouteItem>
            rowKey={(route) =>
              `${route.RouteEntryType} ${route.RouteDest} ${route.NextHopTunnelIdList?.join()}`
            }
            dataSource={items}
            scroll={{ x: 600 }}
            title={() => (
              <TableTitle
                title={t('routes.byDestination')}
                head={[t('routes.destination'), t('routes.weight'), t('routes.origin'), t('bgp.asPath')]}
                rows={() =>
                  items.map((route) => [
                    route.RouteDest ?? '',
                    route.Weight ?? '',
                    originOf(route),
                    route.AsPath ?? '',
                  ])
                }
              />
            )}
            locale={{ emptyText: <Nothing text={t('routes.none')} /> }}
            columns={[
              { title: t('routes.destination'), render: (_, route) => <code>{route.RouteDest}</code> },
              { title: t('routes.weight'), dataIndex: 'Weight', align: 'right' },
              {
                title: t('routes.origin'),
                render: (_, route) => originOf(route),
              },
              { title: t('bgp.asPath'), dataIndex: 'AsPath' },
              {
                title: t('field.actions'),
                render: (_, route) =>
                  route.RouteEntryType === 'custom' && (
                    <RowActions
                      name={route.RouteDest ?? ''}
                      onEdit={() => setEdited(keyOf(route))}
                      remove={{
                        spec: deleteVcoRouteEntry,
                        params: { RegionId: region, ...keyOf(route) },
                      }}
                    />
                  ),
              },
            ]}
          />
        )}
      </Shown>
      {edited && <RouteForm route={edited} onClose={() => setEdited(undefined)} />}
      {creating && <NewRouteForm kind="attachment" ownerId={id} onClose={() => setCreating(false)} />}
    </Card>
  )
}

function Bgp({ tunnel }: { readonly tunnel: TunnelView }) {
  const { t } = useWords()
  const { bgp, facts } = tunnel
  const session = facts.Bgp
  return (
    <Card
      type="inner"
      title={
        <>
          BGP {tunnel.role && `· ${t(`role.${tunnel.role}`)} `}
          <code>{tunnel.id}</code>
        </>
      }
    >
      <div className="stack">
        {bgp === undefined ? (
          <Nothing text={t('bgp.off')} />
        ) : (
          <>
            <Layer title="BGP" state={bgpLayer(tunnel)}>
              {session && (
                <>
                  <code>{session.state}</code> <Ago at={session.since} says="for" />
                  {session.lastError && <div>{session.lastError}</div>}
                </>
              )}
            </Layer>
            <Facts
              facts={[
                { label: t('bgp.localAsn'), value: bgp.LocalAsn },
                { label: t('bgp.peerAsn'), value: bgp.PeerAsn },
                { label: t('bgp.localIp'), value: <code>{bgp.LocalBgpIp}</code> },
                { label: t('bgp.peerIp'), value: <code>{bgp.PeerBgpIp}</code> },
                { label: t('bgp.cidr'), value: <code>{bgp.TunnelCidr}</code> },
                {
                  label: t('bgp.advertised'),
                  value: session?.advertised.length ? (
                    <code>{session.advertised.join(', ')}</code>
                  ) : undefined,
                },
              ]}
            />
            <SmallTable
              rowKey="prefix"
              dataSource={[...(session?.learned ?? [])]}
              scroll={{ x: 600 }}
              title={() => (
                <TableTitle
                  title={t('bgp.learned')}
                  head={[t('bgp.learned'), t('bgp.asPath'), t('bgp.communities')]}
                  rows={() =>
                    (session?.learned ?? []).map(({ prefix, asPath, communities }) => [
                      prefix,
                      asPath,
                      communities,
                    ])
                  }
                />
              )}
              locale={{ emptyText: <Nothing text={t('bgp.noneLearned')} /> }}
              columns={[
                { title: t('bgp.learned'), dataIndex: 'prefix', render: (prefix) => <code>{prefix}</code> },
                { title: t('bgp.asPath'), dataIndex: 'asPath' },
                { title: t('bgp.communities'), dataIndex: 'communities' },
                {
                  title: t('bgp.best'),
                  dataIndex: 'best',
                  render: (best) => t(best ? 'label.yes' : 'label.no'),
                },
              ]}
            />
          </>
        )}
      </div>
    </Card>
  )
}
