import { Card, Radio } from 'antd'
import type { Quotas } from '../../../src/resources/context.ts'
import { useConsole } from '../context.tsx'
import { connections, customerGateways, gateways, useQuery } from '../data.ts'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Facts, PageHead } from '../parts/page.tsx'
import { Mode } from '../root.tsx'

export default function SettingsPage() {
  const { t, language, setLanguage } = useWords()
  const { session, region } = useConsole()
  const { Server } = session
  const used: { readonly [K in keyof Quotas]?: number } = {
    vpnGateways: useQuery(gateways(region)).data?.length,
    customerGateways: useQuery(customerGateways(region)).data?.length,
    connectionsPerGateway: mostPerGateway(useQuery(connections(region)).data),
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
