import { apiError } from '../../rpc/errors.ts'
import { reservedTag } from '../patterns.ts'

export interface Tag {
  readonly Key: string
  readonly Value: string
}

/** A filter: the key alone matches any value. */
export interface TagFilter {
  readonly Key: string
  readonly Value?: string
}

/** Kinds of resources that carry tags: the vendor's `ResourceType` in lower case. */
export type TaggedKind = 'vpngateway' | 'vpnconnection' | 'customergateway' | 'vpc' | 'vswitch'

/** Refuses what the vendor's tag rules refuse (API description of TagResources, 2021), and a key that stands there twice. */
export function checkTags(
  tags: readonly { readonly Key?: string; readonly Value?: string }[],
  limit: number,
): readonly Tag[] {
  const seen = new Map<string, string>()
  for (const { Key, Value = '' } of tags) {
    if (Key === undefined) throw apiError('InvalidParameter.TagKey')
    if (reservedTag.test(Key)) throw apiError('InvalidTagKey.Malformed', { value: Key })
    if (reservedTag.test(Value)) throw apiError('InvalidTagValue.Malformed', { value: Value })
    if (seen.has(Key)) throw apiError('Duplicated.TagKey')
    seen.set(Key, Value)
  }
  if (seen.size > limit) throw apiError('QuotaExceeded.TagNum', { limit })
  return [...seen].map(([Key, Value]) => ({ Key, Value }))
}

export function checkTagFilters(
  filters: readonly { readonly Key?: string; readonly Value?: string }[],
): readonly TagFilter[] {
  const seen = new Set<string>()
  return filters.map(({ Key, Value }) => {
    if (Key === undefined) throw apiError('InvalidParameter.TagKey')
    if (seen.has(Key)) throw apiError('Duplicated.TagKey')
    seen.add(Key)
    return Value === undefined ? { Key } : { Key, Value }
  })
}
