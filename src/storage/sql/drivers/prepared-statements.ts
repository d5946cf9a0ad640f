// As many as the package has, many times over. An app's own queries may come in any number, and each costs memory in each connection.
const maxStatements = 200

// PostgreSQL's: the columns of a prepared statement have changed since; there is no such statement (any more).
const outdated = ['0A000', '26000']

interface Client {
  query (...parameters: any[]): any
}

/**
 * A `Client` for pools of `pg` that has each statement parsed and planned once per connection, by its name, instead of every time. For a pool of this
 * package's own: an app's queries that begin with `select *` fail once after a change of their tables, and 200 statements is all it names.
 *
 * Not for poolers that give each transaction another connection and know nothing of prepared statements, such as PgBouncer before 1.21, or without
 * `max_prepared_statements`: there statements fail with the code 26000.
 *
 * @example
 * new PostgresDialect({ pool: new pg.Pool({ connectionString, Client: withPreparedStatements(pg.Client) }) })
 */
export function withPreparedStatements<C extends new (...parameters: any[]) => Client> (PlainClient: C): C {
  const names = new Map<string, string>()
  let count = 0

  function nameOf (text: string): string | undefined {
    let name = names.get(text)
    if (name === undefined && names.size < maxStatements) {
      name = `vexa_admin_${count++}`
      names.set(text, name)
    }
    return name
  }

  return class extends PlainClient {
    override query (text: unknown, values?: unknown, ...rest: unknown[]) {
      // What has no parameters is begin, commit or DDL, and not worth a name.
      const name = typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined
      if (name === undefined) return super.query(text, values, ...rest)
      const result = super.query({ name, text, values }, ...rest)
      if (result instanceof Promise) {
        result.catch((error) => {
          // By another name it is prepared again.
          if (outdated.includes(error?.code) && names.get(text as string) === name) names.delete(text as string)
        })
      }
      return result
    }
  }
}
