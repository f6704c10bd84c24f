/**
 * Reads Prometheus text (format 0.0.4) as strictly as promtool: throws for whatever that would complain about.
 */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const specialValues: Readonly<Record<string, number>> = {
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
}

export function parsePrometheus(text: string): Series[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the text does not end with a line end')
  const series: Series[] = []
  const helped = new Set<string>()
  const types = new Map<string, string>()
  const closed = new Set<string>()
  const keys = new Set<string>()
  let current: string | undefined
  const enter = (family: string, line: string) => {
    if (family === current) return
    if (closed.has(family)) throw new Error(`the family ${family} is in two places: ${line}`)
    if (current !== undefined) closed.add(current)
    current = family
  }
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    if (comment) {
      const [, kind, family, rest] = comment
      enter(family!, line)
      if (kind === 'HELP') {
        if (helped.has(family!)) throw new Error(`a second HELP: ${line}`)
        helped.add(family!)
      } else {
        if (types.has(family!)) throw new Error(`a second TYPE: ${line}`)
        if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest!)) throw new Error(`no type: ${line}`)
        types.set(family!, rest!)
      }
      continue
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (!sample) throw new Error(`not a sample: ${line}`)
    const [, name, pairs = '', number] = sample
    const family = types.has(name!) ? name! : name!.replace(/_(bucket|sum|count)$/, '')
    enter(family, line)
    const type = types.get(family)
    if (!type || !helped.has(family)) throw new Error(`no HELP and TYPE before: ${line}`)
    if (type === 'counter' && !name!.endsWith('_total'))
      throw new Error(`a counter ends with _total: ${line}`)
    if (type === 'gauge' && name!.endsWith('_total'))
      throw new Error(`a gauge does not end with _total: ${line}`)
    const labels = parseLabels(pairs, line)
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`
    if (keys.has(key)) throw new Error(`a series twice: ${line}`)
    keys.add(key)
    const value = specialValues[number!] ?? Number(number)
    if (Number.isNaN(value) && number !== 'NaN') throw new Error(`not a number: ${line}`)
    if (type === 'counter' && !(value >= 0)) throw new Error(`a counter below zero: ${line}`)
    series.push({ name: name!, labels, value })
  }
  return series
}

function parseLabels(pairs: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let rest = pairs
  while (rest !== '') {
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest)
    if (!match) throw new Error(`not labels: ${line}`)
    const [whole, name, value] = match
    if (name! in labels) throw new Error(`a label twice: ${line}`)
    labels[name!] = value!.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter))
    rest = rest.slice(whole.length)
  }
  return labels
}
