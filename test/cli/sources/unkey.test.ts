import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { readUnkey } from '../../../src/cli/sources/unkey.js'
import { collect } from '../../support/collect-lines.js'
import { unavailable } from '../../support/databases.js'
import { fence } from '../../support/fences.js'
import { runStatements, sourceDatabase } from '../../support/source-database.js'

const rows = fileURLToPath(new URL('../../support/fixtures/unkey-keys.ndjson', import.meta.url))

/** The keys of the rows, by their ids. */
const values: Record<string, string> = {
  full: 'acme_live_KzDWtXayyUDQA69FRJJruC',
  plain: 'BmBoDr6o21norxnsyK4QcK',
  disabled: 'acme_live_HMdhtfc9fSXE3KbjH7H6Cc',
  unowned: '7qqPMA669AeUv3siE4kS7G',
  identity: '8ify3AwMLW2UkvoEzeEhqs',
  used_up: 'Q9huZCU2LGecLkB4nEx2i7',
  limited: 'PhPAkzYnqmoVtLVg46Q1jk'
}
const sha256 = (id: string) => createHash('sha256').update(values[id] as string).digest('base64')

/** Reads a file with this text. */
function read (t: Test, text: string) {
  return collect(readUnkey(`${t.testdir({ keys: text })}/keys`))
}

t.test('Unkey: rows of the table of keys are read with their hashes', async (t) => {
  const { users, tokens, notes, legacyTokens, lines } = await collect(readUnkey(rows))
  const created = { created_at: '2025-11-27T18:05:46.423Z' }
  t.same(users.map(({ ref }) => ref), ['user_2AbC', 'jane@example.com', 'no-owner', 'id_9'])
  const digest = createHash('sha256').update('user_2AbC').digest('hex').slice(0, 32)
  t.same(users[0], {
    ref: 'user_2AbC',
    email: `${digest}@unkey.invalid`,
    name: 'user_2AbC',
    data: { externalId: 'user_2AbC' }
  })
  t.same(users[1], {
    ref: 'jane@example.com',
    email: 'jane@example.com',
    name: 'jane@example.com',
    data: { externalId: 'jane@example.com' }
  }, 'an owner who is an address keeps it')
  t.same(users[2], { ref: 'no-owner', email: 'no-owner@unkey.invalid', name: 'no-owner' })
  t.same(users[3], { ref: 'id_9', email: 'id_9@unkey.invalid', name: 'id_9' })

  t.same(tokens[0], {
    user: 'user_2AbC',
    sha256: sha256('full'),
    name: 'CI',
    start: 'acme_live_KzDW',
    data: { plan: 'pro' },
    ...created,
    expires_at: '2099-01-01T00:00:00.000Z',
    last_used_at: '2025-11-27T19:00:00.000Z'
  })
  t.same(tokens.slice(1), [
    { user: 'jane@example.com', sha256: sha256('plain'), start: 'BmBo', ...created },
    { user: 'user_2AbC', sha256: sha256('disabled'), start: 'acme_live_HMdh', disabled: true, ...created },
    { user: 'no-owner', sha256: sha256('unowned'), start: '7qqP', ...created },
    { user: 'id_9', sha256: sha256('identity'), start: '8ify', ...created },
    { user: 'jane@example.com', sha256: sha256('used_up'), start: 'Q9hu', disabled: true, ...created },
    { user: 'jane@example.com', sha256: sha256('limited'), start: 'PhPA', ...created }
  ])
  t.equal(lines.findIndex((line) => 'user' in line), 0, 'a user comes before its tokens')

  t.same(notes, [
    { record: 'key key_deleted', skipped: true, text: 'The key is deleted.' },
    { record: 'key key_root', skipped: true, text: 'The key is a root key of Unkey itself.' },
    { record: 'key key_migrated', skipped: true, text: 'The hash is that of an earlier system.' },
    { record: 'key key_used_up', text: 'The key has no remaining uses, so the token becomes disabled.' },
    { record: 'key key_limited', text: 'The number of uses of the key is no longer limited.' },
    { text: '3 owners have no e-mail address: their users get one that ends in @unkey.invalid.' },
    { text: '1 keys have a rate limit, and tokens have none: limit requests in the app.' }
  ])
  for (const value of Object.values(values)) {
    t.ok(legacyTokens.some((form) => new RegExp(`^(?:${form})$`).test(value)), value)
  }
  t.same(legacyTokens, ['(?:acme_live_)[1-9A-HJ-NP-Za-km-z]{11,255}', '[1-9A-HJ-NP-Za-km-z]{11,255}'])
})

