import t from 'tap'
import { createTokenValue } from '../../src/services/token-value.js'
import { backDoor, emptyPlace, storageAt } from '../support/databases.js'
import { build, call } from '../support/helpers.js'

t.test('tokenStart: keeps the prefix and 4 characters when true, else nothing', async (t) => {
  for (const tokenStart of [true, false]) {
    const place = emptyPlace(t)
    const app = await build(t, { storage: storageAt(place), tokenStart })
    const { tokens, users } = app.vexaAdmin
    await users.create({ email: 'a@b' })
    const { token, start } = (await call(app, 'POST', '/admin/users/user-1/tokens')).json()
    const next = (await call(app, 'POST', '/admin/tokens/token-1/rotate', { payload: { grace_period: 60 } })).json()
    t.equal(start, tokenStart ? token.slice(0, 8) : undefined)
    t.equal(next.start, tokenStart ? next.token.slice(0, 8) : undefined)
    t.same((await tokens.list('user-1')).map((listed) => listed.start), [start, next.start])
    const { db, prefix } = backDoor(t, place)
    const rows = JSON.stringify(await db.selectFrom(`${prefix}tokens`).selectAll().execute())
    t.notOk(rows.includes(token.slice(4, 9)), 'no more of the value is stored')
    t.equal(rows.includes(token.slice(4, 8)), tokenStart)
    const found = await tokens.find({ start: next.token.slice(0, 8) })
    t.same(found.map(({ id }) => id), tokenStart ? ['token-2'] : [])
  }
})

t.test('GET /tokens?start: matches the beginning of `start` byte by byte', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place), tokenPrefix: ['vex_', 'bot_live_'], tokenStart: true })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const starts = ['vex_aB3d', 'vex_ab3d', 'vex_aB3x', 'bot_live_aB3d', null]
  const { db, prefix } = backDoor(t, place)
  for (const [i, start] of starts.entries()) {
    await tokens.create('user-1')
    await db.updateTable(`${prefix}tokens`).set({ start }).where('id', '=', i + 1).execute()
  }
  for (const [start, expected] of [
    ['vex_aB3d', '1'], ['vex_aB3', '1 3'], ['vex_', '1 2 3'], ['v', '1 2 3'], ['bot_live_aB3d', '4'], ['b', '4'],
    ['aB3d', ''], ['V', ''], ['vex%', ''], ['vex_____', ''], ['%', ''], ['_', ''], ['\\', '']
  ] as const) {
    const reply = await call(app, 'GET', `/admin/tokens?${new URLSearchParams({ start })}`)
    t.equal(reply.json().map(({ id }: { id: string }) => id.replace('token-', '')).join(' '), expected, start)
  }
})

t.test('GET /tokens?start: a whole value gets 400, which does not repeat it', async (t) => {
  const app = await build(t, { tokenStart: true, tokenPrefix: ['vex_', 'bot_live_'] })
  const message = 'start Expected the first characters of a value, at most 13. To find a token by its whole value, ' +
    'use POST /tokens/verify with touch: false, because URLs are logged'
  for (const start of [createTokenValue('vex_'), createTokenValue('other_'), 'vex_aB3dE6gHiJ']) {
    const reply = await call(app, 'GET', `/admin/tokens?start=${start}`)
    t.equal(reply.statusCode, 400)
    t.equal(reply.json().message, `querystring/${message}`)
    t.notOk(JSON.stringify(reply.headers).includes(start))
    await t.rejects(app.vexaAdmin.tokens.find({ start }), {
      code: 'VEXA_ADMIN_ERR_INVALID_INPUT', message: `/${message}`
    })
  }
})

t.test('prefix: a new token gets the given one of `tokenPrefix`, or the first', async (t) => {
  const app = await build(t, { tokenPrefix: ['vex_', 'bot_', 'bot_live_'] })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  for (const [payload, prefix] of [
    [{}, 'vex_'], [{ prefix: 'vex_' }, 'vex_'], [{ prefix: 'bot_' }, 'bot_'], [{ prefix: 'bot_live_' }, 'bot_live_']
  ] as const) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', { payload })
    t.equal(reply.statusCode, 201)
    t.match(reply.json().token, new RegExp(`^${prefix}[0-9A-Za-z]{36}$`))
    t.match(await tokens.verify({ token: reply.json().token }), { valid: true })
  }
  for (const prefix of ['', 'other_', 'bot', 'BOT_', null, ['bot_'], 1]) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { prefix } })
    t.match(reply.json(), { statusCode: 400, message: 'body/prefix Expected one of vex_, bot_, bot_live_' })
  }
})

t.test('prefix: a rotation keeps it when `start` shows it, else uses the first', async (t) => {
  const place = emptyPlace(t)
  const buildWith = (tokenStart: boolean, tokenPrefix: string[]) =>
    build(t, { storage: storageAt(place), tokenStart, tokenPrefix })
  const app = await buildWith(true, ['vex_', 'bot_', 'bot_live_', 'v'])
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const shape = (prefix: string) => new RegExp(`^${prefix}[0-9A-Za-z]{36}$`)
  for (const prefix of ['vex_', 'bot_', 'bot_live_', 'v']) {
    const { id } = await tokens.create('user-1', { prefix })
    const next = await tokens.rotate(id)
    t.match(next.token, shape(prefix))
    t.equal(next.start, next.token.slice(0, prefix.length + 4))
  }
  const { id } = await tokens.create('user-1', { prefix: 'bot_' })
  const other = await buildWith(false, ['new_', 'bot_'])
  const unshown = await other.vexaAdmin.tokens.rotate(id)
  t.match(unshown.token, shape('bot_'))
  t.notOk('start' in unshown)
  t.match((await tokens.rotate(unshown.id)).token, shape('vex_'), 'nothing shows the prefix')
  const removed = await tokens.create('user-1', { prefix: 'bot_live_' })
  t.match((await other.vexaAdmin.tokens.rotate(removed.id)).token, shape('new_'), 'the prefix is no longer valid')
})
