import { Type, type FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { errorReplies, Page } from '../schemas/atoms.js'
import { CreateToken, Token } from '../schemas/tokens.js'
import { CreateUser, User, UserParams, UserWithTokens } from '../schemas/users.js'
import type { RouteOptions } from './index.js'

export const userRoutes: FastifyPluginCallbackTypebox<RouteOptions> = (fastify, { users, tokens }, done) => {
  fastify.get('/users', {
    exposeHeadRoute: true,
    schema: {
      summary: 'List users, in order of creation',
      querystring: Page,
      response: { 200: Type.Array(User), ...errorReplies(400, 401, 503) }
    }
  }, (request) => users.list(request.query))

  fastify.get('/users/:id', {
    exposeHeadRoute: true,
    schema: {
      summary: 'Get a user with its tokens',
      params: UserParams,
      response: { 200: UserWithTokens, ...errorReplies(401, 404, 503) }
    }
  }, (request) => users.get(request.params.id))

  fastify.post('/users', {
    schema: {
      summary: 'Create a user',
      body: CreateUser,
      response: { 200: User, 201: User, ...errorReplies(400, 401, 409, 413, 415, 503) }
    }
  }, async (request, reply) => {
    const { user, created } = await users.createOrReturn(request.body)
    reply.header('location', `${fastify.prefix}/users/${user.id}`)
    return reply.code(created ? 201 : 200).send(user)
  })

  fastify.post('/users/:id/tokens', {
    // The body may be missing, and Fastify would have null validated in its place.
    preValidation: (request, _reply, next) => {
      if (request.body === undefined) request.body = {}
      next()
    },
    schema: {
      summary: 'Mint a token for a user',
      description: 'The only reply that holds the value of the token.',
      params: UserParams,
      body: CreateToken,
      response: { 201: Token, ...errorReplies(400, 401, 404, 413, 415, 503) }
    }
  }, async (request, reply) => {
    const token = await tokens.create(request.params.id, request.body)
    return reply.code(201).send(token)
  })

  done()
}
