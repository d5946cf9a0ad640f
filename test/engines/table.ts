// The table of databases in examples/README.md, made of the results of the newest run on each engine.
import { readFileSync } from 'node:fs'
import { root } from '../support/child.js'
import type { Result } from './results.js'

export const page = `${root}examples/README.md`
export const keptResults = `${root}test/engines/results.json`

/** The databases in the order of the table, each with its name in the results and a note. */
const databases: ReadonlyArray<readonly [engine: string, note: string]> = [
  ['SQLite', 'and the full test suite, through better-sqlite3 12 and 13, and through Kysely\'s own dialect'],
  ...['Node.js 22', 'Node.js 24', 'Node.js 26', 'Bun', 'Deno'].map((runtime) =>
    [`node:sqlite of ${runtime}`, 'and `kill -9`, locks of other processes, and the command line'] as const),
  ['Turso, through @tursodatabase/database', 'passed 131 of 131 cases by hand, without a second process'],
  ['sql.js', 'passed 128 of 131 cases by hand, because sql.js drops U+FEFF at the beginning of a text'],
  ['libSQL', 'passed 133 of 153 cases by hand. libSQL returns bytes as an `ArrayBuffer`, and does not wait for locks'],
  ['bun:sqlite', 'passed 144 of 153 cases by hand. Its dialect does not wait for locks. Use `sqliteStorage` with Bun'],
  ['PostgreSQL 12', 'through pg 8'],
  ['PostgreSQL', 'and the full test suite, through pg 8'],
  ['PostgreSQL 18', 'through pg 8'],
  ['PostgreSQL, through postgres.js', 'through postgres 3 and kysely-postgres-js 3'],
  ['PgBouncer in transaction mode', 'through pg 8 and `withPreparedStatements`'],
  ['PgBouncer in transaction mode, without prepared statements', 'with `max_prepared_statements = 0`'],
  ['PGlite', 'through kysely-pglite-dialect, with the option `db`. PGlite drops U+FEFF at the beginning of a text'],
  ['MySQL', 'through mysql2 3'],
  ['MySQL Group Replication, one primary', 'and 0 of 2,000 revoked tokens accepted by a secondary'],
  ['MariaDB 10.5', 'through mysql2 3'],
  ['MariaDB', 'and the full test suite, through mysql2 3'],
  ['MariaDB 11.8', 'through mysql2 3'],
  [
    'Galera, three nodes that all write',
    'and 0 of 2,000 revoked tokens accepted by another node. Let the apps write to one node, because nodes ' +
    'that write at once undo changes of each other, which the storage must repeat'
  ],
  [
    'YugabyteDB',
    'migrate from one process, because YugabyteDB does not run a migration in one transaction. Each ' +
    'connection takes new ids from its own range of a hundred ids (`ysql_sequence_cache_minval`), so lists ' +
    'are not in order of creation'
  ],
  [
    'CockroachDB',
    'migrate from one process, because CockroachDB commits before each `create table`. Its type `json` is ' +
    '`jsonb`, which may change the order of members in `data`. The storage repeats a write after a conflict ' +
    '(`40001`)'
  ],
  [
    'TiDB',
    'version 6.6 or later, because older versions have no foreign keys. Each TiDB server takes new ids from ' +
    'its own range, so lists are in order of creation only if one TiDB server writes'
  ],
  ['Vitess, PlanetScale', 'use an unsharded keyspace that allows foreign keys']
]

/**
 * Returns the table.
 *
 * @throws {Error} if a result is of an engine that the table does not have
 */
export function tableOf (results: readonly Result[]): string {
  const names = databases.map(([engine]) => engine)
  const unknown = results.find(({ engine }) => !names.includes(engine))
  if (unknown !== undefined) throw new Error(`The table has no database ${unknown.engine}`)
  return [
    '| database | version | conformance suite | date | notes |',
    '| --- | --- | --- | --- | --- |',
    ...databases.map(([engine, note]) => {
      const result = results.find((result) => result.engine === engine)
      const cells = result === undefined
        ? ['', 'not tested', '']
        : [result.version, `${result.passed}/${result.total}`, result.date]
      return `| ${[engine, ...cells, note].join(' | ')} |`
    })
  ].join('\n')
}

/** Returns the page with this table between the two markers. */
export function withTable (text: string, table: string): string {
  return text.replace(/(<!-- databases -->\n).*(\n<!-- end of databases -->)/s, (_, begin, end) => begin + table + end)
}

/** Returns the results of the newest run on each engine. */
export function readKeptResults (): Result[] {
  return JSON.parse(readFileSync(keptResults, 'utf8'))
}
