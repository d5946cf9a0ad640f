// Drivers and their settings, and other copies of Kysely.
import { createRequire } from 'node:module'
import Database from 'better-sqlite3'
import {
  CamelCasePlugin, DeduplicateJoinsPlugin, Kysely, MysqlDialect, ParseJSONResultsPlugin, PostgresDialect,
  sql, SqliteDialect, type CompiledQuery, type Dialect, type KyselyPlugin, type QueryResult
} from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'
import mysql, { type PoolOptions, type TypeCastField } from 'mysql2'
import pg from 'pg'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { KyselyStorage, sqliteStorage } from '../../../src/index.js'
import type { TokenFilter } from '../../../src/storage/storage-adapter.js'
import { build, call } from '../../support/helpers.js'
import {
  backDoor, databaseNames, dialectAt, emptyPlace, longTestDatabases, mysqlUrl, postgresUrl, storageAt, tablePrefixAt,
  unavailable, type DatabaseName
} from '../../support/databases.js'

const on = {
  sqlite: {},
  postgres: { skip: await unavailable('postgres') },
  mysql: { skip: await unavailable('mysql') }
} satisfies Record<DatabaseName, object>

const user = {
  email: 'a@b',
  name: 'A \u{1F511}\\',
  max_concurrent_bots: 3,
  data: { a: [1, '\u{1F511}'] },
  created_at: '2024-03-31T02:30:00.123Z'
}
const hash = Buffer.alloc(32, 7)
const token = {
  user_id: '1',
  hash,
  name: null,
  scopes: ['a'],
  expires_at: '2038-01-19T03:14:08.001Z',
  expires_in: 60,
  disabled: true,
  data: { a: ['\u{1F511}', null] },
  start: 'vex_a%_1',
  created_at: user.created_at
}

/** Writes and reads a value of each kind. */
async function checkKept (t: Test, storage: KyselyStorage, message: string) {
  const { hash: _, ...rest } = token
  const storedUser = { ...user, id: '1', disabled: false, revision: 1 }
  const storedToken = { ...rest, id: '1', last_used_at: '2024-07-01T12:00:00.000Z' }
  await storage.createUser({ ...user, data: null })
  t.same(await storage.updateUser('1', { data: user.data, disabled: false }), storedUser, message)
  await storage.createToken(token)
  await storage.touchTokens(['1'], storedToken.last_used_at)
  t.same(await storage.findTokenByHash(hash), { user: storedUser, token: storedToken }, message)
  t.match(await storage.updateUser('1', { disabled: true }), { disabled: true }, message)
  const listed = [{ token: storedToken, user: { id: '1', email: user.email, name: user.name } }]
  const filters: TokenFilter[] = [
    {},
    {
      userId: '1',
      start: 'vex_a%',
      state: { is: 'disabled', at: user.created_at },
      unusedSince: '2024-07-02T12:00:00.000Z',
      expiresBefore: '2999-01-01T12:00:00.000Z'
    }
  ]
  for (const filter of filters) {
    t.same(await storage.listTokens({ ...filter, order: 'asc', limit: 9 }), listed, message)
    t.equal(await storage.countTokens(filter), 1, message)
  }
  t.equal(await storage.countUsers(), 1, message)
  t.type(
    await storage.rotateToken(
      '1', (old) => ({ expires_at: old.expires_at, successor: { ...token, hash: Buffer.alloc(32) } })
    ),
    'object', message
  )
}

const parser = (oid: number, parse: (text: string) => unknown) => ({
  types: {
    getTypeParser: (type: number, format: 'text') => type === oid ? parse : pg.types.getTypeParser(type, format)
  } as never
})
const cast = (type: string, read: (field: TypeCastField) => unknown): PoolOptions => ({
  typeCast: (field, next) => field.type === type ? read(field) : next()
})
const postgresJs = (options: object = {}) => new PostgresJSDialect({
  postgres: postgres(postgresUrl, { max: 2, ...options })
})
const betterSqlite = (safe: boolean) => {
  const database = new Database(':memory:')
  database.defaultSafeIntegers(safe)
  return new SqliteDialect({ database })
}

