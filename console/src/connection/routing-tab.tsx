/** Which routes lead into this connection, and what BGP has learned and told. */
import { Card, Table } from 'antd'
import { useConsole } from '../context.tsx'
import { routes, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { RouteTables } from '../pages/routes.tsx'
import { Ago } from '../parts/health-tag.tsx'
import { Facts } from '../parts/page.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { Layer } from './layer.tsx'
import { bgpLayer, type TunnelView, tunnelsOf } from './tunnels.ts'

export function RoutingTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(routes(region, answer.VpnGatewayId ?? ''))
  return (
    <div className="stack">
      <Card type="inner" title={t('nav.routes')}>
        <Shown query={query}>{(all) => <RouteTables all={all} nextHop={answer.VpnConnectionId!} />}</Shown>
      </Card>
      {tunnelsOf(answer).map((tunnel) => (
        <Bgp key={tunnel.id} tunnel={tunnel} />
      ))}
    </div>
  )
}

function Bgp({ tunnel }: { readonly tunnel: TunnelView }) {
  const { t } = useWords()
  const { bgp, facts } = tunnel
  const session = facts.Bgp
  return (
    <Card type="inner" title={<code>{tunnel.id}</code>}>
      <div className="stack">
        <Layer title="BGP" state={bgpLayer(tunnel)}>
          {session && (
            <>
              <code>{session.state}</code> <Ago at={session.since} label={t('label.since')} />
              {session.lastError && <div>{session.lastError}</div>}
            </>
          )}
        </Layer>
        {bgp === undefined ? (
          <Nothing text={t('bgp.off')} />
        ) : (
          <>
            <Facts
              facts={[
                { label: t('bgp.localAsn'), value: bgp.LocalAsn },
                { label: t('bgp.peerAsn'), value: bgp.PeerAsn },
                { label: t('bgp.localIp'), value: <code>{bgp.LocalBgpIp}</code> },
                { label: t('bgp.peerIp'), value: <code>{bgp.PeerBgpIp}</code> },
                { label: t('bgp.cidr'), value: <code>{bgp.TunnelCidr}</code> },
                { label: t('bgp.advertised'), value: <code>{session?.advertised.join(', ')}</code> },
              ]}
            />
            <Table
              size="small"
              pagination={false}
              rowKey="prefix"
              dataSource={[...(session?.learned ?? [])]}
              scroll={{ x: 600 }}
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
