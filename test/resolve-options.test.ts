import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import vexaAdmin, { sqliteStorage, type VexaAdminOptions } from '../src/index.js'
import { resolveOptions } from '../src/resolve-options.js'
import { storageMethodNames, type StorageAdapter } from '../src/storage/storage-adapter.js'
import { emptyPlace, storageAt } from './support/databases.js'
import { adminKey, build, call } from './support/helpers.js'

const sha256 = (text: string) => createHash('sha256').update(text).digest()

t.test('resolveOptions: an absent option has its documented default', async (t) => {
  const given = Object.freeze({ adminKeys: adminKey, prefix: undefined }) as unknown as VexaAdminOptions
  t.match(resolveOptions(given), {
    adminKeys: [{ digest: sha256(adminKey), admin: { name: null, permissions: { length: 5 } } }],
    prefix: '/admin',
    console: false,
    hide: false,
    tokenPrefix: ['vex_'],
    tokenStart: false,
    legacyTokens: [],
    trustedOrigins: [],
    defaultMaxConcurrentBots: 3,
    maxTokenLifetime: Infinity,
    scopes: [],
    duplicateEmail: 'reject',
    maxDataSize: 16384,
    tokenCache: { ttl: 60_000, dataVersion: Function },
    audit: undefined
  })
})

// A storage as authors wrote them before there was an audit trail.
const withoutTrail = Object.fromEntries(storageMethodNames.map((name) => [name, async () => {}]))

