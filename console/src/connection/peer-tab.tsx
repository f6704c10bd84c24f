/** What to type into the device at the other end. */
import { DownloadOutlined, EyeInvisibleOutlined, EyeOutlined } from '@ant-design/icons'
import { useMutation } from '@tanstack/react-query'
import { Alert, Button, Select, Space } from 'antd'
import { useState } from 'react'
import { useConsole } from '../context.tsx'
import { peerConfigurations, revealPeerConfigurations, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { CodeBlock } from '../parts/page.tsx'
import { Failure, Shown } from '../parts/states.tsx'
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

export function PeerTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const id = answer.VpnConnectionId!
  const query = useQuery(peerConfigurations(region, id))
  const [chosen, setChosen] = useState('strongswan')
  // The keys are here and nowhere else in the browser: they go with the page, or when they are hidden again.
  const reveal = useMutation({ mutationFn: () => revealPeerConfigurations(region, id), gcTime: 0 })
  const withKeys = reveal.data
  return (
    <div className="stack">
      {tunnelsOf(answer).map((tunnel) => (
        <section key={tunnel.id} aria-label={tunnel.id}>
          {tunnel.role && <h2>{t(`role.${tunnel.role}`)}</h2>}
          <BothEnds answer={answer} tunnel={tunnel} />
        </section>
      ))}
      <Shown query={query}>
        {(texts) => {
          const text = (withKeys ?? texts)[chosen] ?? ''
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
                  icon={withKeys ? <EyeInvisibleOutlined aria-hidden /> : <EyeOutlined aria-hidden />}
                  aria-pressed={withKeys !== undefined}
                  loading={reveal.isPending}
                  onClick={() => (withKeys ? reveal.reset() : reveal.mutate())}
                >
                  {t(withKeys ? 'peer.hide' : 'peer.reveal')}
                </Button>
                <Button
                  icon={<DownloadOutlined aria-hidden />}
                  onClick={() => saveFile(`${id}-${chosen}.txt`, 'text/plain', text)}
                >
                  {t('action.download')}
                </Button>
              </Space>
              {reveal.error ? (
                <Alert
                  type="error"
                  showIcon
                  title={t('peer.refused')}
                  description={<Failure error={reveal.error} />}
                />
              ) : (
                <Alert type="info" showIcon title={t(withKeys ? 'peer.audited' : 'peer.hidden')} />
              )}
              <CodeBlock label={devices[chosen] ?? chosen} text={text} />
            </div>
          )
        }}
      </Shown>
    </div>
  )
}