const skip = await unavailable('mysql')

t.test('Unkey: the statement of the guide writes rows that are read', { skip }, async (t) => {
  const db = await sourceDatabase(t, 'mysql')
  // The columns of Unkey's tables, without keys and indexes.
  await runStatements(db, `
    create table \`keys\` (pk bigint unsigned auto_increment primary key, id varchar(256) not null,
      key_auth_id varchar(256) not null, hash varchar(256) not null, start varchar(256) not null,
      workspace_id varchar(256) not null, for_workspace_id varchar(256), name varchar(256), owner_id varchar(256),
      identity_id varchar(256), meta text, expires datetime(3), created_at_m bigint not null default 0,
      updated_at_m bigint, deleted_at_m bigint, refill_day tinyint, refill_amount int, last_refill_at datetime(3),
      enabled boolean not null default true, remaining_requests int, ratelimit_async boolean, ratelimit_limit int,
      ratelimit_duration bigint, environment varchar(256), last_used_at bigint, pending_migration_id varchar(256));
    create table identities (id varchar(256) not null, external_id varchar(256) not null, meta json);
    create table keys_permissions (key_id varchar(256) not null, permission_id varchar(256) not null);
    create table permissions (id varchar(256) not null, slug varchar(128) not null);
    insert into \`keys\` (id, key_auth_id, hash, start, workspace_id, name, identity_id, meta, expires, created_at_m,
      enabled) values
      ('key_1', 'ks', '${sha256('full')}', 'acme_live_KzDW', 'ws', 'a "name"', 'id_1', '{"plan":"pro"}',
        '2099-01-01 00:00:00.000', 1764266746423, false),
      ('key_2', 'ks', '${sha256('plain')}', 'BmBo', 'ws', null, null, null, null, 0, true);
    insert into identities values ('id_1', 'jane@example.com', null);
    insert into permissions values ('p_1', 'documents.read'), ('p_2', 'documents.write');
    insert into keys_permissions values ('key_1', 'p_1'), ('key_1', 'p_2')`)
  const { rows } = await sql.raw<object>(fence('examples/README.md', 'unkey-keys')).execute(db)
  // mysql2 parses the type json, which the program mysql prints.
  const lines = rows.flatMap(Object.values).map((row) => typeof row === 'string' ? row : JSON.stringify(row))
  const { users, tokens } = await read(t, lines.join('\n'))
  t.same(users.map(({ email }) => email), ['jane@example.com', 'no-owner@unkey.invalid'])
  t.same(tokens, [{
    user: 'jane@example.com',
    sha256: sha256('full'),
    name: 'a "name"',
    scopes: ['documents.read', 'documents.write'],
    start: 'acme_live_KzDW',
    data: { plan: 'pro' },
    disabled: true,
    created_at: '2025-11-27T18:05:46.423Z',
    expires_at: '2099-01-01T00:00:00.000Z'
  }, { user: 'no-owner', sha256: sha256('plain'), scopes: ['none'], start: 'BmBo' }])
})

/** A page of `apis.listKeys`, version 2. */
const page = {
  meta: { requestId: 'req_1' },
  data: [{
    keyId: 'key_1',
    start: 'acme_KzDW',
    enabled: true,
    name: 'CI',
    meta: { plan: 'pro' },
    createdAt: 1764266746423,
    lastUsedAt: 1764270000000,
    expires: 1764270000000,
    permissions: ['documents.read', 'documents.read', 'a b'],
    roles: ['editor'],
    identity: { id: 'id_1', externalId: 'jane@example.com', meta: { company: 'ACME' } },
    credits: { remaining: 0, refill: { interval: 'daily', amount: 5 } },
    ratelimits: [{ name: 'requests', limit: 10, duration: 1000 }],
    plaintext: 'acme_KzDWtXayyUDQA69FRJJruC'
  }, {
    keyId: 'key_2', start: 'BmBo', enabled: true, createdAt: 1764266746423, identity: { externalId: 'jane@example.com' }
  }, {
    keyId: 'key_3', start: 'ow', enabled: true, createdAt: 1764266746423, plaintext: 'own-key-0O'
  }],
  pagination: { hasMore: false }
}

