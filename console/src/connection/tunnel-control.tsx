/** Buttons that stop, start and re-negotiate tunnels. What it does is said before it is done. */
import { useMutation } from '@tanstack/react-query'
import { App, Button, Space } from 'antd'
import {
  suidaoRenegotiateTunnel,
  suidaoStartTunnel,
  suidaoStopTunnel,
} from '../../../src/resources/tunnel-control/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { useRefreshRegion } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { Failure } from '../parts/states.tsx'
import type { TunnelView } from './tunnels.ts'

const deeds = {
  rekey: { spec: suidaoRenegotiateTunnel, params: { Mode: 'rekey' } },
  restart: { spec: suidaoRenegotiateTunnel, params: { Mode: 'restart' } },
  stop: { spec: suidaoStopTunnel, params: {} },
  start: { spec: suidaoStartTunnel, params: {} },
} as const

type Deed = keyof typeof deeds

/**
 * @param called the tunnel, as people call it
 * @param busy the connection is being changed, and refuses further changes until it has been
 */
export function TunnelControl({
  connection,
  called,
  tunnel,
  busy,
}: {
  readonly connection: string
  readonly called: string
  readonly tunnel: TunnelView
  readonly busy: boolean
}) {
  const { t } = useWords()
  const { region } = useConsole()
  const { modal, message } = App.useApp()
  const { mutateAsync, isPending, variables } = useMutation({
    mutationFn: (deed: Deed) => {
      const { spec, params } = deeds[deed]
      const named = { RegionId: region, VpnConnectionId: connection, TunnelId: tunnel.id }
      return call(spec, { ...named, ...params } as never)
    },
    onSettled: useRefreshRegion(region),
  })
  const ask = (deed: Deed) =>
    modal.confirm({
      title: t(`control.${deed}.title`, { name: called }),
      content: t(`control.${deed}.effect`),
      okText: t(`control.${deed}`),
      okButtonProps: { danger: deed === 'stop' },
      async onOk() {
        try {
          await mutateAsync(deed)
          message.success(t('control.done', { name: called }))
        } catch (error) {
          modal.error({
            title: t('control.refused', { name: called }),
            content: <Failure error={error as Error} />,
          })
        }
      },
    })
  const offered: readonly Deed[] =
    tunnel.facts.StoppedAt === undefined ? ['rekey', 'restart', 'stop'] : ['start']
  return (
    <Space wrap>
      {offered.map((deed) => (
        <Button
          key={deed}
          size="small"
          danger={deed === 'stop'}
          disabled={busy || isPending}
          loading={isPending && variables === deed}
          aria-label={t('control.named', { what: t(`control.${deed}`), name: tunnel.id })}
          onClick={() => ask(deed)}
        >
          {t(`control.${deed}`)}
        </Button>
      ))}
    </Space>
  )
}
