/** Prometheus text format 0.0.4. Pure. */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Families without samples keep their HELP and TYPE lines: they say that there is nothing, not that it is unknown. */
export function renderFamilies(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, type, help, samples } of families) {
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`)
    for (const { labels = {}, value } of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
      lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${renderValue(value)}`)
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** The same for many series: calls that came meanwhile are answered between the families. */
export async function renderInTurns(families: readonly Family[]): Promise<string> {
  const texts: string[] = []
  for (const family of families) {
    texts.push(renderFamilies([family]))
    await nextTurn()
  }
  return texts.join('')
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"')
const renderValue = (value: number) =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : `${value}`
