import type { TSchema } from '@sinclair/typebox'
import fastJson from 'fast-json-stringify'
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import { compile } from './validator.js'

function readQuery (schema: TSchema, query: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(query)) result[name] = readText(schema.properties?.[name]?.type, value)
  return result
}

// A query string holds text only. What its schema wants as an integer is taken from plain digits and
// nothing else: Number() would also read 0x10 and 1e309, parseInt() would read 1e3 as 1.
function readText (type: string | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (type === 'integer' && /^\d+$/.test(value)) return Number(value)
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  return value
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

// One for each schema, of which routes share many: they are most of what a start takes, after loading modules.
const serializers = new WeakMap<TSchema, ReturnType<typeof fastJson>>()

export const serializerCompiler: FastifySerializerCompiler<TSchema> = ({ schema, httpStatus }) => {
  const stringify = serializers.get(schema) ?? fastJson(schema as never)
  serializers.set(schema, stringify)
  if (Number(httpStatus) < 400) return stringify
  // An error reply that is no longer an Error was made by the host's error handler, in whatever shape it likes.
  return (payload: unknown) => payload instanceof Error ? stringify(payload) : JSON.stringify(payload)
}
