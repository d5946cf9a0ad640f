import { ApiError, toApiError } from './api-error.js'

/** Number of rows of a page. */
export const pageSize = 50

/** A page of an endless list. Only pages near the visible ones hold their rows. */
export interface Page<Row> {
  /** Query of the page: the one of the list, or that of the `Link` header of the page before. */
  readonly query: string
  /** `undefined` while the page is not loaded. */
  readonly rows: readonly Row[] | undefined
  /** Height when the page was last shown, in pixels. 0 if it never was. */
  readonly height: number
}

export interface FetchedPage<Row> {
  rows: Row[]
  next: string | undefined
}

/** Pages on each side of the visible ones that keep their rows. */
const margin = 3

/**
 * Holds an endless list. The list follows the `Link` headers, and drops the rows of pages that are far from the visible
 * ones, so that its memory does not grow. A dropped page is loaded again when it becomes visible.
 */
export class PageList<Row extends { id: string }> {
  /** The last page may be one that is not loaded yet. */
  pages: ReadonlyArray<Page<Row>>
  /** The fault of the last request that failed, until its page is loaded or hidden and another request succeeds. */
  error: ApiError | undefined
  /** Called after each change. */
  onChange: () => void = () => {}
  readonly #fetchPage: (query: string, signal: AbortSignal) => Promise<FetchedPage<Row>>
  readonly #visible = new Set<number>([0])
  readonly #requests = new Map<number, AbortController>()
  /** The page that `error` is about. */
  #failed = 0

  constructor (query: string, fetchPage: (query: string, signal: AbortSignal) => Promise<FetchedPage<Row>>) {
    this.pages = [{ query, rows: undefined, height: 0 }]
    this.#fetchPage = fetchPage
  }

  /** Returns whether the first page has been loaded once. */
  get isLoaded (): boolean {
    return this.pages.length > 1 || this.pages[0]?.rows !== undefined
  }

  get isEmpty (): boolean {
    return this.pages.length === 1 && this.pages[0]?.rows?.length === 0
  }

  /** Returns whether a page is shown, or will be. */
  isVisible (index: number): boolean {
    return this.#visible.has(index)
  }

  /** Shows a page, and loads it if its rows are absent. */
  show (index: number): void {
    if (this.#visible.has(index) && this.pages[index]?.rows !== undefined) return
    this.#visible.add(index)
    this.#dropFarRows()
    this.onChange()
    if (this.pages[index]?.rows === undefined) this.#load(index)
  }

  /** Hides a page that had this height. */
  hide (index: number, height: number): void {
    if (!this.#visible.delete(index)) return
    if (this.pages[index]?.rows !== undefined) this.#change(index, { height })
    this.#dropFarRows()
    this.onChange()
  }

  /** Loads the visible pages again. Their rows stay until the replies arrive. */
  reload (): void {
    this.stop()
    this.pages = this.pages.map((page, i) => this.#visible.has(i) ? page : { ...page, rows: undefined })
    for (const index of this.#visible) this.#load(index)
  }

  /** Replaces a row, or removes it if `change` returns `undefined`. */
  update (id: string, change: (row: Row) => Row | undefined): void {
    this.pages = this.pages.map((page) => page.rows?.some((row) => row.id === id)
      ? { ...page, rows: page.rows.flatMap((row) => row.id === id ? change(row) ?? [] : row) }
      : page)
    this.onChange()
  }

  /** Cancels the requests of all pages after this index, by default of all pages. */
  stop (index = -1): void {
    for (const [later, request] of this.#requests) {
      if (later <= index) continue
      request.abort()
      this.#requests.delete(later)
    }
  }

  async #load (index: number): Promise<void> {
    const page = this.pages[index]
    if (page === undefined || this.#requests.has(index)) return
    const request = new AbortController()
    this.#requests.set(index, request)
    const fetched = await this.#fetchPage(page.query, request.signal).catch(toApiError)
    // Somebody has cancelled the request, which may have succeeded anyway.
    if (this.#requests.get(index) !== request) return
    this.#requests.delete(index)
    if (fetched instanceof ApiError) {
      this.error = fetched
      this.#failed = index
    } else {
      this.#keep(index, fetched)
      if (index === this.#failed || !this.#visible.has(this.#failed)) this.error = undefined
    }
    this.onChange()
  }

  #keep (index: number, { rows, next }: FetchedPage<Row>): void {
    const following = this.pages[index + 1]
    const boundary = following && new URLSearchParams(following.query).get('after')
    const end = rows.findIndex(({ id }) => id === boundary)
    if (end >= 0) {
      // Rows have been deleted, so that the page now reaches into the following page.
      this.#change(index, { rows: rows.slice(0, end + 1) })
      return
    }
    // The row at the boundary is gone, or this page is the last one, so the following pages begin elsewhere.
    this.stop(index)
    for (const visible of this.#visible) if (visible > index) this.#visible.delete(visible)
    this.#change(index, { rows })
    this.pages = [
      ...this.pages.slice(0, index + 1),
      ...next === undefined ? [] : [{ query: next, rows: undefined, height: 0 }]
    ]
  }

  #change (index: number, changes: Partial<Page<Row>>): void {
    this.pages = this.pages.map((page, i) => i === index ? { ...page, ...changes } : page)
  }

  #dropFarRows (): void {
    const first = Math.min(...this.#visible) - margin
    const last = Math.max(...this.#visible) + margin
    if (this.#visible.size === 0) return
    this.pages = this.pages.map((page, i) =>
      page.rows !== undefined && (i < first || i > last) ? { ...page, rows: undefined } : page)
  }
}
