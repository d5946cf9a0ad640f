import type { TSchema } from '@sinclair/typebox'
import fastJson from 'fast-json-stringify'
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import { compile } from './validator.js'

function readQuery (schema: TSchema, query: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(query)) result[name] = readText(schema.properties?.[name]?.type, value)
  return result
}

// Only a text of digits is an integer. Number() would also accept 0x10 and 1e309, and parseInt() would read 1e3 as 1.
function readText (type: string | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (type === 'integer' && /^\d+$/.test(value)) return Number(value)
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  return value
}

/**
 * Creates the function that checks one part of a request. In a query, the function converts texts to integers and
 * booleans. It converts nothing else.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const failureOf = compile(schema)
  return (input) => {
    const value = httpPart === 'querystring' ? readQuery(schema, input) : input
    const failure = failureOf(value)
    return failure ? { error: [failure] as never } : { value }
  }
}

type SchemaErrorFormatter = Parameters<FastifyInstance['setSchemaErrorFormatter']>[0]

/**
 * Formats an error as Fastify does by default, so that a formatter of the app does not change the replies of this
 * package.
 */
export const schemaErrorFormatter: SchemaErrorFormatter = (errors, dataVar) =>
  new Error(errors.map(({ instancePath, message }) => `${dataVar}${instancePath} ${message}`).join(', '))

// Each schema is compiled only once, because routes share schemas, and compiling takes most of the time of a start.
const serializers = new WeakMap<TSchema, ReturnType<typeof fastJson>>()

/**
 * Creates the serializer of a reply, which omits each member that the schema does not name. For a status of 400 or
 * more, the serializer omits such members only if the payload is an Error.
 */
export const serializerCompiler: FastifySerializerCompiler<TSchema> = ({ schema, httpStatus }) => {
  const stringify = serializers.get(schema) ?? fastJson(schema as never)
  serializers.set(schema, stringify)
  if (Number(httpStatus) < 400) return stringify
  // An error handler of the app may reply with an object of any shape.
  return (payload: unknown) => payload instanceof Error ? stringify(payload) : JSON.stringify(payload)
}
