// Opens each screen and dialog of the console in a browser, light, dark and 320 pixels wide.
import t from 'tap'
import { openBrowser, skip } from '../browser.js'
import { inspect } from './inspect.js'
import { values } from './sample.js'
import { startConsole } from './start.js'
import { signIn, visit } from './visit.js'

t.test('console: everybody can use each screen in each look', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const { url } = await startConsole(t)

  await t.test('console: the sign-in', (t) => visit(t, browser, url, async (page) => {
    await page.getByLabel('Admin key').waitFor()
    await inspect(t, page, 'sign-in')
    await page.getByLabel('Admin key').fill('not-the-admin-key')
    await page.keyboard.press('Enter')
    await page.getByText('does not accept this key').waitFor()
    t.ok(await page.getByLabel('Admin key').evaluate((field: any) => field === field.ownerDocument.activeElement))
    await inspect(t, page, 'sign-in with a wrong key')
  }))

  await t.test('console: the users', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await page.getByRole('link', { name: 'jane@example.com' }).waitFor()
    await inspect(t, page, 'users')
    await page.getByLabel('Disabled only').check()
    await page.getByText('1 user', { exact: true }).waitFor()
    await inspect(t, page, 'disabled users')
    await page.getByRole('searchbox').fill('nobody')
    await page.getByRole('heading', { name: 'No user matches' }).waitFor()
    await inspect(t, page, 'no user matches')
    await page.getByRole('button', { name: 'Show all users' }).click()
    await page.getByRole('button', { name: 'Create user' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a user' })
    await inspect(t, page, 'create a user')
    await dialog.getByLabel('E-mail address').fill('jane@example.com')
    await dialog.getByRole('button', { name: 'Create user' }).click()
    await dialog.getByText('belongs to another user').waitFor()
    await inspect(t, page, 'a taken address')
  }))

  await t.test('console: a user', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await page.getByRole('link', { name: 'jane@example.com' }).click()
    await page.getByRole('button', { name: 'Revoke CI' }).waitFor()
    await inspect(t, page, 'user')

    for (const [button, title] of [
      ['Edit CI', 'Edit the token'], ['Rotate CI', 'Rotate this token?'], ['Revoke CI', 'Revoke this token?'],
      ['Delete', 'Delete this user?'], ['Create token', 'Create a token']
    ] as const) {
      await page.getByRole('button', { name: button, exact: true }).click()
      await page.getByRole('dialog', { name: title }).waitFor()
      await inspect(t, page, title.replace('?', ''))
      if (button !== 'Create token') await page.keyboard.press('Escape')
    }
    await page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click()
    await page.getByLabel('Value of the token').waitFor()
    await inspect(t, page, 'new value')
    await page.keyboard.press('Escape')
    await page.getByText('You have not copied the value').waitFor()
    await inspect(t, page, 'new value not copied')
    await page.getByRole('button', { name: 'Go back' }).click()
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await page.getByText('The value is in the clipboard').waitFor()
    await inspect(t, page, 'new value copied')
    await page.getByRole('button', { name: 'Done' }).click()

    await page.getByLabel('JSON object of the app').fill('{\n  "plan": "pro"\n  "seats": 3\n}')
    await page.getByRole('button', { name: 'Save data' }).click()
    await page.locator('textarea[aria-invalid=true]').waitFor()
    await inspect(t, page, 'data that is not JSON')
    await page.getByLabel('E-mail address').fill('disabled@example.com')
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.getByText('belongs to another user').waitFor()
    await inspect(t, page, 'an address that is taken')
  }))

  await t.test('console: a disabled user, an unknown user, and a user with long texts', (t) =>
    visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('link', { name: 'disabled@example.com' }).click()
      await page.getByText('all of these tokens are rejected').waitFor()
      await inspect(t, page, 'disabled user')
      await page.goto(`${url}#/users/user-1`)
      await page.getByRole('heading', { name: /^a-long-name/ }).waitFor()
      await inspect(t, page, 'long texts')
      await page.goto(`${url}#/users/user-9999`)
      await page.getByRole('heading', { name: 'No such user' }).waitFor()
      await inspect(t, page, 'no such user')
    }))

  await t.test('console: the tokens', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await page.getByRole('link', { name: 'Tokens', exact: true }).click()
    await page.getByRole('button', { name: 'Revoke Backup' }).waitFor()
    await inspect(t, page, 'tokens')
    await page.getByRole('button', { name: 'Delete expired tokens' }).click()
    await inspect(t, page, 'delete expired tokens')
    await page.keyboard.press('Escape')
    for (const view of ['Expire within 30 days', 'Expired', 'Disabled', 'Unused for 30 days', 'Unused for 90 days']) {
      await page.getByLabel('Show').selectOption(view)
      await page.locator('[role=table][aria-busy=false]').waitFor()
      t.ok(await page.getByRole('row').count() >= 2, view)
    }
    await page.getByRole('searchbox', { name: 'Name of the token' }).fill('none of this name')
    await page.getByRole('heading', { name: 'No token matches' }).waitFor()
    await inspect(t, page, 'no token matches')
  }))

  await t.test('console: the audit trail', (t) => visit(t, browser, url, async (page) => {
    await signIn(page)
    await page.getByRole('link', { name: 'Audit trail', exact: true }).click()
    await page.getByRole('img', { name: /^Changes per day/ }).waitFor()
    await page.getByRole('row').nth(1).waitFor()
    await inspect(t, page, 'audit trail')
    await page.getByRole('searchbox', { name: 'Actor' }).fill('nobody')
    await page.getByRole('heading', { name: 'No change matches' }).waitFor()
    await inspect(t, page, 'no change matches')
  }))

  for (const [clock, days] of [['early', -3], ['late', 3]] as const) {
    await t.test(`console: shows the right states if the clock of the browser is days ${clock}`, (t) =>
      visit(t, browser, url, async (page) => {
        await page.clock.install({ time: Date.now() + days * 86_400_000 })
        await page.reload()
        await signIn(page)
        await page.getByRole('link', { name: 'Tokens', exact: true }).click()
        const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name} `) })
        await row('Expired').getByText('2 days ago').waitFor()
        await row('Expired').getByRole('cell', { name: 'Expired', exact: true }).waitFor()
        t.equal(await row('Expired').getByRole('button').count(), 1, 'an expired token can only be revoked')
        await row('<img .*').getByText('in 3 days').waitFor()
        await row('<img .*').getByText('Active').waitFor()
        await page.getByLabel('Show').selectOption('Expire within 30 days')
        await page.getByText('1 token', { exact: true }).waitFor()
        await page.getByRole('button', { name: 'Delete expired tokens' }).click()
        await page.getByLabel('Tokens that expired').selectOption('At any time until now')
        const asked = page.waitForRequest((request: any) => request.method() === 'DELETE')
        await page.route('**/tokens?*', (route: any) => route.abort())
        await page.getByRole('button', { name: 'Delete tokens' }).click()
        const before = String(new URL((await asked).url()).searchParams.get('expired_before'))
        t.ok(Math.abs(Date.now() - Date.parse(before)) < 90_000, before)
      }))
  }

  await t.test('console: cuts a value of a token in each field that goes into a URL', (t) =>
    visit(t, browser, url, async (page) => {
      await signIn(page)
      for (const [screen, ...fields] of [
        ['Users', 'Search by address or name'],
        ['Tokens', 'First characters of the value', 'Name of the token'],
        ['Audit trail', 'User, such as user-12', 'Token, such as token-34', 'Actor']
      ] as const) {
        await page.getByRole('link', { name: screen }).click()
        await page.locator('[role=table][aria-busy=false]').waitFor()
        t.equal(await page.getByRole('searchbox').count(), fields.length, screen)
        for (const field of fields) {
          const box = page.getByRole('searchbox', { name: field })
          const asked = page.waitForRequest((request: any) => request.url().includes('vex_cIcI'))
          await box.fill(values.ci)
          t.equal(await box.inputValue(), 'vex_cIcI', field)
          await page.getByRole('alert').getByText('Only the first characters of a value are used').waitFor()
          await asked
          if (field === 'Name of the token') await inspect(t, page, 'a value that is cut')
          await box.fill('')
          await page.getByRole('alert').waitFor({ state: 'detached' })
        }
      }
    }))

  await t.test('console: has no motion and no colours of its own for those who ask', async (t) => {
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('button', { name: 'Create user' }).click()
      await page.getByRole('dialog').waitFor()
      t.same(await page.evaluate(`[...document.querySelectorAll('*')].map(getComputedStyle)
        .filter((style) => style.animationName !== 'none' || /[1-9]/.test(style.transitionDuration))`), [])
    }, { reducedMotion: 'reduce' })
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('link', { name: 'Audit trail', exact: true }).click()
      const bar = page.getByRole('img', { name: /^Changes per day/ }).locator('rect').last()
      const isForced = () => bar.evaluate((rect: any) => {
        const { getComputedStyle, document } = rect.ownerDocument.defaultView
        const text = document.body.appendChild(document.createElement('p'))
        text.style.color = 'CanvasText'
        return getComputedStyle(rect).fill === getComputedStyle(text).color
      })
      await bar.waitFor()
      t.equal(await isForced(), true, 'the bars have the colour of the text')
      await page.emulateMedia({ forcedColors: 'none' })
      t.equal(await isForced(), false)
    }, { forcedColors: 'active' })
  })
})
