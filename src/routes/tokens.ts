import { Type, type FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { errorReplies, NoQuery } from '../schemas/atoms.js'
import { RotateToken, scopedBodies, Token, TokenParams } from '../schemas/tokens.js'
import { UserParams } from '../schemas/users.js'
import { Verification } from '../schemas/verification.js'
import type { RouteOptions } from './index.js'

export const tokenRoutes: FastifyPluginCallbackTypebox<RouteOptions> = (fastify, { tokens, scopes }, done) => {
  const { CreateToken, VerifyToken } = scopedBodies(scopes)

  fastify.post('/users/:id/tokens', {
    schema: {
      summary: 'Mint a token for a user',
      description: 'The only reply that holds the value of the token.',
      params: UserParams,
      body: CreateToken,
      querystring: NoQuery,
      response: { 201: Token, ...errorReplies(400, 401, 404, 413, 415, 503) }
    }
  }, async (request, reply) => {
    const token = await tokens.create(request.params.id, request.body)
    return reply.code(201).send(token)
  })

  fastify.get('/users/:id/tokens', {
    exposeHeadRoute: true,
    schema: {
      summary: 'List the tokens of a user',
      params: UserParams,
      querystring: NoQuery,
      response: { 200: Type.Array(Token), ...errorReplies(400, 401, 404, 503) }
    }
  }, (request) => tokens.list(request.params.id))

  fastify.delete('/users/:id/tokens', {
    schema: {
      summary: 'Revoke all tokens of a user',
      params: UserParams,
      querystring: NoQuery,
      response: { 204: Type.Null({ description: 'Revoked' }), ...errorReplies(400, 401, 404, 413, 415, 503) }
    }
  }, async (request, reply) => {
    await tokens.revokeAll(request.params.id)
    return reply.code(204).send(null)
  })

  fastify.delete('/tokens/:id', {
    schema: {
      summary: 'Revoke a token',
      params: TokenParams,
      querystring: NoQuery,
      response: { 204: Type.Null({ description: 'Revoked' }), ...errorReplies(400, 401, 404, 413, 415, 503) }
    }
  }, async (request, reply) => {
    await tokens.revoke(request.params.id)
    return reply.code(204).send(null)
  })

  fastify.post('/tokens/:id/rotate', {
    schema: {
      summary: 'Replace a token by a new one',
      description: 'The only reply that holds the value of the new token.',
      params: TokenParams,
      body: RotateToken,
      querystring: NoQuery,
      response: { 201: Token, ...errorReplies(400, 401, 404, 409, 413, 415, 503) }
    }
  }, async (request, reply) => {
    const token = await tokens.rotate(request.params.id, request.body)
    return reply.code(201).send(token)
  })

  fastify.post('/tokens/verify', {
    schema: {
      summary: 'Say whether a value is a valid token',
      body: VerifyToken,
      querystring: NoQuery,
      response: { 200: Verification, ...errorReplies(400, 401, 413, 415, 503) }
    }
  }, (request) => tokens.verify(request.body))

  done()
}
