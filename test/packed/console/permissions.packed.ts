// Opens the console in a browser with keys that may do little, and without a key.
import t from 'tap'
import { openBrowser, skip, type Page } from '../browser.js'
import { inspect } from './inspect.js'
import { hasFocus } from './keyboard.js'
import { startConsole } from './start.js'
import { seeUsers, signIn, visit } from './visit.js'

t.test('console: offers only what the admin may do', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const key = 'a-key-that-may-do-little'
  const keyFor = (...permissions: Array<'read' | 'verify' | 'tokens'>) => ({
    options: { adminKeys: [{ name: 'viewer', key, permissions }] }
  })
  const labels = (page: Page) => page.getByRole('button').allInnerTexts()

  await t.test('console: a key that may only read', async (t) => {
    const { url } = await startConsole(t, keyFor('read'))
    await visit(t, browser, url, async (page) => {
      await signIn(page, key)
      await seeUsers(page)
      t.same(await page.getByRole('navigation').getByRole('link').allInnerTexts(), ['Users', 'Tokens'])
      t.same(await labels(page), ['Sign out'])
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByText('vex_cIcI…').waitFor()
      t.same(await labels(page), ['Sign out'])
      t.equal(await page.getByLabel('Name', { exact: true }).isDisabled(), true)
      await inspect(t, page, 'user for a reader')
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByText('vex_cIcI…').waitFor()
      t.same(await labels(page), ['Sign out'])
      await inspect(t, page, 'tokens for a reader')
    })
  })

  await t.test('console: a key that may change tokens, but not users', async (t) => {
    const { url } = await startConsole(t, keyFor('read', 'tokens'))
    await visit(t, browser, url, async (page) => {
      await signIn(page, key)
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByRole('button', { name: 'Create token' }).waitFor()
      t.equal(await page.getByRole('button', { name: /^Disable$|^Delete|^Save/ }).count(), 0)
    })
  })

  await t.test('console: a key that may see nothing', async (t) => {
    const { url } = await startConsole(t, keyFor('verify'))
    await visit(t, browser, url, async (page) => {
      await signIn(page, key)
      await page.getByRole('heading', { name: 'Nothing to see here' }).waitFor()
      await inspect(t, page, 'nothing to see')
    })
  })

  await t.test('console: asks for no key when the app authorizes', async (t) => {
    const admin = { actor: 'jane', permissions: ['read', 'users'] as Array<'read' | 'users'> }
    let authorized: typeof admin | false = false
    const { url } = await startConsole(t, { options: { authorize: () => authorized } })
    await visit(t, browser, url, async (page: Page) => {
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      t.equal(await page.getByRole('textbox').count(), 0)
      await inspect(t, page, 'signed out of the app')
      authorized = admin
      await page.getByRole('button', { name: 'Try again' }).click()
      await seeUsers(page)
      t.equal(await page.getByRole('button', { name: 'Sign out' }).count(), 0)
      t.ok(await page.getByText('jane', { exact: true }).isVisible(), 'the name of the admin')
      await page.reload()
      await seeUsers(page)
      await inspect(t, page, 'users without a key')

      authorized = { ...admin, permissions: ['read'] }
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByLabel('Name', { exact: true }).fill('Jane Roe')
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByText('You may not do this').waitFor()
      await inspect(t, page, 'a permission that is gone')
      authorized = false
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByText('Sign in to the app in another tab').waitFor()
      await inspect(t, page, '401 in the middle without a key')
      t.ok(await hasFocus(page.getByRole('button', { name: 'Try again' })))
      authorized = admin
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
    })
  })

  await t.test('console: shows why the app rejects a request by an error of its own', async (t) => {
    let hasExpired = true
    const authorize = () => {
      if (hasExpired) throw Object.assign(new Error('Your session at Example has expired'), { statusCode: 401 })
      return true
    }
    const { url } = await startConsole(t, { options: { authorize } })
    await visit(t, browser, url, async (page) => {
      await page.getByRole('heading', { name: 'The app rejected the request' }).waitFor()
      await page.getByRole('alert').getByText('Your session at Example has expired').waitFor()
      t.equal(await page.getByRole('textbox').count(), 0, 'no key is asked for')
      await inspect(t, page, 'an error of the app')
      hasExpired = false
      await page.getByRole('button', { name: 'Load the page again' }).click()
      await seeUsers(page)
      hasExpired = true
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByText('Your session has ended. This page keeps what you typed until you leave it').waitFor()
      await page.getByRole('heading', { name: 'The app rejected the request' }).waitFor()
      hasExpired = false
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('button', { name: 'Revoke CI' }).waitFor()
    })
  })
})
