import { Type, type TObject } from '@sinclair/typebox'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { createConverter, type FreeName, type Json, type OpenApiDocument } from '../schemas/openapi.js'
import { securitySchemes } from '../schemas/security-schemes.js'

/** Facts about the app that OpenAPI documents need in addition to the schemas of the routes. */
export interface DocumentOptions {
  /** Whether documents omit the routes. */
  hide: boolean
  /** Whether requests need an admin key. With `authorize`, the app itself documents how admins sign in. */
  adminKey: boolean
  /** The `operationId`s of the app's routes. The set grows while the app registers routes after the plugin's routes. */
  operationIds: ReadonlySet<string>
}

/** Returns a set. Each route that is registered in this Fastify scope from now on adds its `operationId` to the set. */
export function collectOperationIds (fastify: FastifyInstance): ReadonlySet<string> {
  const operationIds = new Set<string>()
  fastify.addHook('onRoute', ({ schema }) => {
    const { operationId } = (schema ?? {}) as { operationId?: string }
    if (operationId !== undefined) operationIds.add(operationId)
  })
  return operationIds
}

/** The argument of a transform of @fastify/swagger. */
type TransformInput = OpenApiDocument & { schema: Json & { response: Json }, url: string, route: { method: string } }

/**
 * Gives each route of this Fastify scope a transform for @fastify/swagger. The transform keeps the app's document valid
 * in every version of OpenAPI. It chooses names that differ from all security schemes, components and operation ids of
 * the app. For these routes, it replaces the transform of the app, which may understand only schemas of another
 * library.
 */
export function documentRoutes (fastify: FastifyInstance, options: DocumentOptions): void {
  const { hide, adminKey, operationIds: taken } = options
  const prefix = camelCase(fastify.prefix)
  // An app with schemas of another library may add its components last, and overwrite components of this package with
  // the same name.
  const prefixed = fastify.serializerCompiler !== undefined
  const operationIds = new Map<FastifySchema, string>()

  const freeName: FreeName = (name, isFree) => {
    const long = /^[A-Z]/.test(name) ? capitalize(prefix) + name : prefix + capitalize(name)
    if (isFree(name) && !prefixed) return name
    return isFree(long) ? long : numbered(long, isFree)
  }

  function swaggerTransform ({ schema, url, route, openapiObject, swaggerObject }: TransformInput) {
    const operationId = operationIds.get(schema)
    if (operationId === undefined || schema.hide) return { schema: { hide: true }, url }

    const document = (openapiObject ?? swaggerObject) as Json
    const longId = prefix + capitalize(operationId) + (route.method === 'HEAD' ? 'Head' : '')
    const { body, parameters, reply } = createConverter({ openapiObject, swaggerObject }, freeName)
    const replies = Object.entries(schema.response)
    return {
      url,
      schema: {
        ...adminKey && { security: [{ [adminKeyScheme(document, freeName)]: [] }] },
        ...schema,
        operationId: freeOperationId(document, taken, schema.tags, longId),
        querystring: parameters(schema.querystring),
        params: parameters(withPrefixParameters(url, schema.params)),
        ...schema.headers && { headers: parameters(schema.headers) },
        ...schema.body && { body: body(schema.body) },
        response: Object.fromEntries(replies.map(([status, schema]) => [status, reply(schema)]))
      }
    }
  }

  fastify.addHook('onRoute', (route) => {
    const schema = route.schema as FastifySchema & { operationId?: string, hide?: boolean }
    if (hide) schema.hide = true
    // @fastify/swagger copies the config of a HEAD route with an `operationId` before this hook adds the transform. So
    // the schema must not keep its `operationId`.
    if (schema.operationId) operationIds.set(schema, schema.operationId)
    delete schema.operationId
    route.config = Object.assign({ swaggerTransform }, route.config)
  })
}

/** Returns a path as a name in camel case: `internalAdmin` for `/internal/admin`. */
function camelCase (path: string): string {
  const [first, ...words] = path.split(/[^A-Za-z0-9]+/).filter(Boolean)
  return first === undefined ? 'vexaAdmin' : first + words.map(capitalize).join('')
}

function capitalize (word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function numbered (name: string, isFree: (name: string) => boolean): string {
  let number = 2
  while (!isFree(`${name}${number}`)) number++
  return `${name}${number}`
}

/**
 * Returns `operationId`, or `operationId` with a number if another operation of the document or a route of the app has
 * the same id.
 */
function freeOperationId ({ paths }: Json, taken: ReadonlySet<string>, tags: string[], operationId: string): string {
  const operations = Object.values<Json | undefined>(paths)
    .flatMap((operations) => Object.values<Json | undefined>(operations ?? {}))
  // If the app sets `paths`, this object still has the operations of the document that was created before. An operation
  // with the same array of `tags` belongs to this route.
  const isFree = (id: string) => !taken.has(id) &&
    operations.every((operation) => operation?.operationId !== id || operation.tags === tags)
  return isFree(operationId) ? operationId : numbered(operationId, isFree)
}

/**
 * Returns the name of the security scheme for admin keys. If the document lacks this scheme, adds it, and does not
 * change the options of the app.
 */
function adminKeyScheme (document: Json, freeName: FreeName): string {
  const [parent, key] = document.components
    ? [document.components, 'securitySchemes']
    : [document, 'securityDefinitions']
  const schemes: Record<string, Json | undefined> = parent[key] ?? {}
  const { adminKey } = securitySchemes
  const isOurs = (scheme?: Json) => scheme?.type === adminKey.type && scheme.in === adminKey.in &&
    String(scheme.name).toLowerCase() === adminKey.name.toLowerCase()
  const known = Object.keys(schemes).find((name) => isOurs(schemes[name]))
  if (known !== undefined) return known

  const name = freeName('adminKey', (name) => !(name in schemes))
  parent[key] = { ...schemes, [name]: adminKey }
  return name
}

/**
 * Returns the schema of all parameters of a path. The schema of the route lacks the parameters in the prefix that the
 * app chose.
 */
function withPrefixParameters (url: string, params?: TObject): TObject {
  const names = [...url.matchAll(/(?<![:?]):(\w+)/g)].map(([, name]) => name as string)
  return Type.Object({ ...Object.fromEntries(names.map((name) => [name, Type.String()])), ...params?.properties })
}
