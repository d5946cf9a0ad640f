// Opens a page of another origin in a browser.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { root, run } from '../support/child.js'
import { fence } from '../support/fences.js'
import { adminKey } from '../support/helpers.js'

const require = createRequire(import.meta.url)
const browsers = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser']
const executablePath = process.env.CHROMIUM ?? browsers.find((path) => existsSync(path))
const skip = executablePath === undefined && 'no Chromium is installed'
if (skip && process.env.CI === 'true') throw new Error(skip)

t.test('guide: a page of another origin uses the API with @fastify/cors as shown', { skip }, async (t) => {
  const pages = Fastify()
  t.teardown(() => pages.close())
  pages.get('/', async (_request, reply) => reply.type('text/html').send('<!doctype html><title>Admin</title>'))
  const origin = await pages.listen({ port: 0, host: '127.0.0.1' })

  const directory = t.testdir({
    'program.mts': `import Fastify from 'fastify'
      import cors from '${require.resolve('@fastify/cors')}'
      import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
      const app = Fastify()
      ${fence('examples/README.md', 'cors').replace('https://admin.example.com', origin)}
      await app.register(vexaAdmin, { adminKeys: '${adminKey}', storage: sqliteStorage({ filename: ':memory:' }) })
      console.log(await app.listen({ port: 0, host: '127.0.0.1' }))`
  })
  const api = await run(t, relative(root, `${directory}/program.mts`)).line(/^http/)

  const { chromium } = (await import(`${root}test/packed/node_modules/playwright-core/index.mjs`)) as { chromium: any }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  await page.goto(origin)
  /** Sends a request from the page, and returns the status and headers that the page may read. */
  const ask = (method: string, path: string, { body, key = adminKey }: { body?: object, key?: string } = {}) => {
    const headers = { 'x-admin-api-key': key, ...(body && { 'content-type': 'application/json' }) }
    const request = { url: `${api}/admin${path}`, method, headers, ...(body && { body: JSON.stringify(body) }) }
    return page.evaluate(async ({ url, ...init }: typeof request) => {
      const { status, headers } = await fetch(url, init)
      const names = ['location', 'link', 'x-total-count', 'etag']
      const [location, link, total, etag] = names.map((name) => headers.get(name))
      return { status, location, link, total, etag }
    }, request)
  }

  t.match(await ask('POST', '/users', { body: { email: 'jane@example.com' } }), { status: 201, location: /user-1$/ })
  t.match(await ask('POST', '/users', { body: { email: 'john@example.com' } }), { status: 201 })
  t.match(await ask('GET', '/users?limit=1&count=true'), { status: 200, link: /rel="next"/, total: '2' })
  t.match(await ask('PATCH', '/users/user-1', { body: { name: 'Jane' } }), { status: 200, etag: /^"/ })
  t.match(await ask('PUT', '/users/user-1/data', { body: { plan: 'pro' } }), { status: 200 })
  t.match(await ask('DELETE', '/users/user-1'), { status: 204 })
  t.match(await ask('GET', '/users', { key: 'a-key-that-is-not-valid' }), { status: 401 })
})
