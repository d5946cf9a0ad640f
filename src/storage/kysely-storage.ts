import { FastifyError } from '@fastify/error'
import { Kysely, SqliteAdapter, type Dialect } from 'kysely'
import { InvalidOptionError, StorageOpenError, UnsupportedDatabaseError } from '../errors.js'
import { checkMigrated, migrate } from './migrations.js'
import type { NewTokenRecord, NewUserRecord, StorageAdapter, TokenRecord, UserRecord } from './storage-adapter.js'
import { tableNames, type TableNames, type Tables } from './tables.js'

interface CommonOptions {
  /**
   * Put before the name of each table: letters, digits and underscores.
   * @default 'vexa_'
   */
  tablePrefix?: string
  /**
   * Whether `open` creates and upgrades the tables. With `false` it only checks that they are up to date.
   * @default true
   */
  migrate?: boolean
}

/** `dialect`: a database of our own, opened and closed with the app. `db`: a Kysely of the host's, never closed by us. */
export type KyselyStorageOptions = CommonOptions & (
  | { dialect: Dialect, db?: undefined }
  | { db: Kysely<any>, dialect?: undefined }
)

const userColumns = ['id', 'email', 'name', 'max_concurrent_bots', 'created_at'] as const
const tokenColumns = ['id', 'user_id', 'created_at'] as const

/** Storage in a SQL database, through Kysely. SQLite so far. One query per method. */
export class KyselyStorage implements StorageAdapter {
  readonly #db: Kysely<Tables>
  readonly #ownsDb: boolean
  readonly #names: TableNames
  readonly #migrate: boolean

  /** @throws {InvalidOptionError} if an option is wrong */
  constructor ({ dialect, db, tablePrefix = 'vexa_', migrate = true }: KyselyStorageOptions) {
    if ((dialect === undefined) === (db === undefined)) throw new InvalidOptionError('KyselyStorage needs either `dialect` or `db`')
    if (!/^\w{0,32}$/.test(tablePrefix)) throw new InvalidOptionError('`tablePrefix` must be at most 32 letters, digits and underscores')
    this.#ownsDb = db === undefined
    // A host's Kysely may bring plugins that rename columns.
    this.#db = (db ?? new Kysely<Tables>({ dialect: dialect as Dialect })).withoutPlugins() as Kysely<Tables>
    this.#names = tableNames(tablePrefix)
    this.#migrate = migrate
  }

  /**
   * @throws {UnsupportedDatabaseError} if the dialect is of another database than SQLite
   * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
   * @throws {DatabaseNotMigratedError} if `migrate` is `false` and migrations are missing
   * @throws {StorageOpenError} if the database cannot be used, with the driver's error as its `cause`
   */
  async open (): Promise<void> {
    const { adapter } = this.#db.getExecutor()
    if (!(adapter instanceof SqliteAdapter)) throw new UnsupportedDatabaseError(adapter.constructor.name)
    try {
      await (this.#migrate ? migrate : checkMigrated)(this.#db, this.#names)
    } catch (cause) {
      throw cause instanceof FastifyError ? cause : new StorageOpenError((cause as Error).message, { cause })
    }
  }

  async close (): Promise<void> {
    if (this.#ownsDb) await this.#db.destroy()
  }

  async insertUser (user: NewUserRecord): Promise<UserRecord | 'taken'> {
    const row = await this.#db.insertInto(this.#names.users)
      .columns(['email', 'name', 'max_concurrent_bots', 'created_at'])
      // A conflict alone would do, but in SQLite each one costs a key and a durable write.
      .expression(this.#db
        .selectNoFrom(({ val }) => [
          val(user.email).as('email'),
          val(user.name).as('name'),
          val(user.max_concurrent_bots).as('max_concurrent_bots'),
          val(user.created_at).as('created_at')
        ])
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom(this.#names.users).select('id').where('email', '=', user.email)))))
      .onConflict((conflict) => conflict.column('email').doNothing())
      .returning(userColumns)
      .executeTakeFirst()
    return row === undefined ? 'taken' : toUser(row)
  }

  async findUser (id: string): Promise<UserRecord | undefined> {
    const key = toKey(id)
    if (key === undefined) return undefined
    const row = await this.#db.selectFrom(this.#names.users)
      .select(userColumns)
      .where('id', '=', key)
      .executeTakeFirst()
    return row && toUser(row)
  }

  async findUserByEmail (email: string): Promise<UserRecord | undefined> {
    const row = await this.#db.selectFrom(this.#names.users)
      .select(userColumns)
      .where('email', '=', email)
      .executeTakeFirst()
    return row && toUser(row)
  }

  async listUsers ({ skip, limit }: { skip: number, limit: number }): Promise<UserRecord[]> {
    const rows = await this.#db.selectFrom(this.#names.users)
      .select(userColumns)
      .orderBy('id')
      .limit(limit)
      .offset(skip)
      .execute()
    return rows.map(toUser)
  }

  async insertToken ({ user_id: userId, hash, created_at: createdAt }: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    const key = toKey(userId)
    if (key === undefined) return 'absent'
    // Selecting the user inside the insert makes "only if it is there" hold without a transaction, and without foreign keys.
    const row = await this.#db.insertInto(this.#names.tokens)
      .columns(['user_id', 'hash', 'created_at'])
      .expression((eb) => eb.selectFrom(this.#names.users)
        .select(({ val }) => ['id', val(hash).as('hash'), val(createdAt).as('created_at')])
        .where('id', '=', key))
      .returning(tokenColumns)
      .executeTakeFirst()
    return row === undefined ? 'absent' : toToken(row)
  }

  async listTokens (userId: string): Promise<TokenRecord[]> {
    const key = toKey(userId)
    if (key === undefined) return []
    const rows = await this.#db.selectFrom(this.#names.tokens)
      .select(tokenColumns)
      .where('user_id', '=', key)
      .orderBy('id')
      .execute()
    return rows.map(toToken)
  }

  async deleteToken (id: string): Promise<boolean> {
    const key = toKey(id)
    if (key === undefined) return false
    const { numDeletedRows } = await this.#db.deleteFrom(this.#names.tokens)
      .where('id', '=', key)
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }
}

/** The integer key that is written like this, in its one way of writing it; `undefined` for anything else. */
function toKey (id: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(id)) return undefined
  const key = Number(id)
  return Number.isSafeInteger(key) ? key : undefined
}

function toUser (row: NewUserRecord & { id: number }): UserRecord {
  return {
    id: String(row.id),
    email: row.email,
    name: row.name,
    max_concurrent_bots: row.max_concurrent_bots,
    created_at: row.created_at
  }
}

function toToken (row: { id: number, user_id: number, created_at: string }): TokenRecord {
  return { id: String(row.id), user_id: String(row.user_id), created_at: row.created_at }
}
