/** A list of one noun: search, filters in the address of the page, CSV, rows drawn only where they are seen. */
import { DownloadOutlined, SearchOutlined } from '@ant-design/icons'
import { Button, Grid, Input, Table, type TableColumnsType, type TableProps } from 'antd'
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { useSearchParams } from 'wouter'
import { renderCsv } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { Nothing } from './states.tsx'

export interface Column<T> {
  readonly key: string
  readonly title: string
  readonly width: number
  readonly show: (row: T) => ReactNode
  /** As text: what is searched, sorted by and written into the CSV. */
  readonly text: (row: T) => string | number
  readonly sortable?: boolean
  /** At this edge it stays in sight when the rest is scrolled sideways, where there is room for that. */
  readonly fixed?: 'left' | 'right'
  /** Numbers stand under each other by their last digit. */
  readonly align?: 'right'
  /** Left out where a row stands as a card; the page of the thing has it. */
  readonly minor?: boolean
  /** In the CSV, where that differs from what the page shows. */
  readonly csv?: { readonly title: string; readonly of: (row: T) => string | number }
}

interface Props<T> {
  /** What the table is, for who cannot see it; and the name of the CSV. */
  readonly name: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => string
  readonly nothing: ReactNode
  /** Further filters, beside the search. */
  readonly filters?: ReactNode
}

/** Rows beyond this are drawn only where they are seen. */
const drawAll = 60
const rowHeight = 56

export function ResourceTable<T extends object>({ name, rows, columns, rowKey, nothing, filters }: Props<T>) {
  const { t } = useWords()
  const [params, setParams] = useSearchParams()
  const asked = params.get('q') ?? ''
  const [typed, setTyped] = useState(asked)
  useEffect(() => setTyped(asked), [asked])
  const wanted = useDeferredValue(typed.trim().toLowerCase())
  const found = useMemo(
    () =>
      wanted === ''
        ? rows
        : rows.filter((row) =>
            columns.some((column) => String(column.text(row)).toLowerCase().includes(wanted)),
          ),
    [rows, columns, wanted],
  )
  const height = useTableHeight()
  const roomy = useRoom()

  const search = (text: string) => {
    setTyped(text)
    setParams(
      (before) => {
        const next = new URLSearchParams(before)
        if (text === '') next.delete('q')
        else next.set('q', text)
        return next
      },
      { replace: true },
    )
  }

  const shown: TableColumnsType<T> = columns.map((column, index) => ({
    key: column.key,
    title: column.title,
    width: column.fixed === 'left' && !roomy ? 168 : column.width,
    ellipsis: true,
    fixed: roomy ? column.fixed : undefined,
    align: roomy ? column.align : undefined,
    className: column.minor ? 'minor' : undefined,
    onCell: () => labelOf(column.sortable === false || index === 0 ? '' : column.title),
    render: (_, row) => column.show(row),
    ...(column.sortable === false
      ? {}
      : {
          sorter: (a: T, b: T) => {
            const [left, right] = [column.text(a), column.text(b)]
            return typeof left === 'number' && typeof right === 'number'
              ? left - right
              : String(left).localeCompare(String(right), undefined, { numeric: true })
          },
        }),
  }))
  const virtual = found.length > drawAll
  const stacked = !roomy && !virtual
  /** Buttons are no text. */
  const written = columns.filter((column) => column.sortable !== false)
  return (
    <section aria-label={name}>
      <div className="toolbar">
        <Input
          allowClear
          className="search"
          prefix={<SearchOutlined aria-hidden />}
          value={typed}
          placeholder={t('list.search')}
          aria-label={t('list.search')}
          onChange={(event) => search(event.target.value)}
        />
        {filters}
        <span className="muted count" role="status">
          {found.length === rows.length
            ? t('list.count', { count: rows.length })
            : t('list.found', { count: found.length, total: rows.length })}
        </span>
        <CsvButton
          name={name}
          head={written.map((column) => column.csv?.title ?? column.title)}
          rows={() => found.map((row) => written.map((column) => (column.csv?.of ?? column.text)(row)))}
        />
      </div>
      <div ref={height.ref}>
        <Table<T>
          size="middle"
          className={stacked ? 'stacked' : undefined}
          rowKey={rowKey}
          dataSource={found as T[]}
          columns={shown}
          pagination={false}
          // Above the head it would lie on the filters.
          showSorterTooltip={{ placement: 'bottom' }}
          virtual={virtual}
          scroll={{
            ...(stacked ? {} : { x: columns.reduce((sum, column) => sum + column.width, 0) }),
            ...(virtual ? { y: height.pixels } : {}),
          }}
          rowClassName={() => 'row'}
          locale={{
            emptyText: rows.length > 0 ? <Nothing text={t('list.nothingFound')} /> : nothing,
            triggerAsc: t('list.sortUp'),
            triggerDesc: t('list.sortDown'),
            cancelSort: t('list.sortNot'),
          }}
        />
      </div>
    </section>
  )
}

/** Whether there is room for a table. Where there is none its rows stand as cards, in which each cell says what it is (styles.css). */
const useRoom = () => Grid.useBreakpoint().md ?? true

const labelOf = (title: unknown) =>
  ({ 'data-label': typeof title === 'string' ? title : '' }) as React.HTMLAttributes<HTMLElement>

/** A few rows of which all are shown. The first cell of a row is its name. */
export function SmallTable<T extends object>({ columns, scroll, ...table }: TableProps<T>) {
  const roomy = useRoom()
  return (
    <Table<T>
      size="small"
      pagination={false}
      className={roomy ? undefined : 'stacked'}
      scroll={roomy ? scroll : undefined}
      columns={columns?.map((column, index) => ({
        ...column,
        align: roomy ? column.align : undefined,
        onCell: () => labelOf(index === 0 ? '' : column.title),
      }))}
      {...table}
    />
  )
}

/** What is left of the window below the table's head, at least six rows. */
function useTableHeight() {
  const ref = useRef<HTMLDivElement>(null)
  const [pixels, setPixels] = useState(6 * rowHeight)
  useEffect(() => {
    const measure = () => {
      const top = (ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY
      setPixels(Math.max(6 * rowHeight, window.innerHeight - top - 90))
    }
    measure()
    window.addEventListener('resize', measure)
    return () => window.removeEventListener('resize', measure)
  }, [])
  return { ref, pixels }
}

/** Above a small table: what it is, and its CSV. */
export function TableTitle({
  title,
  head,
  rows,
}: {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: () => readonly (readonly (string | number)[])[]
}) {
  return (
    <div className="table-title">
      <h3>{title}</h3>
      <CsvButton name={title} head={head} rows={rows} />
    </div>
  )
}

export function CsvButton({
  name,
  head,
  rows,
}: {
  readonly name: string
  readonly head: readonly string[]
  readonly rows: () => readonly (readonly (string | number)[])[]
}) {
  const { t } = useWords()
  const save = () => saveFile(`${name}.csv`, 'text/csv', `\uFEFF${renderCsv(head, rows())}`)
  return (
    <Button icon={<DownloadOutlined aria-hidden />} onClick={save}>
      {t('action.csv')}
    </Button>
  )
}

/** Hands a text to the browser as a download. */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
