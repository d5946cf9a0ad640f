import { Type, type TObject } from '@sinclair/typebox'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { describeIn, type FreeName, type Json, type OpenApiDocument } from '../schemas/openapi.js'
import { securitySchemes } from '../schemas/security-schemes.js'

/** What OpenAPI documents say of every route besides its own schema. */
export interface Documented {
  hide: boolean
  /** Whether requests need an admin key. With `authorize`, the app says what they need. */
  adminKey: boolean
  /** The `operationId`s of the app's routes, of which some are registered later than ours. */
  operationIds: ReadonlySet<string>
}

/** Returns the `operationId`s of the routes that this scope gets from now on. */
export function collectOperationIds (fastify: FastifyInstance): ReadonlySet<string> {
  const operationIds = new Set<string>()
  fastify.addHook('onRoute', ({ schema }) => {
    const { operationId } = (schema ?? {}) as { operationId?: string }
    if (operationId !== undefined) operationIds.add(operationId)
  })
  return operationIds
}

/** The argument of a transform of @fastify/swagger. */
type Described = OpenApiDocument & { schema: Json & { response: Json }, url: string, route: { method: string } }

/**
 * Gives each route a transform of its own for @fastify/swagger. With it the app's document stays valid, whatever its version, schemes, components
 * and names. It also takes the place of the app's transform, which may understand only schemas of another kind.
 */
export function documentRoutes (fastify: FastifyInstance, { hide, adminKey, operationIds: taken }: Documented): void {
  const prefix = nameOf(fastify.prefix)
  // An app whose serializer takes another kind of schemas may add their components last, and overwrite ours of the same name.
  const prefixed = fastify.serializerCompiler !== undefined
  const operationIds = new Map<FastifySchema, string>()

  const freeName: FreeName = (name, isFree) => {
    const long = /^[A-Z]/.test(name) ? capitalize(prefix) + name : prefix + capitalize(name)
    if (isFree(name) && !prefixed) return name
    return isFree(long) ? long : numbered(long, isFree)
  }

  function swaggerTransform ({ schema, url, route, openapiObject, swaggerObject }: Described) {
    const operationId = operationIds.get(schema)
    if (operationId === undefined || schema.hide) return { schema: { hide: true }, url }

    const document = (openapiObject ?? swaggerObject) as Json
    const { body, parameters, reply } = describeIn({ openapiObject, swaggerObject }, freeName)
    return {
      url,
      schema: {
        ...adminKey && { security: [{ [adminKeyScheme(document, freeName)]: [] }] },
        ...schema,
        operationId: freeOperationId(document, taken, schema.tags, prefix + capitalize(operationId) + (route.method === 'HEAD' ? 'Head' : '')),
        querystring: parameters(schema.querystring),
        params: parameters(withPrefixParameters(url, schema.params)),
        ...schema.body && { body: body(schema.body) },
        response: Object.fromEntries(Object.entries(schema.response).map(([status, schema]) => [status, reply(schema)]))
      }
    }
  }

  fastify.addHook('onRoute', (route) => {
    const schema = route.schema as FastifySchema & { operationId?: string, hide?: boolean }
    if (hide) schema.hide = true
    // @fastify/swagger copies the options of a HEAD route whose schema has an `operationId`, before this hook can add the transform.
    if (schema.operationId) operationIds.set(schema, schema.operationId)
    delete schema.operationId
    route.config = Object.assign({ swaggerTransform }, route.config)
  })
}

/** Returns a name in camel case that stands for a path: `internalAdmin` for `/internal/admin`. */
function nameOf (path: string): string {
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

/** Returns the id, with a number if another operation of the document, or route of the app, has it. */
function freeOperationId ({ paths }: Json, taken: ReadonlySet<string>, tags: string[], operationId: string): string {
  const operations = Object.values<Json | undefined>(paths).flatMap((operations) => Object.values<Json | undefined>(operations ?? {}))
  // Where the app gives @fastify/swagger `paths`, those of the last document are among them. An operation of this route has its very tags.
  const isFree = (id: string) => !taken.has(id) && operations.every((operation) => operation?.operationId !== id || operation.tags === tags)
  return isFree(operationId) ? operationId : numbered(operationId, isFree)
}

/** Returns the name of the document's scheme for admin keys, which is added where there is none. The app's own options stay as they are. */
function adminKeyScheme (document: Json, freeName: FreeName): string {
  const [parent, key] = document.components ? [document.components, 'securitySchemes'] : [document, 'securityDefinitions']
  const schemes: Record<string, Json | undefined> = parent[key] ?? {}
  const { adminKey } = securitySchemes
  const isOurs = (scheme?: Json) => scheme?.type === adminKey.type && scheme.in === adminKey.in && String(scheme.name).toLowerCase() === adminKey.name.toLowerCase()
  const known = Object.keys(schemes).find((name) => isOurs(schemes[name]))
  if (known !== undefined) return known

  const name = freeName('adminKey', (name) => !(name in schemes))
  parent[key] = { ...schemes, [name]: adminKey }
  return name
}

/** Returns the schema of the path with the parameters of the app's prefix in it, which is not in the schemas of the routes. */
function withPrefixParameters (url: string, params?: TObject): TObject {
  const names = [...url.matchAll(/(?<![:?]):(\w+)/g)].map(([, name]) => name as string)
  return Type.Object({ ...Object.fromEntries(names.map((name) => [name, Type.String()])), ...params?.properties })
}
