/** Parameters and answer fields that the actions of many nouns have alike. */

export const regionId = { type: 'string', required: true } as const

/** Pages are numbered from 1; a page has at most 50 rows. */
export const pageParams = {
  PageNumber: { type: 'integer', min: 1, default: 1 },
  PageSize: { type: 'integer', min: 1, max: 50, default: 10 },
} as const

/** `TotalCount` counts every match, not those of the page. */
export const pageResult = {
  PageNumber: { type: 'number' },
  PageSize: { type: 'number' },
  TotalCount: { type: 'number' },
} as const

/** Tags to attach at creation; the rules beyond lengths stand in `tag/model.ts`. */
export const newTags = {
  type: 'list',
  maxItems: 20,
  item: {
    type: 'struct',
    fields: {
      Key: { type: 'string', maxLength: 64, minLength: 1 },
      Value: { type: 'string', maxLength: 128 },
    },
  },
} as const

/** Every given pair must match; a key alone matches any value. */
export const tagFilter = {
  type: 'list',
  maxItems: 20,
  item: { type: 'struct', fields: { Key: { type: 'string' }, Value: { type: 'string' } } },
} as const

export const tagsResult = {
  type: 'list',
  wrapper: 'Tag',
  item: { type: 'object', fields: { Key: { type: 'string' }, Value: { type: 'string' } } },
} as const
