import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { readBetterAuth } from '../../../src/cli/sources/better-auth.js'
import { collect } from '../../support/collect-lines.js'
import { databaseNames, unavailable } from '../../support/databases.js'
import {
  bob, createBetterAuth, disabledKey, earlierKeys, emptyKey, fullKey, insertRows, jane, plainKey, realValues
} from '../../support/fixtures/better-auth.js'
import { runStatements, sourceDatabase } from '../../support/source-database.js'

type Rows = Array<Record<string, unknown>>

/** Reads a SQLite database of better-auth with these rows. */
async function read (t: Test, keys: Rows, users: Rows = [jane]) {
  const db = await sourceDatabase(t, 'sqlite')
  await createBetterAuth(db, 'sqlite')
  await insertRows(db, 'sqlite', 'user', users)
  await insertRows(db, 'sqlite', 'apikey', keys)
  return collect(readBetterAuth(db))
}

for (const database of databaseNames) {
  t.test(`better-auth: users and keys are read from ${database}`, { skip: await unavailable(database) }, async (t) => {
    const db = await sourceDatabase(t, database)
    await createBetterAuth(db, database)
    const ban = { banned: true, banExpires: '2037-01-01T00:00:00.000Z' }
    await insertRows(db, database, 'user', [jane, bob, { ...bob, id: 'banned', email: 'banned@example.com', ...ban }])
    const organization = { ...plainKey, id: 'of-organization', name: 'org', referenceId: 'an-organization', key: 'x' }
    await insertRows(db, database, 'apikey', [plainKey, fullKey, emptyKey, disabledKey, organization])

    const { users, tokens, notes, scopes, legacyTokens } = await collect(readBetterAuth(db))
    const user = (name: string) => users.find((user) => user.name === name && user.ref !== 'banned')
    t.equal(users.length, 3)
    t.same(user('Jane Doe'), {
      ref: jane.id, email: 'jane@example.com', name: 'Jane Doe', created_at: jane.createdAt
    })
    t.same(user('Bob'), { ref: bob.id, email: 'bob@example.com', name: 'Bob', created_at: bob.createdAt })
    t.match(users.find(({ ref }) => ref === 'banned'), { disabled: true })

    const token = (name: string) => tokens.find((token) => token.name === name)
    t.equal(tokens.length, 4)
    t.same(token('full'), {
      user: jane.id,
      sha256: fullKey.key,
      name: 'full',
      scopes: ['files:read', 'files:write', 'users:read'],
      start: 'live_E',
      data: { plan: 'pro', n: 1 },
      created_at: fullKey.createdAt,
      expires_at: fullKey.expiresAt
    })
    t.same(token('plain'), {
      user: jane.id,
      sha256: plainKey.key,
      name: 'plain',
      scopes: ['none'],
      start: 'uKMVsB',
      created_at: plainKey.createdAt,
      last_used_at: plainKey.lastRequest
    }, 'a key without permissions may not do everything')
    t.same(token('empty permissions')?.scopes, ['none'])
    t.match(token('disabled'), { user: bob.id, disabled: true })
    for (const { name, sha256 } of tokens) {
      const value = realValues[String(name)] as string
      t.equal(createHash('sha256').update(value).digest('base64url'), sha256, 'better-auth created this value')
      t.ok(legacyTokens.some((form) => new RegExp(`^(?:${form})$`).test(value)), String(name))
    }
    t.same(scopes, ['files:read', 'files:write', 'none', 'users:read'])
    t.same(legacyTokens.toSorted(), ['(?:live_)[A-Za-z]{64}', '[A-Za-z]{64}'])

    t.same(notes.toSorted((one, other) => String(one.record).localeCompare(String(other.record))), [
      { record: `apikey ${fullKey.id}`, text: 'The number of uses of the key is no longer limited.' },
      {
        record: 'apikey of-organization',
        skipped: true,
        text: 'The key belongs to no user. It may belong to an organization.'
      },
      { text: '3 keys have no permissions: their tokens get the scope none.' },
      { text: '4 keys have a rate limit, and tokens have none: limit requests in the app.' },
      { text: 'These columns of user are not imported: emailVerified, image, updatedAt, role, banReason.' },
      {
        text: 'These columns of apikey are not imported: configId, refillInterval, lastRefillAt, rateLimitTimeWindow, ' +
          'rateLimitMax, requestCount, updatedAt.'
      },
      {
        record: 'user banned',
        text: 'The user is banned, and becomes disabled. The ban ends at 2037-01-01T00:00:00.000Z.'
      }
    ])
  })
}

