import { sql, type Kysely, type RawBuilder } from 'kysely'
import { detectDialect, type DialectTraits } from '../../storage/sql/dialects/index.js'
import { mysql } from '../../storage/sql/dialects/mysql.js'
import { postgres } from '../../storage/sql/dialects/postgres.js'
import { sqlite } from '../../storage/sql/dialects/sqlite.js'
import { SourceError } from './source-line.js'
import { parseJson } from './values.js'

// Number of rows in memory at a time.
const pageSize = 500

/**
 * A row of another system. Its members have the names that the source uses. A column that the table lacks is absent.
 */
export interface Row {
  id: string | number
  [column: string]: any
  /** False if a number in a JSON column was rounded. */
  isExact: boolean
}

/** A table of another system. */
export interface SourceTable {
  readonly name: string
  /** Maps each name that the source uses to the name of the column in the database. */
  readonly columns: ReadonlyMap<string, string>
  /** The columns that the source does not use. */
  readonly others: string[]
}

interface SourceSql {
  /** Returns a query for the names of the columns of a table. The query returns no rows if there is no such table. */
  columns (table: string): RawBuilder<{ name: string }>
  jsonObject: string
  textType: string
}

const sqlOf = new Map<DialectTraits, SourceSql>([
  [postgres, {
    columns: (table) => sql`select attname as name from pg_attribute
      where attrelid = to_regclass(${`"${table}"`}) and attnum > 0 and not attisdropped`,
    jsonObject: 'json_build_object',
    textType: 'text'
  }],
  [mysql, {
    columns: (table) => sql`select column_name as name from information_schema.columns
      where table_schema = database() and table_name = ${table}`,
    jsonObject: 'json_object',
    textType: 'char'
  }],
  [sqlite, {
    columns: (table) => sql`select name from pragma_table_info(${table})`,
    jsonObject: 'json_object',
    textType: 'text'
  }]
])

/**
 * Runs a source in one transaction, so that it reads users and tokens of the same moment. PostgreSQL and MySQL reject
 * each write in this transaction. SQLite does not reject writes in a transaction, so the caller must open the file for
 * reading only.
 */
export async function * readOnly<T> (
  db: Kysely<any>, read: (trx: Kysely<any>) => AsyncGenerator<T>
): AsyncGenerator<T> {
  const trx = await db.startTransaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute()
  try {
    // MySQL converts values of the type timestamp to the time zone of the session.
    if (detectDialect(db) === mysql) await sql`set time_zone = '+00:00'`.execute(trx)
    yield * read(trx)
  } finally {
    // An error of the rollback is ignored, because it would hide the error that broke the connection.
    await trx.rollback().execute().catch(() => {})
  }
}

/**
 * Finds a table by its possible names. The names of its columns may differ in letter case and underscores, because
 * tools such as Drizzle write `created_at` for `createdAt`.
 *
 * @param wanted the columns that the source uses. A `!` at the end of a name means that the table must have the column
 * @throws {SourceError} if there is no such table, or if the table lacks a column with a `!`
 */
export async function findTable (db: Kysely<any>, names: string[], wanted: string[]): Promise<SourceTable> {
  for (const name of names) {
    const { rows } = await sqlFor(db).columns(name).execute(db)
    if (rows.length > 0) return toTable(name, rows.map((row) => row.name), wanted)
  }
  throw new SourceError(`The database has no table ${names.join(' or ')}`)
}

function toTable (name: string, actual: string[], wanted: string[]): SourceTable {
  const plain = (column: string) => column.replaceAll('_', '').toLowerCase()
  const columns = new Map<string, string>()
  for (const column of wanted) {
    const used = column.replace('!', '')
    const found = actual.find((other) => plain(other) === plain(used))
    if (found !== undefined) columns.set(used, found)
    else if (used !== column) throw new SourceError(`The table ${name} has no column ${used}`)
  }
  const used = new Set(columns.values())
  return { name, columns, others: actual.filter((column) => !used.has(column)) }
}

/** Yields the rows of a table in the order of their ids, in pages. */
export async function * readPages (
  db: Kysely<any>, table: SourceTable, where?: RawBuilder<unknown>
): AsyncGenerator<Row[]> {
  const id = columnOf(table, 'id')
  let page: Row[]
  let after: string | undefined
  do {
    const { rows } = await sql<{ row: string }>`select ${rowAsJson(db, table)} as ${sql.ref('row')}
      from ${sql.table(table.name)} where ${where ?? sql`1 = 1`}
      ${after === undefined ? sql`` : sql`and ${id} > ${after}`} order by ${id} limit ${sql.lit(pageSize)}`.execute(db)
    page = rows.map(({ row }) => toRow(row))
    yield page
    after = String(page.at(-1)?.id)
  } while (page.length === pageSize)
}

/**
 * Yields users and tokens. After each page of users, yields the tokens of these users. At the end, yields the tokens
 * that belong to no user as `orphan`.
 */
export async function * readUsersAndTokens (
  db: Kysely<any>, users: SourceTable, tokens: SourceTable, owner: string
): AsyncGenerator<{ user: Row } | { token: Row } | { orphan: Row }> {
  const ownerColumn = columnOf(tokens, owner)
  let read = 0
  for await (const page of readPages(db, users)) {
    for (const user of page) yield { user }
    if (page.length === 0) continue
    // Each id is sent as text, because the columns of users' ids and of owners may have different types.
    const ids = sql.join(page.map(({ id }) => sql.val(String(id))))
    for await (const rows of readPages(db, tokens, sql`${ownerColumn} in (${ids})`)) {
      for (const token of rows) yield { token }
      read += rows.length
    }
  }
  const { rows: [count] } = await sql<{ n: unknown }>`select count(*) as n from ${sql.table(tokens.name)}`.execute(db)
  // The query for tokens without a user reads both tables, so it is made only if the number of tokens shows that there
  // are some.
  if (Number(count?.n) === read) return
  const known = sql`select ${textOf(db, users, 'id')} from ${sql.table(users.name)}`
  const isOrphan = sql`(${textOf(db, tokens, owner)} not in (${known}) or ${ownerColumn} is null)`
  for await (const rows of readPages(db, tokens, isOrphan)) {
    for (const orphan of rows) yield { orphan }
  }
}

/** Returns an SQL expression for a column as text. */
export function textOf (db: Kysely<any>, table: SourceTable, name: string): RawBuilder<string> {
  return sql`cast(${columnOf(table, name)} as ${sql.raw(sqlFor(db).textType)})`
}

function columnOf (table: SourceTable, name: string): RawBuilder<unknown> {
  return sql.ref(table.columns.get(name) as string)
}

/**
 * Returns an SQL expression for a row as JSON text. Without JSON, the drivers would return times and JSON columns in
 * different forms.
 */
function rowAsJson (db: Kysely<any>, table: SourceTable): RawBuilder<string> {
  const { jsonObject, textType } = sqlFor(db)
  const members = [...table.columns].flatMap(([name, column]) => [sql.lit(name), sql.ref(column)])
  return sql`cast(${sql.raw(jsonObject)}(${sql.join(members)}) as ${sql.raw(textType)})`
}

function toRow (json: string): Row {
  const { value, isExact } = parseJson(json)
  return { ...value, isExact }
}

function sqlFor (db: Kysely<any>): SourceSql {
  return sqlOf.get(detectDialect(db)) as SourceSql
}
