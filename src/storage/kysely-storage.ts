import { Kysely, WithSchemaPlugin, type Dialect, type ExpressionBuilder, type InsertQueryBuilder, type InsertResult } from 'kysely'
import { check, checkNames } from '../check.js'
import { isOurs, StorageOpenError } from '../errors.js'
import { checkText } from './databases/check-text.js'
import { retryConflicts } from './databases/conflicts.js'
import { databaseOf, type Database } from './databases/index.js'
import { checkMigrated, migrate } from './migrations.js'
import { createRows, toRowId } from './rows.js'
import type { NewTokenRecord, NewUserRecord, StorageAdapter, TokenRecord, TokenReplacement, UserChanges, UserPage, UserRecord } from './storage-adapter.js'
import { tableNames, type TableNames, type Tables } from './tables.js'

interface CommonOptions {
  /**
   * Put before the name of each table: letters, digits and underscores.
   * @default 'vexa_'
   */
  tablePrefix?: string | undefined
  /**
   * Whether `open` creates and upgrades the tables. With `false` it only checks that they are up to date.
   * @default true
   */
  migrate?: boolean | undefined
}

/** `dialect`: a database of our own, opened and closed with the app. `db`: a Kysely of the host's, never closed by us. */
export type KyselyStorageOptions = CommonOptions & (
  | { dialect: Dialect, db?: undefined }
  | { db: Kysely<any>, dialect?: undefined }
)

/** Storage in a SQL database, through Kysely: SQLite, PostgreSQL, MySQL or MariaDB, and databases that speak the language of one of them. */
export class KyselyStorage implements StorageAdapter {
  readonly #db: Kysely<Tables>
  readonly #ownsDb: boolean
  readonly #database: Database
  readonly #rows: ReturnType<typeof createRows>
  readonly #names: TableNames
  readonly #migrate: boolean

  /**
   * @throws {InvalidOptionError} if an option is wrong
   * @throws {UnsupportedDatabaseError} if the dialect is of another database
   */
  constructor (options: KyselyStorageOptions) {
    checkNames(options, ['dialect', 'db', 'tablePrefix', 'migrate'])
    const { dialect, db, tablePrefix = 'vexa_', migrate = true } = options
    check((dialect === undefined) !== (db === undefined), 'KyselyStorage needs either `dialect` or `db`')
    check(db?.isTransaction !== true, '`db` must not be a transaction')
    check(typeof tablePrefix === 'string' && /^\w{0,32}$/.test(tablePrefix), '`tablePrefix` must be at most 32 letters, digits and underscores')
    check(typeof migrate === 'boolean', '`migrate` must be true or false')
    this.#ownsDb = db === undefined
    this.#db = withoutRenaming(db ?? new Kysely<Tables>({ dialect: dialect as Dialect }))
    this.#database = databaseOf(this.#db.getExecutor().adapter)
    this.#rows = createRows(this.#database)
    this.#names = tableNames(tablePrefix)
    this.#migrate = migrate
  }

  /**
   * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
   * @throws {DatabaseNotMigratedError} if `migrate` is `false` and migrations are missing
   * @throws {StorageOpenError} if the database cannot be used, with the driver's error as its `cause`
   */
  async open (): Promise<void> {
    await this.#use<unknown>(this.#migrate ? migrate : checkMigrated)
  }

  /**
   * Creates or upgrades the tables, also where the option `migrate` is `false`.
   *
   * @returns the schema versions before and after
   * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
   * @throws {StorageOpenError} if the database cannot be used, with the driver's error as its `cause`
   */
  async migrate (): Promise<{ from: number, to: number }> {
    return this.#use(migrate)
  }

