import { domainToASCII, domainToUnicode } from 'node:url'
import { Kind, Type, TypeRegistry, type SchemaOptions, type TSchema, type TUnsafe } from '@sinclair/typebox'
import { normalizeEmail } from '../normalize.js'

/**
 * Key under which a schema says, for error messages, what it expected: a text, or a function that is given the value and its path, and returns one.
 * A symbol, so that it stays out of JSON Schema documents.
 */
export const Expected = Symbol('expected')

/** Key under which a schema has the name of its component in OpenAPI documents. Schemas of the same members have the same. */
export const Component = Symbol('component')

const TextKind = 'VexaAdmin:Text'
const EmailKind = 'VexaAdmin:Email'
const JsonObjectKind = 'VexaAdmin:JsonObject'
const OneOfKind = 'VexaAdmin:OneOf'

// JSON Schema counts characters, JavaScript and TypeBox count UTF-16 code units; and no database here
// keeps NUL and lone surrogates alike. Both need a check of our own.
TypeRegistry.Set<{ maxLength: number }>(TextKind, ({ maxLength }, value) =>
  typeof value === 'string' && isText(value) && lengthOf(value) <= maxLength)

TypeRegistry.Set(EmailKind, (_schema, value) => typeof value === 'string' && canNormalize(value) && isEmail(normalizeEmail(value)))

TypeRegistry.Set<{ enum: unknown[] }>(OneOfKind, (schema, value) => schema.enum.includes(value))

TypeRegistry.Set(JsonObjectKind, (_schema, value) => isPlainObject(value) && isJson(value, 1))

/** Returns whether a value is an object as JSON or a literal makes it, and no array, date, map or instance of a class. */
export function isPlainObject (value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

// How deep MariaDB's JSON goes, of all databases here the least.
const maxLevels = 31

// What JSON can say and every database can keep.
function isJson (value: unknown, level: number): boolean {
  if (typeof value === 'string') return isText(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value === 'boolean') return true
  if (level > maxLevels) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, level + 1))
  return isPlainObject(value) && Object.entries(value).every(([name, item]) => name !== '__proto__' && isText(name) && isJson(item, level + 1))
}

/** Whether a text may be normalised: that takes time in the square of the number of combining marks. */
export function canNormalize (value: string): boolean {
  return value.length <= 2048 && isText(value)
}

function isText (value: string): boolean {
  return value.isWellFormed() && !value.includes('\0')
}

function lengthOf (value: string): number {
  return [...value].length
}

// By RFC 5322 and 6531, without quotes, comments and literal addresses: runs of characters with a dot between them, `@`, and a domain.
const emailForm = /^([^"(),.:;<>@[\\\]]+(?:\.[^"(),.:;<>@[\\\]]+)*)@([-.a-z\d\x80-\u{10ffff}]+)$/u

// By RFC 1123 and 5891.
const domainLabel = /^(?!-|(?!xn)..--)[-a-z\d]{1,63}(?<!-)$/

function isEmail (email: string): boolean {
  // No characters that do not show, no unassigned ones, which may get another lower case, and no mark that has nothing to stand on.
  // U+2800 is a Braille pattern without dots.
  if (lengthOf(email) > 254 || /^\p{M}|[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u.test(email)) return false
  const [, local = '', domain = ''] = emailForm.exec(email) ?? []
  const ascii = domainToASCII(domain)
  if (lengthOf(`${local}@${ascii}`) > 254 || !ascii.split('.').every((label) => domainLabel.test(label))) return false
  // From Node.js 24 on, `domainToASCII` takes an `xn--` that stands for nothing, and `domainToUnicode` leaves it as it is.
  return !/(?:^|\.)xn--/.test(domainToUnicode(ascii))
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

/**
 * An e-mail address: 3 to 254 characters, with something before its one `@` and a domain after it, which may be a single name.
 * No quotes, comments, angle brackets, white space or characters that do not show. Checked in the form in which it is kept.
 */
export const Email = Type.Unsafe<string>({
  [Kind]: EmailKind,
  [Expected]: 'Expected an e-mail address of at most 254 characters, such as user@example.com',
  type: 'string',
  minLength: 3,
  maxLength: 254,
  description: 'Something before one `@`, and a domain after it, without quotes, comments and white space. Kept in Unicode NFC and lower case, and unique in that form.',
  examples: ['user@example.com']
})

/** As `T`, for callers: what is optional may be given as `undefined`, also under `exactOptionalPropertyTypes`. */
export type Input<T> = { [Name in keyof T]: {} extends Pick<T, Name> ? T[Name] | undefined : T[Name] }

/** A query string without anything in it. */
export const NoQuery = Type.Object({}, { additionalProperties: false })

/** `schema` or `null`. */
export function Nullable<T extends TSchema> (schema: T) {
  return Type.Union([schema, Type.Null()], { [Expected]: `${schema[Expected as never]}, or null` })
}

/** A JSON object of the host's own: at most 31 levels deep, its text well-formed and without NUL. */
export function JsonObject (options: SchemaOptions = {}): TUnsafe<Record<string, unknown>> {
  return Type.Unsafe<Record<string, unknown>>({
    ...options,
    [Kind]: JsonObjectKind,
    [Expected]: `Expected a JSON object of at most ${maxLevels} levels of well-formed text`,
    type: 'object',
    additionalProperties: true
  })
}

/** RFC 3339 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const Timestamp = timestamp()

/** The same, with a description. */
export function timestamp (options: SchemaOptions = {}) {
  return Type.String({ ...options, format: 'date-time', examples: ['2024-01-01T12:00:00.000Z'] })
}

/** An integer that every database here holds in four bytes. */
export const Count = (options: SchemaOptions = {}) => Type.Integer({ ...options, minimum: 0, maximum: 2147483647 })

/** Fastify's shape of an error. */
export const ErrorReply = Type.Object({
  statusCode: Type.Integer(),
  // Errors of the host's own hooks have none.
  code: Type.Optional(Type.String()),
  error: Type.String(),
  message: Type.String()
}, { [Component]: 'ErrorReply' })
