/** The resources a call touches, as the permission check names them: `acs:<product>:<region>:<account>:<type>/<id>`. */

/** Resource names of one call; `input` is the decoded input of the action. */
export type ResourcesOf = (
  input: Readonly<Record<string, unknown>>,
  region: string,
  accountId: string,
) => readonly string[]

/**
 * Prepares the patterns of a spec. `{X}` stands for parameter X: `*` when it is absent, one name per item when it is a
 * list. Before the slash it names a type and is written in lower case (`{ResourceType}/{ResourceId}`). `{RoleArn}`, alone, is
 * a whole name.
 */
export function compileResources(patterns: readonly string[], product = 'vpc'): ResourcesOf {
  const compiled = patterns.map((pattern) => {
    const parts = compilePattern(pattern)
    return { parts, whole: isWholeName(parts) }
  })
  return (input, region, accountId) => {
    // RAM knows no regions.
    const prefix = `acs:${product}:${product === 'ram' ? '' : region}:${accountId}:`
    const names: string[] = []
    for (const { parts, whole } of compiled) expand(parts, 0, input, whole ? '' : prefix, names)
    return names
  }
}

type Part = { readonly text: string } | { readonly param: string; readonly isType: boolean }

const isWholeName = ([first]: readonly Part[]) =>
  first !== undefined && 'param' in first && first.param.endsWith('Arn')

function compilePattern(pattern: string): readonly Part[] {
  const slash = pattern.indexOf('/')
  const parts: Part[] = []
  let at = 0
  for (const found of pattern.matchAll(/\{(\w+)\}/g)) {
    if (found.index > at) parts.push({ text: pattern.slice(at, found.index) })
    parts.push({ param: found[1]!, isType: found.index < slash })
    at = found.index + found[0].length
  }
  if (at < pattern.length) parts.push({ text: pattern.slice(at) })
  return parts
}

/** Adds `name` with the rest of the parts, from `at` on, to `names`. */
function expand(
  parts: readonly Part[],
  at: number,
  input: Readonly<Record<string, unknown>>,
  name: string,
  names: string[],
): void {
  for (; at < parts.length; at++) {
    const part = parts[at]!
    if ('text' in part) {
      name += part.text
      continue
    }
    const value = input[part.param] ?? '*'
    if (Array.isArray(value)) {
      for (const item of value) expand(parts, at + 1, input, name + textOf(item, part.isType), names)
      return
    }
    name += textOf(value, part.isType)
  }
  names.push(name)
}

const textOf = (value: unknown, isType: boolean): string =>
  isType ? String(value).toLowerCase() : String(value)
