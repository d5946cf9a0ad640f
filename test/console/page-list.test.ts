import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { ApiError } from '../../src/console/api-error.js'
import { PageList } from '../../src/console/page-list.js'

interface Row { id: string }

/** Creates a list over rows that the test may change, two a page. The API reads them in order, after an id. */
function createList (count: number) {
  const server = {
    rows: Array.from({ length: count }, (_, i): Row => ({ id: `row-${i}` })),
    requests: [] as string[],
    error: undefined as unknown,
    delay: (_query: string): Promise<void> | undefined => undefined
  }
  const order = (id: string) => Number(id.slice(4))
  const list = new PageList<Row>('?', async (query, signal) => {
    server.requests.push(query)
    const { error } = server
    await server.delay(query)
    await setImmediate()
    if (error !== undefined) throw error
    signal.throwIfAborted()
    const after = new URLSearchParams(query).get('after')
    const rest = server.rows.filter(({ id }) => after === null || order(id) > order(after))
    const rows = rest.slice(0, 2)
    return { rows, next: rest.length > 2 ? `?after=${rows.at(-1)?.id}` : undefined }
  })
  return { list, server }
}

const settle = async () => { for (let i = 0; i < 5; i++) await setImmediate() }
const ids = (list: PageList<Row>) => list.pages.map(({ rows }) => rows?.map(({ id }) => id.slice(4)).join() ?? '-')

t.test('page list: follows the links, one page after the other', async (t) => {
  const { list, server } = createList(5)
  let changes = 0
  list.onChange = () => { changes++ }
  t.equal(list.isLoaded, false)
  list.show(0)
  await settle()
  t.same(ids(list), ['0,1', '-'])
  t.equal(list.isLoaded, true)
  list.show(1)
  await settle()
  list.show(2)
  await settle()
  t.same(ids(list), ['0,1', '2,3', '4'])
  t.same(server.requests, ['?', '?after=row-1', '?after=row-3'])
  t.ok(changes >= 3)
})

t.test('page list: an empty list is empty only after it is loaded', async (t) => {
  const { list } = createList(0)
  t.equal(list.isEmpty, false)
  list.show(0)
  await settle()
  t.equal(list.isEmpty, true)
  t.equal(list.isLoaded, true)
})

t.test('page list: holds the rows of few pages, however far somebody scrolls', async (t) => {
  const { list, server } = createList(200)
  for (let index = 0; index < 100; index++) {
    list.show(index)
    await settle()
    if (index > 0) list.hide(index - 1, 40)
  }
  t.equal(list.pages.length, 100)
  t.ok(list.pages.filter(({ rows }) => rows !== undefined).length <= 4)
  t.equal(list.pages[50]?.height, 40, 'a dropped page keeps its height')
  list.show(50)
  await settle()
  t.equal(ids(list)[50], '100,101', 'and is loaded again')
  t.equal(server.requests.at(-1), '?after=row-99')
})

t.test('page list: a visible page is not loaded twice', async (t) => {
  const { list, server } = createList(3)
  list.show(0)
  list.show(0)
  await settle()
  list.show(0)
  list.show(7)
  await settle()
  t.same(server.requests, ['?'])
})

t.test('page list: hiding a page that is not shown or not loaded changes nothing', async (t) => {
  const { list } = createList(3)
  list.hide(1, 10)
  list.hide(0, 10)
  t.same(list.pages, [{ query: '?', rows: undefined, height: 0 }])
  t.equal(list.isVisible(0), false)
})

t.test('page list: an error stays until a request succeeds', async (t) => {
  const { list, server } = createList(3)
  server.error = new ApiError(503, 'Storage cannot answer now')
  list.show(0)
  await settle()
  t.match(list.error, { status: 503 })
  server.error = undefined
  list.reload()
  await settle()
  t.equal(list.error, undefined)
  t.same(ids(list), ['0,1', '-'])
})

t.test('page list: the error of a visible page stays when another page is loaded', async (t) => {
  const { list, server } = createList(9)
  for (const index of [0, 1]) {
    list.show(index)
    await settle()
  }
  const error = new ApiError(503, 'Storage cannot answer now')
  server.delay = (query) => query === '?' ? Promise.reject(error) : undefined
  list.reload()
  await settle()
  t.equal(list.error, error)
  list.hide(0, 40)
  list.show(2)
  await settle()
  t.equal(list.error, undefined, 'nobody sees the page that failed')
})

t.test('page list: a cancelled request is no error', async (t) => {
  const { list } = createList(3)
  list.show(0)
  list.stop()
  await settle()
  t.equal(list.error, undefined)
  t.equal(list.isLoaded, false)
})

t.test('page list: a reply or an error after a cancellation does not count', async (t) => {
  const { list, server } = createList(3)
  for (const error of [undefined, new Error('late')]) {
    let release = () => {}
    const delay = new Promise<void>((resolve) => { release = resolve })
    server.delay = () => delay
    server.error = error
    list.show(0)
    list.stop()
    release()
    await settle()
    t.equal(list.error, undefined)
  }
  t.equal(list.isLoaded, false)
})

t.test('page list: a reload keeps the visible rows until the reply', async (t) => {
  const { list, server } = createList(9)
  for (const index of [0, 1, 2]) {
    list.show(index)
    await settle()
  }
  list.hide(0, 40)
  server.rows.splice(2, 1)
  list.reload()
  t.same(ids(list), ['-', '2,3', '4,5', '-'])
  await settle()
  t.same(ids(list), ['-', '3', '4,5', '-'], 'the page ends where the next one begins')
})

t.test('page list: new rows at the start move the pages after them', async (t) => {
  const { list, server } = createList(4)
  list.show(0)
  await settle()
  list.show(1)
  await settle()
  server.rows.unshift({ id: 'row--1' }, { id: 'row--2' })
  list.reload()
  await settle()
  t.same(ids(list), ['-1,-2', '-'], 'the next page begins elsewhere')
  t.equal(list.isVisible(1), false, 'so it is shown anew')
  list.hide(0, 40)
})

t.test('page list: a later page may arrive before an earlier one', async (t) => {
  const { list, server } = createList(4)
  list.show(0)
  await settle()
  list.show(1)
  await settle()
  let release = () => {}
  const delay = new Promise<void>((resolve) => { release = resolve })
  server.delay = (query) => query === '?' ? delay : undefined
  server.rows.push({ id: 'row-4' })
  list.reload()
  await settle()
  t.same(ids(list), ['0,1', '2,3', '-'])
  server.rows.shift()
  release()
  await settle()
  t.same(ids(list), ['1', '2,3', '-'], 'the request of the earlier page goes on')
})

t.test('page list: a list that has become shorter ends earlier', async (t) => {
  const { list, server } = createList(4)
  list.show(0)
  await settle()
  server.rows = server.rows.slice(0, 1)
  list.reload()
  await settle()
  t.same(ids(list), ['0'])
})

t.test('page list: a row can be replaced and removed', async (t) => {
  const { list } = createList(2)
  list.show(0)
  await settle()
  list.update('row-0', (row) => ({ ...row, name: 'new' }))
  t.match(list.pages[0]?.rows, [{ id: 'row-0', name: 'new' }, { id: 'row-1' }])
  list.update('row-0', () => undefined)
  list.update('row-9', () => undefined)
  t.same(ids(list), ['1'])
})
