// Uses the console in a browser through proxies that change paths, with texts that are HTML.
import compress from '@fastify/compress'
import helmet from '@fastify/helmet'
import t from 'tap'
import { openBrowser, skip } from '../browser.js'
import { startProxy } from './path-proxy.js'
import { hostile, sample } from './sample.js'
import { startConsole } from './start.js'
import { visit } from './visit.js'

t.test('console: works after each proxy, and shows HTML as text', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const others = Array.from({ length: 120 }, (_, i) => ({ user: { ref: `${i}`, email: `user-${i}@company.example` } }))
  const { app, url } = await startConsole(t, {
    lines: [...others, ...sample()],
    options: { authorize: () => ({ actor: hostile }) },
    server: { routerOptions: { ignoreTrailingSlash: true } },
    prepare: async (app) => {
      await app.register(helmet)
      await app.register(compress, { threshold: 0 })
    }
  })
  const { origin } = new URL(url)

  for (const [change, path, toApp] of [
    ['strips a prefix', '/shop/admin/', (path: string) => path.replace(/^\/shop/, '')],
    ['adds a prefix', '/', (path: string) => `/admin${path}`],
    ['renames a prefix', '/operators/of/it/', (path: string) => path.replace(/^\/operators\/of\/it/, '/admin')]
  ] as const) {
    await t.test(`console: after a proxy that ${change}`, async (t) => {
      const proxy = await startProxy(t, origin, toApp)
      const requested = new Set<string>()
      await visit(t, browser, `${proxy}${path}console`, async (page) => {
        page.on('request', (request: any) => requested.add(new URL(request.url()).pathname))
        const row = page.getByRole('row', { name: hostile })
        await row.waitFor()
        t.equal(page.url(), `${proxy}${path}console/`)

        await page.getByRole('link', { name: 'user-80@' }).waitFor({ state: 'attached' })
        await page.getByRole('link', { name: 'user-80@' }).scrollIntoViewIfNeeded()
        await page.getByRole('link', { name: 'user-40@' }).waitFor({ state: 'attached' })
        await page.evaluate('scrollTo(0, 0)')

        await row.getByRole('link').click()
        await page.getByRole('button', { name: 'Create token' }).click()
        const dialog = page.getByRole('dialog')
        await dialog.getByLabel('Name', { exact: true }).fill(`${hostile} ${change}`)
        await dialog.getByRole('button', { name: 'Create token' }).click()
        await page.getByText(`${hostile} ${change}`).first().waitFor()
        await page.getByRole('button', { name: 'Copy', exact: true }).click()
        await page.getByRole('button', { name: 'Done' }).click()
        await page.getByRole('button', { name: `Rotate ${hostile} ${change}` }).click()
        await page.getByRole('button', { name: 'Cancel' }).click()
        await page.getByLabel('JSON object of the app').fill(JSON.stringify({ [hostile]: [hostile] }))
        await page.getByRole('button', { name: 'Save data' }).click()
        await page.getByText('Saved', { exact: true }).waitFor()
        await page.getByLabel('JSON object of the app').fill('{}')
        await page.getByRole('button', { name: 'Save data' }).click()
        await page.getByText('Saved', { exact: true }).waitFor()

        await page.getByRole('link', { name: 'Tokens', exact: true }).click()
        await page.getByText(`${hostile} ${change}`).waitFor()
        await page.getByRole('link', { name: 'Audit trail', exact: true }).click()
        await page.getByRole('cell', { name: hostile }).first().waitFor()
        t.equal(await page.locator('img, script:not([src])').count(), 0, 'no text became HTML')
      })
      t.ok(requested.size >= 5)
      t.same([...requested].filter((requested) => !requested.startsWith(path)), [])
    })
  }
  const found = await app.vexaAdmin.tokens.find({ search: hostile })
  t.equal(found.length, 4)
})
