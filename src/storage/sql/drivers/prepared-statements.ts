import { hash } from 'node:crypto'

// This package needs far fewer statements. The limit is for queries of the app, because each statement costs memory in
// each connection.
const maxStatements = 200

// 0A000: the columns of a prepared statement have changed. 26000: the prepared statement does not exist.
const outdatedCodes = ['0A000', '26000']

interface Client {
  query (...parameters: any[]): any
}

/**
 * Returns a `Client` class for pools of `pg` that uses prepared statements. PostgreSQL then parses and plans a
 * statement once per connection, not each time it runs.
 *
 * The pool should serve only this package, for two reasons. The client prepares at most 200 different statements. A
 * `select *` of the app fails one time after the columns of its table change.
 *
 * The pool must not connect through a pooler that changes connections between transactions and does not support
 * prepared statements, such as PgBouncer before 1.21 or without `max_prepared_statements`. With such a pooler,
 * statements fail with the code 26000 or 42P05.
 *
 * @example
 * new PostgresDialect({ pool: new pg.Pool({ connectionString, Client: withPreparedStatements(pg.Client) }) })
 */
export function withPreparedStatements<C extends new (...parameters: any[]) => Client> (PlainClient: C): C {
  /** Names of prepared statements by their SQL text. */
  const names = new Map<string, string>()
  let outdated = 0

  function nameOf (text: string): string | undefined {
    let name = names.get(text)
    if (name === undefined && names.size < maxStatements) {
      // The name depends on the text. A pooler without support could otherwise run a statement of another process.
      name = `vexa_admin_${hash('sha256', text).slice(0, 32)}_${outdated}`
      names.set(text, name)
    }
    return name
  }

  return class extends PlainClient {
    override query (text: unknown, values?: unknown, ...rest: unknown[]) {
      // Statements without parameters, such as begin, commit and DDL, are not worth preparing.
      const name = typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined
      if (name === undefined) return super.query(text, values, ...rest)
      const result = super.query({ name, text, values }, ...rest)
      if (result instanceof Promise) {
        result.catch((error) => {
          // The next query prepares the statement again, under a new name.
          if (outdatedCodes.includes(error?.code) && names.get(text as string) === name) {
            names.delete(text as string)
            outdated++
          }
        })
      }
      return result
    }
  }
}
