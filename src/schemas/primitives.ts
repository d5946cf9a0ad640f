import { Kind, Type, TypeRegistry, type SchemaOptions, type TSchema, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'

const OneOfKind = 'VexaAdmin:OneOf'

TypeRegistry.Set<{ enum: unknown[] }>(OneOfKind, (schema, value) => schema.enum.includes(value))

/** Returns the schema of an `enum` of texts. OpenAPI tools handle it better than a union of literals. */
export function OneOf<const Name extends string> (names: readonly Name[], options: SchemaOptions = {}): TUnsafe<Name> {
  return Type.Unsafe<Name>({
    ...options,
    [Kind]: OneOfKind,
    [Expected]: `Expected ${names.length > 1 ? 'one of ' : ''}${names.join(', ')}`,
    type: 'string',
    enum: [...names]
  })
}

/**
 * `T` as the type of an argument: an optional member may also be `undefined`, even under `exactOptionalPropertyTypes`.
 */
export type Input<T> = { [Name in keyof T]: {} extends Pick<T, Name> ? T[Name] | undefined : T[Name] }

/** Schema of an empty query string. */
export const NoQuery = Type.Object({}, { additionalProperties: false })

/** Returns a schema that accepts `null` and each value that `schema` accepts. */
export function Nullable<T extends TSchema> (schema: T) {
  return Type.Union([schema, Type.Null()], { [Expected]: `${schema[Expected as never]}, or null` })
}

/** Schema of a time: RFC 3339 in UTC with milliseconds, as `Date.prototype.toISOString` returns it. */
export const Timestamp = timestamp()

/** Returns the schema of a time with more options, such as a description. */
export function timestamp (options: SchemaOptions = {}) {
  return Type.String({ ...options, format: 'date-time', examples: ['2024-01-01T12:00:00.000Z'] })
}

/** Returns the schema of an integer from 0 to 2147483647, the largest signed integer of four bytes. */
export const Count = (options: SchemaOptions = {}) => Type.Integer({ ...options, minimum: 0, maximum: 2147483647 })
