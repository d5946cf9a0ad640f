import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { adminScope } from '../hooks/require-admin.js'
import { readConsoleFiles } from './console-files.js'

/** Headers of each reply. They replace headers of the same names that @fastify/helmet has set for the app. */
const headers = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // A browser asks each time, so that a new version of the package appears at once.
  'cache-control': 'no-cache'
}

/**
 * Registers the routes of the console's three files. These routes need no admin key, because the files contain no data
 * of the app. The page sends the key with its requests to the API. OpenAPI documents omit these routes.
 */
export const consoleRoutes: FastifyPluginAsync = async (fastify) => {
  const files = await readConsoleFiles()
  // With this decorator, a hook of requireToken in an enclosing scope skips these routes. A browser has no token when
  // it loads the files.
  fastify.decorate(adminScope, true)
  for (const { path, type, content, etag } of files) {
    // Fastify serves the path `/` with and without the slash.
    fastify.get(path, {
      exposeHeadRoute: true,
      schema: { hide: true } as object,
      config: { swaggerTransform: false } as object
    }, async (request, reply) => {
      reply.headers(headers)
      const correction = path === '/' ? correctionOf(request) : undefined
      if (correction !== undefined) return reply.redirect(correction)
      reply.header('etag', etag)
      if (names(request.headers['if-none-match'], etag)) return reply.code(304).send()
      return reply.type(type).send(content)
    })
  }
}

/**
 * Returns the right URL of the page, relative to the URL of a request, or `undefined` if the URL of the request is
 * right. The page uses relative URLs. They work only if the URL of the page ends in exactly one slash.
 */
function correctionOf ({ originalUrl }: FastifyRequest): string | undefined {
  const [path = ''] = originalUrl.split(/[?;]/, 1)
  if (path.endsWith('//')) return '../'
  return path.endsWith('/') ? undefined : 'console/'
}

/** Returns whether a header `If-None-Match` names a tag (RFC 9110, section 13.1.2). */
function names (header: string | undefined, etag: string): boolean {
  return header?.split(',').some((tag) => ['*', etag, etag.slice(2)].includes(tag.trim())) === true
}
