import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { InvalidInputError, TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { needs } from '../hooks/require-permission.js'
import { errorReplies, readErrors, writeErrors } from '../schemas/error-replies.js'
import { NoQuery } from '../schemas/primitives.js'
import { createFindTokens, FoundToken, ListTokens, PrunedTokens, PruneTokens } from '../schemas/token-lists.js'
import { Token, TokenParams } from '../schemas/tokens.js'
import { UserParams } from '../schemas/users.js'
import type { RouteOptions } from './index.js'
import { listPayload } from './json-stream.js'
import { linkNextPage } from './links.js'

// OpenAPI documents show these headers.
const headers = {
  link: {
    type: 'string',
    description: 'Link to the next page (`rel="next"`), relative to the URL of the request. Absent on the last page.'
  }
}

const TokenList = Type.Array(Token, { description: 'The tokens', examples: [Token.examples], headers })

const FoundTokenList = Type.Array(FoundToken, {
  description: 'The tokens, each with its user',
  examples: [FoundToken.examples],
  headers: {
    ...headers,
    'x-total-count': { type: 'integer', description: 'Number of all matching tokens. Present only if `count` is true.' }
  }
})

/** Registers the routes that list tokens, and the route that deletes expired tokens. */
export const tokenListRoutes: FastifyPluginAsyncTypebox<RouteOptions> = async (fastify, options) => {
  const { tokens, tokenPrefix, maxDataSize } = options

  fastify.get('/tokens', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'findTokens',
      tags: ['API tokens'],
      summary: 'Find tokens of all users',
      description: 'Tokens are in order of creation. A token must match each member of the query. If more tokens ' +
        'follow, the `Link` header refers to the next page.',
      querystring: createFindTokens(tokenPrefix),
      response: { 200: FoundTokenList, ...errorReplies(...readErrors) }
    }
  }, async (request, reply) => {
    const found = await tokens.find(request.query)
    linkNextPage(reply, request.query, found.tokens, found.more)
    if (found.total !== undefined) reply.header('x-total-count', found.total)
    return listPayload(reply, found.tokens, FoundToken, maxDataSize)
  })

  fastify.get('/tokens/:id', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'getToken',
      tags: ['API tokens'],
      summary: 'Get a token and its user',
      params: TokenParams,
      querystring: NoQuery,
      response: { 200: FoundToken, ...errorReplies(...readErrors, TokenNotFoundError) }
    }
  }, (request) => tokens.get(request.params.id))

  fastify.get('/users/:id/tokens', {
    exposeHeadRoute: true,
    config: needs('read'),
    schema: {
      operationId: 'listTokens',
      tags: ['API tokens'],
      summary: 'List the tokens of a user',
      description: 'Tokens are in order of creation. If more tokens follow, the `Link` header refers to the next page.',
      params: UserParams,
      querystring: ListTokens,
      response: { 200: TokenList, ...errorReplies(...readErrors, UserNotFoundError) }
    }
  }, async (request, reply) => {
    const list = await tokens.list(request.params.id, request.query)
    linkNextPage(reply, request.query, list.tokens, list.more)
    return listPayload(reply, list.tokens, Token, maxDataSize)
  })

  fastify.delete('/tokens', {
    config: needs('tokens'),
    schema: {
      operationId: 'pruneTokens',
      tags: ['API tokens'],
      summary: 'Delete tokens that expired before a time',
      description: 'Deletes tokens in batches. After a 503, some tokens may be deleted already: send the request ' +
        'again. A token stays if a row of the app refers to it.',
      querystring: PruneTokens,
      response: {
        200: PrunedTokens,
        ...errorReplies(...writeErrors, new InvalidInputError('expired_before must not be in the future'))
      }
    }
  }, (request) => tokens.prune(request.query.expired_before))
}
