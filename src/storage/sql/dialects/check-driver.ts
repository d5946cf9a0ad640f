import { isDeepStrictEqual } from 'node:util'
import { sql, type CompiledQuery, type Kysely } from 'kysely'
import type { Awaitable } from '../../storage-adapter.js'
import type { Rows } from '../rows.js'
import type { ColumnType, DialectTraits } from './dialect-traits.js'

const text = '\u{1F511} \u00EB e\u0301 \\ \\\\ $1 % _ '

/** Values of each kind in the tables. They include values that some drivers are known to change. */
const samples: ReadonlyArray<readonly [type: ColumnType, value: unknown]> = [
  // All 256 bytes, with NUL at the start and at the end, because some drivers cut bytes at NUL.
  ['hash', Buffer.from([...Array.from({ length: 256 }, (_, byte) => byte), 0])],
  ['email', text],
  ['text', text],
  ['text', ''],
  ['text', null],
  ['json', { a: [1e308, -0.5, true, null, {}, text] }],
  ['json', ['true', '1']],
  ['json', null],
  // The second of these times is in the hour that is skipped in Europe when summer time begins.
  ['time', '2038-01-19T03:14:08.001Z'],
  ['time', '2024-03-31T02:30:00.999Z'],
  ['time', null],
  ['boolean', true],
  ['boolean', false],
  ['integer', 2147483647],
  ['integer', null],
  ['key', 2 ** 32 + 1],
  ['key', Number.MAX_SAFE_INTEGER]
]

const settings = 'settings that convert values (typeCast of mysql2, setTypeParser and binary of pg)'
const textRemedy = `use UTF-8 (utf8mb4). Do not use the mode NO_BACKSLASH_ESCAPES of MySQL, or ${settings}`

/** For each type: the end of the message about a driver that changes values of the type. */
const faults: Readonly<Record<ColumnType | 'row', string>> = {
  hash: 'bytes: with pg, use its own client, not pg.native',
  email: `text: ${textRemedy}`,
  text: `text: ${textRemedy}`,
  json: `JSON: the driver must send text unchanged. Do not use ${settings}`,
  time: `times: do not use ${settings}`,
  boolean: `booleans: do not use ${settings}`,
  integer: `integers: do not use ${settings}`,
  key: `integers of more than 32 bits: do not use ${settings}`,
  row: 'the names of columns: do not use rowsAsArray or nestTables of mysql2, or transform of postgres.js'
}

/**
 * Checks in one query that no value changes on its way through the driver to the database and back.
 *
 * @param executeTakeFirst runs a query in the same way as the storage runs its queries
 * @throws {Error} for the first type whose values change. The message says what to do
 */
export async function checkDriver (
  db: Kysely<any>, traits: DialectTraits, rows: Rows,
  executeTakeFirst: (query: CompiledQuery<any>) => Awaitable<any>
): Promise<void> {
  const select = (type: ColumnType, name: string) =>
    type === 'boolean' || type === 'json' || type === 'time' ? traits.selection[type](name) : sql.ref(name)
  const equals = (type: ColumnType, name: string, written: unknown) => {
    if (type === 'hash') return traits.equals.hash(sql.ref(name), written as Buffer)
    if (type === 'json') return traits.equals.json(sql.ref(name), written as string)
    if (type === 'email' || type === 'text') return traits.equals.text(sql.ref(name), written as string)
    return sql`${sql.ref(name)} = ${traits.cast(type, sql.lit(written))}`
  }
  const columns = samples
    .map(([type, value], i) => ({ type, value, written: rows.write(type, value), name: `value_${i}` }))
  // The server compares each value, too. A driver may change a value that it sends, and undo the change when it reads
  // the value.
  const differences = columns
    .filter(({ value }) => value !== null)
    .map(({ type, written, name }) =>
      sql`when (${equals(type, name, written)}) is not true then ${sql.lit(type)}`)
  const selected = columns
    .filter(({ type }) => type !== 'hash')
    .map(({ type, name }) => sql`${select(type, name)} as ${sql.ref(name)}`)
  const sent = columns.map(({ type, written, name }) => sql`${traits.cast(type, written)} as ${sql.ref(name)}`)
  // The query names no table, because `withSchema` would put a schema before the name.
  const query = sql`select case ${sql.join(differences, sql` `)} else 'none' end as changed_type, ${sql.join(selected)}
    from (select ${sql.join(sent)}) as sent limit 1`
  const row = await executeTakeFirst(query.compile(db))

  const fault = (type: ColumnType | 'row') => new Error(`the driver changes ${faults[type]}`)
  if (row?.changed_type === undefined) throw fault('row')
  if (row.changed_type !== 'none') throw fault(columns.find(({ type }) => type === row.changed_type)?.type ?? 'text')
  for (const { type, value, name } of columns) {
    if (type !== 'hash' && !isDeepStrictEqual(readOf(() => rows.read(type, row[name])), value)) throw fault(type)
  }
}

function readOf (read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}