t.test('plugin: a wrong option stops the boot with a coded error that names it', async (t) => {
  const wrong: Array<[Record<string, unknown>, RegExp]> = [
    [{}, /adminKeys.*openssl rand/],
    [{ adminKeys: undefined }, /adminKeys/],
    [{ adminKeys: '' }, /adminKeys/],
    [{ adminKeys: 'fifteen-letters' }, /adminKeys/],
    [{ adminKeys: 'sixteen letters!' }, /adminKeys/],
    [{ adminKeys: 'sixteen,letters!' }, /adminKeys/],
    [{ adminKeys: 'sixteen-lëtters!' }, /adminKeys/],
    [{ adminKeys: 'sixteen-letters!\n' }, /adminKeys/],
    [{ adminKeys: [] }, /adminKeys/],
    [{ adminKeys: [adminKey, 'short'] }, /adminKeys/],
    [{ adminKeys: [adminKey, 1234567890123456] }, /adminKeys/],
    [{ adminKeys: { length: 1 } }, /adminKeys/],
    [{ adminKeys: { name: 'ops', key: adminKey } }, /adminKeys.*array/],
    [{ adminKeys: new Array(1) }, /adminKeys/],
    [{ adminKeys: adminKey, authorize: () => true }, /either/],
    [{ authorize: 'me' }, /authorize/],
    [{ adminKeys: adminKey, prefix: 'admin' }, /prefix/],
    [{ adminKeys: adminKey, prefix: '/admin/' }, /prefix/],
    [{ adminKeys: adminKey, prefix: '/:tenant' }, /prefix/],
    [{ adminKeys: adminKey, prefix: 1 }, /prefix/],
    [{ adminKeys: adminKey, prefix: '/админ' }, /prefix/],
    [{ adminKeys: adminKey, prefix: '/%61dmin' }, /prefix/],
    [{ adminKeys: adminKey, scopes: 'bot' }, /scopes/],
    [{ adminKeys: adminKey, scopes: ['bot', 'bot'] }, /scopes/],
    [{ adminKeys: adminKey, scopes: ['a b'] }, /scopes/],
    [{ adminKeys: adminKey, scopes: [''] }, /scopes/],
    [{ adminKeys: adminKey, scopes: [1] }, /scopes/],
    ...[true, 'ttl', null, 5000, {}, { ttl: 0 }, { ttl: 60_001 }, { ttl: 0.5 }, { ttl: '1' }, { ttl: 1, n: 1 }].map(
      (tokenCache): [Record<string, unknown>, RegExp] => [{ adminKeys: adminKey, tokenCache }, /tokenCache/]
    ),
    [{ adminKeys: adminKey, tokenCache: 'exact', storage: withoutTrail }, /tokenCache.*dataVersion/],
    [{ adminKeys: adminKey, tokenPrefix: '' }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: 'a b' }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: 'x'.repeat(33) }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: [] }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: ['vex_', 'a b'] }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: ['vex_', ''] }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: ['vex_', 'old_', 'vex_'] }, /tokenPrefix.*different/],
    [{ adminKeys: adminKey, tokenPrefix: ['vex_', 1] }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: [['vex_']] }, /tokenPrefix/],
    [{ adminKeys: adminKey, tokenPrefix: null }, /tokenPrefix/],
    ...[/x/, 'x', ['x'], [/x/, null], [{ source: 'x', flags: '', test: () => true }], new Array(1), null, {}].map(
      (legacyTokens): [Record<string, unknown>, RegExp] => [
        { adminKeys: adminKey, legacyTokens }, /`legacyTokens` must be an array of regular expressions/
      ]
    ),
    [{ adminKeys: adminKey, console: 1 }, /`console` must be true or false/],
    [{ adminKeys: adminKey, console: 'true' }, /`console`/],
    [{ adminKeys: adminKey, console: null }, /`console`/],
    [{ adminKeys: adminKey, tokenStart: 1 }, /`tokenStart`/],
    [{ adminKeys: adminKey, tokenStart: 'true' }, /`tokenStart`/],
    [{ adminKeys: adminKey, tokenStart: null }, /`tokenStart`/],
    ...[
      'https://a.example', [1], [null], [['https://a.example']], ['null'], ['*'], [''], ['a.example'],
      ['https://*.example'], ['https://a.example/'], ['https://a.example/path'], ['https://a.example?x'],
      ['https://a.example#x'], ['https://A.example'], ['HTTPS://a.example'], ['https://a.example:443'],
      ['http://a.example:80'], ['https://u@a.example'], ['https://münchen.example'],
      ['https://a.example '], ['https://'], ['ftp://a.example'], ['chrome-extension://abc'],
      ['https://a.example', 'https://b.example/']
    ].map((trustedOrigins): [Record<string, unknown>, RegExp] => [
      { authorize: () => true, trustedOrigins }, /trustedOrigins.*https:\/\/admin\.example/
    ]),
    [{ adminKeys: adminKey, trustedOrigins: ['https://a.example'] }, /trustedOrigins.*authorize/],
    [{ adminKeys: adminKey, defaultMaxConcurrentBots: -1 }, /defaultMaxConcurrentBots/],
    [{ adminKeys: adminKey, defaultMaxConcurrentBots: 2147483648 }, /defaultMaxConcurrentBots/],
    [{ adminKeys: adminKey, defaultMaxConcurrentBots: '3' }, /defaultMaxConcurrentBots/],
    ...[0, -1, 1.5, 2147483648, '3600', null, NaN, -Infinity].map((
      maxTokenLifetime
    ): [Record<string, unknown>, RegExp] => [
      { adminKeys: adminKey, maxTokenLifetime }, /maxTokenLifetime.*seconds.*2147483647/
    ]),
    [{ adminKeys: adminKey, duplicateEmail: 'ignore' }, /duplicateEmail/],
    ...[1, 0, -1, 1048577, 100.5, '16384', null, Infinity].map((maxDataSize): [Record<string, unknown>, RegExp] => [
      { adminKeys: adminKey, maxDataSize }, /maxDataSize.*from 2 to 1048576/
    ]),
    ...[
      1, 0, 'true', null, [], [30], {}, { retention: undefined }, { days: 30 }, { retention: 30, days: 30 },
      ...[0, -1, 1.5, 36_501, '30', null, NaN, Infinity, [30]].map((retention) => ({ retention }))
    ].map((audit): [Record<string, unknown>, RegExp] => [
      { adminKeys: adminKey, audit }, /`audit` must be true, false, or \{ retention: days \} .* from 1 to 36500$/
    ]),
    ...[undefined, 'listAudit', 'pruneAudit'].flatMap((name) => [true, { retention: 1 }].map(
      (audit): [Record<string, unknown>, RegExp] => [
        { adminKeys: adminKey, audit, storage: { ...withoutTrail, ...name && { [name]: () => {} } } },
        /`audit` needs a storage that keeps an audit trail, such as KyselyStorage: .*`listAudit` and `pruneAudit`$/
      ]
    )),
    [{ adminKeys: adminKey, storage: null }, /storage.*open/],
    [{ adminKeys: adminKey, storage: { open () {}, close () {} } }, /storage.*createUser/],
    [{ adminKey }, /no option `adminKey`/]
  ]
  for (const [options, message] of wrong) {
    const app = Fastify()
    const name = JSON.stringify(options)
    const storage = sqliteStorage({ filename: ':memory:' })
    await t.rejects(async () => { await app.register(vexaAdmin, { storage, ...options } as VexaAdminOptions) },
      { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message }, name)
    t.notOk(app.hasDecorator('vexaAdmin'), name)
    await app.close()
  }
})

