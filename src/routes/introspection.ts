import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { TokenReferencedError } from '../errors.js'
import { basicScope } from '../hooks/read-admin-key.js'
import { needs } from '../hooks/require-permission.js'
import { errorReplies, writeErrors } from '../schemas/error-replies.js'
import { createIntrospectToken, Introspection, RevokeTokenByValue } from '../schemas/introspection.js'
import { NoQuery } from '../schemas/primitives.js'
import type { Verification } from '../schemas/verification.js'
import { formMediaType } from './body-parser.js'
import { changeSourceOf } from './change-source.js'
import { useFormBodies } from './form-bodies.js'
import type { RouteOptions } from './index.js'

// The limit leaves room for parameters that this package ignores, such as an assertion of a few kilobytes.
const bodyLimit = 16 * 1024

const consumes = ['application/json', formMediaType]

/** Registers the routes for OAuth clients. These routes also accept forms, and HTTP Basic for the admin key. */
export const introspectionRoutes: FastifyPluginAsyncTypebox<RouteOptions> = async (fastify, { tokens, scopes }) => {
  fastify.decorate(basicScope, true)
  useFormBodies(fastify, ['token', 'token_type_hint', 'scope'])

  fastify.post('/introspect', {
    config: needs('verify'),
    bodyLimit,
    schema: {
      operationId: 'introspectToken',
      tags: ['API tokens'],
      summary: 'Introspect a token (RFC 7662)',
      description: 'For OAuth clients, which may send the admin key as the password of HTTP Basic. ' +
        'An active token counts as used.',
      consumes,
      body: createIntrospectToken(scopes),
      querystring: NoQuery,
      response: { 200: Introspection, ...errorReplies(...writeErrors) }
    }
  }, async ({ body: { token, scope } }) => {
    const wanted = scope === undefined ? undefined : [...new Set(scope.split(' '))]
    return toIntrospection(await tokens.verify(wanted === undefined ? { token } : { token, scopes: wanted }))
  })

  fastify.post('/revoke', {
    config: needs('tokens'),
    bodyLimit,
    schema: {
      operationId: 'revokeTokenByValue',
      tags: ['API tokens'],
      summary: 'Revoke a token by its value (RFC 7009)',
      description: 'For OAuth clients, which may send the admin key as the password of HTTP Basic. ' +
        'The reply does not tell whether the token existed.',
      consumes,
      body: RevokeTokenByValue,
      querystring: NoQuery,
      response: {
        200: Type.Object({}, { description: 'The token is not valid now', examples: [{}] }),
        ...errorReplies(...writeErrors, TokenReferencedError)
      }
    }
  }, async (request) => {
    await tokens.revokeByValue(request.body.token, changeSourceOf(request))
    return {}
  })
}

/** Returns the result of a verification as RFC 7662 defines it. */
function toIntrospection (verification: Verification): Introspection {
  if (!verification.valid) return { active: false }
  const { user, token } = verification
  return {
    active: true,
    ...token.scopes && { scope: token.scopes.join(' ') },
    username: user.email,
    sub: user.id,
    token_type: 'Bearer',
    ...token.expires_at && { exp: toSeconds(token.expires_at) },
    iat: toSeconds(token.created_at),
    jti: token.id
  }
}

function toSeconds (time: string): number {
  return Math.floor(Date.parse(time) / 1000)
}
