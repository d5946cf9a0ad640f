import type { Dialect, Kysely } from 'kysely'
import { check, checkOptionNames } from '../../check-options.js'

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
  check(typeof tablePrefix === 'string' && /^\w{0,32}$/.test(tablePrefix), '`tablePrefix` must be at most 32 letters, digits and underscores')
  check(typeof migrate === 'boolean', '`migrate` must be true or false')
  return { dialect: dialect as Dialect | undefined, db: db as Kysely<any> | undefined, tablePrefix, migrate }
}
