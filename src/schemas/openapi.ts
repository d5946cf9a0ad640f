import { isDeepStrictEqual } from 'node:util'
import { Kind, type TObject, type TSchema } from '@sinclair/typebox'
import { Component } from './annotations.js'

export type Json = Record<string, any>

/** The document that @fastify/swagger is making: OpenAPI 3.0 or 3.1, or else Swagger 2.0. */
export interface OpenApiDocument {
  openapiObject?: Json | undefined
  swaggerObject?: Json | undefined
}

/** Returns a name like `name` that is free. */
export type FreeName = (name: string, isFree: (name: string) => boolean) => string

/**
 * Returns functions that spell schemas as the version of a document wants it, and that place the named ones among its components.
 * The schemas that requests and replies are checked by stay as they are.
 */
export function describeIn ({ openapiObject, swaggerObject }: OpenApiDocument, freeName: FreeName) {
  const is31 = openapiObject !== undefined && !/^3\.0/.test(openapiObject.openapi)
  const components: Json = openapiObject ? openapiObject.components.schemas : swaggerObject?.definitions
  const path = openapiObject ? '#/components/schemas/' : '#/definitions/'

  const spell = (schema: TSchema): Json => Component in schema ? reference(schema) : spellOut(schema)

  function spellOut ({ anyOf, const: only, examples, items, properties, ...rest }: TSchema): Json {
    return {
      // Without the symbols.
      ...Object.fromEntries(Object.entries(rest)),
      ...properties && { properties: mapped(properties, spell) },
      ...items && { items: spell(items) },
      // OpenAPI 3.0 has no `const`, and swagger-ui does not show it.
      ...only !== undefined && { enum: [only] },
      ...examples && exampleOf(examples),
      ...anyOf && union(anyOf)
    }
  }

  const exampleOf = (examples: unknown[]): Json => is31 ? { examples } : { example: examples[0] }

  function union (members: TSchema[]): Json {
    if (is31) return { anyOf: members.map(spell) }
    const [first, ...others] = members.filter(({ type }) => type !== 'null') as [TSchema, ...TSchema[]]
    if (others.length === 0) return { ...spellOut(first), [openapiObject ? 'nullable' : 'x-nullable']: true }
    // Swagger 2.0 has no unions.
    return openapiObject ? { anyOf: members.map(spell) } : { type: 'object' }
  }

  /** Places a schema among the components, with an example if it has the same one wherever it is used. */
  function reference ({ description, examples, headers, ...rest }: TSchema, shared: Json = {}): Json {
    const component = { ...spellOut(rest as TSchema), ...shared }
    const name = freeName(rest[Component as never], (name) => components[name] === undefined || isDeepStrictEqual(components[name], component))
    components[name] = component
    return { $ref: path + name }
  }

  return {
    body: (schema: TSchema): Json => reference(schema, exampleOf(schema.examples)),

    /** A query or path, whose examples @fastify/swagger places, though not in Swagger 2.0. */
    parameters: (schema: TObject): Json => openapiObject ? schema : { ...schema, properties: mapped(schema.properties, ({ examples, ...member }) => member) },

    /** A reply. One that a hook of the app has added stays as it is. */
    reply (schema: TSchema): Json {
      if (!(Kind in schema) || schema.type === 'null') return schema
      const { description, examples, headers: shared, ...rest } = schema
      const spelt = spell(rest as TSchema)
      // A copy, because some versions of @fastify/swagger take the descriptions out.
      const headers = structuredClone(shared)
      if (!openapiObject) return { ...spelt, headers, 'x-response-description': description }
      const [example, ...more] = examples
      const media = more.length === 0 ? { example } : { examples: Object.fromEntries(examples.map((value: unknown, index: number) => [`example${index + 1}`, { value }])) }
      return { description, headers, content: { 'application/json': { schema: spelt, ...media } } }
    }
  }
}

function mapped<From, To> (members: Record<string, From>, change: (member: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, change(member)]))
}
