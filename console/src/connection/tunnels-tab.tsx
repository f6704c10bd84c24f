/** Each tunnel layer by layer, what was agreed beside what was asked for. */
import { Card } from 'antd'
import type { ChildSa } from '../../../src/engine/engine.ts'
import { formatAge, formatBytes, formatDuration, formatNumber } from '../format.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { Ago, HealthTag } from '../parts/health-tag.tsx'
import { Facts } from '../parts/page.tsx'
import { Nothing } from '../parts/states.tsx'
import { SmallTable } from '../parts/table.tsx'
import { ReasonBox } from './diagnose-tab.tsx'
import { Layer } from './layer.tsx'
import { Liveness } from './liveness.tsx'
import { TunnelControl } from './tunnel-control.tsx'
import { bgpLayer, espLayer, ikeLayer, mainSa, probeLayer, type TunnelView, tunnelsOf } from './tunnels.ts'

export function TunnelsTab({ answer }: TabProps) {
  return (
    <div className="stack">
      {tunnelsOf(answer).map((tunnel) => (
        <Tunnel key={tunnel.id} answer={answer} tunnel={tunnel} />
      ))}
    </div>
  )
}

function Tunnel({ answer, tunnel }: TabProps & { readonly tunnel: TunnelView }) {
  const { t, language } = useWords()
  const ikeSa = mainSa(tunnel.facts.IkeSas)
  const children = tunnel.facts.ChildSas ?? []
  const childSa = mainSa(children)
  const inSeconds = (seconds: number | undefined) =>
    seconds === undefined ? t('label.notKnown') : formatDuration(seconds, language)
  const configured = {
    ike: [tunnel.ike.IkeEncAlg, tunnel.ike.IkeAuthAlg, tunnel.ike.IkePfs].join(' / '),
    ipsec: [tunnel.ipsec.IpsecEncAlg, tunnel.ipsec.IpsecAuthAlg, tunnel.ipsec.IpsecPfs].join(' / '),
  }
  return (
    <Card
      type="inner"
      title={
        <>
          <HealthTag health={tunnel.health} /> {tunnel.role && `${t(`role.${tunnel.role}`)} · `}
          <code>{tunnel.id}</code>
        </>
      }
    >
      <div className="stack">
        <ReasonBox health={tunnel.health} reason={tunnel.facts.Reason} />
        <TunnelControl
          connection={answer.VpnConnectionId!}
          called={[answer.Name || answer.VpnConnectionId, tunnel.role && t(`role.${tunnel.role}`)]
            .filter(Boolean)
            .join(' · ')}
          tunnel={tunnel}
          busy={answer.State !== 'active' && answer.State !== 'init'}
        />
        <div className="layers">
          <Layer title="IKE" state={ikeLayer(tunnel)}>
            {ikeSa && (
              <>
                {t('tunnel.since', {
                  time:
                    ikeSa.establishedFor === undefined
                      ? t('label.notKnown')
                      : formatAge(ikeSa.establishedFor, language),
                })}
                <br />
                {t('tunnel.rekeyIn', { time: inSeconds(ikeSa.rekeyIn) })}
              </>
            )}
          </Layer>
          <Layer title="ESP" state={espLayer(tunnel)}>
            {childSa && (
              <>
                {t('tunnel.children', { count: children.length, wanted: tunnel.facts.ChildSasWanted ?? 1 })}
                <br />
                {t('tunnel.rekeyIn', { time: inSeconds(childSa.rekeyIn) })}
              </>
            )}
          </Layer>
          <Layer title="BGP" state={bgpLayer(tunnel)}>
            {tunnel.facts.Bgp && <Ago at={tunnel.facts.Bgp.since} says="for" />}
          </Layer>
          <Layer title={t('tab.health')} state={probeLayer(tunnel)}>
            {tunnel.facts.Probe?.since !== undefined && <Ago at={tunnel.facts.Probe.since} says="for" />}
          </Layer>
        </div>
        <Liveness answer={answer} tunnel={tunnel} />
        <Facts
          title={t('tunnel.agreed')}
          facts={[
            { label: t('tunnel.ikeAsked'), value: <code>{configured.ike}</code> },
            {
              label: t('tunnel.ikeAgreed'),
              value: ikeSa?.proposal ? <code>{ikeSa.proposal}</code> : t('label.notKnown'),
            },
            { label: t('tunnel.espAsked'), value: <code>{configured.ipsec}</code> },
            {
              label: t('tunnel.espAgreed'),
              value: childSa?.proposal ? <code>{childSa.proposal}</code> : t('label.notKnown'),
            },
            {
              label: t('tunnel.idsAsked'),
              value: <code>{`${tunnel.ike.LocalId} ↔ ${tunnel.ike.RemoteId}`}</code>,
            },
            {
              label: t('tunnel.idsAgreed'),
              value: ikeSa?.localId ? (
                <code>{`${ikeSa.localId} ↔ ${ikeSa.remoteId}`}</code>
              ) : (
                t('label.notKnown')
              ),
            },
            {
              label: t('tunnel.endpoint'),
              value: ikeSa?.remoteEndpoint ? <code>{ikeSa.remoteEndpoint}</code> : t('label.notKnown'),
            },
            {
              label: t('tunnel.nat'),
              value:
                ikeSa?.natBetween === undefined
                  ? t('label.notKnown')
                  : t(ikeSa.natBetween ? 'label.yes' : 'label.no'),
            },
          ]}
        />
        <SmallTable<ChildSa>
          rowKey="uniqueId"
          dataSource={[...children]}
          scroll={{ x: 900 }}
          locale={{ emptyText: <Nothing text={t('tunnel.noChild')} /> }}
          columns={[
            {
              title: t('tunnel.selectors'),
              render: (_, sa) => `${sa.localSelectors.join(', ')} ↔ ${sa.remoteSelectors.join(', ')}`,
            },
            {
              title: t('tunnel.spis'),
              render: (_, sa) => <code>{`${sa.spiIn ?? '?'} / ${sa.spiOut ?? '?'}`}</code>,
            },
            {
              title: t('tunnel.in'),
              render: (_, sa) =>
                `${formatBytes(sa.bytesIn)} · ${t('tunnel.packets', { count: formatNumber(sa.packetsIn, language) })}`,
            },
            {
              title: t('tunnel.out'),
              render: (_, sa) =>
                `${formatBytes(sa.bytesOut)} · ${t('tunnel.packets', { count: formatNumber(sa.packetsOut, language) })}`,
            },
            { title: t('tunnel.expires'), render: (_, sa) => inSeconds(sa.expiresIn) },
          ]}
        />
      </div>
    </Card>
  )
}
