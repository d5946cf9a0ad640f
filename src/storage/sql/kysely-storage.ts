import { Kysely, sql, type Compilable, type CompiledQuery, type Dialect, type ExpressionBuilder, type InsertQueryBuilder, type InsertResult, type QueryResult, type SelectQueryNode, type TableNode } from 'kysely'
import { check, checkOptionNames } from '../../check-options.js'
import { refuseHolders } from './app-connections.js'
import { checkDriver } from './dialects/check-driver.js'
import { retryConflicts } from './retry-conflicts.js'
import { detectDialect, type DialectTraits } from './dialects/index.js'
import { checkMigrated, migrate } from './migrations/migrator.js'
import { toOpenError } from '../open-error.js'
import { CompiledQueries } from './compiled-queries.js'
import { createRows, readKey, toRowId, type TokenWithUserRow } from './rows.js'
import type { Awaitable, NewTokenRecord, NewUserRecord, StorageAdapter, TokenRecord, TokenReplacement, TokenWithUser, UserChanges, UserPage, UserRecord } from '../storage-adapter.js'
import { SqliteDialect } from './drivers/sqlite-dialect.js'
import { tableNames, type TableNames, type Tables } from './tables.js'

const one = sql.lit(1)
// As `normalizeForSearch` has it. Names are kept in that form.
const searchableEmail = sql<string>`replace(${sql.ref('email')}, ${sql.lit('\u03C2')}, ${sql.lit('\u03C3')})`

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

/** Has the methods of Kysely's `Dialect`. In a CommonJS app that is the type of another copy of Kysely, which TypeScript takes for a different one. */
export type AnyDialect = { [Method in keyof Dialect]: (...parameters: any[]) => unknown }

/** Has the members of a `Kysely` that the storage needs, of whichever copy. */
export type AnyKysely = Pick<Kysely<any>, 'isTransaction'> & { [Method in 'getExecutor' | 'selectFrom' | 'withoutPlugins' | 'withSchema']: (...parameters: any[]) => unknown }

/** `dialect`: a database of our own, opened and closed with the app. `db`: a Kysely of the host's, never closed by us. */
export type KyselyStorageOptions = CommonOptions & (
  | { dialect: AnyDialect, db?: undefined }
  | { db: AnyKysely, dialect?: undefined }
)

/** Storage in a SQL database, through Kysely: SQLite, PostgreSQL, MySQL or MariaDB, and databases that speak the language of one of them. */
export class KyselyStorage implements StorageAdapter {
  readonly #db: Kysely<Tables>
  readonly #ownsDb: boolean
  readonly #traits: DialectTraits
  readonly #rows: ReturnType<typeof createRows>
  readonly #names: TableNames
  readonly #migrate: boolean
  readonly #queries = new CompiledQueries()
  readonly #sqlite: SqliteDialect | undefined

