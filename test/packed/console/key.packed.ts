// Looks in a browser where the console keeps the admin key, and when it forgets the key.
import t from 'tap'
import { adminKey } from '../../support/helpers.js'
import { openBrowser, skip, type Page } from '../browser.js'
import { startConsole } from './start.js'
import { seeUsers, signIn, visit } from './visit.js'

/** Returns whether the tab keeps the key for a reload. */
const isKept = (page: Page): Promise<boolean> =>
  page.evaluate(`Object.values(sessionStorage).some((text) => text.includes('${adminKey}'))`)

/** Signs in, and asks to keep the key for the tab. */
async function signInForTab (page: Page): Promise<void> {
  await page.getByLabel('Keep me signed in').check()
  await signIn(page)
}

/** Asserts that the page has forgotten the key, also after a reload. */
async function seeForgotten (t: any, page: Page): Promise<void> {
  await page.getByLabel('Admin key').waitFor()
  t.equal(await page.getByLabel('Admin key').inputValue(), '')
  t.equal(await page.evaluate('sessionStorage.length'), 0)
  await page.reload()
  await page.getByLabel('Admin key').waitFor()
}

t.test('console: keeps the key only as long as somebody uses it', { skip }, async (t) => {
  const browser = await openBrowser(t)
  let hasEnded = false
  const { url } = await startConsole(t, {
    prepare: (app) => app.addHook('onRequest', async ({ headers }) => {
      if (hasEnded) delete headers['x-admin-api-key']
    })
  })

  await t.test('console: keeps the key in memory unless asked', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await seeUsers(page)
    t.notOk((await page.content()).includes(adminKey))
    await page.reload()
    await seeForgotten(t, page)
  }))

  await t.test('console: keeps the key for the tab if asked, until somebody signs out', (t) =>
    visit(t, browser, url, async (page) => {
      await signInForTab(page)
      t.equal(await isKept(page), true)
      await page.reload()
      await seeUsers(page)
      const other = await page.context().newPage()
      await other.goto(url)
      await other.getByLabel('Admin key').waitFor()
      await other.close()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await seeForgotten(t, page)
    }))

  await t.test('console: forgets the key after 401', (t) => visit(t, browser, url, async (page) => {
    await signInForTab(page)
    await seeUsers(page)
    hasEnded = true
    await page.getByRole('link', { name: 'Tokens', exact: true }).click()
    await seeForgotten(t, page)
    hasEnded = false
  }))

  await t.test('console: forgets a wrong key', (t) => visit(t, browser, url, async (page) => {
    await page.getByLabel('Keep me signed in').check()
    await page.getByLabel('Admin key').fill('not-the-admin-key')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('does not accept this key').waitFor()
    t.equal(await page.evaluate('sessionStorage.length'), 0)
  }))

  await t.test('console: forgets the key after 30 minutes without use', (t) => visit(t, browser, url, async (page) => {
    await page.clock.install()
    await page.reload()
    await signInForTab(page)
    for (let times = 0; times < 2; times++) {
      await page.clock.fastForward('29:00')
      await page.keyboard.press('Shift')
    }
    await seeUsers(page)
    t.equal(await isKept(page), true)
    await page.clock.fastForward('30:11')
    await page.getByText('You were signed out after 30 minutes without use').waitFor()
    await seeForgotten(t, page)

    await signInForTab(page)
    await page.goto('about:blank')
    await page.clock.fastForward('31:00')
    await page.goto(url)
    await seeForgotten(t, page)
  }))
})
