/** What went through, and when it was up. */
import { Radio, Tooltip } from 'antd'
import { type ReactNode, useMemo } from 'react'
import { useConsole } from '../context.tsx'
import { type SampleItem, samples, useQuery } from '../data.ts'
import { formatNumber, formatRate, formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { useChoice } from '../parts/address.ts'
import { Chart } from '../parts/chart.tsx'
import { Nothing, Shown } from '../parts/states.tsx'
import { CsvButton } from '../parts/table.tsx'

const ranges = [
  [1, 'range.1h'],
  [6, 'range.6h'],
  [24, 'range.1d'],
  [7 * 24, 'range.7d'],
  [30 * 24, 'range.30d'],
] as const

export default function MonitoringTab({ answer }: TabProps) {
  const { t } = useWords()
  const { region } = useConsole()
  const [chosen, choose] = useChoice('hours')
  const hours = (ranges.find(([value]) => String(value) === chosen) ?? ranges[0])[0]
  const query = useQuery(samples(region, answer.VpnConnectionId!, hours))
  return (
    <div className="stack">
      <Radio.Group
        optionType="button"
        aria-label={t('monitoring.range')}
        value={hours}
        onChange={({ target }) => choose(String(target.value))}
        options={ranges.map(([value, key]) => ({ value, label: t(key) }))}
      />
      <Shown query={query}>
        {(data) => (data.items.length === 0 ? <Nothing text={t('monitoring.none')} /> : <Charts {...data} />)}
      </Shown>
    </div>
  )
}

/** Milliseconds of a span before it is believed: a short look makes wild rates. */
const leastObserved = 1_000

function ratesOf(
  points: readonly Point[],
  name: 'bytesIn' | 'bytesOut' | 'packetsIn' | 'packetsOut',
  factor: number,
) {
  return points.map((point) =>
    point.observedMs < leastObserved ? null : (point[name] * factor * 1000) / point.observedMs,
  )
}

interface Point {
  readonly at: number
  readonly observedMs: number
  readonly upMs: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly packetsIn: number
  readonly packetsOut: number
  readonly probesSent: number
  readonly probesLost: number
  /** Milliseconds, of all answered probes together. */
  readonly rtt: number
}

const nothing: Omit<Point, 'at'> = {
  observedMs: 0,
  upMs: 0,
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  probesSent: 0,
  probesLost: 0,
  rtt: 0,
}

/** Per cent; `null` where no probe was sent. */
export const lossOf = ({ probesSent, probesLost }: Point): number | null =>
  probesSent === 0 ? null : (100 * probesLost) / probesSent

/** Milliseconds; `null` where no probe was answered. */
export const rttOf = ({ probesSent, probesLost, rtt }: Point): number | null =>
  probesSent === probesLost ? null : rtt / (probesSent - probesLost)

/** One point for each span from first to last, the tunnels of the connection together; empty spans are not known. */
export function pointsOf(items: readonly SampleItem[], span: number): readonly Point[] {
  const sums = new Map<number, Point>()
  for (const item of items) {
    const at = item.At!
    const sum = sums.get(at) ?? nothing
    const { ProbesSent = 0, ProbesLost = 0, Rtt = 0 } = item
    sums.set(at, {
      at,
      observedMs: Math.max(sum.observedMs, item.ObservedMs!),
      upMs: Math.max(sum.upMs, item.UpMs!),
      bytesIn: sum.bytesIn + item.BytesIn!,
      bytesOut: sum.bytesOut + item.BytesOut!,
      packetsIn: sum.packetsIn + item.PacketsIn!,
      packetsOut: sum.packetsOut + item.PacketsOut!,
      probesSent: sum.probesSent + ProbesSent,
      probesLost: sum.probesLost + ProbesLost,
      rtt: sum.rtt + Rtt * (ProbesSent - ProbesLost),
    })
  }
  const times = [...sums.keys()].sort((a, b) => a - b)
  const points: Point[] = []
  for (let at = times[0]!; at <= times.at(-1)!; at += span * 1000) {
    points.push(sums.get(at) ?? { ...nothing, at })
  }
  return points
}

function Charts({
  items,
  span,
  from,
  to,
}: {
  readonly items: readonly SampleItem[]
  readonly span: number
  readonly from: number
  readonly to: number
}) {
  const { t, language } = useWords()
  const points = useMemo(() => pointsOf(items, span), [items, span])
  const times = useMemo(() => points.map(({ at }) => at), [points])
  const charts = useMemo(() => {
    const number = (value: number, unit: string) =>
      `${formatNumber(Math.round(value * 10) / 10, language)}${unit}`
    const bothWays = (
      inName: 'bytesIn' | 'packetsIn',
      outName: 'bytesOut' | 'packetsOut',
      factor: number,
    ) => [
      { name: t('tunnel.in'), color: '--line-in' as const, values: ratesOf(points, inName, factor) },
      { name: t('tunnel.out'), color: '--line-out' as const, values: ratesOf(points, outName, factor) },
    ]
    const always = [
      { label: t('monitoring.rate'), lines: bothWays('bytesIn', 'bytesOut', 8), format: formatRate },
      {
        label: t('monitoring.packets'),
        lines: bothWays('packetsIn', 'packetsOut', 1),
        format: (value: number) => number(value, '/s'),
      },
    ]
    if (points.every(({ probesSent }) => probesSent === 0)) return always
    return [
      ...always,
      {
        label: t('monitoring.loss'),
        lines: [{ name: t('probe.loss'), color: '--line-out' as const, values: points.map(lossOf) }],
        format: (value: number) => number(value, ' %'),
      },
      {
        label: t('monitoring.rtt'),
        lines: [{ name: t('monitoring.rtt'), color: '--line-in' as const, values: points.map(rttOf) }],
        format: (value: number) => number(value, ' ms'),
      },
    ]
  }, [points, t, language])
  return (
    <>
      <Strip points={points} span={span}>
        <CsvButton
          name={t('tab.monitoring')}
          head={[
            t('field.at'),
            t('tunnel.in'),
            t('tunnel.out'),
            t('monitoring.packetsIn'),
            t('monitoring.packetsOut'),
            t('monitoring.up'),
            t('monitoring.probesSent'),
            t('monitoring.probesLost'),
            t('monitoring.rttMs'),
          ]}
          rows={() =>
            points.map((point) => [
              new Date(point.at).toISOString(),
              point.bytesIn,
              point.bytesOut,
              point.packetsIn,
              point.packetsOut,
              point.observedMs === 0 ? '' : Math.round((100 * point.upMs) / point.observedMs),
              point.probesSent,
              point.probesLost,
              rttOf(point)?.toFixed(2) ?? '',
            ])
          }
        />
      </Strip>
      {charts.map((chart) => (
        <section key={chart.label}>
          <h3>{chart.label}</h3>
          <Chart {...chart} times={times} from={from} to={to} />
        </section>
      ))}
    </>
  )
}

const cells = 60

/** Green for up, red for down, grey for what nobody saw. */
function Strip({
  points,
  span,
  children,
}: {
  readonly points: readonly Point[]
  readonly span: number
  /** At the end of its title. */
  readonly children: ReactNode
}) {
  const { t, language } = useWords()
  const each = Math.max(1, Math.ceil(points.length / cells))
  const groups = Array.from({ length: Math.ceil(points.length / each) }, (_, index) =>
    points.slice(index * each, (index + 1) * each),
  )
  const observed = points.reduce((sum, point) => sum + point.observedMs, 0)
  const up = points.reduce((sum, point) => sum + point.upMs, 0)
  const share = observed === 0 ? t('label.notKnown') : `${((100 * up) / observed).toFixed(2)} %`
  return (
    <section aria-label={t('monitoring.strip')}>
      <div className="table-title">
        <h3>
          {t('monitoring.strip')} <small className="muted">{t('monitoring.upShare', { share })}</small>
        </h3>
        {children}
      </div>
      <div className="strip" role="img" aria-label={t('monitoring.upShare', { share })}>
        {groups.map((group) => {
          const seen = group.reduce((sum, point) => sum + point.observedMs, 0)
          const good = group.reduce((sum, point) => sum + point.upMs, 0)
          const color =
            seen < leastObserved
              ? 'rgb(128 128 128 / 25%)'
              : good > 0.99 * seen
                ? '#16a34a'
                : good === 0
                  ? '#dc2626'
                  : '#f59e0b'
          const begin = group[0]!.at
          const title = `${formatTime(begin, language)} – ${formatTime(group.at(-1)!.at + span * 1000, language)}`
          return (
            <Tooltip key={begin} title={title}>
              <span style={{ background: color }} />
            </Tooltip>
          )
        })}
      </div>
    </section>
  )
}
