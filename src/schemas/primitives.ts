import { Kind, Type, TypeRegistry, type SchemaOptions, type TSchema, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'

const OneOfKind = 'VexaAdmin:OneOf'

TypeRegistry.Set<{ enum: unknown[] }>(OneOfKind, (schema, value) => schema.enum.includes(value))

/** One of these texts: an `enum`, where a union of literals would be an `anyOf` of many, which pages and generators do not show well. */
export function OneOf<const Name extends string> (names: readonly Name[], options: SchemaOptions = {}): TUnsafe<Name> {
  return Type.Unsafe<Name>({
    ...options,
    [Kind]: OneOfKind,
    [Expected]: `Expected one of ${names.join(', ')}`,
    type: 'string',
    enum: [...names]
  })
}

/** As `T`, for callers: what is optional may be given as `undefined`, also under `exactOptionalPropertyTypes`. */
export type Input<T> = { [Name in keyof T]: {} extends Pick<T, Name> ? T[Name] | undefined : T[Name] }

/** A query string without anything in it. */
export const NoQuery = Type.Object({}, { additionalProperties: false })

/** `schema` or `null`. */
export function Nullable<T extends TSchema> (schema: T) {
  return Type.Union([schema, Type.Null()], { [Expected]: `${schema[Expected as never]}, or null` })
}

/** RFC 3339 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const Timestamp = timestamp()

/** The same, with a description. */
export function timestamp (options: SchemaOptions = {}) {
  return Type.String({ ...options, format: 'date-time', examples: ['2024-01-01T12:00:00.000Z'] })
}

/** An integer that every database here holds in four bytes. */
export const Count = (options: SchemaOptions = {}) => Type.Integer({ ...options, minimum: 0, maximum: 2147483647 })