t.test('Unkey: a page of the API gives values, if it was requested with decrypt', async (t) => {
  const { users, tokens, notes, legacyTokens } = await read(t, JSON.stringify(page))
  t.same(users[0]?.data, { company: 'ACME', externalId: 'jane@example.com' })
  t.same(tokens, [{
    user: 'jane@example.com',
    value: 'acme_KzDWtXayyUDQA69FRJJruC',
    name: 'CI',
    scopes: ['documents.read'],
    start: 'acme_KzDW',
    data: { plan: 'pro' },
    created_at: '2025-11-27T18:05:46.423Z',
    expires_at: '2025-11-27T19:00:00.000Z',
    last_used_at: '2025-11-27T19:00:00.000Z'
  }, {
    user: 'no-owner', value: 'own-key-0O', scopes: ['none'], start: 'ow', created_at: '2025-11-27T18:05:46.423Z'
  }])
  t.same(notes, [
    { record: 'key key_1', text: 'These permissions cannot be scopes: a b.' },
    { record: 'key key_1', text: 'The roles editor are not imported.' },
    { record: 'key key_1', text: 'The number of uses of the key is no longer limited.' },
    {
      record: 'key key_2',
      skipped: true,
      text: 'The file has neither a SHA-256 nor the value of the key: create a new token.'
    },
    { text: '1 owners have no e-mail address: their users get one that ends in @unkey.invalid.' },
    { text: '1 keys have no permissions: their tokens get the scope none.' },
    { text: '1 keys have a rate limit, and tokens have none: limit requests in the app.' }
  ])
  t.same(legacyTokens, ['(?:acme_)[1-9A-HJ-NP-Za-km-z]{11,255}', '[\\w-]{10}'])
})

t.test('Unkey: a file of a page is read in each layout', async (t) => {
  const text = JSON.stringify(page)
  const { lines } = await read(t, text)
  const same = async (text: string, name: string) => t.same((await read(t, text)).lines, lines, name)
  await same(JSON.stringify(page, null, 2), 'on many lines')
  await same(`\uFEFF${text}\r\n\r\n`, 'with a byte order mark and empty lines')
  await same(JSON.stringify(page.data), 'as an array')
  await same(page.data.map((key) => JSON.stringify(key)).join('\n'), 'with a key on each line')
  await same(JSON.stringify({ keys: page.data, total: 3 }), 'as a page of version 1')
  await same(page.data.map((key) => JSON.stringify({ data: [key] })).join('\n'), 'with a page on each line')
})

t.test('Unkey: a record that cannot be read is in a note', async (t) => {
  const hash = sha256('plain')
  const { tokens, notes } = await read(t, [
    { id: 'a', hash, expires: 'tomorrow' },
    { id: 'b', hash, meta: '{"n":12345678901234567890}' },
    { id: 'c', hash, plaintext: 'a b', createdAtM: 0 }
  ].map((row) => JSON.stringify(row)).join('\n') + `\n{"id":"d","hash":"${hash}","meta":{"n":12345678901234567890}}`)
  const rounded = 'A number that JavaScript cannot represent is rounded.'
  t.same(notes.slice(0, -1), [
    { record: 'key a', skipped: true, text: 'expires is no time from 1970 to 9999.' },
    { record: 'key b', text: rounded },
    { record: 'key d', text: rounded }
  ])
  t.same(tokens[1], { user: 'no-owner', sha256: hash }, 'a row that lacks a time of creation')
})

t.test('Unkey: the error tells what is wrong with a file, and repeats nothing of it', async (t) => {
  for (const text of ['not JSON', '[1]', '"text"', '{"a":1}{"b":2}', '']) {
    const read = collect(readUnkey(`${t.testdir({ keys: text })}/keys`))
    if (text === '') t.same((await read).lines, [{ options: { scopes: [], legacyTokens: [] } }])
    else await t.rejects(read, { message: 'The file is no JSON. Several documents must have a line each' })
  }
  const second = collect(readUnkey(`${t.testdir({ keys: '{"keyId":"key_1","permissions":[]}\n\nsecret' })}/keys`))
  await t.rejects(second, { message: 'Line 3 of the file is no JSON object or array' })
  const other = read(t, '{"id":"a"}\n{"error":{"detail":"secret"}}')
  await t.rejects(other, { message: 'Record 2 of the file is no key, because it has no id' })
  await t.rejects(collect(readUnkey('/nowhere/keys.json')), { code: 'ENOENT' })
})
