// Opens the page of npm start in a browser. Saves screenshots to the folder SCREENSHOTS, if it is set.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { root, run } from '../support/child.js'
import { adminKey } from '../support/helpers.js'
import { openBrowser, skip } from './browser.js'

t.test('standalone: its page creates a user and a token, and shows the value once', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
  const errors: unknown[] = []
  page.on('pageerror', (error: unknown) => errors.push(error))
  const look = async (name: string) => {
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` })
  }

  const server = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: adminKey, PORT: '0' } })
  const url = (await server.line(/^Try the API/)).replace('Try the API at ', '')
  await page.goto(url)
  await page.locator('.opblock').first().waitFor()
  const { paths } = JSON.parse(readFileSync(`${root}examples/openapi.json`, 'utf8'))
  const operationCount = Object.values(paths).flatMap((path) => Object.keys(path as object)).length
  t.equal(await page.locator('.opblock').count(), operationCount)
  await look('page')

  /** Opens an operation, fills it in and executes it. Returns the status and body of the reply. */
  async function execute (operation: string, { id, body }: { id?: string, body?: object } = {}) {
    const block = page.locator(`[id$="-${operation}"]`)
    if (await block.locator('.opblock-body').count() === 0) await block.locator('.opblock-summary-control').click()
    await block.locator('.try-out__btn').first().waitFor()
    const tryIt = block.locator('.try-out__btn:not(.cancel)')
    if (await tryIt.count() > 0) await tryIt.click()
    if (id !== undefined) await block.locator('.parameters input').first().fill(id)
    if (body !== undefined) await block.locator('textarea').fill(JSON.stringify(body))
    const replied = page.waitForResponse((response: any) => response.url().includes('/admin/'))
    await block.locator('.execute').click()
    const status: number = (await replied).status()
    const reply = block.locator('.live-responses-table')
    await reply.locator('.response-col_status', { hasText: String(status) }).last().waitFor()
    return { status, text: await reply.innerText() as string, block }
  }

  const rejected = await execute('adminCreateUser', { body: { email: 'jane@example.com' } })
  t.equal(rejected.status, 401)
  t.notMatch(await rejected.block.locator('.curl-command').innerText(), /X-Admin-API-Key/)

  await page.locator('.btn.authorize').click()
  await page.locator('.auth-container input:focus').waitFor()
  // The keyboard, because people paste the key and press Enter.
  await page.keyboard.insertText(adminKey)
  await look('authorize')
  await page.keyboard.press('Enter')
  await page.locator('.btn-done').first().click()

  t.equal((await execute('adminCreateUser', { body: { email: 'jane@example.com', name: 'Jane' } })).status, 201)
  t.match((await execute('adminListUsers')).text, /jane@example\.com/, 'with its example values')
  await look('user')
  const created = await execute('adminCreateToken', { id: 'user-1', body: { name: 'CI' } })
  t.equal(created.status, 201)
  const [token] = /vex_[0-9A-Za-z]{36}/.exec(created.text) ?? []
  t.ok(token)
  await created.block.scrollIntoViewIfNeeded()
  await look('token')

  const user = await execute('adminGetUser', { id: 'user-1' })
  t.equal(user.status, 200)
  t.match(user.text, /"token": "\*\*\*"/)
  t.notMatch(user.text, String(token))
  await look('seen-once')

  // Each with its example values, which must not affect an existing user or token.
  const operations = [
    'adminDeleteUser', 'adminRevokeTokens', 'adminRevokeToken', 'adminRotateToken', 'adminUpdateUser',
    'adminReplaceUserData'
  ]
  for (const operation of operations) {
    t.equal((await execute(operation)).status, 404, operation)
  }
  t.equal(await page.locator('[id$="-adminUpdateUser"] textarea').inputValue(), '{}')
  t.equal((await execute('adminUpdateUser', { id: 'user-1' })).status, 200)
  t.match((await execute('adminGetUser', { id: 'user-1' })).text, /"name": "Jane"/)
  await page.locator('[id$="-adminUpdateUser"]').scrollIntoViewIfNeeded()
  await look('clicked')

  // All requests above had the key.
  const lines = await page.locator('.curl-command').allInnerTexts() as string[]
  t.ok(lines.length > 5)
  for (const line of lines) t.match(line, /-H 'X-Admin-API-Key: \*\*\*'/)
  t.notOk((await page.content()).includes(adminKey), 'the page does not contain the key')
  t.same(errors, [])
})
