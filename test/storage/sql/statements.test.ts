// The statements that the storage sends to PostgreSQL and MySQL, and its outcomes. No server is needed.
import {
  MysqlAdapter, MysqlQueryCompiler, PostgresAdapter, PostgresQueryCompiler, SqliteIntrospector,
  type CompiledQuery, type DatabaseConnection, type Dialect, type QueryResult
} from 'kysely'
import t from 'tap'
import { KyselyStorage, type NewTokenRecord, type NewUserRecord } from '../../../src/index.js'
import { schemaVersion } from '../../../src/storage/sql/migrations/index.js'
import type { Storage } from '../../../src/storage/storage-adapter.js'

type Answer = Partial<QueryResult<unknown>> | Error
type Answers = (sql: string, parameters: readonly unknown[]) => Answer | undefined

const time = '2024-01-01T12:00:00.123Z'
const user: NewUserRecord = { email: 'a@b', name: 'A', max_concurrent_bots: 3, data: { a: 1 }, created_at: time }
const token: NewTokenRecord = {
  user_id: '1',
  hash: Buffer.alloc(32),
  name: null,
  scopes: ['a'],
  expires_at: time,
  expires_in: 60,
  disabled: false,
  data: null,
  start: 'vex_aB3d',
  created_at: time
}

const failure = (fault: object) => Object.assign(new Error('from the driver'), fault)

/** Returns the row that a faultless driver returns to `checkDriver`. */
function sentBack (parameters: readonly unknown[]): Record<string, unknown> {
  const values = parameters.map((value, i) =>
    [`value_${i}`, /^\d+-.*Z$/.test(String(value)) ? Date.parse(String(value)) : value])
  return { changed_type: 'none', ...Object.fromEntries(values) }
}

const defaults: Answers = (sql, parameters) => {
  if (sql.includes('changed_type')) return { rows: [sentBack(parameters)] }
  if (sql.includes('get_lock')) return { rows: [{ locked: 1 }] }
  if (/as .counter/.test(sql)) return { rows: [{ entry: null, counter: '0' }] }
  if (sql.includes('max(')) return { rows: [{ version: null }] }
  return undefined
}

