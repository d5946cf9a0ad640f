import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { ChangedMeanwhileError, EmailTakenError, UserNotFoundError, UserReferencedError } from '../errors.js'
import { Component } from '../schemas/annotations.js'
import { needs } from '../hooks/require-permission.js'
import { NoQuery } from '../schemas/primitives.js'
import { errorReplies, readErrors, writeErrors } from '../schemas/error-replies.js'
import { CreateUser, ListUsers, UpdateUser, User, UserData, UserParams, UserWithTokens } from '../schemas/users.js'
import type { RouteOptions } from './index.js'
import { linkNextPage, tokensOf, toUser } from './links.js'
import { changeSourceOf } from './change-source.js'
import { listPayload, userPayload } from './json-stream.js'
import { etagHeader, expectedBy, IfMatchHeaders, tagOf, tagWithTokensOf } from './etag.js'

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
  headers: {
    location: { type: 'string', description: 'The URL of the user, relative to the URL of the request.' },
    ...etagHeader
  }
})

const ExistingUser = Type.Object(User.properties, {
  [Component]: 'User',
  description: 'The stored user with this e-mail address, unchanged',
  examples: User.examples,
  headers: NewUser.headers
})

const UpdatedUser = Type.Object(User.properties, {
  [Component]: 'User',
  description: 'The updated user',
  examples: [{ ...User.examples[0], name: 'Jane Doe' }],
  headers: etagHeader
})

const UserWithNewData = Type.Object(User.properties, {
  [Component]: 'User',
  description: 'The updated user',
  examples: [{ ...User.examples[0], data: UserData.examples[0] }],
  headers: etagHeader
})

const FoundUser = Type.Object(UserWithTokens.properties, {
  [Component]: 'UserWithTokens',
  description: 'The user, with its tokens',
  examples: UserWithTokens.examples,
  headers: {
    etag: {
      type: 'string',
      description: 'The tag of this version of the user and its tokens. `If-Match` compares only the user.'
    },
    link: {
      type: 'string',
      description: 'Link to the list of the tokens (`rel="tokens"`), relative to the URL of the request. Present only ' +
        'if the user has more tokens than the reply.'
    }
  }
})

/** Registers the routes of users. */
export const userRoutes: FastifyPluginAsyncTypebox<RouteOptions> = async (fastify, options) => {
  const { users, duplicateEmail, maxDataSize } = options
  // If an address is taken, the option `duplicateEmail` decides whether the reply is 200 or 409. OpenAPI documents show
  // only the reply of this app. The type always has 200, because the handler may reply with 200 or 201.
  const duplicate = duplicateEmail === 'return' ? { 200: ExistingUser } : errorReplies(EmailTakenError)
  const taken = duplicate as { 200: typeof ExistingUser }

  async function showByEmail (request: FastifyRequest, reply: FastifyReply, address: string) {
    const found = await users.getByEmail(address)
    reply.header('etag', tagWithTokensOf(found))
    if (found.more) reply.header('link', tokensOf(request, found.user.id, address))
    return userPayload(reply, found.user, maxDataSize)
  }

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
    linkNextPage(reply, request.query, page.users, page.more)
    if (page.total !== undefined) reply.header('x-total-count', page.total)
    return listPayload(reply, page.users, User, maxDataSize)
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
      response: { 200: FoundUser, ...errorReplies(...readErrors, UserNotFoundError) }
    }
  }, async (request, reply) => {
    const found = await users.get(request.params.id)
    reply.header('etag', tagWithTokensOf(found))
    if (found.more) reply.header('link', tokensOf(request, found.user.id))
    return userPayload(reply, found.user, maxDataSize)
  })

  fastify.get('/users/email/:email', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'getUserByEmail',
      tags: ['Users'],
      summary: 'Get a user with its tokens, by e-mail address',
      params: Type.Object({ email: Type.String({ examples: ['user@example.com'] }) }),
      querystring: NoQuery,
      response: { 200: FoundUser, ...errorReplies(...readErrors, UserNotFoundError) }
    }
  }, async (request, reply) => {
    return showByEmail(request, reply, request.params.email)
  })

  // This route is for addresses that contain a slash, or are longer than the router allows for a parameter.
  fastify.get('/users/email/*', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      hide: true,
      querystring: NoQuery,
      response: { 200: FoundUser, ...errorReplies(...readErrors, UserNotFoundError) }
    } as FastifySchema
  }, async (request, reply) => {
    return showByEmail(request, reply, (request.params as { '*': string })['*'])
  })

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
    const { created, ...stored } = await users.createOrReturn(request.body, changeSourceOf(request))
    reply.header('location', toUser(request, stored.user.id))
    reply.header('etag', tagOf(stored))
    reply.code(created ? 201 : 200)
    return stored.user
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
      headers: IfMatchHeaders,
      body: UpdateUser,
      querystring: NoQuery,
      response: {
        200: UpdatedUser,
        ...errorReplies(...writeErrors, UserNotFoundError, EmailTakenError, ChangedMeanwhileError)
      }
    }
  }, async (request, reply) => {
    const { body, headers, params: { id } } = request
    const updated = await users.update(id, body, changeSourceOf(request), expectedBy(headers['if-match']))
    reply.header('etag', tagOf(updated))
    return updated.user
  })

  fastify.put('/users/:id/data', {
    config: needs('users'),
    schema: {
      operationId: 'replaceUserData',
      tags: ['Users'],
      summary: 'Replace the data of a user',
      description: 'The body replaces `data` as a whole. A member that is `null` is kept.',
      params: UserParams,
      headers: IfMatchHeaders,
      body: UserData,
      querystring: NoQuery,
      response: {
        200: UserWithNewData,
        ...errorReplies(...writeErrors, UserNotFoundError, ChangedMeanwhileError)
      }
    }
  }, async (request, reply) => {
    const { body, headers, params: { id } } = request
    const updated = await users.replaceData(id, body, changeSourceOf(request), expectedBy(headers['if-match']))
    reply.header('etag', tagOf(updated))
    return updated.user
  })

  fastify.delete('/users/:id', {
    config: needs('users'),
    schema: {
      operationId: 'deleteUser',
      tags: ['Users'],
      summary: 'Delete a user and all of its tokens',
      params: UserParams,
      headers: IfMatchHeaders,
      querystring: NoQuery,
      response: {
        204: Type.Null({ description: 'Deleted' }),
        ...errorReplies(...writeErrors, UserNotFoundError, UserReferencedError, ChangedMeanwhileError)
      }
    }
  }, async (request, reply) => {
    await users.delete(request.params.id, changeSourceOf(request), expectedBy(request.headers['if-match']))
    reply.code(204)
    return null
  })
}
