/** A page that lists one noun, from which its things are made, changed and removed. */
import { PlusOutlined } from '@ant-design/icons'
import { Button, Card } from 'antd'
import { type ReactNode, useState } from 'react'
import { formatTime } from '../format.ts'
import type { Language } from '../i18n.tsx'
import { RowActions } from './actions.tsx'
import { PageHead } from './page.tsx'
import { type Asked, Nothing, Shown } from './states.tsx'
import { type Column, ResourceTable } from './table.tsx'

interface ListProps<T> {
  /** What is listed; it names the table and its CSV. */
  readonly title: string
  readonly query: Asked<readonly T[]>
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => string
  /** Said when there is none, above the button that makes the first. */
  readonly none: string
  readonly create: ReactNode
  /** Further filters: what to choose by, and which rows are chosen. */
  readonly filters?: ReactNode
  readonly where?: ((row: T) => boolean) | undefined
  /** Of several lists on a page: how the address calls this one. */
  readonly place?: string
}

export function ResourceList<T extends object>(props: ListProps<T>) {
  const { title, query, columns, rowKey, none, create, filters, where, place } = props
  return (
    <Shown query={query}>
      {(rows) => (
        <ResourceTable
          name={title}
          rows={rows}
          where={where}
          columns={columns}
          rowKey={rowKey}
          nothing={<Nothing text={none}>{create}</Nothing>}
          filters={filters}
          place={place}
        />
      )}
    </Shown>
  )
}

export function CreateButton({
  children,
  second,
  onClick,
}: {
  readonly children: ReactNode
  /** Not the first thing to do on its page. */
  readonly second?: boolean
  readonly onClick: () => void
}) {
  return (
    <Button type={second ? 'default' : 'primary'} icon={<PlusOutlined aria-hidden />} onClick={onClick}>
      {children}
    </Button>
  )
}

interface PageProps<T> extends Omit<ListProps<T>, 'columns' | 'create'> {
  /** `edit` opens the form of a row. */
  readonly columns: (edit: (row: T) => void) => readonly Column<T>[]
  /** What the button says that makes one. */
  readonly create: string
  /** @param row absent: a new one */
  readonly form: (row: T | undefined, close: () => void) => ReactNode
}

export function ListPage<T extends object>({ columns, create, form, ...list }: PageProps<T>) {
  const [open, setOpen] = useState<'new' | T>()
  const button = <CreateButton onClick={() => setOpen('new')}>{create}</CreateButton>
  return (
    <>
      <PageHead title={list.title} actions={button} />
      <Card>
        <ResourceList {...list} columns={columns(setOpen)} create={button} />
      </Card>
      {open && form(open === 'new' ? undefined : open, () => setOpen(undefined))}
    </>
  )
}

/** Name above id; the id alone where nobody gave a name. `link`: where it leads to. */
export function nameColumn<T>(
  title: string,
  of: (row: T) => { readonly name: string | undefined; readonly id: string },
  link?: (children: ReactNode, id: string) => ReactNode,
): Column<T> {
  return {
    key: 'name',
    title,
    width: 232,
    fixed: 'left',
    text: (row) => {
      const { name, id } = of(row)
      return `${name ?? ''} ${id}`.trim()
    },
    show: (row) => {
      const { name, id } = of(row)
      return (
        <>
          <div className="one-line" title={name || id}>
            {link ? link(name || id, id) : name || id}
          </div>
          {name && <div className="one-line id">{id}</div>}
        </>
      )
    },
  }
}

export function actionsColumn<T>(title: string, of: (row: T) => Parameters<typeof RowActions>[0]): Column<T> {
  return {
    key: 'actions',
    title,
    width: 128,
    fixed: 'right',
    sortable: false,
    text: () => '',
    show: (row) => <RowActions {...of(row)} />,
  }
}

/** A point in time. The CSV has it as every program reads it (RFC 3339). @param of epoch milliseconds */
export function timeColumn<T>(
  key: string,
  title: string,
  of: (row: T) => number,
  language: Language,
): Column<T> {
  return {
    key,
    title,
    width: 180,
    text: of,
    show: (row) => formatTime(of(row), language),
    csv: { title, of: (row) => new Date(of(row)).toISOString() },
  }
}
