import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import { EmailTakenError, UserNotFoundError, UserReferencedError } from '../errors.js'
import { Component } from '../schemas/annotations.js'
import { needs } from '../hooks/require-permission.js'
import { NoQuery } from '../schemas/primitives.js'
import { errorReplies, readErrors, writeErrors } from '../schemas/error-replies.js'
import { CreateUser, ListUsers, UpdateUser, User, UserParams, UserWithTokens } from '../schemas/users.js'
import type { RouteOptions } from './index.js'
import { nextPage, toUser } from './links.js'
import { changeSourceOf } from './change-source.js'

const UserList = Type.Array(User, {
  description: 'The users',
  examples: [User.examples],
  // OpenAPI documents show these headers.
  headers: {
    link: {
      type: 'string',
      description: 'Link to the next page (`rel="next"`), relative to the URL of the request. Absent on the last page.'
    },
    'x-total-count': { type: 'integer', description: 'Number of all matching users. Present only if `count` is true.' }
  }
})

const NewUser = Type.Object(User.properties, {
  [Component]: 'User',
  description: 'The new user',
  examples: User.examples,
  headers: { location: { type: 'string', description: 'The URL of the user, relative to the URL of the request.' } }
})

const ExistingUser = Type.Object(User.properties, {
  [Component]: 'User',
  description: 'The existing user with this e-mail address, unchanged',
  examples: User.examples,
  headers: NewUser.headers
})

const UpdatedUser = Type.Object(User.properties, {
  [Component]: 'User',
  description: 'The updated user',
  examples: [{ ...User.examples[0], name: 'Jane Doe' }]
})

/** Registers the routes of users. */
export const userRoutes: FastifyPluginAsyncTypebox<RouteOptions> = async (fastify, { users, duplicateEmail }) => {
  // The OpenAPI document shows only the reply that this app can give. The type allows both replies.
  const duplicate = duplicateEmail === 'return' ? { 200: ExistingUser } : errorReplies(EmailTakenError)
  const taken = duplicate as { 200: typeof ExistingUser }

  fastify.get('/users', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'listUsers',
      tags: ['Users'],
      summary: 'List users',
      description: 'Users are in order of creation. If more users follow, the `Link` header refers to the next page.',
      querystring: ListUsers,
      response: { 200: UserList, ...errorReplies(...readErrors) }
    }
  }, async (request, reply) => {
    const page = await users.page(request.query)
    const last = page.users.at(-1)
    if (page.more && last) reply.header('link', nextPage(request.query, last.id))
    if (page.total !== undefined) reply.header('x-total-count', page.total)
    return page.users
  })

  fastify.get('/users/:id', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'getUser',
      tags: ['Users'],
      summary: 'Get a user with its tokens',
      params: UserParams,
      querystring: NoQuery,
      response: { 200: UserWithTokens, ...errorReplies(...readErrors, UserNotFoundError) }
    }
  }, (request) => users.get(request.params.id))

  fastify.get('/users/email/:email', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'getUserByEmail',
      tags: ['Users'],
      summary: 'Get a user with its tokens, by e-mail address',
      params: Type.Object({ email: Type.String({ examples: ['user@example.com'] }) }),
      querystring: NoQuery,
      response: { 200: UserWithTokens, ...errorReplies(...readErrors, UserNotFoundError) }
    }
  }, (request) => users.getByEmail(request.params.email))

  // This route is for addresses that contain a slash, or are longer than the router allows for a parameter.
  fastify.get('/users/email/*', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      hide: true,
      querystring: NoQuery,
      response: { 200: UserWithTokens, ...errorReplies(...readErrors, UserNotFoundError) }
    } as FastifySchema
  }, (request) => users.getByEmail((request.params as { '*': string })['*']))

  fastify.post('/users', {
    config: needs('users'),
    schema: {
      operationId: 'createUser',
      tags: ['Users'],
      summary: 'Create a user',
      body: CreateUser,
      querystring: NoQuery,
      response: { 201: NewUser, ...taken, ...errorReplies(...writeErrors) }
    }
  }, async (request, reply) => {
    const { user, created } = await users.createOrReturn(request.body, changeSourceOf(request))
    reply.header('location', toUser(request, user.id))
    reply.code(created ? 201 : 200)
    return user
  })

  fastify.patch('/users/:id', {
    config: needs('users'),
    schema: {
      operationId: 'updateUser',
      tags: ['Users'],
      summary: 'Update a user',
      description: 'An absent member stays as it is. `data` is a JSON Merge Patch (RFC 7396).',
      consumes: ['application/json', 'application/merge-patch+json'],
      params: UserParams,
      body: UpdateUser,
      querystring: NoQuery,
      response: { 200: UpdatedUser, ...errorReplies(...writeErrors, UserNotFoundError, EmailTakenError) }
    }
  }, (request) => users.update(request.params.id, request.body, changeSourceOf(request)))

  fastify.delete('/users/:id', {
    config: needs('users'),
    schema: {
      operationId: 'deleteUser',
      tags: ['Users'],
      summary: 'Delete a user and all of its tokens',
      params: UserParams,
      querystring: NoQuery,
      response: {
        204: Type.Null({ description: 'Deleted' }),
        ...errorReplies(...writeErrors, UserNotFoundError, UserReferencedError)
      }
    }
  }, async (request, reply) => {
    await users.delete(request.params.id, changeSourceOf(request))
    reply.code(204)
    return null
  })
}
