// Scrolls and searches long lists of the console in a browser. CONSOLE_USERS sets the number of users, such as 1000000.
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { openBrowser, skip, type Page } from '../browser.js'
import { inspect } from './inspect.js'
import { startConsole } from './start.js'
import { signIn, visit } from './visit.js'

const count = Number(process.env.CONSOLE_USERS ?? 12_000)
const rows = 10_000

function * users () {
  for (let i = 0; i < count; i++) {
    yield { user: { ref: `${i}`, email: `user-${i}@company-${i % 1000}.example`, name: `User number ${i}` } }
  }
}

/** Scrolls to the end, and returns the time until further rows are there, and that of the requests in it, in ms. */
const scroll = `(async () => {
  const start = performance.now()
  const lastRow = () => Number([...document.querySelectorAll('[aria-rowindex]')].at(-1)?.getAttribute('aria-rowindex'))
  const before = lastRow()
  performance.clearResourceTimings()
  scrollTo(0, document.documentElement.scrollHeight)
  while (lastRow() <= before) {
    if (performance.now() - start > 10_000) throw new Error('no row after ' + before)
    await new Promise(requestAnimationFrame)
  }
  const time = performance.now() - start
  const requests = performance.getEntriesByType('resource').filter(({ startTime }) => startTime >= start)
  return { last: lastRow(), time, api: requests.reduce((sum, { duration }) => sum + duration, 0) }
})()`

interface Scrolled {
  last: number
  time: number
  api: number
}

interface Memory {
  /** Number of nodes, with those that are not in the document. */
  nodes: number
  /** Bytes of objects that scripts hold. */
  heap: number
}

/** Returns the memory of a page after a collection of garbage. */
async function memoryOf (page: Page): Promise<Memory> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { nodes } = await session.send('Memory.getDOMCounters')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return { nodes, heap: usedSize }
}

/** Answers the search for `user-77` only after the page has cancelled it. */
function holdSlowSearch (app: FastifyInstance): void {
  app.addHook<{ Querystring: { search?: string } }>('onRequest', async ({ query, raw }) => {
    if (query.search === 'user-77') await once(raw.socket, 'close')
  })
}

t.test('console: long lists', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const { url } = await startConsole(t, { lines: users(), prepare: holdSlowSearch })

  await t.test('console: the memory stays the same over 10,000 rows', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await page.getByRole('row').nth(50).waitFor()
    const scrollTo = async (row: number): Promise<Scrolled[]> => {
      const results: Scrolled[] = []
      do results.push(await page.evaluate(scroll)); while (Number(results.at(-1)?.last) < row)
      return results
    }
    await scrollTo(1000)
    const before = await memoryOf(page)
    const results = await scrollTo(rows)
    const after = await memoryOf(page)
    t.comment(JSON.stringify({ before, after }))
    const beyond = results.map(({ time, api }) => time - api).sort((one, other) => one - other)
    const at = (part: number) => `${beyond[Math.floor(part * (beyond.length - 1))]?.toFixed(1)} ms`
    t.comment(`${results.length} pages of ${count} users, beyond the time of the API: median ${at(0.5)}, ` +
      `95 % ${at(0.95)}, most ${at(1)}`)
    t.ok(after.nodes < before.nodes * 1.5, 'nodes')
    t.ok(after.heap < before.heap + 500_000, 'heap')
    await page.evaluate('scrollTo(0, 0)')
    await page.getByRole('link', { name: `user-${count - 1}@` }).waitFor()
  }))

  await t.test('console: the chart counts a day with too many changes', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await page.getByRole('link', { name: 'Audit trail', exact: true }).click()
    await page.getByRole('img', { name: 'Changes per day: At least 1,000 changes today' }).waitFor()
    await page.getByRole('row').nth(1).waitFor()
    await inspect(t, page, 'a day with too many changes')
  }))

  await t.test('console: typing cancels the search before', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    const cancelled: string[] = []
    page.on('requestfailed', (request: any) => {
      if (request.failure().errorText === 'net::ERR_ABORTED') cancelled.push(new URL(request.url()).search)
    })
    await page.getByRole('searchbox').click()
    const asked = page.waitForRequest((request: any) => /search=user-77&|search=user-77$/.test(request.url()))
    await page.keyboard.type('user-77')
    await asked
    await page.keyboard.type('7@')
    await page.getByText('1 user', { exact: true }).waitFor()
    t.match(cancelled, [/search=user-77(&|$)/])
    t.equal(await page.getByRole('table').getByRole('link').innerText(), 'user-777@company-777.example')
  }))
})
