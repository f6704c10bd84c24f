/** What to type into the device at the other end. */
import { DownloadOutlined, EyeInvisibleOutlined, EyeOutlined } from '@ant-design/icons'
import { Alert, Button, Select, Space } from 'antd'
import { useState } from 'react'
import { useConsole } from '../context.tsx'
import { peerConfigurations, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { CodeBlock } from '../parts/page.tsx'
import { Shown } from '../parts/states.tsx'
import { saveFile } from '../parts/table.tsx'
import { BothEnds } from './both-ends.tsx'
import { tunnelsOf } from './tunnels.ts'

/** Names of makers and systems: the same in every language. */
const devices: Readonly<Record<string, string>> = {
  strongswan: 'strongSwan',
  vyos: 'VyOS',
  'cisco-ios': 'Cisco IOS XE',
  fortios: 'Fortinet FortiOS',
  junos: 'Juniper Junos',
}

/** Keys as stars. A text is shown with them until somebody asks for more. */
export function withoutKeys(text: string, keys: readonly (string | undefined)[]): string {
  return keys.reduce<string>((shown, key) => (key ? shown.replaceAll(key, '******') : shown), text)
}

export function PeerTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const query = useQuery(peerConfigurations(region, answer.VpnConnectionId!))
  const [chosen, setChosen] = useState('strongswan')
  const [revealed, setRevealed] = useState(false)
  const tunnels = tunnelsOf(answer)
  const keys = tunnels.map(({ ike }) => ike.Psk)
  return (
    <div className="stack">
      {tunnels.map((tunnel) => (
        <section key={tunnel.id} aria-label={tunnel.id}>
          {tunnel.role && <h2>{t(`role.${tunnel.role}`)}</h2>}
          <BothEnds answer={answer} tunnel={tunnel} />
        </section>
      ))}
      <Shown query={query}>
        {(texts) => {
          const whole = texts[chosen] ?? ''
          const text = revealed ? whole : withoutKeys(whole, keys)
          return (
            <div className="stack">
              <Space wrap>
                <Select
                  aria-label={t('peer.device')}
                  value={chosen}
                  onChange={setChosen}
                  popupMatchSelectWidth={false}
                  options={Object.keys(texts).map((value) => ({ value, label: devices[value] ?? value }))}
                />
                <Button
                  icon={revealed ? <EyeInvisibleOutlined aria-hidden /> : <EyeOutlined aria-hidden />}
                  aria-pressed={revealed}
                  onClick={() => setRevealed(!revealed)}
                >
                  {t(revealed ? 'peer.hide' : 'peer.reveal')}
                </Button>
                <Button
                  icon={<DownloadOutlined aria-hidden />}
                  onClick={() => saveFile(`${answer.VpnConnectionId}-${chosen}.txt`, 'text/plain', text)}
                >
                  {t('action.download')}
                </Button>
              </Space>
              <Alert type="info" showIcon title={t(revealed ? 'peer.audited' : 'peer.hidden')} />
              <CodeBlock label={devices[chosen] ?? chosen} text={text} />
            </div>
          )
        }}
      </Shown>
    </div>
  )
}