// failover.test.ts tests when connections are checked.
const isServerCheck = (sql: string) =>
  /^select cast\(pg_is_in_recovery/.test(sql) || (/^show session/.test(sql) && !sql.includes('autocommit'))

/**
 * Returns a storage over a driver that gives these answers, or none, the statements that were sent to it, and the
 * levels of its transactions.
 */
function scripted (database: 'postgres' | 'mysql', answers: Answers = () => undefined) {
  const sent: string[] = []
  const levels: Array<string | undefined> = []
  const connection: DatabaseConnection = {
    async executeQuery<R> ({ sql, parameters }: CompiledQuery) {
      if (isServerCheck(sql)) return { rows: [] }
      sent.push(sql)
      const answer = answers(sql, parameters) ?? defaults(sql, parameters)
      if (answer instanceof Error) throw answer
      return { rows: [], numAffectedRows: 1n, insertId: 7n, ...answer } as QueryResult<R>
    },
    streamQuery: () => { throw new Error('not here') }
  }
  const dialect: Dialect = {
    createAdapter: () => database === 'mysql' ? new MysqlAdapter() : new PostgresAdapter(),
    createQueryCompiler: () => database === 'mysql' ? new MysqlQueryCompiler() : new PostgresQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => ({
      init: async () => {},
      acquireConnection: async () => connection,
      beginTransaction: async (_connection, { isolationLevel }) => {
        sent.push('begin')
        levels.push(isolationLevel)
      },
      commitTransaction: async () => { sent.push('commit') },
      rollbackTransaction: async () => { sent.push('rollback') },
      releaseConnection: async () => {},
      destroy: async () => {}
    })
  }
  return { sent, levels, storage: new KyselyStorage({ dialect }) }
}

const row = {
  id: '7',
  email: 'a@b',
  name: 'A',
  max_concurrent_bots: 3,
  disabled: 0,
  data: '{"a":1}',
  revision: '2',
  created_at: String(Date.parse(time))
}
const tokenRow = {
  id: '7',
  user_id: '1',
  name: null,
  scopes: '["a"]',
  expires_at: String(Date.parse(time)),
  expires_in: 60,
  disabled: 0,
  data: null,
  start: 'vex_aB3d',
  last_used_at: null,
  successor_id: '9',
  hash_length: 32,
  created_at: String(Date.parse(time))
}
const rows = {
  postgres: { user: row, token: tokenRow },
  mysql: {
    user: { ...row, created_at: '2024-01-01 12:00:00.123' },
    token: { ...tokenRow, created_at: '2024-01-01 12:00:00.123', expires_at: '2024-01-01 12:00:00.123' }
  }
}

const calls: Record<keyof Storage, (storage: Storage) => unknown> = {
  createUser: (storage) => storage.createUser(user),
  findUser: (storage) => storage.findUser('7'),
  findUserByEmail: (storage) => storage.findUserByEmail('a@b'),
  listUsers: (storage) =>
    storage.listUsers({ order: 'desc', after: '9', skip: 1, limit: 2, search: 'x', disabled: true }),
  countUsers: (storage) => storage.countUsers({ search: 'x', disabled: true }),
  updateUser: (storage) => storage.updateUser('7', { name: 'B', disabled: true }, 1),
  deleteUser: (storage) => storage.deleteUser('7', 2),
  createToken: (storage) => storage.createToken(token),
  findTokenByHash: (storage) => storage.findTokenByHash(token.hash),
  findToken: (storage) => storage.findToken('7'),
  listTokens: (storage) => storage.listTokens({
    order: 'desc',
    after: '9',
    limit: 2,
    userId: '1',
    search: 'x',
    start: 'vex_',
    state: { is: 'active', at: time },
    unusedSince: time,
    expiresBefore: time
  }),
  countTokens: (storage) => storage.countTokens({ state: { is: 'active', at: time } }),
  updateToken: (storage) => storage.updateToken('7', () => ({ data: { a: 1 }, disabled: true })),
  rotateToken: (storage) => storage.rotateToken('7', () => ({ expires_at: time, successor: token })),
  revokeToken: (storage) => storage.revokeToken('7'),
  revokeTokens: (storage) => storage.revokeTokens('1'),
  pruneTokens: (storage) => storage.pruneTokens({ expiredBefore: time, after: '6', limit: 5 }),
  touchTokens: (storage) => storage.touchTokens(['8', '7', '9'], time)
}

/** Returns a statement without quotes, and with … in place of its lists. */
function shorten (sql: string): string {
  return sql.replace(/["`]|vexa_/g, '').replace(/epoch from/g, 'epoch of')
    .replace(/\b(select|returning) id, .*?( from|$)/, '$1 …$2').replace(/(select|join) token\.id.*? from/, '$1 … from')
    .replace(/(set|into \w+) .*? (where|values|select|on conflict)/, '$1 … $2').replace(/\$\d+/g, '?')
    .replace(/cast\(cast\(\? as text\) as json\)/g, '?').replace(/values \([^()]*\)/, 'values …')
}

const faults = {
  postgres: {
    duplicate: { code: '23505' }, orphan: { code: '23503' }, referenced: { code: '23001' }, conflict: { code: '40001' }
  },
  mysql: { duplicate: { errno: 1062 }, orphan: { errno: 1452 }, referenced: { errno: 1451 }, conflict: { errno: 1213 } }
}

const lock = 'select … from tokens as token where id = ? for update'
const successor = 'select … from tokens as token where id = ?'
const joined = 'select … from tokens as token inner join users as user on user.id = token.user_id'
const createToken = 'insert into tokens … select … from users where id = ? returning id'
const contains = {
  postgres: "strpos(replace(email, 'ς', 'σ'), ?) > 0 or strpos(searchable_name, ?) > 0",
  mysql: "instr(replace(email, 'ς', 'σ'), ?) > 0 or instr(searchable_name, ?) > 0"
}
const startsWith = {
  postgres: '(token.start >= ? and token.start < cast(? as text) || chr(128))',
  mysql: "token.start like concat(replace(replace(replace(?, '!', '!!'), '%', '!%'), '_', '!_'), '%') escape '!'"
}
const listTokens = (contains: string, startsWith: string) => `${joined} where token.id < ? and token.user_id = ? ` +
  `and ${startsWith} and token.expires_at < ? and token.expires_at > ? and token.disabled = ? and ${contains} ` +
  'and coalesce(token.last_used_at, token.created_at) < ? order by token.id desc limit ?'
const both = (...sqls: string[]) => ({ postgres: sqls, mysql: sqls })

/** All statements that each method sends. */
const statements: Record<keyof Storage, { postgres: string[], mysql: string[] }> = {
  createUser: {
    postgres: ['insert into users … values … on conflict (email) do nothing returning id'],
    mysql: ['insert into users … values …']
  },
  findUser: both('select … from users where id = ? limit 1'),
  findUserByEmail: both('select … from users where email = ? limit 1'),
  listUsers: {
    postgres: [
      `select … from users where id < ? and (${contains.postgres}) and disabled = ? order by id desc limit ? offset ?`
    ],
    mysql: [
      `select … from users where id < ? and (${contains.mysql}) and disabled = ? order by id desc limit ? offset ?`
    ]
  },
  countUsers: {
    postgres: [`select count(*) as count from users where (${contains.postgres}) and disabled = ?`],
    mysql: [`select count(*) as count from users where (${contains.mysql}) and disabled = ?`]
  },
  updateUser: {
    postgres: ['update users set … where id = ? and revision = ? returning …'],
    mysql: [
      'begin', 'update users set … where id = ? and revision = ?', 'select … from users where id = ? limit 1', 'commit'
    ]
  },
  deleteUser: both(
    'begin', 'delete from tokens where user_id = ?', 'delete from users where id = ? and revision = ?', 'commit'
  ),
  createToken: { postgres: [createToken], mysql: ['insert into tokens … values …'] },
  findTokenByHash: both(`${joined} where token.hash = ? limit 1`),
  findToken: both(`${joined} where token.id = ? limit 1`),
  listTokens: {
    postgres: [listTokens('strpos(token.searchable_name, ?) > 0', startsWith.postgres)],
    mysql: [
      listTokens('instr(token.searchable_name, ?) > 0', startsWith.mysql).replace('select', 'select straight_join')
    ]
  },
  countTokens: both(
    'select count(*) as count from tokens as token where token.disabled = ? ' +
      'and (token.expires_at is null or token.expires_at > ?)'
  ),
  updateToken: both('begin', lock, 'update tokens set … where id = ?', 'commit'),
  rotateToken: {
    postgres: ['begin', lock, successor, createToken, 'update tokens set … where id = ?', 'commit'],
    mysql: ['begin', lock, successor, 'insert into tokens … values …', 'update tokens set … where id = ?', 'commit']
  },
  revokeToken: both('delete from tokens where id = ?'),
  revokeTokens: both('delete from tokens where user_id = ?', 'select id from tokens where user_id = ? limit 1'),
  pruneTokens: both(
    'select … from tokens as token where token.id > ? and token.expires_at < ? order by token.id asc limit ?',
    'delete from tokens where id in (?, ?, ?, ?) and expires_at < ?'
  ),
  touchTokens: both('update tokens set … where id in (?, ?, ?, ?) and (last_used_at is null or last_used_at < ?)')
}

for (const database of ['postgres', 'mysql'] as const) {
  t.test(`KyselyStorage: sends these statements to ${database}`, async (t) => {
    const answers: Answers = (sql) => {
      const { user, token } = rows[database]
      const joined = {
        ...user,
        ...token,
        user_name: user.name,
        user_disabled: user.disabled,
        user_data: user.data,
        user_created_at: user.created_at
      }
      if (sql.includes('hash_length')) return { rows: [joined] }
      if (/^select .token.\..id. from/.test(sql)) return { rows: [{ id: '7' }, { id: '8' }, { id: '9' }] }
      if (/^select .id. from .*tokens/.test(sql)) return { rows: [] }
      if (sql.includes('count(*)')) return { rows: [{ count: '2' }] }
      return /(returning|select|join) (.token..)?.id./.test(sql) ? { rows: [sql.includes('tokens') ? token : user] } : undefined
    }
    for (const method of Object.keys(calls) as Array<keyof Storage>) {
      const { sent, storage } = scripted(database, answers)
      await calls[method](storage)
      t.same(sent.map(shorten), statements[method][database], method)
    }
  })

  t.test(`KyselyStorage: turns errors of ${database} into outcomes, or throws them`, async (t) => {
    const { duplicate, orphan, referenced, conflict } = faults[database]
    const failing = (fault: object, times = Infinity, stored: object[] = []) => {
      let count = 0
      return scripted(database, (sql) => {
        if (/^(insert|update|delete)/.test(sql)) {
          return count++ < times ? failure(fault) : { rows: [rows[database].user] }
        }
        return /^select .id., .email/.test(sql) ? { rows: stored } : undefined
      })
    }
    const stored = [rows[database].user]
    // Layers above a driver may wrap its errors.
    for (const fault of [
      duplicate,
      { cause: duplicate },
      { original: duplicate, parent: duplicate },
      { cause: { parent: { cause: duplicate } } }
    ]) {
      t.equal(await failing(fault, Infinity, stored).storage.updateUser('1', { email: 'a@b' }), 'taken')
    }
    t.equal(await failing(orphan).storage.createToken(token), 'absent')
    await t.rejects(failing(orphan, Infinity, stored).storage.createToken(token), failure(orphan), 'the user is there')
    await t.rejects(failing(duplicate).storage.createToken(token), failure(duplicate))
    for (const fault of [orphan, referenced]) {
      t.equal(await failing(fault).storage.deleteUser('1'), 'referenced')
      t.equal(await failing(fault).storage.revokeToken('1'), 'referenced')
      t.equal(await failing(fault).storage.revokeTokens('1'), 'referenced')
    }
    // The address becomes free in between, or it is the user's own.
    const freed = await failing(duplicate, 2).storage.updateUser('7', { email: 'a@b' })
    t.match(freed, database === 'mysql' ? 'absent' : { id: '7' })
    const own = failing(duplicate, Infinity, stored)
    await t.rejects(own.storage.updateUser('7', { email: 'a@b' }), failure(duplicate))
    t.equal(own.sent.filter((sql) => sql.startsWith('update')).length, 3)
    const unnamed = failing(duplicate, Infinity, stored)
    await t.rejects(unnamed.storage.updateUser('1', { name: 'B' }), failure(duplicate))
    const updates = unnamed.sent.filter((sql) => sql.startsWith('update'))
    t.equal(updates.length, 1, 'an update without an address is not tried again')
    await t.rejects(failing({ other: 1 }).storage.createUser(user), failure({ other: 1 }))
    const twice = failing(conflict, 2)
    t.equal(await twice.storage.deleteUser('1'), true)
    t.equal(twice.sent.filter((sql) => sql === 'rollback').length, 2)
    t.equal(twice.sent.filter((sql) => sql === 'commit').length, 1)
    const always = failing(conflict)
    await t.rejects(always.storage.revokeToken('1'), failure(conflict))
    t.equal(always.sent.filter((sql) => sql.startsWith('delete')).length, 10)
    for (const fault of [null, 'text', {}, { code: 23505 }, { errno: '1062' }]) {
      const { storage } = scripted(database, (sql) => /^insert/.test(sql)
        ? Object.assign(new Error('odd'), fault)
        : undefined)
      await t.rejects(storage.createUser(user), { message: 'odd' })
    }
  })
}

t.test('revokeToken: pauses longer and longer while the database undoes it', async (t) => {
  t.intercept(Math, 'random', { value: () => 0.5 })
  const { storage } = scripted('mysql', (sql) => sql.startsWith('delete') ? failure({ errno: 1213 }) : undefined)
  const began = performance.now()
  await t.rejects(storage.revokeToken('1'), failure({ errno: 1213 }))
  // Pauses of 10 ms would take 90 ms.
  t.ok(performance.now() - began > 900)
})

t.test('deleteUser: repeats a transaction of MariaDB at READ COMMITTED when a row has changed', async (t) => {
  const levelsAfter = async (errno: number) => {
    let count = 0
    const { levels, storage } = scripted('mysql', (sql) =>
      sql.startsWith('delete') && count++ === 0 ? failure({ errno }) : undefined)
    t.equal(await storage.deleteUser('1'), true)
    return levels
  }
  t.same(await levelsAfter(1020), [undefined, 'read committed'])
  t.same(await levelsAfter(1213), [undefined, undefined], 'a deadlock keeps the level')
})

t.test('KyselyStorage: returns absent when MySQL writes no row', async (t) => {
  const { storage } = scripted('mysql', (sql) => /^(insert|update)/.test(sql)
    ? { numAffectedRows: 0n, insertId: undefined as never }
    : undefined)
  t.equal(await storage.createToken(token), 'absent')
  t.equal(await storage.updateUser('1', { name: 'x' }), 'absent')
})

t.test('open: rejects a secondary of MySQL unless the account sees that it is online', async (t) => {
  const open = async (state: Answer | undefined, group = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee') => {
    const { sent, storage } = scripted('mysql', (sql) => {
      if (sql.includes('replication_group_members')) return state
      if (/max\(.version/.test(sql)) return { rows: [{ version: schemaVersion }] }
      return sql.startsWith('show session variables')
        ? {
            rows: Object.entries({
              group_replication_group_name: group, group_replication_consistency: 'BEFORE', read_only: group && 'ON'
            }).map(([name, Value]) => ({ Variable_name: name, Value }))
          }
        : undefined
    })
    await storage.open()
    await storage.close()
    return sent.some((sql) => sql.includes('replication_group_members'))
  }
  t.equal(await open({ rows: [{ state: 'ONLINE' }] }), true)
  t.equal(await open(undefined, ''), false, 'no group is in use')
  const code = 'VEXA_ADMIN_ERR_STORAGE_OPEN'
  await t.rejects(open({ rows: [{ state: 'OFFLINE' }] }), { code, message: 'member_state is OFFLINE: the server is' })
  for (const state of [{ rows: [] }, failure({ errno: 1142 })]) {
    await t.rejects(open(state), { code, message: 'member_state is unknown: the server is' })
  }
})

t.test('revokeToken: returns false when the driver leaves out the number of affected rows', async (t) => {
  for (const numAffectedRows of [undefined, 0n]) {
    const { storage } = scripted('postgres', (sql) => sql.startsWith('delete')
      ? { numAffectedRows: numAffectedRows as never }
      : undefined)
    t.equal(await storage.revokeToken('1'), false)
  }
})

t.test('createUser: returns taken in MySQL only when another user has the address', async (t) => {
  const inserting = (stored: object[], times: number) => {
    let count = 0
    return scripted('mysql', (sql) => sql.startsWith('insert')
      ? (count++ < times ? failure({ errno: 1062 }) : undefined)
      : { rows: stored }).storage.createUser(user)
  }
  t.equal(await inserting([rows.mysql.user], Infinity), 'taken')
  t.match(await inserting([], 2), { id: '7' })
  await t.rejects(inserting([], Infinity), failure({ errno: 1062 }))
})

t.test('createUser: throws when PostgreSQL reports a violation of a unique column', async (t) => {
  const { sent, storage } = scripted('postgres', (sql) => sql.startsWith('insert')
    ? failure({ code: '23505' })
    : { rows: [rows.postgres.user] })
  await t.rejects(storage.createUser(user), failure({ code: '23505' }))
  t.equal(sent.length, 1)
  const { storage: silent } = scripted('postgres', (sql) => sql.startsWith('insert')
    ? { insertId: undefined as never }
    : undefined)
  await t.rejects(silent.createUser(user), { message: /created no user, although no user has the e-mail address/ })
})

t.test('deleteUser: deletes a token that is created at the same moment in MySQL', async (t) => {
  let count = 0
  const { sent, storage } = scripted('mysql', (sql) => /^delete from .vexa_users/.test(sql) && count++ === 0
    ? failure({ errno: 1451 })
    : undefined)
  t.equal(await storage.deleteUser('1'), true)
  const [tokens, user] = ['delete from tokens where user_id = ?', 'delete from users where id = ?']
  t.same(sent.map(shorten), ['begin', tokens, user, tokens, user, 'commit'])
})

t.test('rotateToken: throws the first error when the transaction has failed', async (t) => {
  const { storage } = scripted('postgres', (sql) => {
    if (/^select .*for update/.test(sql)) return { rows: [{ ...rows.postgres.token, successor_id: null }] }
    if (sql.startsWith('select')) return failure({ code: '25P02' })
    return sql.startsWith('insert') ? failure({ code: '23503' }) : undefined
  })
  await t.rejects(storage.rotateToken('7', () => ({ expires_at: null, successor: token })), { code: '23503' })
})

t.test('revokeTokens: stops after ten attempts when others go on creating tokens', async (t) => {
  const { sent, storage } = scripted('postgres', (sql) => sql.startsWith('select')
    ? { rows: [{ id: '1' }] }
    : undefined)
  await storage.revokeTokens('1')
  t.equal(sent.filter((sql) => sql.startsWith('delete')).length, 10)
})

t.test('open: succeeds when another start creates the first table at once', async (t) => {
  for (const code of ['42P07', '42710', '23505']) {
    const { sent, storage } = scripted('postgres', (sql) => /^create table if not exists/.test(sql)
      ? failure({ code })
      : undefined)
    await storage.open()
    t.equal(sent.at(-2), 'commit')
  }
  const denied = scripted('postgres', (sql) => /^create table/.test(sql) ? failure({ code: '42501' }) : undefined)
  await t.rejects(denied.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /from the driver/ })
})

t.test('open: resumes a start that was killed halfway, under a lock of MySQL', async (t) => {
  const began: Answers = (sql) => {
    if (/max\(.version/.test(sql)) return { rows: [{ version: -1 }] }
    if (/^select .version/.test(sql)) return { rows: [{ version: -1 }] }
    if (/constraint/.test(sql) && /^alter/.test(sql)) return sql.includes('drop') ? failure({ errno: 1091 }) : undefined
    return /^create|^alter/.test(sql)
      ? failure({ errno: /^create table/.test(sql) ? 1050 : /^create/.test(sql) ? 1061 : 1060 })
      : undefined
  }
  const { sent, storage } = scripted('mysql', began)
  await storage.open()
  t.match(sent.at(-2), /release_lock/)
  const stuck = scripted('mysql', (sql, parameters) => /drop constraint/.test(sql)
    ? failure({ errno: 1142, message: 'no rights' })
    : began(sql, parameters))
  await t.rejects(stuck.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /no rights/ })
  const broken = scripted('mysql', (sql, parameters) => /^alter/.test(sql)
    ? failure({ errno: 1114, message: 'The table is full' })
    : began(sql, parameters))
  await t.rejects(broken.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /The table is full/ })
  t.match(broken.sent.at(-1), /release_lock/)
  const gone = scripted('mysql', (sql, parameters) => /^alter|release/.test(sql)
    ? failure({ code: 'PROTOCOL_CONNECTION_LOST', message: 'lost' })
    : began(sql, parameters))
  await t.rejects(gone.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /lost/ })
})

for (const database of ['postgres', 'mysql'] as const) {
  t.test(`pruneAudit: deletes a range of entries in ${database}, and repeats it after a conflict`, async (t) => {
    const prune = async (...answers: Answer[]) => {
      const entries = ['2024-01-01', '2024-06-01', '2024-01-02'].map((day, n) => (
        { id: `${n + 7}`, at: `${Date.parse(day)}`, now: `${Date.parse('2024-03-01')}` }
      ))
      const { sent, storage } = scripted(database, (sql) =>
        /^select .id., .at./.test(sql) ? { rows: entries } : answers.shift())
      // The caller is a month ahead.
      const batch = { before: '2024-02-03T00:00:00.000Z', now: '2024-04-01T00:00:00.000Z', limit: 3 }
      return { sent, pruned: await storage.pruneAudit(batch).catch((error: Error) => error.message) }
    }
    const conflict = failure(faults[database].conflict)
    const { sent, pruned } = await prune(conflict, conflict, { numAffectedRows: 2n })
    t.same(pruned, { deleted: 2, last: '9' })
    const deletion = 'delete from audit where id >= ? and id <= ? and at < ?'
    t.same(sent.map(shorten).filter((sql) => sql.startsWith('delete')), [deletion, deletion, deletion])
    t.equal((await prune(failure({}))).pruned, 'from the driver')
    t.equal((await prune(...Array(10).fill(conflict))).pruned, 'from the driver')
  })
}

t.test('open: creates a missing counter, which another start may create at once', async (t) => {
  const creating = (answer: Answer | undefined) => scripted('postgres', (sql) => {
    if (/max\(.version/.test(sql)) return { rows: [{ version: schemaVersion }] }
    if (/as .counter/.test(sql)) return { rows: [{ entry: '7', counter: null }] }
    return /^insert/.test(sql) ? answer : undefined
  })
  for (const answer of [undefined, failure({ code: '23505' })]) {
    const { sent, storage } = creating(answer)
    await storage.open()
    t.match(sent.at(-1), /^insert into .vexa_audit_last/)
  }
  const { storage } = creating(failure({ code: '42501' }))
  await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /from the driver/ })
})

