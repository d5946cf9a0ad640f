// Each statement of each change fails once. The storage then keeps both the change and its entry, or neither.
import Database from 'better-sqlite3'
import type { Dialect } from 'kysely'
import t from 'tap'
import { KyselyStorage } from '../../../src/index.js'
import { SqliteDialect } from '../../../src/storage/sql/drivers/sqlite-dialect.js'
import type { NewAuditRecord, StorageAdapter, TokenRecord, UserRecord } from '../../../src/storage/storage-adapter.js'
import {
  backDoor, dialectAt, emptyPlace, longTestDatabases, storageAt, tablePrefixAt, unavailable, type DatabaseName
} from '../../support/databases.js'

const at = '2024-01-01T12:00:00.000Z'
const entry: NewAuditRecord = { at, action: 'user.updated', actor: 'ops', request_id: null, changed: null }
const newUser = (n: number) => ({ email: `${n}@x`, name: null, max_concurrent_bots: 3, data: null, created_at: at })
const newToken = (userId: string, n: number) => {
  const hash = Buffer.alloc(32)
  hash.writeUInt32BE(n)
  return {
    user_id: userId,
    hash,
    name: null,
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: null,
    start: null,
    created_at: at
  }
}

type Change = (storage: StorageAdapter, user: string, token: string, n: number) => Promise<unknown>
const rotation = (expiresAt: string | null): Change => (storage, user, token, n) =>
  storage.rotateToken(token, () => ({ expires_at: expiresAt, successor: newToken(user, n) }), entry)

const changes: Record<string, Change> = {
  createUser: (storage, _user, _token, n) => storage.createUser(newUser(n), entry),
  updateUser: (storage, user) => storage.updateUser(user, { email: 'new@x' }, 0, entry),
  deleteUser: (storage, user) => storage.deleteUser(user, 0, entry),
  createToken: (storage, user, _token, n) => storage.createToken(newToken(user, n), entry),
  updateToken: (storage, _user, token) => storage.updateToken(token, () => ({ name: 'x' }), entry),
  rotateToken: rotation(null),
  'rotateToken, with a grace period': rotation(at),
  revokeToken: (storage, _user, token) => storage.revokeToken(token, entry),
  revokeTokens: (storage, user) => storage.revokeTokens(user, entry)
}

/** Fails the statement before which `left` other statements run. It is negative after that. */
class Fault {
  left = Infinity
  error = new Error('fault')

  pass () {
    if (this.left-- === 0) throw this.error
  }
}

/** Returns an object whose methods of these names call `before` first. */
function intercepted<T extends object> (object: T, names: string[], before: () => void): T {
  return new Proxy(object, {
    get (target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (!names.includes(name as string)) return member.bind(target)
      return (...parameters: unknown[]) => {
        before()
        return Reflect.apply(member, target, parameters)
      }
    }
  })
}

/** Creates a dialect whose statements, including `begin` and `commit`, pass the fault. */
function failingDialect (place: string, fault: Fault): Dialect {
  const pass = () => fault.pass()
  if (place.startsWith('sqlite:')) {
    const database = new Database(place.slice('sqlite:'.length), { timeout: 0 })
    const prepare = (sql: string) => intercepted(database.prepare(sql), ['run', 'all', 'get'], pass)
    const open = async () => new Proxy(database, {
      get (target, name) {
        const member: unknown = name === 'prepare' ? prepare : Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      }
    })
    return new SqliteDialect({ open, pragmas: ['foreign_keys = on'], busyTimeout: 5000 })
  }
  const dialect = dialectAt(place)
  return new Proxy(dialect, {
    get (target, name: keyof Dialect) {
      if (name !== 'createDriver') return target[name].bind(target)
      return () => {
        const driver = target.createDriver()
        const acquire = async () => intercepted(await driver.acquireConnection(), ['executeQuery'], pass)
        return new Proxy(driver, {
          get: (driver, name) => name === 'acquireConnection' ? acquire : Reflect.get(driver, name).bind(driver)
        })
      }
    }
  })
}

/** The errors of databases that undo a transaction because of another one. SQLite has none. */
const conflicts: Partial<Record<DatabaseName, object>> = { postgres: { code: '40001' }, mysql: { errno: 1213 } }

for (const database of longTestDatabases) {
  t.test(`KyselyStorage: keeps both or neither in ${database}`, { skip: await unavailable(database) }, async (t) => {
    const place = emptyPlace(t, database)
    const storage = storageAt(place)
    t.teardown(() => storage.close())
    await storage.open()
    const fault = new Fault()
    const failing = new KyselyStorage({ dialect: failingDialect(place, fault), tablePrefix: tablePrefixAt(place) })
    t.teardown(() => failing.close())
    await failing.open()
    const { db, prefix } = backDoor(t, place)
    const dump = async () => JSON.stringify([
      await db.selectFrom(`${prefix}users`).selectAll().orderBy('id').execute(),
      await db.selectFrom(`${prefix}tokens`).selectAll().orderBy('id').execute()
    ])
    let n = 0
    let last: string | undefined

    /** Makes a change whose statement number `failed` fails. `isOver` means that there is no such statement. */
    const attempt = async (name: string, error: Error, failed: number) => {
      const user = await storage.createUser(newUser(++n)) as UserRecord
      const token = await storage.createToken(newToken(user.id, ++n)) as TokenRecord
      const before = await dump()
      Object.assign(fault, { left: failed - 1, error })
      const change = changes[name] as Change
      const thrown = await change(failing, user.id, token.id, ++n).then(() => undefined, (error) => error)
      const isOver = fault.left >= 0
      fault.left = Infinity
      const isChanged = await dump() !== before
      const entries = await storage.listAudit({ order: 'asc', after: last, limit: 9 })
      last = entries.at(-1)?.id ?? last
      t.equal(entries.length, isChanged ? 1 : 0, `${name}: ${error.message} at statement ${failed}`)
      await storage.deleteUser(user.id)
      return { thrown, isChanged, isOver }
    }

    for (const name of Object.keys(changes)) {
      let failed = 1
      for (let isOver = false; !isOver; failed++) {
        const { thrown, ...result } = await attempt(name, new Error('fault'), failed)
        isOver = result.isOver
        t.equal(thrown?.message, isOver ? undefined : 'fault', `${name}: fault at statement ${failed}`)
        if (isOver) t.ok(result.isChanged, `${name}: no fault`)
      }
      const isOneStatement = database === 'postgres' && name.startsWith('create')
      t.ok(failed > (isOneStatement ? 2 : 4), `${name}: ${failed - 2} statements`)
      const conflict = conflicts[database]
      if (conflict === undefined) continue
      for (let repeated = 1; repeated <= failed - 2; repeated++) {
        const { thrown, isChanged } = await attempt(name, Object.assign(new Error('conflict'), conflict), repeated)
        t.same(thrown, undefined, `${name}: conflict at statement ${repeated}`)
        t.ok(isChanged, `${name}: conflict at statement ${repeated}`)
      }
    }
  })
}