t.test('adminKeys: the error does not repeat a key', async (t) => {
  t.throws(() => resolveOptions({ adminKeys: 'too-short-key' }), { message: /^(?!.*too-short-key)/ })
})

t.test('adminKeys: the error names a wrong member, and no key', async (t) => {
  const other = 'another-key-for-the-tests'
  const hex = sha256(adminKey).toString('hex')
  const named = (members: object) => ({ name: 'ops', key: adminKey, ...members })
  const wrong: Array<[unknown[], RegExp]> = [
    [[null], /`adminKeys\[0\]` is wrong: Expected a key, or an object such as \{ name, key \}/],
    [[other, [adminKey]], /`adminKeys\[1\]` is wrong/],
    [[new Map([['name', 'ops'], ['key', adminKey]])], /adminKeys\[0\]\/name/],
    [[{ key: adminKey }], /adminKeys\[0\]\/name/],
    ...['', ' ops', 'ops ', 'a\nb', 'x'.repeat(256), 7, null, undefined, 'a\u200Bb'].map((name): [unknown[], RegExp] =>
      [[named({ name })], /`adminKeys\[0\]\/name` is wrong: .*/]),
    ...['too-short-key', `${adminKey} `, `${adminKey},`, `${adminKey}é`, 1234567890123456, null].map(
      (key): [unknown[], RegExp] => [[named({ key })], /adminKeys\[0\]\/key.*at least 16.*openssl rand -hex 32/]
    ),
    ...[hex.slice(1), `${hex}0`, hex.replace(/.$/, 'g'), `${hex}  -`, '', sha256(adminKey), null].map(
      (sha256): [unknown[], RegExp] => [[{ name: 'ops', sha256 }], /adminKeys\[0\]\/sha256.*64 hexadecimal digits/]
    ),
    [[{ name: 'ops' }], /`adminKeys\[0\]` must have either `key` or `sha256`: is the environment variable/],
    [[named({ key: undefined })], /must have either `key` or `sha256`/],
    [[{ name: 'ops', sha256: undefined }], /must have either `key` or `sha256`/],
    [[named({ sha256: hex })], /must have either `key` or `sha256`/],
    [[{ name: 'ops', sha256: sha256('').toString('hex') }], /`adminKeys\[0\].sha256` is the SHA-256 of an empty text/],
    ...[['write'], ['read', 'read'], ['read', adminKey], [], 'read', null, {}, [['read']], [undefined]].map(
      (permissions): [unknown[], RegExp] =>
        [[named({ permissions })], /adminKeys\[0\]\/permissions.*read, users, tokens, verify, audit/]
    ),
    [[named({ permissions: undefined })], /`permissions` is undefined/],
    [[named({ permission: ['read'] })], /adminKeys\[0\]\/permission` is wrong: Unexpected property/],
    [[named({ [other]: true })], /adminKeys\[0\]` is wrong: Unexpected property/],
    [[adminKey, adminKey], /two of `adminKeys` are the same key/],
    [[adminKey, named({})], /two of `adminKeys` are the same key/],
    [[named({}), { name: 'ci', sha256: hex.toUpperCase() }], /two of `adminKeys` are the same key/],
    [[named({}), named({ key: other })], /two of `adminKeys` have the same name/],
    [[adminKey, { name: hex.slice(0, 8), key: other }], /two of `adminKeys` have the same name/],
    [[named({ name: adminKey })], /a `name` in `adminKeys` is one of the keys/],
    [[adminKey, { name: adminKey, key: other }], /a `name` in `adminKeys` is one of the keys/]
  ]
  for (const [adminKeys, pattern] of wrong) {
    const boot = () => resolveOptions({ adminKeys: adminKeys as VexaAdminOptions['adminKeys'] })
    t.throws(boot, { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message: pattern }, JSON.stringify(adminKeys))
    try {
      boot()
    } catch (error) {
      t.notMatch(String((error as Error).message), /key-for-the-tests|too-short-key|1234567890123456/)
    }
  }
})