t.test('open: throws when MySQL gives no lock, or tables of the app are in the way', async (t) => {
  const locked = scripted('mysql', (sql) => sql.includes('get_lock') ? { rows: [{ locked: 0 }] } : undefined)
  await t.rejects(locked.storage.open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /another process has been migrating the database for 8 s/
  })
  const odd = scripted('mysql', (sql) => sql.includes('get_lock') ? { rows: [] } : undefined)
  await t.rejects(odd.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN' })
  const inTheWay = scripted('mysql')
  await t.rejects(inTheWay.storage.open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /table vexa_users already exists/
  })
  t.notOk(inTheWay.sent.some((sql) => /^(alter|insert|create table .vexa_users)/.test(sql)))
  const closed = scripted('mysql', (sql) => sql.includes('max(')
    ? failure({ errno: 1142, message: 'no rights' })
    : undefined)
  await t.rejects(closed.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /no rights/ })
  const denied = scripted('mysql', (sql) => sql.startsWith('select 1')
    ? failure({ errno: 1142, message: 'denied' })
    : undefined)
  await t.rejects(denied.storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /denied/ })
  const empty = scripted('mysql', (sql) => sql.startsWith('select 1') ? failure({ errno: 1146 }) : undefined)
  await empty.storage.open()
  const sent = empty.sent.join('\n')
  t.match(sent, /create table `vexa_users` .*email` varchar\(254\).* engine = InnoDB default character set utf8mb4/)
  t.match(sent, /create table `vexa_users` .* default character set utf8mb4 collate utf8mb4_bin/)
})

t.test('open: throws when the driver returns other rows', async (t) => {
  const rowsOf: Record<string, (row: Record<string, unknown>) => object[]> = {
    'names of columns': () => [],
    bytes: (row) => [{ ...row, changed_type: 'hash' }],
    JSON: (row) => [{ ...row, value_5: '{' }],
    times: (row) => [{ ...row, changed_type: 'time' }],
    text: (row) => [{ ...row, changed_type: 'something else' }]
  }
  for (const [changed, answer] of Object.entries(rowsOf)) {
    const { storage } = scripted('postgres', (sql, parameters) => sql.includes('changed_type')
      ? { rows: answer(sentBack(parameters)) }
      : undefined)
    await t.rejects(storage.open(), {
      code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: new RegExp(`the driver changes .*${changed}`)
    }, changed)
  }
})
