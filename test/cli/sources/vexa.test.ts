import { readFileSync } from 'node:fs'
import type { Kysely } from 'kysely'
import t, { type Test } from 'tap'
import { readVexa } from '../../../src/cli/sources/vexa.js'
import { unavailable } from '../../support/databases.js'
import { collect } from '../../support/collect-lines.js'
import { runStatements, sourceDatabase } from '../../support/source-database.js'

const skip = await unavailable('postgres')
const sample = readFileSync(new URL('../../support/fixtures/vexa.sql', import.meta.url), 'utf8')

/** The values of all tokens of the sample. */
const values = [...sample.matchAll(/^ {2}\((\d+), +'([\w-]+)', \d+, '\{/gm)].map(([, id, value = '']) => ({ id, value }))

async function vexaDatabase (t: Test, statements = sample): Promise<Kysely<any>> {
  const db = await sourceDatabase(t, 'postgres')
  await runStatements(db, statements)
  return db
}

t.test('Vexa: each user is read with its data, in order of its id', { skip }, async (t) => {
  const { users } = await collect(readVexa(await vexaDatabase(t)))
  t.same(users.map(({ ref }) => ref), [1, 2, 3, 5, 6, 8, 9, 12, 13, 17, 18, 21, 22, 23].map(String))
  const user = (id: number) => users.find(({ ref }) => ref === String(id))
  t.same(user(1), {
    ref: '1',
    id: 'user-1',
    email: 'admin@vexa.ai',
    name: 'Admin',
    max_concurrent_bots: 10,
    data: { is_admin: true },
    created_at: '2025-04-22T09:00:00.123Z'
  })
  t.same(user(3)?.data, {
    webhook_url: 'https://hooks.acme.com/vexa',
    webhook_secret: 'whsec_made-up-secret-of-jane',
    webhook_events: { 'meeting.completed': true, 'meeting.started': false },
    vexa_image_url: 'https://cdn.example.com/jane.png'
  }, 'the image is where vexaCompatibility looks for it')
  t.equal(user(8)?.data?.subscription_cancellation_date, null, 'a null in data is kept')
  t.equal(user(12)?.name, 'Zoë Müller 🦊')
  t.same(user(9), {
    ref: '9',
    id: 'user-9',
    email: 'depleted@example.com',
    max_concurrent_bots: 0,
    created_at: '2025-08-25T10:00:00.000Z'
  }, 'an absent name and empty data are left out')
  t.same([user(5)?.email, user(6)?.email], ['Bob@Example.com', 'bob@example.com'], 'both are read')
  t.equal((user(17)?.data?.webhook_deliveries as unknown[]).length, 100)
})

t.test('Vexa: each token is read after its user, with its value and times', { skip }, async (t) => {
  const { tokens, lines } = await collect(readVexa(await vexaDatabase(t)))
  t.same(tokens.map(({ id, value }) => ({ id: id?.replace('token-', ''), value })), values)
  t.equal(tokens.length, 20)
  const refs = new Set<string>()
  for (const line of lines) {
    if ('user' in line) refs.add(line.user.ref)
    if ('token' in line) t.ok(refs.has(line.token.user), `user ${line.token.user} comes before its token`)
  }
  const token = (id: number) => tokens.find((token) => token.id === `token-${id}`)
  t.same(token(10), {
    user: '3',
    id: 'token-10',
    value: 'vxa_tx_4IEFHapw1FX6ADKR5lLf0D96kv7tRlo37LmaziNGxx',
    name: 'transcripts',
    scopes: ['tx'],
    created_at: '2026-04-05T10:00:01.000Z',
    expires_at: '2027-04-05T10:00:01.000Z'
  })
  t.equal(token(24)?.expires_at, '2099-01-01T00:00:00.000Z')
  t.equal(token(1)?.last_used_at, '2026-08-20T11:22:33.445Z')
  t.notOk('scopes' in Object(token(1)), 'a token without scopes may do everything')
  t.same(token(8)?.scopes, ['user'], 'a scope that Vexa has removed does not become everything')
})

t.test('Vexa: notes name each record that changes, and no value', { skip }, async (t) => {
  const { notes, users } = await collect(readVexa(await vexaDatabase(t)))
  const size = Buffer.byteLength(JSON.stringify(users.find(({ ref }) => ref === '17')?.data))
  t.same(notes, [
    { record: 'users row 13', text: 'created_at is not known: it becomes the time of the import.' },
    { record: 'users row 17', text: `data has ${size} bytes: the option maxDataSize of the app must allow them.` },
    { record: 'users row 21', text: '"not an address" is no e-mail address: the user gets user-21@vexa.invalid.' },
    { record: 'users row 23', text: 'max_concurrent_bots is -1: it becomes 0, which allows no bots either.' },
    ...[1, 30].map((id) => ({
      record: `api_tokens row ${id}`,
      text: 'Somebody may have made up the value: it could be guessed from its hash. Rotate the token.'
    })),
    { text: '1 tokens have no scopes: they may do everything, as in Vexa.' },
    { text: 'The last id of users was 26. With --keep-ids, set the sequence of ids to it.' },
    { text: 'The last id of api_tokens was 41. With --keep-ids, set the sequence of ids to it.' }
  ])
  for (const { value } of values) t.notMatch(JSON.stringify(notes), value)
  t.match(users.find(({ ref }) => ref === '21'), { email: 'user-21@vexa.invalid' })
  t.equal(users.find(({ ref }) => ref === '23')?.max_concurrent_bots, 0)
  t.notOk('created_at' in Object(users.find(({ ref }) => ref === '13')))
})

t.test('Vexa: the forms for legacyTokens accept each value, and hold none', { skip }, async (t) => {
  const { legacyTokens, scopes } = await collect(readVexa(await vexaDatabase(t)))
  t.same(scopes, ['bot', 'browser', 'tx', 'user'])
  t.same(legacyTokens, [
    '[0-9A-Za-z]{40}',
    '(?:vxa_bot_|vxa_browser_|vxa_tx_|vxa_user_)[0-9A-Za-z]{32,42}',
    '[\\w-]{17}'
  ])
  for (const { value } of values) t.ok(legacyTokens.some((form) => new RegExp(`^(?:${form})$`).test(value)), value)
})

t.test('Vexa: the tables of 0.2 are read, which lack columns', { skip }, async (t) => {
  const db = await vexaDatabase(t, `
    create table users (id serial primary key, email varchar(255) not null, name varchar(100), image_url text,
      created_at timestamp default now());
    create table api_tokens (id serial primary key, token varchar(255) not null, user_id integer not null,
      created_at timestamp default now());
    insert into users values (1, 'a@example.com', null, null, '2025-04-22 09:00:00');
    insert into api_tokens values (1, 'zyLxY5ja6gj6gC8qAIri6S6JmFQohNzLXcBLhHAy', 1, '2025-04-22 09:00:01')`)
  const { users, tokens, notes } = await collect(readVexa(db))
  t.same(users, [{ ref: '1', id: 'user-1', email: 'a@example.com', created_at: '2025-04-22T09:00:00.000Z' }])
  t.same(tokens, [{
    user: '1',
    id: 'token-1',
    value: 'zyLxY5ja6gj6gC8qAIri6S6JmFQohNzLXcBLhHAy',
    created_at: '2025-04-22T09:00:01.000Z'
  }])
  t.match(notes, [{ text: /^1 tokens have no scopes/ }], 'no sequence is ahead, because none was used')
})

t.test('Vexa: a token that cannot work is in a note', { skip }, async (t) => {
  const db = await vexaDatabase(t)
  await runStatements(db, `
    alter table api_tokens drop constraint api_tokens_user_id_fkey;
    delete from api_tokens;
    update users set data = '[1]' where id = 1;
    update users set data = '{"n": 12345678901234567890}' where id = 2;
    alter table api_tokens alter created_at drop default;
    insert into api_tokens (id, token, user_id, expires_at) values (50, 'vxa_bot_ü', 1, null),
      (51, 'a b', 1, null), (52, '${'x'.repeat(60)}', 1, '-infinity'), (53, '${'y'.repeat(60)}', 99, null),
      (54, 'a~b+c', 1, 'infinity')`)
  const { tokens, notes, users, legacyTokens } = await collect(readVexa(db))
  const carry = 'The value is empty, or has characters that a header cannot carry.'
  t.same(notes.filter(({ skipped }) => skipped), [
    { record: 'api_tokens row 50', skipped: true, text: carry },
    { record: 'api_tokens row 51', skipped: true, text: carry },
    { record: 'api_tokens row 52', skipped: true, text: 'expires_at is no time from 1970 to 9999.' },
    { record: 'api_tokens row 53', skipped: true, text: 'The token belongs to no user.' }
  ])
  t.same(tokens.map(({ id }) => id), ['token-54'])
  t.notOk('expires_at' in Object(tokens[0]), 'infinity is never')
  t.same(legacyTokens, ['[!-~]{5}'])
  t.match(notes, [
    { record: 'users row 1', text: 'data is no JSON object, and is left out.' },
    { record: 'users row 2', text: 'data has a number that JavaScript cannot represent: it is rounded.' }
  ])
  t.notOk('data' in Object(users[0]))
})

t.test('Vexa: each page of users is read with its tokens when there are many', { skip }, async (t) => {
  const db = await vexaDatabase(t)
  await runStatements(db, `
    insert into users (id, email) select n, 'user' || n || '@example.com' from generate_series(101, 1200) n;
    insert into api_tokens (token, user_id, scopes) select md5(n::text) || md5(n::text), n, '{tx}'
      from generate_series(101, 1200) n;
    insert into api_tokens (token, user_id, scopes) select md5(n::text), 700, '{tx}' from generate_series(1, 1300) n`)
  const { users, tokens, lines } = await collect(readVexa(db))
  t.equal(users.length, 14 + 1100)
  t.equal(new Set(tokens.map(({ value }) => value)).size, 20 + 1100 + 1300)
  const kinds = lines.map((line) => Object.keys(line)[0]).filter((kind) => kind !== 'note')
  t.ok(kinds.indexOf('token') < kinds.lastIndexOf('user'), 'the tokens do not wait for all users')
})

t.test('Vexa: the database is read as it was at the beginning, and cannot be changed', { skip }, async (t) => {
  const db = await vexaDatabase(t)
  await runStatements(db,
    "insert into users (id, email) select n, n || '@example.com' from generate_series(101, 700) n")
  const reader = readVexa(db)
  const first = await reader.next()
  await runStatements(db, "insert into users (id, email) values (900, 'later@example.com')")
  const { users } = await collect(reader)
  t.match(first.value, { user: { ref: '1' }, record: 'users row 1' })
  t.equal(users.at(-1)?.ref, '700', 'a user who was created meanwhile is not read')

  await runStatements(db, `
    create function change () returns int language plpgsql volatile as
      'begin insert into users (email) values (''x''); return 1; end';
    alter table api_tokens rename to real_tokens;
    create view api_tokens as select id, token, user_id, change() as name from real_tokens`)
  await t.rejects(collect(readVexa(db)), { message: /read-only transaction/ })
})

t.test('Vexa: the error says what is missing when the tables are not those of Vexa', { skip }, async (t) => {
  const db = await sourceDatabase(t, 'postgres')
  await t.rejects(collect(readVexa(db)), { message: 'The database has no table users' })
  await runStatements(db, 'create table users (id serial primary key)')
  await t.rejects(collect(readVexa(db)), { message: 'The table users has no column email' })
})

t.test('Vexa: the error says why the connection has ended', { skip }, async (t) => {
  const db = await vexaDatabase(t)
  await runStatements(db, `
    alter table api_tokens rename to real_tokens;
    create view api_tokens as
      select id, token, user_id, pg_terminate_backend(pg_backend_pid()) as name from real_tokens`)
  await t.rejects(collect(readVexa(db)), { code: '57P01' })
})