/** Settings of drivers. `changed` is the kind of value that the error must name. Without it, the storage opens. */
const settings: Record<DatabaseName, Array<[name: string, dialect: () => Dialect, changed?: string]>> = {
  sqlite: [
    ['integers as numbers', () => betterSqlite(false)],
    ['integers as BigInt', () => betterSqlite(true)]
  ],
  postgres: [
    ...Object.entries<[options: object, changed?: string]>({
      'bigint as number': [parser(20, Number)],
      'bigint as BigInt': [parser(20, BigInt)],
      'bigint as Date': [parser(20, (text) => new Date(text)), 'times'],
      'bigint cut to 32 bits': [parser(20, (text) => Number(text) > 2 ** 52 ? Number(text) | 0 : text), 'integers of more than 32 bits'],
      'integer as text': [parser(23, String)],
      'integer as boolean': [parser(23, (text) => text === '1'), 'integers'],
      'integer and nothing else': [parser(23, () => '2'), 'booleans'],
      'boolean as text': [parser(16, String)],
      'json parsed otherwise': [parser(114, () => 'parsed')],
      'text trimmed': [parser(25, (text) => text.trim()), 'text'],
      'binary, which pg reads wrong': [{ binary: true }, 'times']
    }).map(([name, [options, changed]]): [string, () => Dialect, string?] => [
      `pg: ${name}`,
      () => new PostgresDialect({ pool: new pg.Pool({ connectionString: postgresUrl, ...options }) }),
      changed
    ]),
    ['postgres.js', postgresJs],
    ['postgres.js: unprepared', () => postgresJs({ prepare: false })],
    ['postgres.js: undefined as null', () => postgresJs({ transform: { undefined: null } })],
    ['postgres.js: camel case', () => postgresJs({ transform: postgres.camel }), 'names of columns'],
    [
      'postgres.js: values',
      () => postgresJs({ transform: { value: { from: (value: unknown) => value ?? undefined } } }), 'text'
    ]
  ],
  mysql: Object.entries<[options: PoolOptions, changed?: string]>({
    timezone: [{ timezone: '+05:30' }],
    dateStrings: [{ dateStrings: true }],
    supportBigNumbers: [{ supportBigNumbers: true }],
    bigNumberStrings: [{ supportBigNumbers: true, bigNumberStrings: true }],
    decimalNumbers: [{ decimalNumbers: true }],
    jsonStrings: [{ jsonStrings: true }],
    stringifyObjects: [{ stringifyObjects: true }],
    namedPlaceholders: [{ namedPlaceholders: true }],
    'no FOUND_ROWS': [{ flags: ['-FOUND_ROWS'] }],
    'typeCast: text': [{ typeCast: (field) => field.string() }],
    'typeCast: tinyint(1) as boolean': [cast('TINY', (field) => field.string() === '1')],
    'typeCast: tinyint(1) as Y or N': [cast('TINY', (field) => field.string() === '1' ? 'Y' : 'N')],
    'typeCast: none': [{ typeCast: false }, 'text'],
    'typeCast: text as bytes': [cast('BLOB', (field) => field.buffer()), 'text'],
    'typeCast: trimmed': [cast('VAR_STRING', (field) => field.string()?.trim() ?? null), 'text'],
    'typeCast: cut to 32 bits': [cast('LONGLONG', (field) => Number(field.string()) | 0), 'integers'],
    'charset: latin1': [{ charset: 'latin1' }, 'text'],
    rowsAsArray: [{ rowsAsArray: true }, 'names of columns'],
    nestTables: [{ nestTables: true }, 'names of columns'],
    'nestTables: _': [{ nestTables: '_' }, 'names of columns']
  }).map(([name, [options, changed]]) => [
    name, () => new MysqlDialect({ pool: mysql.createPool({ uri: mysqlUrl, ...options }) }), changed
  ])
}

for (const database of longTestDatabases) {
  t.test(`${database}: open rejects when a setting of the driver changes values`, on[database], async (t) => {
    for (const [name, dialect, changed] of settings[database]) {
      const storage = new KyselyStorage({ dialect: dialect(), tablePrefix: tablePrefixAt(emptyPlace(t, database)) })
      t.teardown(() => storage.close())
      if (changed === undefined) {
        await storage.open()
        await checkKept(t, storage, name)
      } else {
        await t.rejects(
          storage.open(),
          {
            code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
            message: new RegExp(`the driver changes .*${changed}.*: (do not )?use|with`)
          },
          name
        )
      }
    }
  })
}

