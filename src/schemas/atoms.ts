import { Kind, Type, TypeRegistry, type SchemaOptions, type Static, type TSchema, type TUnsafe } from '@sinclair/typebox'
import { STATUS_CODES } from 'node:http'

/** Key under which a schema says, for error messages, what it expected. A symbol, so that it stays out of JSON Schema documents. */
export const Expected = Symbol('expected')

const TextKind = 'VexaAdmin:Text'
const EmailKind = 'VexaAdmin:Email'

// JSON Schema counts characters, JavaScript and TypeBox count UTF-16 code units; and no database here
// keeps NUL and lone surrogates alike. Both need a check of our own.
TypeRegistry.Set<{ maxLength: number }>(TextKind, ({ maxLength }, value) =>
  typeof value === 'string' && isText(value) && lengthOf(value) <= maxLength)

TypeRegistry.Set(EmailKind, (_schema, value) => typeof value === 'string' && isEmail(normalizeEmail(value)))

function isText (value: string): boolean {
  return value.isWellFormed() && !value.includes('\0')
}

function lengthOf (value: string): number {
  return [...value].length
}

/**
 * The form in which an address is kept and compared: Unicode NFC and lower case.
 * Normalised again after the change of case, because that may leave NFC.
 */
export function normalizeEmail (email: string): string {
  return email.normalize('NFC').toLowerCase().normalize('NFC')
}

function isEmail (email: string): boolean {
  if (!email.isWellFormed() || /[\s\p{Cc}]/u.test(email)) return false
  const length = lengthOf(email)
  return length >= 3 && length <= 254 && email.indexOf('@') !== -1 && email.indexOf('@') === email.lastIndexOf('@')
}

/** A string of at most `maxLength` Unicode characters, well-formed and without NUL. */
export function Text (maxLength: number, options: SchemaOptions = {}): TUnsafe<string> {
  return Type.Unsafe<string>({
    ...options,
    [Kind]: TextKind,
    [Expected]: `Expected well-formed text of at most ${maxLength} characters`,
    type: 'string',
    maxLength
  })
}

/** An e-mail address: 3 to 254 characters, one `@`, no white space or control characters. */
export const Email = Type.Unsafe<string>({
  [Kind]: EmailKind,
  [Expected]: 'Expected an e-mail address of 3 to 254 characters with one @ and no white space',
  type: 'string',
  format: 'email',
  minLength: 3,
  maxLength: 254,
  description: 'Kept in Unicode NFC and lower case, and unique in that form.'
})

/** `schema` or `null`. */
export function Nullable<T extends TSchema> (schema: T) {
  return Type.Union([schema, Type.Null()], { [Expected]: `${schema[Expected as never]}, or null` })
}

/** RFC 3339 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const Timestamp = Type.String({ format: 'date-time', examples: ['2024-01-01T12:00:00.000Z'] })

/** An integer that every database here holds in four bytes. */
export const Count = Type.Integer({ minimum: 0, maximum: 2147483647 })

/** Paging by position. */
export const Page = Type.Object({
  skip: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0, description: 'How many to leave out.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How many to return at the most.' }))
}, { additionalProperties: false })
export type Page = Static<typeof Page>

/** Fastify's shape of an error. */
export const ErrorReply = Type.Object({
  statusCode: Type.Integer(),
  code: Type.String(),
  error: Type.String(),
  message: Type.String()
})

/** The response schemas of a route that can answer with these errors. */
export function errorReplies<Status extends number> (...statuses: Status[]): Record<Status, typeof ErrorReply> {
  return Object.fromEntries(statuses.map((status) =>
    [status, { ...ErrorReply, description: STATUS_CODES[status] }])) as Record<Status, typeof ErrorReply>
}