  /**
   * Over a `db`, each method throws InTransactionError where its caller holds a connection of it.
   *
   * @throws {InvalidOptionError} if an option is wrong
   * @throws {UnsupportedDatabaseError} if the dialect is of another database
   */
  constructor (options: KyselyStorageOptions) {
    checkOptionNames(options, ['dialect', 'db', 'tablePrefix', 'migrate'])
    const { dialect, db, tablePrefix = 'vexa_', migrate = true } = options
    check((dialect === undefined) !== (db === undefined), 'KyselyStorage needs either `dialect` or `db`')
    check(db?.isTransaction !== true, '`db` must not be a transaction')
    check(typeof tablePrefix === 'string' && /^\w{0,32}$/.test(tablePrefix), '`tablePrefix` must be at most 32 letters, digits and underscores')
    check(typeof migrate === 'boolean', '`migrate` must be true or false')
    this.#ownsDb = db === undefined
    this.#db = withoutPlugins(db as Kysely<any> | undefined ?? new Kysely<any>({ dialect: dialect as Dialect }))
    if (db !== undefined) refuseHolders(db as Kysely<any>, this.#db)
    this.#sqlite = dialect instanceof SqliteDialect ? dialect : undefined
    this.#traits = detectDialect(this.#db)
    this.#rows = createRows(this.#traits)
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

  async #use<T> (work: (db: Kysely<Tables>, traits: DialectTraits, names: TableNames) => Promise<T>): Promise<T> {
    try {
      // A connection opens the database, without which the way past Kysely's executor leads nowhere.
      await this.#db.connection().execute(async () => {})
      // Settings first, because some of them change values, too, and their sentence says more.
      await this.#traits.checkSettings(this.#db, this.#names)
      await checkDriver(this.#db, this.#traits, this.#rows, (query) => this.#execute(query))
      return await work(this.#db, this.#traits, this.#names)
    } catch (cause) {
      throw toOpenError(cause)
    }
  }

  async close (): Promise<void> {
    if (this.#ownsDb) await this.#db.destroy()
  }

  async createUser (user: NewUserRecord): Promise<UserRecord | 'taken'> {
    const values = this.#rows.newUser(user)
    const insert = this.#queries.get('createUser', values, (value) => {
      const insert = this.#db.insertInto(this.#names.users).values(mapValues(values, (column) => this.#written(column, value(column))))
      return this.#returningId(this.#traits.onConflictDoNothing ? insert.onConflict((conflict) => conflict.column('email').doNothing()) : insert)
    })
    // What skips a conflict of addresses has an error of any other.
    return await this.#unlessTaken(!this.#traits.onConflictDoNothing, user.email, undefined, async () => {
      const id = insertedId(await this.#retried(() => this.#execute(insert)))
      return id === undefined ? undefined : this.#rows.createdUser(id, user)
    })
  }

  async findUser (id: string): Promise<UserRecord | undefined> {
    const key = toRowId(id)
    return key === undefined ? undefined : await this.#findUser(this.#db, key)
  }

  async findUserByEmail (email: string): Promise<UserRecord | undefined> {
    const { rows: [row] } = await this.#execute(this.#queries.get('findUserByEmail', { email }, (value) => this.#db.selectFrom(this.#names.users)
      .select(this.#rows.userColumns)
      .where('email', '=', value('email'))
      .limit(one)))
    return row && this.#rows.toUserRecord(row)
  }

  async listUsers ({ order, after, skip, limit, search }: UserPage): Promise<UserRecord[]> {
    const key = after === undefined ? undefined : toRowId(after)
    if (after !== undefined && key === undefined) return []
    const name = `listUsers ${order} ${key === undefined ? '' : 'after'} ${search === undefined ? '' : 'search'}`
    const { rows } = await this.#execute(this.#queries.get(name, { key: key as number, skip, limit, search: search as string }, (value) => {
      let query = this.#db.selectFrom(this.#names.users)
        .select(this.#rows.userColumns)
        .orderBy('id', order)
        .limit(value('limit'))
        .offset(value('skip'))
      if (key !== undefined) query = query.where('id', order === 'asc' ? '>' : '<', value('key'))
      if (search !== undefined) query = query.where(this.#contains(value('search')))
      return query
    }))
    return rows.map(this.#rows.toUserRecord)
  }