t.test('better-auth: the keys of 1.3 are read, whose owner is in userId', async (t) => {
  const db = await sourceDatabase(t, 'sqlite')
  await createBetterAuth(db, 'sqlite')
  await runStatements(db, `drop table apikey;\n${earlierKeys}`)
  await insertRows(db, 'sqlite', 'user', [jane])
  const { configId: _configId, referenceId, ...key } = plainKey
  await insertRows(db, 'sqlite', 'apikey', [{ ...key, userId: referenceId }])
  const { tokens, notes } = await collect(readBetterAuth(db))
  t.match(tokens, [{ user: jane.id, sha256: plainKey.key }])
  t.notOk('scopes' in Object(tokens[0]), 'no key has permissions, so none is limited')
  t.notMatch(notes, [{ skipped: true }])
})

t.test('better-auth: columns with underscores and times in numbers are read', async (t) => {
  const db = await sourceDatabase(t, 'sqlite')
  // The schema that better-auth generates for Drizzle.
  await runStatements(db, `
    create table users (id integer primary key, name text, email text, created_at integer);
    create table apikeys (id integer primary key, key text, user_id text, created_at integer, expires_at integer);
    insert into users values (7, '', 'a@example.com', 1764266746);
    insert into apikeys values (9, '${plainKey.key}', '7', 1764266747607, 1764266747),
      (10, '${fullKey.key}', '7', null, null), (11, '${emptyKey.key}', null, null, null)`)
  const { users, tokens, notes } = await collect(readBetterAuth(db))
  t.same(users, [{ ref: '7', id: 'user-7', email: 'a@example.com', created_at: '2025-11-27T18:05:46.000Z' }])
  t.same(tokens, [{
    user: '7',
    id: 'token-9',
    sha256: plainKey.key,
    created_at: '2025-11-27T18:05:47.607Z',
    expires_at: '2025-11-27T18:05:47.000Z'
  }, { user: '7', id: 'token-10', sha256: fullKey.key }])
  t.match(notes, [{ record: 'apikey 11', skipped: true }])
  t.equal(notes.length, 1)
})

t.test('better-auth: a key that is stored without a hash is read as a value', async (t) => {
  const value = 'test_KvAMoZwbbcwhnKtZgWaBhaSKlTtGxRtFnOPekEDcQO'
  const { tokens, legacyTokens } = await read(t, [
    { ...plainKey, id: '1', prefix: 'test_', start: 'test_K', key: value },
    { ...plainKey, id: '2', prefix: null, start: null, key: 'own-key-12' },
    { ...plainKey, id: '3', prefix: 'a.b', start: 'SvwwVG', key: plainKey.key }
  ])
  t.same(tokens.map(({ value, sha256 }) => ({ value, sha256 })), [
    { value, sha256: undefined },
    { value: 'own-key-12', sha256: undefined },
    { value: plainKey.key, sha256: undefined }
  ], 'a value begins with its start, even if it looks like a hash')
  t.same(legacyTokens, ['(?:test_)[A-Za-z]{42}', '[\\w-]{10,43}'])
})

t.test('better-auth: a key whose permissions cannot be read gets the scope none', async (t) => {
  const { tokens, notes } = await read(t, [{ ...plainKey, permissions: '{' }])
  t.same(tokens.map(({ scopes }) => scopes), [['none']])
  t.match(notes[0], { text: 'permissions is no JSON, or has a number that JavaScript cannot represent.' })
})

t.test('better-auth: the forms for legacyTokens name each prefix, up to twenty', async (t) => {
  const keyWith = (prefix: string) => ({ ...plainKey, id: prefix, prefix, start: null })
  const some = await read(t, ['b_', 'a.', 'b_'].map((prefix, i) => ({ ...keyWith(prefix), id: String(i) })))
  t.same(some.legacyTokens, ['(?:a\\.|b_)[A-Za-z]{64}'])
  const many = await read(t, Array.from({ length: 21 }, (_, i) => keyWith(`p${i}_`)))
  t.same(many.legacyTokens, ['[!-~]{1,32}[A-Za-z]{64}'])
})

