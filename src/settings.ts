/**
 * Where the text of a setting comes from: environment variables and one JSON file, checked against one table of
 * known names. What the texts mean is not decided here.
 */

export interface Setting {
  /** Name in the file; a dot is one level of nesting. The environment has it as `SUIDAO_WAN_BRIDGE`. */
  readonly name: string
  /** For the help text. */
  readonly value: string
  readonly default: string
  readonly help: string
  /** The text never stands in a problem. */
  readonly secret?: boolean
}

/** A configuration file as read, not yet parsed. */
export interface ConfigFile {
  readonly path: string
  readonly text: string
}

export interface Given {
  readonly text: string
  /** How the operator knows this setting: its variable, or its name and the file. */
  readonly where: string
}

/** Names the configuration file itself; not a setting of the file. */
export const configFileVariable = 'SUIDAO_CONFIG'

/** `wan.bridge` -> `SUIDAO_WAN_BRIDGE`. */
export const variableName = (setting: string): string =>
  `SUIDAO_${setting
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll('.', '_')
    .toUpperCase()}`

/**
 * The settings that are given, by name; the environment wins over the file, and an empty text is not given.
 * Variables that do not begin with `SUIDAO_` are not looked at. Everything that is wrong goes into `problems`.
 */
export function gatherSettings(
  table: readonly Setting[],
  env: Readonly<Record<string, string | undefined>>,
  file: ConfigFile | undefined,
  problems: string[],
): ReadonlyMap<string, Given> {
  const names = table.map(({ name }) => name)
  return new Map([
    ...(file === undefined ? [] : fromFile(names, file, problems)),
    ...fromEnvironment(names, env, problems),
  ])
}

function fromEnvironment(
  settings: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): [string, Given][] {
  const names = new Map(settings.map((name) => [variableName(name), name]))
  const found: [string, Given][] = []
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('SUIDAO_') || variable === configFileVariable || text === undefined) continue
    const name = names.get(variable)
    if (name === undefined) {
      problems.push(
        `The environment variable ${variable} is not a setting of Suidao.${didYouMean(variable, [...names.keys(), configFileVariable])}`,
      )
    } else if (text.trim() !== '') {
      found.push([name, { text: text.trim(), where: variable }])
    }
  }
  return found
}

function fromFile(settings: readonly string[], file: ConfigFile, problems: string[]): [string, Given][] {
  let content: unknown
  try {
    content = JSON.parse(file.text)
  } catch (error) {
    // The parser quotes the text around the error, and that text may be a key.
    const position = /at position \d+|line \d+ column \d+/.exec((error as Error).message)?.[0]
    problems.push(`${file.path} is not valid JSON${position ? ` (${position})` : ''}.`)
    return []
  }
  if (!isObject(content)) {
    problems.push(`${file.path} must hold one JSON object with settings.`)
    return []
  }
  const groups = new Set(settings.filter((name) => name.includes('.')).map((name) => name.split('.')[0]!))
  const found: [string, Given][] = []
  const visit = (members: object, path: string) => {
    for (const [key, value] of Object.entries(members)) {
      const name = path + key
      const where = `${name} in ${file.path}`
      if (groups.has(name)) {
        if (isObject(value)) visit(value, `${name}.`)
        else problems.push(`${where} must be an object with settings.`)
      } else if (!settings.includes(name)) {
        problems.push(`${where} is not a setting of Suidao.${didYouMean(name, settings)}`)
      } else {
        const text = settingText(value)
        if (text === undefined) problems.push(`${where} must be a text, a number or a list of texts.`)
        else if (text !== '') found.push([name, { text, where }])
      }
    }
  }
  visit(content, '')
  return found
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value of the file as the text that the environment would have. `null` means not given. */
function settingText(value: unknown): string | undefined {
  if (value === null) return ''
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',')
  return undefined
}

/** ` Did you mean X?` for a near name, else nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best === undefined ? '' : ` Did you mean ${best}?`
}

/** Levenshtein distance: the fewest letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1))
    }
    previous = row
  }
  return previous[b.length]!
}
