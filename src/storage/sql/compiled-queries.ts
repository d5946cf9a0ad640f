import type { Compilable, CompiledQuery } from 'kysely'

/** Stands in a query for a value that each run brings. */
class Placeholder {
  readonly name: string

  constructor (name: string) {
    this.name = name
  }
}

export type Values = Readonly<Record<string, unknown>>

/** Makes a stand-in for the value of this name. */
type ValueOf<V extends Values> = <Name extends keyof V & string>(name: Name) => V[Name]

/** Queries that are compiled once, and then run with other values: half the cost of a small query is its compilation. */
export class CompiledQueries {
  readonly #entries = new Map<string, { compiled: CompiledQuery<any>, names: string[] }>()

  /**
   * The query of this name, with these values.
   *
   * @param name stands for the text of the query: whatever that depends on belongs into it
   * @param build makes the query, the first time that it is asked for; all of its parameters come from `value`
   */
  get<V extends Values, Row> (name: string, values: V, build: (value: ValueOf<V>) => Compilable<Row>): CompiledQuery<Row> {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      const compiled = build((slot) => new Placeholder(slot) as never).compile()
      entry = { compiled, names: compiled.parameters.map((slot) => (slot as Placeholder).name) }
      this.#entries.set(name, entry)
    }
    const { sql, query, queryId } = entry.compiled
    return { sql, query, queryId, parameters: entry.names.map((name) => values[name]) }
  }
}
