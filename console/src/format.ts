/** Numbers, sizes and times as people read them. Pure. */
import type { Language } from './i18n.tsx'

const locale = (language: Language) => (language === 'zh' ? 'zh-CN' : 'en-GB')

/** Bytes with binary prefixes: `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** Bits per second with decimal prefixes, as links are sold: `1.5 Mbit/s`. */
export function formatRate(bitsPerSecond: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']
  let value = bitsPerSecond
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

const toTheSecond = (language: Language) =>
  new Intl.DateTimeFormat(locale(language), {
    year: 'numeric',
    // 03/04 is another day on the other side of an ocean.
    month: language === 'zh' ? '2-digit' : 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
/** Made once: making one takes longer than it takes to format a hundred times. */
const timeFormats = { en: toTheSecond('en'), zh: toTheSecond('zh') }
export const formatTime = (at: number, language: Language): string => timeFormats[language].format(at)

/** Labels of a time axis: days where the range is long, else the time of day. Takes epoch seconds. */
export function axisTime(from: number, to: number, language: Language): (seconds: number) => string {
  const long = to - from > 2 * 86_400_000
  const format = new Intl.DateTimeFormat(
    locale(language),
    long ? { month: 'numeric', day: 'numeric' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  )
  return (seconds) => format.format(seconds * 1000)
}

const numberFormats = {
  en: new Intl.NumberFormat(locale('en')),
  zh: new Intl.NumberFormat(locale('zh')),
}
export const formatNumber = (value: number, language: Language): string =>
  numberFormats[language].format(value)

/** Seconds in the two largest units: `3 d 4 h`, `12 s`. */
export function formatDuration(seconds: number, language: Language): string {
  const units = language === 'zh' ? ['天', '小时', '分钟', '秒'] : ['d', 'h', 'min', 's']
  const gap = language === 'zh' ? '' : ' '
  const whole = Math.max(0, Math.round(seconds))
  const parts = [
    Math.floor(whole / 86400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ]
  const first = parts.findIndex((part) => part > 0)
  if (first < 0) return `0${gap}${units[3]}`
  return parts
    .map((part, index) => ({ part, unit: units[index]! }))
    .slice(first, first + 2)
    .filter(({ part }) => part > 0)
    .map(({ part, unit }) => `${part}${gap}${unit}`)
    .join(gap)
}

/** How long something has lasted, in seconds: `12 s`, `55 min`, `3 h 12 min`. Beyond a minute nobody counts seconds. */
export const formatAge = (seconds: number, language: Language): string =>
  formatDuration(seconds < 60 ? seconds : Math.floor(seconds / 60) * 60, language)

/** A table as RFC 4180 has it. Cells that a spreadsheet would run as a formula are made text. */
export function renderCsv(
  head: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string {
  const cell = (value: string | number | undefined) => {
    const text = String(value ?? '')
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}
