/** Tags in lists and facts: shown as they are searched for. */
import type { Translate } from '../i18n.tsx'
import { Mark } from './mark.tsx'
import type { Column } from './table.tsx'

type Tags = readonly { readonly Key?: string; readonly Value?: string }[] | undefined

const written = ({ Key, Value }: { readonly Key?: string; readonly Value?: string }) =>
  Value ? `${Key}:${Value}` : (Key ?? '')

export function TagMarks({ tags }: { readonly tags: Tags }) {
  return tags?.map((tag) => (
    <span key={tag.Key}>
      <Mark tone="none">{written(tag)}</Mark>{' '}
    </span>
  ))
}

export const tagsColumn = <T,>(t: Translate, of: (row: T) => Tags): Column<T> => ({
  key: 'tags',
  title: t('field.tags'),
  width: 200,
  text: (row) => of(row)?.map(written).join(' ') ?? '',
  show: (row) => <TagMarks tags={of(row)} />,
})
