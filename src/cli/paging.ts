const pageSize = 1000

/** Yields the pages of a list, until the list ends or `limit` records are yielded. */
export async function * pagesOf<T extends { id: string }> (
  list: (page: { limit: number, after: string | undefined }) => Promise<T[]>, limit = Infinity
): AsyncGenerator<T[]> {
  let after: string | undefined
  for (let left = limit; left > 0;) {
    const size = Math.min(left, pageSize)
    const page = await list({ limit: size, after })
    // The first page is yielded even if it is empty, so that a table has its header.
    if (page.length > 0 || after === undefined) yield page
    left = page.length < size ? 0 : left - size
    after = page.at(-1)?.id
  }
}
