import { Kysely, type Dialect, type SelectQueryNode, type TableNode } from 'kysely'
import { toOpenError } from '../open-error.js'
import type {
  AuditedStorageAdapter, AuditPage, AuditPruneBatch, HashedTokenPage, ImportBatch, NewAuditRecord, NewTokenRecord,
  NewUserRecord, PortableStorageAdapter, PruneBatch, TokenChanges, TokenFilter, TokenPage, TokenRecord,
  TokenReplacement, TokenToImport, UserChanges, UserFilter, UserPage, UserToImport,
  VersionedStorageAdapter
} from '../storage-adapter.js'
import { rejectHolders } from './app-connections.js'
import { mendCounter } from './audit-counter.js'
import { createAuditLists } from './audit-lists.js'
import { checkDriver } from './dialects/check-driver.js'
import { detectDialect, type DialectTraits } from './dialects/index.js'
import { SqliteDialect } from './drivers/sqlite-dialect.js'
import { leaveReadOnlyServers } from './failover.js'
import { createHashedTokens } from './hashed-tokens.js'
import { createImports } from './imports.js'
import { resolveKyselyOptions, type KyselyStorageOptions } from './kysely-options.js'
import { checkMigrated, migrate } from './migrations/migrator.js'
import { QueryRunner } from './query-runner.js'
import { tableNames, type TableNames, type Tables } from './tables.js'
import { createTokenChanges } from './token-changes.js'
import { createTokenLists } from './token-lists.js'
import { createTokenQueries } from './token-queries.js'
import { createUserQueries } from './user-queries.js'

/** Storage through Kysely in SQLite, PostgreSQL, MySQL, MariaDB, or a database that is compatible with one of them. */
export class KyselyStorage implements AuditedStorageAdapter, PortableStorageAdapter {
  readonly #runner: QueryRunner
  readonly #users: ReturnType<typeof createUserQueries>
  readonly #tokens: ReturnType<typeof createTokenQueries>
  readonly #tokenLists: ReturnType<typeof createTokenLists>
  readonly #tokenChanges: ReturnType<typeof createTokenChanges>
  readonly #audit: ReturnType<typeof createAuditLists>
  readonly #imports: ReturnType<typeof createImports>
  readonly #hashedTokens: ReturnType<typeof createHashedTokens>
  readonly #ownsDb: boolean
  readonly #migrate: boolean
  readonly #watchServers: (isOn: boolean) => void = () => {}
  /** The latest data version of SQLite, which counts only the commits of other connections. */
  #others: number | undefined
  #version = 0

  /** The method of VersionedStorageAdapter. Only a storage of `sqliteStorage` has it. */
  readonly dataVersion: VersionedStorageAdapter['dataVersion'] | undefined

  /**
   * Creates a storage. With `db`, each method throws InTransactionError if its caller holds a connection of `db`.
   *
   * @throws {InvalidOptionError} if an option is wrong
   * @throws {UnsupportedDatabaseError} if the dialect is for a database that KyselyStorage does not support
   */
  constructor (options: KyselyStorageOptions) {
    const { dialect, db: appDb, tablePrefix, migrate } = resolveKyselyOptions(options)
    const db = withoutPlugins(appDb ?? new Kysely<any>({ dialect: dialect as Dialect }))
    const traits = detectDialect(db)
    this.#ownsDb = appDb === undefined
    if (traits.failover !== undefined) this.#watchServers = leaveReadOnlyServers(db, traits.failover, this.#ownsDb)
    if (appDb !== undefined) rejectHolders(appDb, db)
    const sqlite = dialect instanceof SqliteDialect ? dialect : undefined
    this.#runner = new QueryRunner(db, traits, tableNames(tablePrefix), sqlite)
    this.#users = createUserQueries(this.#runner)
    this.#tokens = createTokenQueries(this.#runner)
    this.#tokenLists = createTokenLists(this.#runner)
    this.#tokenChanges = createTokenChanges(this.#runner)
    this.#audit = createAuditLists(this.#runner)
    this.#imports = createImports(this.#runner)
    this.#hashedTokens = createHashedTokens(this.#runner)
    this.#migrate = migrate
    this.dataVersion = sqlite && (() => this.#versionOf(sqlite.dataVersion()))
  }

  /**
   * Connects to the database, checks it, and creates or upgrades the tables unless the option `migrate` is `false`.
   *
   * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
   * @throws {DatabaseNotMigratedError} if `migrate` is `false` and migrations are missing
   * @throws {StorageOpenError} if the database cannot be used, with the driver's error as its `cause`
   */
  async open (): Promise<void> {
    await this.#afterChecks(async (db, traits, names) => {
      if (this.#migrate) await migrate(db, traits, names)
      else await checkMigrated(db, traits, names)
      await mendCounter(db, traits, names)
    })
  }

