import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import {
  TokenExpiredError, TokenNotFoundError, TokenReferencedError, TokenRotatedError, UserNotFoundError
} from '../errors.js'
import { needs } from '../hooks/require-permission.js'
import { NoQuery } from '../schemas/primitives.js'
import { errorReplies, writeErrors } from '../schemas/error-replies.js'
import { createTokenBodies, RotateToken } from '../schemas/token-bodies.js'
import { CreatedToken, SuccessorToken, TokenParams, UpdatedToken } from '../schemas/tokens.js'
import { UserParams } from '../schemas/users.js'
import { Verification } from '../schemas/verification.js'
import type { RouteOptions } from './index.js'
import { changeSourceOf } from './change-source.js'

/** Registers the routes that create, change, revoke and verify tokens. */
export const tokenRoutes: FastifyPluginAsyncTypebox<RouteOptions> = async (fastify, options) => {
  const { tokens } = options
  const { CreateToken, UpdateToken, VerifyToken } = createTokenBodies(options)

  fastify.post('/users/:id/tokens', {
    config: needs('tokens'),
    schema: {
      operationId: 'createToken',
      tags: ['API tokens'],
      summary: 'Create a token for a user',
      description: 'Only this reply holds the value of the token.',
      params: UserParams,
      body: CreateToken,
      querystring: NoQuery,
      response: { 201: CreatedToken, ...errorReplies(...writeErrors, UserNotFoundError) }
    }
  }, async (request, reply) => {
    const token = await tokens.create(request.params.id, request.body, changeSourceOf(request))
    reply.code(201)
    return token
  })

  fastify.delete('/users/:id/tokens', {
    config: needs('tokens'),
    schema: {
      operationId: 'revokeTokens',
      tags: ['API tokens'],
      summary: 'Revoke all tokens of a user',
      params: UserParams,
      querystring: NoQuery,
      response: {
        204: Type.Null({ description: 'Revoked' }),
        ...errorReplies(...writeErrors, UserNotFoundError, TokenReferencedError)
      }
    }
  }, async (request, reply) => {
    await tokens.revokeAll(request.params.id, changeSourceOf(request))
    reply.code(204)
    return null
  })

  fastify.delete('/tokens/:id', {
    config: needs('tokens'),
    schema: {
      operationId: 'revokeToken',
      tags: ['API tokens'],
      summary: 'Revoke a token',
      params: TokenParams,
      querystring: NoQuery,
      response: {
        204: Type.Null({ description: 'Revoked' }),
        ...errorReplies(...writeErrors, TokenNotFoundError, TokenReferencedError)
      }
    }
  }, async (request, reply) => {
    await tokens.revoke(request.params.id, changeSourceOf(request))
    reply.code(204)
    return null
  })

  fastify.patch('/tokens/:id', {
    config: needs('tokens'),
    schema: {
      operationId: 'updateToken',
      tags: ['API tokens'],
      summary: 'Update a token',
      description: 'An absent member stays as it is. `data` is a JSON Merge Patch (RFC 7396). An expired token cannot ' +
        'be updated.',
      consumes: ['application/json', 'application/merge-patch+json'],
      params: TokenParams,
      body: UpdateToken,
      querystring: NoQuery,
      response: { 200: UpdatedToken, ...errorReplies(...writeErrors, TokenNotFoundError, TokenExpiredError) }
    }
  }, (request) => tokens.update(request.params.id, request.body, changeSourceOf(request)))

  fastify.post('/tokens/:id/rotate', {
    config: needs('tokens'),
    schema: {
      operationId: 'rotateToken',
      tags: ['API tokens'],
      summary: 'Rotate a token',
      description: 'The new token has a new id, and the same user, name, scopes, data and lifetime as the old token. ' +
        'The successor of a disabled token is disabled. Only this reply holds the value of the new token. If the ' +
        'reply is lost, a second rotation of the old token gets 409 with the id of the successor.',
      params: TokenParams,
      body: RotateToken,
      querystring: NoQuery,
      response: {
        201: SuccessorToken,
        ...errorReplies(
          ...writeErrors, TokenNotFoundError, TokenExpiredError, new TokenRotatedError('token-124'),
          TokenReferencedError
        )
      }
    }
  }, async (request, reply) => {
    const token = await tokens.rotate(request.params.id, request.body, changeSourceOf(request))
    reply.code(201)
    return token
  })

  fastify.post('/tokens/verify', {
    config: needs('verify'),
    schema: {
      operationId: 'verifyToken',
      tags: ['API tokens'],
      summary: 'Verify a token',
      description: 'For other services that receive tokens, such as a gateway. A valid token counts as used, unless ' +
        '`touch` is false.',
      body: VerifyToken,
      querystring: NoQuery,
      response: { 200: Verification, ...errorReplies(...writeErrors) }
    }
  }, (request) => tokens.verify(request.body))
}
