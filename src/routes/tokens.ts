import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { TokenExpiredError, TokenNotFoundError, TokenReferencedError, UserNotFoundError } from '../errors.js'
import { NoQuery } from '../schemas/primitives.js'
import { errorReplies, reading, writing } from '../schemas/error-replies.js'
import { CreatedToken, RotateToken, createTokenBodies, SuccessorToken, Token, TokenParams } from '../schemas/tokens.js'
import { UserParams } from '../schemas/users.js'
import { Verification } from '../schemas/verification.js'
import type { RouteOptions } from './index.js'
import { changeSourceOf } from './change-source.js'

export const tokenRoutes: FastifyPluginCallbackTypebox<RouteOptions> = (fastify, { tokens, scopes }, done) => {
  const { CreateToken, VerifyToken } = createTokenBodies(scopes)

  fastify.post('/users/:id/tokens', {
    schema: {
      operationId: 'createToken',
      tags: ['API tokens'],
      summary: 'Mint a token for a user',
      description: 'This is the only reply that holds the value of the token.',
      params: UserParams,
      body: CreateToken,
      querystring: NoQuery,
      response: { 201: CreatedToken, ...errorReplies(...writing, UserNotFoundError) }
    }
  }, async (request, reply) => {
    const token = await tokens.create(request.params.id, request.body, changeSourceOf(request))
    reply.code(201)
    return token
  })

  fastify.get('/users/:id/tokens', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listTokens',
      tags: ['API tokens'],
      summary: 'List the tokens of a user',
      params: UserParams,
      querystring: NoQuery,
      response: { 200: Type.Array(Token, { description: 'The tokens', examples: [Token.examples] }), ...errorReplies(...reading, UserNotFoundError) }
    }
  }, (request) => tokens.list(request.params.id))

  fastify.delete('/users/:id/tokens', {
    schema: {
      operationId: 'revokeTokens',
      tags: ['API tokens'],
      summary: 'Revoke all tokens of a user',
      params: UserParams,
      querystring: NoQuery,
      response: { 204: Type.Null({ description: 'Revoked' }), ...errorReplies(...writing, UserNotFoundError, TokenReferencedError) }
    }
  }, async (request, reply) => {
    await tokens.revokeAll(request.params.id, changeSourceOf(request))
    reply.code(204)
    return null
  })

  fastify.delete('/tokens/:id', {
    schema: {
      operationId: 'revokeToken',
      tags: ['API tokens'],
      summary: 'Revoke a token',
      params: TokenParams,
      querystring: NoQuery,
      response: { 204: Type.Null({ description: 'Revoked' }), ...errorReplies(...writing, TokenNotFoundError, TokenReferencedError) }
    }
  }, async (request, reply) => {
    await tokens.revoke(request.params.id, changeSourceOf(request))
    reply.code(204)
    return null
  })

  fastify.post('/tokens/:id/rotate', {
    schema: {
      operationId: 'rotateToken',
      tags: ['API tokens'],
      summary: 'Replace a token by a new one',
      description: 'The new token has the same user, name and scopes, an id of its own, and as long a life as the old one was given. This is the only reply that holds its value.',
      params: TokenParams,
      body: RotateToken,
      querystring: NoQuery,
      response: { 201: SuccessorToken, ...errorReplies(...writing, TokenNotFoundError, TokenExpiredError) }
    }
  }, async (request, reply) => {
    const token = await tokens.rotate(request.params.id, request.body, changeSourceOf(request))
    reply.code(201)
    return token
  })

  fastify.post('/tokens/verify', {
    schema: {
      operationId: 'verifyToken',
      tags: ['API tokens'],
      summary: 'Say whether a value is a valid token',
      description: 'For services that are given tokens and are not the app itself. It counts as a use of the token.',
      body: VerifyToken,
      querystring: NoQuery,
      response: { 200: Verification, ...errorReplies(...writing) }
    }
  }, (request) => tokens.verify(request.body))

  done()
}
