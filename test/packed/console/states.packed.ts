// Opens the console in a browser while something is absent: users, the network, the storage, the session.
import { once } from 'node:events'
import t from 'tap'
import { emptyStorage } from '../../support/databases.js'
import { interceptStorage } from '../../support/faulty-storage.js'
import { adminKey } from '../../support/helpers.js'
import { openBrowser, skip } from '../browser.js'
import { inspect } from './inspect.js'
import { hasFocus } from './keyboard.js'
import { startConsole } from './start.js'
import { seeUsers, signIn, visit } from './visit.js'

const storedUser = { user: { ref: 'jane', email: 'jane@example.com', name: 'Jane', data: { plan: 'free' } } }

t.test('console: everybody can use each state in each look', { skip }, async (t) => {
  const browser = await openBrowser(t)

  await t.test('console: empty lists say what will be there', async (t) => {
    const { app, url } = await startConsole(t, { lines: [] })
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      for (const [screen, heading] of [
        ['Users', 'No users yet'], ['Tokens', 'No tokens yet'], ['Audit trail', 'No changes yet']
      ] as const) {
        await page.getByRole('link', { name: screen }).click()
        await page.getByRole('heading', { name: heading }).waitFor()
        await inspect(t, page, heading)
      }
      const { id } = await app.vexaAdmin.users.create({ email: 'jane@example.com' })
      await page.goto(`${url}#/users/${id}`)
      await page.getByText('This user has no tokens').waitFor()
      await inspect(t, page, 'user without tokens')
    })
  })

  await t.test('console: a list that loads says so', async (t) => {
    const { url } = await startConsole(t)
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      let release = () => {}
      await page.route('**/admin/tokens*', async (route: any) => {
        await new Promise<void>((resolve) => { release = resolve })
        await route.continue()
      })
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.locator('[role=table][aria-busy=true]').waitFor()
      await inspect(t, page, 'loading')
      release()
      await page.locator('[role=table][aria-busy=false]').waitFor()
    })
  })

  await t.test('console: offline, the page says so and loads again afterwards', async (t) => {
    const { url } = await startConsole(t)
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await seeUsers(page)
      await page.context().setOffline(true)
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByRole('alert').getByText('You are offline').waitFor()
      await inspect(t, page, 'offline')
      await page.context().setOffline(false)
      await page.getByRole('button', { name: 'Revoke CI' }).waitFor()
      t.equal(await page.getByRole('alert').count(), 0)
    })
  })

  await t.test('console: a server that is gone, at the start and later', async (t) => {
    const { url } = await startConsole(t)
    await visit(t, browser, url, async (page) => {
      await page.route('**/admin/settings', (route: any) => route.abort())
      await page.reload()
      await page.getByRole('alert').getByText('The server cannot be reached').waitFor()
      await inspect(t, page, 'no server at the start')
      await page.unroute('**/admin/settings')
      await page.getByRole('button', { name: 'Try now' }).click()
      await signIn(page)
      await seeUsers(page)
      await page.route('**/admin/users', (route: any) => route.abort())
      await page.getByRole('button', { name: 'Create user' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('E-mail address').fill('new@example.com')
      await dialog.getByRole('button', { name: 'Create user' }).click()
      await dialog.getByText('The change may have been made').waitFor()
      await inspect(t, page, 'no server for a change')
    })
  })

  await t.test('console: counts down to the next attempt after 503', async (t) => {
    let isDown = false
    const storage = interceptStorage(emptyStorage(t), ({ proceed }) => {
      if (isDown) throw new Error('down')
      return proceed()
    })
    const { url } = await startConsole(t, { options: { storage } })
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await seeUsers(page)
      const later = { status: 503, headers: { 'retry-after': '60' }, body: '<p>Too busy' }
      await page.route('**/admin/audit*', (route: any) => route.fulfill(later))
      await page.getByRole('link', { name: 'Audit trail', exact: true }).click()
      await page.getByRole('alert').getByText('The storage cannot answer now').waitFor()
      await page.getByText('Next attempt in 58 s').waitFor()
      await page.getByText('Next attempt in 57 s').waitFor()
      await inspect(t, page, '503 with a countdown')
      await page.unroute('**/admin/audit*')
      await page.getByRole('button', { name: 'Try now' }).click()
      await page.getByRole('row').nth(1).waitFor()

      // The storage itself, which the page asks again by itself.
      isDown = true
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByRole('alert').getByText('The storage cannot answer now').waitFor()
      isDown = false
      await page.getByRole('button', { name: 'Revoke CI' }).waitFor()
      t.equal(await page.getByRole('alert').count(), 0)

      isDown = true
      await page.getByRole('button', { name: 'Revoke CI' }).click()
      await page.getByRole('button', { name: 'Revoke token', exact: true }).click()
      await page.getByRole('dialog').getByText('The change may have been made').waitFor()
      await inspect(t, page, '503 for a change')
    })
  })

  await t.test('console: a session that ends loses nothing that somebody has typed', async (t) => {
    let hasEnded = false
    const { app, url } = await startConsole(t, {
      prepare: (app) => app.addHook('onRequest', async ({ headers }) => {
        if (hasEnded) delete headers['x-admin-api-key']
      })
    })
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByLabel('Name', { exact: true }).fill('Jane Roe')
      await page.getByText('vex_cIcI').waitFor()
      hasEnded = true
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByText('Your session has ended. This page keeps what you typed').waitFor()
      t.ok(await hasFocus(page.getByLabel('Admin key')))
      await inspect(t, page, '401 in the middle')
      hasEnded = false
      await signIn(page)
      t.equal(await page.getByLabel('Admin key').count(), 0)
      t.ok(await hasFocus(page.getByRole('button', { name: 'Save profile' })))
      t.equal(await page.getByRole('alert').count(), 0)
      t.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Jane Roe')
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      t.match(await app.vexaAdmin.users.getByEmail('jane@example.com'), { name: 'Jane Roe' })
    })
  })

  await t.test('console: 30 minutes without use hide everything and lose nothing', async (t) => {
    const other = { name: 'other', key: 'another-admin-key' }
    const { url } = await startConsole(t, { options: { adminKeys: [{ name: 'ops', key: adminKey }, other] } })
    await visit(t, browser, url, async (page) => {
      const comeBackLate = async () => {
        await page.clock.fastForward('30:11')
        await page.getByText('30 minutes without use. This page keeps what you typed').waitFor()
      }
      const name = page.getByRole('dialog').getByLabel('Name', { exact: true })
      await page.clock.install()
      await page.setViewportSize({ width: 1280, height: 500 })
      await page.reload()
      await signIn(page)
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByLabel('JSON object of the app').fill('{ "typed": true }')
      await page.getByRole('button', { name: 'Create token' }).scrollIntoViewIfNeeded()
      await page.getByRole('button', { name: 'Create token' }).click()
      await name.fill('Typed name')
      const height = await page.evaluate('scrollY')
      await comeBackLate()
      t.notMatch(await page.content(), /jane|vex_cIcI|Typed name/i, 'nobody can read anything')
      await inspect(t, page, 'sign-in after 30 minutes')
      await page.setViewportSize({ width: 1280, height: 500 })

      await signIn(page)
      t.equal(await name.inputValue(), 'Typed name')
      t.ok(await hasFocus(name))
      t.equal(await page.evaluate('scrollY'), height)
      await page.getByText('vex_cIcI').waitFor()
      t.equal(await page.locator('dialog:modal').count(), 1, 'the dialog is modal again')
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      t.equal(await page.getByLabel('JSON object of the app').inputValue(), '{ "typed": true }')

      await page.route('**/tokens', async (route: any) => {
        await comeBackLate()
        await route.continue()
      })
      await page.getByRole('button', { name: 'Create token' }).click()
      await Promise.all([
        page.waitForResponse('**/tokens'),
        page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click()
      ])
      t.notMatch(await page.content(), /vex_/, 'a value that arrives late is hidden')
      await page.unroute('**/tokens')
      await signIn(page)
      t.match(await page.getByLabel('Value of the token').inputValue(), /^vex_/)
      t.equal(await page.locator('dialog:modal').count(), 1)

      await comeBackLate()
      await signIn(page, other.key)
      await page.getByText('vex_cIcI').waitFor()
      t.equal(await page.getByRole('dialog').count(), 0, 'another admin does not see the value')
      t.match(JSON.parse(await page.getByLabel('JSON object of the app').inputValue()), { plan: 'pro' }, 'nor the text')
    })
  })

  await t.test('console: shows theirs beside yours after 412', async (t) => {
    const { app, url } = await startConsole(t, { lines: [storedUser] })
    const user = () => app.vexaAdmin.users.getByEmail('jane@example.com')
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByLabel('Name', { exact: true }).fill('Mine')
      const { id } = await user()
      await app.vexaAdmin.users.update(id, { name: 'Theirs', max_concurrent_bots: 9 })
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByRole('heading', { name: 'Somebody else has changed this user' }).waitFor()
      const name = page.getByRole('group', { name: 'Name' })
      t.equal(await name.getByRole('radio', { name: 'Yours Mine' }).isChecked(), true)
      t.equal(await name.getByRole('radio', { name: 'Theirs Theirs' }).isChecked(), false)
      await inspect(t, page, '412 with both versions')
      t.match(await user(), { name: 'Theirs' }, 'nothing is saved yet')
      await page.getByRole('button', { name: 'Continue with this choice' }).click()
      await page.getByRole('button', { name: 'Save profile' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      t.match(await user(), { name: 'Mine', max_concurrent_bots: 9 }, 'yours, with their other changes')

      await page.getByLabel('JSON object of the app').fill('{ "plan": "mine" }')
      await app.vexaAdmin.users.update(id, { data: { plan: 'theirs' } })
      await page.getByRole('button', { name: 'Save data' }).click()
      await page.getByRole('radio', { name: 'Theirs' }).check()
      await inspect(t, page, '412 with both versions of the data')
      await page.getByRole('button', { name: 'Continue with this choice' }).click()
      t.match(JSON.parse(await page.getByLabel('JSON object of the app').inputValue()), { plan: 'theirs' })
    })
  })

  await t.test('console: disables and deletes only the version of a user that is on the page', async (t) => {
    const { app, url } = await startConsole(t, { lines: [storedUser] })
    const { users } = app.vexaAdmin
    const { id } = await users.getByEmail('jane@example.com')
    await visit(t, browser, url, async (page) => {
      const button = (name: string) => page.getByRole('button', { name, exact: true })
      const seeConflict = async () => {
        await page.getByRole('status').getByText('Somebody else has changed this user meanwhile').waitFor()
      }
      await signIn(page)
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByLabel('JSON object of the app').fill('{ "typed": true }')
      await users.update(id, { name: 'Theirs' })
      await button('Disable').click()
      await seeConflict()
      await page.getByText('Revision 1').waitFor()
      await inspect(t, page, '412 for disable')
      t.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Theirs', 'the page shows their version')
      t.equal(await page.getByLabel('JSON object of the app').inputValue(), '{ "typed": true }')
      t.notOk((await users.get(id)).disabled)

      const requests: string[] = []
      page.on('request', (request: any) => requests.push(request.method()))
      let release = () => {}
      const clicked = new Promise<void>((resolve) => { release = resolve })
      await page.route('**/users/*', async (route: any) => {
        await clicked
        await route.continue()
      })
      await button('Disable').dblclick()
      release()
      await page.getByRole('status').getByText('User disabled').waitFor()
      t.equal(requests.filter((method) => method === 'PATCH').length, 1, 'two clicks are one change')

      await users.update(id, { name: 'Theirs again', disabled: false })
      const remove = async () => {
        await button('Delete').click()
        await page.getByLabel('Type the e-mail address').fill('jane@example.com')
        await button('Delete user').click()
      }
      await remove()
      await seeConflict()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await button('Disable').waitFor()
      t.match(await users.get(id), { name: 'Theirs again' })
      await remove()
      await page.getByRole('status').getByText('User deleted').waitFor()
      await t.rejects(users.get(id), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
    })
  })

  await t.test('console: a dialog that is closed cancels its request, and shows what the server did', async (t) => {
    let cancelled = 0
    const { url } = await startConsole(t, {
      prepare: (app) => app.addHook('onSend', async ({ method, raw }) => {
        if (method === 'GET') return
        await once(raw.socket, 'close')
        cancelled++
      })
    })
    await visit(t, browser, url, async (page) => {
      const press = async (name: string, changed: string) => {
        const replied = page.waitForRequest((request: any) => request.method() !== 'GET')
        await page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
        await replied
        await page.waitForTimeout(200)
        if (changed === 'Cancel') await page.getByRole('button', { name: 'Cancel' }).click()
        else await page.keyboard.press(changed)
        await page.getByRole('status').getByText('Cancelled. The server may have done it already').waitFor()
        t.equal(await page.getByRole('dialog').count(), 0)
      }
      await signIn(page)
      await page.getByRole('link', { name: 'jane@example.com' }).click()
      await page.getByRole('button', { name: 'Create token' }).click()
      await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Late')
      await press('Create token', 'Cancel')
      await page.getByRole('button', { name: 'Revoke Late' }).waitFor()
      await inspect(t, page, 'a cancelled request')
      await page.getByRole('button', { name: 'Revoke CI' }).click()
      await press('Revoke token', 'Escape')
      await page.getByRole('button', { name: 'Revoke CI' }).waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Delete', exact: true }).click()
      await page.getByLabel('Type the e-mail address').fill('jane@example.com')
      await press('Delete user', 'Escape')
      await page.getByRole('heading', { name: 'No such user' }).waitFor()
      t.equal(cancelled, 3)
    })
  })

  await t.test('console: a list of several pages is counted again after each change', async (t) => {
    const tokenOf = (i: number) => ({ token: { user: 'jane', name: `T${i}`, value: `token-${i}` } })
    const { url } = await startConsole(t, { lines: [storedUser, ...Array.from({ length: 60 }, (_, i) => tokenOf(i))] })
    await visit(t, browser, url, async (page) => {
      await signIn(page)
      await page.getByRole('link', { name: 'Tokens', exact: true }).click()
      await page.getByText('60 tokens', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Revoke T59' }).click()
      await page.getByRole('button', { name: 'Revoke token', exact: true }).click()
      await page.getByText('59 tokens', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Rotate T58' }).click()
      await page.getByRole('button', { name: 'Rotate token', exact: true }).click()
      await page.getByLabel('Value of the token').waitFor()
      await page.getByText('60 tokens', { exact: true }).waitFor()
    })
  })
})
