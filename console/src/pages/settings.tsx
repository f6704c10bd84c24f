import { Card, Radio } from 'antd'
import type { Quotas } from '../../../src/resources/context.ts'
import { useConsole } from '../context.tsx'
import { connections, customerGateways, gateways, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Facts, PageHead } from '../parts/page.tsx'
import { Shown } from '../parts/states.tsx'
import { Mode } from '../root.tsx'

export default function SettingsPage() {
  const { t, language, setLanguage } = useWords()
  const { session, region } = useConsole()
  const { Server } = session
  const places = useQuery(gateways(region))
  const peers = useQuery(customerGateways(region))
  const rows = useQuery(connections(region))
  const used: { readonly [K in keyof Quotas]?: number } = {
    vpnGateways: places.data?.length,
    customerGateways: peers.data?.length,
    connectionsPerGateway: mostPerGateway(rows.data),
  }
  /** What is counted; the limits are known all the same. */
  const counted = [places, peers, rows]
  const counting = {
    data: counted.every(({ data }) => data !== undefined) ? counted : undefined,
    error: counted.find(({ error }) => error)?.error ?? null,
    isPending: counted.every(({ error }) => !error),
    refetch: () => Promise.all(counted.map(({ refetch }) => refetch())),
  }
  return (
    <>
      <PageHead title={t('nav.settings')} />
      <div className="stack">
        <Card title={t('nav.language')}>
          <Radio.Group
            optionType="button"
            aria-label={t('nav.language')}
            value={language}
            onChange={({ target }) => setLanguage(target.value)}
            options={[
              { value: 'zh', label: '中文' },
              { value: 'en', label: 'English' },
            ]}
          />
        </Card>
        <Card>
          <Facts
            title={t('settings.quotas')}
            facts={(Object.entries(Server.Quotas) as [keyof Quotas, number][]).map(([name, limit]) => ({
              label: t(`quota.${name}`),
              value: used[name] === undefined ? limit : t('settings.used', { used: used[name], limit }),
            }))}
          />
          <Shown query={counting}>{() => null}</Shown>
        </Card>
        <Card>
          <Facts
            title={t('overview.server')}
            facts={[
              { label: t('server.mode'), value: <Mode /> },
              { label: t('server.version'), value: Server.Version },
              { label: t('server.started'), value: formatTime(Server.StartedAt, language) },
              { label: t('server.regions'), value: Server.Regions.length },
            ]}
          />
        </Card>
      </div>
    </>
  )
}

function mostPerGateway(rows: readonly { VpnGatewayId?: string }[] | undefined): number | undefined {
  if (!rows) return undefined
  const counts = new Map<string, number>()
  for (const { VpnGatewayId = '' } of rows) counts.set(VpnGatewayId, (counts.get(VpnGatewayId) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}