t.test('better-auth: a key that cannot work is in a note', async (t) => {
  const { tokens, notes } = await read(t, [
    { ...plainKey, id: '1', key: 'neither' },
    { ...plainKey, id: '2', expiresAt: 'tomorrow' },
    { ...plainKey, id: '3', remaining: 0 },
    { ...plainKey, id: '4', remaining: 0, refillAmount: 10, rateLimitEnabled: false },
    { ...plainKey, id: '5', permissions: '{"a file":["read"],"b":"all","c":["x"]}' },
    { ...plainKey, id: '6', metadata: '{"n":12345678901234567890}' },
    { ...plainKey, id: '7', metadata: '{' },
    { ...plainKey, id: '8', metadata: '"{\\"twice\\":1}"' }
  ])
  t.same(notes.slice(0, -4), [
    { record: 'apikey 1', skipped: true, text: 'The column key has neither a SHA-256 nor the value of a key.' },
    { record: 'apikey 2', skipped: true, text: 'expiresAt is no time from 1970 to 9999.' },
    { record: 'apikey 3', text: 'The key has no remaining uses, so the token becomes disabled.' },
    { record: 'apikey 4', text: 'The number of uses of the key is no longer limited.' },
    { record: 'apikey 5', text: 'These permissions cannot be scopes: a file:read.' },
    { record: 'apikey 6', text: 'metadata is no JSON, or has a number that JavaScript cannot represent.' },
    { record: 'apikey 7', text: 'metadata is no JSON, or has a number that JavaScript cannot represent.' }
  ])
  t.match(notes.at(-3), { text: /^5 keys have a rate limit/ })
  t.same(tokens.map(({ id }) => id), [3, 4, 5, 6, 7, 8].map((id) => `token-${id}`))
  t.same(tokens.filter(({ disabled }) => disabled).map(({ id }) => id), ['token-3'])
  t.same(tokens.map(({ scopes }) => scopes), [['none'], ['none'], ['c:x'], ['none'], ['none'], ['none']])
  t.same(tokens.at(-1)?.data, { twice: 1 }, 'some versions encode metadata twice')
})

t.test('better-auth: a user without a valid address gets one, and an ended ban is over', async (t) => {
  const { users, notes } = await read(t, [], [
    { ...jane, id: 'a1', email: 'none' },
    { ...jane, id: 'A1', email: 'None' },
    { ...jane, id: 'b', email: 'b@example.com', banned: true, banExpires: '2020-01-01T00:00:00.000Z' },
    { ...jane, id: 'c', email: 'c@example.com', banned: true, createdAt: 'never' }
  ])
  const emails = new Map(users.map(({ ref, email }) => [ref, email]))
  t.equal(emails.get('a1'), 'a1@better-auth.invalid')
  t.match(emails.get('A1'), /^[0-9a-f]{32}@better-auth\.invalid$/, 'ids that differ in letter case stay apart')
  t.same(users.filter(({ disabled }) => disabled).map(({ ref }) => ref), ['c'])
  t.match(notes, [
    { record: 'user A1', text: /^"None" is no e-mail address/ },
    { record: 'user a1', text: '"none" is no e-mail address: the user gets a1@better-auth.invalid.' },
    { record: 'user c', text: 'The user is banned, and becomes disabled.' }
  ])
})

t.test('better-auth: a database without users has no tokens', async (t) => {
  const { lines } = await read(t, [{ ...plainKey, id: '1', referenceId: 'nobody' }], [])
  t.match(lines[0], { note: { record: 'apikey 1', skipped: true } })
  t.match(lines.at(-1), { options: { scopes: [], legacyTokens: [] } })
})

t.test('better-auth: the error says what is missing when the tables are others', async (t) => {
  const db = await sourceDatabase(t, 'sqlite')
  await t.rejects(collect(readBetterAuth(db)), { message: 'The database has no table user or users' })
  await runStatements(db, 'create table user (id text, email text);\ncreate table apikey (id text, key text)')
  await t.rejects(collect(readBetterAuth(db)), { message: 'The table apikey has no column referenceId' })
})
