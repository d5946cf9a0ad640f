// Counts the clicks that common tasks need in a browser, from the list of users.
import t from 'tap'
import { openBrowser, skip, type Page } from '../browser.js'
import { sample, values } from './sample.js'
import { startConsole } from './start.js'
import { signIn, visit } from './visit.js'

/** Starts to count clicks. Returns a function that returns their number. */
async function countClicks (page: Page): Promise<() => Promise<number>> {
  await page.evaluate('globalThis.clicks = 0; addEventListener("pointerdown", () => { clicks++ }, true)')
  return () => page.evaluate('clicks')
}

t.test('console: common tasks need few clicks', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const others = Array.from({ length: 200 }, (_, i) => ({ user: { ref: `${i}`, email: `user-${i}@company.example` } }))
  const { app, url } = await startConsole(t, { lines: [...others.slice(0, 100), ...sample(), ...others.slice(100)] })
  const { users, tokens } = app.vexaAdmin
  const task = (t: any, use: (page: Page) => Promise<void>, most: number, options = {}) =>
    visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('row').nth(50).waitFor()
      const clicks = await countClicks(page)
      await use(page)
      t.equal(await clicks(), most, 'clicks')
    }, options)

  await t.test('console: creates a token for a part of an address by 5 clicks', async (t) => {
    const permissions = ['clipboard-read', 'clipboard-write']
    await task(t, async (page) => {
      await page.getByRole('searchbox').click()
      await page.keyboard.type('ane@ex')
      await page.getByText('1 user', { exact: true }).waitFor()
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByRole('button', { name: 'Create token' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click()
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      await page.getByText('The value is in the clipboard').waitFor()
      const token = await page.evaluate('navigator.clipboard.readText()')
      t.match(await tokens.verify({ token }), { valid: true, user: { email: 'jane@example.com' } })
    }, 5, { permissions })
  })

  await t.test('console: disables a user by 2 clicks', async (t) => {
    await task(t, async (page) => {
      await page.getByRole('link', { name: 'user-199@' }).click()
      await page.getByRole('button', { name: 'Disable', exact: true }).click()
      await page.getByRole('status').getByText('User disabled').waitFor()
      t.match(await users.getByEmail('user-199@company.example'), { disabled: true })
    }, 2)
  })

  await t.test('console: disables a token by 2 clicks', async (t) => {
    await task(t, async (page) => {
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByRole('button', { name: 'Disable CI' }).click()
      await page.getByRole('status').getByText('Token CI disabled').waitFor()
      t.match(await tokens.verify({ token: values.ci }), { valid: false, code: 'TOKEN_DISABLED' })
      await page.getByRole('button', { name: 'Enable CI' }).waitFor()
    }, 2)
  })

  await t.test('console: finds the owner of a token from its first characters by 2 clicks', async (t) => {
    await task(t, async (page) => {
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByRole('searchbox', { name: 'First characters of the value' }).click()
      // Somebody may paste the whole value. Only its start goes into a URL.
      await page.keyboard.insertText(values.backup)
      await page.getByText('1 token', { exact: true }).waitFor()
      t.equal(await page.getByRole('table').getByRole('link').innerText(), "%3cb%3e'&amp@evil.example")
    }, 2)
  })

  await t.test('console: revokes a token by 2 clicks', async (t) => {
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByRole('button', { name: 'Revoke Backup' }).waitFor()
      const clicks = await countClicks(page)
      await page.getByRole('button', { name: 'Revoke Backup' }).click()
      await page.getByRole('button', { name: 'Revoke token', exact: true }).click()
      await page.getByRole('status').getByText('Token revoked').waitFor()
      t.equal(await clicks(), 2, 'clicks')
      t.match(await tokens.verify({ token: values.backup }), { valid: false, code: 'NOT_FOUND' })
    })
  })

  await t.test('console: copies without the clipboard API, and asks before an uncopied value is gone', async (t) => {
    // Browsers have the API only on this machine and with TLS.
    const insecure = await openBrowser(t, ['--host-resolver-rules=MAP console.example 127.0.0.1'])
    await visit(t, insecure, url.replace('127.0.0.1', 'console.example'), async (page) => {
      await signIn(page)
      t.equal(await page.evaluate('typeof navigator.clipboard'), 'undefined')
      await page.getByRole('link', { name: 'user-198@' }).click()
      await page.getByRole('button', { name: 'Create token' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click()
      const field = page.getByLabel('Value of the token')
      const value = await field.inputValue()
      await page.getByRole('button', { name: 'Done' }).click()
      await page.getByText('You have not copied the value').waitFor()
      await page.getByRole('button', { name: 'Go back' }).click()
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      await page.getByText('The value is in the clipboard').waitFor()
      await page.getByRole('button', { name: 'Done' }).click()
      await field.waitFor({ state: 'detached' })
      await page.getByLabel('JSON object of the app').fill('')
      await page.keyboard.press('Control+V')
      t.equal(await page.getByLabel('JSON object of the app').inputValue(), value)
      t.notOk((await page.content()).includes(value))
    })
  })
})