  async #use<T> (work: (db: Kysely<Tables>, database: Database, names: TableNames) => Promise<T>): Promise<T> {
    try {
      await checkText(this.#db, this.#database)
      return await work(this.#db, this.#database, this.#names)
    } catch (cause) {
      throw isOurs(cause) ? cause : new StorageOpenError((cause as Error).message, { cause })
    }
  }

  async close (): Promise<void> {
    if (this.#ownsDb) await this.#db.destroy()
  }

  async insertUser (user: NewUserRecord): Promise<UserRecord | 'taken'> {
    const plain = this.#db.insertInto(this.#names.users).values(this.#rows.newUser(user))
    const insert = this.#database.skipsConflicts ? plain.onConflict((conflict) => conflict.column('email').doNothing()) : plain
    try {
      const id = await this.#retried(() => this.#insert(insert))
      return id === undefined ? 'taken' : { ...user, id, disabled: false, revision: 0 }
    } catch (error) {
      if (this.#database.isUniqueViolation(error)) return 'taken'
      throw error
    }
  }

  async findUser (id: string): Promise<UserRecord | undefined> {
    const key = toRowId(id)
    return key === undefined ? undefined : await this.#findUser(this.#db, key)
  }

  async findUserByEmail (email: string): Promise<UserRecord | undefined> {
    const row = await this.#db.selectFrom(this.#names.users)
      .select(this.#rows.userColumns)
      .where('email', '=', email)
      .executeTakeFirst()
    return row && this.#rows.toUserRecord(row)
  }

  async listUsers ({ order, after, skip, limit, search }: UserPage): Promise<UserRecord[]> {
    let query = this.#db.selectFrom(this.#names.users)
      .select(this.#rows.userColumns)
      .orderBy('id', order)
      .limit(limit)
      .offset(skip)
    if (after !== undefined) {
      const key = toRowId(after)
      if (key === undefined) return []
      query = query.where('id', order === 'asc' ? '>' : '<', key)
    }
    if (search !== undefined) query = query.where(this.#contains(search))
    const rows = await query.execute()
    return rows.map(this.#rows.toUserRecord)
  }

  async countUsers (search?: string): Promise<number> {
    let query = this.#db.selectFrom(this.#names.users).select(({ fn }) => fn.countAll().as('count'))
    if (search !== undefined) query = query.where(this.#contains(search))
    const { count } = await query.executeTakeFirstOrThrow()
    return Number(count)
  }

  async updateUser (id: string, changes: UserChanges, revision?: number): Promise<UserRecord | 'absent' | 'taken'> {
    const key = toRowId(id)
    if (key === undefined) return 'absent'
    const updateIn = (db: Kysely<Tables>) => {
      const update = db.updateTable(this.#names.users)
        // Kysely leaves out what is undefined.
        .set(this.#rows.userChanges(changes))
        .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
        .where('id', '=', key)
      return revision === undefined ? update : update.where('revision', '=', revision)
    }
    try {
      const updated = this.#database.returns
        ? await this.#retried(async () => {
          const row = await updateIn(this.#db).returning(this.#rows.userColumns).executeTakeFirst()
          return row && this.#rows.toUserRecord(row)
        })
        : await this.#transaction(async (trx) => {
          const { numUpdatedRows } = await updateIn(trx).executeTakeFirstOrThrow()
          return numUpdatedRows === 0n ? undefined : await this.#findUser(trx, key)
        })
      return updated ?? 'absent'
    } catch (error) {
      if (this.#database.isUniqueViolation(error)) return 'taken'
      throw error
    }
  }

  async deleteUser (id: string): Promise<boolean> {
    const key = toRowId(id)
    if (key === undefined) return false
    return await this.#transaction(async (trx) => {
      // They would go along by their foreign key, but a host's connection may not enforce it.
      await trx.deleteFrom(this.#names.tokens).where('user_id', '=', key).execute()
      const { numDeletedRows } = await trx.deleteFrom(this.#names.users).where('id', '=', key).executeTakeFirstOrThrow()
      return numDeletedRows > 0n
    })
  }

  async insertToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    return await this.#retried(() => this.#insertToken(this.#db, token))
  }

  async findTokenByHash (hash: Buffer): Promise<{ token: TokenRecord, user: UserRecord } | undefined> {
    const row = await this.#db.selectFrom(`${this.#names.tokens} as token`)
      .innerJoin(`${this.#names.users} as user`, 'user.id', 'token.user_id')
      .select(this.#rows.tokenWithUserColumns)
      .where('token.hash', '=', hash)
      .executeTakeFirst()
    return row && {
      token: this.#rows.toTokenRecord({ ...row, id: row.token_id, name: row.token_name, created_at: row.token_created_at }),
      user: this.#rows.toUserRecord({ ...row, id: row.user_id })
    }
  }

  async listTokens (userId: string): Promise<TokenRecord[]> {
    const key = toRowId(userId)
    if (key === undefined) return []
    const rows = await this.#db.selectFrom(this.#names.tokens)
      .select(this.#rows.tokenColumns)
      .where('user_id', '=', key)
      .orderBy('id')
      .execute()
    return rows.map(this.#rows.toTokenRecord)
  }

  async rotateToken (id: string, replace: (old: TokenRecord) => TokenReplacement | 'refused'): Promise<TokenRecord | 'absent' | 'refused'> {
    const key = toRowId(id)
    if (key === undefined) return 'absent'
    return await this.#transaction(async (trx) => {
      const old = await this.#lockToken(trx, key)
      if (old === undefined) return 'absent'
      const replacement = replace(old)
      if (replacement === 'refused') return 'refused'
      const { expires_at: expiresAt, successor } = replacement
      const token = await this.#insertToken(trx, successor)
      // A token without its user is left over where foreign keys are not enforced.
      if (token === 'absent') return 'absent'
      if (expiresAt === null) await trx.deleteFrom(this.#names.tokens).where('id', '=', key).execute()
      else await trx.updateTable(this.#names.tokens).set({ expires_at: this.#database.writeTime(expiresAt) }).where('id', '=', key).execute()
      return token
    })
  }

  async deleteToken (id: string): Promise<boolean> {
    const key = toRowId(id)
    if (key === undefined) return false
    const { numDeletedRows } = await this.#retried(() => this.#db.deleteFrom(this.#names.tokens)
      .where('id', '=', key)
      .executeTakeFirstOrThrow())
    return numDeletedRows > 0n
  }

  async deleteTokens (userId: string): Promise<void> {
    const key = toRowId(userId)
    if (key === undefined) return
    await this.#retried(() => this.#db.deleteFrom(this.#names.tokens).where('user_id', '=', key).execute())
  }

  async touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void> {
    // In one order everywhere, so that processes wait for each other instead of locking each other out.
    const keys = ids.map(toRowId).filter((key) => key !== undefined).sort((a, b) => a - b)
    if (keys.length === 0) return
    const time = this.#database.writeTime(lastUsedAt)
    await this.#retried(() => this.#db.updateTable(this.#names.tokens)
      .set({ last_used_at: time })
      .where('id', 'in', keys)
      .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', time)]))
      .execute())
  }

  #contains (search: string) {
    return ({ or }: ExpressionBuilder<Tables, 'users'>) =>
      or([this.#database.contains('email', search), this.#database.contains('searchable_name', search)])
  }

  async #findUser (db: Kysely<Tables>, key: number): Promise<UserRecord | undefined> {
    const row = await db.selectFrom(this.#names.users)
      .select(this.#rows.userColumns)
      .where('id', '=', key)
      .executeTakeFirst()
    return row && this.#rows.toUserRecord(row)
  }

  /** The token, which nobody else can change before the transaction ends. */
  async #lockToken (trx: Kysely<Tables>, key: number): Promise<TokenRecord | undefined> {
    let query = trx.selectFrom(this.#names.tokens).select(this.#rows.tokenColumns).where('id', '=', key)
    if (this.#database.locksRows) query = query.forUpdate()
    else await trx.updateTable(this.#names.tokens).set(({ ref }) => ({ id: ref('id') })).where('id', '=', key).execute()
    const row = await query.executeTakeFirst()
    return row && this.#rows.toTokenRecord(row)
  }

  async #insertToken (db: Kysely<Tables>, token: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    const userKey = toRowId(token.user_id)
    if (userKey === undefined) return 'absent'
    const values = this.#rows.newToken(token)
    try {
      // Selecting the user inside the insert makes "only if it is there" hold without a transaction, and without foreign keys.
      const id = await this.#insert(db.insertInto(this.#names.tokens)
        .columns(['user_id', ...keysOf(values)])
        .expression((eb) => eb.selectFrom(this.#names.users)
          .select(({ val }) => ['id', ...keysOf(values).map((column) => val(values[column]).as(column))])
          .where('id', '=', userKey)))
      if (id === undefined) return 'absent'
      const { hash, ...stored } = token
      return { ...stored, id, last_used_at: null }
    } catch (error) {
      // The user was deleted at the same moment.
      if (this.#database.isForeignKeyViolation(error)) return 'absent'
      throw error
    }
  }

  /** The new row's key; `undefined` if no row was inserted. */
  async #insert<Table extends 'users' | 'tokens'> (insert: InsertQueryBuilder<Tables, Table, InsertResult>): Promise<string | undefined> {
    if (this.#database.returns) {
      const row = await insert.returning('id').executeTakeFirst()
      return row && String(row.id)
    }
    const { insertId, numInsertedOrUpdatedRows } = await insert.executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows === 0n ? undefined : String(insertId)
  }

  #retried<T> (write: () => Promise<T>): Promise<T> {
    return retryConflicts(this.#database, write)
  }

  #transaction<T> (work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.#retried(() => this.#db.transaction().execute(work))
  }
}

/** A host's Kysely may bring plugins that rename columns. The one that names a schema may stay. */
function withoutRenaming (db: Kysely<any>): Kysely<Tables> {
  return db.getExecutor().plugins
    .filter((plugin) => plugin instanceof WithSchemaPlugin)
    .reduce((plain, plugin) => plain.withPlugin(plugin), db.withoutPlugins())
}

function keysOf<T extends object> (values: T): Array<keyof T & string> {
  return Object.keys(values) as Array<keyof T & string>
}
