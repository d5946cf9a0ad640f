// Uses the console in a browser without a mouse.
import t from 'tap'
import { adminKey } from '../../support/helpers.js'
import { openBrowser, skip, type Page } from '../browser.js'
import { hasFocus, press, tabTo } from './keyboard.js'
import { startConsole } from './start.js'
import { seeUsers, visit } from './visit.js'

/** Returns the text that is selected in the field that has the focus. */
const selectedText = (page: Page): Promise<string> => page.evaluate(
  '(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.activeElement)')

t.test('console: the keyboard is enough to create, rotate, revoke and delete', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const { app, url } = await startConsole(t)
  const { users, tokens } = app.vexaAdmin

  await visit(t, browser, url, async (page) => {
    const { keyboard } = page
    const status = (text: string) => page.getByRole('status').getByText(text).waitFor()
    const heading = (name: string) => page.getByRole('heading', { name, level: 1 })

    await page.locator('[name=key]:focus').waitFor()
    await keyboard.insertText(adminKey)
    await keyboard.press('Enter')
    await seeUsers(page)

    await press(page, 'Create user')
    t.ok(await hasFocus(page.getByLabel('E-mail address')), 'the first field has the focus')
    await keyboard.press('Escape')
    t.ok(await hasFocus(page.getByRole('button', { name: 'Create user' })), 'Escape returns the focus')
    await keyboard.press('Enter')
    await keyboard.insertText('new@example.com')
    await keyboard.press('Enter')
    await heading('new@example.com').waitFor()
    await status('User created')
    t.ok(await hasFocus(heading('new@example.com')), 'the new screen has the focus')
    const { id } = await users.getByEmail('new@example.com')

    await press(page, 'Create token')
    t.ok(await hasFocus(page.getByRole('dialog').getByLabel('Name', { exact: true })))
    await keyboard.insertText('Robot')
    await tabTo(page, page.getByRole('radio', { name: 'All, also those' }))
    await keyboard.press('ArrowDown')
    await tabTo(page, page.getByRole('checkbox', { name: 'read' }))
    await keyboard.press('Space')
    await tabTo(page, page.getByLabel('Expires after'))
    await keyboard.press('ArrowUp')
    await keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    if (await page.getByLabel('Value of the token').count() === 0) {
      await tabTo(page, dialog.getByRole('button', { name: 'Create token' }))
      await keyboard.press('Enter')
    }
    await page.getByLabel('Value of the token').waitFor()
    const value = await selectedText(page)
    t.match(await tokens.verify({ token: value }), { valid: true, token: { name: 'Robot', scopes: ['read'] } })
    await keyboard.press('Control+C')
    await status('The value is in the clipboard')
    await keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    t.ok(await hasFocus(page.getByRole('button', { name: 'Create token' })), 'the focus returns after the value')

    await press(page, 'Rotate Robot')
    await press(page, 'Rotate token')
    await page.getByLabel('Value of the token').waitFor()
    const successor = await selectedText(page)
    t.not(successor, value)
    await keyboard.press('Escape')
    await page.getByText('You have not copied the value').waitFor()
    t.ok(await hasFocus(page.getByRole('button', { name: 'Go back' })), 'asks before the value is gone')
    await press(page, 'Close without copying')
    await dialog.waitFor({ state: 'detached' })
    t.match(await tokens.verify({ token: successor }), { valid: true, token: { scopes: ['read'] } })
    const old = await tokens.verify({ token: value })
    const left = Date.parse((old.valid && old.token.expires_at) || '') - Date.now()
    t.ok(left > 86_000_000 && left <= 86_400_000, 'the old value stays valid for a day')

    await tabTo(page, page.getByRole('button', { name: 'Revoke Robot' }).first())
    await keyboard.press('Enter')
    await press(page, 'Revoke token')
    await status('Token revoked')
    t.match(await tokens.verify({ token: successor }), { valid: false, code: 'NOT_FOUND' })
    t.ok(await hasFocus(heading('new@example.com')), 'the focus is not lost with the row')

    await press(page, 'Delete')
    await keyboard.insertText('someone@example.com')
    await keyboard.press('Enter')
    t.match(await users.get(id), { email: 'new@example.com' }, 'another address deletes nothing')
    await keyboard.press('Control+A')
    await keyboard.insertText('new@example.com')
    await keyboard.press('Enter')
    await status('User deleted')
    t.ok(await hasFocus(heading('Users')))
    await t.rejects(users.get(id), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })

    await page.reload()
    await page.locator('[name=key]:focus').waitFor()
    await keyboard.insertText(adminKey)
    await keyboard.press('Enter')
    await seeUsers(page)
    await keyboard.press('Tab')
    t.ok(await hasFocus(page.getByRole('link', { name: 'Skip to the content' })))
    await keyboard.press('Enter')
    t.ok(await hasFocus(heading('Users')))
    await tabTo(page, page.getByRole('link', { name: 'jane@example.com' }))
    await keyboard.press('Enter')
    await heading('jane@example.com').waitFor()
  })
})