  /**
   * Creates or upgrades the tables, even if the option `migrate` is `false`.
   * Returns the versions of the schema before and after this call.
   *
   * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
   * @throws {StorageOpenError} if the database cannot be used, with the driver's error as its `cause`
   */
  async migrate (): Promise<{ from: number, to: number }> {
    return this.#afterChecks(migrate)
  }

  async #afterChecks<T> (
    work: (db: Kysely<Tables>, traits: DialectTraits, names: TableNames) => Promise<T>
  ): Promise<T> {
    const { db, traits, names, rows } = this.#runner
    this.#watchServers(false)
    try {
      // Kysely opens the database for the first connection. Queries that bypass Kysely's executor do not open the
      // database.
      await db.connection().execute(async () => {})
      // Settings of the database are checked first. Some of them change stored values, such as `sql_mode` of MySQL, and
      // `checkDriver` would blame the driver for the change.
      await traits.checkSettings(db, names)
      await checkDriver(db, traits, rows, (query) => this.#runner.executeTakeFirst(query))
      const result = await work(db, traits, names)
      this.#watchServers(true)
      return result
    } catch (cause) {
      throw toOpenError(cause)
    }
  }

  /** Closes the database, unless it is the app's `db`. */
  async close (): Promise<void> {
    if (this.#ownsDb) await this.#runner.db.destroy()
  }

  #versionOf (others: number | undefined): number | undefined {
    if (others === undefined) return undefined
    if (others !== this.#others) this.#version++
    this.#others = others
    return this.#version
  }

  /** Gives the data a new version when a change through this storage has ended, even if the change has failed. */
  async #changing<T> (change: Promise<T>): Promise<T> {
    try {
      return await change
    } finally {
      this.#version++
    }
  }

  createUser (user: NewUserRecord, entry?: NewAuditRecord) { return this.#users.createUser(user, entry) }

  findUser (id: string) { return this.#users.findUser(id) }

  findUserByEmail (email: string) { return this.#users.findUserByEmail(email) }

  listUsers (page: UserPage) { return this.#users.listUsers(page) }

  countUsers (filter?: UserFilter) { return this.#users.countUsers(filter) }

  updateUser (id: string, changes: UserChanges, revision?: number, entry?: NewAuditRecord) {
    return this.#changing(this.#users.updateUser(id, changes, revision, entry))
  }

  deleteUser (id: string, revision?: number, entry?: NewAuditRecord) {
    return this.#changing(this.#users.deleteUser(id, revision, entry))
  }

  createToken (token: NewTokenRecord, entry?: NewAuditRecord) { return this.#tokens.createToken(token, entry) }

  findTokenByHash (hash: Buffer) { return this.#tokens.findTokenByHash(hash) }

  findToken (id: string) { return this.#tokens.findToken(id) }

  listTokens (page: TokenPage) { return this.#tokenLists.listTokens(page) }

  countTokens (filter?: TokenFilter) { return this.#tokenLists.countTokens(filter) }

  updateToken (
    id: string, change: (current: TokenRecord) => TokenChanges | 'rejected', entry?: NewAuditRecord
  ) {
    return this.#changing(this.#tokenChanges.updateToken(id, change, entry))
  }

  rotateToken (
    id: string,
    replace: (old: TokenRecord, successor?: TokenRecord) => TokenReplacement | 'rejected',
    entry?: NewAuditRecord
  ) {
    return this.#changing(this.#tokenChanges.rotateToken(id, replace, entry))
  }

  revokeToken (id: string, entry?: NewAuditRecord) { return this.#changing(this.#tokens.revokeToken(id, entry)) }

  revokeTokens (userId: string, entry?: NewAuditRecord) {
    return this.#changing(this.#tokens.revokeTokens(userId, entry))
  }

  pruneTokens (batch: PruneBatch) { return this.#changing(this.#tokenLists.pruneTokens(batch)) }

  touchTokens (ids: readonly string[], lastUsedAt: string) { return this.#tokens.touchTokens(ids, lastUsedAt) }

  listAudit (page: AuditPage) { return this.#audit.listAudit(page) }

  pruneAudit (batch: AuditPruneBatch) { return this.#audit.pruneAudit(batch) }

  importUsers (batch: ImportBatch<UserToImport>, entry?: NewAuditRecord) {
    return this.#imports.importUsers(batch, entry)
  }

  importTokens (batch: ImportBatch<TokenToImport>, entry?: NewAuditRecord) {
    return this.#imports.importTokens(batch, entry)
  }

  listHashedTokens (page: HashedTokenPage) { return this.#hashedTokens.listHashedTokens(page) }
}

/** Returns a Kysely without the app's plugins, which may rename columns or change rows. Keeps the schema of `db`. */
function withoutPlugins (db: Kysely<any>): Kysely<Tables> {
  const { from } = db.selectFrom('name').select('name').toOperationNode() as SelectQueryNode
  const { table } = from?.froms[0] as TableNode
  const schema = table.schema?.name
  return schema === undefined ? db.withoutPlugins() : db.withoutPlugins().withSchema(schema)
}
