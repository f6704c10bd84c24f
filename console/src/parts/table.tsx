/** A list of one noun: search and order in the address of the page, CSV, rows drawn only where they are seen. */
import { DownloadOutlined, SearchOutlined } from '@ant-design/icons'
import { Button, Grid, Input, Table, type TableColumnsType, type TableProps } from 'antd'
import {
  memo,
  type ReactNode,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { renderCsv } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { useChoice } from './address.ts'
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
  /** Further filters, beside the search: what to choose by, and which rows are chosen. */
  readonly filters?: ReactNode
  readonly where?: ((row: T) => boolean) | undefined
  /** Of several tables on a page: how the address calls this one. */
  readonly place?: string | undefined
}

/** Rows beyond this are drawn only where they are seen. */
const drawAll = 60
const rowHeight = 56
const rowClassName = () => 'row'

/**
 * Typing never waits for rows: they are found and drawn afterwards, in slices between which the browser answers, and so is
 * what the server tells meanwhile. For that the table is one element that stays the same until what it shows is another.
 */
export function ResourceTable<T extends object>(props: Props<T>) {
  const { name, rows, columns, rowKey, nothing, filters, where, place } = props
  const { t } = useWords()
  const inAddress = (what: string) => (place === undefined ? what : `${place}.${what}`)
  const [typed, setTyped] = useTyped(inAddress('q'))
  const [asked, setOrder] = useChoice(inAddress('sort'))
  const order = useDeferredValue(asked)
  const wanted = useDeferredValue(typed.trim().toLowerCase())
  const given = useDeferredValue(rows)
  const chosen = useDeferredValue(where)
  const texts = useMemo(() => searched(columns), [columns])
  const found = useMemo(
    () => given.filter((row) => (!chosen || chosen(row)) && (wanted === '' || texts(row).includes(wanted))),
    [given, chosen, texts, wanted],
  )
  const height = useTableHeight()
  const roomy = useRoom()
  const by = useMemo(() => orderBy(columns, order), [columns, order])
  const sorted = useMemo(() => (by ? inOrder(found, by) : found), [found, by])
  const shown = useMemo(() => columnsOf(columns, roomy, by), [columns, roomy, by])
  const virtual = found.length > drawAll
  const stacked = !roomy && !virtual
  const emptyText =
    found.length > 0 ? null : given.length > 0 ? <Nothing text={t('list.nothingFound')} /> : nothing
  const table = useMemo(
    () => (
      <Table<T>
        size="middle"
        className={stacked ? 'stacked' : undefined}
        rowKey={rowKey}
        dataSource={sorted}
        columns={shown}
        onChange={(_, __, sorter) => {
          const { columnKey, order } = Array.isArray(sorter) ? sorter[0]! : sorter
          setOrder(order ? `${order === 'descend' ? '-' : ''}${String(columnKey)}` : undefined)
        }}
        pagination={false}
        // Above the head it would lie on the filters.
        showSorterTooltip={{ placement: 'bottom' }}
        virtual={virtual}
        scroll={{
          ...(stacked ? {} : { x: columns.reduce((sum, column) => sum + column.width, 0) }),
          ...(virtual ? { y: height.pixels } : {}),
        }}
        rowClassName={rowClassName}
        locale={{
          emptyText,
          triggerAsc: t('list.sortUp'),
          triggerDesc: t('list.sortDown'),
          cancelSort: t('list.sortNot'),
        }}
      />
    ),
    [sorted, shown, setOrder, columns, rowKey, virtual, stacked, height.pixels, emptyText, t],
  )
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
          onChange={(event) => setTyped(event.target.value)}
        />
        {filters}
        <span className="muted count" role="status">
          {found.length === given.length
            ? t('list.count', { count: given.length })
            : t('list.found', { count: found.length, total: given.length })}
        </span>
        <CsvButton
          name={name}
          head={written.map((column) => column.csv?.title ?? column.title)}
          rows={() => sorted.map((row) => written.map((column) => (column.csv?.of ?? column.text)(row)))}
        />
      </div>
      <div ref={height.ref}>{table}</div>
    </section>
  )
}

/** Whether there is room for a table. Where there is none its rows stand as cards, in which each cell says what it is (styles.css). */
const useRoom = () => Grid.useBreakpoint().md ?? true

