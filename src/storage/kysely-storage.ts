import { Kysely, sql, SqliteAdapter, type Dialect, type Selectable } from 'kysely'
import { check, checkNames } from '../check.js'
import { isOurs, StorageOpenError, UnsupportedDatabaseError } from '../errors.js'
import { checkMigrated, migrate } from './migrations.js'
import { searchableName, toJson, tokenColumns, toRowId, toTokenRecord, toUserRecord, userColumns, type TokenRow } from './rows.js'
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

/** Storage in a SQL database, through Kysely. SQLite so far. */
export class KyselyStorage implements StorageAdapter {
  readonly #db: Kysely<Tables>
  readonly #ownsDb: boolean
  readonly #names: TableNames
  readonly #migrate: boolean

  /** @throws {InvalidOptionError} if an option is wrong */
  constructor (options: KyselyStorageOptions) {
    checkNames(options, ['dialect', 'db', 'tablePrefix', 'migrate'])
    const { dialect, db, tablePrefix = 'vexa_', migrate = true } = options
    check((dialect === undefined) !== (db === undefined), 'KyselyStorage needs either `dialect` or `db`')
    check(typeof tablePrefix === 'string' && /^\w{0,32}$/.test(tablePrefix), '`tablePrefix` must be at most 32 letters, digits and underscores')
    check(typeof migrate === 'boolean', '`migrate` must be true or false')
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
      throw isOurs(cause) ? cause : new StorageOpenError((cause as Error).message, { cause })
    }
  }

  async close (): Promise<void> {
    if (this.#ownsDb) await this.#db.destroy()
  }

  async insertUser (user: NewUserRecord): Promise<UserRecord | 'taken'> {
    const values = {
      email: user.email,
      name: user.name,
      searchable_name: searchableName(user.name),
      max_concurrent_bots: user.max_concurrent_bots,
      data: toJson(user.data),
      created_at: user.created_at
    }
    const row = await this.#db.insertInto(this.#names.users)
      .columns(keysOf(values))
      // A conflict alone would do, but in SQLite each one costs a key and a durable write.
      .expression(this.#db
        .selectNoFrom(({ val }) => keysOf(values).map((column) => val(values[column]).as(column)))
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom(this.#names.users).select('id').where('email', '=', user.email)))))
      .onConflict((conflict) => conflict.column('email').doNothing())
      .returning(userColumns)
      .executeTakeFirst()
    return row === undefined ? 'taken' : toUserRecord(row)
  }

  async findUser (id: string): Promise<UserRecord | undefined> {
    const key = toRowId(id)
    if (key === undefined) return undefined
    const row = await this.#db.selectFrom(this.#names.users)
      .select(userColumns)
      .where('id', '=', key)
      .executeTakeFirst()
    return row && toUserRecord(row)
  }

  async findUserByEmail (email: string): Promise<UserRecord | undefined> {
    const row = await this.#db.selectFrom(this.#names.users)
      .select(userColumns)
      .where('email', '=', email)
      .executeTakeFirst()
    return row && toUserRecord(row)
  }

  async listUsers ({ order, after, skip, limit, search }: UserPage): Promise<UserRecord[]> {
    let query = this.#db.selectFrom(this.#names.users)
      .select(userColumns)
      .orderBy('id', order)
      .limit(limit)
      .offset(skip)
    if (after !== undefined) {
      const key = toRowId(after)
      if (key === undefined) return []
      query = query.where('id', order === 'asc' ? '>' : '<', key)
    }
    if (search !== undefined) query = query.where(contains(search))
    const rows = await query.execute()
    return rows.map(toUserRecord)
  }

  async countUsers (search?: string): Promise<number> {
    let query = this.#db.selectFrom(this.#names.users).select(({ fn }) => fn.countAll<number>().as('count'))
    if (search !== undefined) query = query.where(contains(search))
    const { count } = await query.executeTakeFirstOrThrow()
    return count
  }

  async updateUser (id: string, changes: UserChanges, revision?: number): Promise<UserRecord | 'absent' | 'taken'> {
    const key = toRowId(id)
    if (key === undefined) return 'absent'
    const { name, disabled, data } = changes
    let query = this.#db.updateTable(this.#names.users)
      // Kysely leaves out what is undefined.
      .set({
        email: changes.email,
        name,
        searchable_name: name === undefined ? undefined : searchableName(name),
        max_concurrent_bots: changes.max_concurrent_bots,
        disabled: disabled === undefined ? undefined : Number(disabled),
        data: data === undefined ? undefined : toJson(data)
      })
      .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
      .where('id', '=', key)
      .returning(userColumns)
    if (revision !== undefined) query = query.where('revision', '=', revision)
    try {
      const row = await query.executeTakeFirst()
      return row === undefined ? 'absent' : toUserRecord(row)
    } catch (error) {
      if (isUniqueViolation(error)) return 'taken'
      throw error
    }
  }

  async deleteUser (id: string): Promise<boolean> {
    const key = toRowId(id)
    if (key === undefined) return false
    return await this.#db.transaction().execute(async (trx) => {
      // They would go along by their foreign key, but a host's connection may not enforce it.
      await trx.deleteFrom(this.#names.tokens).where('user_id', '=', key).execute()
      const { numDeletedRows } = await trx.deleteFrom(this.#names.users).where('id', '=', key).executeTakeFirstOrThrow()
      return numDeletedRows > 0n
    })
  }

  async insertToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    const row = await this.#insertToken(this.#db, token)
    return row === undefined ? 'absent' : toTokenRecord(row)
  }

  async findTokenByHash (hash: Buffer): Promise<{ token: TokenRecord, user: UserRecord } | undefined> {
    const row = await this.#db.selectFrom(`${this.#names.tokens} as token`)
      .innerJoin(`${this.#names.users} as user`, 'user.id', 'token.user_id')
      .select([
        'token.id as token_id', 'token.user_id', 'token.name as token_name', 'token.scopes', 'token.expires_at', 'token.expires_in', 'token.last_used_at',
        'token.created_at as token_created_at', 'user.email', 'user.name', 'user.max_concurrent_bots', 'user.disabled', 'user.data',
        'user.revision', 'user.created_at'
      ])
      .where('token.hash', '=', hash)
      .executeTakeFirst()
    return row && {
      token: toTokenRecord({ ...row, id: row.token_id, name: row.token_name, created_at: row.token_created_at }),
      user: toUserRecord({ ...row, id: row.user_id })
    }
  }

  async listTokens (userId: string): Promise<TokenRecord[]> {
    const key = toRowId(userId)
    if (key === undefined) return []
    const rows = await this.#db.selectFrom(this.#names.tokens)
      .select(tokenColumns)
      .where('user_id', '=', key)
      .orderBy('id')
      .execute()
    return rows.map(toTokenRecord)
  }

  async rotateToken (id: string, replace: (old: TokenRecord) => TokenReplacement | 'refused'): Promise<TokenRecord | 'absent' | 'refused'> {
    const key = toRowId(id)
    if (key === undefined) return 'absent'
    return await this.#db.transaction().execute(async (trx) => {
      // A write that changes nothing, to hold the lock before the token is looked at: who has only read cannot wait for SQLite's write lock.
      const old = await trx.updateTable(this.#names.tokens)
        .set(({ ref }) => ({ id: ref('id') }))
        .where('id', '=', key)
        .returning(tokenColumns)
        .executeTakeFirst()
      if (old === undefined) return 'absent'
      const replacement = replace(toTokenRecord(old))
      if (replacement === 'refused') return 'refused'
      const { expires_at: expiresAt, successor } = replacement
      const row = await this.#insertToken(trx, successor)
      // A token without its user is left over where foreign keys are not enforced.
      if (row === undefined) return 'absent'
      if (expiresAt === null) await trx.deleteFrom(this.#names.tokens).where('id', '=', key).execute()
      else await trx.updateTable(this.#names.tokens).set({ expires_at: expiresAt }).where('id', '=', key).execute()
      return toTokenRecord(row)
    })
  }

  async deleteToken (id: string): Promise<boolean> {
    const key = toRowId(id)
    if (key === undefined) return false
    const { numDeletedRows } = await this.#db.deleteFrom(this.#names.tokens)
      .where('id', '=', key)
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  async deleteTokens (userId: string): Promise<void> {
    const key = toRowId(userId)
    if (key === undefined) return
    await this.#db.deleteFrom(this.#names.tokens).where('user_id', '=', key).execute()
  }

  async touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void> {
    const keys = ids.map(toRowId).filter((key) => key !== undefined)
    if (keys.length === 0) return
    await this.#db.updateTable(this.#names.tokens)
      .set({ last_used_at: lastUsedAt })
      .where('id', 'in', keys)
      .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', lastUsedAt)]))
      .execute()
  }

  async #insertToken (db: Kysely<Tables>, token: NewTokenRecord): Promise<Selectable<TokenRow> | undefined> {
    const userKey = toRowId(token.user_id)
    if (userKey === undefined) return undefined
    const values = {
      hash: token.hash,
      name: token.name,
      scopes: toJson(token.scopes),
      expires_at: token.expires_at,
      expires_in: token.expires_in,
      created_at: token.created_at
    }
    // Selecting the user inside the insert makes "only if it is there" hold without a transaction, and without foreign keys.
    return await db.insertInto(this.#names.tokens)
      .columns(['user_id', ...keysOf(values)])
      .expression((eb) => eb.selectFrom(this.#names.users)
        .select(({ val }) => ['id', ...keysOf(values).map((column) => val(values[column]).as(column))])
        .where('id', '=', userKey))
      .returning(tokenColumns)
      .executeTakeFirst()
  }
}

/** Not LIKE, which would know wildcards, and in SQLite the case of ASCII letters only. */
function contains (search: string) {
  return sql<boolean>`(instr(email, ${search}) > 0 or instr(searchable_name, ${search}) > 0)`
}

function keysOf<T extends object> (values: T): Array<keyof T & string> {
  return Object.keys(values) as Array<keyof T & string>
}

/** Drivers for SQLite have codes of their own, but SQLite's message is the same in all of them. */
function isUniqueViolation (error: unknown): boolean {
  return error instanceof Error && error.message.includes('UNIQUE constraint failed')
}
