import type { Dialect, Kysely } from 'kysely'
import { check, checkOptionNames } from '../../check-options.js'

interface CommonOptions {
  /**
   * The prefix of each table's name: at most 32 letters, digits and underscores.
   * @default 'vexa_'
   */
  tablePrefix?: string | undefined
  /**
   * Whether `open` creates and upgrades the tables. With `false`, `open` only checks that the tables are up to date.
   * @default true
   */
  migrate?: boolean | undefined
}

/**
 * An object with the methods of Kysely's `Dialect`. A CommonJS app may have another copy of Kysely, and TypeScript
 * treats the `Dialect` of that copy as a different type. This type accepts both.
 */
export type AnyDialect = { [Method in keyof Dialect]: (...parameters: any[]) => unknown }

/** An object with the members of `Kysely` that the storage needs. The object may come from another copy of Kysely. */
export type AnyKysely = Pick<Kysely<any>, 'isTransaction'> & {
  [Method in 'getExecutor' | 'selectFrom' | 'withoutPlugins' | 'withSchema']: (...parameters: any[]) => unknown
}

/**
 * With `dialect`, the storage opens and closes a database. With `db`, it uses the app's Kysely and does not close it.
 */
export type KyselyStorageOptions = CommonOptions & (
  | { dialect: AnyDialect, db?: undefined }
  | { db: AnyKysely, dialect?: undefined }
)

interface ResolvedOptions {
  dialect: Dialect | undefined
  db: Kysely<any> | undefined
  tablePrefix: string
  migrate: boolean
}

/**
 * Returns the options, checked and with defaults filled in.
 *
 * @throws {InvalidOptionError} if an option is wrong
 */
export function resolveKyselyOptions (options: KyselyStorageOptions): ResolvedOptions {
  checkOptionNames(options, ['dialect', 'db', 'tablePrefix', 'migrate'])
  const { dialect, db, tablePrefix = 'vexa_', migrate = true } = options
  check((dialect === undefined) !== (db === undefined), 'KyselyStorage needs either `dialect` or `db`')
  check(db?.isTransaction !== true, '`db` must not be a transaction')
  check(typeof tablePrefix === 'string' && /^\w{0,32}$/.test(tablePrefix),
    '`tablePrefix` must be at most 32 letters, digits and underscores')
  check(typeof migrate === 'boolean', '`migrate` must be true or false')
  return { dialect: dialect as Dialect | undefined, db: db as Kysely<any> | undefined, tablePrefix, migrate }
}