const labelOf = (title: unknown) =>
  ({ 'data-label': typeof title === 'string' ? title : '' }) as React.HTMLAttributes<HTMLElement>

/**
 * A table among others on its page; many rows are a box with a scroll bar of its own, and drawn where they are seen. The first
 * cell of a row is its name. `scroll.x` is a number.
 */
export function SmallTable<T extends object>({ columns, scroll, ...table }: TableProps<T>) {
  const roomy = useRoom()
  const virtual = (table.dataSource?.length ?? 0) > drawAll
  const stacked = !roomy && !virtual
  return (
    <Table<T>
      size="small"
      pagination={false}
      className={stacked ? 'stacked' : undefined}
      virtual={virtual}
      scroll={stacked ? undefined : { ...scroll, ...(virtual ? { y: 8 * rowHeight } : {}) }}
      columns={columns?.map((column, index) => ({
        ...column,
        align: roomy ? column.align : undefined,
        onCell: () => labelOf(index === 0 ? '' : column.title),
      }))}
      {...table}
    />
  )
}

/** Milliseconds without a key until what was typed stands in the address: browsers allow few changes of it. */
const typingRests = 250

/** What is typed into the search; the address follows it, and it follows the address. */
function useTyped(name: string): readonly [string, (text: string) => void] {
  const [asked = '', ask] = useChoice(name)
  const [typed, setTyped] = useState(asked)
  useEffect(() => setTyped(asked), [asked])
  // A layout effect ends with the page's being seen; another would go on behind a page that is still on its way, and call this back.
  useLayoutEffect(() => {
    if (typed === asked) return
    const timer = setTimeout(() => ask(typed), typingRests)
    return () => clearTimeout(timer)
  }, [typed, asked, ask])
  return [typed, setTyped]
}

interface Order<T> {
  readonly column: Column<T>
  readonly down: boolean
}

/** `rate`, or `-rate` for the greatest first, as the address says it. */
function orderBy<T>(columns: readonly Column<T>[], order: string | undefined): Order<T> | undefined {
  if (order === undefined) return undefined
  const down = order.startsWith('-')
  const key = down ? order.slice(1) : order
  const column = columns.find((one) => one.sortable !== false && one.key === key)
  return column && { column, down }
}

const collator = new Intl.Collator(undefined, { numeric: true })

function inOrder<T>(rows: readonly T[], { column, down }: Order<T>): T[] {
  const compare = (a: string | number, b: string | number) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b))
  return rows
    .map((row) => ({ row, text: column.text(row) }))
    .sort((a, b) => (down ? compare(b.text, a.text) : compare(a.text, b.text)))
    .map(({ row }) => row)
}

/** The text of a row that is searched, made once for as long as the row stays as it is. */
function searched<T extends object>(columns: readonly Column<T>[]): (row: T) => string {
  const texts = new WeakMap<T, string>()
  return (row) => {
    const known = texts.get(row)
    if (known !== undefined) return known
    const text = columns.map((column) => String(column.text(row)).toLowerCase()).join('\n')
    texts.set(row, text)
    return text
  }
}

/** A cell is drawn again when its row or its column is another one. */
const Cell = memo(function Cell<T>({ row, column }: { readonly row: T; readonly column: Column<T> }) {
  return column.show(row)
}) as <T>(props: { readonly row: T; readonly column: Column<T> }) => ReactNode

const columnsOf = <T extends object>(
  columns: readonly Column<T>[],
  roomy: boolean,
  by: Order<T> | undefined,
): TableColumnsType<T> =>
  columns.map((column, index) => ({
    key: column.key,
    title: column.title,
    width: column.fixed === 'left' && !roomy ? 168 : column.width,
    ellipsis: true,
    fixed: roomy ? column.fixed : undefined,
    align: roomy ? column.align : undefined,
    className: column.minor ? 'minor' : undefined,
    onCell: () => labelOf(column.sortable === false || index === 0 ? '' : column.title),
    render: (_, row) => <Cell row={row} column={column} />,
    // The rows come in that order already.
    ...(column.sortable === false
      ? {}
      : { sorter: true, sortOrder: by?.column === column ? (by.down ? 'descend' : 'ascend') : null }),
  }))

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
