import { Type, type FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import type { FastifySchema } from 'fastify'
import { errorReplies, NoQuery } from '../schemas/atoms.js'
import { CreateUser, ListUsers, UpdateUser, User, UserParams, UserWithTokens } from '../schemas/users.js'
import type { RouteOptions } from './index.js'
import { nextPage, pathOf } from './links.js'

export const userRoutes: FastifyPluginCallbackTypebox<RouteOptions> = (fastify, { users }, done) => {
  fastify.get('/users', {
    exposeHeadRoute: true,
    schema: {
      summary: 'List users',
      querystring: ListUsers,
      response: { 200: Type.Array(User), ...errorReplies(400, 401, 503) }
    }
  }, async (request, reply) => {
    const page = await users.page(request.query)
    const last = page.users.at(-1)
    if (page.more && last) reply.header('link', nextPage(pathOf(request), request.query, last.id))
    if (page.total !== undefined) reply.header('x-total-count', page.total)
    return page.users
  })

  fastify.get('/users/:id', {
    exposeHeadRoute: true,
    schema: {
      summary: 'Get a user with its tokens',
      params: UserParams,
      querystring: NoQuery,
      response: { 200: UserWithTokens, ...errorReplies(400, 401, 404, 503) }
    }
  }, (request) => users.get(request.params.id))

  fastify.get('/users/email/:email', {
    exposeHeadRoute: true,
    schema: {
      summary: 'Get a user with its tokens, by e-mail address',
      params: Type.Object({ email: Type.String({ examples: ['user@example.com'] }) }),
      querystring: NoQuery,
      response: { 200: UserWithTokens, ...errorReplies(400, 401, 404, 503) }
    }
  }, (request) => users.getByEmail(request.params.email))

  // For addresses that have a slash, or are longer than the router lets a parameter be.
  fastify.get('/users/email/*', {
    exposeHeadRoute: true,
    schema: {
      hide: true,
      querystring: NoQuery,
      response: { 200: UserWithTokens, ...errorReplies(400, 401, 404, 503) }
    } as FastifySchema
  }, (request) => users.getByEmail((request.params as { '*': string })['*']))

  fastify.post('/users', {
    schema: {
      summary: 'Create a user',
      body: CreateUser,
      querystring: NoQuery,
      response: { 200: User, 201: User, ...errorReplies(400, 401, 409, 413, 415, 503) }
    }
  }, async (request, reply) => {
    const { user, created } = await users.createOrReturn(request.body)
    reply.header('location', `${pathOf(request)}/${user.id}`)
    return reply.code(created ? 201 : 200).send(user)
  })

  fastify.patch('/users/:id', {
    schema: {
      summary: 'Change a user',
      params: UserParams,
      body: UpdateUser,
      querystring: NoQuery,
      response: { 200: User, ...errorReplies(400, 401, 404, 409, 413, 415, 503) }
    }
  }, (request) => users.update(request.params.id, request.body))

  fastify.delete('/users/:id', {
    schema: {
      summary: 'Delete a user and all of its tokens',
      params: UserParams,
      querystring: NoQuery,
      response: { 204: Type.Null({ description: 'Deleted' }), ...errorReplies(400, 401, 404, 413, 415, 503) }
    }
  }, async (request, reply) => {
    await users.delete(request.params.id)
    return reply.code(204).send(null)
  })

  done()
}
