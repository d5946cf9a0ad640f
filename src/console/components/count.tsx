import { useConsole } from '../context.js'
import type { PageList } from '../page-list.js'
import { useLoaded } from '../use-list.js'

/**
 * Returns the number of all rows of a list, or `undefined` while it is not known. The API counts only if there is more
 * than one page, in a request of its own, so that the page does not wait for it.
 */
export function useTotal<Row extends { id: string }> (
  path: string, filters: Record<string, string>, list: PageList<Row>, isCurrent: boolean
): number | undefined {
  const { api } = useConsole()
  const isMore = isCurrent && list.pages.length > 1
  const rows = list.pages[0]?.rows?.length
  const query = { ...filters, limit: '1', count: 'true' }
  const { value } = useLoaded(isMore ? JSON.stringify(query) : '', async (signal) =>
    isMore ? (await api('GET', path, { query, signal })).total : undefined)
  return isMore ? value : isCurrent && list.isLoaded ? rows : undefined
}

/** Shows the number of all rows. Screen readers read it aloud when it changes. */
export function Count ({ total, one, many }: { total: number | undefined, one: string, many: string }) {
  return (
    <span class='muted' role='status'>
      {total !== undefined && `${total.toLocaleString('en')} ${total === 1 ? one : many}`}
    </span>
  )
}
