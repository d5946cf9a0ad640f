import type { Compilable, Kysely } from 'kysely'
import type { ValueOf, Values } from './compiled-queries.js'
import type { QueryRunner } from './query-runner.js'
import type { Tables } from './tables.js'

/** Maximum number of rows or keys in one statement. */
const maxLength = 128

/**
 * Cuts a list into parts whose lengths are powers of two. Few different lengths mean few different statements, and each
 * statement is compiled and prepared once. To compile an insert of 128 tokens takes longer than to run it on SQLite.
 */
export function * inParts<T> (items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0, length; start < items.length; start += length) {
    length = Math.min(maxLength, 2 ** Math.floor(Math.log2(items.length - start)))
    yield items.slice(start, start + length)
  }
}

/** Inserts rows, in their order. All rows have the same columns, in the same order. */
export async function insertRows (
  runner: QueryRunner, trx: Kysely<Tables>, table: string, rows: readonly Values[]
): Promise<void> {
  const db = runner.db as Kysely<any>
  const [first = {}] = rows
  const columns = Object.keys(first)
  for (const part of inParts(rows)) {
    const values = numbered(part.flatMap((row) => Object.values(row)))
    const query = runner.queries.get(`insertRows ${table} ${columns.join()} ${part.length}`, values, (value) =>
      db.insertInto(table).values(part.map((_row, n) =>
        runner.written(first, (column) => value(`${n * columns.length + columns.indexOf(column)}`)))))
    await runner.execute(query, trx)
  }
}

/**
 * Cuts a list of keys into parts, runs the query that `build` makes for each part, and returns all rows.
 *
 * @param name identifies the SQL text of a query, except for the number of keys
 */
export async function selectByKeys<Key, Row> (
  runner: QueryRunner, name: string, keys: readonly Key[], build: (part: Key[]) => Compilable<Row>, trx?: Kysely<Tables>
): Promise<Row[]> {
  const found: Row[] = []
  for (const part of inParts(keys)) {
    const query = runner.queries.get(`${name} ${part.length}`, numbered(part), (value: ValueOf<Values>) =>
      build(part.map((_key, n) => runner.traits.lookupValue(value(`${n}`)) as Key)))
    found.push(...(await runner.execute(query, trx)).rows)
  }
  return found
}

/**
 * Returns the array as values with the names `0`, `1`, `2`…. An array is faster than an object with a thousand names.
 */
function numbered (values: readonly unknown[]): Values {
  return values as unknown as Values
}
