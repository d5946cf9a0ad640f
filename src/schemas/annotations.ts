// These keys are symbols, because JSON Schema documents omit symbols.

/** Key of the error message of a schema: a text, or a function that takes a value and its path and returns a text. */
export const Expected = Symbol('expected')

/** Key of the name that a schema has as an OpenAPI component. Schemas with the same members share a name. */
export const Component = Symbol('component')
