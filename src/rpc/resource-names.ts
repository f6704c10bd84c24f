/** The resources a call touches, as the permission check names them: `acs:vpc:<region>:<account>:<type>/<id>`. */

/** Resource names of one call; `input` is the decoded input of the action. */
export type ResourcesOf = (
  input: Readonly<Record<string, unknown>>,
  region: string,
  accountId: string,
) => readonly string[]

/**
 * Prepares the patterns of a spec. `{X}` stands for parameter X: `*` when it is absent, one name per item when it is a
 * list. Before the slash it names a type and is written in lower case (`{ResourceType}/{ResourceId}`).
 */
export function compileResources(patterns: readonly string[]): ResourcesOf {
  const compiled = patterns.map((pattern) => pattern.split(/(\{\w+\})/).filter((part) => part !== ''))
  return (input, region, accountId) => {
    const names: string[] = []
    for (const parts of compiled) names.push(...expand(parts, input, `acs:vpc:${region}:${accountId}:`))
    return names
  }
}

function expand(
  parts: readonly string[],
  input: Readonly<Record<string, unknown>>,
  prefix: string,
): string[] {
  let names = [prefix]
  let isType = true
  for (const part of parts) {
    const values = part.startsWith('{') ? valuesOf(input[part.slice(1, -1)], isType) : [part]
    if (part.includes('/')) isType = false
    names = names.flatMap((name) => values.map((value) => name + value))
  }
  return names
}

function valuesOf(value: unknown, isType: boolean): readonly string[] {
  if (value === undefined) return ['*']
  const values = (Array.isArray(value) ? value : [value]).map(String)
  return isType ? values.map((text) => text.toLowerCase()) : values
}