const isTime = (value: unknown) => /^\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d/.test(String(value))
const isJson = (value: unknown) => /^[[{]/.test(String(value))

/** Changes that a driver may make to a parameter and undo when it reads. */
const changes: Record<string, (value: any) => unknown> = {
  bytes: (value) => Buffer.isBuffer(value) && value.includes(0) ? value.subarray(0, value.indexOf(0)) : value,
  text: (value) => typeof value === 'string' && !isJson(value) && !isTime(value) ? value.normalize('NFC') : value,
  JSON: (value) => typeof value === 'string' && isJson(value) ? JSON.stringify(value) : value,
  times: (value) => typeof value === 'string' && isTime(value) ? value.replace(/\.\d+/, '.000') : value,
  booleans: (value) => value === false ? true : value === 0 ? 1 : value,
  integers: (value) => value === 2 ** 32 + 1 ? 1 : value
}

/** Makes the driver of a dialect change parameters, and return the original values. The client sees no change. */
function changing (dialect: Dialect, change: (value: unknown) => unknown): Dialect {
  const createDriver = dialect.createDriver.bind(dialect)
  const changed = new WeakSet<object>()
  dialect.createDriver = () => {
    const driver = createDriver()
    const acquireConnection = driver.acquireConnection.bind(driver)
    driver.acquireConnection = async () => {
      const connection = await acquireConnection()
      if (changed.has(connection)) return connection
      changed.add(connection)
      const executeQuery: (query: CompiledQuery) => Promise<QueryResult<any>> = connection.executeQuery.bind(connection)
      connection.executeQuery = async (query: CompiledQuery) => {
        const result = await executeQuery({ ...query, parameters: query.parameters.map(change) })
        const [row] = result.rows
        if (row?.changed_type === undefined) return result
        const sound = await executeQuery(query)
        return { ...result, rows: [{ ...sound.rows[0], changed_type: row.changed_type }] }
      }
      return connection
    }
    return driver
  }
  return dialect
}

for (const database of longTestDatabases) {
  t.test(`${database}: open rejects when only the server sees a change`, on[database], async (t) => {
    for (const [changed, change] of Object.entries(changes)) {
      const place = emptyPlace(t, database)
      const storage = new KyselyStorage({
        dialect: changing(dialectAt(place), change), tablePrefix: tablePrefixAt(place)
      })
      t.teardown(() => storage.close())
      await t.rejects(
        storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: new RegExp(`the driver changes ${changed}`) },
        changed
      )
    }
    const place = emptyPlace(t, database)
    const storage = new KyselyStorage({
      dialect: changing(dialectAt(place), (value) => value), tablePrefix: tablePrefixAt(place)
    })
    t.teardown(() => storage.close())
    await storage.open()
  })

  t.test(`${database}: plugins of the app change no value`, on[database], async (t) => {
    const plugins: KyselyPlugin[] = [new CamelCasePlugin(), new ParseJSONResultsPlugin(), new DeduplicateJoinsPlugin()]
    for (const plugin of plugins) {
      const place = emptyPlace(t, database)
      const db = new Kysely<any>({ dialect: dialectAt(place), plugins: [plugin] })
      t.teardown(() => db.destroy())
      const storage = new KyselyStorage({ db, tablePrefix: tablePrefixAt(place) })
      await storage.open()
      await checkKept(t, storage, plugin.constructor.name)
    }
  })
}

t.test('SQLite: a database in UTF-16 keeps all values', async (t) => {
  const database = new Database(':memory:')
  database.pragma("encoding = 'UTF-16'")
  const storage = new KyselyStorage({ dialect: new SqliteDialect({ database }) })
  t.teardown(() => storage.close())
  await storage.open()
  await checkKept(t, storage, 'UTF-16')
})

for (const database of databaseNames) {
  t.test(`${database}: a damaged row returns 503 and gives no permission`, on[database], async (t) => {
    const place = emptyPlace(t, database)
    const app = await build(t, { storage: storageAt(place), scopes: ['admin', 'admin:read'] })
    app.get('/admin-only', { onRequest: app.vexaAdmin.requireToken({ scopes: ['admin'] }) }, async () => 'in')
    const { db, prefix } = backDoor(t, place)
    const json = (text: string) => database === 'postgres' ? sql`cast(${sql.lit(text)} as json)` : text
    const damages: Array<[table: string, values: object, status?: number]> = [
      ['tokens', { scopes: json('"admin:read"') }],
      ['tokens', { scopes: json('null') }],
      ['tokens', { scopes: json('{"admin":true}') }],
      ['tokens', { scopes: json('[1]') }],
      ['users', { data: json('[]') }],
      ['tokens', { data: json('[]') }],
      ['users', { data: json('1') }]
    ]
    // The other databases prevent these values.
    if (database === 'sqlite') {
      damages.push(
        ['users', { disabled: 2 }],
        ['users', { disabled: 'f' }],
        ['tokens', { disabled: 'f' }],
        ['users', { max_concurrent_bots: 'x' }],
        ['users', { created_at: 'never' }],
        ['tokens', { expires_at: 0 }],
        ['tokens', { expires_at: 'never' }],
        ['tokens', { scopes: '[' }],
        ['tokens', { scopes: Buffer.from('["admin"]') }],
        ['users', { email: Buffer.from('a@b') }]
      )
    }
    for (const [i, [table, values]] of damages.entries()) {
      const { id } = await app.vexaAdmin.users.create({ email: `${i}@b` })
      const { token } = await app.vexaAdmin.tokens.create(id, { scopes: ['admin'] })
      const guarded = () => app.inject({ url: '/admin-only', headers: { 'x-api-key': token } })
      t.equal((await guarded()).statusCode, 200)
      await db.updateTable(prefix + table).set(values).where(
        table === 'users' ? 'id' : 'user_id', '=', Number(id.replace('user-', ''))
      ).execute()
      t.equal((await guarded()).statusCode, 503, JSON.stringify(values))
      t.equal((await call(app, 'GET', `/admin/users/${id}`)).statusCode, 503)
      t.equal((await call(app, 'DELETE', `/admin/users/${id}`)).statusCode, 204, 'a damaged user can be deleted')
    }
  })
}

t.test('SQLite: findTokenByHash throws when a stored hash is too short', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  await storage.createUser(user)
  await storage.createToken(token)
  const { db } = backDoor(t, place)
  const short = hash.subarray(0, 3)
  await db.updateTable('vexa_tokens').set({ hash: short }).execute()
  t.equal(await storage.findTokenByHash(hash), undefined)
  await t.rejects(async () => storage.findTokenByHash(short), { message: /not 32 bytes long/ })
})

