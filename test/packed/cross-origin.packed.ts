// Opens a page of a sister origin in a browser, where `authorize` reads a cookie. Both names lead to the loopback and
// belong to one site, so that the browser adds a cookie that is `SameSite=Lax`.
import type { AddressInfo } from 'node:net'
import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import t from 'tap'
import vexaAdmin, { type VexaAdminOptions } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { openBrowser, skip } from './browser.js'

t.test('authorize: a page of a sister origin cannot use the cookie of an admin', { skip }, async (t) => {
  const browser = await openBrowser(t)

  /** Starts an app at admin.site.localhost. Returns it with its URL and the id of a user. */
  async function start (options: Partial<VexaAdminOptions> = {}) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(cookie)
    app.get('/', async (_request, reply) => reply
      .setCookie('session', 'admin', { path: '/', httpOnly: true, sameSite: 'lax' })
      .type('text/html')
      .send('<p>Admin'))
    // The headers of the last POST.
    let sent: Record<string, unknown> = {}
    app.addHook('onRequest', async ({ method, headers, cookies }) => {
      if (method !== 'POST') return
      sent = { site: headers['sec-fetch-site'], origin: headers.origin, session: cookies.session }
    })
    await app.register(vexaAdmin, {
      authorize: ({ cookies }) => cookies.session === 'admin',
      storage: emptyStorage(t),
      ...options
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { id } = await app.vexaAdmin.users.create({ email: 'a@b.example' })
    const { port } = app.server.address() as AddressInfo
    return { app, id, url: `http://admin.site.localhost:${port}`, sent: () => sent }
  }

  const sister = Fastify()
  t.teardown(() => sister.close())
  sister.get('/', async (_request, reply) => reply.type('text/html').send('<p>Sister'))
  await sister.listen({ port: 0, host: '127.0.0.1' })
  const sisterUrl = `http://evil.site.localhost:${(sister.server.address() as AddressInfo).port}`

  /**
   * Makes a page of `from` rotate a token after the admin has signed in, by a script without a preflight or by a form.
   * Returns the headers of the POST, and whether the old token is valid.
   */
  async function rotate (site: Awaited<ReturnType<typeof start>>, from: string, way: 'script' | 'form') {
    const { url, app, id, sent } = site
    const { id: tokenId, token } = await app.vexaAdmin.tokens.create(id)
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(url)
    await page.goto(from)
    const target = `${url}/admin/tokens/${tokenId}/rotate`
    if (way === 'script') {
      const init = JSON.stringify({ method: 'POST', mode: 'no-cors', credentials: 'include' })
      await page.evaluate(`fetch('${target}', ${init}).then(() => {})`)
    } else {
      const replied = page.waitForResponse(target)
      await page.evaluate(`document.body.innerHTML = '<form method="post" action="${target}"></form>'`)
      await page.evaluate('document.forms[0].submit()')
      await replied
    }
    await context.close()
    return { valid: (await app.vexaAdmin.tokens.verify({ token })).valid, ...sent() }
  }

  const admin = await start()
  const fromSister = { site: 'same-site', origin: sisterUrl, session: 'admin' }
  const fromAdmin = { site: 'same-origin', origin: admin.url, session: 'admin' }
  t.same(await rotate(admin, sisterUrl, 'script'), { ...fromSister, valid: true }, 'the cookie was sent without effect')
  t.match(await rotate(admin, sisterUrl, 'form'), { valid: true, site: 'same-site', origin: sisterUrl })
  t.same(await rotate(admin, admin.url, 'script'), { ...fromAdmin, valid: false }, 'a page of its own origin may')

  const trusting = await start({ trustedOrigins: [sisterUrl] })
  t.same(await rotate(trusting, sisterUrl, 'script'), { ...fromSister, valid: false }, 'a page of a trusted origin may')
})