t.test('adminKeys: keys may have names and permissions', async (t) => {
  const longest = '\u{1F600}'.repeat(255)
  const hex = sha256('a-third-key-for-the-tests').toString('hex')
  const { adminKeys } = resolveOptions({
    adminKeys: [
      adminKey,
      { name: longest, key: 'another-key-for-the-tests', permissions: ['tokens', 'read'] },
      { name: 'Ops', sha256: hex, key: undefined },
      { name: 'ops', key: 'a-fourth-key-for-the-tests', sha256: undefined }
    ]
  })
  const permissions = ['read', 'users', 'tokens', 'verify', 'audit']
  const actor = sha256(adminKey).toString('hex').slice(0, 8)
  t.same(adminKeys, [
    { digest: sha256(adminKey), admin: { name: null, actor, permissions } },
    {
      digest: sha256('another-key-for-the-tests'),
      admin: { name: longest, actor: longest, permissions: ['tokens', 'read'] }
    },
    { digest: Buffer.from(hex, 'hex'), admin: { name: 'Ops', actor: 'Ops', permissions } },
    { digest: sha256('a-fourth-key-for-the-tests'), admin: { name: 'ops', actor: 'ops', permissions } }
  ])
})

t.test('adminKeys: accepts the shortest key, and each printable character', async (t) => {
  const all = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((c) => c !== ',').join('')
  const { adminKeys } = resolveOptions({ adminKeys: ['!'.repeat(16), all] })
  t.same(adminKeys?.map(({ digest }) => digest), [sha256('!'.repeat(16)), sha256(all)])
})

t.test('prefix: may be any path, or empty', async (t) => {
  for (const prefix of ['', '/internal/admin']) {
    const app = await build(t, { prefix })
    const reply = await call(app, 'POST', `${prefix}/users`, { payload: { email: 'a@b' } })
    t.equal(reply.statusCode, 201)
    t.equal(reply.headers.location, 'users/user-1')
    t.equal((await call(app, 'GET', '/admin/users')).statusCode, 404)
  }
})

t.test('defaultMaxConcurrentBots, tokenPrefix: apply to new users and tokens', async (t) => {
  const app = await build(t, { defaultMaxConcurrentBots: 0, tokenPrefix: 'acme_live_' })
  const user = (await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).json()
  t.equal(user.max_concurrent_bots, 0)
  t.match((await call(app, 'POST', '/admin/users/user-1/tokens')).json().token, /^acme_live_[0-9A-Za-z]{36}$/)
})

t.test('maxTokenLifetime: accepts its least and greatest value, and Infinity for no limit', async (t) => {
  for (const maxTokenLifetime of [1, 2147483647, Infinity]) {
    t.equal(resolveOptions({ adminKeys: adminKey, maxTokenLifetime }).maxTokenLifetime, maxTokenLifetime)
  }
})

