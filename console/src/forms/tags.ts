/** Tags as a form holds them, and what it takes to make them so. Pure. */

export interface TagFields {
  readonly Key?: string
  readonly Value?: string
}

interface Tag {
  readonly Key: string
  readonly Value: string
}

export const filledTags = (tags: readonly TagFields[] | undefined): readonly Tag[] =>
  (tags ?? []).flatMap(({ Key, Value = '' }) => (Key ? [{ Key, Value }] : []))

/** What has to be set, and the keys that have to go. */
export function tagChanges(
  before: readonly TagFields[] | undefined,
  now: readonly TagFields[] | undefined,
): { readonly put: readonly Tag[]; readonly gone: readonly string[] } {
  const was = new Map(filledTags(before).map(({ Key, Value }) => [Key, Value]))
  const wanted = filledTags(now)
  const keys = new Set(wanted.map(({ Key }) => Key))
  return {
    put: wanted.filter(({ Key, Value }) => was.get(Key) !== Value),
    gone: [...was.keys()].filter((key) => !keys.has(key)),
  }
}
