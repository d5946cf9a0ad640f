import type { User } from '../schemas/users.js'
import type { UserService } from '../services/user-service.js'
import { integer, read } from './read.js'

// Maximum number of users in memory at once. Each user may have a large `data`.
const usersPerPage = 100

/** Reads the query of a list. Ignores unknown names. */
export function readPage (query: Record<string, unknown>): { skip: number, limit: number } {
  return { skip: readCount(query, 'skip', 0), limit: readCount(query, 'limit', 100) }
}

function readCount (query: Record<string, unknown>, name: string, absent: number): number {
  const value = lastOf(query[name])
  return value === undefined ? absent : read(integer(0, Number.MAX_SAFE_INTEGER), value, ['query', name])
}

/** Returns the value of a parameter of a query. If the query repeats the parameter, the last value counts. */
export function lastOf (value: unknown): string | undefined {
  return [value].flat().at(-1) as string | undefined
}

/** Yields at most `limit` users in order of creation, in pages. */
export async function * pagesOf (
  users: UserService, { skip, limit }: { skip: number, limit: number }
): AsyncGenerator<User[], undefined> {
  let from: { skip: number } | { after: string } | undefined = { skip }
  let left = limit
  while (left > 0 && from !== undefined) {
    const page: User[] = await users.list({ ...from, limit: Math.min(left, usersPerPage) })
    yield page
    const last = page.at(-1)
    from = last && { after: last.id }
    left -= page.length
  }
}

/** Yields the JSON of an array of users, in parts. `first` is the first page, or `undefined` if there is none. */
export async function * jsonOf (
  first: User[] | undefined, rest: AsyncGenerator<User[], undefined>, toItem: (user: User) => object
): AsyncGenerator<string> {
  yield '['
  let separator = ''
  for (let page = first; page !== undefined; page = (await rest.next()).value) {
    for (const user of page) {
      yield separator + JSON.stringify(toItem(user))
      separator = ','
    }
  }
  yield ']'
}
