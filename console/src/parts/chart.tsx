/** Lines over time. uPlot draws them; React only says what. */
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { axisTime, formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'

export interface Line {
  readonly name: string
  /** Of styles.css, where it is another one in the dark. */
  readonly color: '--line-in' | '--line-out'
  /** One for each time; `null` where it is not known. */
  readonly values: readonly (number | null)[]
}

interface Props {
  /** Epoch milliseconds, ascending. */
  readonly times: readonly number[]
  readonly from: number
  readonly to: number
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  /** What the chart shows, for who cannot see it. */
  readonly label: string
}

export function Chart({ times, from, to, lines, format, label }: Props) {
  const { language, t } = useWords()
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current!
    const style = getComputedStyle(element)
    const ink = style.color
    const grid = 'rgba(128,128,128,0.18)'
    const font = `12px ${style.fontFamily}`
    const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } }
    const newest = times.findLastIndex((_, index) => lines.some(({ values }) => values[index] !== null))
    const timeLabel = axisTime(from, to, language)
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 200,
        scales: {
          x: { range: [from / 1000, to / 1000] },
          // Where all is zero, so high that no two lines of the grid are called the same.
          y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 10] },
        },
        // Charts of one page are read together.
        cursor: { sync: { key: 'time' } },
        // Until somebody points at a time, the legend is of the newest.
        hooks: {
          setLegend: [
            (plot) => {
              if (plot.legend.idx == null && newest >= 0) plot.setLegend({ idx: newest }, false)
            },
          ],
          ready: [(plot) => newest >= 0 && plot.setLegend({ idx: newest }, false)],
        },
        axes: [
          { ...axis, values: (_, values) => values.map(timeLabel) },
          { ...axis, size: 84, values: (_, values) => values.map(format) },
        ],
        series: [
          { label: t('field.at'), value: (_, at) => (at === null ? '' : formatTime(at * 1000, language)) },
          // The second is dashed: where both are the same, both are seen.
          ...lines.map(({ name, color }, index) => ({
            label: name,
            stroke: style.getPropertyValue(color),
            width: 2,
            ...(index > 0 ? { dash: [8, 5] } : {}),
            points: { show: false },
            // Two of them, one above the other, would be a third colour that means nothing.
            ...(lines.length === 1 ? { fill: `${style.getPropertyValue(color)}1a` } : {}),
            value: (_: uPlot, value: number | null) => (value === null ? '–' : format(value)),
          })),
        ],
      },
      [times.map((time) => time / 1000), ...lines.map(({ values }) => [...values])],
      element,
    )
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 200 }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [times, from, to, lines, format, language, t])
  return <div ref={place} className="chart" role="img" aria-label={label} />
}
