import type { Compilable, CompiledQuery } from 'kysely'

/** The place of a value in a compiled query. Each run of the query has its own value. */
class Placeholder {
  readonly name: string

  constructor (name: string) {
    this.name = name
  }
}

export type Values = Readonly<Record<string, unknown>>

/** Makes the placeholder of the value with this name. */
export type ValueOf<V extends Values> = <Name extends keyof V & string>(name: Name) => V[Name]

/**
 * The compiled queries of a storage, by name. Kysely compiles each query once, because compilation is half the cost of
 * a small query. Each run has its own values. A compiled query is only text and
 * placeholders. A prepared statement, which the database makes, is something else.
 */
export class CompiledQueries {
  readonly #entries = new Map<string, { compiled: CompiledQuery<any>, names: string[] }>()

  /**
   * Returns the query of this name with these values, and compiles it the first time.
   *
   * @param name identifies the SQL text. The name must include everything that the text depends on
   * @param build makes the query. All parameters of the query must come from `value`
   */
  get<V extends Values, Row> (
    name: string,
    values: V,
    build: (value: ValueOf<V>) => Compilable<Row>
  ): CompiledQuery<Row> {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      const compiled = build((column) => new Placeholder(column) as never).compile()
      entry = { compiled, names: compiled.parameters.map((parameter) => (parameter as Placeholder).name) }
      this.#entries.set(name, entry)
    }
    const { sql, query, queryId } = entry.compiled
    return { sql, query, queryId, parameters: entry.names.map((name) => values[name]) }
  }
}
