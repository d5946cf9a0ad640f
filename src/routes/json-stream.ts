import { Readable } from 'node:stream'
import type { TSchema } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { Token } from '../schemas/tokens.js'
import { User, type UserWithTokens } from '../schemas/users.js'

// A reply that may be longer is sent as a stream, because the longest string of V8 has 512 MiB.
const longestText = 256 * 1024 * 1024

/** Returns a list as the payload of a reply. Each item has at most `maxDataSize` bytes of `data` as JSON. */
export function listPayload<T extends object> (
  reply: FastifyReply, items: T[], schema: TSchema, maxDataSize: number
): T[] {
  if (items.length * maxDataSize <= longestText) return items
  return streamOf(reply, '[', items, schema, ']') as never
}

/**
 * Returns a user with its tokens as the payload of a reply. The user and each token have at most `maxDataSize` bytes of
 * `data` as JSON.
 */
export function userPayload (reply: FastifyReply, user: UserWithTokens, maxDataSize: number): UserWithTokens {
  const { api_tokens: tokens, ...members } = user
  if ((1 + tokens.length) * maxDataSize <= longestText) return user
  const start = reply.serializeInput(members, User).slice(0, -1)
  return streamOf(reply, `${start},"api_tokens":[`, tokens, Token, ']}') as never
}

/**
 * Returns a stream of the text `before`, the JSON of the items, and the text `after`. Each item is one part of the
 * stream.
 */
function streamOf (
  reply: FastifyReply, before: string, items: readonly object[], schema: TSchema, after: string
): Readable {
  const stringify = (item: object) => reply.serializeInput({ ...item }, schema)
  function * parts () {
    yield before
    for (const [i, item] of items.entries()) yield (i === 0 ? '' : ',') + stringify(item)
    yield after
  }
  reply.type('application/json; charset=utf-8')
  return Readable.from(parts(), { highWaterMark: 1 })
}
