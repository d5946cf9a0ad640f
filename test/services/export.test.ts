import t, { type Test } from 'tap'
import { sqliteStorage, type OpenVexaAdmin } from '../../src/index.js'
import {
  databaseNames, emptyPlace, emptyStorage, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../support/databases.js'
import { interceptStorage } from '../support/faulty-storage.js'
import { exported, open, run, textOf, token, user } from '../support/imports.js'

/** Creates users and tokens of each form. Some of them have been deleted. */
async function fill ({ users, tokens }: OpenVexaAdmin): Promise<void> {
  for (const [email, members] of [
    ['plain@example.com', {}], ['deleted@example.com', {}],
    [
      '\u00fc\u{1F511}@example.com',
      { name: "O'Neil \\ \u{1F511}", max_concurrent_bots: 0, data: { a: [1e308, null, 'x'] } }
    ]
  ] as const) await users.create({ email, ...members })
  await users.delete('user-2')
  for (let n = 0; n < 3; n++) await tokens.create('user-1', { name: `${n}`, scopes: ['bot', 'tx'] })
  await tokens.revoke('token-2')
  const { id } = await tokens.create('user-3', { expires_in: 3600, data: { b: {} } })
  await tokens.update(id, { expires_in: 7200, disabled: true })
  await tokens.rotate('token-1', { grace_period: 60 })
  const { token } = await tokens.create('user-3', { expires_in: 1 })
  await tokens.verify({ token })
  await users.update('user-3', { disabled: true })
  await users.create({ email: 'without-tokens@example.com' })
}

const options = { scopes: ['bot', 'tx'], tokenStart: true }

async function openAt (t: Test, database: DatabaseName, place = emptyPlace(t, database)) {
  return open(t, { storage: storageAt(place), ...options })
}

for (const from of longTestDatabases) {
  for (const to of databaseNames) {
    t.test(`export: ${from} to ${to} and back keeps all users and tokens`, {
      skip: await unavailable(from) || await unavailable(to)
    }, async (t) => {
      const place = emptyPlace(t, from)
      const origin = await openAt(t, from, place)
      await fill(origin)
      // The last use is written when the storage closes.
      await origin.close()
      const source = await openAt(t, from, place)
      const lines = await exported(source)
      t.same(lines.map(({ user, token }) => user?.id ?? token?.id), [
        'user-1', 'token-1', 'token-3', 'token-5', 'user-3', 'token-4', 'token-6', 'user-4'
      ])
      t.match(lines[6], { token: { user: 'user-3', sha256: /^[0-9a-f]{64}$/, start: /^vex_/, last_used_at: /^20/ } })
      const target = await openAt(t, to)
      const { counts, issues } = await run(target, textOf(lines), { keepIds: true })
      t.same([counts, issues], [{ 'user created': 3, 'token created': 5 }, []])
      t.same(await exported(target), lines)
      t.same(await target.users.list(), await source.users.list())
      t.same(await target.tokens.find(), await source.tokens.find())
      t.equal((await target.users.create({ email: 'next@example.com' })).id, 'user-5')
      t.equal((await target.tokens.create('user-5')).id, 'token-7')
    })
  }
}

t.test('export: reads users and tokens in pages, each user before its tokens', async (t) => {
  const calls: string[] = []
  const storage = interceptStorage(emptyStorage(t), ({ name, proceed }) => {
    calls.push(name)
    return proceed()
  })
  const admin = await open(t, { storage })
  const lines = Array.from({ length: 1203 }, (_, n) => {
    const count = n === 3 ? 1700 : n % 3
    return [user(`u${n}`), ...Array.from({ length: count }, (_, i) => token(`u${n}`, `sk_${n}_${i}`))]
  }).flat()
  await run(admin, lines)
  calls.length = 0
  const written = await exported(admin)
  const namesOf = (line: { user?: { ref: string, email: string }, token?: { user: string, sha256?: string } }) =>
    line.user?.email ?? line.token?.sha256
  t.same(written.map(namesOf), lines.map((line) => namesOf(line as never)))
  let last = ''
  t.same(written.filter(({ user, token }) => {
    last = user?.ref ?? last
    return token !== undefined && token.user !== last
  }), [], 'each token follows its user')
  // Two full pages of users with 500 and 2199 tokens, and one page that is not full.
  t.same(calls.filter((name) => name === 'listUsers').length, 3)
  t.ok(calls.length <= 12, calls.join())
  t.same(await exported(await open(t)), [])
})

t.test('export: reads the next page only when the caller goes on', async (t) => {
  let pages = 0
  const storage = interceptStorage(emptyStorage(t), ({ name, proceed }) => {
    if (name === 'listUsers') pages++
    return proceed()
  })
  const admin = await open(t, { storage })
  await run(admin, Array.from({ length: 600 }, (_, n) => user(`u${n}`)))
  const lines = admin.export()
  await lines.next()
  t.equal(pages, 1)
  await lines.return()
  t.same(await lines.next(), { done: true, value: undefined })
  t.equal(pages, 1)
})

t.test('export: a user that is deleted meanwhile leaves no token without its user', async (t) => {
  const storage = interceptStorage(emptyStorage(t), async ({ name, proceed }) => {
    if (name === 'listHashedTokens') await storage.deleteUser('1')
    return proceed()
  })
  const admin = await open(t, { storage })
  await run(admin, [user('a'), token('a', 'sk_1'), user('b'), token('b', 'sk_2')])
  t.same((await exported(admin)).map(({ user, token }) => user?.id ?? token?.id), ['user-1', 'user-2', 'token-2'])
})

t.test('export: throws 503 when the storage fails', async (t) => {
  const storage = sqliteStorage({ filename: ':memory:' })
  const admin = await open(t, { storage })
  await run(admin, [user('a')])
  const lines = admin.export()
  await storage.close()
  await t.rejects(lines.next(), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
})
