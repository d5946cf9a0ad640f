/**
 * Key under which a schema says, for error messages, what it expected: a text, or a function that is given the value and its path, and returns one.
 * A symbol, so that it stays out of JSON Schema documents.
 */
export const Expected = Symbol('expected')

/** Key under which a schema has the name of its component in OpenAPI documents. Schemas of the same members have the same. */
export const Component = Symbol('component')
