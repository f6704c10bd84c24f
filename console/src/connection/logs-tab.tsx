/** What the daemon and Suidao wrote down of a tunnel. */
import { DownloadOutlined } from '@ant-design/icons'
import { Button, Input, Select, Space, Switch } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useConsole } from '../context.tsx'
import { logLines, useQuery } from '../data.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { useChoice } from '../parts/address.ts'
import { Nothing, Shown } from '../parts/states.tsx'
import { saveFile } from '../parts/table.tsx'
import { tunnelsOf } from './tunnels.ts'

const periods = [
  [10, 'range.10min'],
  [60, 'range.1h'],
  [24 * 60, 'range.1d'],
] as const

export function LogsTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const tunnels = tunnelsOf(answer)
  const [chosen, setTunnel] = useChoice('tunnel')
  const [period, setPeriod] = useChoice('minutes')
  const [wanted = '', setWanted] = useChoice('q')
  const [tail, setTail] = useState(true)
  const tunnel = (tunnels.find(({ id }) => id === chosen) ?? tunnels[0]!).id
  const minutes = (periods.find(([value]) => String(value) === period) ?? periods[0])[0]
  const query = useQuery(logLines(region, answer.VpnConnectionId!, tunnel, minutes, tail))
  const needle = wanted.trim().toLowerCase()
  return (
    <div className="stack">
      <Space wrap>
        {tunnels.length > 1 && (
          <Select
            aria-label={t('logs.tunnel')}
            value={tunnel}
            onChange={setTunnel}
            options={tunnels.map(({ id, role }) => ({
              value: id,
              label: `${t(`role.${role!}`)} ${id}`,
            }))}
          />
        )}
        <Select
          aria-label={t('monitoring.range')}
          value={minutes}
          onChange={(value: number) => setPeriod(String(value))}
          options={periods.map(([value, key]) => ({ value, label: t(key) }))}
        />
        <Input
          allowClear
          aria-label={t('logs.filter')}
          placeholder={t('logs.filter')}
          value={wanted}
          onChange={({ target }) => setWanted(target.value)}
        />
        <span>
          <Switch aria-label={t('logs.tail')} checked={tail} onChange={setTail} /> {t('logs.tail')}
        </span>
        <Button
          icon={<DownloadOutlined aria-hidden />}
          onClick={() => saveFile(`${tunnel}.log`, 'text/plain', `${(query.data ?? []).join('\n')}\n`)}
        >
          {t('action.download')}
        </Button>
      </Space>
      <Shown query={query}>
        {(lines) => {
          const shown = needle === '' ? lines : lines.filter((line) => line.toLowerCase().includes(needle))
          return shown.length === 0 ? (
            <Nothing text={t(lines.length === 0 ? 'logs.none' : 'list.nothingFound')} />
          ) : (
            <Lines lines={shown} tail={tail} />
          )
        }}
      </Shown>
    </div>
  )
}

/** The newest line stays in sight while the log is followed. */
function Lines({ lines, tail }: { readonly lines: readonly string[]; readonly tail: boolean }) {
  const { t } = useWords()
  const place = useRef<HTMLPreElement>(null)
  const last = lines.at(-1)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last line is what it waits for
  useEffect(() => {
    if (tail) place.current?.scrollTo({ top: place.current.scrollHeight })
  }, [tail, last])
  return (
    <section aria-label={t('tab.logs')}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1) */}
      <pre className="log" tabIndex={0} ref={place}>
        {lines.join('\n')}
      </pre>
    </section>
  )
}
