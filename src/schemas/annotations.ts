// Symbols as keys, because JSON Schema documents leave them out.

/** Key of the error message of a schema: a text, or a function that returns one for a value and its path. */
export const Expected = Symbol('expected')

/** Key of the name of a schema's OpenAPI component. Schemas with the same members share a name. */
export const Component = Symbol('component')
