import type { Compilable, CompiledQuery } from 'kysely'

/** Stands in a query for a value that each run brings. */
class Slot {
  readonly name: string

  constructor (name: string) {
    this.name = name
  }
}

type Values = Readonly<Record<string, unknown>>

/** Makes a stand-in for the value of this name. */
export type ValueOf<V extends Values> = <Name extends keyof V & string>(name: Name) => V[Name]

/** Queries that are compiled once, and then run with other values: half the cost of a small query is its compilation. */
export class PreparedQueries {
  readonly #compiled = new Map<string, CompiledQuery<any>>()

  /**
   * The query of this name, with these values.
   *
   * @param name stands for the text of the query: whatever `build` makes depend on anything but values belongs into it
   * @param build makes the query, the first time that it is asked for
   */
  get<V extends Values, Row> (name: string, values: V, build: (value: ValueOf<V>) => Compilable<Row>): CompiledQuery<Row> {
    let compiled: CompiledQuery<Row> | undefined = this.#compiled.get(name)
    if (compiled === undefined) {
      compiled = build((slot) => new Slot(slot) as never).compile()
      this.#compiled.set(name, compiled)
    }
    const { sql, query, queryId } = compiled
    return { sql, query, queryId, parameters: compiled.parameters.map((parameter) => parameter instanceof Slot ? values[parameter.name] : parameter) }
  }
}
