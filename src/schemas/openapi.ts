import { isDeepStrictEqual } from 'node:util'
import { Kind, type TObject, type TSchema } from '@sinclair/typebox'
import { Component } from './annotations.js'

export type Json = Record<string, any>

/** The document that @fastify/swagger creates: OpenAPI 3.0 or 3.1, or else Swagger 2.0. */
export interface OpenApiDocument {
  openapiObject?: Json | undefined
  swaggerObject?: Json | undefined
}

/** Returns `name`, or a similar name, for which `isFree` returns true. */
export type FreeName = (name: string, isFree: (name: string) => boolean) => string

/**
 * Creates functions that convert schemas for the OpenAPI version of a document. Named schemas become components of the
 * document. The functions do not change the given schemas, because these also check requests and replies.
 */
export function createConverter ({ openapiObject, swaggerObject }: OpenApiDocument, freeName: FreeName) {
  const is31 = openapiObject !== undefined && !/^3\.0/.test(openapiObject.openapi)
  const components: Json = openapiObject ? openapiObject.components.schemas : swaggerObject?.definitions
  const path = openapiObject ? '#/components/schemas/' : '#/definitions/'

  const convert = (schema: TSchema): Json => Component in schema ? reference(schema) : inline(schema)

  function inline ({ anyOf, const: only, examples, items, properties, ...rest }: TSchema): Json {
    return {
      // Object.entries omits the symbols.
      ...Object.fromEntries(Object.entries(rest)),
      ...properties && { properties: mapValues(properties, convert) },
      ...items && { items: convert(items) },
      // OpenAPI 3.0 has no `const`, and swagger-ui does not show a `const`.
      ...only !== undefined && { enum: [only] },
      ...examples && exampleOf(examples),
      ...anyOf && union(anyOf)
    }
  }

  const exampleOf = (examples: unknown[]): Json => is31 ? { examples } : { example: examples[0] }

  function union (members: TSchema[]): Json {
    if (is31) return { anyOf: members.map(convert) }
    const [first, ...others] = members.filter(({ type }) => type !== 'null') as [TSchema, ...TSchema[]]
    if (others.length === 0) return { ...inline(first), [openapiObject ? 'nullable' : 'x-nullable']: true }
    // Swagger 2.0 has no unions.
    return openapiObject ? { anyOf: members.map(convert) } : { type: 'object' }
  }

  /** Adds a schema to the components, and returns a reference to it. */
  function reference ({ description, examples, headers, ...rest }: TSchema, shared: Json = {}): Json {
    const component = { ...inline(rest as TSchema), ...shared }
    const name = freeName(rest[Component as never], (name) =>
      components[name] === undefined || isDeepStrictEqual(components[name], component))
    components[name] = component
    return { $ref: path + name }
  }

  return {
    /** Converts the schema of a body. The example of the body becomes a part of the component. */
    body: (schema: TSchema): Json => reference(schema, exampleOf(schema.examples)),

    /**
     * Converts the schema of a query, a path or headers. Removes the examples for Swagger 2.0, because @fastify/swagger
     * converts them only for OpenAPI.
     */
    parameters: (schema: TObject): Json => openapiObject
      ? schema
      : { ...schema, properties: mapValues(schema.properties, ({ examples, ...member }) => member) },

    /** Converts the schema of a reply. Keeps a schema that a hook of the app has added. */
    reply (schema: TSchema): Json {
      if (!(Kind in schema) || schema.type === 'null') return schema
      const { description, examples, headers: shared, ...rest } = schema
      const converted = convert(rest as TSchema)
      // The headers are copied, because some versions of @fastify/swagger remove the descriptions from the given
      // object.
      const headers = structuredClone(shared)
      if (!openapiObject) return { ...converted, headers, 'x-response-description': description }
      const media = { schema: converted, ...mediaExamples(examples) }
      return { description, headers, content: { 'application/json': media } }
    }
  }
}

function mediaExamples (examples: unknown[]): Json {
  if (examples.length < 2) return { example: examples[0] }
  return { examples: Object.fromEntries(examples.map((value, index) => [`example${index + 1}`, { value }])) }
}

function mapValues<From, To> (members: Record<string, From>, change: (member: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, change(member)]))
}