t.test('audit: accepts its least and greatest retention, and copies it', async (t) => {
  const storage = sqliteStorage({ filename: ':memory:' })
  const resolved = (audit: VexaAdminOptions['audit']) => resolveOptions({ adminKeys: adminKey, storage, audit }).audit
  const given = { retention: 1 }
  const kept = resolved(given)
  given.retention = 2
  t.equal(kept?.retention, 1)
  t.equal(resolved({ retention: 36_500 })?.retention, 36_500)
  t.same(Object.keys(resolved(true) ?? {}), ['trail', 'retention'])
  t.equal(resolved(true)?.retention, undefined)
  t.equal(resolved(false), undefined)
})

t.test('audit: a storage without a trail serves an app without the option', async (t) => {
  const entries: unknown[] = []
  const storage = Object.fromEntries(storageMethodNames.map((name) => [name, async (...parameters: unknown[]) => {
    entries.push(...parameters.filter((given) => given !== undefined))
    return name.startsWith('find') ? undefined : name === 'pruneTokens' ? { deleted: 0 } : 'taken'
  }])) as unknown as StorageAdapter
  const app = await build(t, { storage })
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).statusCode, 409)
  t.equal((await call(app, 'DELETE', '/admin/tokens/token-1')).statusCode, 204)
  t.match(entries, [{ email: 'a@b' }, '1'])
  t.equal(entries.length, 2, 'no entry is passed')
})

t.test('trustedOrigins: accepts each form of origin, and none with adminKeys', async (t) => {
  const trustedOrigins = [
    'https://a.example', 'http://localhost:5173', 'https://xn--mnchen-3ya.example:8443', 'http://[::1]:3000',
    'https://127.0.0.1'
  ]
  t.same(resolveOptions({ authorize: () => true, trustedOrigins }).trustedOrigins, trustedOrigins)
  t.same(resolveOptions({ adminKeys: adminKey, trustedOrigins: [] }).trustedOrigins, [])
})

t.test('tokenPrefix: the first is for new tokens, and all are accepted', async (t) => {
  const place = emptyPlace(t)
  const under = (tokenPrefix: string | string[]) => build(t, { tokenPrefix, storage: storageAt(place) })
  const old = await under('vex_')
  const { id } = await old.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await old.vexaAdmin.tokens.create(id)

  const prefixes = ['acme_', 'vex_', 'vex_2_', 'v']
  const app = await under(prefixes)
  prefixes.length = 0
  t.match(await app.vexaAdmin.tokens.verify({ token }), { valid: true }, 'a token from before the change')
  const made = await app.vexaAdmin.tokens.create(id)
  t.match(made.token, /^acme_[0-9A-Za-z]{36}$/)
  t.match((await app.vexaAdmin.tokens.rotate(made.id)).token, /^acme_[0-9A-Za-z]{36}$/)

  // Some of these begin with another.
  for (const prefix of ['vex_2_', 'v', 'acme_']) {
    const { token } = await (await under(prefix)).vexaAdmin.tokens.create(id)
    t.match(await app.vexaAdmin.tokens.verify({ token }), { valid: true }, prefix)
    t.same(await old.vexaAdmin.tokens.verify({ token }), {
      valid: false,
      code: 'NOT_FOUND'
    }, `${prefix} is not accepted where it is not named`)
  }
})

t.test('scopes: a token may be limited to these names and no others', async (t) => {
  const scopes = ['bot', 'tx:read']
  const app = await build(t, { scopes })
  scopes.push('later')
  t.throws(() => app.vexaAdmin.requireToken({ scopes: ['later'] }), { code: 'VEXA_ADMIN_ERR_INVALID_OPTION' })
  const without = await build(t)
  for (const { vexaAdmin: { users, tokens } } of [app, without]) {
    await users.create({ email: 'a@b' })
    await t.rejects(tokens.create('user-1', { scopes: ['other'] }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
  t.match(await app.vexaAdmin.tokens.create('user-1', { scopes: ['tx:read'] }), { scopes: ['tx:read'] })
  await t.rejects(without.vexaAdmin.tokens.create('user-1', { scopes: ['bot'] }), {
    code: 'VEXA_ADMIN_ERR_INVALID_INPUT'
  })
  t.throws(() => without.vexaAdmin.requireToken({ scopes: ['bot'] }), { code: 'VEXA_ADMIN_ERR_INVALID_OPTION' })
})