t.test('KyselyStorage: works with a dialect or db of another copy of Kysely', async (t) => {
  // With Kysely 0.28, `require` and `import` load different copies.
  const other: typeof import('kysely') = createRequire(import.meta.url)('kysely')
  const dialects: Record<DatabaseName, () => Dialect> = {
    sqlite: () => new other.SqliteDialect({ database: new Database(':memory:') }),
    postgres: () => new other.PostgresDialect({ pool: new pg.Pool({ connectionString: postgresUrl }) }),
    mysql: () => new other.MysqlDialect({ pool: mysql.createPool({ uri: mysqlUrl }) })
  }
  for (const database of databaseNames) {
    if (database !== 'sqlite' && on[database].skip !== false) continue
    const own = new KyselyStorage({
      dialect: dialects[database](), tablePrefix: tablePrefixAt(emptyPlace(t, database))
    })
    t.teardown(() => own.close())
    await own.open()
    await checkKept(t, own, `${database}, dialect`)
    const db = new other.Kysely<any>({ dialect: dialects[database](), plugins: [new other.CamelCasePlugin()] })
    t.teardown(() => db.destroy())
    const ofApp = new KyselyStorage({ db, tablePrefix: tablePrefixAt(emptyPlace(t, database)) })
    await ofApp.open()
    await checkKept(t, ofApp, `${database}, db`)
  }
})

t.test('PostgreSQL: tables are in the schema that another copy of Kysely names', on.postgres, async (t) => {
  const other: typeof import('kysely') = createRequire(import.meta.url)('kysely')
  const schema = tablePrefixAt(emptyPlace(t, 'postgres'))
  const db = new other.Kysely<any>({
    dialect: new other.PostgresDialect({ pool: new pg.Pool({ connectionString: postgresUrl }) }),
    plugins: [new other.CamelCasePlugin()]
  })
  t.teardown(() => db.destroy())
  await db.schema.createSchema(schema).execute()
  t.teardown(() => db.schema.dropSchema(schema).cascade().execute())
  const storage = new KyselyStorage({ db: db.withSchema(schema) })
  await storage.open()
  await checkKept(t, storage, 'withSchema')
  const { rows } = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = ${schema} order by 1`.execute(db)
  t.same(rows.map(({ name }) => name), [
    'vexa_audit', 'vexa_audit_last', 'vexa_migrations', 'vexa_tokens', 'vexa_users'
  ])
})

t.test('SQLite: open rejects when the driver without Kysely changes bytes', async (t) => {
  const storage = sqliteStorage({ filename: ':memory:' })
  t.teardown(() => storage.close())
  const prototype = Object.getPrototypeOf(new Database(':memory:').prepare('select 1'))
  const { get } = prototype
  t.intercept(prototype, 'get', {
    value (this: unknown, parameters: unknown[]) {
      return get.call(
        this, parameters.map((value) => Buffer.isBuffer(value) ? value.subarray(0, value.indexOf(0)) : value)
      )
    }
  })
  await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /the driver changes bytes/ })
})
