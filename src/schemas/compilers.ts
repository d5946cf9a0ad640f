import { TypeCompiler, ValueErrorType, type TypeCheck, type ValueError } from '@sinclair/typebox/compiler'
import type { TSchema } from '@sinclair/typebox'
import fastJson from 'fast-json-stringify'
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import { InvalidInputError } from '../errors.js'
import { Expected } from './atoms.js'

interface Failure { instancePath: string, message: string }

/**
 * Compiles a TypeBox schema into a function that returns the first thing wrong with a value.
 * Nothing is coerced, filled in or left out.
 */
function compile (schema: TSchema): (value: unknown) => Failure | undefined {
  const check: TypeCheck<TSchema> = TypeCompiler.Compile(schema)
  return (value) => {
    if (check.Check(value)) return undefined
    const { path, type, schema: failed, message } = check.Errors(value).First() as ValueError
    const expected = type === ValueErrorType.ObjectRequiredProperty ? undefined : (failed as { [Expected]?: string })[Expected]
    return { instancePath: path, message: expected ?? message }
  }
}

/** For services: a function that returns its argument, or throws InvalidInputError. */
export function validator<T extends TSchema> (schema: T): (value: unknown) => void {
  const failureOf = compile(schema)
  return (value) => {
    const failure = failureOf(value)
    if (failure) throw new InvalidInputError(`${failure.instancePath} ${failure.message}`.trim())
  }
}

// A query string holds text only. What its schema wants as an integer is taken from plain digits and
// nothing else: Number() would also read 0x10 and 1e309, parseInt() would read 1e3 as 1.
function readQuery (schema: TSchema, query: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(query)) {
    const isInteger = schema.properties?.[name]?.type === 'integer'
    result[name] = isInteger && typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  }
  return result
}

export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const failureOf = compile(schema)
  return (input) => {
    const value = httpPart === 'querystring' ? readQuery(schema, input) : input
    const failure = failureOf(value)
    return failure ? { error: [failure] as never } : { value }
  }
}

/** Fastify's own wording, so that a formatter of the host's does not change our replies. */
export const schemaErrorFormatter: Parameters<FastifyInstance['setSchemaErrorFormatter']>[0] = (errors, dataVar) =>
  new Error(errors.map(({ instancePath, message }) => `${dataVar}${instancePath} ${message}`).join(', '))

export const serializerCompiler: FastifySerializerCompiler<TSchema> = ({ schema, httpStatus }) => {
  const stringify = fastJson(schema as never)
  if (Number(httpStatus) < 400) return stringify
  // An error reply that is no longer an Error was made by the host's error handler, in whatever shape it likes.
  return (payload: unknown) => payload instanceof Error ? stringify(payload) : JSON.stringify(payload)
}
