import { Component, type ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { pageSize, type Page, type PageList } from '../page-list.js'
import { Failure } from './failure.js'

interface TableProps<Row extends { id: string }> {
  /** Name of the table, which screen readers read. */
  label: string
  /** Class that sets the widths of the columns. */
  class: string
  columns: readonly string[]
  list: PageList<Row>
  /** Whether the list belongs to the current filters. */
  isCurrent: boolean
  /** Number of all rows, if it is known. */
  total?: number | undefined
  /** Shown if there are no rows. */
  empty: ComponentChildren
  /** Returns the cells of a row. Must stay the same function while the cells stay the same. */
  renderCells: (row: Row) => ComponentChildren[]
}

/**
 * An endless table. Only the rows of pages near the viewport are in the document. A page that has left the viewport is
 * an empty element of the same height.
 */
export function Table<Row extends { id: string }> ({
  label, class: className, columns, list, isCurrent, total, empty, renderCells
}: TableProps<Row>) {
  const observer = useRef<IntersectionObserver>(undefined)
  const listRef = useRef(list)
  listRef.current = list
  useLayoutEffect(() => () => observer.current?.disconnect(), [])
  observer.current ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting, boundingClientRect: { height } } of entries) {
      // The element of a list that is gone may still be reported.
      if (!target.isConnected) continue
      const index = Number((target as HTMLElement).dataset.index)
      if (isIntersecting) listRef.current.show(index)
      // A row that has the focus stays in the document.
      else if (!target.contains(document.activeElement)) listRef.current.hide(index, height)
    }
  }, { rootMargin: '800px' })

  if (list.isEmpty) return <div class='empty'>{empty}</div>
  const failure = list.error !== undefined && <Failure error={list.error} retry={() => list.reload()} />
  if (failure && !list.isLoaded) return failure
  return (
    <>
      <div
        role='table' class={`table ${className}`} aria-label={label} aria-busy={!isCurrent || !list.isLoaded}
        aria-rowcount={total === undefined ? -1 : total + 1} data-stale={!isCurrent || undefined}
      >
        <div role='rowgroup' class='head'>
          <div role='row' class='row' aria-rowindex={1}>
            {columns.map((column) => (
              <span role='columnheader' key={column} data-label={column}>{column}</span>
            ))}
          </div>
        </div>
        {list.pages.map((page, index) => (
          <PageOfRows
            key={page.query} page={page} index={index} columns={columns} renderCells={renderCells}
            isShown={list.isVisible(index)} observer={observer.current as IntersectionObserver}
          />
        ))}
      </div>
      {failure}
    </>
  )
}

interface PageProps<Row> {
  page: Page<Row>
  index: number
  columns: readonly string[]
  isShown: boolean
  renderCells: (row: Row) => ComponentChildren[]
  observer: IntersectionObserver
}

function PageOfRows<Row extends { id: string }> ({ isShown, observer, ...page }: PageProps<Row>) {
  const { page: { rows, height }, index } = page
  const ref = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = ref.current as HTMLDivElement
    observer.observe(element)
    return () => observer.unobserve(element)
  }, [])
  const isEmpty = !isShown || rows === undefined
  return (
    <div
      ref={ref} class={isEmpty ? 'pending' : 'page-of-rows'} role={isEmpty ? undefined : 'rowgroup'} data-index={index}
      style={{ height: isEmpty && height > 0 ? `${height}px` : '' }}
    >{!isEmpty && <Rows {...page} rows={rows} />}
    </div>
  )
}

interface RowsProps<Row> extends Pick<PageProps<Row>, 'index' | 'columns' | 'renderCells'> {
  rows: readonly Row[]
}

/** The rows of a page. They are rendered again only if they change. */
class Rows<Row extends { id: string }> extends Component<RowsProps<Row>> {
  // With `useMemo`, the elements of all pages that were ever shown would stay in memory: each one refers to its parent.
  override shouldComponentUpdate (next: RowsProps<Row>): boolean {
    return next.rows !== this.props.rows || next.renderCells !== this.props.renderCells
  }

  override render ({ rows, index, columns, renderCells }: RowsProps<Row>) {
    return rows.map((row, i) => (
      <div role='row' class='row' key={row.id} aria-rowindex={index * pageSize + i + 2}>
        {renderCells(row).map((cell, column) => (
          <div role='cell' key={column} data-label={columns[column]}>{cell}</div>
        ))}
      </div>
    ))
  }
}
