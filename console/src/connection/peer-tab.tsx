/** What to type into the device at the other end. */
import { DownloadOutlined, EyeInvisibleOutlined, EyeOutlined } from '@ant-design/icons'
import { Alert, Button, Select, Space } from 'antd'
import { useState } from 'react'
import { useConsole } from '../context.tsx'
import { customerGateways, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { CodeBlock } from '../parts/page.tsx'
import { saveFile } from '../parts/table.tsx'
import { type Device, deviceNames, devices, peerConfig } from './peer-config.ts'
import { tunnelsOf } from './tunnels.ts'

const listOf = (text: string | undefined) => (text ?? '').split(',').map((item) => item.trim())

export function PeerTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const peers = useQuery(customerGateways(region)).data
  const [device, setDevice] = useState<Device>('strongswan')
  const [revealed, setRevealed] = useState(false)
  const blocks = tunnelsOf(answer).map((tunnel) => ({
    id: tunnel.id,
    text: peerConfig(device, {
      tunnel,
      peerAddress:
        peers?.find((peer) => peer.CustomerGatewayId === tunnel.customerGatewayId)?.IpAddress ?? '%any',
      gatewaySubnets: listOf(answer.LocalSubnet),
      peerSubnets: listOf(answer.RemoteSubnet),
      psk: revealed ? (tunnel.ike.Psk ?? '') : '******',
    }),
  }))
  return (
    <div className="stack">
      <Space wrap>
        <Select<Device>
          aria-label={t('peer.device')}
          value={device}
          onChange={setDevice}
          popupMatchSelectWidth={false}
          options={devices.map((value) => ({ value, label: deviceNames[value] }))}
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
          onClick={() =>
            saveFile(
              `${answer.VpnConnectionId}-${device}.txt`,
              'text/plain',
              `${blocks.map(({ text }) => text).join('\n\n')}\n`,
            )
          }
        >
          {t('action.download')}
        </Button>
      </Space>
      {!revealed && <Alert type="info" showIcon title={t('peer.hidden')} />}
      {blocks.map(({ id, text }) => (
        <CodeBlock key={id} label={`${deviceNames[device]} ${id}`} text={text} />
      ))}
    </div>
  )
}