  async countUsers (search?: string): Promise<number> {
    let query = this.#db.selectFrom(this.#names.users).select(({ fn }) => fn.countAll().as('count'))
    if (search !== undefined) query = query.where(this.#contains(search))
    const { count } = await query.executeTakeFirstOrThrow()
    return Number(count)
  }

  async updateUser (id: string, changes: UserChanges, revision?: number): Promise<UserRecord | 'absent' | 'taken' | 'referenced'> {
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
    return await this.#unlessReferenced(() => this.#unlessTaken(changes.email !== undefined, changes.email ?? '', id, async () => {
      const updated = this.#traits.supportsReturning
        ? await this.#retried(async () => {
          const row = await updateIn(this.#db).returning(this.#rows.userColumns).executeTakeFirst()
          return row && this.#rows.toUserRecord(row)
        })
        : await this.#transaction(async (trx) => {
          const { numUpdatedRows } = await updateIn(trx).executeTakeFirstOrThrow()
          return numUpdatedRows === 0n ? undefined : await this.#findUser(trx, key)
        })
      return updated ?? 'absent'
    }))
  }

  async deleteUser (id: string): Promise<boolean | 'referenced'> {
    const key = toRowId(id)
    if (key === undefined) return false
    return await this.#unlessReferenced(() => this.#transaction(async (trx) => {
      const revokeTokens = () => trx.deleteFrom(this.#names.tokens).where('user_id', '=', key).execute()
      const deleteUser = () => trx.deleteFrom(this.#names.users).where('id', '=', key).executeTakeFirstOrThrow()
      // Also where a foreign key would do it: a host's connection may not enforce it.
      await revokeTokens()
      const { numDeletedRows } = await deleteUser().catch(async (error) => {
        if (this.#traits.supportsCascade || !this.#traits.isForeignKeyViolation(error)) throw error
        // A token may have come in between. The user is locked by now, so that no other comes.
        await revokeTokens()
        return await deleteUser()
      })
      return numDeletedRows > 0n
    }))
  }

  async createToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    return await this.#retried(() => this.#createToken(this.#db, token))
  }

  findTokenByHash (hash: Buffer): Awaitable<TokenWithUser | undefined> {
    const toFound = ({ rows: [row] }: QueryResult<TokenWithUserRow>) => row && this.#rows.toTokenWithUser(row)
    const result = this.#execute(this.#queries.get('findTokenByHash', { hash }, (value) => this.#db.selectFrom(`${this.#names.tokens} as token`)
      .innerJoin(`${this.#names.users} as user`, 'user.id', 'token.user_id')
      .select(this.#rows.tokenWithUserColumns)
      .where('token.hash', '=', this.#traits.lookupValue(value('hash')))
      .limit(one)))
    return result instanceof Promise ? result.then(toFound) : toFound(result)
  }

  async listTokens (userId: string): Promise<TokenRecord[]> {
    const key = toRowId(userId)
    if (key === undefined) return []
    const { rows } = await this.#execute(this.#queries.get('listTokens', { key }, (value) => this.#db.selectFrom(this.#names.tokens)
      .select(this.#rows.tokenColumns)
      .where('user_id', '=', this.#traits.lookupValue(value('key')))
      .orderBy('id')))
    return rows.map(this.#rows.toTokenRecord)
  }

  async rotateToken (id: string, replace: (old: TokenRecord) => TokenReplacement | 'rejected'): Promise<TokenRecord | 'absent' | 'rejected' | 'referenced'> {
    const key = toRowId(id)
    if (key === undefined) return 'absent'
    let added = false
    return await this.#unlessReferenced(() => this.#transaction(async (trx) => {
      added = false
      const old = await this.#lockToken(trx, key)
      if (old === undefined) return 'absent'
      const replacement = replace(old)
      if (replacement === 'rejected') return 'rejected'
      const { expires_at: expiresAt, successor } = replacement
      const token = await this.#createToken(trx, successor)
      // A token without its user is left over where foreign keys are not enforced.
      if (token === 'absent') return 'absent'
      added = true
      if (expiresAt === null) await trx.deleteFrom(this.#names.tokens).where('id', '=', key).execute()
      else await trx.updateTable(this.#names.tokens).set({ expires_at: this.#traits.writeTime(expiresAt) }).where('id', '=', key).execute()
      return token
    }), () => added)
  }

  async revokeToken (id: string): Promise<boolean | 'referenced'> {
    const key = toRowId(id)
    if (key === undefined) return false
    const query = this.#queries.get('revokeToken', { key }, (value) => this.#db.deleteFrom(this.#names.tokens).where('id', '=', value('key')))
    return await this.#unlessReferenced(async () => (await this.#retried(() => this.#execute(query))).numAffectedRows !== 0n)
  }

  async revokeTokens (userId: string): Promise<void | 'referenced'> {
    const key = toRowId(userId)
    if (key === undefined) return
    const deleteAll = this.#db.deleteFrom(this.#names.tokens).where('user_id', '=', key)
    const some = this.#db.selectFrom(this.#names.tokens).select('id').where('user_id', '=', key).limit(one)
    // It waits for a rotation that is under way, but the successor may come too late for it to see. Others may go on minting for ever.
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await this.#unlessReferenced(() => this.#retried(() => deleteAll.execute())) === 'referenced') return 'referenced'
      if (await some.executeTakeFirst() === undefined) return
    }
  }

  async touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void> {
    // In one order everywhere, so that processes wait for each other instead of locking each other out.
    const keys = ids.map(toRowId).filter((key) => key !== undefined).sort((a, b) => a - b)
    if (keys.length === 0) return
    // Lists in few lengths make few statements to prepare: 1, 2, 4, 8… A longer one than the plugin's would run into the databases' limits.
    const length = 2 ** Math.ceil(Math.log2(keys.length))
    if (length <= 512) keys.push(...Array(length - keys.length).fill(keys[0]))
    const time = this.#traits.writeTime(lastUsedAt)
    await this.#retried(() => this.#db.updateTable(this.#names.tokens)
      .set({ last_used_at: time })
      .where('id', 'in', keys)
      .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', time)]))
      .execute())
  }

  #contains (search: string) {
    return ({ or }: ExpressionBuilder<Tables, 'users'>) =>
      or([this.#traits.contains(searchableEmail, search), this.#traits.contains(sql.ref('searchable_name'), search)])
  }

  async #findUser (db: Kysely<Tables>, key: number): Promise<UserRecord | undefined> {
    const { rows: [row] } = await this.#execute(this.#queries.get('findUser', { key }, (value) => this.#db.selectFrom(this.#names.users)
      .select(this.#rows.userColumns)
      .where('id', '=', value('key'))
      .limit(one)), db)
    return row && this.#rows.toUserRecord(row)
  }

  /** The token, which nobody else can change before the transaction ends. */
  async #lockToken (trx: Kysely<Tables>, key: number): Promise<TokenRecord | undefined> {
    let query = trx.selectFrom(this.#names.tokens).select(this.#rows.tokenColumns).where('id', '=', key)
    if (this.#traits.supportsForUpdate) query = query.forUpdate()
    else await trx.updateTable(this.#names.tokens).set(({ ref }) => ({ id: ref('id') })).where('id', '=', key).execute()
    const row = await query.executeTakeFirst()
    return row && this.#rows.toTokenRecord(row)
  }

  async #createToken (db: Kysely<Tables>, token: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    const userKey = toRowId(token.user_id)
    if (userKey === undefined) return 'absent'
    const values = this.#rows.newToken(token, userKey)
    try {
      const id = insertedId(await this.#execute(this.#queries.get('createToken', values, (value) => {
        const insert = this.#db.insertInto(this.#names.tokens)
        if (!this.#traits.supportsInsertFromSelect) return this.#returningId(insert.values(mapValues(values, (column) => this.#written(column, value(column)))))
        const { user_id: user, ...rest } = values
        // Selecting the user inside the insert makes "only if it is there" hold without a transaction, and without foreign keys.
        return this.#returningId(insert
          .columns(['user_id', ...keysOf(rest)])
          .expression(({ selectFrom }) => selectFrom(this.#names.users)
            .select(['id', ...keysOf(rest).map((column) => sql`${this.#written(column, value(column))}`.as(column))])
            .where('id', '=', value('user_id'))))
      }), db))
      return id === undefined ? 'absent' : this.#rows.createdToken(id, token)
    } catch (error) {
      // The user is not there, or was deleted at the same moment. If it is there, the key is one of the app's.
      // PostgreSQL answers no look-up in a transaction that has failed; there, the token that is rotated keeps the user from being deleted.
      const absent = this.#traits.isForeignKeyViolation(error) && await this.#findUser(db, userKey).then((user) => user === undefined, () => false)
      if (absent) return 'absent'
      throw error
    }
  }

  /** What is written into a column for this value. */
  #written (column: string, value: unknown): unknown {
    return column === 'data' || column === 'scopes' ? this.#traits.writeJson(value) : value
  }

  /** An insert whose result has the new row's key, for `insertedId`. */
  #returningId<Table extends 'users' | 'tokens'> (insert: InsertQueryBuilder<Tables, Table, InsertResult>): Compilable<unknown> {
    // Our own driver knows the key without: for what it returns, SQLite opens a table each time, which costs a fifth of the insert.
    return this.#traits.supportsReturning && this.#sqlite === undefined ? insert.returning('id') : insert
  }

  /** Runs a query, in a transaction if one is given. */
  #execute<Row> (query: CompiledQuery<Row>, db = this.#db): QueryResult<Row> | Promise<QueryResult<Row>> {
    // Each token that is checked comes this way: without a transaction, SQLite has no need of what Kysely does to find a connection.
    return this.#sqlite !== undefined && db === this.#db ? this.#sqlite.execute(query) : db.executeQuery(query)
  }

  /**
   * Returns `'taken'` where a write was refused and another user has this address. Another unique column, such as a key that a sequence
   * left behind gives out again, or one of the app's, is a fault. `write` answers `undefined` where it has written nothing.
   */
  async #unlessTaken<T> (mayViolate: boolean, email: string, id: string | undefined, write: () => Promise<T | undefined>): Promise<T | 'taken'> {
    let fault: unknown
    // Again, because the other user may have been deleted in between.
    for (let attempt = 1; attempt <= 3; attempt++) {
      try {
        const written = await write()
        if (written !== undefined) return written
        fault = new Error('The database added no user, and none has the address')
      } catch (error) {
        if (!mayViolate || !this.#traits.isUniqueViolation(error)) throw error
        fault = error
      }
      const other = await this.findUserByEmail(email)
      if (other !== undefined && other.id !== id) return 'taken'
    }
    throw fault
  }

  /** Returns `'referenced'` where a row cannot be deleted or changed because a table of the app refers to it, unless the write has not come `toDelete` it. */
  async #unlessReferenced<T> (write: () => Promise<T>, toDelete = () => true): Promise<T | 'referenced'> {
    try {
      return await write()
    } catch (error) {
      if (toDelete() && this.#traits.isForeignKeyViolation(error)) return 'referenced'
      throw error
    }
  }

  #retried<T> (write: () => T | Promise<T>): Promise<T> {
    return retryConflicts(this.#traits, write)
  }

  #transaction<T> (work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.#retried(() => this.#db.transaction().execute(work))
  }
}

/** A host's Kysely may bring plugins that rename columns, or change rows. What stays of them is the schema that they put to a table. */
function withoutPlugins (db: Kysely<any>): Kysely<Tables> {
  const { from } = db.selectFrom('name').select('name').toOperationNode() as SelectQueryNode
  const { table } = from?.froms[0] as TableNode
  const schema = table.schema?.name
  return schema === undefined ? db.withoutPlugins() : db.withoutPlugins().withSchema(schema)
}

/** The new row's key; `undefined` if no row was inserted. */
function insertedId ({ rows: [row], insertId, numAffectedRows }: QueryResult<any>): string | undefined {
  if (row === undefined && (insertId === undefined || numAffectedRows === 0n)) return undefined
  return readKey(row === undefined ? insertId : row.id)
}

function mapValues<T extends object> (values: T, value: (name: keyof T & string) => unknown): T {
  return Object.fromEntries(keysOf(values).map((name) => [name, value(name)])) as T
}

function keysOf<T extends object> (values: T): Array<keyof T & string> {
  return Object.keys(values) as Array<keyof T & string>
}
