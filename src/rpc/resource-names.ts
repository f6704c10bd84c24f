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
  const compiled = patterns.map(compilePattern)
  return (input, region, accountId) => {
    const prefix = `acs:${product}:${region}:${accountId}:`
    return compiled.flatMap((parts) => expand(parts, input, isWholeName(parts) ? '' : prefix))
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

function expand(
  parts: readonly Part[],
  input: Readonly<Record<string, unknown>>,
  prefix: string,
): readonly string[] {
  let names = [prefix]
  for (const part of parts) {
    const value = 'text' in part ? part.text : (input[part.param] ?? '*')
    const isType = 'isType' in part && part.isType
    if (Array.isArray(value))
      names = names.flatMap((name) => value.map((item) => name + textOf(item, isType)))
    else names = names.map((name) => name + textOf(value, isType))
  }
  return names
}

const textOf = (value: unknown, isType: boolean): string =>
  isType ? String(value).toLowerCase() : String(value)
